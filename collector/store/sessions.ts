/** SQL about sessions of administrators who signed in; of the secret in their cookie only the hash is here. */
import { randomUUID } from 'node:crypto';
import { hashSecret, newSecret } from '../tokens.ts';
import type { Db, Trx } from './devices.ts';
import type { Role, SessionEnd } from './schema.ts';

export type NewSession = {
  /** Of the sign-in that it comes of. */
  readonly attempt: string;
  readonly issuer: string;
  readonly subject: string;
  readonly person: string;
  readonly role: Role;
  readonly expiresAt: Date;
};

/** The secret is in the answer and nowhere else. Null: the attempt has made a session before. */
export async function makeSession(trx: Trx, session: NewSession, now: Date): Promise<{ id: string; secret: string } | null> {
  const secret = newSecret('mss');
  const { expiresAt, attempt, ...rest } = session;
  const row = await trx
    .insertInto('session')
    .values({
      ...{ ...rest, id: randomUUID(), hash: hashSecret(secret), attempt: hashSecret(attempt) },
      ...{ created_at: now, seen_at: now, expires_at: expiresAt },
    })
    .onConflict((on) => on.column('attempt').doNothing())
    .returning('id')
    .executeTakeFirst();
  return row ? { id: row.id, secret } : null;
}

export type FoundSession = { readonly id: string; readonly role: Role; readonly person: string; readonly expiresAt: Date };

/** Its last use is kept by the minute, so that most requests write nothing. */
const SEEN_MS = 60_000;

/** Null: not one of ours, over, idle for too long, or of another issuer than the one that counts now. */
export async function findSession(
  db: Db,
  secret: string,
  { issuer, idleMs }: { readonly issuer: string; readonly idleMs: number },
  now: Date,
): Promise<FoundSession | null> {
  const row = await db
    .selectFrom('session')
    .select(['id', 'role', 'person', 'seen_at', 'expires_at'])
    .where('hash', '=', hashSecret(secret))
    .where('issuer', '=', issuer)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .where('seen_at', '>', new Date(now.getTime() - idleMs))
    .executeTakeFirst();
  if (!row) return null;
  if (now.getTime() - row.seen_at.getTime() > SEEN_MS)
    await db.updateTable('session').set({ seen_at: now }).where('id', '=', row.id).execute();
  return { id: row.id, role: row.role, person: row.person, expiresAt: row.expires_at };
}

/** False: there is none that still counts. */
export async function endSession(trx: Trx, by: { id: string } | { secret: string }, why: SessionEnd, now: Date): Promise<boolean> {
  const row = await trx
    .updateTable('session')
    .set({ ended_at: now, ended_why: why })
    .$if('id' in by, (query) => query.where('id', '=', 'id' in by ? by.id : ''))
    .$if('secret' in by, (query) => query.where('hash', '=', 'secret' in by ? hashSecret(by.secret) : ''))
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Those of a person whose role is another now, or none (null). Resolves with how many. */
export async function endOtherRoles(trx: Trx, issuer: string, subject: string, role: Role | null, now: Date): Promise<number> {
  const rows = await trx
    .updateTable('session')
    .set({ ended_at: now, ended_why: 'role-changed' })
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .$if(role !== null, (query) => query.where('role', '!=', role ?? 'viewer'))
    .returning('id')
    .execute();
  return rows.length;
}

export async function listSessions(db: Db, after: readonly string[] | null, limit: number) {
  return db
    .selectFrom('session')
    .select(['id', 'person', 'role', 'created_at', 'seen_at', 'expires_at', 'ended_at', 'ended_why'])
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** What was long over; the audit keeps who was here. */
export async function removeSessions(trx: Trx, before: Date): Promise<void> {
  await trx.deleteFrom('session').where('expires_at', '<', before).execute();
}
