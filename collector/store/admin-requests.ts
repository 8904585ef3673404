/** SQL about requests as administrators see them. */
import { type Selectable, type SqlBool, sql } from 'kysely';
import type { Db, Trx } from './devices.ts';
import type { RequestState, RequestTable } from './schema.ts';

export type AskedOf = Selectable<RequestTable> & {
  readonly person: string | null;
  readonly hostname: string;
  readonly deviceState: string;
};

export type RequestFilter = {
  readonly state?: RequestState | undefined;
  readonly device?: string | undefined;
  readonly item?: string | undefined;
  readonly overdueAt?: Date | undefined;
};

const columns = (db: Db | Trx) =>
  db
    .selectFrom('request as r')
    .innerJoin('device as d', 'd.id', 'r.device')
    .selectAll('r')
    .select(['d.person', 'd.hostname', 'd.state as deviceState']);

/** The longest waiting first; `after` is the time of arrival and the id. */
export async function listRequests(db: Db, filter: RequestFilter, after: readonly string[] | null, limit: number): Promise<AskedOf[]> {
  return columns(db)
    .$if(filter.state !== undefined, (query) => query.where('r.state', '=', filter.state ?? 'open'))
    .$if(filter.device !== undefined, (query) => query.where('r.device', '=', filter.device ?? ''))
    .$if(filter.item !== undefined, (query) => query.where('r.item', '=', filter.item ?? ''))
    .$if(filter.overdueAt !== undefined, (query) =>
      query.where('r.state', 'in', ['open', 'needs-info']).where('r.due_at', '<', filter.overdueAt ?? new Date(0)),
    )
    .$if(after !== null, (query) =>
      query.where(sql<SqlBool>`(r.received_at, r.id) > (${new Date(after?.[0] ?? 0)}, ${after?.[1] ?? ''}::uuid)`),
    )
    .orderBy('r.received_at')
    .orderBy('r.id')
    .limit(limit)
    .execute();
}

export async function findRequest(db: Db | Trx, id: string): Promise<AskedOf | null> {
  return (await columns(db).where('r.id', '=', id).executeTakeFirst()) ?? null;
}

export async function decisionsOn(db: Db, request: string) {
  return db
    .selectFrom('decision')
    .select(['id', 'state', 'scope', 'reason', 'tiers', 'data_classes', 'until', 'at', 'due_at', 'decided_by', 'revoked_at'])
    .where('request', '=', request)
    .orderBy('no')
    .execute();
}

export async function findDecision(db: Db | Trx, id: string) {
  return (await db.selectFrom('decision').select(['id', 'device', 'request', 'scope']).where('id', '=', id).executeTakeFirst()) ?? null;
}
