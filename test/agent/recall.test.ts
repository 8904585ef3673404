/** One server planted in each place of each platform is found, in the shape its client writes; and what only looks like a config is not. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import type { Os } from '../../agent/observe/os.ts';
import type { Platform } from '../../electron/contract.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { fakeOs } from '../fakes.ts';
import { type Json, found as look, plant, readRows } from './mcp-planted.ts';

const catalog = parseCatalog(readCatalog());
const rows = readRows(readFileSync(path.join(import.meta.dirname, '../fixtures/mcp-places.tsv'), 'utf8'));

let root: string;
let home: string;
let project: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-recall-'));
  home = path.join(root, 'home/ada');
  project = path.join(root, 'work/shop');
  mkdirSync(home, { recursive: true });
  mkdirSync(project, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const machine = (platform: Platform, env: Os['env'] = {}) =>
  fakeOs({ root, platform, env, user: { name: 'ada', uid: process.getuid?.() ?? null, home } });

const found = (os: Os) => look(os, home, catalog);

describe.each(['darwin', 'linux', 'win32'] as const)('on %s', (platform) => {
  test('every planted server is found', () => {
    const mine = rows.filter(({ os }) => os === platform);
    const { planted, files } = plant(mine, { home, project, moved: path.join(root, 'moved'), system: (place) => path.join(root, place) });
    const seen = new Set(
      found(machine(platform, { CLAUDE_CONFIG_DIR: path.join(root, 'moved') })).map(({ name, file }) => `${name} ${file}`),
    );
    const missed = planted.filter(({ name, file }) => !seen.has(`${name} ${file}`));
    console.log(`${platform}: ${planted.length - missed.length} of ${planted.length} planted servers in ${files} files found`);
    expect(missed.map(({ row }) => `${row.client}: ${row.path} at ${row.keys}`)).toEqual([]);
    expect(planted.length).toBeGreaterThan(130);
  });
});

function put(file: string, value: Json | string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
}
const server = (name: string) => ({ [name]: { command: 'npx', args: ['-y', name] } });
const config = (name: string) => ({ mcpServers: server(name) });

/** Each holds a server that could run, in a file that no client reads. Under the home (`~`), the known project (`+`) or the root (`/`). */
const lookAlikes: readonly string[] = [
  '+/node_modules/pkg/.mcp.json',
  '+/test/fixtures/.mcp.json',
  '+/docs/examples/.mcp.json',
  '+/dist/.mcp.json',
  '+/packages/api/.mcp.json',
  '+/.git/worktrees/x/.mcp.json',
  '+/.mcp.json.bak',
  '+/.mcp.json~',
  '+/.mcp.json.orig',
  '+/.mcp.json.swp',
  '+/.#.mcp.json',
  '+/.mcp.json.tmp.4711',
  '+/mcp.json',
  '+/mcp_config.json',
  '+/.cursor/mcp.json.bak',
  '+/.cursor/rules/mcp.json',
  '+/.vscode/mcp.json.example',
  '+/.vscode/mcp/mcp.json',
  '+/claude_desktop_config.json',
  '+/.continue/mcpServers/deep/one.json',
  '+/.continue/mcpServers/one.json.bak',
  '+/.kiro/agents/one.json.disabled',
  '+/.agents/plugins/.mcp.json',
  '/work/unknown/.mcp.json',
  '/home/eve/.claude.json',
  '/home/eve/.cursor/mcp.json',
  '/mnt/backup/home/ada/.claude.json',
  '~/.local/share/Trash/files/.claude.json',
  '~/.Trash/.mcp.json',
  '~/Downloads/claude_desktop_config.json',
  '~/Documents/mcp.json',
  '~/notes/.mcp.json',
  '~/.claude.json.backup',
  '~/.claude.json.backup.1763800000',
  '~/.claude/backups/.claude.json',
  '~/.claude/projects/shop/.mcp.json',
  '~/.claude/plugins/cache/acme/tool/1.0.0/node_modules/pkg/.mcp.json',
  '~/.claude/plugins/cache/acme/tool/1.0.0/.git/.mcp.json',
  '~/.claude/plugins/cache/1/2/3/4/5/6/7/8/.mcp.json',
  '~/.claude/plugins/cache/acme/tool/1.0.0/.mcp.json.bak',
  '~/.cursor/mcp.json.1',
  '~/.cursor/backup/mcp.json',
  '~/.cursor/extensions/acme.tool-1.0.0/mcp.json',
  '~/.vscode/extensions/acme.tool-1.0.0/mcp.json',
  '~/.config/Code/User/profiles/mcp.json',
  '~/.config/Code/User/History/-1a2b3c/AbCd.json',
  '~/.config/Code/Backups/1a2b/mcp.json',
  '~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/cline_mcp_settings.json',
  '~/.gemini/extensions/gemini-extension.json',
  '~/.gemini/extensions/one/dist/gemini-extension.json',
  '~/.gemini/settings.json.orig',
  '~/.codeium/windsurf/mcp_config.json.old',
  '~/.npm/_npx/1a2b/node_modules/pkg/.mcp.json',
  '~/.cache/uv/archive-v0/x/.mcp.json',
];

describe.each(['darwin', 'linux', 'win32'] as const)('what only looks like a config, on %s', (platform) => {
  test('is not reported', () => {
    const name = (index: number) => `look-alike-${index}`;
    lookAlikes.forEach((place, index) => {
      const file = place.replace(/^\+/, project).replace(/^~/, home);
      // In the shapes of all clients at once, so that it isn't the shape by which it is left alone.
      put(file.startsWith('/work/') || file.startsWith('/home/') || file.startsWith('/mnt/') ? path.join(root, file) : file, {
        ...config(name(index)),
        servers: server(name(index)),
        mcp: server(name(index)),
      });
    });
    put(path.join(home, '.claude.json'), {
      ...config('real'),
      projects: { [project]: { history: [{ display: JSON.stringify(config('typed')) }], exampleFiles: config('example') } },
      cached: config('cached'),
    });
    // A plugin that names files outside of itself, and one that lies outside of its cache.
    put(path.join(home, 'outside.json'), config('outside'));
    put(path.join(home, '.claude/plugins/cache/acme/sly/.claude-plugin/plugin.json'), {
      name: 'sly',
      mcpServers: ['../../../../../outside.json', path.join(home, 'outside.json'), './link.json'],
    });
    symlinkSync(path.join(home, 'outside.json'), path.join(home, '.claude/plugins/cache/acme/sly/link.json'));
    put(path.join(root, 'elsewhere/tool/.mcp.json'), config('linked'));
    symlinkSync(path.join(root, 'elsewhere'), path.join(home, '.claude/plugins/cache/elsewhere'));
    // A window on another machine has the same path there.
    put(path.join(home, '.config/Code/User/workspaceStorage/1a/workspace.json'), {
      folder: `vscode-remote://ssh-remote%2Bx${root}/work/unknown`,
    });
    // The right file with the wrong key.
    put(path.join(home, '.config/Code/User/settings.json'), config('wrong key'));
    put(path.join(home, '.codex/config.toml.bak'), '[mcp_servers.backup]\ncommand = "x"\n');
    if (platform !== 'win32') put(path.join(home, '.mcp.json'), config('project file in a home'));

    const names = found(machine(platform)).map((one) => one.name);
    console.log(`${platform}: ${names.length - 1} of ${lookAlikes.length + 9} look-alikes reported`);
    expect(names).toEqual(['real']);
  });
});

describe('what the client follows is followed', () => {
  const at = (os: Os) => found(os).map(({ name, file }) => `${name} ${path.relative(root, file)}`);

  test('variables that move a config, for one file and for a folder with a pattern', () => {
    const put1 = (file: string, value: Json | string) => put(path.join(root, file), value);
    put1('codex/config.toml', '[mcp_servers.codex]\ncommand = "x"\n');
    put1('codex/work.config.toml', '[mcp_servers.profile]\ncommand = "x"\n');
    put1('portable/user-data/User/mcp.json', { servers: server('portable') });
    put1('xdg/opencode/opencode.json', { mcp: { xdg: { type: 'local', command: ['x'] } } });
    put1('named/by.json', { mcp: { named: { type: 'remote', url: 'https://x.example' } } });
    put1('claude/plugins/cache/acme/tool/1/.mcp.json', server('plugin'));
    put1('cline.json', config('cline'));
    put1('state/openclaw.json', "{ mcp: { servers: { claw: { command: 'x', }, } } }");
    const env = {
      CODEX_HOME: path.join(root, 'codex'),
      VSCODE_PORTABLE: path.join(root, 'portable'),
      XDG_CONFIG_HOME: path.join(root, 'xdg'),
      OPENCODE_CONFIG: path.join(root, 'named/by.json'),
      CLAUDE_CONFIG_DIR: path.join(root, 'claude'),
      CLINE_MCP_SETTINGS_PATH: path.join(root, 'cline.json'),
      OPENCLAW_STATE_DIR: path.join(root, 'state'),
    };
    expect(at(machine('linux', env)).sort()).toEqual([
      'claw state/openclaw.json',
      'cline cline.json',
      'codex codex/config.toml',
      'named named/by.json',
      'plugin claude/plugins/cache/acme/tool/1/.mcp.json',
      'portable portable/user-data/User/mcp.json',
      'profile codex/work.config.toml',
      'xdg xdg/opencode/opencode.json',
    ]);
    expect(at(machine('linux'))).toEqual([]);
    // The switches move with it.
    put1('claude/settings.json', { enabledPlugins: { 'tool@acme': false } });
    put(path.join(home, '.claude/settings.json'), { enabledPlugins: { 'tool@acme': true } });
    expect(found(machine('linux', env)).find(({ name }) => name === 'plugin')?.enabled).toBe(false);
  });

  test('a file that another file names: a plugin’s own, and where Rovo Dev keeps its servers', () => {
    const plugin = path.join(home, '.claude/plugins/marketplaces/acme/plugins/tool');
    put(path.join(plugin, '.claude-plugin/plugin.json'), { name: 'tool', mcpServers: './servers/mcp.json' });
    put(path.join(plugin, 'servers/mcp.json'), config('named'));
    put(path.join(home, '.rovodev/config.yml'), 'mcp:\n  mcpConfigPath: ~/settings/rovo.json\n');
    put(path.join(home, 'settings/rovo.json'), config('rovo'));
    expect(at(machine('linux')).sort()).toEqual([
      'named home/ada/.claude/plugins/marketplaces/acme/plugins/tool/servers/mcp.json',
      'rovo home/ada/settings/rovo.json',
    ]);
  });

  test('projects that editors know: folders, workspaces, and the list in their state', () => {
    const user = path.join(home, '.config/Cursor/User');
    put(path.join(user, 'workspaceStorage/1a/workspace.json'), { folder: `file://${root}/work/with%20space` });
    put(path.join(user, 'workspaceStorage/2b/workspace.json'), { workspace: `file://${root}/work/many/all.code-workspace` });
    put(path.join(root, 'work/with space/.cursor/mcp.json'), config('folder'));
    put(path.join(root, 'work/many/all.code-workspace'), { settings: { mcp: { servers: server('workspace') } } });
    put(path.join(root, 'work/recent/.vscode/mcp.json'), { servers: server('recent') });
    const state = path.join(home, '.config/Code/User/globalStorage/state.vscdb');
    mkdirSync(path.dirname(state), { recursive: true });
    const database = new Sqlite(state);
    database.exec('PRAGMA user_version = 1; CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
    const entries = [{ folderUri: `file://${root}/work/recent` }, { fileUri: 'file:///etc/passwd' }];
    database.prepare('INSERT INTO ItemTable VALUES (?, ?)').run('history.recentlyOpenedPathsList', JSON.stringify({ entries }));
    database.close();
    const before = readFileSync(state);
    expect(at(machine('linux')).sort()).toEqual([
      'folder work/with space/.cursor/mcp.json',
      'recent work/recent/.vscode/mcp.json',
      'workspace work/many/all.code-workspace',
    ]);
    expect(readFileSync(state)).toEqual(before);
    expect(readdirSync(path.dirname(state))).toEqual(['state.vscdb']);
  });

  test('what a client has switched off elsewhere is off', () => {
    const enabled = () => Object.fromEntries(found(machine('darwin')).map((one) => [one.name, one.enabled]));
    put(path.join(project, '.mcp.json'), { mcpServers: { ...server('a'), ...server('b'), ...server('c'), ...server('d') } });
    put(path.join(home, '.claude.json'), { projects: { [project]: { disabledMcpjsonServers: ['a'] } } });
    put(path.join(project, '.claude/settings.local.json'), { disabledMcpjsonServers: ['b'] });
    put(path.join(home, '.claude/settings.json'), {
      disabledMcpjsonServers: ['c'],
      enabledPlugins: { 'on@acme': true, 'off@acme': false, 'offered@acme': true },
    });
    put(path.join(home, '.claude/plugins/cache/acme/on/1.0.0/.mcp.json'), config('plugin-on'));
    put(path.join(home, '.claude/plugins/cache/acme/off/1.0.0/.mcp.json'), config('plugin-off'));
    const offer = (name: string) => path.join(home, `.claude/plugins/marketplaces/acme/plugins/${name}/.claude-plugin/plugin.json`);
    put(offer('offered'), config('plugin-offered'));
    put(offer('not-installed'), config('plugin-not-installed'));
    const desktop = path.join(home, 'Library/Application Support/Claude');
    put(path.join(desktop, 'Claude Extensions/acme.one/manifest.json'), {
      name: 'extension-on',
      server: { mcp_config: { command: 'node' } },
    });
    put(path.join(desktop, 'Claude Extensions/acme.two/manifest.json'), {
      name: 'extension-off',
      server: { mcp_config: { command: 'node' } },
    });
    put(path.join(desktop, 'Claude Extensions Settings/acme.two.json'), { isEnabled: false, userConfig: { token: 'x' } });
    expect(enabled()).toEqual({
      ...{ a: true, b: true, c: true, d: true },
      ...{ 'plugin-on': true, 'plugin-off': false, 'plugin-offered': true, 'plugin-not-installed': false },
      ...{ 'extension-on': true, 'extension-off': false },
    });
    // Copilot CLI reads the same file, and these are Claude Code's switches.
    const claude = found(machine('darwin')).filter(({ client, file }) => client === 'claude-code' && file.endsWith('/shop/.mcp.json'));
    expect(Object.fromEntries(claude.map((one) => [one.name, one.enabled]))).toEqual({ a: false, b: false, c: false, d: true });
  });

  test('an editor that has its state open is read, and not disturbed', () => {
    const state = path.join(home, '.config/Code/User/globalStorage/state.vscdb');
    mkdirSync(path.dirname(state), { recursive: true });
    for (const mode of ['delete', 'wal']) {
      rmSync(state, { force: true });
      const database = new Sqlite(state);
      database.pragma(`journal_mode = ${mode}`);
      database.exec('CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
      const entries = [{ folderUri: `file://${project}` }];
      database.prepare('INSERT INTO ItemTable VALUES (?, ?)').run('history.recentlyOpenedPathsList', JSON.stringify({ entries }));
      put(path.join(project, '.mcp.json'), config('open'));
      const files = readdirSync(path.dirname(state));
      expect(found(machine('linux')).map(({ name }) => name)).toContain('open');
      expect(readdirSync(path.dirname(state))).toEqual(files);
      database.exec("DELETE FROM ItemTable WHERE key = 'x'; BEGIN EXCLUSIVE; UPDATE ItemTable SET value = value");
      expect(() => found(machine('linux'))).not.toThrow();
      database.exec('COMMIT');
      database.close();
    }
  });
});
