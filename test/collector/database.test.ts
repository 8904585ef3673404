/** The database of the collector, embedded and on a real PostgreSQL: migrations whole or not at all, partitions, retention, and updates that touch no index. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headOf, itemHash } from '../../agent/wire.ts';
import { CollectorDatabaseError, type Opened, openDatabase, type Where } from '../../collector/database.ts';
import { createLog } from '../../collector/log.ts';
import * as first from '../../collector/migrations/0001-first.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { audit } from '../../collector/store/audit.ts';
import { dropPartitions, makePartitions } from '../../collector/store/partitions.ts';
import { cleanUp } from '../../collector/store/retention.ts';
import { needs } from '../capability.ts';
import { inFolder, inMemory } from './embedded.ts';
import { type Cluster, startPostgres } from './postgres.ts';
import { simulatedDevice, tool } from './simulated-device.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'muster-database-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quiet = createLog(() => {});
const NOW = new Date('2026-11-22T12:00:00Z');
const DAY_MS = 86_400_000;

/** `at` is an empty database. */
function migrationCases(at: () => Promise<Where>): void {
  it('keeps what was there over a second start, refuses what is newer, and keeps nothing of a migration that fails', async () => {
    const where = await at();
    const migrations = { '0001-first': first };
    const opened = await openDatabase(where, migrations);
    await audit(opened.db, { at: NOW, actor: 'system', action: 'here' });
    await opened.close();

    const half = {
      async up(db: Parameters<typeof first.up>[0]) {
        await sql`create table half (x integer)`.execute(db);
        await sql`select no_such_thing`.execute(db);
      },
    };
    const failed = await openDatabase(where, { ...migrations, '0002-half': half }).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(CollectorDatabaseError);
    expect(failed).toMatchObject({ code: 'migration' });
    const again = await openDatabase(where, migrations);
    expect(await sql<{ half: string | null }>`select to_regclass('half') as half`.execute(again.db).then(({ rows }) => rows)).toEqual([
      { half: null },
    ]);
    expect(await again.db.selectFrom('audit').select('action').execute()).toEqual([{ action: 'here' }]);
    await again.close();

    const whole = { up: (db: Parameters<typeof first.up>[0]) => sql`create table later (x integer)`.execute(db).then(() => {}) };
    await (await openDatabase(where, { ...migrations, '0002-later': whole })).close();
    const newer = await openDatabase(where, migrations).catch((error: unknown) => error);
    expect(newer).toMatchObject({ code: 'newer' });
    expect((newer as Error).message).toMatch(/0002-later.*0001-first/);
  });
}

/** Everything that is the same on both. */
function houseworkCases(at: () => Promise<Where>): void {
  it('makes partitions ahead, drops them whole, and lets nobody rewrite the audit', async () => {
    const opened = await openDatabase(await at());
    const { db } = opened;
    await Promise.all([makePartitions(db, NOW), makePartitions(db, NOW)]);
    const partitions = async () =>
      (
        await sql<{
          name: string;
        }>`select relname as name from pg_class where relname ~ '^(usage|evidence_row)_\\d{4}_\\d\\d$' order by 1`.execute(db)
      ).rows.map(({ name }) => name);
    expect(await partitions()).toEqual(expect.arrayContaining(['usage_2026_07', 'usage_2026_11', 'usage_2027_02', 'evidence_row_2026_11']));
    expect(await dropPartitions(db, 'usage', new Date('2026-09-15T00:00:00Z'))).toBe(2);
    expect(await partitions()).not.toContain('usage_2026_08');
    expect(await partitions()).toContain('usage_2026_09');

    await audit(db, { at: NOW, actor: 'system', action: 'kept' });
    await expect(db.updateTable('audit').set({ action: 'other' }).execute()).rejects.toThrow(/never changed/);
    await expect(db.deleteFrom('audit').execute()).rejects.toThrow(/never changed/);
    await opened.close();
  });

  it('removes what is too old in its time, and bodies only when they have long been unused', async () => {
    const opened = await openDatabase(await at());
    const { db } = opened;
    const device = '00000000-0000-4000-8000-000000000001';
    const old = new Date(NOW.getTime() - 900 * DAY_MS);
    await audit(db, { at: old, actor: 'system', action: 'old' }, { at: NOW, actor: 'system', action: 'new' });
    const request = { device, item: 'tool:a', item_name: 'A', reason: 'x', created_at: old, updated_at: old, received_at: old };
    const ids = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;
    await db
      .insertInto('request')
      .values([
        { ...request, id: ids[0], state: 'denied' },
        { ...request, id: ids[1], state: 'open' },
      ])
      .execute();
    await db
      .insertInto('item_body')
      .values(['used', 'unused'].map((hash) => ({ hash, kind: 'tool' as const, key: hash, body: '{}' })))
      .execute();
    const used = await db.selectFrom('item_body').select('id').where('hash', '=', 'used').executeTakeFirstOrThrow();
    await db
      .insertInto('device_inventory')
      .values({ device, items: [used.id], first_seen: [null] })
      .execute();
    await db.insertInto('staged_part').values({ device, snapshot: device, part: 1, staged_at: old }).execute();
    await db.insertInto('staged_item').values({ device, snapshot: device, part: 1, key: 'x', hash: 'x', first_seen: null }).execute();

    expect(await cleanUp(db, NOW)).toMatchObject({ audit: 1, requests: 1, staged: 1, bodies: 0 });
    expect(await db.selectFrom('audit').select('action').execute()).toEqual([{ action: 'new' }]);
    expect(await db.selectFrom('request').select('state').execute()).toEqual([{ state: 'open' }]);
    expect(await db.selectFrom('staged_item').select('key').execute()).toEqual([]);
    expect(await cleanUp(db, new Date(NOW.getTime() + 3_600_000))).toMatchObject({ bodies: 0 });
    expect(await cleanUp(db, new Date(NOW.getTime() + 3 * 3_600_000))).toMatchObject({ bodies: 1 });
    expect(await db.selectFrom('item_body').select('hash').execute()).toEqual([{ hash: 'used' }]);
    await opened.close();
  });
}

describe('embedded', () => {
  // That a folder keeps everything over a restart is shown by the process itself (main.test.ts).
  it('refuses what is newer', async () => {
    const where = await inFolder(path.join(folder, 'database'));
    const later = { up: (db: Parameters<typeof first.up>[0]) => sql`create table later (x integer)`.execute(db).then(() => {}) };
    await (await openDatabase(where, { '0001-first': first, '0002-later': later })).close();
    await expect(openDatabase(where, { '0001-first': first })).rejects.toMatchObject({ code: 'newer' });
  }, 60_000);

  houseworkCases(inMemory);
});

needs('postgres').describe('on PostgreSQL', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(async () => cluster?.end());

  migrationCases(async () => ({ url: await cluster.database() }));
  houseworkCases(async () => ({ url: await cluster.database() }));

  it('two replicas may start on an empty database at once; one makes the first secrets', async () => {
    const where = { url: await cluster.database() };
    const start = () => startCollector({ where, log: quiet, tenant: 'acme', port: 0 });
    const both = await Promise.all([start(), start()]);
    expect(both.filter(({ first: made }) => made !== null)).toHaveLength(1);
    await Promise.all(both.map(({ stop }) => stop()));
  });

  it('says that a database is away without saying where it is', async () => {
    const error = await openDatabase({ url: 'postgres://somebody:hunter2@127.0.0.1:1/none' }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'unreachable' });
    expect((error as Error).message).not.toMatch(/hunter2|127\.0|somebody/);
  });

  it('ends a statement that takes too long at the server, and its connection is as good as before', async () => {
    const usual = await openDatabase({ url: await cluster.database(), connections: 1 });
    // Below the time after which this side gives up: only a server that hangs is given up.
    expect((await sql<{ limit: string }>`select current_setting('statement_timeout') as limit`.execute(usual.db)).rows).toEqual([
      { limit: '1min' },
    ]);
    await usual.close();
    const { db, close } = await openDatabase({ url: `${await cluster.database()}?statement_timeout=1000`, connections: 1 });
    const one = await backend(db);
    await expect(sql`select pg_sleep(60)`.execute(db)).rejects.toMatchObject({ code: '57014' });
    expect(await backend(db)).toBe(one);
    await close();
  });

  it.each(['hangs on', 'goes on before the next statement'])(
    'gives up a server process that hangs and %s, and keeps what is answered after it',
    async (then) => {
      const url = await cluster.database();
      await (await openDatabase({ url })).close();
      const { db, close } = await openDatabase({ url: `${url}?query_timeout=2000`, connections: 1 });
      const hanging = await backend(db);
      let stopped = true;
      // Once: a process that has gone on sees that nobody is there, and ends.
      const goOn = () => {
        if (stopped) process.kill(hanging, 'SIGCONT');
        stopped = false;
      };
      process.kill(hanging, 'SIGSTOP');
      try {
        const given = db.transaction().execute((trx) => audit(trx, { at: NOW, actor: 'system', action: 'given up' }));
        await expect(given).rejects.toThrow('Query read timeout');
        if (then !== 'hangs on') goOn();
        await audit(db, { at: NOW, actor: 'system', action: 'answered' });
        const elsewhere = await openDatabase({ url, connections: 1 });
        expect(await elsewhere.db.selectFrom('audit').select('action').execute()).toEqual([{ action: 'answered' }]);
        await elsewhere.close();
        expect(await backend(db)).not.toBe(hanging);
      } finally {
        goOn();
      }
      await close();
    },
  );

  describe('a running collector', () => {
    let collector: Collector;
    let database: Opened;
    beforeAll(async () => {
      const url = await cluster.database();
      collector = await startCollector({ where: { url, connections: 2 }, log: quiet, tenant: 'acme', port: 0 });
      database = collector.context.database;
    });
    afterAll(() => collector.stop());

    it('updates a device in place: an unchanged check-in touches no index', async () => {
      const device = simulatedDevice(collector.url);
      await device.enroll(collector.first?.enrolSecret ?? '');
      const items = [tool('a'), tool('b')];
      const head = headOf(items.map(itemHash));
      await device.full(items);
      const counts = async () => {
        const { rows } = await sql<{ all: number; hot: number }>`
          select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'device'`.execute(database.db);
        return rows[0] ?? { all: 0, hot: 0 };
      };
      await expect.poll(async () => (await counts()).all, { timeout: 20_000 }).toBe(1);
      const before = await counts();
      const trust = { keySet: null, policy: null, grants: null, applied: { rev: null, status: 'none' as const } };
      for (let turn = 0; turn < 100; turn++) {
        const agent = { version: `1.0.${turn}`, platform: 'linux' as const };
        expect((await device.checkIn({ base: head, head, agent, trust })).json['want']).toBe('none');
      }
      await expect.poll(async () => (await counts()).all, { timeout: 20_000 }).toBe(before.all + 100);
      // A page that is full moves a row once in a while, so nearly all.
      expect((await counts()).hot - before.hot).toBeGreaterThanOrEqual(98);
    });

    it('answers whether it is ready while every connection is busy', async () => {
      const busy = await Promise.all([hold(database), hold(database)]);
      expect((await fetch(`${collector.url}/readyz`)).status).toBe(200);
      for (const release of busy) release();
    });

    it('while the database is away it lives, is not ready, and tells devices when to come again; then it goes on', async () => {
      const device = simulatedDevice(collector.url);
      await device.enroll(collector.first?.enrolSecret ?? '');
      await cluster.stop('immediate');
      expect((await fetch(`${collector.url}/livez`)).status).toBe(200);
      expect((await fetch(`${collector.url}/readyz`)).status).toBe(503);
      const body = device.body();
      const away = await device.send(body);
      expect(away).toMatchObject({ status: 503, json: { code: 'not-ready' } });
      expect(Number(away.headers.get('retry-after'))).toBeGreaterThanOrEqual(5);
      await cluster.start();
      await expect.poll(async () => (await fetch(`${collector.url}/readyz`)).status).toBe(200);
      expect((await device.send(body)).json).toMatchObject({ ackSeq: 1 });
    });
  });
});

/** The process id of the server's half of a connection. */
async function backend(db: Opened['db']): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  return rows[0]?.pid ?? 0;
}

/** Keeps a connection of the pool in a transaction until the returned function is called. */
async function hold({ db }: Opened): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  void db.transaction().execute(async (trx) => {
    await sql`select 1`.execute(trx);
    begin();
    await promise;
  });
  await begun;
  return resolve;
}
