/** The record of what was done on the collector and of what looked wrong: rows are only ever added. */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export type AuditRow = {
  readonly at: Date;
  /** `device`, `system`, `signer`, or a role and a token's id: `owner:<id>`. */
  readonly actor: string;
  readonly action: string;
  /** Something that an administrator should look at. */
  readonly alarm?: boolean;
  readonly device?: string | null;
  readonly subject?: string | null;
  /** Ids, codes, counts and times. */
  readonly detail?: Readonly<Record<string, unknown>>;
};

/** How often `action` was written of a device since then. */
export async function auditedSince(db: Kysely<Schema>, device: string, action: string, since: Date): Promise<number> {
  const row = await db
    .selectFrom('audit')
    .select((on) => on.fn.countAll<number>().as('rows'))
    .where('device', '=', device)
    .where('action', '=', action)
    .where('at', '>=', since)
    .executeTakeFirstOrThrow();
  return Number(row.rows);
}

export async function audit(db: Kysely<Schema>, ...rows: readonly AuditRow[]): Promise<void> {
  if (rows.length === 0) return;
  await db
    .insertInto('audit')
    .values(
      rows.map(({ at, actor, action, alarm, device, subject, detail }) => ({
        at,
        actor,
        action,
        alarm: alarm ?? false,
        device: device ?? null,
        subject: subject ?? null,
        detail: JSON.stringify(detail ?? {}),
      })),
    )
    .execute();
}
