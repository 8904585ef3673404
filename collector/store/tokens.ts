/** SQL about administrators' tokens and enrolment secrets as they are looked up, listed and taken back. */
import { hashSecret } from '../tokens.ts';
import type { Db, Trx } from './devices.ts';
import type { Role } from './schema.ts';

export type Found = { readonly id: string; readonly role: Role; readonly scopes: readonly string[] | null; readonly person: string | null };

/** Null: not one of ours, over, or taken back. Its last use is kept by the day. */
export async function findToken(db: Db, token: string, now: Date): Promise<Found | null> {
  const row = await db
    .selectFrom('token')
    .select(['id', 'role', 'scopes', 'person', 'last_used'])
    .where('hash', '=', hashSecret(token))
    .where('revoked_at', 'is', null)
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirst();
  if (!row) return null;
  const today = now.toISOString().slice(0, 10);
  if (row.last_used !== today) await db.updateTable('token').set({ last_used: today }).where('id', '=', row.id).execute();
  return row;
}

export async function listTokens(db: Db, after: readonly string[] | null, limit: number) {
  return db
    .selectFrom('token')
    .select(['id', 'label', 'role', 'scopes', 'person', 'created_at', 'expires_at', 'revoked_at', 'last_used'])
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** False: there is none. Throws nothing for one that was taken back before. */
export async function revokeToken(trx: Trx, id: string, now: Date): Promise<boolean> {
  const row = await trx.updateTable('token').set({ revoked_at: now }).where('id', '=', id).returning('id').executeTakeFirst();
  return row !== undefined;
}

/** Tokens of owners that are good for ever or for now, without `id`; held, so that two owners can't take back each other's at once. */
export async function otherOwners(trx: Trx, id: string, now: Date): Promise<number> {
  const rows = await trx
    .selectFrom('token')
    .select(['id'])
    .where('role', '=', 'owner')
    .where('scopes', 'is', null)
    .where('revoked_at', 'is', null)
    .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .orderBy('id')
    .forUpdate()
    .execute();
  return rows.filter((row) => row.id !== id).length;
}

export async function listSecrets(db: Db, after: readonly string[] | null, limit: number) {
  return db
    .selectFrom('enrol_secret')
    .select(['id', 'label', 'quota', 'used', 'approval', 'created_at', 'expires_at', 'revoked_at'])
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}

export async function revokeSecret(trx: Trx, id: string, now: Date): Promise<boolean> {
  const row = await trx.updateTable('enrol_secret').set({ revoked_at: now }).where('id', '=', id).returning('id').executeTakeFirst();
  return row !== undefined;
}
