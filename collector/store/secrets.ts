/** SQL about enrolment secrets and administrators' tokens: only their hashes are here. */
import { randomUUID } from 'node:crypto';
import { type ExpressionBuilder, sql } from 'kysely';
import { hashSecret, newSecret } from '../tokens.ts';
import type { Db, Trx } from './devices.ts';
import type { Role, Schema } from './schema.ts';

export type NewEnrolSecret = {
  readonly label: string;
  /** How many devices; null: any number. */
  readonly quota?: number | null;
  readonly expiresAt?: Date | null;
  /** Whether an administrator approves each device. */
  readonly approval?: boolean;
};

/** The secret is in the answer and nowhere else. */
export async function makeEnrolSecret(
  db: Db | Trx,
  { label, quota, expiresAt, approval }: NewEnrolSecret,
  now: Date,
): Promise<{ id: string; secret: string }> {
  const secret = newSecret('mse');
  const id = randomUUID();
  await db
    .insertInto('enrol_secret')
    .values({
      id,
      hash: hashSecret(secret),
      label,
      quota: quota ?? null,
      approval: approval ?? false,
      created_at: now,
      expires_at: expiresAt ?? null,
    })
    .execute();
  return { id, secret };
}

type SecretsOf = ExpressionBuilder<Schema, 'enrol_secret'>;
const isGood =
  (secret: string, now: Date) =>
  ({ and, or, eb, ref }: SecretsOf) =>
    and([
      eb('hash', '=', hashSecret(secret)),
      eb('revoked_at', 'is', null),
      or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]),
      or([eb('quota', 'is', null), eb('used', '<', ref('quota'))]),
    ]);

/** Whether it has a place left and is still good; takes none. */
export async function isGoodSecret(trx: Trx, secret: string, now: Date): Promise<boolean> {
  return (await trx.selectFrom('enrol_secret').select('id').where(isGood(secret, now)).executeTakeFirst()) !== undefined;
}

/** Takes one place of a secret that is still good; null where it is not. */
export async function takeEnrolSecret(trx: Trx, secret: string, now: Date): Promise<{ id: string; approval: boolean } | null> {
  const row = await trx
    .updateTable('enrol_secret')
    .set({ used: sql`used + 1` })
    .where(isGood(secret, now))
    .returning(['id', 'approval'])
    .executeTakeFirst();
  return row ?? null;
}

export type NewToken = {
  readonly label: string;
  readonly role: Role;
  readonly scopes?: readonly string[] | null;
  readonly person?: string | null;
  readonly expiresAt?: Date | null;
};

/** The token is in the answer and nowhere else. */
export async function makeToken(
  db: Db | Trx,
  { label, role, scopes, person, expiresAt }: NewToken,
  now: Date,
): Promise<{ id: string; token: string }> {
  const token = newSecret('mst');
  const id = randomUUID();
  await db
    .insertInto('token')
    .values({
      id,
      hash: hashSecret(token),
      label,
      role,
      scopes: scopes ? JSON.stringify(scopes) : null,
      person: person ?? null,
      created_at: now,
      expires_at: expiresAt ?? null,
    })
    .execute();
  return { id, token };
}

export async function countTokens(db: Db): Promise<number> {
  const { tokens } = await db
    .selectFrom('token')
    .select((on) => on.fn.countAll<number>().as('tokens'))
    .executeTakeFirstOrThrow();
  return Number(tokens);
}
