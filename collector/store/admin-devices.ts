/** SQL about devices as administrators see them. */
import { type SqlBool, sql } from 'kysely';
import type { Body } from '../verdicts.ts';
import type { Db, Trx } from './devices.ts';
import type { DeviceState } from './schema.ts';

export type DeviceFilter = {
  readonly state?: DeviceState | undefined;
  readonly person?: string | undefined;
  /** Not heard of since. */
  readonly silentSince?: Date | undefined;
  /** Part of a name, a serial number or a person. */
  readonly text?: string | undefined;
};

const COLUMNS = [
  ...(['id', 'state', 'person', 'serial', 'hostname', 'os_user', 'platform', 'agent_version', 'enrolled_at', 'last_seen'] as const),
  ...([
    'replaced_by',
    'item_count',
    'applied_rev',
    'applied_status',
    'applied_error',
    'grants_rev',
    'have_grants_rev',
    'evidence_count',
  ] as const),
] as const;

export async function listDevices(db: Db, filter: DeviceFilter, after: readonly string[] | null, limit: number) {
  const { state, person, silentSince, text } = filter;
  const like = `%${(text ?? '').toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
  return db
    .selectFrom('device')
    .select(COLUMNS)
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'active'))
    .$if(person !== undefined, (query) => query.where(sql<SqlBool>`lower(person) = ${person?.trim().toLowerCase()}`))
    .$if(silentSince !== undefined, (query) =>
      query
        .where('state', 'in', ['active', 'clone'])
        .where('replaced_by', 'is', null)
        .where(sql<SqlBool>`coalesce(last_seen, enrolled_at) < ${silentSince}`),
    )
    .$if(text !== undefined, (query) =>
      query.where(
        sql<SqlBool>`lower(hostname) like ${like} or lower(coalesce(person, '')) like ${like} or lower(coalesce(serial, '')) like ${like}`,
      ),
    )
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}
export type DeviceSeen = Awaited<ReturnType<typeof listDevices>>[number];

export async function findDevice(db: Db | Trx, id: string): Promise<DeviceSeen | null> {
  return (await db.selectFrom('device').select(COLUMNS).where('id', '=', id).executeTakeFirst()) ?? null;
}

/** False: the device is in none of the states `from`. */
export async function changeState(trx: Trx, id: string, from: readonly DeviceState[], to: DeviceState): Promise<boolean> {
  const row = await trx
    .updateTable('device')
    .set({ state: to })
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function tieToPerson(trx: Trx, id: string, person: string | null): Promise<boolean> {
  const row = await trx.updateTable('device').set({ person }).where('id', '=', id).returning('id').executeTakeFirst();
  return row !== undefined;
}

export type HeldItem = { readonly key: string; readonly firstSeen: Date | null; readonly body: Body };

/** What one device holds, by key. A row that was parked has no body and is left out. */
export async function itemsOfDevice(db: Db, device: string, after: readonly string[] | null, limit: number): Promise<HeldItem[]> {
  const { rows } = await sql<HeldItem>`
    select b.key, i.first_seen as "firstSeen", b.body from device_item i join item_body b on b.id = i.item
    where i.device = ${device} and b.body is not null and (${after?.[0] ?? null}::text is null or b.key > ${after?.[0] ?? null})
    order by b.key limit ${limit}`.execute(db);
  return rows;
}

/** What is asked for on the device: `item` of each open request. */
export async function openItems(db: Db, device: string): Promise<Set<string>> {
  const rows = await db
    .selectFrom('request')
    .select('item')
    .where('device', '=', device)
    .where('state', 'in', ['open', 'needs-info'])
    .execute();
  return new Set(rows.map(({ item }) => item));
}
