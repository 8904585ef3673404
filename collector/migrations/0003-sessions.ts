/** Administrators who signed in with the organization's own accounts. */
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  `create table session (
    id uuid primary key,
    hash text not null unique,
    -- Of the sign-in that it came of: one makes one, also at two replicas.
    attempt text not null unique,
    issuer text not null,
    subject text not null,
    person text not null,
    role text not null check (role in ('viewer', 'approver', 'policy-admin', 'owner')),
    created_at timestamptz not null,
    seen_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_why text check (ended_why in ('signed-out', 'signed-in-anew', 'role-changed', 'taken-back'))
  )`,
  `create index session_subject on session (issuer, subject)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
