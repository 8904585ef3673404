/** Check-ins that bring nothing, written together: each as it would have been alone, none held up by a row that somebody else holds. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headOf } from '../../agent/wire.ts';
import { type Opened, openDatabase, type Where } from '../../collector/database.ts';
import { createSteps } from '../../collector/steps.ts';
import { type Db, lockDevice, type Step, step } from '../../collector/store/devices.ts';
import { needs } from '../capability.ts';
import { inMemory } from './embedded.ts';
import { type Cluster, startPostgres } from './postgres.ts';

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

async function deviceWith(db: Db, more: Record<string, unknown> = {}): Promise<Step> {
  const [device, epoch] = [randomUUID(), randomUUID()];
  const words = { hostname: 'h', os_user: 'u', platform: 'linux', enrolled_at: AT };
  await db
    .insertInto('device')
    .values({ id: device, key_x: device, state: 'active', ...words, epoch, ack_seq: 5, head: HEADS[0], ...more })
    .execute();
  return { device, epoch, seq: 6, base: HEADS[0], head: HEADS[0], inventory: null, bodyHash: 'b', at: AT, evidence: null, said: NOTHING };
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
    const devices = await Promise.all(Array.from({ length: 100 }, () => deviceWith(db)));
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
    let taken = 0;
    let left = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mostlyFine, { minLength: 1, maxLength: 12 }), async (states) => {
        const rows = await Promise.all(
          states.map(async ({ state, ack, head, decision, sent, evidence: [count, last], told, sameEpoch, there }) => {
            const columns = { state, ack_seq: ack, head, decision_no: decision, decisions_sent: sent, evidence_count: count };
            const made = await deviceWith(db, { ...columns, evidence_head: last });
            const evidence = told && { count: told[0], head: told[1] };
            const fits =
              there &&
              sameEpoch &&
              state === 'active' &&
              ack < 6 &&
              head === HEADS[0] &&
              decision === sent &&
              (told === null || told[0] > count || (told[0] === count && (count === 0 || told[1] === last)));
            return {
              fits,
              unchanged: { ...made, evidence, ...(sameEpoch ? {} : { epoch: randomUUID() }), ...(there ? {} : { device: randomUUID() }) },
            };
          }),
        );
        const touched = new Set(
          (
            await step(
              db,
              rows.map(({ unchanged }) => unchanged),
            )
          ).map(({ id }) => id),
        );
        for (const { fits, unchanged } of rows) {
          expect(touched.has(unchanged.device)).toBe(fits);
          if (fits) taken++;
          else left++;
        }
      }),
      { numRuns: 40 },
    );
    expect(Math.min(taken, left)).toBeGreaterThan(20);
  });

  it('leaves the second of one device to be taken alone, and all where the database does not answer', async () => {
    const one = await deviceWith(db);
    const writer = createSteps(db);
    const [first, second] = await Promise.all([writer.write(one), writer.write({ ...one, seq: 7 })]);
    expect([first?.id, second]).toEqual([one.device, null]);
    const closed = await openDatabase(await inMemory());
    await closed.close();
    expect(await createSteps(closed.db).write({ ...one, seq: 8 })).toBeNull();
  });
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
