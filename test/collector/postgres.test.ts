/** The collector's schema on a real PostgreSQL, and that a crash of it loses nothing that was committed. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../collector/database.ts';
import { makeTenant, readTenant } from '../../collector/store/tenant.ts';
import { needs } from '../capability.ts';
import { type Cluster, startPostgres } from './postgres.ts';

needs('postgres').describe('a real PostgreSQL', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(() => cluster?.end());

  it('takes the same migrations, from several collectors that start at once', async () => {
    const url = await cluster.database();
    const open = () => openDatabase({ url, connections: 2 });
    const [one, other, third] = await Promise.all([open(), open(), open()]);
    await makeTenant(one.db, 'acme', new Date(0));
    expect((await readTenant(third.db))?.name).toBe('acme');
    for (const each of [one, other, third]) await each.close();
  });

  it('keeps what was committed when it crashes, and the pool goes on', async () => {
    const opened = await openDatabase({ url: await cluster.database(), connections: 2 });
    await makeTenant(opened.db, 'acme', new Date(0));
    await cluster.crash();
    // A connection that was cut says so once at the most; the pool then makes another.
    await opened.ping().catch(() => {});
    await opened.ping();
    const again = () => readTenant(opened.db);
    expect((await again().catch(again))?.name).toBe('acme');
    await opened.close();
  });

  it('could be distributed by device: each unique index of what a device has begins with it or names it', async () => {
    const { db, close } = await openDatabase({ url: await cluster.database(), connections: 1 });
    const { rows } = await sql<{ index: string; columns: string[] }>`
      select index.relname as index, array_agg(attribute.attname::text) as columns
      from pg_index join pg_class index on index.oid = indexrelid join pg_class of on of.oid = indrelid
      join pg_attribute attribute on attribute.attrelid = indexrelid
      where indisunique and of.relkind in ('r', 'p') and of.relnamespace = 'public'::regnamespace
        and exists (select from pg_attribute where attrelid = of.oid and attname = 'device' and not attisdropped)
      group by 1`.execute(db);
    await close();
    const without = rows.filter(({ columns }) => !columns.includes('device')).map(({ index }) => index);
    expect(rows.length).toBeGreaterThan(8);
    // What would go or stay whole on every node: one id names one request, and the two that are small and belong to nobody.
    expect(without.sort()).toEqual(['audit_pkey', 'group_member_person', 'request_id']);
  });
});
