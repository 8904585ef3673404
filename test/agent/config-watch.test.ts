/** The whole catalog watched: what appears where a place lists is found, a plugin and a switch are noticed by what the client writes, and the watches stay few. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import { type ConfigObserver, createConfigObserver } from '../../agent/observe/configs.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { fakeOs } from '../fakes.ts';

const catalog = parseCatalog(readCatalog());
let root: string;
let home: string;
let project: string;
let ending: AbortController;
let observer: ConfigObserver;
let seen: string[];
const troubles: unknown[] = [];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-watch-'));
  home = path.join(root, 'home/ada');
  project = path.join(root, 'work/shop');
  for (const folder of [home, project]) mkdirSync(folder, { recursive: true });
  ending = new AbortController();
  seen = [];
  troubles.length = 0;
  observer = createConfigObserver(fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? null, home } }), {
    homes: [home],
    catalog,
  });
});
afterEach(() => {
  ending.abort();
  rmSync(root, { recursive: true, force: true });
});

function put(file: string, value: object | string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
}
const at = (...steps: string[]) => path.join(home, ...steps);
const config = (name: string) => ({ mcpServers: { [name]: { command: 'x' } } });

async function watch(): Promise<void> {
  observer.setProjects(home, [project]);
  observer.look();
  await observer.watch(
    ending.signal,
    (read) => {
      if (read.file.role !== 'mcp') return;
      const file = path.relative(root, read.file.path);
      const parsed = read.state === 'read' ? parseServers({ ...read.file.place, off: read.off }, read.text) : null;
      const servers = parsed?.ok ? parsed.servers.map(({ name, enabled }) => `${enabled ? '' : '!'}${name}`) : [];
      seen.push([read.file.place.client, file, ...(read.state === 'read' ? servers : [read.state])].join(' '));
    },
    (trouble) => troubles.push(trouble),
  );
}
const until = (...wanted: string[]) =>
  vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(wanted)), { timeout: 5000, interval: 5 });

test('a file that appears where a place lists a folder, in a home and in a project, and its end', async () => {
  await watch();
  put(at('.gemini/extensions/notes/gemini-extension.json'), config('a'));
  await until('gemini-cli home/ada/.gemini/extensions/notes/gemini-extension.json a');
  put(at('.config/Code/User/profiles/1a2b/mcp.json'), { servers: { b: { command: 'x' } } });
  await until('vscode home/ada/.config/Code/User/profiles/1a2b/mcp.json b');
  put(path.join(project, '.kiro/agents/review.json'), config('c'));
  await until('kiro-cli work/shop/.kiro/agents/review.json c');
  put(path.join(project, 'all.code-workspace'), { settings: { mcp: { servers: { d: { command: 'x' } } } } });
  await until('vscode work/shop/all.code-workspace d');
  rmSync(at('.gemini/extensions/notes'), { recursive: true });
  await until('gemini-cli home/ada/.gemini/extensions/notes/gemini-extension.json absent');
  put(path.join(project, '.kiro/agents/review.json.bak'), config('e'));
  put(at('.config/Code/User/profiles/mcp.json'), { servers: { f: { command: 'x' } } });
  put(path.join(project, '.cursor/mcp.json'), config('g'));
  await until('cursor work/shop/.cursor/mcp.json g');
  expect(seen.filter((line) => / [ef]$/.test(line))).toEqual([]);
  expect(troubles).toEqual([]);
});

test('a plugin is noticed when the client’s settings name it, and switched off when they say so', async () => {
  await watch();
  put(at('.claude/plugins/cache/acme/tool/1.0.0/.mcp.json'), config('p'));
  put(at('.claude/settings.json'), { enabledPlugins: { 'tool@acme': true } });
  const plugin = 'claude-code home/ada/.claude/plugins/cache/acme/tool/1.0.0/.mcp.json';
  await until(`${plugin} p`);
  put(at('.claude/settings.json'), { enabledPlugins: { 'tool@acme': false } });
  await until(`${plugin} !p`);
});

test('a server of a project is seen switched off in the client’s own state', async () => {
  put(path.join(project, '.mcp.json'), config('q'));
  put(at('.claude.json'), { projects: { [project]: {} } });
  await watch();
  put(at('.claude.json'), { projects: { [project]: { disabledMcpjsonServers: ['q'] } } });
  await until('claude-code work/shop/.mcp.json !q');
});

// Only Linux says how many watches a process holds.
test.runIf(process.platform === 'linux')('caches, packages and other projects cost no watch', async () => {
  for (let one = 0; one < 100; one++) {
    put(at(`.claude/plugins/marketplaces/acme/plugins/p${one}/.claude-plugin/plugin.json`), config(`p${one}`));
    put(path.join(project, `node_modules/p${one}/package.json`), {});
    put(path.join(root, `work/other${one}/.mcp.json`), {});
    put(at(`.config/Code/User/workspaceStorage/${one}/workspace.json`), {});
  }
  put(at('.cursor/mcp.json'), config('x'));
  const before = inotifyWatches();
  await watch();
  const count = inotifyWatches() - before;
  console.log(`${count} watches with the whole catalog, one config and one project`);
  expect(count).toBeLessThanOrEqual(30);
});

function inotifyWatches(): number {
  const lines = readdirSync('/proc/self/fdinfo').map((descriptor) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch {
      // The descriptor by which the folder itself was read.
      return 0;
    }
  });
  return lines.reduce((sum, one) => sum + one, 0);
}
