/** SQL about one device: its key, its row under lock, and the one statement of a check-in in which nothing changed. */
import { type Insertable, type Kysely, sql, type Transaction, type Updateable } from 'kysely';
import type { DeviceRow, DeviceState, DeviceTable, Schema } from './schema.ts';

export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

export async function findKey(db: Db, device: string): Promise<{ x: string; state: DeviceState } | null> {
  const row = await db.selectFrom('device').select(['key_x as x', 'state']).where('id', '=', device).executeTakeFirst();
  return row ?? null;
}

/** The device's row, held until the transaction ends: check-ins, decisions and grants of one device go one after another. */
export async function lockDevice(trx: Trx, device: string): Promise<DeviceRow | null> {
  return (await trx.selectFrom('device').selectAll().where('id', '=', device).forUpdate().executeTakeFirst()) ?? null;
}

export type DeviceChanges = Updateable<DeviceTable>;

export type Unchanged = {
  readonly device: string;
  readonly epoch: string;
  readonly seq: number;
  readonly head: string;
  readonly evidence: { readonly count: number; readonly head: string } | null;
};

/**
 * A check-in that brings nothing, in one statement that no index hears of: null where anything but `changes` would have to change, and nothing was
 * done. A new number says that the answer before has arrived.
 */
export async function touch(db: Db, { device, epoch, seq, head, evidence }: Unchanged, changes: DeviceChanges): Promise<DeviceRow | null> {
  const row = await db
    .updateTable('device')
    .set({ ...changes, ack_seq: seq, last_want: null, last_parked: null, decisions_acked: sql`decisions_sent` })
    .where('id', '=', device)
    .where('epoch', '=', epoch)
    .where('ack_seq', '<', seq)
    .where('head', '=', head)
    .where('state', '=', 'active')
    .whereRef('decision_no', '=', 'decisions_sent')
    .$if(evidence !== null, (query) =>
      query.where(({ eb, or, and }) =>
        or([
          eb('evidence_count', '<', evidence?.count ?? 0),
          and([
            eb('evidence_count', '=', evidence?.count ?? 0),
            or([eb('evidence_count', '=', 0), eb('evidence_head', '=', evidence?.head ?? '')]),
          ]),
        ]),
      ),
    )
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
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
