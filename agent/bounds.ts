/** How much this agent keeps: rows of the record by their age and number, and the whole database below a size, whatever becomes of the collector. */
import type { EvidenceLog } from './evidence.ts';
import { DatabaseError } from './sqlite.ts';
import type { Store } from './store/store.ts';

/** When it is over, it is brought down to nine tenths, so that not every look drops something. */
const MOST = 64 * 1024 * 1024;

/**
 * Called after a look. First goes what is too old, then what is only history, then rows of the record that the collector has; requests never, and rows that nobody
 * has only by the record's own bounds. `days`: how long rows of the record are kept. Throws a `DatabaseError`.
 */
export function keepWithin(
  {
    store,
    evidence,
  }: { readonly store: Pick<Store, 'usedBytes' | 'trimHistory' | 'shrink' | 'sync'>; readonly evidence: Pick<EvidenceLog, 'retain'> },
  days: number,
  most = MOST,
): void {
  evidence.retain(days);
  const before = store.usedBytes();
  if (before <= most) return;
  const wanted = most * 0.9;
  store.trimHistory(wanted);
  if (store.usedBytes() > wanted) evidence.retain(days, store.sync.state()?.evidence ?? 0);
  // The file itself is only made smaller where that is worth to write all of it again.
  if (before - store.usedBytes() < most / 20) return;
  try {
    store.shrink();
  } catch (error) {
    // There may be no room for a second copy; what is free in the file is used again.
    if (!(error instanceof DatabaseError)) throw error;
  }
}
