/** Groups of devices and of people: what was approved for a group follows who is in it. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { Problem } from '../../problem.ts';
import { audit } from '../../store/audit.ts';
import { reconcileGrants } from '../../store/grants.ts';
import { addMember, groupExists, listGroups, listMembers, type Member, makeGroup, removeGroup, removeMember } from '../../store/groups.ts';
import { callerOf } from './access.ts';
import { list } from './lists.ts';
import type { AdminParts } from './parts.ts';

const name = z.string().trim().min(1).max(200);
const person = z.string().trim().min(3).max(300);
const params = z.object({ id: z.uuid() });
const removed = z.object({ removed: z.literal(true) });

export function groupRoutes(app: FastifyInstance, { db, now, grants, fleet }: AdminParts): void {
  list(app, {
    url: '/groups',
    summary: 'Groups of devices and people',
    permission: 'groups:read',
    row: z.object({ id: z.string(), name: z.string(), createdAt: z.string(), members: z.int() }),
    key: ({ id }) => [id],
    page: async (_, after, limit) =>
      (await listGroups(db, after, limit)).map(({ created_at, ...row }) => ({ ...row, createdAt: created_at.toISOString() })),
  });
  list(app, {
    url: '/groups/:id/members',
    summary: 'Who is in a group',
    permission: 'groups:read',
    params: { id: z.uuid() },
    row: z.object({ device: z.string().nullable(), person: z.string().nullable() }),
    key: (row) => [row.device ?? row.person ?? ''],
    async page({ params: { id } }, after, limit) {
      if (!(await groupExists(db, id))) throw new Problem('not-found');
      return listMembers(db, id, after, limit);
    },
  });
  app.post(
    '/groups',
    {
      config: { permission: 'groups:write' },
      schema: { summary: 'A new group', tags: ['groups'], body: z.strictObject({ name }), response: { 201: z.object({ id: z.string() }) } },
    },
    async (request, reply) => {
      const id = await db.transaction().execute(async (trx) => {
        const made = await makeGroup(trx, (request.body as { name: string }).name, now());
        if (made === null) throw new Problem('exists');
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'group.made', subject: made });
        return made;
      });
      return reply.code(201).send({ id });
    },
  );
  app.delete(
    '/groups/:id',
    {
      config: { permission: 'groups:write' },
      schema: { summary: 'Remove a group; what was granted to it ends', tags: ['groups'], params, response: { 200: removed } },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      await db.transaction().execute(async (trx) => {
        if (!(await removeGroup(trx, id))) throw new Problem('not-found');
        await reconcileGrants(trx, { group: id }, now());
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'group.removed', subject: id });
      });
      fleet.forget();
      await grants.hurry();
      return { removed: true as const };
    },
  );

  const Body = z.union([z.strictObject({ device: z.uuid() }), z.strictObject({ person })]);
  const asMember = (body: z.infer<typeof Body>): Member => ({
    device: 'device' in body ? body.device : null,
    person: 'person' in body ? body.person : null,
  });
  const changes = [
    { method: 'POST', summary: 'Add a device or a person', action: 'group.joined', change: addMember },
    {
      method: 'DELETE',
      summary: 'Take a device or a person out; what was granted to the group ends for them',
      action: 'group.left',
      change: removeMember,
    },
  ] as const;
  for (const { method, summary, action, change } of changes) {
    app.route({
      method,
      url: '/groups/:id/members',
      config: { permission: 'groups:write' },
      schema: {
        summary,
        tags: ['groups'],
        params,
        body: Body,
        response: { 200: z.object({ devices: z.int().describe('Devices whose grants changed.') }) },
      },
      async handler(request) {
        const { id } = request.params as { id: string };
        const member = asMember(request.body as z.infer<typeof Body>);
        const devices = await db.transaction().execute(async (trx) => {
          if (!(await groupExists(trx, id))) throw new Problem('not-found');
          await change(trx, id, member);
          await audit(trx, {
            at: now(),
            actor: callerOf(request).actor,
            action,
            subject: id,
            device: member.device,
            detail: { person: member.person },
          });
          return reconcileGrants(trx, { group: id }, now());
        });
        fleet.forget();
        await grants.hurry();
        return { devices };
      },
    });
  }
}
