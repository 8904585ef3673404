/** The config observer on real files and real watches, in a home of its own. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import { type ConfigObserver, type ConfigRead, createConfigObserver } from '../../agent/observe/configs.ts';
import type { Trouble } from '../../agent/observe/observation.ts';
import type { Os } from '../../agent/observe/os.ts';
import { problem } from '../../agent/problems.ts';
import { type Catalog, parseCatalog } from '../../native-catalog/catalog.ts';
import type { McpPlace } from '../../native-catalog/schema.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';

const uid = process.getuid?.() ?? null;
let root: string;
let home: string;
let ending: AbortController;

beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'muster-configs-'));
  home = path.join(root, 'home/ada');
  mkdirSync(home, { recursive: true });
  ending = new AbortController();
});
afterEach(() => {
  ending.abort();
  rmSync(root, { recursive: true, force: true });
});

function place(client: string, scope: McpPlace['scope'], file: string, more: Partial<McpPlace> = {}) {
  return { client, scope, path: { darwin: file, linux: file, win32: file }, format: 'json' as const, at: ['mcpServers'], ...more };
}

const places: ReturnType<Catalog['places']> = {
  mcp: [
    place('claude-code', 'user', '~/.claude.json'),
    place('claude-code', 'local', '~/.claude.json', { at: ['projects', '*', 'mcpServers'] }),
    place('claude-code', 'project', '<project>/.mcp.json'),
    place('claude-code', 'managed', '/etc/claude-code/managed-mcp.json'),
    place('cursor', 'user', '~/.cursor/mcp.json'),
    place('cursor', 'project', '<project>/.cursor/mcp.json'),
    place('vscode', 'user', '$XDG_CONFIG_HOME/Code/User/mcp.json', { format: 'jsonc', at: ['servers'] }),
    place('codex', 'user', '~/.codex/config.toml', {
      format: 'toml',
      at: ['mcp_servers'],
      movedBy: { variable: 'CODEX_HOME', path: '$CODEX_HOME/config.toml' },
    }),
  ],
  projects: [
    {
      client: 'claude-code',
      path: { darwin: '~/.claude.json', linux: '~/.claude.json', win32: '~/.claude.json' },
      format: 'json',
      at: ['projects'],
      take: 'keys',
    },
  ],
  configs: [
    { entry: 'claude-code', path: '~/.claude' },
    { entry: 'claude-code', path: '~/.claude.json' },
    { entry: 'managed', path: '/etc/claude-code' },
    { entry: 'absent', path: '~/.absent' },
  ],
};

function observer(options: Partial<Os> & { homes?: string[]; found?: ReturnType<Catalog['places']> } = {}): ConfigObserver {
  const { homes = [home], found = places, ...rest } = options;
  const machine = fakeOs({ root, user: { name: 'ada', uid, home }, ...rest });
  return createConfigObserver(machine, { homes, catalog: { places: () => found } });
}

function put(file: string, text: string): string {
  const at = path.isAbsolute(file) ? file : path.join(home, file);
  mkdirSync(path.dirname(at), { recursive: true });
  writeFileSync(at, text);
  return at;
}

/** What a read says, short: `client scope state text`. */
function said({ file, ...read }: ConfigRead): string {
  const scope = file.role === 'mcp' ? file.place.scope : 'projects';
  return `${file.place.client} ${scope} ${read.state === 'read' ? read.text.toString() : read.state === 'refused' ? read.trouble.code : 'absent'}`;
}

describe('look', () => {
  test('reads each place of the home and of the system, also several in one file', () => {
    put('.claude.json', 'A');
    put('.config/Code/User/mcp.json', 'B');
    put(path.join(root, 'etc/claude-code/managed-mcp.json'), 'C');
    const reads = observer().look();
    expect(reads.map(said).sort()).toEqual([
      'claude-code local A',
      'claude-code managed C',
      'claude-code projects A',
      'claude-code user A',
      'codex user absent',
      'cursor user absent',
      'vscode user B',
    ]);
    expect(reads.find(({ file }) => file.home === null)?.file).toMatchObject({
      path: path.join(root, 'etc/claude-code/managed-mcp.json'),
      project: null,
    });
  });

  test('follows the variable that moves a file, for the current user only, and still looks at the default', () => {
    const other = path.join(root, 'home/bob');
    put(path.join(root, 'elsewhere/config.toml'), 'moved');
    put('.codex/config.toml', 'default');
    put(path.join(other, '.codex/config.toml'), 'of bob');
    const env = { CODEX_HOME: path.join(root, 'elsewhere') };
    const codex = observer({ homes: [home, other], env })
      .look()
      .filter(({ file }) => file.place.client === 'codex');
    expect(codex.map(said).sort()).toEqual(['codex user default', 'codex user moved', 'codex user of bob']);
  });

  test('what is no regular file of a sane size is refused, and nothing blocks', () => {
    execFileSync('mkfifo', [path.join(home, '.claude.json')]);
    mkdirSync(path.join(home, '.cursor/mcp.json'), { recursive: true });
    mkdirSync(path.join(home, '.codex'));
    symlinkSync('config.toml', path.join(home, '.codex/config.toml'));
    put('.config/Code/User/mcp.json', ' '.repeat(8 * 1024 * 1024 + 1));
    const refused = observer()
      .look()
      .filter(({ state }) => state === 'refused');
    expect(refused.map(said).sort()).toEqual([
      'claude-code local config-refused',
      'claude-code projects config-refused',
      'claude-code user config-refused',
      'codex user config-refused',
      'cursor user config-refused',
      'vscode user config-refused',
    ]);
  });

  test("another account's home is reported once and nothing in it is read", () => {
    put('.claude.json', 'private');
    const asked = observer({ user: { name: 'eve', uid: (uid ?? 0) + 1, home: path.join(root, 'home/eve') } });
    const reads = asked.look();
    expect(reads.filter(({ file }) => file.home !== null)).toMatchObject([
      { state: 'refused', file: { path: home }, trouble: { code: 'home-not-owned', path: home } },
    ]);
    expect(asked.traces()).toEqual([]);
    expect(asked.setProjects(home, [path.join(root, 'project')])).toEqual([]);
  });

  needs('root').it("a file of another account in one's own home is reported and not read", () => {
    chownSync(put('.claude.json', 'private'), 12345, 12345);
    symlinkSync(put(path.join(root, 'home/bob/mcp.json'), 'private'), put('.cursor/x', '').replace(/x$/, 'mcp.json'));
    chownSync(path.join(root, 'home/bob/mcp.json'), 12345, 12345);
    const refused = observer()
      .look()
      .filter(({ state }) => state === 'refused');
    expect(new Set(refused.map(said))).toEqual(
      new Set([
        'claude-code user config-not-owned',
        'claude-code local config-not-owned',
        'claude-code projects config-not-owned',
        'cursor user config-not-owned',
      ]),
    );
  });

  test('traces name what exists', () => {
    put('.claude/settings.json', '');
    put(path.join(root, 'etc/claude-code/x'), '');
    expect(observer().traces()).toEqual([
      { kind: 'config', entry: 'claude-code', path: path.join(home, '.claude'), home },
      { kind: 'config', entry: 'managed', path: path.join(root, 'etc/claude-code'), home: null },
    ]);
  });

  test('the real catalog resolves to places under the home or the root, on each platform', () => {
    const catalog = parseCatalog(readCatalog());
    for (const platform of ['linux', 'darwin', 'win32'] as const) {
      const reads = createConfigObserver(fakeOs({ root, platform, user: { name: 'ada', uid, home } }), { homes: [home], catalog }).look();
      expect(reads.length).toBeGreaterThan(6);
      for (const { file, state } of reads) {
        expect(state).toBe('absent');
        expect(file.path.startsWith(file.home ?? root)).toBe(true);
        expect(file.path).not.toMatch(/[%$~<*]/);
      }
    }
  });
});

describe('projects', () => {
  test('new folders answer with their files, known ones with nothing, and a look reads them all', () => {
    const project = path.join(root, 'src/one');
    put(path.join(project, '.mcp.json'), 'P');
    const asked = observer();
    expect(asked.setProjects(home, [project, 'relative']).map(said)).toEqual(['claude-code project P']);
    expect(asked.setProjects(home, [project])).toEqual([]);
    const read = asked.look().find((one) => said(one) === 'claude-code project P');
    expect(read?.file).toMatchObject({ project, home });
  });

  test('a network path of Windows is told and never looked at, however it is written and however it came', () => {
    const shares = [
      '\\\\server\\share',
      '//server/other',
      '\\\\?\\UNC\\server\\c$',
      '/\\server\\share\\d',
      '\\\\wsl.localhost\\Ubuntu\\src',
    ];
    // A folder that is there under that name would be read, were it asked for.
    const real = `/${put(path.join(root, 'src/.mcp.json'), 'P')}`.replace('/.mcp.json', '');
    const asked = observer({ platform: 'win32' });
    const refused = asked.setProjects(home, [...shares, real]);
    expect(refused.map(said)).toEqual([...shares, real].map(() => 'claude-code project not-looked-at'));
    expect(refused.map(({ file }) => file.path)).toContain('\\\\server\\share\\');
    expect(new Set(refused.map((read) => read.state === 'refused' && problem(read.trouble).message.replace(/^.*? was/, 'It was')))).toEqual(
      new Set(['It was not looked at, because it is a network path, and Windows might sign you in there.']),
    );
    expect(asked.setProjects(home, shares)).toEqual([]);
    expect(asked.look().map(said)).not.toContain('claude-code project P');
    // A home that lies on a server is the user's own, and its projects are.
    const mine = observer({ platform: 'win32', homes: [path.join(root, 'src')] });
    expect(mine.setProjects(path.join(root, 'src'), [`/${path.dirname(put(path.join(root, 'src/a/.mcp.json'), 'A'))}`]).map(said)).toEqual([
      'claude-code project A',
    ]);
    // Elsewhere two slashes are as good as one, and a backslash is a letter.
    expect(
      observer()
        .setProjects(home, [...shares, real])
        .map(said),
    ).toEqual(['claude-code project P']);
  });

  test('on macOS a folder that the system guards is not looked at, also behind a link, and said so once', () => {
    put('Documents/work/.mcp.json', 'P');
    symlinkSync(path.join(home, 'Documents/work'), path.join(home, 'link'));
    put('src/.cursor/mcp.json', 'Q');
    const folders = [path.join(home, 'Documents/work'), path.join(home, 'link'), path.join(home, 'src')];
    const asked = observer({ platform: 'darwin' });
    expect(asked.setProjects(home, folders).map((read) => `${said(read)} ${path.relative(home, read.file.path)}`)).toEqual([
      'claude-code project not-looked-at Documents/work',
      'claude-code project not-looked-at link',
      'cursor project Q src/.cursor/mcp.json',
    ]);
    expect(asked.look().map(said)).not.toContain('claude-code project P');
    put('Documents/dotfiles/claude.json', 'private');
    symlinkSync(path.join(home, 'Documents/dotfiles/claude.json'), path.join(home, '.claude.json'));
    expect(asked.look().map(said)).toContain('claude-code user not-looked-at');
    expect(observer().setProjects(home, folders).map(said)).toContain('claude-code project P');
  });
});

describe('watch', () => {
  const seen: string[] = [];
  const troubles: Trouble[] = [];
  beforeEach(() => {
    seen.length = 0;
    troubles.length = 0;
  });

  async function watched(options: Parameters<typeof observer>[0] = {}): Promise<ConfigObserver> {
    const asked = observer(options);
    asked.look();
    await asked.watch(
      ending.signal,
      (read) => seen.push(said(read)),
      (trouble) => troubles.push(trouble),
    );
    return asked;
  }
  const until = (...wanted: string[]) =>
    vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(wanted)), { timeout: 5000, interval: 5 });
  /** Everything that happened before is settled once a later change of another file is. */
  let turn = 0;
  async function settled(): Promise<void> {
    const text = `settled ${turn++}`;
    put('.codex/config.toml', text);
    await until(`codex user ${text}`);
  }
  const of = (client: string) => seen.filter((line) => line.startsWith(client));

  test('a change, an atomic save and an editor that swaps files are one event each', async () => {
    const file = put('.cursor/mcp.json', '1');
    await watched();
    writeFileSync(file, '2');
    await until('cursor user 2');
    put('.cursor/mcp.json.tmp', '3');
    renameSync(`${file}.tmp`, file);
    await until('cursor user 3');
    renameSync(file, `${file}~`);
    writeFileSync(file, '4');
    rmSync(`${file}~`);
    await until('cursor user 4');
    await settled();
    expect(of('cursor')).toEqual(['cursor user 2', 'cursor user 3', 'cursor user 4']);
    expect(troubles).toEqual([]);
  });

  test('the same content again is no event; one file with three places is three reads', async () => {
    put('.claude.json', 'same');
    await watched();
    for (let time = 0; time < 20; time++) put('.claude.json', 'same');
    await settled();
    expect(of('claude-code')).toEqual([]);
    put('.claude.json', 'other');
    await until('claude-code user other', 'claude-code local other', 'claude-code projects other');
    await settled();
    expect(of('claude-code')).toHaveLength(3);
  });

  test('a file that never comes to rest is read all the same', async () => {
    const file = put('.cursor/mcp.json', '0');
    await watched();
    for (let text = 1; of('cursor').length === 0; text++) {
      writeFileSync(file, String(text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(of('cursor')).toHaveLength(1);
  });

  test('a place whose folders appear later is found, and found again after they are gone', async () => {
    await watched();
    put('.config/Code/User/mcp.json', 'new');
    await until('vscode user new');
    rmSync(path.join(home, '.config'), { recursive: true });
    await until('vscode user absent');
    mkdirSync(path.join(root, 'made/User'), { recursive: true });
    writeFileSync(path.join(root, 'made/User/mcp.json'), 'moved in');
    mkdirSync(path.join(home, '.config'));
    renameSync(path.join(root, 'made'), path.join(home, '.config/Code'));
    await until('vscode user moved in');
    put(path.join(root, 'etc/claude-code/managed-mcp.json'), 'by IT');
    await until('claude-code managed by IT');
  });

  test('links are followed, to a file and to a folder', async () => {
    const file = put(path.join(root, 'dotfiles/claude.json'), '1');
    mkdirSync(path.join(root, 'dotfiles/cursor'));
    symlinkSync(file, path.join(home, '.claude.json'));
    await watched();
    writeFileSync(file, '2');
    await until('claude-code user 2');
    symlinkSync(path.join(root, 'dotfiles/cursor'), path.join(home, '.cursor'));
    put(path.join(root, 'dotfiles/cursor/mcp.json'), '3');
    await until('cursor user 3');
  });

  test('a project made known while watching is watched', async () => {
    const project = path.join(root, 'src/one');
    mkdirSync(project, { recursive: true });
    const asked = await watched();
    asked.setProjects(home, [project]);
    put(path.join(project, '.mcp.json'), 'P');
    await until('claude-code project P');
    put(path.join(project, '.cursor/mcp.json'), 'Q');
    await until('cursor project Q');
  });

  test('what changed between the look and the watch is not lost, and an end is an end', async () => {
    const asked = observer();
    asked.look();
    put('.cursor/mcp.json', 'between');
    const reads: string[] = [];
    await asked.watch(
      ending.signal,
      (read) => reads.push(said(read)),
      () => {},
    );
    expect(reads).toEqual(['cursor user between']);
    ending.abort();
    put('.cursor/mcp.json', 'after');
    ending = new AbortController();
    await watched();
    await settled();
    expect(reads).toEqual(['cursor user between']);
  });

  // Only Linux says what a process watches.
  test.runIf(process.platform === 'linux')('watches only folders on the way to a named file, never what else lies in a home', async () => {
    for (let index = 0; index < 50; index++) put(`src/project${index}/deep/file.txt`, '');
    put('.cursor/mcp.json', '');
    const before = inotifyWatches();
    await watched();
    // The home, .cursor and its file, and etc's nearest folder, twice counted at most.
    expect(inotifyWatches() - before).toBeLessThanOrEqual(8);
  });
});

function inotifyWatches(): number {
  let count = 0;
  for (const file of readdirSync('/proc/self/fdinfo')) {
    try {
      count += readFileSync(`/proc/self/fdinfo/${file}`, 'utf8').match(/^inotify/gm)?.length ?? 0;
    } catch {
      // The descriptor of this very listing is closed by now.
    }
  }
  return count;
}
