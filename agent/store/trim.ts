/** Every SQL statement about how large the database is, and what of it goes first when it is too large: what is over, the oldest of it first. */
import type { Sql } from './surfaces.ts';

/** Every method throws a `DatabaseError` where the file can't be used. */
export type TrimRows = {
  /** Bytes of the file that hold something. */
  usedBytes(): number;
  /**
   * Drops what is only history (traces and servers that are gone, use of long ago) until at most `most` bytes are used, or nothing is left of it. Requests, and
   * what is here now, stay. Returns how many rows went.
   */
  trimHistory(most: number): number;
  /** Gives what is unused back to the file system, where there is room for that. */
  shrink(): void;
};

const STEP = 500;
/** Use of these is still told to the collector, and shown. */
const KEPT_DAYS = 31;

const OLDEST = [
  `DELETE FROM evidence WHERE id IN (SELECT id FROM evidence WHERE present = 0 ORDER BY last_seen LIMIT ${STEP})`,
  `DELETE FROM server WHERE id IN (SELECT id FROM server WHERE present = 0 ORDER BY last_seen LIMIT ${STEP})`,
  `DELETE FROM usage WHERE day IN (SELECT DISTINCT day FROM usage WHERE day NOT IN (SELECT DISTINCT day FROM usage ORDER BY day DESC LIMIT ${KEPT_DAYS})
    ORDER BY day LIMIT 30)`,
] as const;

/** `guarded` turns what SQLite says into a `DatabaseError`. */
export function trimRows({ sql, all, write }: Sql, guarded: <T>(work: () => T) => T): TrimRows {
  const usedBytes = () =>
    all<{ used: number }>(
      `SELECT (page_count - freelist_count) * page_size AS used FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()`,
    )[0]?.used ?? 0;
  return {
    usedBytes,
    trimHistory(most) {
      let dropped = 0;
      for (const statement of OLDEST) {
        while (usedBytes() > most) {
          const { changes } = write(() => sql(statement).run({}));
          if (changes === 0) break;
          dropped += changes;
        }
      }
      return dropped;
    },
    shrink: () => void guarded(() => sql('VACUUM').run({})),
  };
}
