/** SQL over the whole fleet: which bodies are held by how many devices, and on how many of them a grant or an open request has a word to say. */
import { type RawBuilder, sql } from 'kysely';
import type { Body } from '../verdicts.ts';
import type { Db } from './devices.ts';

/** Devices whose inventory counts: those that check in, and not the key that a computer had before. */
const COUNTED = sql`d.state in ('active', 'clone') and d.replaced_by is null`;

export type HeldBody = { readonly hash: string; readonly body: Body; readonly devices: number };

/** Every body that a counted device holds, with how many do. One pass over the inventories. */
export async function heldBodies(db: Db): Promise<HeldBody[]> {
  const { rows } = await sql<{ hash: string; body: Body; devices: number }>`
    select b.hash, b.body, n.devices from (
      select i.item, count(*)::int as devices from device_item i join device d on d.id = i.device where ${COUNTED} group by i.item
    ) n join item_body b on b.id = n.item where b.body is not null`.execute(db);
  return rows;
}

export type GrantWord = {
  readonly tool: string | null;
  readonly mcp: string | null;
  readonly tiers: readonly string[] | null;
  readonly status: 'approved' | 'conditional' | 'prohibited' | 'tolerated';
  readonly data_classes: readonly string[] | null;
  readonly expires_at: string;
};

export type Exception = { readonly hash: string; readonly grants: readonly GrantWord[]; readonly open: boolean; readonly devices: number };

/** `family` of each tool's key, as the catalog has it. */
export type FamilyOf = { readonly keys: readonly string[]; readonly families: readonly string[] };

/** On how many devices a body is held together with these grants about it, or with an open request for it; devices alike make one row. */
export async function exceptions(db: Db, { keys, families }: FamilyOf, since: Date): Promise<Exception[]> {
  const { rows } = await sql<{ hash: string; grants: GrantWord[] | null; open: boolean; devices: number }>`
    with family as (select * from unnest(${[...keys]}::text[], ${[...families]}::text[]) as f (key, family)),
    granted as (
      select i.device, i.item, jsonb_build_object(
          'tool', g.tool, 'mcp', g.mcp, 'tiers', g.tiers, 'status', g.status, 'data_classes', g.data_classes, 'expires_at', g.expires_at) as word
      from grant_row g
      join device_item i on i.device = g.device
      join item_body b on b.id = i.item
      left join family f on f.key = b.key
      where g.revoked_at is null and g.expires_at > ${since}
        and case when g.tool is not null then b.kind = 'tool' and (b.key = 'tool:' || g.tool or f.family = g.tool)
          else b.kind = 'mcp' and g.mcp in (b.body->'identity'->>'name', (b.body->'identity'->>'kind') || ':' || (b.body->'identity'->>'name')) end
    ),
    asked as (
      select distinct i.device, i.item from request r
      join device_item i on i.device = r.device
      join item_body b on b.id = i.item
      where r.state in ('open', 'needs-info')
        and ((b.kind = 'tool' and b.key = 'tool:' || r.item) or (b.kind = 'mcp' and r.item = 'mcp:' || (b.body->>'name')))
    ),
    words as (select device, item, jsonb_agg(word order by word) as grants from granted group by device, item),
    said as (
      select coalesce(w.device, a.device) as device, coalesce(w.item, a.item) as item, w.grants, a.device is not null as open
      from words w full join asked a on a.device = w.device and a.item = w.item
    )
    select b.hash, s.grants, s.open, count(*)::int as devices
    from said s join device d on d.id = s.device join item_body b on b.id = s.item where ${COUNTED}
    group by b.hash, s.grants, s.open`.execute(db);
  return rows.map(({ grants, ...row }) => ({ ...row, grants: grants ?? [] }));
}

export async function countDevices(db: Db): Promise<number> {
  const { rows } = await sql<{ devices: number }>`select count(*)::int as devices from device d where ${COUNTED}`.execute(db);
  return rows[0]?.devices ?? 0;
}

/** Of so many bodies the index of inventories tells who holds them; of more, reading every inventory is no dearer. */
const FEW = 200;

/** How many devices hold one of these bodies. */
export async function devicesHolding(db: Db, hashes: readonly string[]): Promise<number> {
  if (hashes.length === 0) return 0;
  const named = sql`select id from item_body where hash = any(${[...hashes]}::text[])`;
  const held =
    hashes.length <= FEW
      ? sql`i.items && array(${named})`
      : sql`exists (select 1 from unnest(i.items) as h (item) where h.item in (${named}))`;
  const { rows } = await sql<{ devices: number }>`
    select count(*)::int as devices from device_inventory i join device d on d.id = i.device where ${COUNTED} and ${held}`.execute(db);
  return rows[0]?.devices ?? 0;
}

/** How many devices have each identity, for a device may name one server in several files. */
export async function devicesByIdentity(db: Db): Promise<Map<string, number>> {
  const { rows } = await sql<{ identity: string; devices: number }>`
    select (b.body->'identity'->>'kind') || ':' || (b.body->'identity'->>'name') as identity, count(distinct i.device)::int as devices
    from item_body b join device_item i on i.item = b.id join device d on d.id = i.device
    where b.kind = 'mcp' and (b.body->>'present')::boolean and ${COUNTED} group by 1`.execute(db);
  return new Map(rows.map(({ identity, devices }) => [identity, devices]));
}

export type FleetUse = { readonly item: string; readonly runS: number; readonly frontS: number; readonly devices: number };

export async function fleetUse(db: Db, since: string): Promise<FleetUse[]> {
  const { rows } = await sql<FleetUse>`
    select item, sum(run_s)::float8 as "runS", sum(front_s)::float8 as "frontS", count(distinct device)::int as devices
    from usage where day >= ${since}::date group by item`.execute(db);
  return rows;
}

export type Holder = {
  readonly device: string;
  readonly person: string | null;
  readonly hostname: string;
  readonly platform: string;
  readonly firstSeen: Date | null;
};

/** Who holds a tool, or a server by its identity; in the order of the devices' ids, after `after`. */
export async function holders(
  db: Db,
  what: { tool: string } | { identity: string },
  after: string | null,
  limit: number,
): Promise<Holder[]> {
  const about =
    'tool' in what
      ? sql`b.key = ${`tool:${what.tool}`}`
      : sql`b.kind = 'mcp' and (b.body->'identity'->>'kind') || ':' || (b.body->'identity'->>'name') = ${what.identity}`;
  const named = sql`select b.id from item_body b where ${about} and (b.body->>'present')::boolean`;
  const { rows: few } = await sql<{ id: number }>`${named} limit ${FEW + 1}`.execute(db);
  if (few.length === 0) return [];
  // What few devices have in few forms is found by the index; what many have, soon by going from device to device.
  const columns = sql`d.id as device, d.person, d.hostname, d.platform, h.seen as "firstSeen"`;
  const counted = sql`${COUNTED} and (${after}::uuid is null or d.id > ${after}::uuid)`;
  const seen = (which: RawBuilder<unknown>) => sql`
    cross join lateral (
      select to_timestamp(min(one.first_seen) / 1000.0) as seen
      from device_inventory i cross join lateral unnest(i.items, i.first_seen) as one (item, first_seen)
      where i.device = d.id and ${which} having count(*) > 0
    ) h`;
  const ids = sql`${few.map(({ id }) => id)}::bigint[]`;
  // An array, or the order and the limit make the planner look at every device in its turn.
  const { rows } = await (few.length <= FEW
    ? sql<Holder>`
        select ${columns} from (
          select d.* from device d where d.id = any(array(select device from device_inventory where items && ${ids})) and ${counted}
          order by d.id limit ${limit}
        ) d ${seen(sql`one.item = any(${ids})`)} order by d.id`
    : sql<Holder>`select ${columns} from device d ${seen(sql`one.item in (${named})`)} where ${counted} order by d.id limit ${limit}`
  ).execute(db);
  return rows;
}
