/** Every SQL statement about the append-only record: its rows, how things last stood in it, and what the employee acknowledged. */
import type { EvidenceRow } from '../evidence/chain.ts';

/** The part of a prepared statement that is used. */
type Statement = {
  run(...values: readonly unknown[]): unknown;
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): unknown[];
  iterate(...values: readonly unknown[]): IterableIterator<unknown>;
  pluck(): Statement;
};

/** Every method throws a `DatabaseError` where the file can't be used. */
export type EvidenceRows = {
  /** The last row; null where there is none. */
  last(): { readonly seq: number; readonly hash: string } | null;
  hashOf(seq: number): string | null;
  /** Adds one row; nothing ever changes it. */
  add(row: EvidenceRow): void;
  /** In order, read as they are asked for: nothing else may be written meanwhile. */
  all(options?: { readonly since?: string; readonly after?: number }): IterableIterator<EvidenceRow>;
  /** The `detail` of the last checkpoint. */
  lastCheckpoint(): string | null;
  /** How many there are, their size in bytes, about, and how many are missing between the first and the last. */
  extent(): { readonly rows: number; readonly bytes: number; readonly missing: number };
  /** Drops the rows up to this one; only retention does, in the transaction that writes the checkpoint for them. */
  dropThrough(seq: number): void;
  /** How things stood when they were last written into the record. */
  lastKnown(): Map<string, string>;
  /** Null forgets. */
  know(changes: ReadonlyMap<string, string | null>): void;
  acknowledge(version: string, at: Date): void;
  /** When each version of the policy was acknowledged. */
  acknowledged(): ReadonlyMap<string, string>;
};

const COLUMNS = 'seq, time, device, user, kind, item, was, decision, rule, policy_rev AS policyRev, detail, previous, hash';

/** `sql` prepares a statement once; `write` runs in a transaction; `guarded` turns what SQLite says into a `DatabaseError`. */
export function evidenceRows(
  sql: (text: string) => Statement,
  write: <T>(work: () => T) => T,
  guarded: <T>(work: () => T) => T,
): EvidenceRows {
  return {
    last: () =>
      guarded(() => (sql('SELECT seq, hash FROM evidence_log ORDER BY seq DESC LIMIT 1').get() as { seq: number; hash: string }) ?? null),
    hashOf: (seq) => guarded(() => (sql('SELECT hash FROM evidence_log WHERE seq = ?').pluck().get(seq) as string | undefined) ?? null),
    add: (row) =>
      write(() => {
        sql(`INSERT INTO evidence_log (seq, time, device, user, kind, item, was, decision, rule, policy_rev, detail, previous, hash)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`).run(
          ...[row.seq, row.time, row.device, row.user, row.kind, row.item, row.was, row.decision, row.rule, row.policyRev],
          ...[row.detail, row.previous, row.hash],
        );
      }),
    *all({ since = '', after = -1 } = {}) {
      const found = guarded(() =>
        sql(`SELECT ${COLUMNS} FROM evidence_log WHERE seq > ? AND time >= ? ORDER BY seq`).iterate(after, since),
      );
      try {
        for (;;) {
          // A damaged page shows only when it is read.
          const next = guarded(() => found.next());
          if (next.done) return;
          yield next.value as EvidenceRow;
        }
      } finally {
        found.return?.();
      }
    },
    extent: () =>
      guarded(
        () =>
          // The texts that every row has (time, device, hashes and the like) are about 260 bytes together.
          sql(`SELECT count(*) AS rows, ifnull(sum(260 + length(detail) + length(user) + ifnull(length(item), 0)), 0) AS bytes,
            ifnull(max(seq) - min(seq) + 1 - count(*), 0) AS missing FROM evidence_log`).get() as {
            rows: number;
            bytes: number;
            missing: number;
          },
      ),
    lastCheckpoint: () =>
      guarded(
        () =>
          (sql("SELECT detail FROM evidence_log WHERE kind = 'checkpoint' ORDER BY seq DESC LIMIT 1").pluck().get() as
            | string
            | undefined) ?? null,
      ),
    dropThrough: (seq) => write(() => void sql('DELETE FROM evidence_log WHERE seq <= ?').run(seq)),
    lastKnown: () =>
      guarded(
        () =>
          new Map((sql('SELECT key, value FROM last_known').all() as { key: string; value: string }[]).map((row) => [row.key, row.value])),
      ),
    know: (changes) =>
      write(() => {
        for (const [key, value] of changes) {
          if (value === null) sql('DELETE FROM last_known WHERE key = ?').run(key);
          else sql('INSERT INTO last_known (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(key, value);
        }
      }),
    acknowledge: (version, at) =>
      write(() => {
        sql('INSERT INTO acknowledgement (version, acknowledged_at) VALUES (?, ?) ON CONFLICT DO NOTHING').run(version, at.toISOString());
      }),
    acknowledged: () =>
      guarded(
        () =>
          new Map(
            (
              sql('SELECT version, acknowledged_at AS at FROM acknowledgement ORDER BY acknowledged_at').all() as {
                version: string;
                at: string;
              }[]
            ).map(({ version, at }) => [version, at]),
          ),
      ),
  };
}
