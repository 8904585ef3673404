/** What administrators need beside the first schema: which devices wait for a newly signed list of grants, and what took an approval back. */
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  // In the same transaction as the change of a grant, so that no crash forgets to sign it; `mark` changes with every change.
  `create table grants_due (device uuid primary key, mark uuid not null, since timestamptz not null)`,
  // The whole decision, with every grant that came of it.
  `alter table decision add column revoked_at timestamptz`,
  `create index decision_standing on decision (until) where state = 'approved' and revoked_at is null`,
  // 'scope': the device left the group or its person; 'admin': somebody took it back, and it stays so.
  `alter table grant_row add column revoked_by text check (revoked_by in ('scope', 'admin'))`,
  `create index grant_row_decision on grant_row (decision) where decision is not null`,
  // A proposal for everyone is decided when the draft is published.
  `alter table policy_draft add column decides jsonb`,
  // Against which published policy the draft was simulated.
  `alter table policy_draft add column simulated_rev bigint`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
