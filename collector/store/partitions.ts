/** Monthly partitions: made ahead, so that no check-in ever waits for one, and dropped whole when their time is over. */
import { type Kysely, sql } from 'kysely';
import type { Schema } from './schema.ts';

const TABLES = ['usage', 'evidence_row'] as const;
type Partitioned = (typeof TABLES)[number];

/** A device may have been away for this long and still tell its use, in days; rows beyond it are parked. */
export const USAGE_REACH_DAYS = 100;

const month = (time: Date, offset: number) => new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + offset, 1));
const text = (day: Date) => day.toISOString().slice(0, 10);
const nameOf = (table: Partitioned, start: Date) => `${table}_${text(start).slice(0, 7).replace('-', '_')}`;

/** Of all collectors on one database, one makes partitions at a time. */
const LOCK = 7_205_411;

/** Makes what is missing from four months back to three ahead; safe to repeat and to run on several replicas at once. */
export async function makePartitions(db: Kysely<Schema>, now: Date): Promise<void> {
  const wanted = TABLES.flatMap((table) =>
    Array.from({ length: table === 'usage' ? 8 : 5 }, (_, index) => ({ table, start: month(now, 3 - index), end: month(now, 4 - index) })),
  );
  const missing = async (trx: Kysely<Schema>) => {
    const { rows } = await sql<{ name: string }>`select relname as name from pg_class where relispartition and relkind = 'r'`.execute(trx);
    const there = new Set(rows.map(({ name }) => name));
    return wanted.filter(({ table, start }) => !there.has(nameOf(table, start)));
  };
  if ((await missing(db)).length === 0) return;
  await db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${LOCK})`.execute(trx);
    for (const { table, start, end } of await missing(trx)) {
      await sql
        .raw(`create table ${nameOf(table, start)} partition of ${table} for values from ('${text(start)}') to ('${text(end)}')`)
        .execute(trx);
    }
  });
}

/** Drops every partition that ended before `before`; resolves with how many. */
export async function dropPartitions(db: Kysely<Schema>, table: Partitioned, before: Date): Promise<number> {
  const { rows } = await sql<{ name: string }>`
    select child.relname as name from pg_inherits
    join pg_class child on child.oid = inhrelid join pg_class parent on parent.oid = inhparent
    where parent.relname = ${table}`.execute(db);
  const old = rows.filter(({ name }) => {
    const found = /_(\d{4})_(\d{2})$/.exec(name);
    return found !== null && Date.UTC(Number(found[1]), Number(found[2]), 1) <= before.getTime();
  });
  for (const { name } of old) await sql`drop table if exists ${sql.table(name)}`.execute(db);
  return old.length;
}
