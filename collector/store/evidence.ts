/** SQL about the records of devices: rows are added and never changed. */
import type { Evidence } from '../read-check-in.ts';
import type { Trx } from './devices.ts';

/** seq → hash of what is held of a chain between two rows. */
export async function hashesBetween(trx: Trx, device: string, chain: number, from: number, to: number): Promise<Map<number, string>> {
  if (to < from) return new Map();
  const rows = await trx
    .selectFrom('evidence_row')
    .select(['seq', 'hash'])
    .where('device', '=', device)
    .where('chain', '=', chain)
    .where('seq', '>=', from)
    .where('seq', '<=', to)
    .execute();
  return new Map(rows.map(({ seq, hash }) => [seq, hash]));
}

export async function appendEvidence(
  trx: Trx,
  device: string,
  rows: readonly { readonly chain: number; readonly row: Evidence }[],
  received: Date,
): Promise<void> {
  if (rows.length === 0) return;
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 400) : null);
  await trx
    .insertInto('evidence_row')
    .values(
      rows.map(({ chain, row }) => ({
        device,
        chain,
        seq: row.seq,
        received: received.toISOString().slice(0, 10),
        time: new Date(row.time),
        kind: text(row['kind']),
        item: text(row['item']),
        decision: text(row['decision']),
        hash: row.hash,
        row: JSON.stringify(row),
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
}
