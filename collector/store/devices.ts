/** SQL about one device: its key, its row under lock, and the one statement of a check-in in which nothing changed. */
import { CompiledQuery, type Insertable, type Kysely, sql, type Transaction, type Updateable } from 'kysely';
import type { DeviceRow, DeviceState, DeviceTable, Schema } from './schema.ts';

export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

export async function findKeys(db: Db, devices: readonly string[]): Promise<{ id: string; x: string; state: DeviceState }[]> {
  const { rows } = await sql<{ id: string; x: string; state: DeviceState }>`
    select id, key_x as x, state from device where id = any(${[...devices]}::uuid[])`.execute(db);
  return rows;
}

/** The device's row, held until the transaction ends: check-ins, decisions and grants of one device go one after another. */
export async function lockDevice(trx: Trx, device: string): Promise<DeviceRow | null> {
  return (await trx.selectFrom('device').selectAll().where('id', '=', device).forUpdate().executeTakeFirst()) ?? null;
}

export type DeviceChanges = Updateable<DeviceTable>;

/** What a check-in states about its device, in the columns where it is kept. What it doesn't state stays. */
export type Said = {
  readonly trust: Pick<DeviceRow, (typeof TRUST)[number]> | null;
  readonly about: Partial<Readonly<Record<(typeof ABOUT)[number], string>>>;
};

const TRUST = [
  'have_key_set',
  'have_policy_key_set',
  'have_policy_rev',
  'have_grants_key_set',
  'have_grants_rev',
  'applied_rev',
  'applied_status',
  'applied_error',
] as const;
const ABOUT = ['agent_version', 'platform', 'hostname', 'os_user', 'dropped'] as const;

/** A check-in that leads from one inventory to the next, often to the same, and brings nothing else. */
export type Step = {
  readonly device: string;
  readonly epoch: string;
  readonly seq: number;
  /** The head that the device must have for it. */
  readonly base: string;
  readonly head: string;
  /** What the device holds then; null: what it held. */
  readonly inventory: Stored | null;
  readonly bodyHash: string;
  readonly at: Date;
  readonly evidence: { readonly count: number; readonly head: string } | null;
  readonly said: Said;
};

/** As `device_inventory` has it: ids of bodies, and when the device first saw each, in ms since 1970. */
export type Stored = { readonly items: readonly number[]; readonly firstSeen: readonly (number | null)[] };

const RETURNED = [
  'id',
  'have_key_set',
  'have_policy_key_set',
  'have_policy_rev',
  'have_grants_key_set',
  'have_grants_rev',
  'grants_key_set',
  'grants_rev',
  'evidence_count',
  'evidence_head',
] as const;

/** What the answer to such a check-in needs of the device's row; the rest is known, or it would not have been one. */
export type Stepped = Pick<DeviceRow, (typeof RETURNED)[number]>;

const list = (columns: readonly string[], each: (column: string) => string) => columns.map(each).join(', ');

/**
 * The same text whatever comes, so that it is planned once; no index of `device` hears of it. A row that somebody else has just locked is passed over:
 * nobody waits here, so no two batches wait for each other, and a device that is being granted something holds nobody else up.
 *
 * Whoever writes an inventory holds the lock of the device's row and writes its head with it; so where the head is `base`, the inventory is the one
 * from which the next was made.
 */
const STEP = `
  with sent as materialized (
    select * from json_to_recordset($1::json) as sent (
      id uuid, epoch uuid, seq bigint, base text, head text, items bigint[], first_seen bigint[], body text, seen timestamptz,
      evidence bigint, evidence_head text, trusts boolean,
      ${list(TRUST, (column) => `${column} ${/_(status|error)$/.test(column) ? 'text' : 'bigint'}`)}, ${list(ABOUT, (column) => `${column} text`)})
  ),
  free as materialized (
    select device.id from device join sent on sent.id = device.id
    where device.id = any(array(select id from sent)) and device.epoch = sent.epoch and device.ack_seq < sent.seq and device.head = sent.base
      and device.state = 'active' and device.decision_no = device.decisions_sent
      and (sent.evidence is null or device.evidence_count < sent.evidence
        or device.evidence_count = sent.evidence and (sent.evidence = 0 or device.evidence_head = sent.evidence_head))
    for no key update of device skip locked
  ),
  stepped as (
    update device set ack_seq = sent.seq, last_body = sent.body, last_seen = sent.seen, last_want = null, last_parked = null,
      head = sent.head, item_count = coalesce(cardinality(sent.items), device.item_count), decisions_acked = device.decisions_sent,
      ${list(TRUST, (column) => `${column} = case when sent.trusts then sent.${column} else device.${column} end`)},
      ${list(ABOUT, (column) => `${column} = coalesce(sent.${column}${column === 'dropped' ? '::jsonb' : ''}, device.${column})`)}
    from sent join free on free.id = sent.id
    where device.id = any(array(select id from sent)) and device.id = sent.id
    returning ${list(RETURNED, (column) => `device.${column}`)}
  ),
  written as (
    insert into device_inventory (device, items, first_seen)
    select sent.id, sent.items, sent.first_seen from sent join stepped on stepped.id = sent.id where sent.items is not null
    on conflict (device) do update set items = excluded.items, first_seen = excluded.first_seen
  )
  select * from stepped`;

/**
 * Check-ins of that kind, each of another device, in one statement. Resolves with those for which it was so, and nothing was done for the others:
 * something else would have to change, or the row was locked. A new number says that the answer before has arrived.
 */
export async function step(db: Db, steps: readonly Step[]): Promise<Stepped[]> {
  const rows = steps.map(({ device, epoch, seq, base, head, inventory, bodyHash, at, evidence, said: { trust, about } }) => ({
    ...{ id: device, epoch, seq, base, head, body: bodyHash, seen: at, trusts: trust !== null, ...trust, ...about },
    ...(inventory && { items: inventory.items, first_seen: inventory.firstSeen }),
    ...(evidence && { evidence: evidence.count, evidence_head: evidence.head }),
  }));
  const query = CompiledQuery.raw(STEP, [JSON.stringify(rows)]) as CompiledQuery<Stepped>;
  return (await db.executeQuery(query)).rows;
}

export async function updateDevice(trx: Trx, device: string, changes: DeviceChanges): Promise<DeviceRow> {
  return trx.updateTable('device').set(changes).where('id', '=', device).returningAll().executeTakeFirstOrThrow();
}

/** Who has this id or this key; at an enrolment. */
export async function devicesWith(trx: Trx, id: string, keyX: string): Promise<Pick<DeviceRow, 'id' | 'key_x' | 'state'>[]> {
  return trx
    .selectFrom('device')
    .select(['id', 'key_x', 'state'])
    .where(({ or, eb }) => or([eb('id', '=', id), eb('key_x', '=', keyX)]))
    .execute();
}

/** False: the id or the key was taken a moment ago. */
export async function addDevice(trx: Trx, device: Insertable<DeviceTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('device')
    .values(device)
    .onConflict((on) => on.doNothing())
    .executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows) > 0;
}

export async function markClone(trx: Trx, device: string): Promise<void> {
  await trx.updateTable('device').set({ state: 'clone' }).where('id', '=', device).where('state', '=', 'active').execute();
}

/**
 * The same computer and account with a new key: the old ones are marked, and their ids given. They are not shut out, or whoever has an enrolment secret
 * could shut out anybody whose serial number they know.
 */
export async function replaceOthers(trx: Trx, id: string, serial: string, user: string): Promise<string[]> {
  const rows = await trx
    .updateTable('device')
    .set({ replaced_by: id })
    .where('serial', '=', serial)
    .where('os_user', '=', user)
    .where('id', '<>', id)
    .where('replaced_by', 'is', null)
    .returning('id')
    .execute();
  return rows.map((row) => row.id);
}
