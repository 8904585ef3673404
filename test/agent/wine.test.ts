/**
 * The whole agent on Windows' own paths, by a real node.exe under Wine: a computer with ordinary programs only, and then one with every tool that the
 * catalog knows an installer of, a person's files and running programs. It needs `wine`; `npm test` fetches what else it takes.
 *
 * What Wine can't show: whose a socket is (so that no port is joined with its program), other accounts and elevation, ARM64, the window in front without a
 * display, the real tools' own files, and that Windows answers as its documentation says.
 */
import { randomBytes } from 'node:crypto';
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { ExtensionHost, Observation, PackageManager } from '../../agent/observe/observation.ts';
import { loadCatalog } from '../../agent/session.ts';
import type { Inventory, Setting, Snapshot } from '../../electron/contract.ts';
import { Innocents } from '../../native-catalog/schema.ts';
import { needs } from '../capability.ts';
import { until } from './muster.ts';
import { type Windows, windows } from './wine.ts';

const { describe, it } = needs('wine');
const innocents = Innocents.parse(JSON.parse(readFileSync(new URL('../../native-catalog/innocents/win32.json', import.meta.url), 'utf8')));
const catalog = loadCatalog();
const entries = [...catalog.entries.values()];

const UNINSTALL = 'Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall';
/** Where installers write: for everybody, for everybody in 32 bits, for this user. */
const HIVES = [
  `HKEY_LOCAL_MACHINE\\${UNINSTALL}`,
  `HKEY_LOCAL_MACHINE\\Software\\WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall`,
  `HKEY_CURRENT_USER\\${UNINSTALL}`,
];
const MSIX =
  'HKEY_CURRENT_USER\\Software\\Classes\\Local Settings\\Software\\Microsoft\\Windows\\CurrentVersion\\AppModel\\Repository\\Packages';

const secrets: string[] = [];
function secret(prefix = ''): string {
  const random = randomBytes(18).toString('hex');
  secrets.push(random);
  return `${prefix}${random}`;
}

let computer: Windows;
/** Below drive C, with the user's own folder for the one that the catalog's files are written with. */
const inDrive = (file: string) =>
  file
    .replace(/^C:\\/i, '')
    .replace(/^Users\\ada\\/i, `users\\${computer.user}\\`)
    .replaceAll('\\', '/');

/** A program that waits for words that never come: Wine's own command interpreter, which is a real Windows program of 1.7 MB, under another name. */
function plantProgram(file: string): string {
  const at = inDrive(file);
  mkdirSync(path.dirname(computer.at(at)), { recursive: true });
  if (!existsSync(computer.at(at))) copyFileSync(computer.at('windows/system32/cmd.exe'), computer.at(at));
  return at;
}
/** node.exe under another name, for programs that listen or run a script. */
function plantNode(file: string): string {
  const at = inDrive(file);
  mkdirSync(path.dirname(computer.at(at)), { recursive: true });
  // A hard link would do, but Wine then gives two programs of one file one name.
  copyFileSync(computer.at('muster/muster.exe'), computer.at(at), constants.COPYFILE_FICLONE);
  return at;
}

/** A state database as editors made from VS Code keep it. */
function state(file: string, rows: Readonly<Record<string, string>>): void {
  const at = computer.at(`users/${computer.user}/${file}`);
  mkdirSync(path.dirname(at), { recursive: true });
  const database = new Sqlite(at);
  database.exec('CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
  for (const [key, value] of Object.entries(rows)) database.prepare('INSERT INTO ItemTable VALUES (?, ?)').run(key, value);
  database.close();
}

type Keys = Record<string, Record<string, string | readonly [written: string]>>;
function uninstallKey(
  keys: Keys,
  index: number,
  [appId, name, publisher]: readonly [string, string, string | null],
  version: string,
): void {
  keys[`${HIVES[index % HIVES.length]}\\${appId}`] = {
    DisplayName: name,
    DisplayVersion: version,
    ...(publisher === null ? {} : { Publisher: publisher }),
    UninstallString: `"C:\\x\\unins000.exe" /key=${secret()}`,
  };
}
function msixKey(keys: Keys, family: string): void {
  const [name, hash] = family.split('_');
  keys[`${MSIX}\\${name}_4.5.6.0_x64__${hash}`] = {};
}
/** What no installer writes: values of other kinds, without an end, cut in a letter, far too long, and full of characters that a terminal obeys. */
function hostileKeys(): Keys {
  const hive = HIVES[2];
  return {
    [`${hive}\\number`]: { DisplayName: ['dword:00000041'], DisplayVersion: 'Cursor' },
    [`${hive}\\bytes`]: { DisplayName: ['hex:43,75,72,73,6f,72'] },
    [`${hive}\\cut`]: { DisplayName: ['hex(1):43,00,75'] },
    [`${hive}\\no end`]: { DisplayName: ['hex(1):43,00,75,00,72,00,73,00,6f,00,72,00,20,00,58,00'] },
    [`${hive}\\halves`]: { DisplayName: ['hex(1):00,d8,41,00,00,00,42,00,00,00'] },
    [`${hive}\\long`]: { DisplayName: 'Cursor '.repeat(10_000), Publisher: 'x'.repeat(100_000) },
    [`${hive}\\empty`]: { DisplayName: '', Publisher: '' },
    [`${hive}\\${'k'.repeat(250)}`]: { DisplayName: 'Long' },
    [`${hive}\\terminal`]: { DisplayName: '\u001b[31mCursor\u0007\u202e', DisplayVersion: '\u001b]0;x' },
    [`${MSIX}\\__`]: {},
    [`${MSIX}\\${'Claude_1.0.0.0_x64__'.repeat(10)}`]: {},
  };
}

const manifest = (name: string, version: string) => ({ name, version, _authToken: secret('npm_') });

async function scan(...args: string[]): Promise<Inventory> {
  const { code, out, err } = await computer.muster('scan', '--json', ...args);
  if (code !== 0) throw new Error(`muster scan ended with ${code}: ${out}${err}`);
  said.push(out, err);
  return JSON.parse(out) as Inventory;
}
/** A client as a window is one, for a moment: prints what the agent tells and answers, and has it end. */
const CLIENT = `
const socket = require('node:net').connect(process.argv[2]);
socket.write('{"id":1,"call":"stop","args":[]}\\n');
socket.on('data', (chunk) => process.stdout.write(chunk));
`;

/** Docker's answer on Docker's own pipe. */
const engine = (token: string) => `
const container = { Image: 'docker.io/localai/localai:v3', Names: ['/ui'], State: 'running', Command: 'serve --key ${token}' };
require('node:http')
  .createServer((question, answer) => answer.end(JSON.stringify(question.url.startsWith('/containers/json') ? [container] : [])))
  .listen('\\\\\\\\.\\\\pipe\\\\docker_engine', () => console.log('ready'));
`;

/** Everything that the agent has printed. */
const said: string[] = [];

/** What the catalog says of an observation, where that is enough for a row. */
function recognised(seen: Observation): string | null {
  const match = catalog.identify(seen);
  return match && match.strength !== 'weak' ? match.entry.id : null;
}

describe('the agent under Wine', () => {
  beforeAll(async () => {
    computer = await windows();
  }, 180_000);
  afterEach(() => computer.endPrograms());
  afterAll(() => computer?.end(), 60_000);

  it('finds nothing on a computer with ordinary programs', async () => {
    const keys: Keys = {};
    for (const [index, app] of (innocents.apps ?? []).entries()) uninstallKey(keys, index, app, '1.0');
    for (const family of innocents.packages?.msix ?? []) msixKey(keys, family);
    Object.assign(keys, hostileKeys());
    computer.register(keys);
    for (const name of innocents.packages?.npm ?? []) {
      computer.plant(`AppData/Roaming/npm/node_modules/${name}/package.json`, manifest(name, '1.0.0'));
    }
    for (const file of innocents.binaries ?? []) if (!/\\Windows\\/i.test(file)) plantProgram(file);
    const outside = innocents.processes.filter((file) => !/\\Windows\\/i.test(file) && !/WindowsApps/.test(file));
    // Programs of the same name as a tool are ordinary programs too.
    const alike = innocents.collisions.flatMap(({ seen }) => (seen.process?.exe.startsWith('C:') ? seen.process.exe : []));
    const some = (files: readonly string[], count: number) => files.filter((_, index) => index % Math.ceil(files.length / count) === 0);
    const running = [...some(outside, 10), ...some(alike, 6)];
    const started = running.map((file) => computer.start(plantProgram(file), ['/k']));
    await until(() => started.every(({ out }) => out().includes('>')), 'the ordinary programs run');
    const { tools, mcpServers, problems, partial, device } = await scan('--data', 'C:\\ordinary');
    expect({ tools: tools.map(({ id, evidence }) => ({ id, evidence })), mcpServers, problems }).toEqual({
      tools: [],
      mcpServers: [],
      problems: [],
    });
    expect(partial).toBe(false);
    expect(device.platform).toBe('win32');
    expect(running.length).toBeGreaterThan(10);
    console.log(`Wine: ${running.length} ordinary programs ran, ${Object.keys(keys).length} were installed, and no tool was found`);
  }, 120_000);

  it('tells one person’s tools, versions, places, servers, accounts and what runs', async () => {
    const { user, plant } = computer;
    const home = `C:\\users\\${user}`;
    const token = () => secret('sk-ant-api03-');
    const server = (name: string) => ({ command: 'npx', args: ['-y', name, '--token', token()], env: { API_KEY: token() } });
    plant('.claude.json', {
      mcpServers: { files: server('@modelcontextprotocol/server-filesystem') },
      oauthAccount: {
        organizationType: 'claude_team',
        organizationName: 'Example GmbH',
        emailAddress: 'ada@corp.example',
        accountUuid: token(),
      },
      primaryApiKey: token(),
      projects: { [`C:/users/${user}/shop`]: { history: [token()] } },
    });
    plant('shop/.devcontainer/devcontainer.json', {
      customizations: { vscode: { extensions: ['Continue.continue'] } },
      containerEnv: { KEY: token() },
    });
    plant('shop/.mcp.json', { mcpServers: { shop: server('mcp-shop') } });
    plant('.claude/skills/review/SKILL.md', `Use ${token()}`);
    plant('AppData/Roaming/Claude/claude_desktop_config.json', { mcpServers: { notes: server('mcp-notes') } });
    plant('.cursor/mcp.json', {
      mcpServers: { remote: { url: `https://mcp.example/sse?key=${token()}`, headers: { Authorization: `Bearer ${token()}` } } },
    });
    const claims = { email: 'ada@corp.example', 'https://api.openai.com/auth': { chatgpt_plan_type: 'plus' } };
    const jwt = ['{}', JSON.stringify(claims), secret()].map((part) => Buffer.from(part).toString('base64url')).join('.');
    plant('.codex/auth.json', { tokens: { id_token: jwt, access_token: token(), refresh_token: token() } });

    const record = (id: string, version: string) => ({
      identifier: { id },
      version,
      relativeLocation: `${id}-${version}`.toLowerCase(),
      location: { path: token() },
    });
    const editor = (folder: string, ...list: ReturnType<typeof record>[]) => {
      plant(`${folder}/extensions/extensions.json`, list);
      for (const { relativeLocation } of list) plant(`${folder}/extensions/${relativeLocation}/package.json`, {});
    };
    editor('.vscode', record('GitHub.copilot', '1.300.0'), record('esbenp.prettier-vscode', '11.0.0'));
    editor('.cursor', record('saoudrizwan.claude-dev', '3.1.0'));
    state('AppData/Roaming/Code/User/globalStorage/state.vscdb', {
      'extensionsIdentifiers/disabled': JSON.stringify([{ id: 'github.copilot' }]),
      secret: token(),
    });
    state('AppData/Roaming/Cursor/User/globalStorage/state.vscdb', {
      'cursorAuth/stripeMembershipType': 'pro',
      'cursorAuth/cachedEmail': 'ada@corp.example',
      'cursorAuth/accessToken': token(),
      'cursorAuth/refreshToken': token(),
    });
    const claudeInChrome = 'fcoeoabgfenejglbffodgkkbkcdhcgfn';
    plant('AppData/Local/Google/Chrome/User Data/Profile 1/Secure Preferences', {
      extensions: {
        settings: {
          [claudeInChrome]: {
            ...{ path: `${claudeInChrome}\\1.0.9_0`, location: 1, disable_reasons: [] },
            ...{ manifest: { name: 'Claude', version: '1.0.9' }, active_permissions: { explicit_host: ['<all_urls>'] } },
          },
        },
      },
      account_info: [{ access_token: token() }],
    });
    plant(
      'AppData/Roaming/JetBrains/PyCharm2026.1/plugins/ml-llm/META-INF/plugin.xml',
      '<idea-plugin><id>com.intellij.ml.llm</id><version>261.1</version></idea-plugin>',
    );
    plant('.ollama/models/manifests/registry.ollama.ai/library/llama3.2/3b', { layers: [{ size: 2_000_000_000 }, { size: 1000 }] });
    plant('AppData/Roaming/npm/node_modules/@openai/codex/package.json', manifest('@openai/codex', '0.50.0'));
    plant('AppData/Roaming/npm/node_modules/@openai/codex/bin/codex.js', 'setInterval(() => {}, 1e6); console.log("ready");');
    const keys: Keys = { [`HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Lxss\\{1}`]: { DistributionName: 'Ubuntu' } };
    uninstallKey(keys, 2, ['62625861-8486-5be9-9e46-1da50df5f8ff', 'Cursor (User)', 'Anysphere'], '1.7.2');
    computer.register(keys);

    const claude = computer.start(plantProgram(`${home}\\.local\\share\\claude\\versions\\2.1.197\\claude.exe`), ['/k']);
    const listen = 'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
    const ollama = computer.start(plantNode(`${home}\\AppData\\Local\\Programs\\Ollama\\ollama.exe`), ['-e', listen]);
    writeFileSync(computer.at('engine.cjs'), engine(secret()));
    const docker = computer.start('muster/muster.exe', ['C:\\engine.cjs']);
    const codex = computer.start(plantNode('C:\\Program Files\\nodejs\\node.exe'), [
      `${home}\\AppData\\Roaming\\npm\\node_modules\\@openai\\codex\\bin\\codex.js`,
      '--api-key',
      token(),
    ]);
    await until(
      () => claude.out().includes('>') && /\d/.test(ollama.out()) && codex.out().includes('ready') && docker.out().includes('ready'),
      'the tools run',
    );
    const inventory = await scan('--data', 'C:\\person');
    const told = inventory.tools.map(({ id, confidence, running, places }) => [
      ...[id, confidence, running],
      places.map(({ surface, version, path: at, program, enabled }) => [surface, version, at, program, enabled]),
    ]);
    const npm = '~/AppData/Roaming/npm/node_modules/@openai/codex';
    expect(told).toEqual([
      ['claude-code', 'certain', true, [['cli', '2.1.197', '~/.local/share/claude/versions/2.1.197/claude.exe', undefined, undefined]]],
      [
        ...['claude-in-chrome', 'certain', false],
        [['browser-extension', '1.0.9', '~/AppData/Local/Google/Chrome/User Data/Profile 1', 'Chrome', true]],
      ],
      ['cline', 'certain', false, [['ide-extension', '3.1.0', '~/.cursor/extensions/saoudrizwan.claude-dev-3.1.0', 'Cursor', true]]],
      ['codex', 'certain', true, [['cli', '0.50.0', `${npm}/bin/codex.js`, undefined, undefined]]],
      [...['continue', 'certain', false], [['ide-extension', null, '~/shop/.devcontainer/devcontainer.json', 'Dev container shop', null]]],
      ['cursor', 'likely', false, [['desktop', '1.7.2', null, undefined, undefined]]],
      ['github-copilot', 'certain', false, [['ide-extension', '1.300.0', '~/.vscode/extensions/github.copilot-1.300.0', 'VS Code', false]]],
      [
        ...['jetbrains-ai-assistant', 'certain', false],
        [['ide-extension', '261.1', '~/AppData/Roaming/JetBrains/PyCharm2026.1/plugins/ml-llm', 'PyCharm 2026.1', true]],
      ],
      ['localai', 'certain', true, [['runtime', 'v3', null, 'docker', undefined]]],
      ['ollama', 'certain', true, [['runtime', null, '~/AppData/Local/Programs/Ollama/ollama.exe', undefined, undefined]]],
    ]);
    const tool = (id: string) => inventory.tools.find((one) => one.id === id);
    const account = (id: string) => tool(id)?.accounts.map(({ tier, organization, source }) => [tier, organization, source]);
    expect(account('claude-code')).toEqual([['team', 'Example GmbH', '~/.claude.json']]);
    expect(account('codex')).toEqual([['plus', null, '~/.codex/auth.json']]);
    expect(account('cursor')).toEqual([['pro', null, '~/AppData/Roaming/Cursor/User/globalStorage/state.vscdb']]);
    expect(tool('claude-code')?.addons).toMatchObject([{ kind: 'skill', name: 'review' }]);
    expect(tool('ollama')?.models).toMatchObject([{ name: 'llama3.2:3b', bytes: 2_000_001_000 }]);
    expect(tool('claude-in-chrome')?.places[0]?.permissions).toEqual(['<all_urls>']);
    // Several clients read one file of a project.
    const servers = inventory.mcpServers.map(({ name, configPath, secretNames }) => `${name} in ${configPath}, with ${secretNames}`);
    expect([...new Set(servers)]).toEqual([
      'files in ~/.claude.json, with API_KEY',
      'shop in ~/shop/.mcp.json, with API_KEY',
      'notes in ~/AppData/Roaming/Claude/claude_desktop_config.json, with API_KEY',
      'remote in ~/.cursor/mcp.json, with Authorization',
    ]);
    expect(inventory.mcpServers.map(({ client }) => client)).toEqual(expect.arrayContaining(['claude-code', 'claude-desktop', 'cursor']));
    expect(inventory.problems).toEqual([]);

    // An agent that stays, and commands that ask it through its pipe.
    const watch = computer.startMuster('watch', '--json', '--data', 'C:\\person');
    await until(() => watch.out().includes('\n'), 'the agent watches');
    const { socket } = JSON.parse(watch.out()) as { socket: string };
    expect(socket).toMatch(/^\\\\\.\\pipe\\muster-[0-9a-f]+$/);
    claude.child.kill('SIGKILL');
    await claude.done;
    const later = await scan('--data', 'C:\\person');
    expect(later.tools.filter(({ running }) => running).map(({ id }) => id)).toEqual(['codex', 'localai', 'ollama']);
    const status = await computer.muster('status', '--json', '--data', 'C:\\person');
    said.push(status.out);
    const kept = (JSON.parse(status.out) as Inventory).tools.map(({ id }) => id);
    expect(kept.sort()).toEqual(told.map(([id]) => id));
    writeFileSync(computer.at('client.cjs'), CLIENT);
    const client = await computer.node('C:\\client.cjs', socket);
    said.push(client.out, watch.out());
    const frames = client.out.trim().split('\n');
    expect(frames[0]).toMatch(/^\{"event":"changed","value":\{.*"claude-code"/);
    expect(frames.at(-1)).toBe('{"id":1}');
    const { sources } = (JSON.parse(frames[0] ?? '') as { value: Snapshot }).value;
    const words = Object.fromEntries(sources.map(({ id, state, detail }) => [id, `${state}: ${detail}`]));
    expect(words).toMatchObject({
      processes: expect.stringMatching(/^ok: /),
      servers: expect.stringMatching(/^ok: /),
      containers: expect.stringMatching(/^ok: .* 1 of 1 are AI tools/),
      guests: 'ok: One Linux system (WSL) and one dev container are known by name; what is inside is not looked at from here.',
    });
    expect((await watch.done).code).toBe(0);
  }, 120_000);

  it('finds every tool that has an installer, a package or an extension, and exactly those', async () => {
    const keys: Keys = {};
    /** The versions of what was planted of each tool. */
    const expected = new Map<string, Set<string | null>>();
    const expectTool = (seen: Observation, version: string) => {
      const tool = recognised(seen);
      if (tool !== null) expected.set(tool, (expected.get(tool) ?? new Set()).add(version));
    };
    const inEditor: object[] = [];
    const inBrowser: Record<string, object> = {};
    for (const [index, entry] of entries.entries()) {
      const version = `3.${index}.1`;
      const [app] = entry.detect.apps?.win32 ?? [];
      if (app !== undefined) {
        uninstallKey(keys, index, [app, app, entry.vendor], version);
        const place = { platform: 'win32', appId: app, name: app, publisher: entry.vendor, version, path: null, home: null } as const;
        expectTool({ kind: 'app', ...place }, version);
      }
      const package_ = (manager: PackageManager, name: string): Observation => ({
        kind: 'package',
        manager,
        name,
        version,
        path: null,
        home: null,
      });
      const [family] = entry.detect.packages?.msix ?? [];
      if (family !== undefined) {
        msixKey(keys, family);
        expectTool(package_('msix', family), '4.5.6.0');
      }
      const [npm] = entry.detect.packages?.npm ?? [];
      if (npm !== undefined) {
        computer.plant(`AppData/Roaming/npm/node_modules/${npm}/package.json`, manifest(npm, version));
        expectTool(package_('npm', npm), version);
      }
      const extension = (host: ExtensionHost, id: string): Observation => ({
        ...{ kind: 'extension', host, program: 'any', id, folder: null, version, profiles: [] },
        ...{ enabled: null, permissions: [], path: null, home: null },
      });
      const { vscode: [code] = [], chromium: [chrome] = [], jetbrains: [plugin] = [] } = entry.detect.extensions ?? {};
      if (code !== undefined) {
        const relativeLocation = `${code}-${version}`.toLowerCase();
        inEditor.push({ identifier: { id: code }, version, relativeLocation });
        computer.plant(`.vscode/extensions/${relativeLocation}/package.json`, {});
        expectTool(extension('vscode', code), version);
      }
      if (chrome !== undefined) {
        inBrowser[chrome] = { path: `${chrome}\\1_0`, location: 1, manifest: { name: secret(), version } };
        expectTool(extension('chromium', chrome), version);
      }
      if (plugin !== undefined) {
        const xml = `<idea-plugin><id>${plugin}</id><version>${version}</version></idea-plugin>`;
        computer.plant(`AppData/Roaming/JetBrains/IntelliJIdea2026.1/plugins/${entry.id}/META-INF/plugin.xml`, xml);
        expectTool(extension('jetbrains', plugin), version);
      }
    }
    computer.plant('.vscode/extensions/extensions.json', inEditor);
    computer.plant('AppData/Local/Microsoft/Edge/User Data/Default/Secure Preferences', { extensions: { settings: inBrowser } });
    computer.register(keys);
    const { tools, problems } = await scan('--data', 'C:\\installed');
    const found = new Map(tools.map((tool) => [tool.id, tool]));
    expect(problems).toEqual([]);
    expect([...expected.keys()].filter((id) => !found.has(id)).sort()).toEqual([]);
    expect([...found.keys()].filter((id) => !expected.has(id)).sort()).toEqual([]);
    const versions = tools.map(({ id, places }) => [id, places.some(({ version }) => expected.get(id)?.has(version))]);
    expect(versions.filter(([, right]) => !right)).toEqual([]);
    expect(expected.size).toBeGreaterThan(150);
    console.log(`Wine: ${expected.size} of ${entries.length} tools have an installer, a package or an extension there, and all were found`);
  }, 120_000);

  it('reads what an administrator has set in the registry, and shows whose word holds', async () => {
    const key = 'HKLM\\SOFTWARE\\Policies\\Muster';
    const roots = ['A', 'B'].map((letter) => JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: letter.repeat(43) }));
    const set = async (name: string, type: string, data: string, at = key) => {
      const { code } = await computer.start('windows/system32/reg.exe', ['add', at, '/v', name, '/t', type, '/d', data, '/f']).done;
      expect([name, code]).toEqual([name, 0]);
    };
    await set('PollSeconds', 'REG_DWORD', '30');
    await set('LookMinutes', 'REG_SZ', '20');
    await set('PolicyRootKeys', 'REG_MULTI_SZ', roots.join('\\0'));
    await set('EnrollSecret', 'REG_SZ', secret());
    await set('Colour', 'REG_SZ', secret());
    await set('Settings', 'REG_SZ', '{"tenant":"acme","pollSeconds":99}');
    await set('1', 'REG_SZ', 'disable-entry', `${key}\\AllowActions`);
    computer.plant('managed/settings.json', { pollSeconds: 5, lookMinutes: 5 });
    const data = `C:\\users\\${computer.user}\\managed`;
    const ran = await computer.muster('doctor', '--data', data, '--json');
    said.push(ran.out, ran.err);
    const { settings, checks } = JSON.parse(ran.out) as { settings: Setting[]; checks: { id: string; message: string }[] };
    const shown = Object.fromEntries(settings.map(({ name, value, source }) => [name, `${value} ${source}`]));
    expect(shown).toMatchObject({
      pollSeconds: '30 managed',
      lookMinutes: '20 managed',
      tenant: 'acme managed',
      allowActions: 'disable-entry managed',
    });
    expect(shown).toMatchObject({
      enrollSecret: 'set, and not shown managed',
      policyRootKeys: expect.stringMatching(/^\S{43} \S{43} managed$/),
    });
    expect(settings.find(({ name }) => name === 'pollSeconds')?.overrides.map(({ value }) => value)).toEqual(['99', '5', '15']);
    expect(checks.filter(({ id }) => id === 'settings').at(-1)?.message).toContain('Colour: there is no such setting');
    expect(checks.find(({ id }) => id === 'trust')?.message).toContain(key);
    // In a package only an administrator says what is managed.
    expect((await computer.muster('doctor', '--data', data, '--managed', 'C:\\x.json')).code).toBe(2);
  }, 60_000);

  it('has printed and kept none of the planted secrets', () => {
    const kept = ['ordinary', 'person', 'installed'].flatMap((folder) =>
      readdirSync(computer.at(folder)).map((name) => readFileSync(computer.at(`${folder}/${name}`)).toString('latin1')),
    );
    expect(kept.length).toBeGreaterThan(3);
    // Twelve characters in a row are a part of a secret and no accident; SQLite keeps texts as they are.
    const runs = [...said, ...kept].flatMap((text) => text.replaceAll('\0', '').match(/[0-9a-f]{12,}/g) ?? []);
    const pieces = new Set(runs.flatMap((run) => Array.from({ length: run.length - 11 }, (_, at) => run.slice(at, at + 12))));
    expect(secrets.length).toBeGreaterThan(100);
    const leaked = secrets.filter((one) =>
      Array.from({ length: one.length - 11 }, (_, at) => one.slice(at, at + 12)).some((part) => pieces.has(part)),
    );
    expect(leaked).toEqual([]);
  });
});
