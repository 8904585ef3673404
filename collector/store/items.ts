/** SQL about what devices hold: the bodies that they share, their own lists, and the parts of a full inventory that has not all come. */
import { sql } from 'kysely';
import { headOf } from '../../agent/wire.ts';
import type { Held } from '../read-check-in.ts';
import type { Db, Stored as Row, Trx } from './devices.ts';

/** A stored body as it is named elsewhere: its id and its hash name the same for ever. */
type Stored = { readonly id: number; readonly hash: string; readonly key: string };

/** Bodies that are surely stored, so that most check-ins look none of them up. */
export type KnownBodies = {
  /** Null where it isn't known, or not sure any more that it is there. */
  named(hash: string): Stored | null;
  /** What a device holds is there for as long as it does. */
  of(id: number): Stored | null;
  add(body: Stored): void;
};

/** Retention removes a body two hours after its last use at the earliest (store/retention.ts), so what is remembered for one is there. */
const REMEMBER_MS = 3_600_000;

export function createKnownBodies(clock: () => number, most = 200_000): KnownBodies {
  const ids = new Map<number, { readonly body: Stored; readonly at: number }>();
  const hashes = new Map<string, number>();
  return {
    named(hash) {
      const known = ids.get(hashes.get(hash) ?? -1);
      return known && clock() - known.at < REMEMBER_MS ? known.body : null;
    },
    of: (id) => ids.get(id)?.body ?? null,
    add(body) {
      ids.delete(body.id);
      ids.set(body.id, { body, at: clock() });
      hashes.set(body.hash, body.id);
      if (ids.size > most) {
        const [oldest] = ids;
        if (!oldest) return;
        ids.delete(oldest[0]);
        if (hashes.get(oldest[1].body.hash) === oldest[0]) hashes.delete(oldest[1].body.hash);
      }
    },
  };
}

const BATCH = 200;

/**
 * Stores what bodies are missing, in batches of their own, in the order of their hashes: two devices that bring the same new tools at once wait for
 * each other and never in a circle. What is there already is only looked at.
 */
export async function storeBodies(db: Db, items: readonly Held[], known: KnownBodies): Promise<void> {
  const unknown = new Map<string, Held>();
  for (const item of items) if (!known.named(item.hash)) unknown.set(item.hash, item);
  const sorted = [...unknown.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  for (let at = 0; at < sorted.length; at += BATCH) {
    const batch = sorted.slice(at, at + BATCH);
    const there = await storedAs(db, batch);
    const missing = batch.filter(({ hash, body }) => {
      const found = there.get(hash);
      return !found?.used || (body !== null && !found.whole);
    });
    if (missing.length > 0) await insertBodies(db, missing);
    const made = missing.length > 0 ? await storedAs(db, missing) : there;
    for (const { hash } of batch) {
      const body = made.get(hash) ?? there.get(hash);
      // One that is parked is looked at again: the next device may bring its body.
      if (body?.whole) known.add({ id: body.id, hash, key: body.key });
    }
  }
}

type Found = Stored & { readonly whole: boolean; readonly used: boolean };

async function storedAs(db: Db | Trx, items: readonly { readonly hash: string }[]): Promise<Map<string, Found>> {
  const { rows } = await sql<Found>`
    select id, hash, key, body is not null as whole, unused_since is null as used from item_body
    where hash = any(${items.map(({ hash }) => hash)}::text[])`.execute(db);
  return new Map(rows.map((row) => [row.hash, row]));
}

async function insertBodies(db: Db, items: readonly Held[]): Promise<void> {
  const shared = items.map(({ body }) => {
    if (!body) return null;
    const { firstSeen: _, ...rest } = body;
    return JSON.stringify(rest);
  });
  // One that retention was about to remove is taken into use again; one that was parked for its first sight gets its body.
  await sql`
    insert into item_body (hash, kind, key, body)
    select hash, kind, key, body::jsonb
    from unnest(${items.map(({ hash }) => hash)}::text[], ${items.map(({ body }) => body?.kind ?? null)}::text[],
      ${items.map(({ key }) => key)}::text[], ${shared}::text[]) as sent (hash, kind, key, body)
    order by hash
    on conflict (hash) do update set unused_since = null, kind = coalesce(item_body.kind, excluded.kind), body = coalesce(item_body.body, excluded.body)
    where item_body.unused_since is not null or (item_body.body is null and excluded.body is not null)`.execute(db);
}

/** What a device holds, by key; `firstSeen` in ms since 1970, null where it never came. */
type Inventory = Map<string, { readonly id: number; readonly hash: string; readonly firstSeen: number | null }>;

async function inventoryOf(trx: Db | Trx, device: string, known: KnownBodies): Promise<Inventory> {
  const { rows } = await sql<{ items: number[]; seen: (number | null)[] }>`
    select to_json(items) as items, to_json(first_seen) as seen from device_inventory where device = ${device}`.execute(trx);
  const { items, seen } = rows[0] ?? { items: [], seen: [] };
  const strange = items.filter((id) => !known.of(id));
  const found = new Map<number, Stored>();
  if (strange.length > 0) {
    const bodies = await sql<Found>`
      select id, hash, key, body is not null as whole, unused_since is null as used from item_body where id = any(${strange}::bigint[])`.execute(
      trx,
    );
    for (const { used, whole, ...body } of bodies.rows) {
      found.set(body.id, body);
      if (used && whole) known.add(body);
    }
  }
  return new Map(
    items.flatMap((id, at) => {
      const body = found.get(id) ?? known.of(id);
      return body ? [[body.key, { id, hash: body.hash, firstSeen: seen[at] ?? null }]] : [];
    }),
  );
}

/** The ids of bodies that `storeBodies` has stored a moment ago. */
async function idsOf(trx: Db | Trx, items: readonly Held[], known: KnownBodies): Promise<Map<string, number>> {
  const forgotten = items.filter(({ hash }) => !known.named(hash));
  const found = forgotten.length > 0 ? await storedAs(trx, forgotten) : new Map<string, Stored>();
  return new Map(
    items.map(({ hash }) => {
      const body = known.named(hash) ?? found.get(hash);
      // Nothing is kept then, or the head would be one that no rows add up to.
      if (!body) throw new Error('The body of an item is not stored.');
      return [hash, body.id];
    }),
  );
}

function rowOf(inventory: Inventory): Row {
  const held = [...inventory.values()];
  return { items: held.map(({ id }) => id), firstSeen: held.map(({ firstSeen }) => firstSeen) };
}

async function write(trx: Trx, device: string, inventory: Inventory): Promise<void> {
  const { items, firstSeen } = rowOf(inventory);
  await sql`
    insert into device_inventory (device, items, first_seen)
    values (${device}, ${items}::bigint[], ${firstSeen}::bigint[])
    on conflict (device) do update set items = excluded.items, first_seen = excluded.first_seen`.execute(trx);
}

async function add(trx: Db | Trx, inventory: Inventory, items: readonly Held[], known: KnownBodies): Promise<void> {
  const ids = await idsOf(trx, items, known);
  for (const { key, hash, firstSeen } of items)
    inventory.set(key, { id: ids.get(hash) ?? 0, hash, firstSeen: firstSeen === null ? null : Date.parse(firstSeen) });
}

const headOfAll = (inventory: Inventory) => headOf([...inventory.values()].map(({ hash }) => hash));

type Changes = { readonly remove: readonly string[]; readonly upsert: readonly Held[] };

/**
 * What the device holds after the changes, as it would be written, and nothing is written: without a lock, so it counts only while the device's head is
 * still `base`. Null where what is held is not `base`, or the changes don't add up to `head`.
 */
export async function inventoryAfter(
  db: Db,
  device: string,
  { remove, upsert }: Changes,
  { base, head }: { readonly base: string; readonly head: string },
  known: KnownBodies,
): Promise<Row | null> {
  const inventory = await inventoryOf(db, device, known);
  if (headOfAll(inventory) !== base) return null;
  for (const key of remove) inventory.delete(key);
  await add(db, inventory, upsert, known);
  return headOfAll(inventory) === head ? rowOf(inventory) : null;
}

/** Applies the changes; resolves with how many items the device holds then, or with null, and nothing was done, where they don't add up to `head`. */
export async function changeItems(
  trx: Trx,
  device: string,
  { remove, upsert }: Changes,
  head: string,
  known: KnownBodies,
): Promise<number | null> {
  const inventory = await inventoryOf(trx, device, known);
  for (const key of remove) inventory.delete(key);
  await add(trx, inventory, upsert, known);
  if (headOfAll(inventory) !== head) return null;
  await write(trx, device, inventory);
  return inventory.size;
}

/** Replaces everything by `items`, one of each key; what stays keeps its first sight. Writes nothing where nothing differs. */
export async function replaceItems(trx: Trx, device: string, items: readonly Held[], known: KnownBodies): Promise<void> {
  const inventory = await inventoryOf(trx, device, known);
  const come = items.filter(({ key, hash }) => inventory.get(key)?.hash !== hash);
  const stays = new Set(items.map(({ key }) => key));
  const gone = [...inventory.keys()].filter((key) => !stays.has(key));
  if (gone.length + come.length === 0) return;
  for (const key of gone) inventory.delete(key);
  await add(trx, inventory, come, known);
  await write(trx, device, inventory);
}

/** Keeps one part; parts of another full inventory of the device go. */
export async function stagePart(
  trx: Trx,
  device: string,
  { id, part, items }: { id: string; part: number; items: readonly Held[] },
  at: Date,
): Promise<void> {
  for (const table of ['staged_item', 'staged_part'] as const) {
    await trx.deleteFrom(table).where('device', '=', device).where('snapshot', '<>', id).execute();
  }
  await trx
    .insertInto('staged_part')
    .values({ device, snapshot: id, part, staged_at: at })
    .onConflict((on) => on.columns(['device', 'snapshot', 'part']).doNothing())
    .execute();
  if (items.length === 0) return;
  const last = [...new Map(items.map((item) => [item.key, item])).values()];
  await sql`
    insert into staged_item (device, snapshot, part, first_seen, key, hash)
    select ${device}::uuid, ${id}::uuid, ${part}::integer, first_seen, key, hash
    from unnest(${last.map(({ firstSeen }) => firstSeen)}::timestamptz[], ${last.map(({ key }) => key)}::text[], ${last.map(({ hash }) => hash)}::text[])
      as sent (first_seen, key, hash)
    on conflict (device, key) do update set snapshot = excluded.snapshot, part = excluded.part, hash = excluded.hash, first_seen = excluded.first_seen`.execute(
    trx,
  );
}

/** All parts before the last, as items without bodies (those are stored); null where one is missing. */
export async function stagedParts(trx: Trx, device: string, snapshot: string, before: number): Promise<Held[] | null> {
  const { parts } = await trx
    .selectFrom('staged_part')
    .select((on) => on.fn.countAll<number>().as('parts'))
    .where('device', '=', device)
    .where('snapshot', '=', snapshot)
    .where('part', '<', before)
    .executeTakeFirstOrThrow();
  if (Number(parts) !== before - 1) return null;
  const rows = await trx.selectFrom('staged_item').select(['key', 'hash', 'first_seen']).where('device', '=', device).execute();
  return rows.map(({ key, hash, first_seen }) => ({ key, hash, firstSeen: first_seen?.toISOString() ?? null, body: null }));
}

export async function clearStage(trx: Trx, device: string): Promise<void> {
  await trx.deleteFrom('staged_item').where('device', '=', device).execute();
  await trx.deleteFrom('staged_part').where('device', '=', device).execute();
}
