/** One whole Mac through the whole agent: exactly what is planted is found, ordinary applications are nothing, and nothing is opened for which macOS would ask. */
import fs from 'node:fs';
import path from 'node:path';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import type { Inventory, Place, Snapshot } from '../../electron/contract.ts';
import { fakeClock } from '../fakes.ts';
import { planted } from './extensions-tree.ts';
import { applications, foldersOf, guarded, plantMac } from './macos-machine.ts';
import { temporary } from './muster.ts';
import { createPlanting } from './planting.ts';

const catalog = loadCatalog();
const planting = createPlanting();
const root = temporary('mac');
const { os, home, programs } = plantMac(root, catalog, planting);
const usualPath = process.env['PATH'];
const problems = createProblems();
const store = openStore(path.join(root, 'muster.db'), { migrations: readMigrations() });
const places = [...guarded.map((folder) => path.join(home, folder)), path.join(root, 'Volumes')];
let inventory: Inventory;
let snapshot: Snapshot;
let opened: string[];

beforeAll(async () => {
  // `ps-list` asks whatever `ps` is on the path of this process.
  process.env['PATH'] = programs;
  const clock = fakeClock();
  const agent = startAgent({
    ...{ os, clock, catalog, store, problems },
    device: { id: 'd', platform: 'darwin', hostname: 'ada-mac', user: 'ada' },
    dataDir: path.join(root, 'data'),
    version: '0',
    homes: [home],
    policyFile: createPolicyFile(path.join(root, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
    settings: { pollSeconds: 15, lookMinutes: 1000, projectFolders: [] },
    log: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  const watched = process.platform === 'linux' ? watchOpens(places) : () => [];
  inventory = await agent.api.scan();
  opened = watched();
  snapshot = agent.snapshot();
});
afterAll(() => {
  process.env['PATH'] = usualPath;
  store.close();
});

const place = ({ surface, program, version, path: at, running }: Place) =>
  [surface, program ?? null, version, at?.replace(root, ''), running ? 'running' : null].filter(
    (part) => part !== null && part !== undefined,
  );

describe('a Mac', () => {
  it('has exactly the tools that are planted, each in its place, with version and surface', () => {
    const found = inventory.tools.flatMap(({ id, present, places }) =>
      present ? places.map((one) => [id, ...place(one)].join(' · ')) : [],
    );
    const surfaces = new Map([...catalog.entries.values()].map(({ id, surface }) => [id, surface]));
    const running = new Set(['Claude', 'Cursor', 'Google Chrome', 'Ollama', 'Raycast', 'Slack'].map((name) => `/Applications/${name}.app`));
    const apps = applications.flatMap(({ tool, bundle, version }) =>
      tool === null
        ? []
        : [[tool, surfaces.get(tool), version, bundle.replace('/Users/ada', '~'), ...(running.has(bundle) ? ['running'] : [])].join(' · ')],
    );
    expect(apps.length).toBeGreaterThanOrEqual(17);
    const support = '~/Library/Application Support';
    const chrome = `${support}/Google/Chrome/Default`;
    expect(found.sort()).toEqual(
      [
        ...apps,
        'aider · cli · 0.86.1 · ~/.local/pipx/venvs/aider-chat',
        'claude-code · cli · 2.1.197 · ~/.local/bin/claude · running',
        'codex · cli · 0.63.0 · /opt/homebrew/bin/codex · running',
        'gemini-cli · cli · 0.18.4 · ~/.npm-global/bin/gemini',
        'claude-code-ide · ide-extension · Cursor · 2.0.46 · ~/.cursor/extensions/anthropic.claude-code-2.0.46',
        'cline · ide-extension · VS Code · 3.38.1 · ~/.vscode/extensions/saoudrizwan.claude-dev-3.38.1',
        'github-copilot · ide-extension · VS Code · 0.33.2 · ~/.vscode/extensions/github.copilot-chat-0.33.2',
        'github-copilot · ide-extension · VS Code · 1.388.0 · ~/.vscode/extensions/github.copilot-1.388.0',
        `github-copilot · ide-extension · PyCharm 2026.2 · 1.5.62-243 · ${support}/JetBrains/PyCharm2026.2/plugins/github-copilot-intellij`,
        `jetbrains-ai-assistant · ide-extension · PyCharm 2026.2 · 262.4852.44 · ${support}/JetBrains/PyCharm2026.2/plugins/ml-llm`,
        `claude-in-chrome · browser-extension · Arc · 1.0.31 · ${support}/Arc/User Data/Default`,
        `claude-in-chrome · browser-extension · Chrome · 1.0.31 · ${chrome}`,
        `grammarly-extension · browser-extension · Chrome · 14.1262.0 · ${chrome}`,
        `merlin-extension · browser-extension · Chrome · ${chrome}`,
        `monica-extension · browser-extension · Chrome · 8.1.2 · ${chrome}`,
        `sider-extension · browser-extension · Chrome · 0.1 · ${chrome}`,
        'claude-web · browser · Chrome · ~/Applications/Chrome Apps.localized/Claude.app',
        'perplexity · browser · Safari · ~/Applications/Perplexity.app',
      ].sort(),
    );
    // What was left alone is said, with its place.
    expect(inventory.problems.map(({ code, path: at }) => `${code} ${at}`).sort()).toEqual([
      'addons-unreadable ~/.gemini/settings.json',
      'extensions-unreadable ~/Applications/Jan.app/Contents/Info.plist',
      'not-looked-at ~/.gemini/settings.json',
      'not-looked-at ~/Documents/shop',
    ]);
    for (const { message } of inventory.problems) expect(message).toContain('macOS would ask you for permission first');
  });

  it('says which extensions are switched off, which ports are open and which models are there', () => {
    const of = (id: string) => inventory.tools.find((one) => one.id === id);
    expect(of('cline')?.places[0]).toMatchObject({ enabled: false });
    expect(of('jetbrains-ai-assistant')?.places[0]).toMatchObject({ enabled: false });
    expect(of('github-copilot')?.places.map(({ enabled }) => enabled)).toEqual([true, true, true]);
    expect(of('claude-in-chrome')?.places[0]?.permissions).toEqual(['<all_urls>']);
    expect(of('ollama')).toMatchObject({
      places: [{ listens: [{ port: 11434, reach: 'loopback' }] }],
      models: [{ name: 'llama3.2:3b', bytes: 2_019_377_376 }],
    });
    expect(of('claude-code')?.addons).toMatchObject([{ kind: 'skill', name: 'review' }]);
    // A family whose identifier or name only begins alike, and a program of that name for which macOS asks.
    expect(inventory.tools.filter(({ id }) => ['dia', 'goose', 'jan', 'opencode', 'cursor-cli'].includes(id))).toEqual([]);
  });

  it('has the accounts that the tools are signed in with', () => {
    const accounts = inventory.tools.flatMap(({ id, accounts: all }) =>
      (all ?? []).map(({ tier, organization, personal, source }) => ({ id, tier, organization, personal, source })),
    );
    expect(accounts).toEqual([
      {
        id: 'claude-code',
        organization: 'Acme Ltd',
        personal: false,
        source: '~/.claude.json',
        tier: 'team',
      },
      {
        id: 'codex',
        organization: null,
        personal: true,
        source: '~/.codex/auth.json',
        tier: 'plus',
      },
      {
        id: 'cursor',
        organization: null,
        personal: false,
        source: '~/Library/Application Support/Cursor/User/globalStorage/state.vscdb',
        tier: 'enterprise',
      },
    ]);
  });

  it('has the servers of its clients, and of projects where a program may look', () => {
    const rows = inventory.mcpServers.map(({ client, name, scope, configPath, identity, secretNames, running }) =>
      [client, name, scope, configPath, identity.name, secretNames.join('+'), running ? 'running' : ''].filter(Boolean).join(' · '),
    );
    expect(rows.sort()).toEqual([
      'claude-code · files · user · ~/.claude.json · server-files · FILES_TOKEN',
      'claude-code · shop · project · ~/src/shop/.mcp.json · server.js',
      'claude-desktop · files · user · ~/Library/Application Support/Claude/claude_desktop_config.json · @modelcontextprotocol/server-filesystem · running',
      'claude-desktop · notes · user · ~/Library/Application Support/Claude/claude_desktop_config.json · mcp-notes · NOTES_TOKEN',
      'copilot-cli · shop · project · ~/src/shop/.mcp.json · server.js',
      'cursor · docs · user · ~/.cursor/mcp.json · docs.example.org/mcp · Authorization',
      'vscode · git · user · ~/Library/Application Support/Code/User/mcp.json · mcp-server-git',
    ]);
    expect(JSON.stringify(inventory)).not.toContain('tempting');
  });

  it('has at least thirty ordinary applications, Homebrew’s programs and Apple’s own, and none of them is a row', () => {
    const ordinary = applications.filter(({ tool }) => tool === null);
    expect(ordinary.length).toBeGreaterThanOrEqual(30);
    const shown = JSON.stringify(inventory);
    for (const { bundle, id } of ordinary) {
      expect(shown).not.toContain(`${bundle.replace('/Users/ada', '~')}"`);
      expect(shown).not.toContain(`"${id}"`);
    }
    for (const program of ['goose', 'postgres', 'git', 'rg', 'q']) expect(shown).not.toContain(`/opt/homebrew/bin/${program}"`);
  });

  // Linux’s inotify is what tells of every opening.
  it.runIf(process.platform === 'linux')('opens nothing for which macOS would ask the user', () => {
    expect(opened).toEqual([]);
    // The kernel does tell: one look of our own at each of these places, and at a file in it.
    const file = path.join(home, 'Documents/shop/.mcp.json');
    const watched = watchOpens(places);
    fs.readFileSync(file);
    for (const folder of places) fs.readdirSync(folder);
    expect(watched()).toEqual(expect.arrayContaining([file, ...places]));
  });

  it('says no secret that is planted on it, and nothing of the person', () => {
    const told = Buffer.from(JSON.stringify([inventory, snapshot]));
    expect(planting.all.size).toBeGreaterThan(10);
    expect(planting.found(told)).toEqual([]);
    expect(planting.found(fs.readFileSync(path.join(root, 'muster.db')))).toEqual([]);
    for (const word of planted) expect(told.toString()).not.toContain(word);
    expect(snapshot.sources.filter(({ state }) => state !== 'ok').map(({ id, detail }) => `${id}: ${detail}`)).toEqual([]);
  });
});

/** What of these folders, and of all below, is opened or read by anybody until the answer is asked for, as the kernel tells it. */
function watchOpens(folders: readonly string[]): () => string[] {
  const libc = koffi.load('libc.so.6');
  const init = libc.func('int inotify_init1(int flags)');
  const add = libc.func('int inotify_add_watch(int file, const char *path, uint32_t mask)');
  const read = libc.func('int64_t read(int file, _Out_ uint8_t *buffer, size_t size)');
  const [nonBlocking, accessed, open] = [0o4000, 0x1, 0x20];
  const file = init(nonBlocking) as number;
  const names = new Map(foldersOf(folders).map((folder) => [add(file, folder, accessed | open) as number, folder]));
  return () => {
    const events: string[] = [];
    const buffer = Buffer.alloc(64 * 1024);
    for (let length = Number(read(file, buffer, buffer.length)); length > 0; length = Number(read(file, buffer, buffer.length))) {
      for (let at = 0; at < length; at += 16 + buffer.readUInt32LE(at + 12)) {
        const name = buffer.toString('utf8', at + 16, at + 16 + buffer.readUInt32LE(at + 12)).replaceAll('\0', '');
        events.push(path.join(names.get(buffer.readInt32LE(at)) ?? '?', name));
      }
    }
    fs.closeSync(file);
    return events;
  };
}
