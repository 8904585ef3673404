/** The policy: the one in force, drafts, what a draft would change, and publishing it. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import { audit } from '../../store/audit.ts';
import { countDue } from '../../store/grants.ts';
import {
  changeDraft,
  type Draft,
  findDraft,
  findPublished,
  keepSimulation,
  listDrafts,
  makeDraft,
  publishedPolicies,
  removeDraft,
} from '../../store/policies.ts';
import { callerOf, etag, matched } from './access.ts';
import { list, moment, pageOf } from './lists.ts';
import type { AdminParts } from './parts.ts';
import { SimulatedItem, SimulationShape } from './requests.ts';

const text = z
  .string()
  .min(1)
  .max(1024 * 1024)
  .describe('muster.policy/1 as JSON; comments are accepted.');
const title = z.string().trim().min(1).max(200);
const Summary = z.object({
  id: z.string(),
  title: z.string(),
  version: z.int(),
  createdBy: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  simulatedAt: z.string().nullable(),
  simulated: z.boolean().describe('Whether the draft as it is now was simulated.'),
  decides: z.string().nullable().describe('The request that is approved for everyone when this is published.'),
});
const Whole = Summary.extend({ text: z.string(), simulation: SimulationShape.nullable() });
const Version = z.object({ keySetRev: z.int(), rev: z.int(), hash: z.string(), publishedAt: z.string(), publishedBy: z.string() });
const Check = z.object({
  ok: z.boolean(),
  issues: z.array(z.string()),
  warnings: z.array(z.string()),
  clauses: z.array(z.object({ id: z.string(), title: z.string(), standing: z.enum(['controls', 'people', 'wish']) })),
});
const params = z.object({ id: z.uuid() });
const about = { tags: ['policy'] };

function summary(
  row: Pick<
    Draft,
    'id' | 'title' | 'version' | 'created_by' | 'created_at' | 'updated_at' | 'simulated_version' | 'simulated_at' | 'decides'
  >,
) {
  return {
    ...{ id: row.id, title: row.title, version: row.version, createdBy: row.created_by },
    ...{ createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString(), simulatedAt: moment(row.simulated_at) },
    simulated: row.simulated_version === row.version,
    decides: row.decides?.request ?? null,
  };
}

export function policyRoutes(app: FastifyInstance, { db, now, policies, fleet }: AdminParts): void {
  const draftOf = async (request: { params: unknown }) => {
    const draft = await findDraft(db, (request.params as { id: string }).id);
    if (!draft) throw new Problem('not-found');
    return draft;
  };
  const checked = (policy: string) => {
    const { ok, issues, warnings, clauses } = policies.check(policy);
    const standing = clauses.map((clause) => ({ id: clause.id, title: clause.title, standing: clause.standing }));
    return { ok, issues: [...issues], warnings: [...warnings], clauses: standing };
  };

  app.get(
    '/policy',
    {
      config: { permission: 'policy:read' },
      schema: {
        summary: 'The policy that was published last',
        ...about,
        response: {
          200: z.object({
            rev: z.int().describe('0: none was published.'),
            publishedAt: z.string().nullable(),
            policy: z.unknown(),
            grantsWaiting: z.int().describe('Devices whose newest grants are not signed yet.'),
            grantsWaitingSince: z.string().nullable(),
          }),
        },
      },
    },
    async () => {
      const { rev, text: published, publishedAt } = await policies.current();
      const due = await countDue(db);
      const policy: unknown = published === null ? null : JSON.parse(published);
      return { rev, publishedAt: moment(publishedAt), policy, grantsWaiting: due.count, grantsWaitingSince: moment(due.since) };
    },
  );

  list(app, {
    url: '/policy/versions',
    summary: 'What was published, the newest first',
    permission: 'policy:read',
    row: Version,
    key: ({ keySetRev, rev }) => [`${keySetRev}`, `${rev}`],
    page: async (_, after, limit) =>
      (await publishedPolicies(db, after, limit)).map(({ keySetRev, rev, hash, publishedAt, publishedBy }) => ({
        ...{ keySetRev, rev, hash, publishedBy },
        publishedAt: publishedAt.toISOString(),
      })),
  });

  app.get(
    '/policy/versions/:keySetRev/:rev',
    {
      config: { permission: 'policy:read' },
      schema: {
        summary: 'One that was published, as the text to begin a draft from',
        ...about,
        params: z.object({
          keySetRev: z.coerce
            .number()
            .int()
            .min(0)
            .max(2 ** 31),
          rev: z.coerce
            .number()
            .int()
            .min(0)
            .max(2 ** 31),
        }),
        response: { 200: Version.extend({ text: z.string() }) },
      },
    },
    async (request) => {
      const { keySetRev, rev } = request.params as { keySetRev: number; rev: number };
      const found = await findPublished(db, keySetRev, rev);
      if (!found) throw new Problem('not-found');
      return { ...found, publishedAt: found.publishedAt.toISOString() };
    },
  );

  app.post(
    '/policy/check',
    {
      config: { permission: 'policy:read' },
      schema: {
        summary: 'What is wrong with a policy, and what is worth a look',
        ...about,
        body: z.object({ text }),
        response: { 200: Check },
      },
    },
    async (request) => checked((request.body as { text: string }).text),
  );

  list(app, {
    url: '/policy/drafts',
    summary: 'Drafts',
    permission: 'policy:read',
    row: Summary,
    key: ({ id }) => [id],
    page: async (_, after, limit) => (await listDrafts(db, after, limit)).map(summary),
  });

  app.post(
    '/policy/drafts',
    {
      config: { permission: 'policy:write' },
      schema: { summary: 'A new draft', ...about, body: z.strictObject({ title, text }), response: { 201: Summary } },
    },
    async (request, reply) => {
      const by = callerOf(request).actor;
      const body = request.body as { title: string; text: string };
      const id = await makeDraft(db, { ...body, by }, now());
      await audit(db, { at: now(), actor: by, action: 'draft.made', subject: id });
      const draft = await findDraft(db, id);
      if (!draft) throw new Problem('not-found');
      return reply.code(201).header('etag', etag(draft.version)).send(summary(draft));
    },
  );

  app.get(
    '/policy/drafts/:id',
    {
      config: { permission: 'policy:read' },
      schema: { summary: 'One draft; its ETag goes into If-Match', ...about, params, response: { 200: Whole } },
    },
    async (request, reply) => {
      const draft = await draftOf(request);
      reply.header('etag', etag(draft.version));
      return { ...summary(draft), text: draft.text, simulation: (draft.simulation ?? null) as z.infer<typeof SimulationShape> | null };
    },
  );

  app.put(
    '/policy/drafts/:id',
    {
      config: { permission: 'policy:write' },
      schema: {
        summary: 'Change a draft; needs If-Match',
        ...about,
        params,
        body: z.strictObject({ title: title.optional(), text: text.optional() }),
        response: { 200: Summary },
      },
    },
    async (request, reply) => {
      const before = await draftOf(request);
      const body = request.body as { title?: string; text?: string };
      if (!(await changeDraft(db, before.id, matched(request), body, now()))) throw new Problem('changed-meanwhile');
      await audit(db, { at: now(), actor: callerOf(request).actor, action: 'draft.changed', subject: before.id });
      const draft = await draftOf(request);
      reply.header('etag', etag(draft.version));
      return summary(draft);
    },
  );

  app.delete(
    '/policy/drafts/:id',
    {
      config: { permission: 'policy:write' },
      schema: {
        summary: 'Throw a draft away; needs If-Match',
        ...about,
        params,
        response: { 200: z.object({ removed: z.literal(true) }) },
      },
    },
    async (request) => {
      const { id } = await draftOf(request);
      if (!(await removeDraft(db, id, matched(request)))) throw new Problem('changed-meanwhile');
      await audit(db, { at: now(), actor: callerOf(request).actor, action: 'draft.removed', subject: id });
      return { removed: true as const };
    },
  );

  app.post(
    '/policy/drafts/:id/check',
    { config: { permission: 'policy:read' }, schema: { summary: 'Check a draft', ...about, params, response: { 200: Check } } },
    async (request) => checked((await draftOf(request)).text),
  );

  app.post(
    '/policy/drafts/:id/simulate',
    {
      config: { permission: 'policy:write' },
      schema: { summary: 'What the draft would change on the whole fleet', ...about, params, response: { 200: SimulationShape } },
    },
    async (request) => {
      const draft = await draftOf(request);
      const { policy, issues } = policies.check(draft.text);
      if (!policy) throw new Problem('policy-invalid', { detail: issues.slice(0, 5).join(' ') });
      const simulation = await fleet.simulate(policy);
      if (!(await keepSimulation(db, draft.id, draft.version, simulation, simulation.against, now())))
        throw new Problem('changed-meanwhile');
      return {
        ...simulation,
        items: simulation.items.map((item) => ({ ...item, rules: [...item.rules] })),
        unusedRules: [...simulation.unusedRules],
      };
    },
  );

  list(app, {
    url: '/policy/drafts/:id/simulation',
    summary: 'What the draft would change, item by item, as it was simulated last',
    permission: 'policy:read',
    params: params.shape,
    row: SimulatedItem,
    key: ({ item }) => [item],
    async page(asked, after, limit) {
      const { simulation } = await draftOf(asked);
      const { items } = (simulation ?? { items: [] }) as Pick<z.infer<typeof SimulationShape>, 'items'>;
      return pageOf(items, ({ item }) => item, after, limit);
    },
  });

  app.post(
    '/policy/drafts/:id/publish',
    {
      config: { permission: 'policy:publish' },
      schema: {
        summary: 'Sign and publish a draft that was simulated as it is; needs If-Match',
        ...about,
        params,
        response: { 200: z.object({ rev: z.int(), keySetRev: z.int(), hash: z.string() }) },
      },
    },
    async (request) => {
      const { actor, person } = callerOf(request);
      const { id } = await draftOf(request);
      const { rev, keySetRev, hash } = await policies.publish(id, matched(request), { actor, person });
      return { rev, keySetRev, hash };
    },
  );
}
