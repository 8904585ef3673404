/** SQL about grants: which devices an approval reaches, what is to be signed for a device, and what waits for it. */
import { type SqlBool, sql } from 'kysely';
import type { Db, Trx } from './devices.ts';

/** Which approvals and devices are looked at: those of one decision, group or device, or all that can change by themselves. */
export type Reach = { readonly decision: string } | { readonly group: string } | { readonly device: string } | 'all';

/** Who gives and takes grants takes turns until the transaction ends, or two would give the same one twice. */
const TURN = 20_261_122;
const takeTurn = (trx: Trx) => sql`select pg_advisory_xact_lock(${TURN})`.execute(trx);

/**
 * Gives every device that a standing approval reaches its grant, and takes it from those that it no longer reaches: a group has changed, a device was
 * tied to its person or enrolled anew. What somebody took back by hand stays so. Resolves with how many devices changed.
 */
export async function reconcileGrants(trx: Trx, reach: Reach, now: Date): Promise<number> {
  await takeTurn(trx);
  const named = reach === 'all' ? {} : reach;
  const standing =
    'decision' in named
      ? sql`d.id = ${named.decision}`
      : 'group' in named
        ? sql`d.scope = ${`group:${named.group}`}`
        : sql`d.scope <> 'device'`;
  const device = 'device' in named ? named.device : null;
  const { rows } = await sql<{ device: string }>`
    with standing as (
      select d.*, r.item, r.identity from decision d join request r on r.device = d.device and r.id = d.request
      where d.state = 'approved' and d.revoked_at is null and d.until > ${now} and d.scope <> 'everyone' and ${standing}
    ),
    reached as (
      select s.id as decision, s.device from standing s where s.scope = 'device'
      union select s.id, v.id from standing s join device v on s.scope = 'person:' || lower(v.person) where v.state <> 'revoked'
      union select s.id, m.device from standing s join group_member m on s.scope = 'group:' || m.group_id join device v on v.id = m.device where v.state <> 'revoked'
      union select s.id, v.id from standing s join group_member m on s.scope = 'group:' || m.group_id
        join device v on lower(v.person) = lower(m.person) where v.state <> 'revoked'
    ),
    target as (select * from reached where ${device}::uuid is null or device = ${device}::uuid),
    held as (
      select g.device, g.decision, g.id, g.revoked_at from grant_row g join standing s on s.id = g.decision
      where (g.revoked_at is null or g.revoked_by = 'admin') and (${device}::uuid is null or g.device = ${device}::uuid)
    ),
    -- A full join is hashed or merged whatever the planner takes the number of rows to be.
    compared as (
      select t.device as wanted, t.decision, h.device as holder, h.id, h.revoked_at
      from target t full join held h on h.device = t.device and h.decision = t.decision
    ),
    given as (
      insert into grant_row (device, id, tool, mcp, tiers, status, data_classes, expires_at, reason, request, decision, granted_by, created_at)
      select c.wanted, gen_random_uuid(), case when s.item like 'mcp:%' then null else s.item end, case when s.item like 'mcp:%' then s.identity end,
        s.tiers, 'approved', s.data_classes, s.until, s.reason, s.request, s.id, split_part(s.decided_by, ':', 1), ${now}
      from compared c join standing s on s.id = c.decision where c.holder is null
      returning device
    ),
    taken as (
      update grant_row g set revoked_at = ${now}, revoked_by = 'scope'
      from compared c where c.wanted is null and c.revoked_at is null and g.device = c.holder and g.id = c.id
      returning g.device
    )
    insert into grants_due (device, mark, since)
    select device, gen_random_uuid(), ${now} from (select device from given union select device from taken) changed
    on conflict (device) do update set mark = excluded.mark
    returning device`.execute(trx);
  return rows.length;
}

export type GrantOf = {
  readonly id: string;
  readonly tool: string | null;
  readonly mcp: string | null;
  readonly tiers: readonly string[] | null;
  readonly status: string;
  readonly data_classes: readonly string[] | null;
  readonly expires_at: Date;
  readonly reason: string;
  readonly request: string | null;
  readonly decision: string | null;
  readonly granted_by: string;
  readonly created_at: Date;
  readonly revoked_at: Date | null;
};

export async function grantsOfDevice(db: Db | Trx, device: string, after: readonly string[] | null, limit: number): Promise<GrantOf[]> {
  return db
    .selectFrom('grant_row')
    .selectAll()
    .where('device', '=', device)
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** Of several devices at once: what is in force, and what has ended since `since` and so explains a verdict. */
export async function grantsInForce(trx: Trx, devices: readonly string[], since: Date): Promise<Map<string, GrantOf[]>> {
  const rows = await trx
    .selectFrom('grant_row')
    .selectAll()
    .where(sql<SqlBool>`device = any(${[...devices]}::uuid[])`)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', since)
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute();
  return Map.groupBy(rows, ({ device }) => device);
}

/** By hand, for good. False: there is no such grant in force. */
export async function revokeGrant(trx: Trx, device: string, id: string, now: Date): Promise<boolean> {
  const row = await trx
    .updateTable('grant_row')
    .set({ revoked_at: now, revoked_by: 'admin' })
    .where('device', '=', device)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (row) await markDue(trx, [device], now);
  return row !== undefined;
}

/** A whole approval, with every grant that came of it. Resolves with the devices, or null where there is no such approval in force. */
export async function revokeApproval(trx: Trx, decision: string, now: Date): Promise<string[] | null> {
  // Or a device that comes to the approval's group at this moment would keep a grant of it.
  await takeTurn(trx);
  const found = await trx
    .updateTable('decision')
    .set({ revoked_at: now })
    .where('id', '=', decision)
    .where('state', '=', 'approved')
    .where('revoked_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  if (!found) return null;
  const rows = await trx
    .updateTable('grant_row')
    .set({ revoked_at: now, revoked_by: 'admin' })
    .where('decision', '=', decision)
    .where('revoked_at', 'is', null)
    .returning('device')
    .execute();
  const devices = [...new Set(rows.map(({ device }) => device))];
  await markDue(trx, devices, now);
  return devices;
}

async function markDue(trx: Trx, devices: readonly string[], now: Date): Promise<void> {
  await sql`
    insert into grants_due (device, mark, since) select device, gen_random_uuid(), ${now} from unnest(${[...devices]}::uuid[]) as changed (device)
    on conflict (device) do update set mark = excluded.mark`.execute(trx);
}

export type Due = { readonly device: string; readonly mark: string; readonly rev: number };

/** Some of those that wait, the longest waiting first, each with the newest revision that was signed for it; held until the transaction ends. */
export async function takeDue(trx: Trx, most: number): Promise<Due[]> {
  const { rows: waiting } = await sql<{ device: string }>`select device from grants_due order by since, device limit ${most}`.execute(trx);
  if (waiting.length === 0) return [];
  const devices = waiting.map(({ device }) => device).sort();
  // The devices' rows first and in one order, as check-ins and decisions take them.
  const { rows } = await sql<{ device: string; rev: number | null }>`
    select id as device, grants_rev as rev from device where id = any(${devices}::uuid[]) order by id for update`.execute(trx);
  const marks = await sql<{
    device: string;
    mark: string;
  }>`select device, mark from grants_due where device = any(${devices}::uuid[])`.execute(trx);
  const revs = new Map(rows.map(({ device, rev }) => [device, rev ?? 0]));
  return marks.rows.map(({ device, mark }) => ({ device, mark, rev: revs.get(device) ?? 0 }));
}

export async function clearDue(trx: Trx, due: readonly Due[]): Promise<void> {
  await sql`
    delete from grants_due d using unnest(${due.map(({ device }) => device)}::uuid[], ${due.map(({ mark }) => mark)}::uuid[]) as done (device, mark)
    where d.device = done.device and d.mark = done.mark`.execute(trx);
}

/** How many wait, and since when the first does. */
export async function countDue(db: Db): Promise<{ readonly count: number; readonly since: Date | null }> {
  const { rows } = await sql<{
    count: number;
    since: Date | null;
  }>`select count(*)::int as count, min(since) as since from grants_due`.execute(db);
  return rows[0] ?? { count: 0, since: null };
}
