/** Devices: who they are, what they have, and letting them in or out. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Grant } from '../../../agent/policy/decide.ts';
import { Problem } from '../../problem.ts';
import { changeState, type DeviceSeen, findDevice, itemsOfDevice, listDevices, openItems, tieToPerson } from '../../store/admin-devices.ts';
import { audit } from '../../store/audit.ts';
import { grantsOfDevice, reconcileGrants, revokeGrant } from '../../store/grants.ts';
import { readSettings } from '../../store/settings.ts';
import { callerOf } from './access.ts';
import { list, moment } from './lists.ts';
import type { AdminParts } from './parts.ts';

const DeviceState = z.enum(['active', 'pending', 'revoked', 'clone']);
const Device = z.object({
  id: z.string(),
  state: DeviceState,
  person: z.string().nullable(),
  hostname: z.string(),
  user: z.string(),
  platform: z.string(),
  serial: z.string().nullable(),
  agentVersion: z.string().nullable(),
  enrolledAt: z.string(),
  lastSeen: z.string().nullable(),
  silent: z.boolean().describe('Not heard of for as many days as the settings say.'),
  replacedBy: z.string().nullable(),
  items: z.int(),
  policyRev: z.int().nullable().describe('The revision in force there, as the device last said.'),
  policyStatus: z.string().nullable(),
  policyError: z.string().nullable(),
  grantsCurrent: z.boolean().describe('Whether the device has the newest list of grants.'),
  evidenceRows: z.int(),
});
const Id = { id: z.uuid() };
const reason = z.string().trim().min(1).max(500).describe('For the audit.');
const DAY_MS = 86_400_000;

function shown(row: DeviceSeen, silentSince: Date): z.infer<typeof Device> {
  return {
    id: row.id,
    state: row.state,
    person: row.person,
    hostname: row.hostname,
    user: row.os_user,
    platform: row.platform,
    serial: row.serial,
    agentVersion: row.agent_version,
    enrolledAt: row.enrolled_at.toISOString(),
    lastSeen: moment(row.last_seen),
    silent:
      row.state !== 'revoked' && row.state !== 'pending' && row.replaced_by === null && (row.last_seen ?? row.enrolled_at) < silentSince,
    replacedBy: row.replaced_by,
    items: row.item_count,
    policyRev: row.applied_rev,
    policyStatus: row.applied_status,
    policyError: row.applied_error,
    grantsCurrent: (row.grants_rev ?? 0) <= (row.have_grants_rev ?? 0),
    evidenceRows: row.evidence_count,
  };
}

export function deviceRoutes(app: FastifyInstance, { db, now, verdicts, policies, grants, deviceKeys, fleet }: AdminParts): void {
  const silentSince = async () => new Date(now().getTime() - (await readSettings(db)).silentDays * DAY_MS);

  list(app, {
    url: '/devices',
    summary: 'Devices, those that are silent among them',
    permission: 'devices:read',
    query: {
      state: DeviceState.optional(),
      person: z.string().max(300).optional(),
      silent: z.stringbool().optional(),
      q: z.string().min(1).max(100).optional().describe('Part of a host’s name, a serial number or a person’s address.'),
    },
    row: Device,
    key: ({ id }) => [id],
    async page({ query: { state, person, silent, q } }, after, limit) {
      const since = await silentSince();
      const filter = { state, person, text: q, silentSince: silent ? since : undefined };
      return (await listDevices(db, filter, after, limit)).map((row) => shown(row, since));
    },
  });

  app.get(
    '/devices/:id',
    {
      config: { permission: 'devices:read' },
      schema: { summary: 'One device', tags: ['devices'], params: z.object(Id), response: { 200: Device } },
    },
    async (request) => {
      const found = await findDevice(db, (request.params as { id: string }).id);
      if (!found) throw new Problem('not-found');
      return shown(found, await silentSince());
    },
  );

  const person = async (id: string) => (await findDevice(db, id))?.person ?? null;
  list(app, {
    url: '/devices/:id/items',
    summary: 'What one device has, with verdicts; reading it of a named person is itself recorded',
    permission: 'inventory:read',
    params: Id,
    row: z.object({
      key: z.string(),
      kind: z.enum(['tool', 'mcp']),
      name: z.string(),
      present: z.boolean(),
      firstSeen: z.string().nullable(),
      status: z.string(),
      reason: z.string(),
      rule: z.string().nullable(),
      dataClasses: z.array(z.string()),
      until: z.string().nullable(),
      detail: z.record(z.string(), z.unknown()).describe('As the device sent it; see agent/wire.ts.'),
    }),
    key: ({ key }) => [key],
    async noted({ params: { id }, caller }) {
      const named = await person(id);
      if (named !== null) await audit(db, { at: now(), actor: caller.actor, action: 'inventory.read', device: id, subject: named });
    },
    async page({ params: { id } }, after, limit) {
      if (!(await findDevice(db, id))) throw new Problem('not-found');
      const [rows, open, { policy }] = [await itemsOfDevice(db, id, after, limit), await openItems(db, id), await policies.current()];
      const granted = (await grantsOfDevice(db, id, null, 5000))
        .filter(({ revoked_at }) => revoked_at === null)
        .map(
          (row): Grant => ({
            id: row.id,
            ...(row.tool === null ? {} : { tool: row.tool }),
            ...(row.mcp === null ? {} : { mcp: row.mcp }),
            ...(row.tiers === null ? {} : { tiers: row.tiers }),
            ...(row.data_classes === null ? {} : { dataClasses: row.data_classes }),
            status: row.status as Grant['status'],
            expiresAt: row.expires_at.toISOString(),
            reason: row.reason,
          }),
        );
      return rows.map(({ key, firstSeen, body }) => {
        const asked = open.has(body.kind === 'tool' ? body.tool : `mcp:${body.name}`);
        const verdict = verdicts.of(body, { policy, grants: granted, open: asked, now: now() });
        const { status, rule, dataClasses, until } = verdict;
        const name = body.kind === 'tool' ? body.tool : body.name;
        const said = { status, rule, dataClasses: [...dataClasses], until, reason: verdict.reason };
        return { key, kind: body.kind, name, present: body.present, firstSeen: moment(firstSeen), ...said, detail: { ...body } };
      });
    },
  });

  list(app, {
    url: '/devices/:id/grants',
    summary: 'What is granted to one device, and what was',
    permission: 'requests:read',
    params: Id,
    row: z.object({
      id: z.string(),
      item: z.string(),
      status: z.string(),
      tiers: z.array(z.string()).nullable(),
      dataClasses: z.array(z.string()).nullable(),
      expiresAt: z.string(),
      reason: z.string(),
      request: z.string().nullable(),
      decision: z.string().nullable(),
      grantedAt: z.string(),
      revokedAt: z.string().nullable(),
    }),
    key: ({ id }) => [id],
    async page({ params: { id } }, after, limit) {
      return (await grantsOfDevice(db, id, after, limit)).map((row) => ({
        id: row.id,
        item: row.tool ?? `mcp:${row.mcp ?? ''}`,
        status: row.status,
        tiers: row.tiers && [...row.tiers],
        dataClasses: row.data_classes && [...row.data_classes],
        expiresAt: row.expires_at.toISOString(),
        reason: row.reason,
        request: row.request,
        decision: row.decision,
        grantedAt: row.created_at.toISOString(),
        revokedAt: moment(row.revoked_at),
      }));
    },
  });

  app.delete(
    '/devices/:id/grants/:grant',
    {
      config: { permission: 'requests:decide' },
      schema: {
        summary: 'Take one grant back',
        tags: ['devices'],
        params: z.object({ ...Id, grant: z.uuid() }),
        body: z.object({ reason }),
        response: { 200: z.object({ revoked: z.literal(true) }) },
      },
    },
    async (request) => {
      const { id, grant } = request.params as { id: string; grant: string };
      await db.transaction().execute(async (trx) => {
        if (!(await revokeGrant(trx, id, grant, now()))) throw new Problem('not-found');
        await audit(trx, {
          at: now(),
          actor: callerOf(request).actor,
          action: 'grant.revoked',
          device: id,
          subject: grant,
          detail: request.body as { reason: string },
        });
      });
      fleet.forget();
      await grants.hurry();
      return { revoked: true as const };
    },
  );

  const changes = [
    { url: '/devices/:id/approve', summary: 'Let a waiting device in', from: ['pending'], to: 'active', action: 'device.approved' },
    {
      url: '/devices/:id/revoke',
      summary: 'Shut a device out',
      from: ['active', 'pending', 'clone'],
      to: 'revoked',
      action: 'device.revoked',
    },
    {
      url: '/devices/:id/clear',
      summary: 'End the alarm about a copy, after somebody has looked',
      from: ['clone'],
      to: 'active',
      action: 'device.cleared',
    },
  ] as const;
  for (const { url, summary, from, to, action } of changes) {
    app.post(
      url,
      {
        config: { permission: 'devices:write' },
        schema: {
          summary,
          tags: ['devices'],
          params: z.object(Id),
          body: z.object({ reason }),
          response: { 200: Device },
        },
      },
      async (request) => {
        const { id } = request.params as { id: string };
        const done = await db.transaction().execute(async (trx) => {
          if (!(await findDevice(trx, id))) throw new Problem('not-found');
          if (!(await changeState(trx, id, from, to))) throw new Problem('wrong-state');
          await reconcileGrants(trx, { device: id }, now());
          await audit(trx, { at: now(), actor: callerOf(request).actor, action, device: id, detail: request.body as { reason: string } });
          return findDevice(trx, id);
        });
        deviceKeys.forget(id);
        fleet.forget();
        await grants.hurry();
        if (!done) throw new Problem('not-found');
        return shown(done, await silentSince());
      },
    );
  }

  app.put(
    '/devices/:id/person',
    {
      config: { permission: 'devices:write' },
      schema: {
        summary: 'Tie a device to a person, or to none',
        tags: ['devices'],
        params: z.object(Id),
        body: z.object({ person: z.string().trim().min(3).max(300).nullable(), reason }),
        response: { 200: Device },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      const { person: named, reason: why } = request.body as { person: string | null; reason: string };
      const done = await db.transaction().execute(async (trx) => {
        if (!(await tieToPerson(trx, id, named))) throw new Problem('not-found');
        await reconcileGrants(trx, { device: id }, now());
        await audit(trx, {
          at: now(),
          actor: callerOf(request).actor,
          action: 'device.tied',
          device: id,
          subject: named,
          detail: { reason: why },
        });
        return findDevice(trx, id);
      });
      await grants.hurry();
      if (!done) throw new Problem('not-found');
      return shown(done, await silentSince());
    },
  );
}
