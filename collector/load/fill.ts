/**
 * Puts simulated devices into an empty database as their first check-ins would have left them: the same rows in the same tables, written in batches
 * instead of one device at a time. What a device then sends continues from there.
 */
import { sql } from 'kysely';
import { headOf } from '../../agent/wire.ts';
import type { Database } from '../database.ts';
import { epochOf, firstTools, idOf, keyOf } from './device.ts';

const BATCH = 250;

/** Throws where the database has devices already: it may be somebody's own. */
export async function fill(db: Database, seed: number, devices: number, now: Date, say: (line: string) => void): Promise<void> {
  const there = await db.selectFrom('device').select('id').limit(1).executeTakeFirst();
  if (there) throw new Error('The database has devices already; name an empty one in DATABASE_URL.');
  const bodies = new Set<string>();
  for (let from = 0; from < devices; from += BATCH) {
    const indexes = Array.from({ length: Math.min(BATCH, devices - from) }, (_, at) => from + at);
    const all = indexes.map((index) => ({ index, id: idOf(seed, index), tools: firstTools(seed, index) }));
    const rows = all.flatMap(({ id, tools }) => tools.map((tool) => ({ id, tool })));
    const fresh = rows.filter(({ tool: { hash } }) => !bodies.has(hash) && bodies.add(hash));
    const shared = fresh.map(({ tool: { item } }) => {
      const { firstSeen: _, ...body } = item;
      return JSON.stringify(body);
    });
    await db.transaction().execute(async (trx) => {
      await sql`insert into device (id, key_x, state, hostname, os_user, platform, enrolled_at, agent_version, last_seen, epoch, ack_seq, head, item_count)
        select id, key_x, 'active', 'sim', 'user', 'linux', ${now}, '0.1.0', ${now}, epoch, 1, head, ${all[0]?.tools.length ?? 0}
        from unnest(${all.map(({ id }) => id)}::uuid[], ${indexes.map((index) => keyOf(seed, index).publicJwk.x)}::text[],
          ${indexes.map((index) => epochOf(seed, index))}::uuid[], ${all.map(({ tools }) => headOf(tools.map(({ hash }) => hash)))}::text[])
          as made (id, key_x, epoch, head)`.execute(trx);
      await sql`insert into item_body (hash, kind, key, body)
        select hash, 'tool', key, body::jsonb
        from unnest(${fresh.map(({ tool }) => tool.hash)}::text[], ${fresh.map(({ tool }) => tool.key)}::text[], ${shared}::text[]) as made (hash, key, body)`.execute(
        trx,
      );
      await sql`insert into device_inventory (device, items, first_seen)
        select made.device, array_agg(b.id), array_agg((extract(epoch from made.first_seen) * 1000)::bigint)
        from unnest(${rows.map(({ id }) => id)}::uuid[], ${rows.map(({ tool }) => tool.item.firstSeen)}::timestamptz[],
          ${rows.map(({ tool }) => tool.hash)}::text[]) as made (device, first_seen, hash)
        join item_body b on b.hash = made.hash group by made.device`.execute(trx);
    });
    if ((from / BATCH) % 40 === 39) say(`${from + indexes.length} devices are in the database`);
  }
}
