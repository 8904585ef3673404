/** SQL of the housework: partitions made ahead, what is too old removed in small steps, bodies that nobody holds any more. */
import { sql } from 'kysely';
import type { Db } from './devices.ts';
import { dropPartitions, makePartitions } from './partitions.ts';

/** Days that each thing is kept; the setting `retention` may say otherwise. */
export const KEEP_DAYS = { usage: 400, evidence: 400, audit: 800, requests: 400, staged: 1 } as const;
export type KeepDays = { readonly [Kind in keyof typeof KEEP_DAYS]: number };

const DAY_MS = 86_400_000;
/** Rows that one statement removes, so that no lock is held for long. */
const STEP = 5000;

export type Removed = Readonly<Record<'partitions' | 'audit' | 'requests' | 'staged' | 'bodies', number>>;

/** Once through everything; safe to repeat, and to run on several replicas at once. */
export async function cleanUp(db: Db, now: Date, keep: KeepDays = KEEP_DAYS): Promise<Removed> {
  const before = (days: number) => new Date(now.getTime() - days * DAY_MS);
  await makePartitions(db, now);
  const partitions =
    (await dropPartitions(db, 'usage', before(keep.usage))) + (await dropPartitions(db, 'evidence_row', before(keep.evidence)));
  return {
    partitions,
    audit: await inSteps(() => removeAudit(db, before(keep.audit))),
    requests: await inSteps(() => removeRequests(db, before(keep.requests))),
    staged: await inSteps(() => removeStaged(db, before(keep.staged))),
    bodies: await removeBodies(db, now),
  };
}

async function inSteps(step: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let removed = STEP; removed >= STEP; total += removed) removed = await step();
  return total;
}

const count = (result: { readonly numAffectedRows?: bigint | undefined }) => Number(result.numAffectedRows ?? 0n);

async function removeAudit(db: Db, before: Date): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await sql`set local muster.retention = 'on'`.execute(trx);
    return count(
      await sql`delete from audit where id in (select id from audit where at < ${before} order by id limit ${STEP})`.execute(trx),
    );
  });
}

/** What is still open is never removed. */
async function removeRequests(db: Db, before: Date): Promise<number> {
  return count(
    await sql`
      with old as (
        select device, id from request where updated_at < ${before} and state in ('approved', 'denied', 'withdrawn', 'expired') limit ${STEP}
      ), decisions as (
        delete from decision using old where decision.device = old.device and decision.request = old.id
      )
      delete from request using old where request.device = old.device and request.id = old.id`.execute(db),
  );
}

/** Parts of full inventories whose last part never came. */
async function removeStaged(db: Db, before: Date): Promise<number> {
  return count(
    await sql`
      with old as (select device, snapshot from staged_part group by device, snapshot having max(staged_at) < ${before} limit ${STEP}),
      items as (delete from staged_item using old where staged_item.device = old.device and staged_item.snapshot = old.snapshot)
      delete from staged_part using old where staged_part.device = old.device and staged_part.snapshot = old.snapshot`.execute(db),
  );
}

/**
 * A body goes two hours after it was found unused, if it still is: a collector remembers for one hour that a body is there (items.ts), and
 * looking at it again takes the mark away. What is used is read once, for all of it.
 */
async function removeBodies(db: Db, now: Date): Promise<number> {
  const before = new Date(now.getTime() - 2 * 3_600_000);
  const { rows } = await sql<{ removed: number }>`
    with used as materialized (
      select item as id from device_item union select b.id from staged_item s join item_body b on b.hash = s.hash
    ), judged as materialized (
      select b.id, b.unused_since, u.id is not null as used from item_body b left join used u on u.id = b.id
      where (b.unused_since is null) <> (u.id is not null) or b.unused_since < ${before}
    ), removed as (
      delete from item_body b using judged j where b.id = j.id and not j.used and b.unused_since < ${before} returning b.id
    ), marked as (
      update item_body b set unused_since = case when j.used then null else ${now}::timestamptz end
      from judged j where b.id = j.id and (b.unused_since is null) <> j.used
    )
    select count(*)::int as removed from removed`.execute(db);
  return rows[0]?.removed ?? 0;
}
