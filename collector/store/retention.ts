/** SQL of the housework: partitions made ahead, what is too old removed in small steps, bodies that nobody holds any more. */
import { sql } from 'kysely';
import { audit } from './audit.ts';
import type { Db } from './devices.ts';
import { dropPartitions, makePartitions, USAGE_REACH_DAYS } from './partitions.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

/** Days that each thing is kept. */
export type KeepDays = {
  readonly usage: number;
  readonly evidence: number;
  readonly audit: number;
  readonly requests: number;
  readonly silent: number;
};

export const keepDays = ({ keepUsageDays, keepEvidenceDays, keepAuditDays, keepRequestDays, keepSilentDays }: Settings): KeepDays => ({
  usage: keepUsageDays,
  evidence: keepEvidenceDays,
  audit: keepAuditDays,
  requests: keepRequestDays,
  silent: keepSilentDays,
});

const DAY_MS = 86_400_000;
/** Rows that one statement removes, so that no lock is held for long. */
const STEP = 5000;
const DEVICES = 200;

export type Removed = Readonly<Record<'partitions' | 'usage' | 'audit' | 'requests' | 'grants' | 'devices' | 'staged' | 'bodies', number>>;

/**
 * Once through everything; safe to repeat, and to run on several replicas at once. Three things are never removed for their age: what is open or in
 * force, and what it came of; where a device's record ends, for the next row must follow it; and a key that was revoked, or it could enrol again.
 */
export async function cleanUp(db: Db, now: Date, keep: KeepDays = keepDays(DEFAULT_SETTINGS)): Promise<Removed> {
  const before = (days: number) => new Date(now.getTime() - days * DAY_MS);
  await makePartitions(db, now);
  // A device may yet send use of so many days ago: a month of it needs its partition.
  const months =
    (await dropPartitions(db, 'usage', before(Math.max(keep.usage, USAGE_REACH_DAYS + 31)))) +
    (await dropPartitions(db, 'evidence_row', before(keep.evidence)));
  return {
    partitions: months,
    usage: await inSteps(() => removeUsage(db, before(keep.usage))),
    audit: await inSteps(() => removeAudit(db, before(keep.audit))),
    grants: await inSteps(() => removeGrants(db, before(keep.requests))),
    requests: await inSteps(() => removeRequests(db, before(keep.requests), now)),
    devices: await inSteps(() => removeDevices(db, before(keep.silent), now), DEVICES),
    staged: await inSteps(() => removeStaged(db, before(1))),
    bodies: await removeBodies(db, now),
  };
}

async function inSteps(step: () => Promise<number>, size = STEP): Promise<number> {
  let total = 0;
  for (let removed = size; removed >= size; total += removed) removed = await step();
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

/** In months that stay as a whole, or are as long as a device may be away. */
async function removeUsage(db: Db, before: Date): Promise<number> {
  return count(
    await sql`
      delete from usage u using (select device, day, item from usage where day < ${before.toISOString().slice(0, 10)}::date limit ${STEP}) old
      where u.device = old.device and u.day = old.day and u.item = old.item`.execute(db),
  );
}

/** Also one that was taken back, which tells until its end that it isn't given again. */
async function removeGrants(db: Db, before: Date): Promise<number> {
  return count(
    await sql`
      with old as (select device, id from grant_row where expires_at < ${before} limit ${STEP})
      delete from grant_row g using old where g.device = old.device and g.id = old.id`.execute(db),
  );
}

/** What is still open is never removed, and neither is an approval that reaches devices, or of which a grant is left. */
async function removeRequests(db: Db, before: Date, now: Date): Promise<number> {
  return count(
    await sql`
      with old as (
        select r.device, r.id from request r
        where r.updated_at < ${before} and r.state in ('approved', 'denied', 'withdrawn', 'expired')
          and not exists (select 1 from decision d where d.device = r.device and d.request = r.id
            and (d.at >= ${before} or (d.state = 'approved' and d.revoked_at is null and d.until > ${now})))
          and not exists (select 1 from decision d join grant_row g on g.decision = d.id where d.device = r.device and d.request = r.id)
        limit ${STEP}
      ), decisions as (
        delete from decision using old where decision.device = old.device and decision.request = old.id
      )
      delete from request using old where request.device = old.device and request.id = old.id`.execute(db),
  );
}

/**
 * Forgets devices that have long been silent, with all they held and use; the audit says so. Not one of whom something is open, in force or on
 * record: the record goes by its own time, and then the device.
 */
async function removeDevices(db: Db, before: Date, now: Date): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ id: string }>`
      select d.id from device d
      where coalesce(d.last_seen, d.enrolled_at) < ${before} and d.state <> 'revoked'
        and not exists (select 1 from request r where r.device = d.id and r.state in ('open', 'needs-info'))
        and not exists (select 1 from decision o where o.device = d.id and o.state = 'approved' and o.revoked_at is null and o.until > ${now})
        and not exists (select 1 from grant_row g where g.device = d.id and g.revoked_at is null and g.expires_at > ${now})
        and not exists (select 1 from evidence_row e where e.device = d.id)
      order by d.id limit ${DEVICES} for update of d skip locked`.execute(trx);
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    for (const table of HELD) await sql`delete from ${sql.table(table)} where device = any(${ids}::uuid[])`.execute(trx);
    await sql`delete from device where id = any(${ids}::uuid[])`.execute(trx);
    await audit(trx, ...ids.map((device) => ({ at: now, actor: 'system', action: 'device.forgotten', device })));
    return ids.length;
  });
}

/** What one device has beside its own row. */
const HELD = [
  'device_inventory',
  'staged_item',
  'staged_part',
  'usage',
  'grants_due',
  'device_grants',
  'grant_row',
  'decision',
  'request',
  'group_member',
] as const;

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
