/** SQL about what devices hold: the bodies that they share, their own lists, and the parts of a full inventory that has not all come. */
import { sql } from 'kysely';
import { headOf } from '../../agent/wire.ts';
import type { Held } from '../read-check-in.ts';
import type { Db, Trx } from './devices.ts';

/** Hashes whose body is surely stored, so that most check-ins write none. */
export type KnownBodies = { has(hash: string): boolean; add(hash: string): void };

/** Retention removes a body two hours after its last use at the earliest (store/retention.ts), so what is remembered for one is there. */
const REMEMBER_MS = 3_600_000;

export function createKnownBodies(clock: () => number, most = 200_000): KnownBodies {
  const known = new Map<string, number>();
  return {
    has: (hash) => clock() - (known.get(hash) ?? Number.NEGATIVE_INFINITY) < REMEMBER_MS,
    add(hash) {
      known.delete(hash);
      known.set(hash, clock());
      if (known.size > most) {
        const [oldest] = known.keys();
        if (oldest !== undefined) known.delete(oldest);
      }
    },
  };
}

const BATCH = 200;

/**
 * Stores what bodies are missing, in batches of their own, in the order of their hashes: two devices that bring the same new tools at once wait for
 * each other and never in a circle.
 */
export async function storeBodies(db: Db, items: readonly Held[], known: KnownBodies): Promise<void> {
  const missing = new Map<string, Held>();
  for (const item of items) if (item.body && !known.has(item.hash)) missing.set(item.hash, item);
  const sorted = [...missing.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  for (let at = 0; at < sorted.length; at += BATCH) {
    const batch = sorted.slice(at, at + BATCH);
    await db
      .insertInto('item_body')
      .values(
        batch.flatMap(({ key, hash, body }) => {
          if (!body) return [];
          const { firstSeen: _, ...shared } = body;
          return [{ hash, kind: body.kind, key, body: JSON.stringify(shared) }];
        }),
      )
      // Taken into use again: retention was about to remove it.
      .onConflict((on) => on.column('hash').doUpdateSet({ unused_since: null }).where('item_body.unused_since', 'is not', null))
      .execute();
    for (const { hash } of batch) known.add(hash);
  }
}

/** `key` → hash of everything that the device holds. */
export async function hashesOf(trx: Trx, device: string): Promise<Map<string, string>> {
  const rows = await trx.selectFrom('device_item').select(['key', 'hash']).where('device', '=', device).execute();
  return new Map(rows.map(({ key, hash }) => [key, hash]));
}

export async function putItems(trx: Trx, device: string, items: readonly Held[]): Promise<void> {
  if (items.length === 0) return;
  const last = [...new Map(items.map((item) => [item.key, item])).values()];
  await sql`
    insert into device_item (device, first_seen, key, hash)
    select ${device}::uuid, first_seen, key, hash
    from unnest(${last.map(({ firstSeen }) => firstSeen)}::timestamptz[], ${last.map(({ key }) => key)}::text[], ${last.map(({ hash }) => hash)}::text[])
      as sent (first_seen, key, hash)
    on conflict (device, key) do update set hash = excluded.hash, first_seen = excluded.first_seen`.execute(trx);
}

export async function removeItems(trx: Trx, device: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await sql`delete from device_item where device = ${device} and key = any(${[...keys]}::text[])`.execute(trx);
}

/** Replaces everything by `items`, writing only what differs; resolves with the new head, which the caller compares before it commits. */
export async function replaceItems(trx: Trx, device: string, items: readonly Held[]): Promise<{ head: string; count: number }> {
  const before = await hashesOf(trx, device);
  const after = new Map(items.map((item) => [item.key, item]));
  await removeItems(
    trx,
    device,
    [...before.keys()].filter((key) => !after.has(key)),
  );
  await putItems(
    trx,
    device,
    [...after.values()].filter(({ key, hash }) => before.get(key) !== hash),
  );
  return { head: headOf([...after.values()].map(({ hash }) => hash)), count: after.size };
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
