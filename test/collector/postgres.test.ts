/** The collector's schema on a real PostgreSQL, and that a crash of it loses nothing that was committed. */
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
});
