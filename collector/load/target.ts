/** The collector that a fleet is let loose on, as a process of its own, so that what it costs and what the fleet costs are apart. Started by main.ts. */
import { sql } from 'kysely';
import { openDatabase } from '../database.ts';
import { createLog } from '../log.ts';
import { type Collector, startCollector } from '../start.ts';
import { makeEnrolSecret } from '../store/secrets.ts';
import { makeTenant } from '../store/tenant.ts';
import { fill } from './fill.ts';

export type Order = {
  readonly seed: number;
  readonly devices: number;
  readonly url: string | null;
  readonly folder: string;
  readonly fill: boolean;
};
export type Told =
  | { readonly kind: 'said'; readonly line: string }
  | { readonly kind: 'ready'; readonly url: string; readonly secret: string; readonly engine: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'state'; readonly state: TargetState };

export type TargetState = {
  readonly databaseBytes: number;
  readonly processorMs: number;
  readonly rssBytes: number;
  readonly rows: Readonly<Record<string, number>>;
  /** Updates of `device`, and how many of them touched no index; null where the database doesn't count. */
  readonly updates: { readonly all: number; readonly hot: number } | null;
};

const tell = (told: Told) => void process.send?.(told);

async function begin({ seed, devices, url, folder, fill: filled }: Order): Promise<Collector> {
  const where = { url: url ?? undefined, folder };
  if (filled) {
    const opened = await openDatabase(where);
    await makeTenant(opened.db, 'fleet', new Date());
    await fill(opened.db, seed, devices, new Date(), (line) => tell({ kind: 'said', line }));
    // As it would have been done in the days that this took in truth.
    await sql`vacuum analyze`.execute(opened.db);
    await opened.close();
  }
  const log = createLog((line) => void (line.includes('"level":"error"') && process.stderr.write(line)));
  // The fleet stands in for a balancer, so that each device has an address of its own.
  const collector = await startCollector({ where, log, tenant: 'fleet', port: 0, trustProxy: 'loopback' });
  const { secret } = await makeEnrolSecret(collector.context.db, { label: 'fleet' }, new Date());
  tell({ kind: 'ready', url: collector.url, secret, engine: collector.context.database.engine });
  return collector;
}

async function stateOf({ context: { db, database } }: Collector): Promise<TargetState> {
  const { rows: size } = await sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`.execute(db);
  const count = async (table: 'device' | 'device_item' | 'item_body' | 'audit') => {
    const row = await db
      .selectFrom(table)
      .select((on) => on.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    return Number(row.rows);
  };
  const tables = ['device', 'device_item', 'item_body', 'audit'] as const;
  const rows = Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await count(table)] as const)));
  const { rows: counted } = await sql<{ all: number; hot: number }>`
    select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'device'`.execute(db);
  const { user, system } = process.cpuUsage();
  return {
    databaseBytes: Number(size[0]?.bytes ?? 0),
    processorMs: Math.round((user + system) / 1000),
    rssBytes: process.memoryUsage.rss(),
    rows,
    updates: database.engine === 'postgresql' && counted[0] ? { all: Number(counted[0].all), hot: Number(counted[0].hot) } : null,
  };
}

let collector: Collector | null = null;
process.on('message', (message: Order | 'state') => {
  const failed = (error: unknown) =>
    tell({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  if (message === 'state') {
    if (collector) stateOf(collector).then((state) => tell({ kind: 'state', state }), failed);
    return;
  }
  begin(message).then((begun) => {
    collector = begun;
  }, failed);
});
// Its master is gone, however that ended.
process.on('disconnect', () => {
  const ending = collector?.stop() ?? Promise.resolve();
  void ending.finally(() => process.exit(0));
});
