/** Real MCP servers, started as a client starts them, are the entries that they belong to: in a scan, and in a watching agent's stream. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import type { Inventory, McpServer } from '../../electron/contract.ts';
import { asked, client, endLater, temporary, until, watching, write } from './muster.ts';

const fixtures = fileURLToPath(new URL('../fixtures/mcp-server', import.meta.url));
const has = (program: string) => {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

type Entry = { readonly command: string; readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> };

const home = temporary('running');
const data = path.join(home, '.muster');
const work = path.join(home, 'work');
const entries: Record<string, Entry> = {
  node: { command: 'node', args: [path.join(home, 'tools/server.mjs'), '--root', '/srv'], env: { API_TOKEN: 'not-a-real-token-1' } },
  // The same program with another argument is another entry, and does not run.
  'node-other': { command: 'node', args: [path.join(home, 'tools/server.mjs'), '--root', '/opt'] },
  shell: { command: 'sh', args: ['-c', `exec node ${path.join(home, 'tools/server.mjs')} --through=sh --token not-a-real-token-2`] },
  // Commands of npm's: links to scripts whose first line names node.
  command: { command: path.join(home, 'bin/acme-files'), args: ['/srv/files'] },
  'command-bare': { command: path.join(home, 'bin/acme-bare'), args: [] },
  'command-other': { command: path.join(home, 'bin/acme-files'), args: ['/srv/other'] },
  remote: { command: 'npx', args: ['-y', 'mcp-remote', 'https://mcp.example/sse'] },
};
if (has('python3')) {
  entries['python'] = { command: 'python3', args: [path.join(home, 'tools/server.py')] };
  entries['module'] = {
    command: 'python3',
    args: ['-m', 'acme_server', '--db', '/srv/a.db'],
    env: { PYTHONPATH: path.join(home, 'modules') },
  };
}
if (has('npx')) entries['npx'] = { command: 'npx', args: ['-y', '@acme/smallest', '/srv/data'] };
const quiet = new Set(['node-other', 'command-other', 'remote']);
const expected = Object.keys(entries).filter((name) => !quiet.has(name));

beforeAll(() => {
  cpSync(fixtures, path.join(home, 'tools'), { recursive: true });
  mkdirSync(path.join(home, 'modules'));
  mkdirSync(path.join(home, 'bin'));
  execFileSync('chmod', ['+x', path.join(home, 'tools/server.mjs')]);
  for (const name of ['acme-files', 'acme-bare']) symlinkSync('../tools/server.mjs', path.join(home, 'bin', name));
  cpSync(path.join(fixtures, 'server.py'), path.join(home, 'modules/acme_server.py'));
  // A package that stands in the project's own node_modules: npx starts that one and asks no registry.
  write(path.join(work, 'package.json'), { name: 'work', private: true });
  const own = path.join(work, 'node_modules/@acme/smallest');
  write(path.join(own, 'package.json'), { name: '@acme/smallest', version: '1.0.0', bin: { smallest: 'server.mjs' } });
  cpSync(path.join(fixtures, 'server.mjs'), path.join(own, 'server.mjs'));
  mkdirSync(path.join(work, 'node_modules/.bin'));
  execFileSync('ln', ['-s', '../@acme/smallest/server.mjs', path.join(work, 'node_modules/.bin/smallest')]);
  execFileSync('chmod', ['+x', path.join(own, 'server.mjs')]);
  write(path.join(home, '.claude.json'), { mcpServers: entries });
  write(path.join(data, 'settings.json'), { pollSeconds: 1 });
});

/** Starts an entry as a client does; resolves once the server has answered, so that it is whole. */
async function launch({ command, args, env }: Entry): Promise<ChildProcess> {
  const child = spawn(command, args, {
    cwd: work,
    env: { ...process.env, HOME: home, npm_config_offline: 'true', npm_config_update_notifier: 'false', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  endLater(child);
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} })}\n`);
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject).on('exit', (code) => reject(new Error(`${command} ended with ${code} before it answered.`)));
    child.stdout.once('data', () => resolve());
  });
  return child;
}

const running = (servers: readonly McpServer[]) => servers.filter((server) => server.running).map(({ name }) => name);

it('a server process is its entry while it runs, and only its own', async () => {
  const scan = async () => running((await asked<Inventory>(home, ['scan', '--data', path.join(home, '.scan'), '--home', home])).mcpServers);
  const agent = await watching(home, ['--data', data, '--home', home]);
  const window = await client(agent.socket);
  const shown = () => running(window.state().mcpServers).sort();
  await until(() => window.state().mcpServers.length === Object.keys(entries).length, 'the entries are there');
  expect([await scan(), shown()]).toEqual([[], []]);

  const servers = await Promise.all(expected.map(async (name) => launch(entries[name] as Entry)));
  expect((await scan()).sort()).toEqual([...expected].sort());
  await until(() => shown().join() === [...expected].sort().join(), `the stream says that ${expected.join(', ')} run`);
  for (const secret of ['not-a-real-token-1', 'not-a-real-token-2']) expect(window.raw()).not.toContain(secret);

  // A client ends its servers by closing their input.
  const ended = servers.map((server) => new Promise((resolve) => server.once('exit', resolve)));
  for (const server of servers) server.stdin?.end();
  await Promise.all(ended);
  expect(await scan()).toEqual([]);
  await until(() => shown().length === 0, 'the stream says that none runs any more');
  agent.stdin?.end();
  await agent.done;
}, 120_000);
