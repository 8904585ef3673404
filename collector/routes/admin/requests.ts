/** Requests and their answers: decided against the version that was read, so that two administrators can't overwrite each other. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { mayDecide } from '../../decisions.ts';
import { Problem } from '../../problem.ts';
import { type AskedOf, decisionsOn, findDecision, findRequest, listDecisions, listRequests } from '../../store/admin-requests.ts';
import { audit } from '../../store/audit.ts';
import { revokeApproval } from '../../store/grants.ts';
import { callerOf, etag, matched } from './access.ts';
import { list, moment } from './lists.ts';
import type { AdminParts } from './parts.ts';

const State = z.enum(['open', 'approved', 'denied', 'needs-info', 'withdrawn', 'expired']);
const Request = z.object({
  id: z.string(),
  state: State,
  item: z.string(),
  itemName: z.string(),
  identity: z.string().nullable(),
  tier: z.string().nullable(),
  dataClass: z.string().nullable(),
  until: z.string().nullable(),
  reason: z.string(),
  added: z.string().nullable(),
  device: z.string(),
  person: z.string().nullable(),
  hostname: z.string(),
  createdAt: z.string(),
  receivedAt: z.string(),
  dueAt: z.string().nullable(),
  ageHours: z.number().describe('Since it was made on the device.'),
  overdue: z.boolean(),
  version: z.int(),
});
const Decision = z.object({
  id: z.string(),
  state: z.string(),
  scope: z.string(),
  reason: z.string().nullable(),
  tiers: z.array(z.string()).nullable(),
  dataClasses: z.array(z.string()).nullable(),
  until: z.string().nullable(),
  at: z.string(),
  dueAt: z.string().nullable(),
  decidedBy: z.string(),
  revokedAt: z.string().nullable(),
});
const DecisionRow = Decision.extend({
  request: z.string(),
  device: z.string(),
  person: z.string().nullable().describe('To whom the device that asked is tied.'),
  item: z.string(),
  itemName: z.string(),
});
const Scope = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['device', 'person', 'everyone']) }),
  z.strictObject({ kind: z.literal('group'), group: z.uuid() }),
]);
const names = z.array(z.string().min(1).max(300)).min(1).max(50);
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const DecisionBody = z
  .strictObject({
    answer: z.enum(['approve', 'deny', 'ask']),
    reason: z.string().trim().min(1).max(2000).describe('What the employee reads.'),
    scope: Scope.optional().describe('For whom an approval is; the device that asked where nothing is said.'),
    tiers: names.optional(),
    dataClasses: names.optional(),
    until: time
      .optional()
      .describe('Until when it counts; for everyone: when the rule is to be reviewed, for a policy’s rule ends by itself never.'),
    dueAt: time.optional().describe('By when somebody means to answer, with “ask”.'),
  })
  .refine(({ answer, scope, tiers, dataClasses, until }) => answer === 'approve' || !(scope || tiers || dataClasses || until), {
    message: 'scope, tiers, dataClasses and until belong to an approval',
  })
  .refine(({ answer, dueAt }) => answer === 'ask' || !dueAt, { message: 'dueAt belongs to asking back' });
const Counts = z.record(z.string(), z.int());
export const SimulatedItem = z.object({
  item: z.string(),
  name: z.string(),
  devices: z.int(),
  changed: z.int(),
  from: Counts,
  to: Counts,
  rules: z.array(z.string()),
  use: z.object({ runS: z.number(), frontS: z.number(), devices: z.int() }).nullable(),
});
export const SimulationShape = z.object({
  schema: z.literal('muster.fleet-simulation/1'),
  at: z.string(),
  against: z.int(),
  since: z.string(),
  days: z.int(),
  devices: z.int(),
  devicesChanged: z.int(),
  items: z.array(SimulatedItem),
  unusedRules: z.array(z.object({ rule: z.string(), why: z.enum(['absent', 'other']) })),
});

const HOUR_MS = 3_600_000;

function shown(row: AskedOf, now: Date): z.infer<typeof Request> {
  const open = row.state === 'open' || row.state === 'needs-info';
  return {
    id: row.id,
    state: row.state,
    item: row.item,
    itemName: row.item_name,
    identity: row.identity,
    tier: row.tier,
    dataClass: row.data_class,
    until: moment(row.until),
    reason: row.reason,
    added: row.added,
    device: row.device,
    person: row.person,
    hostname: row.hostname,
    createdAt: row.created_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    dueAt: moment(row.due_at),
    ageHours: Math.max(0, Math.round(((now.getTime() - row.created_at.getTime()) / HOUR_MS) * 10) / 10),
    overdue: open && row.due_at !== null && row.due_at < now,
    version: row.version,
  };
}

type Made = Awaited<ReturnType<typeof decisionsOn>>[number];

function decision(row: Made): z.infer<typeof Decision> {
  return {
    ...{ id: row.id, state: row.state, scope: row.scope, reason: row.reason, tiers: row.tiers, dataClasses: row.data_classes },
    ...{ until: moment(row.until), at: row.at.toISOString(), dueAt: moment(row.due_at) },
    ...{ decidedBy: row.decided_by, revokedAt: moment(row.revoked_at) },
  };
}

export function requestRoutes(app: FastifyInstance, { db, now, decisions, grants, fleet }: AdminParts): void {
  const params = z.object({ id: z.uuid() });
  const about = { tags: ['requests'] };

  list(app, {
    url: '/requests',
    summary: 'Requests, the longest waiting first',
    permission: 'requests:read',
    query: {
      state: State.optional(),
      device: z.uuid().optional(),
      item: z.string().max(310).optional(),
      person: z.string().max(300).optional(),
      overdue: z.stringbool().optional(),
    },
    row: Request,
    key: ({ receivedAt, id }) => [receivedAt, id],
    async page({ query: { overdue, ...filter } }, after, limit) {
      const at = now();
      const rows = await listRequests(db, { ...filter, overdueAt: overdue ? at : undefined }, after, limit);
      return rows.map((row) => shown(row, at));
    },
  });

  app.get(
    '/requests/:id',
    {
      config: { permission: 'requests:read' },
      schema: {
        summary: 'One request with its decisions; its ETag goes into If-Match',
        ...about,
        params,
        response: { 200: Request.extend({ decisions: z.array(Decision) }) },
      },
    },
    async (request, reply) => {
      const found = await findRequest(db, (request.params as { id: string }).id);
      if (!found) throw new Problem('not-found');
      const made = await decisionsOn(db, found.id);
      reply.header('etag', etag(found.version));
      return {
        ...shown(found, now()),
        decisions: made.map(decision),
      };
    },
  );

  app.post(
    '/requests/:id/decision',
    {
      config: { permission: 'requests:decide' },
      schema: {
        summary: 'Approve, deny, or ask back; needs If-Match. For everyone: 202 with a simulated draft, and decided when that is published',
        ...about,
        params,
        body: DecisionBody,
        response: {
          200: z.object({ decision: z.string(), devices: z.int().describe('Devices whose grants changed.') }),
          202: z.object({ draft: z.string(), simulation: SimulationShape }),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { id: string };
      const body = request.body as z.infer<typeof DecisionBody>;
      if (!(await findRequest(db, id))) throw new Problem('not-found');
      const decided = await decisions.decide(callerOf(request), id, matched(request), {
        answer: body.answer,
        reason: body.reason,
        scope: (body.scope ?? { kind: 'device' }) as Parameters<typeof decisions.decide>[3]['scope'],
        tiers: body.tiers ?? null,
        dataClasses: body.dataClasses ?? null,
        until: body.until === undefined ? null : new Date(body.until),
        dueAt: body.dueAt === undefined ? null : new Date(body.dueAt),
      });
      if (decided.kind === 'proposed') return reply.code(202).send({ draft: decided.draft, simulation: decided.simulation });
      return reply.code(200).send({ decision: decided.decision, devices: decided.devices });
    },
  );

  list(app, {
    url: '/decisions',
    summary: 'What was decided, the newest first',
    permission: 'requests:read',
    query: {
      state: z.enum(['approved', 'denied', 'needs-info']).optional(),
      scope: z.enum(['device', 'person', 'group', 'everyone']).optional(),
      device: z.uuid().optional(),
      item: z.string().max(310).optional(),
      since: time.optional(),
      standing: z.stringbool().optional().describe('Only approvals that still count.'),
    },
    row: DecisionRow,
    key: ({ at, id }) => [at, id],
    async page({ query: { since, standing, ...filter } }, after, limit) {
      const when = { since: since === undefined ? undefined : new Date(since), standingAt: standing ? now() : undefined };
      return (await listDecisions(db, { ...filter, ...when }, after, limit)).map((row) => ({
        ...decision(row),
        ...{ request: row.request, device: row.device, person: row.person, item: row.item, itemName: row.item_name },
      }));
    },
  });

  app.delete(
    '/decisions/:id',
    {
      config: { permission: 'requests:decide' },
      schema: {
        summary: 'Take an approval back, with every grant that came of it',
        ...about,
        params,
        body: z.object({ reason: z.string().trim().min(1).max(500) }),
        response: { 200: z.object({ devices: z.int() }) },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      const caller = callerOf(request);
      const devices = await db.transaction().execute(async (trx) => {
        const found = await findDecision(trx, id);
        const asked = found && (await findRequest(trx, found.request));
        if (!found || !asked) throw new Problem('not-found');
        mayDecide(caller, asked);
        const revoked = await revokeApproval(trx, id, now());
        if (revoked === null) throw new Problem('not-found');
        const detail = { ...(request.body as { reason: string }), devices: revoked.length };
        await audit(trx, { at: now(), actor: caller.actor, action: 'approval.revoked', device: found.device, subject: id, detail });
        return revoked.length;
      });
      fleet.forget();
      await grants.hurry();
      return { devices };
    },
  );
}
