/** What is installed on Linux: whole trees as the package managers leave them, everything that can be in the way, and this very machine. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createInstalledObserver, type InstalledLook } from '../../agent/observe/installed.ts';
import type { PackageManager } from '../../agent/observe/observation.ts';
import { type Os, realOs } from '../../agent/observe/os.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';
import { appsOf, binariesOf, packageJson, packagesOf, plant, type Tree } from './installed-tree.ts';

const secret = 'sk-planted-secret-4711';
const uid = process.getuid?.() ?? null;
let root: string;
let home: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-installed-'));
  home = path.join(root, 'home/ada');
  mkdirSync(home, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Options = {
  env?: Os['env'];
  user?: Os['user'];
  homes?: readonly string[];
  names?: readonly string[];
  wants?: (manager: PackageManager, name: string) => boolean;
};

async function look(tree: Tree, { env = {}, user, homes = [home], names = [], wants }: Options = {}): Promise<InstalledLook> {
  plant(root, tree);
  const os = fakeOs({ root, env, user: user ?? { name: 'ada', uid, home } });
  const observer = await createInstalledObserver(os, { homes, binaryNames: new Set(names), ...(wants ? { wantsPackage: wants } : {}) });
  return observer.look();
}

test('nothing installed is nothing found, and nothing wrong', async () => {
  expect(await look({}, { names: ['claude'] })).toEqual({ observations: [], troubles: [], incomplete: [] });
});

test('global packages of npm, pnpm, bun, yarn and of every version manager', async () => {
  const manifest = (name: string) => packageJson(name, '1.2.3');
  const seen = await look(
    {
      'usr/bin/node': { program: '' },
      'usr/lib/node_modules/npm/package.json': manifest('npm'),
      'opt/node/bin/node': { program: '' },
      'usr/local/bin/node': { link: '../../../opt/node/bin/node' },
      'opt/node/lib/node_modules/@openai/codex/package.json': packageJson('@openai/codex', '0.50.0'),
      'opt/own/bin/by-path': { program: '' },
      'opt/own/lib/node_modules/by-path/package.json': manifest('by-path'),
      'opt/prefix/lib/node_modules/by-variable/package.json': manifest('by-variable'),
      'opt/npmrc/lib/node_modules/by-npmrc/package.json': manifest('by-npmrc'),
      'home/ada/.npmrc': `//registry.example/:_authToken=${secret}\n; prefix=/nowhere\nprefix = "/opt/npmrc"\nemail=ada@example.org\n`,
      'home/ada/.npm-global/lib/node_modules/in-home/package.json': manifest('in-home'),
      'home/ada/.npm-global/lib/node_modules/.package-lock.json': '{}',
      'home/ada/.npm-global/lib/node_modules/.bin/in-home': '',
      'home/ada/.npm-global/lib/node_modules/removed': null,
      'home/ada/.nvm/versions/node/v24.1.0/lib/node_modules/by-nvm/package.json': manifest('by-nvm'),
      'home/ada/.local/share/fnm/node-versions/v22.0.0/installation/lib/node_modules/by-fnm/package.json': manifest('by-fnm'),
      'home/ada/.volta/tools/image/packages/by-volta/lib/node_modules/by-volta/package.json': manifest('by-volta'),
      'home/ada/.volta/tools/image/packages/@scope/tool/lib/node_modules/@scope/tool/package.json': manifest('@scope/tool'),
      'home/ada/.asdf/installs/nodejs/24.0.0/lib/node_modules/by-asdf/package.json': manifest('by-asdf'),
      'home/ada/.local/share/mise/installs/node/24/lib/node_modules/by-mise/package.json': manifest('by-mise'),
      'home/ada/.local/share/mise/installs/npm-by-mise-npm/1.0/lib/node_modules/by-mise-npm/package.json': manifest('by-mise-npm'),
      'home/ada/.local/share/pnpm/global/5/.pnpm/by-pnpm@1.2.3/node_modules/by-pnpm/package.json': manifest('by-pnpm'),
      'home/ada/.local/share/pnpm/global/5/node_modules/by-pnpm': { link: '../.pnpm/by-pnpm@1.2.3/node_modules/by-pnpm' },
      'home/ada/.local/share/pnpm/global/v11/1a2b/node_modules/by-pnpm-11/package.json': manifest('by-pnpm-11'),
      'home/ada/.bun/install/global/package.json': JSON.stringify({
        dependencies: { 'by-bun': `git+https://x:${secret}@example.org/a.git` },
      }),
      'home/ada/.bun/install/global/node_modules/by-bun/package.json': packageJson('by-bun', '2.0.0', { token: secret }),
      'home/ada/.bun/install/global/node_modules/dependency/package.json': manifest('dependency'),
      'home/ada/.config/yarn/global/package.json': JSON.stringify({ dependencies: { 'by-yarn': '^1' } }),
      'home/ada/.config/yarn/global/node_modules/by-yarn/package.json': manifest('by-yarn'),
      'home/ada/.config/yarn/global/node_modules/openai/package.json': manifest('openai'),
    },
    { env: { PATH: '/usr/local/bin:/opt/own/bin:/usr/bin::relative/bin', NPM_CONFIG_PREFIX: '/opt/prefix' } },
  );
  const names = [
    'in-home',
    'npm',
    'by-variable',
    'by-npmrc',
    'by-nvm',
    'by-fnm',
    'by-volta',
    '@scope/tool',
    'by-asdf',
    'by-mise',
    'by-mise-npm',
  ];
  const all = [...names, 'by-path', 'by-pnpm', 'by-pnpm-11', 'by-yarn'].map((name) => `npm ${name} 1.2.3`);
  expect(packagesOf(seen)).toEqual([...all, 'npm @openai/codex 0.50.0', 'npm by-bun 2.0.0'].sort());
  expect(seen.troubles).toEqual([]);
  expect(JSON.stringify(seen)).not.toContain(secret);
  const homeOf = (name: string) => seen.observations.find((each) => each.kind === 'package' && each.name === name)?.home;
  expect(homeOf('by-nvm')).toBe(home);
  expect(homeOf('@openai/codex')).toBeNull();
});

test('a package under an alias is what its file says, and a package.json that says nonsense is still a package', async () => {
  const modules = 'home/ada/.npm-global/lib/node_modules';
  const seen = await look(
    {
      [`${modules}/wanted-alias/package.json`]: packageJson('unwanted', '1.0.0'),
      [`${modules}/wanted-broken/package.json`]: `{"token":"${secret}"`,
      [`${modules}/wanted-odd/package.json`]: JSON.stringify({ name: `evil ${secret}`, version: `${secret}\n\u001b[31m` }),
      [`${modules}/wanted-list/package.json`]: '[]',
      [`${modules}/unwanted/package.json`]: packageJson('unwanted', '1.0.0'),
    },
    { wants: (manager, name) => manager === 'npm' && name.startsWith('wanted') },
  );
  expect(packagesOf(seen)).toEqual(['npm wanted-broken null', 'npm wanted-list null', 'npm wanted-odd null']);
  expect(seen.troubles).toEqual([
    { code: 'folder-unreadable', path: path.join(root, modules, 'wanted-broken/package.json'), detail: 'not a JSON object' },
  ]);
  expect(JSON.stringify(seen)).not.toContain(secret);
});

test('Python tools by pipx, by uv and by pip, and not what they depend on', async () => {
  const seen = await look(
    {
      'home/ada/.local/share/pipx/venvs/aider-chat/lib/python3.12/site-packages/aider_chat-0.86.1.dist-info/METADATA': secret,
      'home/ada/.local/share/pipx/venvs/aider-chat/lib/python3.12/site-packages/litellm-1.75.0.dist-info/METADATA': '',
      'home/ada/.local/share/pipx/venvs/llm_edge/lib/python3.12/site-packages/llm-0.27.dist-info/METADATA': '',
      'home/ada/.local/share/uv/tools/Open_Interpreter/lib/python3.11/site-packages/open_interpreter-0.4.3.dist-info/METADATA': '',
      'home/ada/.local/share/uv/tools/Open_Interpreter/uv-receipt.toml': secret,
      'home/ada/.local/share/uv/tools/broken': null,
      'home/ada/.local/lib/python3.11/site-packages/shell_gpt-1.4.5.dist-info/METADATA': '',
      'home/ada/.local/lib/python3.11/site-packages/sgpt/__init__.py': '',
      'usr/local/lib/python3.11/dist-packages/gpt_engineer-0.3.1-py3.11.egg-info/PKG-INFO': '',
    },
    {},
  );
  expect(packagesOf(seen)).toEqual([
    'pypi aider-chat 0.86.1',
    'pypi gpt-engineer 0.3.1',
    'pypi llm 0.27',
    'pypi open-interpreter 0.4.3',
    'pypi shell-gpt 1.4.5',
  ]);
  expect(seen.troubles).toEqual([]);
});

test("cargo's, Homebrew's, dpkg's, snap's and flatpak's packages", async () => {
  const seen = await look({
    'home/ada/.cargo/.crates2.json': JSON.stringify({
      installs: {
        'aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)': { version_req: null, bins: ['aichat'], features: [] },
        [`private-tool 0.1.0 (git+https://${secret}@example.org/x.git#abc)`]: { bins: ['x'] },
      },
    }),
    'home/linuxbrew/.linuxbrew/Cellar/ollama/0.9.0/bin/ollama': '',
    'home/linuxbrew/.linuxbrew/Cellar/ollama/0.12.3/bin/ollama': '',
    'home/linuxbrew/.linuxbrew/opt/ollama': { link: '../Cellar/ollama/0.9.0' },
    'home/linuxbrew/.linuxbrew/Cellar/opencode/0.9.11/x': '',
    'home/linuxbrew/.linuxbrew/Cellar/opencode/0.15.8/x': '',
    'home/linuxbrew/.linuxbrew/Cellar/empty': null,
    'var/lib/dpkg/status': [
      'Package: cursor\nStatus: install ok installed\nVersion: 1.7.28-1\nDescription: An editor\n Package: not-this',
      'Package: code\nStatus: deinstall ok config-files\nVersion: 1.0',
      'Package: held\nStatus: hold ok installed\nVersion: 1:2.0~rc1+dfsg-3',
    ].join('\n\n'),
    'snap/ollama/105/meta/snap.yaml': "name: ollama\nversion: 'v0.12.3'\nsummary: x\n",
    'snap/ollama/current': { link: '105' },
    'snap/bin/ollama': '',
    'var/lib/snapd/snaps/ollama_105.snap': '',
    'var/lib/snapd/snaps/unmounted_7.snap': '',
    'var/lib/flatpak/app/com.jan.Jan/x86_64/stable/abc/export/share/metainfo/com.jan.Jan.metainfo.xml':
      '<component><releases>\n<release date="2026-01-01" version="0.6.10"/><release version="0.6.9"/></releases></component>',
    'var/lib/flatpak/app/com.jan.Jan/x86_64/stable/active': { link: 'abc' },
    'var/lib/flatpak/app/com.jan.Jan/current': { link: 'x86_64/stable' },
    'var/lib/flatpak/app/gone.App': null,
  });
  expect(packagesOf(seen)).toEqual([
    'brew ollama 0.9.0',
    'brew opencode 0.15.8',
    'cargo aichat 0.30.0',
    'cargo private-tool 0.1.0',
    'dpkg cursor 1.7.28-1',
    'dpkg held 1:2.0~rc1+dfsg-3',
    'flatpak com.jan.Jan 0.6.10',
    'snap ollama v0.12.3',
    'snap unmounted null',
  ]);
  expect(seen.troubles).toEqual([]);
  expect(JSON.stringify(seen)).not.toContain(secret);
});

test('applications by their .desktop files and AppImages', async () => {
  const entry = (name: string, exec: string, rest = '') =>
    `[Desktop Entry]\nType=Application\nName[de]=Anders\nName=${name}\nExec=${exec}\n${rest}`;
  const seen = await look(
    {
      'usr/bin/flatpak': { program: '' },
      'usr/share/cursor/cursor': { program: '' },
      'usr/bin/chatbox': { program: '' },
      'usr/share/applications/cursor.desktop': entry(
        'Cursor',
        `/usr/share/cursor/cursor --api-key=${secret} %F`,
        '[Desktop Action new]\nName=Other',
      ),
      'usr/share/applications/chatbox.desktop': entry('Chatbox', `env TOKEN=${secret} chatbox %U`),
      'usr/share/applications/left-behind.desktop': entry('Gone', '/opt/gone/gone'),
      'usr/share/applications/hidden.desktop': entry('Hidden', 'chatbox', 'Hidden=true'),
      'usr/share/applications/link.desktop': '[Desktop Entry]\nType=Link\nName=Page\nURL=https://example.org',
      'usr/share/applications/mimeinfo.cache': '[MIME Cache]',
      'usr/share/applications/kde/inner.desktop': entry('Inner', 'not-on-path'),
      'var/lib/flatpak/exports/share/applications/ai.jan.Jan.desktop': entry('Jan', '/usr/bin/flatpak run --branch=stable ai.jan.Jan'),
      'home/ada/.local/share/applications/lm-studio.desktop': entry(
        'LM Studio',
        `"${path.join(root, 'home/ada/Apps/LM Studio.AppImage')}" --no-sandbox`,
      ),
      'home/ada/Apps/LM Studio.AppImage': { program: '' },
      'home/ada/Applications/Cherry-Studio-1.6.3-x86_64.AppImage': { program: '' },
      'home/ada/Applications/notes.txt': '',
    },
    { env: { PATH: '/usr/bin' } },
  );
  expect(appsOf(seen)).toEqual([
    'ai.jan.Jan null',
    'chatbox null',
    'cherry-studio 1.6.3',
    'cursor null',
    'kde-inner null',
    'lm-studio null',
  ]);
  const at = Object.fromEntries(seen.observations.map((each) => [each.kind === 'app' ? each.appId : '', each]));
  const share = path.join(root, 'usr/share/applications');
  expect(at['cursor']).toMatchObject({ name: 'Cursor', path: path.join(root, 'usr/share/cursor/cursor'), home: null, platform: 'linux' });
  expect(at['chatbox']).toMatchObject({ path: path.join(root, 'usr/bin/chatbox') });
  expect(at['kde-inner']).toMatchObject({ path: path.join(share, 'kde/inner.desktop') });
  expect(at['ai.jan.Jan']).toMatchObject({ path: path.join(root, 'var/lib/flatpak/exports/share/applications/ai.jan.Jan.desktop') });
  expect(at['lm-studio']).toMatchObject({ home, path: path.join(home, 'Apps/LM Studio.AppImage') });
  expect(seen.troubles).toEqual([]);
  expect(JSON.stringify(seen)).not.toContain(secret);
});

test('executables with a known name on PATH and in the usual folders, once each, with where they lead', async () => {
  const seen = await look(
    {
      'usr/bin/claude': { program: '' },
      'usr/bin/other': { program: '' },
      'usr/bin/codex': '',
      bin: { link: 'usr/bin' },
      'usr/local/bin/claude': { link: '/nowhere' },
      'usr/local/bin/codex': { link: 'codex' },
      'home/ada/.local/share/claude/versions/2.1.197': { program: '' },
      'home/ada/.local/bin/claude': { link: '../share/claude/versions/2.1.197' },
      'home/ada/.nvm/versions/node/v24.1.0/bin/codex': { program: '' },
      'home/ada/.opencode/bin/opencode': { program: '' },
      'home/ada/bin/claude/readme': '',
      'home/ada/tools/codex': { program: '' },
    },
    { names: ['claude', 'codex', 'opencode'], env: { PATH: `/bin:${path.join(root, 'home/ada/tools')}:tools` } },
  );
  expect(binariesOf(seen, root)).toEqual([
    'bin/claude',
    'home/ada/.local/bin/claude',
    'home/ada/.nvm/versions/node/v24.1.0/bin/codex',
    'home/ada/.opencode/bin/opencode',
    'home/ada/tools/codex',
  ]);
  expect(seen.observations.find(({ path: at }) => at === path.join(home, '.local/bin/claude'))).toEqual({
    kind: 'binary',
    name: 'claude',
    path: path.join(home, '.local/bin/claude'),
    target: path.join(home, '.local/share/claude/versions/2.1.197'),
    home,
  });
  expect(seen.troubles).toEqual([]);
});

test("another account's home is noted and not looked into, and nothing known of it may be called gone", async () => {
  const seen = await look(
    {
      'home/ada/.local/bin/claude': { program: '' },
      'home/ada/.npm-global/lib/node_modules/x/package.json': packageJson('x', '1.0.0'),
      'usr/bin/codex': { program: '' },
    },
    { user: { name: 'bob', uid: (uid ?? 0) + 1, home: path.join(root, 'home/bob') }, names: ['claude', 'codex'] },
  );
  expect(seen.troubles).toEqual([{ code: 'home-not-owned', path: home }]);
  expect(seen.observations.map(({ path: at }) => at)).toEqual([path.join(root, 'usr/bin/codex')]);
  expect([...seen.incomplete].sort()).toEqual(['app', 'binary', 'brew', 'cargo', 'dpkg', 'flatpak', 'npm', 'pypi', 'snap']);
});

needs('root').it("another account's file in one's own home is noted and not read", async () => {
  const file = 'home/ada/.npm-global/lib/node_modules/x/package.json';
  plant(root, {
    [file]: packageJson('x', '1.0.0'),
    'home/ada/.npmrc': 'prefix=/opt/elsewhere',
    'opt/elsewhere/lib/node_modules/y/package.json': '{}',
  });
  chownSync(path.join(root, file), 4711, 4711);
  chownSync(path.join(home, '.npmrc'), 4711, 4711);
  const seen = await look({});
  expect(packagesOf(seen)).toEqual(['npm x null']);
  expect(seen.troubles.map(({ code, path: at }) => `${code} ${path.relative(home, at ?? '')}`).sort()).toEqual([
    'home-not-owned .npm-global/lib/node_modules/x/package.json',
    'home-not-owned .npmrc',
  ]);
  expect(seen.incomplete).toEqual(['npm']);
});

test('with another home than the own, neither the own home nor what the environment says of it is looked at', async () => {
  const other = path.join(root, 'home/grace');
  const seen = await look(
    {
      'home/ada/.local/bin/claude': { program: '' },
      'home/ada/pnpm/global/5/node_modules/x/package.json': packageJson('x', '1.0.0'),
      'home/grace/.local/bin/claude': { program: '' },
    },
    { homes: [other], names: ['claude'], env: { PATH: path.join(home, '.local/bin'), PNPM_HOME: path.join(home, 'pnpm') } },
  );
  expect(seen.observations.map(({ path: at }) => at)).toEqual([path.join(other, '.local/bin/claude')]);
});

test('pipes, loops, folders and giants in the place of files never block, and each is noted', async () => {
  const modules = path.join(home, '.npm-global/lib/node_modules');
  for (const name of ['pipe', 'loop', 'folder', 'giant']) mkdirSync(path.join(modules, name), { recursive: true });
  execFileSync('mkfifo', [path.join(modules, 'pipe/package.json')]);
  symlinkSync('package.json', path.join(modules, 'loop/package.json'));
  mkdirSync(path.join(modules, 'folder/package.json'));
  writeFileSync(path.join(modules, 'giant/package.json'), Buffer.alloc(1024 * 1024 + 1, 0x20));
  const applications = path.join(home, '.local/share/applications');
  mkdirSync(applications, { recursive: true });
  execFileSync('mkfifo', [path.join(applications, 'pipe.desktop')]);
  symlinkSync('bin', path.join(home, 'bin'));
  const seen = await look({}, { names: ['claude'] });
  expect(packagesOf(seen)).toEqual(['npm folder null', 'npm giant null', 'npm loop null', 'npm pipe null']);
  const notes = seen.troubles.map(({ code, path: at, detail }) => `${code} ${path.relative(home, at ?? '')}: ${detail}`);
  expect([...new Set(notes)].sort()).toEqual([
    'folder-unreadable .local/share/applications/pipe.desktop: a named pipe',
    'folder-unreadable .npm-global/lib/node_modules/folder/package.json: a folder',
    'folder-unreadable .npm-global/lib/node_modules/giant/package.json: 1048577 bytes, more than 1048576',
    'folder-unreadable .npm-global/lib/node_modules/loop/package.json: ELOOP',
    'folder-unreadable .npm-global/lib/node_modules/pipe/package.json: a named pipe',
    'folder-unreadable bin: ELOOP',
  ]);
  expect(seen.incomplete).toContain('binary');
});

test('a folder without permission is noted, and the rest is seen', async () => {
  plant(root, { 'home/ada/bin/claude': { program: '' }, 'home/ada/.local/bin/claude': { program: '' } });
  chmodSync(root, 0o755);
  chmodSync(path.join(home, 'bin'), 0);
  // Nothing is closed to root, so root looks as nobody for this once.
  if (uid === 0) process.seteuid?.(65534);
  const seen = await look({}, { names: ['claude'] }).finally(() => uid === 0 && process.seteuid?.(0));
  expect(seen.troubles[0]).toEqual({ code: 'folder-unreadable', path: path.join(home, 'bin'), detail: 'EACCES' });
  expect(binariesOf(seen, home)).toEqual(['.local/bin/claude']);
  expect(seen.incomplete).toContain('binary');
});

test('a thousand packages that nobody asked about: none is opened', async () => {
  const modules = path.join(home, '.npm-global/lib/node_modules');
  for (let index = 0; index < 1000; index++) mkdirSync(path.join(modules, `package-${index}`), { recursive: true });
  // Opening any of them would leave a trouble behind.
  for (const index of [0, 500, 999]) execFileSync('mkfifo', [path.join(modules, `package-${index}/package.json`)]);
  plant(modules, { 'wanted/package.json': packageJson('wanted', '1.0.0') });
  const seen = await look({}, { wants: (_manager, name) => name === 'wanted' });
  expect(packagesOf(seen)).toEqual(['npm wanted 1.0.0']);
  expect(seen.troubles).toEqual([]);
});

test('a look that is called off rejects with the reason', async () => {
  const observer = await createInstalledObserver(fakeOs({ root }), { homes: [home], binaryNames: new Set() });
  const stop = new AbortController();
  const looking = observer.look(stop.signal);
  stop.abort(new Error('enough'));
  await expect(looking).rejects.toThrow('enough');
  await expect(observer.look(stop.signal)).rejects.toThrow('enough');
});

test('this machine: a package that real npm installed, found by PATH and by prefix', async () => {
  const source = path.join(root, 'source');
  plant(source, {
    'package.json': packageJson('muster-tiny-tool', '1.4.2', { bin: { 'muster-tiny': 'main.js' } }),
    'main.js': '#!/usr/bin/env node\n',
  });
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))),
    npm_config_cache: path.join(root, 'cache'),
  };
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync('npm', [...args, '--offline', '--ignore-scripts'], { cwd, env, encoding: 'utf8' });
  npm(['pack', '--silent'], source);
  const prefix = path.join(root, 'prefix');
  npm(['install', '--global', '--prefix', prefix, '--silent', path.join(source, 'muster-tiny-tool-1.4.2.tgz')], root);
  const found = async (extra: Os['env']) => {
    const os: Os = { ...realOs(), env: extra, user: { name: 'ada', uid, home } };
    const observer = await createInstalledObserver(os, {
      homes: [home],
      binaryNames: new Set(['muster-tiny']),
      wantsPackage: (_manager, name) => name === 'muster-tiny-tool',
    });
    return (await observer.look()).observations.filter(({ kind }) => kind !== 'app');
  };
  const installed = path.join(prefix, 'lib/node_modules/muster-tiny-tool');
  const asPackage = { kind: 'package', manager: 'npm', name: 'muster-tiny-tool', version: '1.4.2', path: installed, home: null };
  expect(await found({ npm_config_prefix: prefix })).toEqual([asPackage]);
  expect(await found({ PATH: path.join(prefix, 'bin') })).toEqual([
    asPackage,
    {
      kind: 'binary',
      name: 'muster-tiny',
      path: path.join(prefix, 'bin/muster-tiny'),
      target: path.join(installed, 'main.js'),
      home: null,
    },
  ]);
});

needs('debian').it('this machine: the same packages and versions as dpkg itself says', async () => {
  const observer = await createInstalledObserver({ ...realOs(), env: {} }, { homes: [], binaryNames: new Set() });
  const seen = packagesOf(await observer.look()).filter((line) => line.startsWith('dpkg '));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders.
  const said = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status} dpkg ${Package} ${Version}\n'], { encoding: 'utf8' });
  const expected = said
    .split('\n')
    .filter((line) => line.startsWith('installed '))
    .map((line) => line.slice('installed '.length));
  expect(expected.length).toBeGreaterThan(50);
  expect(seen).toEqual([...new Set(expected)].sort());
});
