/** SQL about what employees ask for and what was decided. */
import { sql } from 'kysely';
import type { Decision } from '../../agent/wire.ts';
import type { Parked, RequestRow } from '../read-check-in.ts';
import { lockDevice, type Trx } from './devices.ts';
import type { RequestState } from './schema.ts';
import { readSettings } from './settings.ts';

/**
 * Takes over what a device says of its own requests; safe to repeat. What was approved or denied stays so, whatever a device says later. An id that
 * another device has is parked.
 */
export async function putRequests(trx: Trx, device: string, rows: readonly RequestRow[], now: Date): Promise<Parked[]> {
  if (rows.length === 0) return [];
  const found = await trx
    .selectFrom('request')
    .select(['id', 'device', 'state', 'updated_at'])
    .where(
      'id',
      'in',
      rows.map(({ id }) => id),
    )
    .execute();
  const known = new Map(found.map((row) => [row.id, row]));
  const parked: Parked[] = [];
  for (const row of rows) {
    const before = known.get(row.id);
    if (before && before.device !== device) {
      parked.push({ what: `request:${row.id}`, why: 'this id belongs to another device' });
      continue;
    }
    const values = {
      item: row.item,
      item_name: row.itemName,
      identity: row.identity,
      tier: row.tier,
      data_class: row.dataClass,
      until: row.until === null ? null : new Date(row.until),
      reason: row.reason,
      added: row.added,
      updated_at: new Date(row.updatedAt),
    };
    if (!before) {
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('request')
        .values({
          ...values,
          device,
          id: row.id,
          state: row.state,
          created_at: new Date(row.createdAt),
          received_at: now,
          due_at: new Date(now.getTime() + (await readSettings(trx)).dueDays * 86_400_000),
        })
        // Another device took the id between the question and here.
        .onConflict((on) => on.doNothing())
        .executeTakeFirstOrThrow();
      if (Number(numInsertedOrUpdatedRows) === 0) parked.push({ what: `request:${row.id}`, why: 'this id belongs to another device' });
      continue;
    }
    const state = nextState(before.state, row.state, values.updated_at.getTime() > before.updated_at.getTime());
    if (state === null) continue;
    await trx
      .updateTable('request')
      .set({ ...values, state, version: sql`version + 1` })
      .where('device', '=', device)
      .where('id', '=', row.id)
      .execute();
  }
  return parked;
}

/** What a device's word makes of a request; null: nothing. */
function nextState(stored: RequestState, sent: RequestRow['state'], newer: boolean): RequestState | null {
  if (stored !== 'open' && stored !== 'needs-info') return null;
  if (sent === 'withdrawn' || sent === 'expired') return sent;
  // An answer to what was asked back opens it again.
  return newer ? 'open' : null;
}

export type NewDecision = {
  readonly id: string;
  readonly device: string;
  readonly request: string;
  readonly state: Decision['state'];
  readonly scope: string;
  readonly reason: string | null;
  readonly tiers?: readonly string[] | undefined;
  readonly dataClasses?: readonly string[] | undefined;
  readonly until: Date | null;
  readonly at: Date;
  readonly dueAt?: Date | null | undefined;
  /** `owner:<token id>`. */
  readonly decidedBy: string;
};

/**
 * Records a decision and brings the request to its state, so that the device hears of it at its next check-in. Takes the lock on the device first: a
 * check-in under way would otherwise pass over the decision's number. False: the request was not at `version`, and nothing was done.
 */
export async function recordDecision(trx: Trx, decision: NewDecision, version: number): Promise<boolean> {
  await lockDevice(trx, decision.device);
  const { numUpdatedRows } = await trx
    .updateTable('request')
    .set({ state: decision.state, version: sql`version + 1`, ...(decision.dueAt === undefined ? {} : { due_at: decision.dueAt }) })
    .where('device', '=', decision.device)
    .where('id', '=', decision.request)
    .where('version', '=', version)
    .executeTakeFirstOrThrow();
  if (Number(numUpdatedRows) === 0) return false;
  const { no } = await trx
    .insertInto('decision')
    .values({
      device: decision.device,
      id: decision.id,
      request: decision.request,
      state: decision.state,
      scope: decision.scope,
      reason: decision.reason,
      tiers: decision.tiers ? JSON.stringify(decision.tiers) : null,
      data_classes: decision.dataClasses ? JSON.stringify(decision.dataClasses) : null,
      until: decision.until,
      at: decision.at,
      due_at: decision.dueAt ?? null,
      decided_by: decision.decidedBy,
    })
    .returning('no')
    .executeTakeFirstOrThrow();
  await trx.updateTable('device').set({ decision_no: no }).where('id', '=', decision.device).execute();
  return true;
}

/** The newest decisions after `no`, at most 200, and the number up to which they go. */
export async function decisionsAfter(trx: Trx, device: string, no: number): Promise<Decision[]> {
  const rows = await trx
    .selectFrom('decision')
    .selectAll()
    .where('device', '=', device)
    .where('no', '>', no)
    .orderBy('no', 'desc')
    .limit(200)
    .execute();
  return rows.reverse().map((row) => ({
    id: row.id,
    request: row.request,
    state: row.state,
    reason: row.reason,
    ...(row.tiers ? { tiers: row.tiers } : {}),
    ...(row.data_classes ? { dataClasses: row.data_classes } : {}),
    until: row.until?.toISOString() ?? null,
    at: row.at.toISOString(),
    ...(row.due_at ? { dueAt: row.due_at.toISOString() } : {}),
  }));
}
