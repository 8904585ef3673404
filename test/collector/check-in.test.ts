/** Check-ins over TCP against the embedded database: what is taken, what is answered again, and what leaves no row. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonical, hashOf, NO_HASH } from '../../agent/evidence/chain.ts';
import { BOUNDS, CheckInAnswer, headOf, type Item, itemHash, ProblemDocument } from '../../agent/wire.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { recordDecision } from '../../collector/store/requests.ts';
import { putKeySet } from '../../collector/store/trust.ts';
import { inMemory } from './embedded.ts';
import { type SimulatedDevice, simulatedDevice, tool } from './simulated-device.ts';

let collector: Collector;
let secret: string;
const lines: string[] = [];

beforeAll(async () => {
  collector = await startCollector({ where: await inMemory(), log: createLog((line) => lines.push(line)), tenant: 'acme', port: 0 });
  secret = collector.first?.enrolSecret ?? '';
}, 60_000);
afterAll(() => collector.stop());

async function enrolled(more: Record<string, unknown> = {}): Promise<SimulatedDevice> {
  const device = simulatedDevice(collector.url);
  expect((await device.enroll(secret, more)).status).toBe(200);
  return device;
}

const headOfItems = (items: readonly Item[]) => headOf(items.map(itemHash));
const db = () => collector.context.db;
const held = async (device: SimulatedDevice) =>
  (
    await db()
      .selectFrom('device_item')
      .innerJoin('item_body', 'item_body.id', 'device_item.item')
      .select('key')
      .where('device', '=', device.id)
      .orderBy('key')
      .execute()
  ).map(({ key }) => key);
const row = (device: SimulatedDevice) => db().selectFrom('device').selectAll().where('id', '=', device.id).executeTakeFirstOrThrow();
const alarms = async (device: SimulatedDevice) =>
  (await db().selectFrom('audit').select('action').where('device', '=', device.id).where('alarm', '=', true).orderBy('id').execute()).map(
    ({ action }) => action,
  );

describe('the inventory is state', () => {
  it('takes everything, then changes, then nothing, and holds what the device holds', async () => {
    const device = await enrolled();
    const first = [tool('a'), tool('b'), tool('c')];
    expect(await device.full(first).then(({ json }) => json)).toMatchObject({ ackSeq: 1, want: 'none', head: headOfItems(first) });
    const second = [tool('a', '2'), tool('c'), tool('d')];
    const delta = { base: headOfItems(first), head: headOfItems(second), upsert: [tool('a', '2'), tool('d')], remove: ['tool:b'] };
    const answer = CheckInAnswer.parse((await device.checkIn(delta, { gzip: true })).json);
    expect(answer).toMatchObject({ ackSeq: 2, want: 'none', head: headOfItems(second), trust: 'current', decisions: [] });
    expect(await held(device)).toEqual(['tool:a', 'tool:c', 'tool:d']);
    const quiet = await device.checkIn({ base: headOfItems(second), head: headOfItems(second) });
    expect(quiet.json).toMatchObject({ ackSeq: 3, want: 'none' });
    expect(JSON.stringify(quiet.json).length).toBeLessThan(250);
    expect(await row(device)).toMatchObject({ ack_seq: 3, item_count: 3 });
  });

  it('stores what devices have alike once', async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    const mine = { ...tool('alike'), firstSeen: '2026-01-01T00:00:00.000Z' };
    await one.full([tool('alike')]);
    await other.full([mine]);
    expect(await db().selectFrom('item_body').select('hash').where('key', '=', 'tool:alike').execute()).toHaveLength(1);
    const seen = await db().selectFrom('device_item').select('first_seen').where('device', '=', other.id).executeTakeFirstOrThrow();
    expect(seen.first_seen?.toISOString()).toBe(mine.firstSeen);
  });

  it('parks an item for its first sight alone, and gives it its body when another device sends it whole', async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    const whole = tool('late');
    const { json } = await one.full([{ ...whole, firstSeen: 'yesterday' }]);
    // The first sight is no part of the hash, so both have the same.
    expect(json).toMatchObject({ want: 'none', head: headOfItems([whole]), parked: [{ what: 'tool:late' }] });
    const bodies = () => db().selectFrom('item_body').select(['kind', 'body']).where('key', '=', 'tool:late').execute();
    expect(await bodies()).toEqual([{ kind: null, body: null }]);
    await other.full([whole]);
    expect(await bodies()).toMatchObject([{ kind: 'tool', body: { tool: 'late' } }]);
    expect(await held(one)).toEqual(['tool:late']);
  });

  it('asks for everything where the base is another, and for the changes where they did not come', async () => {
    const device = await enrolled();
    await device.full([tool('a')]);
    const base = headOfItems([tool('a')]);
    const other = headOfItems([tool('z')]);
    expect((await device.checkIn({ base: other, head: other })).json).toMatchObject({ want: 'full', head: base });
    expect((await device.checkIn({ base, head: other })).json).toMatchObject({ want: 'delta', head: base });
    // Changes that do not add up to the head that is claimed.
    expect((await device.checkIn({ base, head: other, upsert: [tool('b')] })).json).toMatchObject({ want: 'full', head: base });
    expect(await held(device)).toEqual(['tool:a']);
  });

  it('takes a full inventory in parts, compares at the last, and keeps what it had where a part is missing', async () => {
    const device = await enrolled();
    await device.full([tool('old')]);
    const items = Array.from({ length: 1200 }, (_, index) => tool(`t${String(index).padStart(4, '0')}`));
    const head = headOfItems(items);
    const part = (id: string, number: number) =>
      device.checkIn({ head, snapshot: { id, part: number, of: 3, items: items.slice((number - 1) * 500, number * 500) } });
    const lost = randomUUID();
    expect((await part(lost, 1)).json).toMatchObject({ want: 'none', head: headOfItems([tool('old')]) });
    expect((await part(lost, 3)).json).toMatchObject({ want: 'full' });
    expect(await held(device)).toEqual(['tool:old']);
    const whole = randomUUID();
    await part(whole, 1);
    await part(whole, 2);
    // A part may come twice.
    await part(whole, 2);
    expect((await part(whole, 3)).json).toMatchObject({ want: 'none', head });
    expect(await held(device)).toHaveLength(1200);
    expect(await db().selectFrom('staged_item').select('key').where('device', '=', device.id).execute()).toEqual([]);
  });
});

describe('numbers', () => {
  it('answers a repeated check-in alike and does it once', async () => {
    const device = await enrolled();
    const request = requestOf();
    const body = device.body({
      head: headOfItems([tool('a')]),
      snapshot: { id: randomUUID(), part: 1, of: 1, items: [tool('a')] },
      requests: [request],
    });
    const [first, again] = [await device.send(body), await device.send(body)];
    const { time: _, ...one } = first.json;
    expect(again.json).toMatchObject(one);
    expect(await db().selectFrom('request').select('version').where('id', '=', request.id).execute()).toEqual([{ version: 1 }]);
  });

  it('refuses the same number with another body, and then wants everything', async () => {
    const device = await enrolled();
    const head = headOfItems([tool('a')]);
    await device.full([tool('a')]);
    const body = device.body({ base: head, head });
    await device.send(body);
    const reused = await device.send({ ...body, dropped: { item: 1 } });
    expect(reused).toMatchObject({ status: 409, json: { code: 'seq-reused' } });
    expect((await device.checkIn({ base: head, head })).json).toMatchObject({ want: 'full' });
  });

  it('takes two that use each other’s numbers again and again as a clone, and one that was restored not', async () => {
    const device = await enrolled();
    await device.full([tool('a')]);
    const head = headOfItems([tool('a')]);
    for (const times of [1, 2, 3]) {
      const body = device.body({ base: head, head });
      expect((await device.send(body)).status).toBe(200);
      // The copy, a database to the letter the same, has the same number next.
      expect((await device.send({ ...body, dropped: { item: times } })).json).toMatchObject({ code: 'seq-reused' });
      expect((await row(device)).state).toBe(times < 3 ? 'active' : 'clone');
      await device.full([tool('a')]);
    }
    expect(await alarms(device)).toEqual(['device.clone']);
  });

  it('tells a device that fell back, and takes nothing of it', async () => {
    const device = await enrolled();
    const old = device.body({ requests: [requestOf()] });
    await device.full([tool('a')]);
    await device.full([tool('a'), tool('b')]);
    const before = await row(device);
    expect((await device.send(old)).json).toMatchObject({ ackSeq: 3, want: 'full' });
    expect(await db().selectFrom('request').select('id').where('device', '=', device.id).execute()).toEqual([]);
    // It may only have come late: the device, which is further on, is asked for nothing.
    expect(await row(device)).toEqual(before);
    const head = headOfItems([tool('a'), tool('b')]);
    expect((await device.checkIn({ base: head, head })).json).toMatchObject({ want: 'none' });
  });

  it('takes a rebuilt database as such, and two that take turns as a clone', async () => {
    const device = await enrolled();
    await device.full([tool('a')]);
    const other = randomUUID();
    const head = headOfItems([tool('a')]);
    expect((await device.checkIn({ epoch: other, seq: 1, base: head, head })).json).toMatchObject({ ackSeq: 1, want: 'none' });
    expect(await alarms(device)).toEqual([]);
    // What was signed before the other began comes late; a copy signs after it.
    const late = { claims: { iat: Math.floor(Date.now() / 1000) - 60 } };
    expect((await device.checkIn({ base: head, head }, late)).json).toMatchObject({ want: 'full', nextCheckInS: 3600 });
    expect((await row(device)).state).toBe('active');
    const signedIn = (seconds: number) => ({ claims: { iat: Math.floor(Date.now() / 1000) + seconds } });
    const back = await device.checkIn({ base: head, head }, signedIn(5));
    expect(back.json['nextCheckInS']).toBeGreaterThan(3600);
    await device.checkIn({ epoch: other, seq: 2, base: head, head }, signedIn(10));
    expect(await alarms(device)).toEqual(['device.clone']);
    expect((await row(device)).state).toBe('clone');
  });

  it('never acknowledges what came late from before a database was rebuilt, whatever its number', async () => {
    const device = await enrolled();
    const head = headOfItems([tool('a')]);
    await device.full([tool('a')]);
    const other = randomUUID();
    for (const seq of [1, 2, 3]) await device.checkIn({ epoch: other, seq, base: head, head });
    const before = await row(device);
    for (const seq of [2, 3, 4, 50]) {
      const late = device.body({ seq, base: head, head, requests: [requestOf()] });
      const { json } = await device.send(late, { claims: { iat: Math.floor(Date.now() / 1000) - 60 } });
      // Above its own number it says that nothing was taken (wire.ts).
      expect(json).toMatchObject({ want: 'full', ackSeq: Math.max(3, seq + 1) });
    }
    expect(await row(device)).toEqual(before);
    expect(await db().selectFrom('request').select('id').where('device', '=', device.id).execute()).toEqual([]);
  });
});

function requestOf(more: Record<string, unknown> = {}) {
  const at = '2026-11-20T10:00:00.000Z';
  const words = { itemName: 'A', identity: null, tier: null, dataClass: null, until: null, reason: 'For the report', added: null };
  return { id: randomUUID(), item: 'tool:a', ...words, state: 'open' as const, createdAt: at, updatedAt: at, ...more };
}

describe('requests and decisions', () => {
  const requestRow = (id: string) => db().selectFrom('request').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

  it('brings a decision down until it has surely arrived, and no later word of the device undoes it', async () => {
    const device = await enrolled();
    const request = requestOf();
    await device.checkIn({ requests: [request] });
    const decision = { id: randomUUID(), device: device.id, request: request.id, state: 'approved' as const, scope: 'device' };
    const said = { ...decision, reason: 'Fine', tiers: ['team'], until: null, at: new Date(), decidedBy: 'owner:1' };
    expect(
      await db()
        .transaction()
        .execute((trx) => recordDecision(trx, said, 7)),
    ).toBe(false);
    expect(
      await db()
        .transaction()
        .execute((trx) => recordDecision(trx, said, 1)),
    ).toBe(true);
    const body = device.body({ base: null });
    const first = await device.send(body);
    expect(first.json['decisions']).toMatchObject([{ id: decision.id, request: request.id, state: 'approved', tiers: ['team'] }]);
    expect((await device.send(body)).json['decisions']).toEqual(first.json['decisions']);
    expect((await device.checkIn()).json['decisions']).toEqual([]);
    await device.checkIn({ requests: [{ ...request, state: 'withdrawn', updatedAt: '2026-11-21T10:00:00.000Z' }] });
    expect(await requestRow(request.id)).toMatchObject({ state: 'approved', version: 2 });
    // A rebuilt database has forgotten it.
    expect((await device.checkIn({ epoch: randomUUID(), seq: 1 })).json['decisions']).toHaveLength(1);
  });

  it('opens a request again when what was asked back is answered, and lets it be withdrawn', async () => {
    const device = await enrolled();
    const request = requestOf();
    await device.checkIn({ requests: [request] });
    const ask = { id: randomUUID(), device: device.id, request: request.id, state: 'needs-info' as const, scope: 'device', until: null };
    await db()
      .transaction()
      .execute((trx) => recordDecision(trx, { ...ask, reason: 'Which data?', at: new Date(), decidedBy: 'owner:1' }, 1));
    await device.checkIn({ requests: [request] });
    expect((await requestRow(request.id)).state).toBe('needs-info');
    await device.checkIn({ requests: [{ ...request, added: 'Public data', updatedAt: '2026-11-21T10:00:00.000Z' }] });
    expect(await requestRow(request.id)).toMatchObject({ state: 'open', added: 'Public data' });
    await device.checkIn({ requests: [{ ...request, state: 'withdrawn', updatedAt: '2026-11-21T11:00:00.000Z' }] });
    expect((await requestRow(request.id)).state).toBe('withdrawn');
  });

  it('lets no device touch the request of another', async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    const request = requestOf();
    await one.checkIn({ requests: [request] });
    const answer = await other.checkIn({ requests: [{ ...request, state: 'withdrawn' }, requestOf()] });
    expect(answer.json['parked']).toMatchObject([{ what: `request:${request.id}` }]);
    expect(await requestRow(request.id)).toMatchObject({ device: one.id, state: 'open' });
  });
});

describe('rows that are not understood', () => {
  it('parks each with its reason, takes the others, and agrees on the head', async () => {
    const device = await enrolled();
    const strange = { kind: 'tool', tool: 'strange', confidence: 'sure' } as unknown as Item;
    const nul = { ...tool('nul'), tool: 'n\0l' };
    const large = {
      ...tool('large'),
      places: Array.from({ length: 50 }, () => ({ surface: 'cli', version: null, path: 'x'.repeat(4000), present: true })),
    };
    const items = [tool('good'), strange, nul, large as Item];
    const fine = requestOf();
    const answer = await device.checkIn({
      head: headOfItems(items),
      snapshot: { id: randomUUID(), part: 1, of: 1, items },
      requests: [{ id: randomUUID(), item: 3 }, fine] as never,
      usage: [
        { day: '2026-13-40', item: 'tool:a', runS: 1, frontS: 1, launches: 1 },
        { day: '1999-01-01', item: 'tool:a', runS: 1, frontS: 1, launches: 1 },
        { day: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10), item: 'tool:good', runS: 60, frontS: 30, launches: 1 },
      ],
    });
    expect(answer.json).toMatchObject({ want: 'none', head: headOfItems(items) });
    expect(CheckInAnswer.parse(answer.json).parked).toHaveLength(6);
    expect(await db().selectFrom('request').select('id').where('device', '=', device.id).execute()).toEqual([{ id: fine.id }]);
    expect(await db().selectFrom('usage').select(['item', 'run_s']).where('device', '=', device.id).execute()).toEqual([
      { item: 'tool:good', run_s: 60 },
    ]);
    // And the next changes go on from there.
    const next = [tool('good', '2'), strange, nul, large as Item];
    expect((await device.checkIn({ base: headOfItems(items), head: headOfItems(next), upsert: [tool('good', '2')] })).json).toMatchObject({
      want: 'none',
    });
  });

  it('counts a finished day once, however often it is told', async () => {
    const device = await enrolled();
    const use = { day: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10), item: 'tool:a', frontS: 0, launches: 1 };
    await device.checkIn({ usage: [{ ...use, runS: 60 }] });
    await device.checkIn({ usage: [{ ...use, runS: 60 }] });
    expect(await db().selectFrom('usage').select('run_s').where('device', '=', device.id).execute()).toEqual([{ run_s: 60 }]);
  });
});

describe('the record', () => {
  function record(device: string, count: number, previous = NO_HASH, from = 1) {
    const rows = [];
    let before = previous;
    for (let seq = from; seq < from + count; seq++) {
      const bare = {
        seq,
        time: '2026-11-20T10:00:00.000Z',
        device,
        user: '',
        kind: 'verdict' as const,
        item: 'a',
        was: null,
        decision: 'approved',
        rule: null,
        policyRev: null,
        detail: canonical({}),
        previous: before,
      };
      before = hashOf(bare);
      rows.push({ ...bare, hash: before });
    }
    return { rows, count: from + count - 1, head: before };
  }

  it('appends what continues it, ignores what it has, and says where it stands', async () => {
    const device = await enrolled();
    const all = record(device.id, 6);
    await device.checkIn({ evidence: { ...all, rows: all.rows.slice(0, 4) } });
    const answer = await device.checkIn({ evidence: { ...all, rows: all.rows.slice(2) } });
    expect(answer.json['evidence']).toEqual({ count: 6, head: all.head });
    expect(await db().selectFrom('evidence_row').select('seq').where('device', '=', device.id).execute()).toHaveLength(6);
    expect(await alarms(device)).toEqual([]);
  });

  it('raises an alarm at a gap, at other rows, at a changed row and at a shorter record, and keeps both tellings', async () => {
    const device = await enrolled();
    const all = record(device.id, 8);
    await device.checkIn({ evidence: { ...all, rows: [...all.rows.slice(0, 2), ...all.rows.slice(4)] } });
    expect(await alarms(device)).toEqual(['evidence.gap']);
    const other = record(device.id, 2, 'f'.repeat(64), 9);
    await device.checkIn({ evidence: other });
    expect(await alarms(device)).toEqual(['evidence.gap', 'evidence.other-hash']);
    const [changed] = record(device.id, 1, other.head, 11).rows;
    await device.checkIn({ evidence: { count: 11, head: changed?.hash ?? '', rows: [{ ...changed, decision: 'prohibited' }] as never } });
    await device.checkIn({ evidence: { count: 3, head: 'x', rows: [] } });
    await device.checkIn({ evidence: { count: 3, head: 'x' } });
    expect(await alarms(device)).toEqual(['evidence.gap', 'evidence.other-hash', 'evidence.changed', 'evidence.cut']);
    const rewritten = record(device.id, 3, NO_HASH);
    await device.checkIn({ evidence: rewritten });
    expect((await row(device)).evidence_count).toBe(3);
    expect(await db().selectFrom('evidence_row').select('seq').where('device', '=', device.id).execute()).toHaveLength(6 + 2 + 1 + 3);
  });
});

describe('trust', () => {
  it('sends what is newer than what the device has, and nothing when it has it', async () => {
    const device = await enrolled();
    await putKeySet(db(), { rev: 3, jws: 'a.b.c', hash: 'h' }, new Date());
    collector.context.trust.forget();
    const applied = { rev: null, status: 'none' as const };
    expect((await device.checkIn()).json['trust']).toEqual({ keySet: 'a.b.c' });
    expect((await device.checkIn({ trust: { keySet: 2, policy: null, grants: null, applied } })).json['trust']).toEqual({
      keySet: 'a.b.c',
    });
    expect((await device.checkIn({ trust: { keySet: 3, policy: null, grants: null, applied } })).json['trust']).toBe('current');
    // What it said stays said, until its database is a new one.
    expect((await device.checkIn()).json['trust']).toBe('current');
    expect((await device.checkIn({ epoch: randomUUID(), seq: 1 })).json['trust']).toEqual({ keySet: 'a.b.c' });
  });
});

describe('what is refused leaves no row', () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const now = () => Math.floor(Date.now() / 1000);
  const bomb = gzipSync(Buffer.alloc(BOUNDS.unpacked + 1000, ' '));
  const deep = new TextEncoder().encode(`{"proto":${'['.repeat(400_000)}`);
  const hash = (text: string) => createHash('sha256').update(text).digest('base64url');

  const CASES: readonly [
    string,
    number,
    string,
    (device: SimulatedDevice) => Promise<{ status: number; json: Record<string, unknown> }>,
  ][] = [
    ['no proof', 401, 'proof-missing', (device) => device.checkIn({}, { proof: null })],
    ['a proof that is no JWS', 401, 'proof-invalid', (device) => device.checkIn({}, { proof: 'x.y' })],
    ['a proof as long as a book', 401, 'proof-invalid', (device) => device.checkIn({}, { proof: `${'a'.repeat(5000)}.b.c` })],
    [
      'a proof without an algorithm',
      401,
      'proof-invalid',
      (device) => device.checkIn({}, { proof: `${Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url')}.e30.x` }),
    ],
    ['a proof of another type', 401, 'proof-invalid', (device) => device.checkIn({}, { header: { typ: 'JWT' } })],
    [
      'a proof that brings its own key',
      401,
      'proof-invalid',
      (device) => device.checkIn({}, { header: { kid: undefined, jwk: device.key } }),
    ],
    ['a proof with a critical header', 401, 'proof-invalid', (device) => device.checkIn({}, { header: { crit: ['b64'], b64: true } })],
    ['a proof by another key', 401, 'proof-signature', (device) => device.checkIn({}, { key: stranger })],
    [
      'a proof for another address',
      401,
      'proof-elsewhere',
      (device) => device.checkIn({}, { claims: { htu: 'https://elsewhere.example/v1/check-in' } }),
    ],
    ['a proof for another path', 401, 'proof-elsewhere', (device) => device.checkIn({}, { claims: { htu: `${collector.url}/v1/enroll` } })],
    ['a proof for another method', 401, 'proof-invalid', (device) => device.checkIn({}, { claims: { htm: 'GET' } })],
    ['a proof from yesterday', 401, 'proof-time', (device) => device.checkIn({}, { claims: { iat: now() - 86_400 } })],
    ['a proof from tomorrow', 401, 'proof-time', (device) => device.checkIn({}, { claims: { iat: now() + 86_400 } })],
    ['a proof of another body', 401, 'proof-body', (device) => device.checkIn({}, { claims: { bh: hash('other') } })],
    ['another body under a proof', 401, 'proof-body', (device) => device.checkIn({}, { bytes: new TextEncoder().encode('{}') })],
    ['an id that nobody has', 401, 'unknown-device', () => simulatedDevice(collector.url).checkIn()],
    ['the id of another device', 401, 'proof-signature', (device) => simulatedDevice(collector.url, device.id).checkIn()],
    ['no JSON', 400, 'not-json', (device) => device.send(new TextEncoder().encode('<x>'))],
    ['no UTF-8', 400, 'not-json', (device) => device.send(new Uint8Array([0x22, 0xff, 0x22]))],
    ['brackets without end', 422, 'not-understood', (device) => device.send(deep)],
    ['another form of JSON', 422, 'not-understood', (device) => device.send([1, 2])],
    ['a number below one', 422, 'not-understood', (device) => device.checkIn({ seq: 0 })],
    ['another protocol', 422, 'not-understood', (device) => device.checkIn({ proto: 2 } as never)],
    ['too many rows', 422, 'not-understood', (device) => device.checkIn({ upsert: Array.from({ length: 501 }, () => tool('a')) })],
    ['another type', 415, 'wrong-type', (device) => device.checkIn({}, { headers: { 'content-type': 'text/plain' } })],
    ['another encoding', 415, 'wrong-encoding', (device) => device.checkIn({}, { headers: { 'content-encoding': 'br' } })],
    ['what is no gzip', 400, 'not-unpacked', (device) => device.checkIn({}, { headers: { 'content-encoding': 'gzip' } })],
    ['a bomb', 413, 'unpacks-too-large', (device) => device.send(new Uint8Array(bomb), { headers: { 'content-encoding': 'gzip' } })],
    ['two megabytes', 413, 'too-large', (device) => device.send(new Uint8Array(2 * BOUNDS.body))],
  ];

  for (const [name, status, code, send] of CASES) {
    it(name, async () => {
      const device = await enrolled();
      const before = await counts();
      const answer = await send(device);
      expect(ProblemDocument.parse(answer.json)).toMatchObject({ status, code });
      expect(answer.status).toBe(status);
      expect(answer.json['remedy']).toMatch(/\.$/);
      expect(await counts()).toEqual(before);
      expect(await row(device)).toMatchObject({ ack_seq: 0, last_seen: null });
    });
  }

  it('a proof that was used', async () => {
    const device = await enrolled();
    const bytes = new TextEncoder().encode(JSON.stringify(device.body()));
    const proof = await device.proof('/v1/check-in', bytes, 'kid');
    expect((await device.send(bytes, { proof })).status).toBe(200);
    expect(await device.send(bytes, { proof })).toMatchObject({ status: 401, json: { code: 'proof-replayed' } });
  });

  it('a body that never ends, without saying how long it is', async () => {
    const device = await enrolled();
    const piece = new Uint8Array(64 * 1024).fill(32);
    const proof = await device.proof('/v1/check-in', piece, 'kid');
    let sent = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        sent += piece.length;
        if (sent > 64 * BOUNDS.body) controller.close();
        else controller.enqueue(piece);
      },
    });
    const response = await fetch(`${collector.url}/v1/check-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', dpop: proof },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    await response.body?.cancel();
  });

  it('a device that waits for approval, and one that was revoked', async () => {
    const device = await enrolled();
    for (const [state, code] of [
      ['pending', 'device-pending'],
      ['revoked', 'device-revoked'],
    ] as const) {
      await db().updateTable('device').set({ state }).where('id', '=', device.id).execute();
      // Once from what is remembered of the key and once from the row.
      for (const attempt of ['known', 'remembered']) {
        const answer = await device.checkIn();
        expect(answer, attempt).toMatchObject({ status: 403, json: { code } });
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      collector.context.deviceKeys.forget(device.id);
    }
  });

  async function counts() {
    const tables = ['device_inventory', 'staged_item', 'item_body', 'usage', 'request', 'evidence_row'] as const;
    return Promise.all(
      tables.map(async (table) =>
        Number(
          (
            await db()
              .selectFrom(table)
              .select((on) => on.fn.countAll().as('n'))
              .executeTakeFirstOrThrow()
          ).n,
        ),
      ),
    );
  }
});

describe('the outside of it', () => {
  it('writes a log without names, reasons and addresses', async () => {
    const device = await enrolled({ hostname: 'plum-laptop', user: 'user:Zoe', person: 'zoe@acme.example' });
    await device.checkIn({
      requests: [requestOf({ reason: 'Because of pears' })],
      agent: { version: '1', platform: 'linux', hostname: 'plum-laptop' },
    });
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.join('')).not.toMatch(/plum|zoe|Zoe|pears|127\.0\.0\.1|mse_|mst_/);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('event');
  });

  it('describes its routes, and counts without naming anybody', async () => {
    const api = (await (await fetch(`${collector.url}/api/v1/openapi.json`)).json()) as { openapi: string; paths: Record<string, unknown> };
    expect(api.openapi).toMatch(/^3\.1/);
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(['/v1/check-in', '/v1/enroll', '/livez', '/readyz']));
    expect((await fetch(`${collector.url}/docs/`)).status).toBe(200);
    const metrics = await (await fetch(`${collector.url}/metrics`)).text();
    expect(metrics).toMatch(/muster_check_ins_total\{took="unchanged"\} [1-9]/);
    expect(metrics).toMatch(/muster_problems_total\{code="proof-replayed"\} 1/);
    expect(metrics).not.toMatch(/quince|acme/);
  });
});
