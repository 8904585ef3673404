/**
 * A whole Mac in a temporary folder: applications with their property lists, Homebrew, a home as people have it, and what `ps` and `lsof` print
 * there. Nobody has a Mac here: the forms are those of Apple's documentation, of Homebrew and of the vendors' own files.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Os } from '../../agent/observe/os.ts';
import type { Catalog } from '../../native-catalog/catalog.ts';
import { fakeOs } from '../fakes.ts';
import { plantAccount, probesOf } from './account-fixtures.ts';
import { archive, stateDatabase } from './extensions-tree.ts';
import { packageJson, plant, type Tree } from './installed-tree.ts';
import type { Planting } from './planting.ts';

const fixtures = path.join(import.meta.dirname, '../fixtures');
const recorded = (name: string) => readFileSync(path.join(fixtures, 'macos', name), 'utf8');
const extension = (name: string) => readFileSync(path.join(fixtures, 'extensions', name), 'utf8');
const me = process.getuid?.() ?? 0;
/** No process of the computer that runs the tests has such a number. */
const PIDS_FROM = 5_000_000;

export type Application = { readonly bundle: string; readonly id: string; readonly version: string; readonly tool: string | null };

export const applications: readonly Application[] = recorded('applications.tsv')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [bundle = '', id = '', version = '', , tool] = line.split('\t');
    return { bundle, id, version, tool: tool === '-' || tool === undefined ? null : tool };
  });

/** Places of this home for which macOS would ask the user, with what tempts a program to look there. */
export const guarded = [
  'Desktop',
  'Documents',
  'Downloads',
  'Library/Mobile Documents',
  'Library/CloudStorage',
  'Library/Containers',
  'Library/Group Containers',
];

/** Lays it out below `root`; the paths of the system are those of the disk, as the product has them, so that `ps-list` finds the files too. */
export function plantMac(root: string, catalog: Catalog, planting: Planting): { os: Os; home: string; programs: string } {
  const home = path.join(root, 'Users/ada');
  /** `/Applications/…` of a listing, as it is on this disk. */
  const onDisk = (text: string) => text.replace(/(^|[\s=])(?=\/(?:Applications|Library|System|Users|opt|sbin|usr)\/)/gm, `$1${root}`);
  plantApplications(root);
  plant(root, brewed(root));
  plant(home, inHome(home, planting));
  plantAccounts(root, home, catalog, planting);
  const secret = planting.secret('an argument');
  const programs = path.join(root, 'programs');
  plantProgram(path.join(programs, 'ps'), [
    onDisk(recorded('ps.txt').replace(/^ *(\d+) +(\d+) +501 /gm, `$1 $2 ${me} `)).replace(/^ *(\d+) +(\d+)/gm, moved),
    onDisk(recorded('ps-args.txt').replaceAll('@@secret', secret)).replace(/^ *(\d+)/gm, moved),
  ]);
  // No window is in front: get-windows is another library on every system, and Linux’ is the one that is here.
  plantProgram(path.join(programs, 'xprop'), ['_NET_ACTIVE_WINDOW(WINDOW): window id # 0x0']);
  const lsof = recorded('lsof.txt')
    .replaceAll('u501', `u${me}`)
    .replace(/^p(\d+)/gm, (_whole, pid) => `p${PIDS_FROM + Number(pid)}`);
  const os = fakeOs({
    root,
    platform: 'darwin',
    arch: 'arm64',
    env: { PATH: '/usr/bin:/bin', HOME: home },
    user: { name: 'ada', uid: me, home },
    programs: (file) => (file === '/usr/sbin/lsof' ? lsof : new Error(`${file}: not found`)),
  });
  const at = (place: string) => (place === '/' || place === root || place.startsWith(`${root}/`) ? place : path.join(root, place));
  return { os: { ...os, at }, home, programs };
}

const moved = (_whole: string, ...pids: (string | number | undefined)[]) =>
  pids
    .slice(0, -2)
    .map((pid) => (Number(pid) > 1 ? PIDS_FROM + Number(pid) : pid))
    .join(' ');

/** Prints one text when it is asked for arguments (`…,args=`), else the other. */
function plantProgram(file: string, [first = '', second = first]: readonly string[]): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.1`, first);
  writeFileSync(`${file}.2`, second);
  writeFileSync(file, `#!/bin/sh\ncase "$*" in *args=*) exec /bin/cat '${file}.2';; *) exec /bin/cat '${file}.1';; esac\n`);
  chmodSync(file, 0o755);
}

function plantApplications(root: string): void {
  for (const [at, { bundle, id, version }] of applications.entries()) {
    const name = path.basename(bundle, '.app');
    const info = { CFBundleExecutable: name, CFBundleIdentifier: id, CFBundleName: name, CFBundleShortVersionString: version };
    const isBinary = recorded('applications.tsv').includes(`${bundle}\t${id}\t${version}\tbinary`);
    plant(root, {
      [`${bundle}/Contents/Info.plist`]: isBinary ? binaryPlist(info) : xmlPlist(info),
      [`${bundle}/Contents/PkgInfo`]: 'APPL????',
      [`${bundle}/Contents/MacOS/${name}`]: { program: `${at}` },
    });
  }
  // Programs inside of bundles, as the process list names them.
  for (const [inside, id] of [
    ['Cursor.app/Contents/Frameworks/Cursor Helper.app/Contents/MacOS/Cursor Helper', 'com.github.Electron.helper'],
    ['Cursor.app/Contents/Frameworks/Cursor Helper (Plugin).app/Contents/MacOS/Cursor Helper (Plugin)', 'com.github.Electron.helper'],
    ['Claude.app/Contents/Frameworks/Claude Helper.app/Contents/MacOS/Claude Helper', 'com.anthropic.claudefordesktop.helper'],
    ['Ollama.app/Contents/Resources/ollama', null],
    ['iTerm.app/Contents/MacOS/iTerm2', null],
    ['Zed.app/Contents/MacOS/zed', null],
  ] as const) {
    plant(root, { [`Applications/${inside}`]: { program: '' } });
    const inner = inside.slice(0, inside.lastIndexOf('/Contents/MacOS'));
    if (id !== null) plant(root, { [`Applications/${inner}/Contents/Info.plist`]: xmlPlist({ CFBundleIdentifier: id }) });
  }
}

function brewed(root: string): Tree {
  const formulae = { git: '2.52.0', jq: '1.8.1', node: '25.2.0', ripgrep: '15.1.0', goose: '3.26.0', 'postgresql@17': '17.6', q: '3.1.6' };
  const bins = { git: 'git', jq: 'jq', node: 'node', ripgrep: 'rg', goose: 'goose', 'postgresql@17': 'postgres', q: 'q' };
  const tree: Record<string, Tree[string]> = {};
  for (const [formula, version] of Object.entries(formulae)) {
    const bin = bins[formula as keyof typeof bins];
    tree[`opt/homebrew/Cellar/${formula}/${version}/bin/${bin}`] = { program: '' };
    tree[`opt/homebrew/bin/${bin}`] = { link: `../Cellar/${formula}/${version}/bin/${bin}` };
    tree[`opt/homebrew/opt/${formula}`] = { link: `../Cellar/${formula}/${version}` };
  }
  const casks = {
    'cursor/2.1.39,60d42bed27e5775c43ec0428d8c653c49e58e26a': 'Cursor',
    ...{ 'firefox/145.0': 'Firefox', 'iterm2/3.6.5': 'iTerm', 'rectangle/0.92': 'Rectangle' },
  };
  for (const [cask, app] of Object.entries(casks))
    tree[`opt/homebrew/Caskroom/${cask}/${app}.app`] = { link: path.join(root, `Applications/${app}.app`) };
  const codex = 'opt/homebrew/lib/node_modules/@openai/codex';
  return {
    ...tree,
    [`${codex}/package.json`]: packageJson('@openai/codex', '0.63.0', { bin: { codex: 'bin/codex.js' } }),
    [`${codex}/bin/codex.js`]: { program: '#!/usr/bin/env node\n' },
    [`${codex}/vendor/aarch64-apple-darwin/codex/codex`]: { program: '' },
    'opt/homebrew/bin/codex': { link: '../lib/node_modules/@openai/codex/bin/codex.js' },
    'opt/homebrew/lib/node_modules/npm/package.json': packageJson('npm', '11.6.2'),
    'opt/homebrew/lib/node_modules/prettier/package.json': packageJson('prettier', '3.7.1'),
    'usr/local/bin/docker': { link: '/Applications/Docker.app/Contents/Resources/bin/docker' },
    'Volumes/Backup/Applications/Jan.app/Contents/Info.plist': xmlPlist({ CFBundleIdentifier: 'jan.ai.app' }),
  };
}

function inHome(home: string, planting: Planting): Tree {
  const support = 'Library/Application Support';
  const chrome = `${support}/Google/Chrome`;
  const arc = `${support}/Arc/User Data`;
  const servers = (mcpServers: object) => JSON.stringify({ mcpServers });
  const tempting = servers({ tempting: { command: 'npx', args: ['-y', 'mcp-tempting'] } });
  const recordOf = (folder: string, ids: Readonly<Record<string, string>>): Tree => ({
    [`${folder}/extensions.json`]: JSON.stringify(
      Object.entries(ids).map(([id, version]) => ({ identifier: { id }, version, relativeLocation: `${id}-${version}` })),
    ),
    ...Object.fromEntries(
      Object.entries(ids).map(([id, version]) => {
        const [publisher, name = ''] = id.split('.');
        return [`${folder}/${id}-${version}/package.json`, packageJson(name, version, { publisher, engines: { vscode: '^1.94.0' } })];
      }),
    ),
  });
  const plugin = (id: string, version: string) =>
    archive({ 'META-INF/plugin.xml': `<idea-plugin><id>${id}</id><name>x</name><version>${version}</version></idea-plugin>` });
  const pycharm = `${support}/JetBrains/PyCharm2026.2`;
  return {
    // Coding agents, each as its own installer lays it out.
    '.local/share/claude/versions/2.1.197': { program: '' },
    '.local/bin/claude': { link: '../share/claude/versions/2.1.197' },
    '.local/pipx/venvs/aider-chat/lib/python3.12/site-packages/aider_chat-0.86.1.dist-info/METADATA': 'Name: aider-chat\n',
    '.npmrc': 'prefix=~/.npm-global\n',
    '.npm-global/lib/node_modules/@google/gemini-cli/package.json': packageJson('@google/gemini-cli', '0.18.4', {
      bin: { gemini: 'dist/index.js' },
    }),
    '.npm-global/lib/node_modules/@google/gemini-cli/dist/index.js': { program: '#!/usr/bin/env node\n' },
    '.npm-global/bin/gemini': { link: '../lib/node_modules/@google/gemini-cli/dist/index.js' },
    '.npm/_npx/9833c18b2d85bc59/node_modules/@modelcontextprotocol/server-filesystem/package.json': packageJson(
      '@modelcontextprotocol/server-filesystem',
      '2026.8.31',
    ),
    '.npm/_npx/9833c18b2d85bc59/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js': { program: '' },
    '.npm/_npx/9833c18b2d85bc59/node_modules/.bin/mcp-server-filesystem': {
      link: '../@modelcontextprotocol/server-filesystem/dist/index.js',
    },
    '.claude/skills/review/SKILL.md': '---\nname: review\n---\n',
    // Servers.
    [`${support}/Claude/claude_desktop_config.json`]: servers({
      files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', path.join(home, 'src')] },
      notes: { command: 'npx', args: ['-y', 'mcp-notes@1.2.0'], env: { NOTES_TOKEN: planting.secret('Claude’s environment') } },
    }),
    '.cursor/mcp.json': servers({
      docs: { url: 'https://docs.example.org/mcp', headers: { Authorization: `Bearer ${planting.secret('Cursor’s header')}` } },
    }),
    [`${support}/Code/User/mcp.json`]: JSON.stringify({ servers: { git: { command: 'uvx', args: ['mcp-server-git'] } } }),
    'src/shop/.mcp.json': servers({ shop: { command: 'node', args: ['server.js'] } }),
    // Editors.
    ...recordOf('.vscode/extensions', {
      'github.copilot': '1.388.0',
      'github.copilot-chat': '0.33.2',
      'saoudrizwan.claude-dev': '3.38.1',
      'esbenp.prettier-vscode': '11.0.0',
      'ms-python.python': '2026.18.0',
    }),
    ...recordOf('.cursor/extensions', { 'anthropic.claude-code': '2.0.46', 'dbaeumer.vscode-eslint': '3.0.20' }),
    [`${pycharm}/plugins/github-copilot-intellij/lib/github-copilot-intellij.jar`]: archive({
      'META-INF/plugin.xml': extension('jetbrains-plugin.xml'),
    }),
    [`${pycharm}/plugins/ml-llm/lib/ml-llm.jar`]: plugin('com.intellij.ml.llm', '262.4852.44'),
    [`${pycharm}/plugins/ideavim/lib/ideavim.jar`]: plugin('IdeaVIM', '2.27.2'),
    [`${pycharm}/disabled_plugins.txt`]: 'com.intellij.ml.llm\n',
    // Browsers.
    [`${chrome}/Local State`]: extension('chrome-local-state.json'),
    [`${chrome}/Default/Secure Preferences`]: extension('chrome-secure-preferences.json'),
    [`${chrome}/Default/Preferences`]: '{}',
    [`${arc}/Local State`]: '{"profile":{"info_cache":{"Default":{"name":"Work"}}}}',
    [`${arc}/Default/Secure Preferences`]: JSON.stringify({
      extensions: {
        settings: {
          fcoeoabgfenejglbffodgkkbkcdhcgfn: {
            ...{ location: 1, state: 1, path: 'fcoeoabgfenejglbffodgkkbkcdhcgfn/1.0.31_0' },
            active_permissions: { api: ['debugger'], explicit_host: ['<all_urls>'], scriptable_host: [] },
            manifest: { name: 'Claude', version: '1.0.31', manifest_version: 3 },
          },
          cjpalhdlnbpafiamejdnhcphjbkeiagm: {
            ...{ location: 1, state: 1, path: 'cjpalhdlnbpafiamejdnhcphjbkeiagm/1.67.0_0' },
            manifest: { name: 'uBlock Origin', version: '1.67.0', manifest_version: 2 },
          },
        },
      },
    }),
    'Applications/Chrome Apps.localized/Claude.app/Contents/Info.plist': extension('chrome-app.plist'),
    'Applications/Perplexity.app/Contents/Info.plist': extension('safari-app.plist'),
    'Library/Safari/Bookmarks.plist': xmlPlist({ WebBookmarkType: 'https://claude.ai' }),
    // A runtime's models.
    '.ollama/models/manifests/registry.ollama.ai/library/llama3.2/3b': JSON.stringify({
      schemaVersion: 2,
      layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${'a'.repeat(64)}`, size: 2_019_377_376 }],
    }),
    // What tempts a program into the places for which macOS asks.
    'Desktop/Jan.app/Contents/Info.plist': xmlPlist({ CFBundleIdentifier: 'jan.ai.app', CFBundleShortVersionString: '0.7.4' }),
    'Documents/shop/.mcp.json': tempting,
    'Documents/shop/.cursor/mcp.json': tempting,
    'Documents/bin/opencode': { program: '' },
    'Downloads/Jan.app/Contents/Info.plist': xmlPlist({ CFBundleIdentifier: 'jan.ai.app', CFBundleShortVersionString: '0.7.4' }),
    'Downloads/Jan.app/Contents/MacOS/Jan': { program: '' },
    'Library/Containers/com.apple.Safari/Data/Library/Safari/AppExtensions/Extensions.plist': xmlPlist({ id: 'com.grammarly.safari' }),
    'Library/Containers/ai.perplexity.mac/Data/Library/Preferences/ai.perplexity.mac.plist': xmlPlist({ user: 'ada' }),
    'Library/Group Containers/group.com.openai.chat/Library/Preferences/group.com.openai.chat.plist': xmlPlist({ user: 'ada' }),
    'Library/Mobile Documents/com~apple~CloudDocs/.claude/settings.json': '{}',
    'Library/CloudStorage/Dropbox/.cursor/mcp.json': tempting,
    // Links that lead there from where one may look.
    'Applications/Jan.app': { link: '../Downloads/Jan.app' },
    '.gemini/settings.json': { link: '../Documents/gemini.json' },
    'Documents/gemini.json': tempting,
  };
}

function plantAccounts(root: string, home: string, catalog: Catalog, planting: Planting): void {
  const os = { ...fakeOs({ root, platform: 'darwin', user: { name: 'ada', uid: me, home } }), at: (place: string) => place };
  for (const probe of probesOf(catalog)) {
    const kind = { 'claude-code': 'company', codex: 'personal', cursor: 'company' }[probe.name];
    if (kind === 'company' || kind === 'personal') plantAccount(os, home, probe, kind, planting);
  }
  // Two projects that Claude Code was started in: one where a program may look, and one where macOS asks first.
  const file = path.join(home, '.claude.json');
  const state = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const projects = { [path.join(home, 'src/shop')]: {}, [path.join(home, 'Documents/shop')]: {} };
  writeFileSync(file, JSON.stringify({ ...state, projects }));
  stateDatabase(path.join(home, 'Library/Application Support/Code/User/globalStorage/state.vscdb'), ['saoudrizwan.claude-dev']);
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function xmlPlist(strings: Readonly<Record<string, string>>): string {
  const rows = Object.entries(strings).map(([key, value]) => `\t<key>${key}</key>\n\t<string>${escaped(value)}</string>\n`);
  const type = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">';
  return `<?xml version="1.0" encoding="UTF-8"?>\n${type}\n<plist version="1.0">\n<dict>\n${rows.join('')}</dict>\n</plist>\n`;
}

/** As `plutil -convert binary1` writes one dictionary of fewer than 15 ASCII strings. */
function binaryPlist(strings: Readonly<Record<string, string>>): Buffer {
  const [keys, values] = [Object.keys(strings), Object.values(strings)];
  const top = Buffer.from([0xd0 | keys.length, ...[...keys, ...values].map((_string, at) => at + 1)]);
  const text = (value: string) =>
    Buffer.concat([Buffer.from(value.length < 15 ? [0x50 | value.length] : [0x5f, 0x10, value.length]), Buffer.from(value, 'latin1')]);
  const objects = [top, ...keys.map(text), ...values.map(text)];
  const head = Buffer.from('bplist00', 'latin1');
  let offset = head.length;
  const table = Buffer.concat(
    objects.map((object) => {
      const cell = Buffer.alloc(2);
      cell.writeUInt16BE(offset);
      offset += object.length;
      return cell;
    }),
  );
  const trailer = Buffer.alloc(32);
  trailer.set([2, 1], 6);
  trailer.writeBigUInt64BE(BigInt(objects.length), 8);
  trailer.writeBigUInt64BE(BigInt(offset), 24);
  return Buffer.concat([head, ...objects, table, trailer]);
}

/** Every folder at or below these. */
export function foldersOf(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => [
    folder,
    ...foldersOf(
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => path.join(folder, name)),
    ),
  ]);
}
