/** SQL that searches what was recorded: the collector's own audit, and the evidence that devices sent. */
import { type SqlBool, sql } from 'kysely';
import type { Db } from './devices.ts';

export type Search = {
  readonly device?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
};

/** The newest first; `after` is the row's id. */
export async function searchAudit(
  db: Db,
  {
    device,
    since,
    until,
    action,
    actor,
    alarm,
    subject,
  }: Search & { action?: string | undefined; actor?: string | undefined; alarm?: boolean | undefined; subject?: string | undefined },
  after: readonly string[] | null,
  limit: number,
) {
  return db
    .selectFrom('audit')
    .selectAll()
    .$if(device !== undefined, (query) => query.where('device', '=', device ?? ''))
    .$if(since !== undefined, (query) => query.where('at', '>=', since ?? new Date(0)))
    .$if(until !== undefined, (query) => query.where('at', '<', until ?? new Date(0)))
    .$if(action !== undefined, (query) => query.where('action', '=', action ?? ''))
    .$if(actor !== undefined, (query) => query.where('actor', '=', actor ?? ''))
    .$if(alarm !== undefined, (query) => query.where('alarm', '=', alarm ?? true))
    .$if(subject !== undefined, (query) => query.where('subject', '=', subject ?? ''))
    .$if(after !== null, (query) => query.where('id', '<', Number(after?.[0] ?? 0)))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

export type EvidenceSearch = Search & {
  readonly kind?: string | undefined;
  readonly item?: string | undefined;
  readonly decision?: string | undefined;
};

/** In the order of arrival, device, chain and row. */
export async function searchEvidence(
  db: Db,
  { device, since, until, kind, item, decision }: EvidenceSearch,
  after: readonly string[] | null,
  limit: number,
) {
  const [received, of, chain, seq] = after ?? [];
  return db
    .selectFrom('evidence_row')
    .selectAll()
    .$if(device !== undefined, (query) => query.where('device', '=', device ?? ''))
    .$if(since !== undefined, (query) => query.where('time', '>=', since ?? new Date(0)))
    .$if(until !== undefined, (query) => query.where('time', '<', until ?? new Date(0)))
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? ''))
    .$if(item !== undefined, (query) => query.where('item', '=', item ?? ''))
    .$if(decision !== undefined, (query) => query.where('decision', '=', decision ?? ''))
    .$if(after !== null, (query) =>
      query.where(
        sql<SqlBool>`(received, device, chain, seq) > (${received}::date, ${of}::uuid, ${Number(chain)}::int, ${Number(seq)}::bigint)`,
      ),
    )
    .orderBy('received')
    .orderBy('device')
    .orderBy('chain')
    .orderBy('seq')
    .limit(limit)
    .execute();
}
