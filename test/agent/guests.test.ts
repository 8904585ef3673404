/** Systems inside this one: WSL from the registry's answers, dev containers from real project folders, and files that mean no good. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGuestObserver, type GuestLook } from '../../agent/observe/guests.ts';
import { fakeOs } from '../fakes.ts';

let root: string;
let home: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-guests-'));
  home = path.join(root, 'home/ada');
  mkdirSync(home, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Fake = Partial<Parameters<typeof fakeOs>[0]>;
const look = (projects: readonly string[], os: Fake = {}): Promise<GuestLook> =>
  createGuestObserver(fakeOs({ root, ...os }), { homes: [home], projects: () => projects }).look();

function write(at: string, content: string | object): string {
  const file = path.join(home, at);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

test('nothing is nothing, and said so', async () => {
  expect(await look([])).toEqual({ sentence: 'No Linux under Windows and no dev container is known here.', guests: [], observations: [] });
});

const lxss = 'HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss';
const registry = [
  '',
  lxss,
  '    DefaultDistribution    REG_SZ    {1}',
  '',
  `${lxss}\\{1}`,
  '    DistributionName    REG_SZ    Ubuntu-24.04',
  '    BasePath    REG_SZ    \\\\?\\C:\\Users\\ada\\AppData\\Local\\wsl\\{1}',
  '    DefaultUid    REG_DWORD    0x3e8',
  '    DefaultEnvironment    REG_MULTI_SZ    TOKEN=sk-planted-secret-4711',
  '',
  `${lxss}\\{2}`,
  '    DistributionName    REG_SZ    docker-desktop',
  '',
  `${lxss}\\{3}`,
  '    State    REG_DWORD    0x3',
  '',
].join('\r\n');

test('Windows: distributions by the registry alone, with one program asked', async () => {
  const asked: string[] = [];
  const programs = (file: string, args: readonly string[]) => {
    asked.push([file, ...args].join(' '));
    return registry;
  };
  const seen = await look([], { platform: 'win32', env: { SystemRoot: 'D:\\Windows' }, programs });
  expect(asked).toEqual(['D:\\Windows\\System32\\reg.exe query HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss /s']);
  expect(seen).toEqual({
    sentence: '2 Linux systems (WSL) are known by name; what is inside is not looked at from here.',
    guests: [
      { kind: 'wsl', name: 'Ubuntu-24.04', path: 'C:\\Users\\ada\\AppData\\Local\\wsl\\{1}' },
      { kind: 'wsl', name: 'docker-desktop', path: null },
    ],
    observations: [],
  });
  const none = await look([], { platform: 'win32', programs: () => Object.assign(new Error('no key'), { code: 1 }) });
  expect(none).toMatchObject({ guests: [], sentence: 'No Linux under Windows and no dev container is known here.' });
  const broken = await look([], { platform: 'win32', programs: () => Object.assign(new Error('x'), { code: 'ENOENT' }) });
  expect(broken.sentence).toMatch(/^Which Linux systems \(WSL\) are here can’t be read from the registry\./);
});

test('inside of WSL it is said that Windows is outside', async () => {
  expect((await look([], { env: { WSL_DISTRO_NAME: 'Ubuntu' } })).sentence).toMatch(/^This is a Linux inside Windows \(WSL: Ubuntu\);/);
  mkdirSync(path.join(root, 'proc/sys/kernel'), { recursive: true });
  writeFileSync(path.join(root, 'proc/sys/kernel/osrelease'), '6.6.87.2-microsoft-standard-WSL2\n');
  expect((await look([])).sentence).toMatch(/^This is a Linux inside Windows \(WSL\);/);
  expect((await look([], { platform: 'darwin' })).sentence).not.toContain('WSL)');
});

test('dev containers: the three places, the extensions of each editor, and nothing else of the file', async () => {
  const shop = path.join(home, 'shop');
  const file = write(
    'shop/.devcontainer/devcontainer.json',
    `\uFEFF// What we work in
    { "name": "Shop \\u001b[31mred", "image": "node:24", "containerEnv": { "API_KEY": "sk-planted-secret-4711" },
      "customizations": { "vscode": { "extensions": ["GitHub.copilot", "saoudrizwan.claude-dev@3.1.0", "-dbaeumer.vscode-eslint", "no id", 7, "github.copilot",] },
        "jetbrains": { "plugins": ["com.github.copilot", "\\u0000"] } }, }`,
  );
  write('shop/.devcontainer/python/devcontainer.json', { customizations: { vscode: { extensions: ['continue.continue'] } } });
  write('old/.devcontainer.json', { name: 'Old', extensions: ['tabnine.tabnine-vscode'] });
  write('plain/readme.md', 'no container');
  const seen = await look([shop, path.join(home, 'old'), path.join(home, 'plain'), path.join(home, 'gone'), 'relative', shop]);
  const extension = (program: string, id: string, at: string, version: string | null = null, host = 'vscode') => ({
    ...{ kind: 'extension', host, program, id, folder: null, version, profiles: [], enabled: null, permissions: [], path: at, home },
  });
  const python = path.join(shop, '.devcontainer/python/devcontainer.json');
  const old = path.join(home, 'old/.devcontainer.json');
  expect(seen).toEqual({
    sentence: '3 dev containers are known by name; what is inside is not looked at from here.',
    guests: [
      { kind: 'dev-container', name: 'shop', path: file },
      { kind: 'dev-container', name: 'shop (python)', path: python },
      { kind: 'dev-container', name: 'old', path: old },
    ],
    observations: [
      extension('Dev container shop', 'github.copilot', file),
      extension('Dev container shop', 'saoudrizwan.claude-dev', file, '3.1.0'),
      extension('Dev container shop', 'com.github.copilot', file, null, 'jetbrains'),
      extension('Dev container shop (python)', 'continue.continue', python),
      extension('Dev container old', 'tabnine.tabnine-vscode', old),
    ],
  });
  expect(JSON.stringify(seen)).not.toContain('sk-planted');
});

test('hostile files and folders are passed over', async () => {
  const bad: Record<string, string> = {
    deep: '['.repeat(100_000),
    big: `{"name":"${'a'.repeat(2 * 1024 * 1024)}"}`,
    binary: '\u0000\ufffd\u0001',
    list: '[]',
    text: '"x"',
    half: '{"customizations": {"vscode": {"extensions": ["a.b"',
  };
  for (const [name, text] of Object.entries(bad)) write(`${name}/.devcontainer/devcontainer.json`, text);
  mkdirSync(path.join(home, 'folder/.devcontainer/devcontainer.json'), { recursive: true });
  mkdirSync(path.join(home, 'pipe/.devcontainer'), { recursive: true });
  execFileSync('mkfifo', [path.join(home, 'pipe/.devcontainer/devcontainer.json')]);
  mkdirSync(path.join(home, 'loop'));
  symlinkSync('.devcontainer', path.join(home, 'loop/.devcontainer'));
  write('shapes/.devcontainer.json', {
    extensions: 'a.b',
    customizations: { vscode: [{ extensions: ['a.b'] }], jetbrains: { plugins: {} } },
  });
  const projects = [...Object.keys(bad), 'folder', 'pipe', 'loop', 'shapes'].map((name) => path.join(home, name));
  expect(await look(projects)).toMatchObject({ guests: [{ name: 'shapes' }], observations: [] });
});

test('nothing that macOS would ask about, and no share on Windows, is looked at', async () => {
  const file = write('Documents/shop/.devcontainer.json', {});
  expect((await look([path.dirname(file)], { platform: 'darwin' })).guests).toEqual([]);
  expect((await look([`/${path.dirname(file)}`], { platform: 'win32' })).guests).toEqual([]);
  expect((await look([path.dirname(file)])).guests).toHaveLength(1);
});

test('whatever the extensions are, only ids come out', async () => {
  const project = path.join(home, 'any');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab.-@1 /') }), fc.anything())),
      async (extensions) => {
        write('any/.devcontainer.json', { extensions, customizations: { jetbrains: { plugins: extensions } } });
        const { observations } = await look([project]);
        for (const { id, version } of observations) expect(`${id} ${version}`).toMatch(/^[\w-][\w. -]{0,260} (null|[\w.+-]{1,64})$/);
      },
    ),
    { numRuns: 60 },
  );
});
