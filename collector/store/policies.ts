/** SQL about policies: what was published, and the drafts. */
import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { Db, Trx } from './devices.ts';
import type { Proposal, Schema } from './schema.ts';

export type Published = {
  readonly keySetRev: number;
  readonly rev: number;
  readonly text: string;
  readonly hash: string;
  readonly publishedBy: string;
  readonly publishedAt: Date;
};
export type Draft = Selectable<Schema['policy_draft']>;

export async function newestPolicy(db: Db | Trx): Promise<Published | null> {
  return (await publishedPolicies(db, null, 1))[0] ?? null;
}

export async function findPublished(db: Db, keySetRev: number, rev: number): Promise<Published | null> {
  const [found] = await publishedPolicies(db, [`${keySetRev}`, `${rev + 1}`], 1);
  return found?.keySetRev === keySetRev && found.rev === rev ? found : null;
}

/** From the newest; `after` is the key set's revision and the policy's. */
export async function publishedPolicies(db: Db | Trx, after: readonly string[] | null, limit: number): Promise<Published[]> {
  const rows = await db
    .selectFrom('policy_published')
    .select(['key_set_rev', 'rev', 'text', 'hash', 'published_by', 'published_at'])
    .$if(after !== null, (query) => query.where(sql<boolean>`(key_set_rev, rev) < (${Number(after?.[0])}, ${Number(after?.[1])})`))
    .orderBy('key_set_rev', 'desc')
    .orderBy('rev', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    keySetRev: row.key_set_rev,
    rev: row.rev,
    text: row.text,
    hash: row.hash,
    publishedBy: row.published_by,
    publishedAt: row.published_at,
  }));
}

export async function putPolicy(trx: Trx, policy: Published & { readonly jws: string }): Promise<void> {
  await trx
    .insertInto('policy_published')
    .values({
      key_set_rev: policy.keySetRev,
      rev: policy.rev,
      jws: policy.jws,
      text: policy.text,
      hash: policy.hash,
      published_by: policy.publishedBy,
      published_at: policy.publishedAt,
    })
    .execute();
}

export type NewDraft = { readonly title: string; readonly text: string; readonly by: string; readonly decides?: Proposal };

export async function makeDraft(db: Db | Trx, { title, text, by, decides }: NewDraft, now: Date): Promise<string> {
  const id = randomUUID();
  const times = { created_at: now, updated_at: now };
  await db
    .insertInto('policy_draft')
    .values({ id, title, text, created_by: by, ...times, decides: decides ? JSON.stringify(decides) : null })
    .execute();
  return id;
}

export async function findDraft(db: Db | Trx, id: string): Promise<Draft | null> {
  return (await db.selectFrom('policy_draft').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
}

/** Held until the transaction ends. */
export async function lockDraft(trx: Trx, id: string): Promise<Draft | null> {
  return (await trx.selectFrom('policy_draft').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()) ?? null;
}

export async function listDrafts(db: Db, after: readonly string[] | null, limit: number) {
  return db
    .selectFrom('policy_draft')
    .select(['id', 'title', 'version', 'created_by', 'created_at', 'updated_at', 'simulated_version', 'simulated_at', 'decides'])
    .$if(after !== null, (query) => query.where('id', '>', after?.[0] ?? ''))
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** False: it is not at `version`. */
export async function changeDraft(
  db: Db,
  id: string,
  version: number,
  change: { title?: string; text?: string },
  now: Date,
): Promise<boolean> {
  const row = await db
    .updateTable('policy_draft')
    .set({ ...change, version: sql`version + 1`, updated_at: now })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Kept only while the draft is as it was when it was simulated. */
export async function keepSimulation(
  db: Db,
  id: string,
  version: number,
  simulation: unknown,
  against: number,
  now: Date,
): Promise<boolean> {
  const row = await db
    .updateTable('policy_draft')
    .set({ simulated_version: version, simulated_at: now, simulated_rev: against, simulation: JSON.stringify(simulation) })
    .where('id', '=', id)
    .where('version', '=', version)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export async function removeDraft(db: Db | Trx, id: string, version: number): Promise<boolean> {
  const row = await db.deleteFrom('policy_draft').where('id', '=', id).where('version', '=', version).returning('id').executeTakeFirst();
  return row !== undefined;
}
