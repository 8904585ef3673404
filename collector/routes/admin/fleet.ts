/** The fleet: tools and MCP servers with how many devices have them and what the policy says of them there, and who has one. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { audit } from '../../store/audit.ts';
import { holders } from '../../store/fleet.ts';
import { list, moment, pageOf } from './lists.ts';
import type { AdminParts } from './parts.ts';

const counts = z.record(z.string(), z.int()).describe('Devices by verdict.');
const Tool = z.object({
  tool: z.string(),
  name: z.string(),
  vendor: z.string().nullable(),
  category: z.string().nullable(),
  family: z.string().nullable(),
  devices: z.int(),
  verdicts: counts,
  tiers: z.record(z.string(), z.int()),
  asOf: z.string(),
});
const Server = z.object({
  identity: z.string(),
  publisher: z.string().nullable(),
  names: z.array(z.string()),
  clients: z.array(z.string()),
  versions: z.array(z.string()),
  devices: z.int(),
  entries: z.int(),
  verdicts: counts.describe('Entries by verdict.'),
  riskLevel: z.string(),
  riskScore: z.int(),
  findings: z.array(z.string()),
  asOf: z.string(),
});
const Holder = z.object({
  device: z.string(),
  person: z.string().nullable(),
  hostname: z.string(),
  platform: z.string(),
  firstSeen: z.string().nullable(),
});

export function fleetRoutes(app: FastifyInstance, { db, now, fleet }: AdminParts): void {
  list(app, {
    url: '/tools',
    summary: 'AI tools of the whole fleet',
    permission: 'inventory:read',
    query: { status: z.string().max(30).optional().describe('Only those that have this verdict somewhere.') },
    row: Tool,
    key: ({ tool }) => [tool],
    async page({ query: { status } }, after, limit) {
      const { asOf, rows } = await fleet.tools();
      const wanted = rows.filter(({ verdicts }) => status === undefined || Object.hasOwn(verdicts, status));
      return pageOf(wanted, ({ tool }) => tool, after, limit).map((row) => ({ ...row, asOf: asOf.toISOString() }));
    },
  });
  list(app, {
    url: '/mcp-servers',
    summary: 'MCP servers of the whole fleet, by what they are',
    permission: 'inventory:read',
    query: { status: z.string().max(30).optional(), risk: z.enum(['none', 'low', 'medium', 'high', 'critical']).optional() },
    row: Server,
    key: ({ identity }) => [identity],
    async page({ query: { status, risk } }, after, limit) {
      const { asOf, rows } = await fleet.servers();
      const wanted = rows.filter(
        (row) => (status === undefined || Object.hasOwn(row.verdicts, status)) && (risk === undefined || row.risk.level === risk),
      );
      return pageOf(wanted, ({ identity }) => identity, after, limit).map(({ risk: { level, score }, ...row }) => ({
        ...row,
        names: [...row.names],
        clients: [...row.clients],
        versions: [...row.versions],
        findings: [...row.findings],
        riskLevel: level,
        riskScore: score,
        asOf: asOf.toISOString(),
      }));
    },
  });

  const who = [
    { url: '/tools/:tool/devices', what: 'tool', params: { tool: z.string().min(1).max(300) }, query: {} },
    { url: '/mcp-servers/devices', what: 'identity', params: {}, query: { identity: z.string().min(1).max(2100) } },
  ] as const;
  for (const { url, what, params, query } of who) {
    list<z.ZodRawShape, z.ZodRawShape, typeof Holder>(app, {
      url,
      summary: 'Who has it; reading this is itself recorded',
      permission: 'inventory:read',
      params,
      query,
      row: Holder,
      key: ({ device }) => [device],
      async noted(asked) {
        const named = { ...asked.params, ...asked.query }[what];
        await audit(db, {
          at: now(),
          actor: asked.caller.actor,
          action: 'holders.read',
          subject: `${what}:${String(named)}`.slice(0, 500),
        });
      },
      async page(asked, after, limit) {
        const named = String({ ...asked.params, ...asked.query }[what]);
        const rows = await holders(db, what === 'tool' ? { tool: named } : { identity: named }, after?.[0] ?? null, limit);
        return rows.map((row) => ({ ...row, firstSeen: moment(row.firstSeen) }));
      },
    });
  }
}
