/** The newest signed documents, as they leave: the key set and the policy of everybody, kept in memory, and the grants of one device. */
import type { Db, Trx } from './devices.ts';

export type Signed = {
  readonly keySet: { readonly rev: number; readonly jws: string } | null;
  readonly policy: { readonly keySetRev: number; readonly rev: number; readonly jws: string } | null;
};

export type TrustDocuments = {
  /** Read again when older than a few seconds: another replica may have published. */
  current(): Promise<Signed>;
  /** After a publication here. */
  forget(): void;
};

const STALE_MS = 5000;

export function createTrustDocuments(db: Db, clock: () => number): TrustDocuments {
  let held: { at: number; signed: Promise<Signed> } | null = null;
  return {
    current() {
      if (!held || clock() - held.at >= STALE_MS) {
        const entry = { at: clock(), signed: read(db) };
        held = entry;
        entry.signed.catch(() => {
          if (held === entry) held = null;
        });
      }
      return held.signed;
    },
    forget() {
      held = null;
    },
  };
}

async function read(db: Db): Promise<Signed> {
  const keySet = await db.selectFrom('key_set').select(['rev', 'jws']).orderBy('rev', 'desc').limit(1).executeTakeFirst();
  const policy = await db
    .selectFrom('policy_published')
    .select(['key_set_rev as keySetRev', 'rev', 'jws'])
    .orderBy('key_set_rev', 'desc')
    .orderBy('rev', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { keySet: keySet ?? null, policy: policy ?? null };
}

export async function grantsOf(db: Db | Trx, device: string): Promise<string | null> {
  const row = await db.selectFrom('device_grants').select('jws').where('device', '=', device).executeTakeFirst();
  return row?.jws ?? null;
}

/** Keeps a key set; one of the same revision stays as it is. True: it is new here. */
export async function putKeySet(db: Db | Trx, { rev, jws, hash }: { rev: number; jws: string; hash: string }, at: Date): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('key_set')
    .values({ rev, jws, hash, at })
    .onConflict((on) => on.column('rev').doNothing())
    .executeTakeFirstOrThrow();
  return Number(numInsertedOrUpdatedRows) > 0;
}

/** Keeps the signed list of grants of a device; the caller holds the device's lock. */
export async function putGrants(trx: Trx, device: string, keySetRev: number, rev: number, jws: string, at: Date): Promise<void> {
  const values = { key_set_rev: keySetRev, rev, jws, signed_at: at };
  await trx
    .insertInto('device_grants')
    .values({ device, ...values })
    .onConflict((on) => on.column('device').doUpdateSet(values))
    .execute();
  await trx.updateTable('device').set({ grants_key_set: keySetRev, grants_rev: rev }).where('id', '=', device).execute();
}
