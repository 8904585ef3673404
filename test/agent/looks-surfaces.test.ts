/** The surfaces through the whole agent: what is joined, what becomes a row or history, what is said where nothing can be seen, and that one source never stops another. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { confidence } from '../../agent/inventory.ts';
import { loadCatalog } from '../../agent/session.ts';
import type { Inventory, Snapshot, Source, Tool } from '../../electron/contract.ts';
import { writeFile } from './account-fixtures.ts';
import { machine } from './machine.ts';

const catalog = loadCatalog();
const engines: http.Server[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) {
    engine.close();
    engine.closeAllConnections();
  }
});

type Machine = ReturnType<typeof machine>;
const put = (file: string, content: string | object, mode = 0o644) => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode });
};
/** A while after the one before: what a look didn't see again is older than the look. */
async function scan({ agent, clock }: Machine): Promise<Inventory> {
  await clock.advance(60_000);
  return agent.api.scan();
}
const tool = ({ tools }: Pick<Inventory, 'tools'>, id: string): Tool | undefined => tools.find((one) => one.id === id);
const source = ({ agent }: Machine, id: Source['id']) => agent.snapshot().sources.find((one) => one.id === id);

describe('local servers', () => {
  it('belong to the tool whose process holds the port, and are told by port and reach', async () => {
    const made = machine();
    made.runs(71, ['/usr/local/bin/ollama', 'serve'], '/usr/local/bin/ollama');
    made.listens([
      { port: 11434, pid: 71 },
      { port: 8443, pid: 71, everywhere: true },
    ]);
    const ollama = tool(await scan(made), 'ollama');
    expect(ollama?.places[0]?.listens).toEqual([
      { port: 8443, reach: 'network' },
      { port: 11434, reach: 'loopback' },
    ]);
    expect(ollama?.evidence.map(({ kind }) => kind)).toEqual(['process']);
    // Closed again, the port is gone at the next look.
    made.listens([]);
    expect(tool(await scan(made), 'ollama')?.places[0]).not.toHaveProperty('listens');
  });

  it('that a tool opens after its start are told without waiting for the next whole look', async () => {
    const made = machine();
    made.listens([]);
    const ending = new AbortController();
    let told: Partial<Snapshot> = {};
    made.agent.subscribe((slices) => {
      told = { ...told, ...slices };
    }, ending.signal);
    const watching = made.agent.watch(ending.signal);
    await vi.waitFor(() => expect(told.look?.at).not.toBeNull());
    const listens = () => told.tools?.find(({ id }) => id === 'ollama')?.places[0]?.listens;
    const comes = (expected: unknown, seconds: number) =>
      vi.waitFor(
        async () => {
          if (JSON.stringify(listens()) !== JSON.stringify(expected)) await made.clock.advance(seconds * 1000);
          expect(listens()).toEqual(expected);
        },
        { timeout: 10_000, interval: 1 },
      );
    made.runs(77, ['/usr/local/bin/ollama', 'serve'], '/usr/local/bin/ollama');
    made.listens([{ port: 11434, pid: 77 }]);
    await comes([{ port: 11434, reach: 'loopback' }], 1);
    // Started again, as another process, which opens its port only at the poll after.
    made.listens([]);
    fs.rmSync(path.join(made.root, 'proc/77'), { recursive: true });
    made.runs(78, ['/usr/local/bin/ollama', 'serve'], '/usr/local/bin/ollama');
    await comes(undefined, 5);
    made.listens([{ port: 11434, pid: 78, everywhere: true }]);
    await comes([{ port: 11434, reach: 'network' }], 5);
    ending.abort();
    await watching;
  });

  it('whose program nobody knows are weak evidence: nothing alone, possible beside a leftover folder', async () => {
    const made = machine();
    made.runs(72, ['/opt/acme/bin/billing'], '/opt/acme/bin/billing');
    made.listens([{ port: 11434, pid: 72 }]);
    expect(tool(await scan(made), 'ollama')).toBeUndefined();
    fs.mkdirSync(path.join(made.home, '.ollama'));
    expect(tool(await scan(made), 'ollama')).toMatchObject({
      ...{ confidence: 'possible', present: true, running: false },
      evidence: expect.arrayContaining([{ kind: 'listener', path: '/opt/acme/bin/billing', port: 11434 }]),
    });
    made.listens([]);
    expect(tool(await scan(made), 'ollama')).toMatchObject({ present: false });
  });

  it('make a program with a tool’s common name that tool, possibly, where it holds that tool’s port', async () => {
    const known = [...catalog.entries.values()].flatMap(({ id, detect }) =>
      (detect.commonBinaries ?? []).flatMap((name) => (detect.ports ?? []).map((port) => ({ id, name, port }))),
    );
    const named = known.find(({ id, name, port }) => {
      const seen = { kind: 'listener', port, reach: 'loopback', pid: null, exe: null, home: null } as const;
      return catalog.identify(seen)?.entry.id === id && /^[a-z]+$/.test(name) && !catalog.entries.get(id)?.detect.binaries?.includes(name);
    });
    if (!named) throw new Error('The catalog has no tool with a common name and a port of its own.');
    const made = machine();
    const exe = `/opt/acme/bin/${named.name}`;
    made.runs(73, [exe], exe);
    made.listens([{ port: named.port + 1, pid: 73 }]);
    expect(tool(await scan(made), named.id)).toBeUndefined();

    const again = machine();
    again.runs(73, [exe], exe);
    again.listens([{ port: named.port, pid: 73 }]);
    expect(tool(await scan(again), named.id)).toMatchObject({ confidence: 'possible', present: true, running: true });
  });

  it('are said not to be known where the system has no table', async () => {
    const made = machine();
    await scan(made);
    expect(source(made, 'servers')).toMatchObject({ state: 'unavailable', detail: expect.stringContaining('can’t be seen') });
  });
});

/** An engine on a real socket, which answers with these images. */
async function engine({ root }: Machine, images: readonly { readonly image: string; readonly running: boolean }[]): Promise<http.Server> {
  const file = path.join(root, 'var/run/docker.sock');
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  const listing = images.map(({ image, running }, at) => ({
    Id: `${at}`,
    Names: [`/c${at}`],
    Image: image,
    State: running ? 'running' : 'exited',
  }));
  const server = http.createServer((_request, response) => response.end(JSON.stringify(listing)));
  await new Promise<void>((resolve) => server.listen(file, resolve));
  engines.push(server);
  return server;
}
const gone = (server: http.Server) =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

describe('containers', () => {
  it('of an AI image are a runtime that runs or is only there, and history once the engine lists them no more', async () => {
    const made = machine();
    const first = await engine(made, [
      { image: 'ollama/ollama:0.12.3', running: true },
      { image: 'postgres:17', running: true },
    ]);
    const inventory = await scan(made);
    expect(tool(inventory, 'ollama')).toMatchObject({
      ...{ confidence: 'certain', present: true, running: true, surfaces: ['runtime'] },
      places: [{ surface: 'runtime', program: 'docker', version: '0.12.3', running: true, present: true }],
    });
    expect(inventory.tools).toHaveLength(1);
    expect(source(made, 'containers')).toMatchObject({ state: 'ok', detail: expect.stringContaining('1 of 2') });

    // An engine that is stopped says nothing about what it has.
    await gone(first);
    expect(tool(await scan(made), 'ollama')).toMatchObject({ present: true, running: false });
    const second = await engine(made, [{ image: 'ollama/ollama:0.12.3', running: false }]);
    expect(tool(await scan(made), 'ollama')).toMatchObject({ present: true, running: false });
    await gone(second);
    await engine(made, []);
    expect(tool(await scan(made), 'ollama')).toMatchObject({ present: false, running: false, places: [{ present: false }] });
  });

  it('are none where there is no engine, and that is no failure', async () => {
    const made = machine();
    expect((await scan(made)).problems).toEqual([]);
    expect(source(made, 'containers')).toMatchObject({ state: 'ok', detail: expect.stringContaining('No container engine') });
  });
});

describe('extensions, add-ons and models', () => {
  const record = (...ids: string[]) => ids.map((id) => ({ identifier: { id }, version: '1.2.3', relativeLocation: `${id}-1.2.3` }));
  const folder = (made: Machine) => path.join(made.home, '.vscode/extensions');
  const install = (made: Machine, ...ids: string[]) => {
    for (const id of ids)
      put(path.join(folder(made), `${id}-1.2.3/package.json`), { name: id.split('.')[1], publisher: id.split('.')[0], version: '1.2.3' });
    put(path.join(folder(made), 'extensions.json'), record(...ids));
  };

  it('are a place each, with the program that has them, and history when they are removed', async () => {
    const made = machine();
    install(made, 'github.copilot', 'acme.colours');
    expect(tool(await scan(made), 'github-copilot')).toMatchObject({
      ...{ confidence: 'certain', present: true, surfaces: ['ide-extension'] },
      places: [{ surface: 'ide-extension', program: expect.any(String), version: '1.2.3', home: '~', present: true }],
      evidence: expect.arrayContaining([expect.objectContaining({ kind: 'extension', name: 'github.copilot', version: '1.2.3' })]),
    });
    // A record that can't be read takes nothing back.
    put(path.join(folder(made), 'extensions.json'), '{"broken');
    const unreadable = await scan(made);
    expect(tool(unreadable, 'github-copilot')?.present).toBe(true);
    expect(unreadable.problems.map(({ code }) => code)).toContain('extensions-unreadable');
    expect(unreadable.partial).toBe(true);
    fs.rmSync(folder(made), { recursive: true });
    const after = await scan(made);
    expect(tool(after, 'github-copilot')).toMatchObject({ present: false, places: [{ present: false }] });
    expect(after.problems).toEqual([]);
  });

  it('are found where an editor has them built in and somebody is signed in', async () => {
    const made = machine();
    const state = path.join(made.home, '.config/Code/User/globalStorage/state.vscdb');
    const setup = (value: object) => writeFile(state, { '@@rows': { 'chat.setupContext': value } });
    setup({ entitlement: 8, installed: false });
    expect(tool(await scan(made), 'github-copilot')).toBeUndefined();
    setup({ entitlement: 8, installed: true });
    expect(tool(await scan(made), 'github-copilot')).toMatchObject({
      ...{ confidence: 'likely', present: true, accounts: [{ tier: 'business', personal: false }] },
      places: [{ surface: 'ide-extension', program: 'VS Code', present: true }],
      evidence: [{ kind: 'account', program: 'VS Code', path: '~/.config/Code/User/globalStorage/state.vscdb' }],
    });
    setup({ entitlement: 1, installed: true });
    expect(tool(await scan(made), 'github-copilot')).toMatchObject({ present: false, accounts: [] });
  });

  it('are told with the agent or the runtime that they were given to', async () => {
    const made = machine();
    put(path.join(made.home, '.claude/skills/review/SKILL.md'), '---\nname: review\n---\nSecret words.');
    put(path.join(made.home, '.local/share/claude/versions/2.1.0'), '#!/bin/sh\n', 0o755);
    fs.mkdirSync(path.join(made.home, '.local/bin'), { recursive: true });
    fs.symlinkSync(path.join(made.home, '.local/share/claude/versions/2.1.0'), path.join(made.home, '.local/bin/claude'));
    const claude = tool(await scan(made), 'claude-code');
    expect(claude?.addons).toContainEqual({
      ...{ kind: 'skill', name: 'review', scope: 'user', home: '~', project: null },
      path: expect.stringMatching(/^~\/\.claude\/skills\/review/),
    });
    expect(JSON.stringify(claude)).not.toContain('Secret words');
    fs.rmSync(path.join(made.home, '.claude'), { recursive: true });
    expect(tool(await scan(made), 'claude-code')?.addons).toEqual([]);
  });
});

describe('titles of windows', () => {
  const xprop = (title: string) => (_file: string, args: readonly string[]) => {
    if (args.includes('-root')) return '_NET_ACTIVE_WINDOW(WINDOW): window id # 0x1a00007\n';
    asked.push(args);
    const named = args.includes('_NET_WM_NAME') ? `_NET_WM_NAME(UTF8_STRING) = ${JSON.stringify(title)}\n` : '';
    return `_NET_WM_PID(CARDINAL) = 74\nWM_CLASS(STRING) = "${program}", "${program}"\n${named}`;
  };
  let asked: (readonly string[])[] = [];
  let program = 'firefox';

  function inFront(title: string, policy: object | null, what = 'firefox') {
    asked = [];
    program = what;
    const made = machine({ env: { DISPLAY: ':7', PATH: '/usr/bin' }, programs: xprop(title) });
    put(path.join(made.root, 'usr/bin/xprop'), '', 0o755);
    made.runs(74, [`/usr/lib/${what}/${what}`], `/usr/lib/${what}/${what}`);
    if (policy) put(path.join(made.root, 'policy.json'), { schema: 'muster.policy/1', rev: 1, ...policy });
    return made;
  }
  const allowed = { collect: { matchTitles: true } };
  const claimed = [...catalog.entries.values()].flatMap(({ id, detect }) => (detect.titles ?? []).map((title) => ({ id, title })));
  const [site] = claimed.filter(({ title }) => /^[A-Z][A-Za-z]{4,}$/.test(title));

  it('are not even asked for without a policy that says so', async () => {
    for (const policy of [null, {}, { collect: { matchTitles: false } }]) {
      const made = inFront(site?.title ?? '', policy);
      const { tools } = await scan(made);
      expect(tools).toEqual([]);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.flat()).not.toContain('_NET_WM_NAME');
      expect(source(made, 'foreground')?.detail).toContain('titles are not read');
    }
  });

  it('of a browser make the site’s tool possible where policy lets them be compared, and are not kept', async () => {
    const made = inFront(`${site?.title} — Mozilla Firefox`, allowed);
    const found = tool(await scan(made), site?.id ?? '');
    expect(found).toMatchObject({ confidence: 'possible', present: true, running: false, surfaces: ['browser'] });
    expect(found?.evidence).toMatchObject([{ kind: 'window', program: 'firefox' }]);
    expect(source(made, 'foreground')?.detail).toContain('none is kept');
    expect(JSON.stringify(made.store.evidence())).not.toContain('Mozilla');
  });

  it.each([
    ['of another program', site?.title ?? '', 'acme-terminal'],
    ['that only speaks of it', `${site?.title} - Wikipedia — Mozilla Firefox`, 'firefox'],
    ['that is a sentence', `How I use ${site?.title} — Mozilla Firefox`, 'firefox'],
  ])('%s are nothing', async (_name, title, what) => {
    const made = inFront(title, allowed, what);
    expect((await scan(made)).tools).toEqual([]);
  });
});

describe('one source', () => {
  it('that fails says so, and stops no other', async () => {
    const env = new Proxy<Record<string, string>>(
      {},
      {
        get(_target, name) {
          if (name === 'DOCKER_HOST') throw new Error('nobody knows why');
          return undefined;
        },
      },
    );
    const made = machine({ env });
    made.runs(75, ['/usr/local/bin/ollama', 'serve'], '/usr/local/bin/ollama');
    made.listens([{ port: 11434, pid: 75 }]);
    const inventory = await scan(made);
    expect(inventory.partial).toBe(true);
    expect(inventory.problems).toMatchObject([{ code: 'source-failed', path: 'containers' }]);
    expect(source(made, 'containers')?.state).toBe('unavailable');
    expect(tool(inventory, 'ollama')?.places[0]?.listens).toEqual([{ port: 11434, reach: 'loopback' }]);
    const others = made.agent.snapshot().sources.filter(({ id }) => id !== 'containers' && id !== 'foreground');
    expect(others.map(({ id, state }) => [id, state])).toEqual(others.map(({ id }) => [id, 'ok']));
    expect(others).toHaveLength(9);
    expect(others.every(({ detail, lastLook }) => detail.length > 20 && lastLook !== null)).toBe(true);
  });
});

it('every row of any of these scans had evidence for it', async () => {
  const made = machine();
  made.runs(76, ['/usr/local/bin/ollama', 'serve'], '/usr/local/bin/ollama');
  await scan(made);
  const evidence = Map.groupBy(made.store.evidence(), (one) => one.tool);
  for (const { tool: id } of made.store.tools()) expect([id, confidence(evidence.get(id) ?? [])]).not.toEqual([id, null]);
});
