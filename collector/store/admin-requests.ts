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
  readonly person?: string | undefined;
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
    .$if(filter.person !== undefined, (query) => query.where(sql<SqlBool>`lower(d.person) = ${filter.person?.trim().toLowerCase()}`))
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

export type DecisionFilter = {
  readonly state?: 'approved' | 'denied' | 'needs-info' | undefined;
  readonly scope?: string | undefined;
  readonly device?: string | undefined;
  readonly item?: string | undefined;
  readonly since?: Date | undefined;
  /** Only approvals that nobody took back and that have not ended by then. */
  readonly standingAt?: Date | undefined;
};

/** The newest first; `after` is the time and the id. `scope` is its first word. */
export async function listDecisions(db: Db, filter: DecisionFilter, after: readonly string[] | null, limit: number) {
  const { state, scope, device, item, since, standingAt } = filter;
  return db
    .selectFrom('decision as c')
    .innerJoin('request as r', (on) => on.onRef('r.device', '=', 'c.device').onRef('r.id', '=', 'c.request'))
    .innerJoin('device as d', 'd.id', 'c.device')
    .select(['c.id', 'c.request', 'c.device', 'c.state', 'c.scope', 'c.reason', 'c.tiers', 'c.data_classes', 'c.until', 'c.at', 'c.due_at'])
    .select(['c.decided_by', 'c.revoked_at', 'r.item', 'r.item_name', 'd.person'])
    .$if(state !== undefined, (query) => query.where('c.state', '=', state ?? 'approved'))
    .$if(scope !== undefined, (query) => query.where(sql<SqlBool>`split_part(c.scope, ':', 1) = ${scope ?? ''}`))
    .$if(device !== undefined, (query) => query.where('c.device', '=', device ?? ''))
    .$if(item !== undefined, (query) => query.where('r.item', '=', item ?? ''))
    .$if(since !== undefined, (query) => query.where('c.at', '>=', since ?? new Date(0)))
    .$if(standingAt !== undefined, (query) =>
      query
        .where('c.state', '=', 'approved')
        .where('c.revoked_at', 'is', null)
        .where(({ or, eb }) => or([eb('c.until', 'is', null), eb('c.until', '>', standingAt ?? new Date(0))])),
    )
    .$if(after !== null, (query) => query.where(sql<SqlBool>`(c.at, c.id) < (${new Date(after?.[0] ?? 0)}, ${after?.[1] ?? ''}::uuid)`))
    .orderBy('c.at', 'desc')
    .orderBy('c.id', 'desc')
    .limit(limit)
    .execute();
}

export async function findDecision(db: Db | Trx, id: string) {
  return (await db.selectFrom('decision').select(['id', 'device', 'request', 'scope']).where('id', '=', id).executeTakeFirst()) ?? null;
}
