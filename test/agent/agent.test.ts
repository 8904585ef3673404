/** The agent's laws over a real store: whatever happens in whatever order, first sightings stay, counts grow, and the stream says what is new. */
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore, type Store } from '../../agent/store/store.ts';
import { createStream } from '../../agent/stream.ts';
import type { Snapshot } from '../../electron/contract.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { temporary, write } from './muster.ts';

const catalog = loadCatalog();
const scratch = temporary('agent');
let machines = 0;

/** A machine made of files, with an agent and its store. */
function machine() {
  const root = path.join(scratch, String(machines++));
  const home = path.join(root, 'home/ada');
  const uid = process.getuid?.() ?? 1000;
  const os = fakeOs({ root, user: { name: 'ada', uid, home } });
  write(path.join(root, 'proc/loadavg'), '0 0 0 1/1 1');
  fs.mkdirSync(home, { recursive: true });
  const clock = fakeClock();
  const data = path.join(root, 'data');
  const store: Store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
  const problems = createProblems();
  const policyFile = createPolicyFile(path.join(data, 'policy.json'), { tool: () => true, tiers: () => null }, problems);
  const parts = {
    ...{ os, clock, catalog, store, problems, policyFile, dataDir: data, version: '0', homes: [home] },
    device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
    settings: { pollSeconds: 1, lookMinutes: 15 },
    log: (what: string, error: unknown) => {
      throw new Error(`${what} failed`, { cause: error });
    },
  } as const;
  const process_ = (pid: number) => path.join(root, 'proc', String(pid));
  return {
    home,
    clock,
    store,
    start: (): Agent => startAgent(parts),
    run(pid: number, exe: string) {
      const fields = Array.from({ length: 52 }, () => '0');
      Object.assign(fields, { 0: String(pid), 1: '(x)', 2: 'S', 3: '1', 21: String(pid * 10 + machines), 27: '1' });
      write(path.join(process_(pid), 'stat'), fields.join(' '));
      write(path.join(process_(pid), 'cmdline'), `${exe}\0`);
      write(path.join(process_(pid), 'status'), `Name:\tx\nUid:\t${uid}\t0\t0\t0\n`);
      fs.symlinkSync(exe, path.join(process_(pid), 'exe'));
    },
    end: (pid: number) => fs.rmSync(process_(pid), { recursive: true, force: true }),
  };
}

type Action = { do: 'run' | 'end' | 'install' | 'uninstall' | 'config' | 'subscribe' | 'restart' | 'request' | 'wait'; n: number };
const action = fc.record<Action>({
  do: fc.constantFrom('run', 'end', 'install', 'uninstall', 'config', 'subscribe', 'restart', 'request', 'wait'),
  n: fc.integer({ min: 0, max: 3 }),
});
const TOOLS = ['opencommit', 'gptme', 'aider', 'cursor-agent'] as const;
const PACKAGES = ['opencommit', '@openai/codex', 'cline', 'codebuff'] as const;

/** Follows a stream and complains about a slice that is as it was. */
function follow(agent: Agent, signal: AbortSignal) {
  let state: Partial<Snapshot> = {};
  agent.subscribe((slices) => {
    for (const [key, value] of Object.entries(slices)) {
      const before = state[key as keyof Snapshot];
      if (before !== undefined && JSON.stringify(before) === JSON.stringify(value)) throw new Error(`${key} was told again as it was`);
    }
    state = { ...state, ...slices };
  }, signal);
  return () => state;
}

describe('an agent, whatever happens', () => {
  it('keeps first sightings, counts upwards, and tells every listener everything once', async () => {
    let rows = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 12 }), async (actions) => {
        const it = machine();
        let agent = it.start();
        const first = new Map<string, string>();
        let ending = new AbortController();
        let listeners: (() => Partial<Snapshot>)[] = [];
        for (const { do: what, n } of actions) {
          const exe = path.join(it.home, 'tools', TOOLS[n] ?? '');
          const folder = path.join(it.home, '.npm-global/lib/node_modules', PACKAGES[n] ?? '');
          if (what === 'run' && !fs.existsSync(path.join(it.home, `../../proc/${100 + n}`))) it.run(100 + n, exe);
          if (what === 'end') it.end(100 + n);
          if (what === 'install') write(path.join(folder, 'package.json'), { name: PACKAGES[n], version: `1.0.${n}` });
          if (what === 'uninstall') fs.rmSync(folder, { recursive: true, force: true });
          if (what === 'config')
            write(path.join(it.home, '.cursor/mcp.json'), n === 3 ? '{' : { mcpServers: { [`s${n}`]: { command: 'x' } } });
          if (what === 'subscribe') listeners.push(follow(agent, ending.signal));
          if (what === 'request') await agent.api.request({ item: TOOLS[0], reason: 'x' }).catch(() => {});
          if (what === 'restart') {
            ending.abort();
            ending = new AbortController();
            listeners = [];
            agent = it.start();
          }
          if (what === 'wait') await it.clock.advance(n * 40_000_000);
          await it.clock.advance(500);
          await agent.api.scan();
          for (const { id, firstSeen, lastSeen, present, running } of agent.snapshot().tools) {
            if ((first.get(id) ?? firstSeen) !== firstSeen)
              throw new Error(`${id} was first seen at ${first.get(id)}, and now at ${firstSeen}`);
            first.set(id, firstSeen);
            if (lastSeen < firstSeen || (running && !present)) throw new Error(`${id} contradicts itself`);
            rows++;
          }
          for (const { id, firstSeen } of it.store.servers()) {
            if ((first.get(id) ?? firstSeen) !== firstSeen) throw new Error(`server ${id} moved`);
            first.set(id, firstSeen);
          }
        }
        for (const id of first.keys()) {
          if (!it.store.tools().some(({ tool }) => tool === id) && !it.store.servers().some((server) => server.id === id))
            throw new Error(`${id} was forgotten`);
        }
        const now = JSON.parse(JSON.stringify(agent.snapshot()));
        for (const state of listeners) expect(JSON.parse(JSON.stringify(state()))).toEqual(now);
        ending.abort();
        // Ends in good order, also when it is told to before it began.
        await agent.watch(ending.signal);
        for (const { runS, frontS, launches } of it.store.usage('2000-01-01'))
          expect(Math.min(runS, frontS, launches)).toBeGreaterThanOrEqual(0);
        it.store.close();
      }),
      { numRuns: 40 },
    );
    expect(rows).toBeGreaterThan(50);
  }, 90_000);

  it('gives a look over other homes to nobody who asked for a plain one', async () => {
    const it = machine();
    const agent = it.start();
    const other = path.join(it.home, '../bob');
    write(path.join(other, '.cursor/mcp.json'), { mcpServers: { bobs: { command: 'x' } } });
    write(path.join(it.home, '.cursor/mcp.json'), { mcpServers: { adas: { command: 'x' } } });
    const [theirs, plain, same] = await Promise.all([agent.api.scan({ homes: [other] }), agent.api.scan(), agent.api.scan()]);
    expect(theirs.mcpServers.map(({ name, home }) => [name, home])).toEqual([['bobs', other]]);
    expect(plain.mcpServers.map(({ name }) => name).sort()).toEqual(['adas', 'bobs']);
    expect(same).toBe(plain);
    await expect(agent.api.scan({ policy: { path: 'p.json', text: '{' } })).rejects.toMatchObject({ code: 'policy-invalid' });
    expect((await agent.api.scan()).mcpServers).toHaveLength(2);
    it.store.close();
  });
});

describe('leftover folders', () => {
  it('of the agent’s own homes are still known after a look at others, and others’ are no evidence here', async () => {
    const it = machine();
    const other = path.join(it.home, '../bob');
    // Neither makes a row alone: such a folder stays behind, and many a program has such a name.
    write(path.join(it.home, '.config/amp/settings.json'), {});
    write(path.join(other, '.aws/amazonq/x'), '');
    const agent = it.start();
    const ending = new AbortController();
    const listener = follow(agent, ending.signal);
    const watching = agent.watch(ending.signal);
    await vi.waitFor(() => expect(listener().look?.at).not.toBeNull());
    expect((await agent.api.scan({ homes: [other] })).tools).toEqual([]);
    it.run(71, path.join(it.home, 'tools/amp'));
    const began = it.clock.now().getTime();
    const ids = () => listener().tools?.map(({ id }) => id);
    await vi.waitFor(
      async () => {
        if (!ids()?.length) await it.clock.advance(1000);
        expect(ids()).toEqual(['amp']);
      },
      { timeout: 10_000, interval: 1 },
    );
    // By a poll, and not by the next whole look.
    expect(it.clock.now().getTime() - began).toBeLessThan(5 * 60_000);
    it.run(72, path.join(it.home, 'tools/q'));
    expect((await agent.api.scan()).tools.map(({ id }) => id)).toEqual(['amp']);
    ending.abort();
    await watching;
    it.store.close();
  });
});

describe('a project’s servers', () => {
  it('stay while the editor that knows the project is writing its list, and go when it is no longer in there', async () => {
    const it = machine();
    const project = path.join(it.home, 'src/shop');
    write(path.join(project, '.vscode/mcp.json'), { servers: { shop: { command: 'x' } } });
    const state = path.join(it.home, '.config/Code/User/globalStorage/state.vscdb');
    fs.mkdirSync(path.dirname(state), { recursive: true });
    const editor = new Sqlite(state);
    editor.exec('CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
    const recent = (...folders: readonly string[]) =>
      editor
        .prepare('INSERT INTO ItemTable VALUES (?, ?)')
        .run('history.recentlyOpenedPathsList', JSON.stringify({ entries: folders.map((folder) => ({ folderUri: `file://${folder}` })) }));
    // Each look is an agent's first: nothing but the editor's list tells it of the project.
    const look = async () => (await it.start().api.scan()).mcpServers.filter(({ present }) => present).map(({ name }) => name);
    recent(project);
    expect(await look()).toEqual(['shop']);
    editor.exec('BEGIN EXCLUSIVE');
    recent(path.join(it.home, 'src/other'));
    expect(await look()).toEqual(['shop']);
    editor.exec('COMMIT');
    expect(await look()).toEqual([]);
    editor.close();
    it.store.close();
  });
});

describe('the stream', () => {
  it('tells the others what had changed unsaid before somebody new came', () => {
    let tools: Snapshot['tools'] = [];
    const stream = createStream({ tools: () => tools, problems: () => [] } as unknown as Parameters<typeof createStream>[0]);
    const told: Partial<Snapshot>[][] = [[], []];
    const { signal } = new AbortController();
    stream.subscribe((slices) => told[0]?.push(slices), signal);
    tools = [{ id: 'new' }] as unknown as Snapshot['tools'];
    stream.subscribe((slices) => told[1]?.push(slices), signal);
    stream.publish();
    stream.publish('tools', 'problems');
    expect(told).toEqual([[{ tools: [], problems: [] }, { tools }], [{ tools, problems: [] }]]);
    stream.subscribe(() => expect.unreachable(), AbortSignal.abort());
  });
});
