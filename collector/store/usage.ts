/** SQL about how long tools were used, by day: safe to repeat, for a day that has ended is told once and for all. */
import { sql } from 'kysely';
import type { Use } from '../read-check-in.ts';
import type { Trx } from './devices.ts';

export async function putUsage(trx: Trx, device: string, rows: readonly Use[]): Promise<void> {
  if (rows.length === 0) return;
  const last = [...new Map(rows.map((row) => [`${row.day} ${row.item}`, row])).values()];
  await sql`
    insert into usage (device, day, item, run_s, front_s, launches)
    select ${device}::uuid, * from unnest(
      ${last.map(({ day }) => day)}::date[], ${last.map(({ item }) => item)}::text[], ${last.map(({ runS }) => runS)}::integer[],
      ${last.map(({ frontS }) => frontS)}::integer[], ${last.map(({ launches }) => launches)}::integer[])
    on conflict (device, day, item) do update set run_s = excluded.run_s, front_s = excluded.front_s, launches = excluded.launches`.execute(
    trx,
  );
}
