/** Check-ins that bring nothing, written together: each as it would have been alone, none held up by a row that somebody else holds. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Kysely, type KyselyPlugin, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headOf, type Item, itemHash, itemKey } from '../../agent/wire.ts';
import { checkIn } from '../../collector/check-in.ts';
import { type Opened, openDatabase, type Where } from '../../collector/database.ts';
import { Problem } from '../../collector/problem.ts';
import { readCheckIn } from '../../collector/read-check-in.ts';
import { createSteps, type Steps } from '../../collector/steps.ts';
import { type Db, lockDevice, type Step, step } from '../../collector/store/devices.ts';
import { createKnownBodies } from '../../collector/store/items.ts';
import type { Schema } from '../../collector/store/schema.ts';
import { createTrustDocuments } from '../../collector/store/trust.ts';
import { needs } from '../capability.ts';
import { inMemory } from './embedded.ts';
import { type Cluster, startPostgres } from './postgres.ts';
import { tool } from './simulated-device.ts';

const HEADS = [headOf([]), headOf(['a'])] as const;
const AT = new Date('2026-11-22T10:00:00.000Z');
const NOTHING = { trust: null, about: {} } as const;

/** Statements that come to `db` through what is returned. */
function counted(db: Db) {
  let statements = 0;
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      statements++;
      return result;
    },
  };
  return { db: db.withPlugin(plugin), statements: () => statements };
}

/** A row, and the step that fits it as it is without `more`. */
function deviceLike(more: Record<string, unknown> = {}) {
  const [device, epoch] = [randomUUID(), randomUUID()];
  const words = { hostname: 'h', os_user: 'u', platform: 'linux', enrolled_at: AT };
  return {
    row: { id: device, key_x: device, state: 'active' as const, ...words, epoch, ack_seq: 5, head: HEADS[0], ...more },
    ...{ device, epoch, seq: 6, base: HEADS[0], head: HEADS[0], inventory: null, bodyHash: 'b', at: AT, evidence: null, said: NOTHING },
  };
}

async function deviceWith(db: Db, more: Record<string, unknown> = {}): Promise<Step> {
  const { row, ...made } = deviceLike(more);
  await db.insertInto('device').values(row).execute();
  return made;
}

const codeOf = (error: unknown) => {
  if (error instanceof Problem) return error.code;
  throw error;
};

type Act = { readonly do: string; readonly put?: readonly { name: string; version: string }[]; readonly take?: string };

/** What a device says next, in its own numbers. */
function scripted() {
  let epoch = randomUUID();
  let seq = 0;
  let last: Record<string, unknown> = {};
  const held = new Map<string, Item>();
  const head = () => headOf([...held.values()].map(itemHash));
  return ({ do: what, put = [], take = '' }: Act): Record<string, unknown> => {
    if (what === 'again') return last;
    if (what === 'rebuilt') {
      epoch = randomUUID();
      seq = 0;
    }
    const base = what === 'wrong-base' ? HEADS[1] : head();
    const said = { proto: 1, epoch, seq: ++seq, hashAlg: 'inv1', base };
    if (what === 'full') {
      last = { ...said, base: null, head: head(), snapshot: { id: randomUUID(), part: 1, of: 1, items: [...held.values()] } };
      return last;
    }
    const upsert = put.map(({ name, version }) => tool(name, version));
    for (const item of upsert) held.set(itemKey(item), item);
    if (what === 'change') held.delete(`tool:${take}`);
    const changes = what === 'change' ? { upsert, remove: [`tool:${take}`] } : {};
    const more = {
      evidence: { evidence: { count: seq, head: 'x' } },
      parked: { requests: [{ id: 'none' }] },
      trust: {
        trust: { keySet: seq, policy: null, grants: null, applied: { rev: null, status: 'none' } },
        agent: { version: '1', platform: 'linux' },
      },
    }[what];
    last = { ...said, head: what === 'wrong-head' ? HEADS[1] : head(), ...changes, ...more };
    return last;
  };
}

function both(open: () => Promise<Where>) {
  let opened: Opened;
  let db: Db;
  beforeAll(async () => {
    opened = await openDatabase(await open());
    db = opened.db;
  }, 60_000);
  afterAll(() => opened?.close());
  const rowOf = (device: string) => db.selectFrom('device').selectAll().where('id', '=', device).executeTakeFirstOrThrow();

  it('writes those that come together in few statements, and each gets its own answer', async () => {
    const made = Array.from({ length: 100 }, () => deviceLike());
    await db
      .insertInto('device')
      .values(made.map(({ row }) => row))
      .execute();
    const devices = made.map(({ row: _, ...each }) => each);
    const { db: watched, statements } = counted(db);
    const writer = createSteps(watched);
    const answers = await Promise.all(devices.map((each) => writer.write(each)));
    expect(answers.map((answer) => answer?.id)).toEqual(devices.map(({ device }) => device));
    expect(statements()).toBe(2);
    expect(await rowOf(devices[0]?.device ?? '')).toMatchObject({ ack_seq: 6, last_body: 'b', last_seen: AT });
  });

  it('keeps what a check-in states, and leaves what it does not', async () => {
    const one = await deviceWith(db, { have_key_set: 7, applied_status: 'ok', hostname: 'was', last_want: 'full', last_parked: '[]' });
    expect(await step(db, [one])).toEqual([expect.objectContaining({ id: one.device, have_key_set: 7 })]);
    expect(await rowOf(one.device)).toMatchObject({
      ...{ have_key_set: 7, applied_status: 'ok', hostname: 'was', last_want: null, last_parked: null, decisions_acked: 0 },
    });
    const trust = { have_key_set: null, have_policy_key_set: 2, have_policy_rev: 3, have_grants_key_set: null, have_grants_rev: null };
    const said = {
      trust: { ...trust, applied_rev: 3, applied_status: 'refused', applied_error: 'it’s “odd” \\ {}' },
      about: { agent_version: '1', platform: 'win32', hostname: 'is', os_user: 'v', dropped: '{"usage":2}' },
    };
    expect(await step(db, [{ ...one, seq: 7, said }])).toEqual([expect.objectContaining({ have_key_set: null, have_policy_rev: 3 })]);
    expect(await rowOf(one.device)).toMatchObject({ ...said.trust, ...said.about, dropped: { usage: 2 }, ack_seq: 7 });
  });

  it('takes none for which more would have to change, whatever is in the same batch', async () => {
    const state = fc.record({
      state: fc.constantFrom('active', 'pending', 'revoked', 'clone'),
      ack: fc.constantFrom(4, 5, 6, 7),
      head: fc.constantFrom(...HEADS, null),
      decision: fc.constantFrom(0, 3),
      sent: fc.constantFrom(0, 3),
      evidence: fc.tuple(fc.nat(3), fc.constantFrom('x', 'y')),
      told: fc.option(fc.tuple(fc.nat(3), fc.constantFrom('x', 'y'))),
      sameEpoch: fc.boolean(),
      there: fc.boolean(),
    });
    const mostlyFine = fc.tuple(state, fc.integer({ min: 0, max: 3 })).map(([random, wild]) =>
      wild === 0
        ? random
        : {
            ...{ state: 'active' as const, ack: 5, head: HEADS[0], decision: 0, sent: 0, sameEpoch: true, there: true },
            ...{ evidence: random.evidence, told: wild === 1 ? null : random.told },
          },
    );
    const counts = { taken: 0, left: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(mostlyFine, { minLength: 1, maxLength: 12 }), async (states) => {
        const rows = states.map(({ state, ack, head, decision, sent, evidence: [count, last], told, sameEpoch, there }) => {
          const columns = { state, ack_seq: ack, head, decision_no: decision, decisions_sent: sent, evidence_count: count };
          const { row, ...made } = deviceLike({ ...columns, evidence_head: last });
          const fits =
            there &&
            sameEpoch &&
            state === 'active' &&
            ack < 6 &&
            head === HEADS[0] &&
            decision === sent &&
            (told === null || told[0] > count || (told[0] === count && (count === 0 || told[1] === last)));
          const evidence = told && { count: told[0], head: told[1] };
          const said = { ...made, evidence, ...(sameEpoch ? {} : { epoch: randomUUID() }) };
          return { row, fits, sent: there ? said : { ...said, device: randomUUID() } };
        });
        await db
          .insertInto('device')
          .values(rows.map(({ row }) => row))
          .execute();
        const stepped = await step(
          db,
          rows.map(({ sent }) => sent),
        );
        const taken = new Set(stepped.map(({ id }) => id));
        for (const { fits, sent } of rows) {
          expect(taken.has(sent.device)).toBe(fits);
          counts[fits ? 'taken' : 'left']++;
        }
      }),
      { numRuns: 40 },
    );
    expect(Math.min(counts.taken, counts.left)).toBeGreaterThan(20);
  });

  it('leaves the second of one device to be taken alone, and all where the database does not answer', async () => {
    const one = await deviceWith(db);
    const writer = createSteps(db);
    const [first, second] = await Promise.all([writer.write(one), writer.write({ ...one, seq: 7 })]);
    expect([first?.id, second]).toEqual([one.device, null]);
    const away = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new pg.Pool({ host: '127.0.0.1', port: 1 }) }) });
    expect(await createSteps(away).write({ ...one, seq: 8 })).toBeNull();
    await away.destroy();
  });

  it('leaves what a transaction leaves, and gives its answer, whatever a device does in turn', async () => {
    const tools = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), version: fc.constantFrom('1', '2') });
    const act = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('same' as const) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('change' as const),
          put: fc.array(tools, { maxLength: 3 }),
          take: fc.constantFrom('a', 'b', 'z'),
        }),
      },
      fc.record({
        do: fc.constantFrom(
          'full' as const,
          'again' as const,
          'wrong-base' as const,
          'wrong-head' as const,
          'rebuilt' as const,
          'evidence' as const,
          'parked' as const,
          'trust' as const,
        ),
      }),
    );
    let stepped = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 12 }), async (acts) => {
        const [alone, together] = [
          deviceLike({ epoch: null, ack_seq: 0, head: null }),
          deviceLike({ epoch: null, ack_seq: 0, head: null }),
        ];
        await db.insertInto('device').values([alone.row, together.row]).execute();
        const common = {
          db,
          now: () => AT,
          nextS: () => 60,
          trust: createTrustDocuments(db, () => 0),
          knownBodies: createKnownBodies(() => 0),
        };
        const writer = createSteps(db);
        const counting: Steps = {
          async write(one) {
            const answer = await writer.write(one);
            if (answer) stepped++;
            return answer;
          },
        };
        const device = scripted();
        for (const each of [{ do: 'full' as const }, ...acts]) {
          const body = device(each);
          const arrived = readCheckIn(body, { bodyHash: JSON.stringify(body), signedAt: AT }, AT);
          const one = await checkIn({ ...common, steps: { write: async () => null } }, alone.device, arrived).catch(codeOf);
          const other = await checkIn({ ...common, steps: counting }, together.device, arrived).catch(codeOf);
          expect(other).toEqual(typeof one === 'string' ? one : { ...one, took: expect.any(String) as string });
          const [left, right] = [await everythingOf(alone.device), await everythingOf(together.device)];
          expect(right).toEqual(left);
        }
      }),
      { numRuns: 12 },
    );
    expect(stepped).toBeGreaterThan(10);
  });

  async function everythingOf(device: string) {
    const { id: _, key_x: __, ...row } = await rowOf(device);
    const held = await db.selectFrom('device_inventory').select(['items', 'first_seen']).where('device', '=', device).executeTakeFirst();
    const pairs = held?.items.map((item, at) => `${item} ${held.first_seen[at]}`).sort();
    const rows = await db.selectFrom('audit').select(['action', 'alarm']).where('device', '=', device).orderBy('id').execute();
    return { row, pairs, rows };
  }
}

describe('embedded', () => both(inMemory));

needs('postgres').describe('on PostgreSQL', () => {
  let cluster: Cluster;
  let url = '';
  beforeAll(async () => {
    cluster = await startPostgres();
    url = await cluster.database();
  }, 60_000);
  afterAll(() => cluster?.end());
  both(async () => ({ url, connections: 4 }));

  it('passes over a row that somebody holds, and nobody waits', async () => {
    const { db, close } = await openDatabase({ url, connections: 4 });
    const [held, free] = [await deviceWith(db), await deviceWith(db)];
    await db.transaction().execute(async (trx) => {
      await lockDevice(trx, held.device);
      // Would wait for this very transaction for ever.
      expect((await step(db, [held, free])).map(({ id }) => id)).toEqual([free.device]);
    });
    expect((await step(db, [held])).map(({ id }) => id)).toEqual([held.device]);
    await close();
  });

  it('goes on after a newer collector has changed the tables beneath it', async () => {
    const { db, close } = await openDatabase({ url, connections: 1 });
    const one = await deviceWith(db);
    const read = () => db.selectFrom('device').selectAll().where('id', '=', one.device).executeTakeFirst();
    for (let turn = 0; turn < 5; turn++) await read();
    await db.schema.alterTable('device').addColumn('later', 'text').execute();
    const attempts = await Promise.allSettled([read(), read(), read(), read()]);
    expect(attempts.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    expect(await read()).toMatchObject({ id: one.device, later: null });
    await db.schema.alterTable('device').dropColumn('later').execute();
    await close();
  });
});
