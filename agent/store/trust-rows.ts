/** Every SQL statement about the signed documents that are in force. They are kept as they came: whoever reads them verifies them again. */
import type { DocumentKind } from '../policy/documents.ts';
import type { Mark } from '../policy/floor.ts';

export type TrustedRow = {
  readonly kind: DocumentKind;
  readonly mark: Mark;
  readonly jws: string;
  /** The key set that policy or grants were verified under, as it came: a later one may have dropped the key. Null for a key set itself. */
  readonly keySet: string | null;
  readonly acceptedAt: string;
};

/** Both throw a `DatabaseError` where the file can't be used. */
export type TrustRows = {
  trusted(): TrustedRow[];
  /** All of them or none, and on the disk when this returns. */
  trust(rows: readonly TrustedRow[]): void;
};

type Raw = Omit<TrustedRow, 'mark'> & Mark;
type Statement = { run(values: object): unknown };

/** `durable` runs one transaction that is on the disk when it returns. */
export function trustRows(
  sql: (text: string) => Statement,
  all: <Row>(text: string) => Row[],
  durable: <T>(work: () => T) => T,
): TrustRows {
  return {
    trusted: () =>
      all<Raw>(
        'SELECT kind, rev, key_set_rev AS keySetRev, hash, jws, key_set AS keySet, accepted_at AS acceptedAt FROM trusted ORDER BY kind',
      ).map(({ kind, jws, keySet, acceptedAt, ...mark }) => ({ kind, mark, jws, keySet, acceptedAt })),
    trust: (rows) =>
      durable(() => {
        for (const { mark, ...row } of rows) {
          sql(`INSERT INTO trusted (kind, rev, key_set_rev, hash, jws, key_set, accepted_at)
            VALUES (@kind, @rev, @keySetRev, @hash, @jws, @keySet, @acceptedAt)
            ON CONFLICT (kind) DO UPDATE SET rev = excluded.rev, key_set_rev = excluded.key_set_rev, hash = excluded.hash, jws = excluded.jws,
              key_set = excluded.key_set, accepted_at = excluded.accepted_at`).run({ ...row, ...mark });
        }
      }),
  };
}
