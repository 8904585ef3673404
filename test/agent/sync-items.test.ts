/** What leaves of the inventory: nothing that names a project or a home, nothing longer than the protocol takes, and the same hash for the same state. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredServer } from '../../agent/store/store.ts';
import type { SyncState } from '../../agent/store/sync-rows.ts';
import { compose, type Now } from '../../agent/sync/compose.ts';
import { type Inventory, type Items, toItems, toRequest } from '../../agent/sync/items.ts';
import type { NamesParts } from '../../agent/sync/names.ts';
import { BOUNDS, CheckIn, headOf, Item } from '../../agent/wire.ts';
import type { Tool } from '../../electron/contract.ts';
import { namesOf, requestOf, toolOf } from './sync-device.ts';

const SEEN = '2026-11-01T08:00:00.000Z';
const NOW = new Date('2026-11-22T09:00:00.000Z');
const PROJECT = '~/work/secret-merger';
const names = (more: Partial<NamesParts> = {}) =>
  namesOf({
    ...{ folders: [PROJECT, `${PROJECT}/app`], homes: ['/home/ada', '/srv/home/bob'] },
    // What only tells one thing from another is no hash of a folder.
    salted: (text) => (/^(?:server|launch)\0/.test(text) ? `id-${text.split('\0')[1]}` : `salt-${text.length}`),
    ...more,
  });

const serverOf = (more: Partial<StoredServer> = {}): StoredServer => ({
  ...{ id: 's1', client: 'claude-code', name: 'files', scope: 'project', project: PROJECT, configPath: `${PROJECT}/.mcp.json`, home: '~' },
  ...{
    enabled: true,
    transport: 'stdio',
    command: 'node',
    args: [`/home/ada/work/secret-merger/server.js`, '--root=/home/ada/x'],
    url: null,
  },
  identity: { kind: 'script', name: `${PROJECT}/server.js`, version: null, launchHash: 'sha256:00' },
  ...{ publisher: null, pinned: true, autoApproved: [], reach: [], uncertain: false, secretNames: ['B', 'A'], present: true },
  ...{ risk: { score: 0, level: 'none', findings: [] }, firstSeen: SEEN, lastSeen: SEEN },
  ...more,
});
const inventory = (more: Partial<Inventory> = {}): Inventory => ({ tools: [], servers: [], accounts: [], approved: new Map(), ...more });
const only = ({ items }: Items) => [...items.values()][0]?.item;

describe('names', () => {
  it('tell a project by a salted hash, and what nobody knows in the same way', () => {
    const { items } = toItems(inventory({ servers: [serverOf()], tools: [toolOf('x', '1', {})] }), names());
    const text = JSON.stringify([...items.values()].map(({ item }) => item));
    expect(text).not.toMatch(/secret-merger|\/home\/ada/);
    expect([...items.values()].map(({ item }) => item).find(({ kind }) => kind === 'mcp')).toMatchObject({
      project: `project:salt-${PROJECT.length}`,
      configPath: `project:salt-${PROJECT.length}/.mcp.json`,
      args: [`project:salt-${PROJECT.length}/server.js`, `--root=project:salt-${'~/x'.length}`],
      identity: { kind: 'script', name: `project:salt-${PROJECT.length}/server.js`, launchHash: expect.stringMatching(/^salted:id-/) },
      secretNames: ['A', 'B'],
    });
  });

  it('tell of a project not even the hash where the policy forbids it', () => {
    const item = only(toItems(inventory({ servers: [serverOf()] }), names({ mayTell: false })));
    expect(item).toMatchObject({ project: null, configPath: 'project/.mcp.json' });
    expect(JSON.stringify(item)).not.toMatch(/salt-|secret-merger/);
  });

  const npx = { kind: 'npm', name: '@acme/files' } as const;
  it.each([
    ['/usr/bin/node', '/usr/bin/node'],
    ['/opt/homebrew/Cellar/node/24.1.0/bin/node', '/opt/homebrew/Cellar/node/24.1.0/bin/node'],
    ['/home/ada/.nvm/versions/node/v24.1.0/bin/npx', '~/.nvm/versions/node/v24.1.0/bin/npx'],
    ['C:\\Program Files\\nodejs\\npx.cmd', 'C:\\Program Files\\nodejs\\npx.cmd'],
    ['C:\\Program Files\\Merger\\npx.cmd', 'C:\\Program Files\\project:#\\npx.cmd'],
    ['C:\\Windows\\System32\\cmd.exe', 'C:\\Windows\\System32\\cmd.exe'],
    ['/tmp/…/work/merger/server.js', 'project:#/server.js'],
    ['/mnt/merger/node_modules/.bin/x', 'project:#'],
    ['/opt/merger/run.sh', '/opt/project:#/run.sh'],
    ['~/.merger/mcp.json', 'project:#/mcp.json'],
    ['~/server.js', 'project:#'],
    ['./src/index.ts', './src/index.ts'],
    ['./merger/index.ts', 'project:#/index.ts'],
    ['--root=/home/bob/merger plans/x', '--root=project:#'],
    ['-v/home/bob/merger:/data', 'project:#'],
    ['-y', '-y'],
    ['--port', '--port'],
    ['3000', '3000'],
    ['@acme/files@1.2.3', '@acme/files@1.2.3'],
    ['@acme/merger', 'project:#'],
    ['merger', 'hidden:#'],
    ['cd /work && node merger.js', 'project:#'],
    ['merger deal', 'hidden:#'],
    ['stdio', 'stdio'],
    ['API_KEY=…', 'API_KEY=…'],
    ['ROOT=/srv/merger', 'ROOT=project:#'],
    ['file:///srv/merger/x', 'hidden:#'],
    ['postgres://db.example/merger', 'hidden:#'],
    ['https://mcp.example/v1', 'https://mcp.example/v1'],
    ['', ''],
    ['~', '~'],
    ['/', '/'],
    ['…', '…'],
  ])('write the word %s of a command line as %s', (given, told) => {
    expect(
      names({ folders: [] })
        .argument(given, npx)
        .replace(/salt-\d+/, '#'),
    ).toBe(told);
  });

  it('find what is named after a project, the account or the computer', () => {
    const { name } = names();
    const hidden = ['secret-merger', 'Secret Merger', 'secret_merger_KEY', 'my.secretMerger', 'the-secretmergers', 'ada-notes', 'quince'];
    for (const text of hidden) expect([text, name(text)]).toEqual([text, `hidden:salt-${text.length}`]);
    for (const text of ['merger', 'app', 'work', 'adapter', 'GITHUB_TOKEN', 'canada']) expect(name(text)).toBe(text);
    expect([names().host('adas-laptop'), names().host('lab-12')]).toEqual(['host:salt-11', 'lab-12']);
  });

  it('call a script in a grant as they call it to the collector, and nothing where two could be meant', () => {
    const { identity } = names();
    const script = { identity: { ...serverOf().identity }, pinned: true };
    expect(identity(script).grantable).toBe(`script:project:salt-${PROJECT.length}/server.js`);
    expect(names({ mayTell: false }).identity(script).grantable).toBeNull();
    const npm = (name: string, pinned = false) => identity({ identity: { ...script.identity, kind: 'npm', name }, pinned });
    expect(npm('@acme/files')).toMatchObject({ kind: 'npm', name: '@acme/files', grantable: 'npm:@acme/files' });
    expect(npm('file:../merger')).toMatchObject({ kind: 'unknown', name: 'hidden:salt-14' });
    expect(npm('secret-merger')).toMatchObject({ kind: 'unknown', name: 'hidden:salt-13' });
    expect(npm('@acme/secret-merger', true)).toMatchObject({ kind: 'unknown' });
  });
});

describe('an item', () => {
  it('hashes alike whatever runs, whenever it was seen, and in whatever order things stand', () => {
    const one = toolOf('x', '1', {
      models: [
        { name: 'a', bytes: 1, path: '/a' },
        { name: 'b', bytes: 2, path: '/b' },
      ],
    });
    const other: Tool = {
      ...one,
      ...{ running: true, lastSeen: '2026-12-01T00:00:00.000Z', firstSeen: '2026-10-01T00:00:00.000Z' },
      places: one.places.map((place) => ({ ...place, running: true, lastSeen: '2026-12-01T00:00:00.000Z' })),
      models: [...(one.models ?? [])].reverse(),
    };
    const hash = (tool: Tool) => toItems(inventory({ tools: [tool] }), names()).items.get('tool:x')?.hash;
    expect(hash(other)).toBe(hash(one));
    expect(hash(toolOf('x', '2'))).not.toBe(hash(one));
  });

  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.integer({ min: 0, max: 30_000 }).map((length) => 'ü'.repeat(length)),
    fc.constant('\0\ud800'),
  );
  const server = fc.record({
    name: odd,
    configPath: odd,
    command: fc.option(odd, { nil: null }),
    args: fc.array(odd, { maxLength: 130 }),
    secretNames: fc.array(odd, { maxLength: 130 }),
  });
  const tool = fc.record({ models: fc.array(fc.record({ name: odd, bytes: fc.nat(), path: odd }), { maxLength: 250 }) });

  it('is at most 16 KiB and of the protocol’s form, or is left out; either is counted', () => {
    fc.assert(
      fc.property(fc.array(server, { maxLength: 3 }), fc.array(tool, { maxLength: 3 }), (servers, tools) => {
        const many = inventory({
          servers: servers.map((more, index) => serverOf({ id: `s${index}`, ...more })),
          tools: tools.map((more, index) => toolOf(`t${index}`, '1', more)),
        });
        const { items, dropped } = toItems(many, names());
        expect(items.size + (dropped['items'] ?? 0)).toBe(servers.length + tools.length);
        for (const { item, bytes } of items.values()) {
          expect(Item.safeParse(item).success).toBe(true);
          expect(bytes).toBeLessThanOrEqual(BOUNDS.item);
          expect(Buffer.byteLength(JSON.stringify(item))).toBe(bytes);
        }
        const whole = servers.every(({ args }) => args.length <= 100 && JSON.stringify(args).length < 1000) && tools.length === 0;
        if (
          whole &&
          servers.every(
            ({ secretNames, name, configPath, command }) =>
              secretNames.length < 20 && [name, configPath, command ?? '', ...secretNames].every((text) => text.length < 100),
          )
        )
          expect(dropped).toEqual({});
      }),
      { numRuns: 40 },
    );
  });
});

const state: SyncState = {
  collector: 'x',
  epoch: '8e5174b7-c153-4726-ab8a-804a3029e09c',
  seq: 12_345,
  head: null,
  evidence: 0,
  usage: null,
  agent: null,
  skewMs: 0,
  lastAt: null,
};
const now = (more: Partial<Now> = {}): Now => ({
  ...toItems(inventory(), names()),
  ...{ held: new Map(), told: new Map(), requests: [], usage: [], evidence: null },
  trust: { keySet: 12, policy: { keySetRev: 12, rev: 42 }, grants: { keySetRev: 12, rev: 7 }, applied: { rev: 42, status: 'ok' } },
  agent: { version: '0.1.0', platform: 'linux' },
  ...more,
});

describe('a check-in', () => {
  const request = (index: number, reason: string) => toRequest({ ...requestOf(`tool-${index}`, NOW), reason }, [], names());

  it('says in 400 bytes that nothing has changed, also with a policy and grants in force', () => {
    const { items } = toItems(inventory({ tools: [toolOf('a', '1')] }), names());
    const held = new Map([...items].map(([key, { hash }]) => [key, hash]));
    const quiet = compose({ ...state, head: headOf(held.values()), agent: JSON.stringify(now().agent) }, now({ items, held }), NOW);
    const text = JSON.stringify(quiet.drafts[0]?.body);
    console.log(`Nothing changed, with policy and grants: ${text.length} bytes.`);
    expect([quiet.drafts.length, quiet.more, text.length <= 400]).toEqual([1, false, true]);
    expect(CheckIn.safeParse(JSON.parse(text)).success).toBe(true);
  });

  it('has every part within the bounds, whatever there is to say', () => {
    const long = 'ü'.repeat(1900);
    const tools = Array.from({ length: 1300 }, (_, index) =>
      toolOf(`t${index}`, '1', {
        models: Array.from({ length: 60 }, (_each, at) => ({ name: `${'m'.repeat(200)}${at}`, bytes: 1, path: '' })),
      }),
    );
    const everything = now({
      ...toItems(inventory({ tools }), names()),
      requests: Array.from({ length: 300 }, (_, index) => request(index, long)).filter((one) => one !== null),
      usage: Array.from({ length: 3000 }, (_, index) => ({
        day: `2026-11-${String(1 + Math.floor(index / 150)).padStart(2, '0')}`,
        item: `tool:t${index % 150}`,
        runS: 1,
        frontS: 1,
        launches: 1,
      })),
      evidence: {
        count: 600,
        head: 'x',
        rows: Array.from(
          { length: 600 },
          (_, index) =>
            ({
              seq: index + 1,
              time: SEEN,
              device: 'd',
              user: '',
              kind: 'seen',
              item: 'x',
              was: null,
              decision: null,
              rule: null,
              policyRev: null,
              detail: `{"x":"${'y'.repeat(400)}"}`,
              previous: '',
              hash: '',
            }) as const,
        ),
      },
    });
    const { drafts, more } = compose(state, everything, NOW);
    expect([drafts.length > 30, more]).toEqual([true, true]);
    for (const { body } of drafts) {
      expect(CheckIn.safeParse(JSON.parse(JSON.stringify(body))).success).toBe(true);
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(BOUNDS.body);
    }
    expect(drafts.map(({ body }) => body.seq)).toEqual(drafts.map((_, index) => state.seq + 1 + index));
    expect(drafts.flatMap(({ body }) => body.snapshot?.items ?? [])).toHaveLength(1300);
    // Only the last makes the collector hold it; a day of use is told whole or not yet.
    expect(drafts.slice(0, -1).every(({ effect }) => effect.held === undefined)).toBe(true);
    const usage = drafts[0]?.body.usage ?? [];
    expect([usage.length > 0, usage.length % 150, usage.at(-1)?.day === drafts[0]?.effect.usage]).toEqual([true, 0, true]);
  });

  it('tells again of a request what has changed, and of one that was parked nothing until it changes', () => {
    const open = request(1, 'Please.');
    if (!open) throw new Error('It is one.');
    const first = compose(state, now({ requests: [open] }), NOW).drafts[0];
    const [told] = first?.effect.requests ?? [];
    expect(first?.body.requests).toEqual([open]);
    for (const parked of [null, 'too odd']) {
      const after = now({ requests: [open], told: new Map([[open.id, { hash: told?.[1] ?? '', parked }]]) });
      expect(compose(state, after, NOW).drafts[0]?.body.requests).toBeUndefined();
      const changed = { ...after, requests: [{ ...open, added: 'More.' }] };
      expect(compose(state, changed, NOW).drafts[0]?.body.requests).toHaveLength(1);
    }
    const old = { ...open, state: 'withdrawn' as const, createdAt: '2026-08-01T00:00:00.000Z' };
    expect(compose(state, now({ requests: [old] }), NOW).drafts[0]?.body.requests).toBeUndefined();
  });

  it('counts the rows of the record that retention dropped before anybody had them', () => {
    const row = {
      time: SEEN,
      device: 'd',
      user: '',
      kind: 'seen',
      item: 'x',
      was: null,
      decision: null,
      rule: null,
      policyRev: null,
      detail: '{}',
      previous: '',
      hash: '',
    } as const;
    const { drafts } = compose(
      { ...state, evidence: 10 },
      now({
        evidence: {
          count: 32,
          head: 'x',
          rows: [
            { ...row, seq: 31 },
            { ...row, seq: 32 },
          ],
        },
      }),
      NOW,
    );
    expect(drafts[0]?.body.dropped).toEqual({ evidence: 20 });
    expect(drafts[0]?.effect.evidence).toBe(32);
  });
});
