/** What is kept when nobody takes it: the size of the database, the record's and the requests', and what goes first. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { keepWithin } from '../../agent/bounds.ts';
import { deviceKey, readDeviceKey } from '../../agent/device-key.ts';
import { verifyChain } from '../../agent/evidence/chain.ts';
import { readHead } from '../../agent/evidence/head-file.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { newRequest, Refusal } from '../../agent/requests.ts';
import { openStore, type Sighting } from '../../agent/store/store.ts';
import { temporary } from './muster.ts';
import { requestOf } from './sync-device.ts';

const scratch = temporary('bounds');
const NOW = new Date('2026-11-22T09:00:00.000Z');
const DAY_MS = 86_400_000;
const MOST = 3 * 1024 * 1024;

const trace = (index: number): Sighting => ({
  ...{
    tool: 'ollama',
    kind: 'binary',
    strength: 'weak',
    surface: 'cli',
    path: `/opt/${index}/${'x'.repeat(300)}`,
    target: null,
    home: null,
  },
  ...{ version: null, manager: null, name: null },
});

it('a database that is too large loses history first, then what the collector has of the record, and never a request or what is here', () => {
  const file = path.join(scratch, 'muster.db');
  const store = openStore(file, { migrations: readMigrations() });
  const evidence = createEvidence({
    ...{ store, dataDir: scratch, device: { id: 'd', platform: 'linux', hostname: 'h', user: 'u' }, key: () => deviceKey(scratch) },
    ...{ now: () => NOW, userNames: () => 'hash' as const, onBehind: () => {} },
    onBroken: (what) => {
      throw new Error(what);
    },
  });
  const days = (ago: number) => new Date(NOW.getTime() - ago * DAY_MS).toISOString().slice(0, 10);
  const old = Array.from({ length: 4000 }, (_, index) => trace(index));
  store.see(old, new Date(NOW.getTime() - DAY_MS), ['ollama']);
  store.sweep({ kinds: ['binary'], homes: [null], since: NOW }, NOW);
  store.see([trace(9999)], NOW, ['ollama']);
  store.addUsage(Array.from({ length: 300 }, (_, ago) => ({ day: days(ago), tool: 'ollama', runS: 1, frontS: 1, launches: 1 })));
  const requests = Array.from({ length: 300 }, () => ({ ...requestOf('ollama', NOW), reason: 'y'.repeat(2000), state: 'denied' as const }));
  for (const request of requests) store.addRequest(request);
  for (let batch = 0; batch < 10; batch++)
    evidence.write((note) => {
      for (let row = 0; row < 100; row++) note({ kind: 'seen', item: `t${row}`, detail: { text: 'z'.repeat(290), more: 'z'.repeat(290) } });
    });
  store.sync.begin({
    ...{ collector: 'x', epoch: '8e5174b7-c153-4726-ab8a-804a3029e09c', seq: 1, head: null, evidence: 600, usage: null, agent: null },
    ...{ skewMs: 0, lastAt: null },
  });
  const state = () => ({
    gone: store.evidence().filter(({ present }) => !present).length,
    here: store.evidence().filter(({ present }) => present).length,
    use: store.usage('2000-01-01').length,
    requests: store.requests().length,
    first: [...store.evidenceRows.all()][0]?.seq,
    last: store.evidenceRows.last()?.seq,
  });
  const size = () => fs.statSync(file).size;
  const whole = state();
  expect(store.usedBytes()).toBeGreaterThan(MOST);

  // As large as it may be: nothing goes.
  keepWithin({ store, evidence }, 400, store.usedBytes());
  expect(state()).toEqual(whole);

  // Some of the history is enough.
  keepWithin({ store, evidence }, 400, MOST);
  const some = state();
  expect(store.usedBytes()).toBeLessThanOrEqual(MOST);
  expect(some).toEqual({ ...whole, gone: some.gone });
  expect([some.gone > 0, some.gone < whole.gone]).toEqual([true, true]);
  // Those that are gone for longest went, and the file is smaller too.
  expect(store.evidence().filter(({ present }) => present)).toHaveLength(1);

  // All of it is not enough: then what the collector has, by a checkpoint, and no more, however little is asked for.
  keepWithin({ store, evidence }, 400, 1000);
  expect(state()).toEqual({ ...whole, gone: 0, use: 31, first: 601, last: (whole.last ?? 0) + 1 });
  const key = readDeviceKey(scratch);
  expect(
    verifyChain(store.evidenceRows.all(), readHead(scratch, key), key && ((bytes, signature) => key.verify(bytes, signature))),
  ).toMatchObject({ findings: [] });
  store.close();
  // The file is smaller too.
  expect(size()).toBeLessThan(MOST * 0.7);
});

it('two hundred requests may wait for an answer, and one more is refused in words until one is taken back', () => {
  const find = (item: string) => ({ id: item, name: item, tiers: [] });
  const open = Array.from({ length: 200 }, (_, index) => requestOf(`t${index}`, NOW));
  const ask = (requests: typeof open) => newRequest({ item: 'another', reason: 'For work.' }, { find, dataClasses: [], requests }, NOW);
  expect(ask(open.slice(1))).toMatchObject({ item: 'another', state: 'open' });
  expect(() => ask(open)).toThrow(
    new Refusal('wrong-state', '200 requests wait for an answer already; withdraw one that you no longer need.'),
  );
  expect(ask([...open.slice(1), { ...requestOf('t0', NOW), state: 'withdrawn' }])).toMatchObject({ state: 'open' });
});
