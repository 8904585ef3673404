/** Whether rows of a device's record continue what the collector holds of it: what is appended, and what an administrator must hear of. Pure. */
import { hashOf, NO_HASH } from '../agent/evidence/chain.ts';
import type { Evidence } from './read-check-in.ts';

/** `chain` counts how often the record began anew or was told otherwise: each telling is kept beside the others. */
export type Tip = { readonly chain: number; readonly count: number; readonly head: string | null };

export type Alarm = {
  readonly code: 'gap' | 'other-hash' | 'rewritten' | 'changed' | 'cut';
  /** The row that it is about; `through` where it is several. */
  readonly seq: number;
  readonly through?: number;
};

export type Judged = {
  readonly append: readonly { readonly chain: number; readonly row: Evidence }[];
  readonly tip: Tip;
  readonly alarms: readonly Alarm[];
};

/** `held` knows the hash of a row of the present chain, or undefined; it is asked about rows that are no news. */
export function judge(before: Tip, rows: readonly Evidence[], held: ReadonlyMap<number, string>): Judged {
  let tip = before;
  const append: { chain: number; row: Evidence }[] = [];
  const alarms: Alarm[] = [];
  // Within one telling only; a chain that begins anew here knows nothing of the one before.
  let known = held;
  for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
    if (!isHashed(row)) alarms.push({ code: 'changed', seq: row.seq });
    if (row.seq <= tip.count) {
      const hash = known.get(row.seq);
      if (hash === row.hash) continue;
      if (hash === undefined && tip.chain === before.chain) {
        // It fills a gap, or retention has taken the row that stood here.
        append.push({ chain: tip.chain, row });
        continue;
      }
      alarms.push({ code: 'rewritten', seq: row.seq });
      tip = { chain: tip.chain + 1, count: row.seq, head: row.hash };
      known = new Map([[row.seq, row.hash]]);
    } else {
      if (tip.head === null) {
        if (row.seq === 1 && row.previous !== NO_HASH) alarms.push({ code: 'other-hash', seq: row.seq });
        // A device that joins later has dropped its oldest rows, as its own checkpoint says.
      } else if (row.seq > tip.count + 1) alarms.push({ code: 'gap', seq: tip.count + 1, through: row.seq - 1 });
      else if (row.previous !== tip.head) {
        alarms.push({ code: 'other-hash', seq: row.seq });
        tip = { ...tip, chain: tip.chain + 1 };
        known = new Map();
      }
      tip = { chain: tip.chain, count: row.seq, head: row.hash };
    }
    append.push({ chain: tip.chain, row });
  }
  return { append, tip, alarms };
}

/** What a device says of its record as a whole, without rows: fewer than are held here, or another last one. Null: nothing wrong. */
export function contradiction(tip: Tip, said: { readonly count: number; readonly head: string }): Alarm | null {
  if (tip.head === null) return null;
  if (said.count < tip.count) return { code: 'cut', seq: said.count + 1, through: tip.count };
  return said.count === tip.count && said.head !== tip.head ? { code: 'rewritten', seq: tip.count } : null;
}

function isHashed(row: Evidence): boolean {
  try {
    return hashOf(row as unknown as Parameters<typeof hashOf>[0]) === row.hash;
  } catch {
    return false;
  }
}
