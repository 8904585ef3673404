/** Who may ask and who may answer: enrolment secrets and administrators' tokens. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PERMISSION_NAMES } from '../../permissions.ts';
import { Problem } from '../../problem.ts';
import { ROLES } from '../../roles.ts';
import { audit } from '../../store/audit.ts';
import type { Role } from '../../store/schema.ts';
import { makeEnrolSecret, makeToken } from '../../store/secrets.ts';
import { listSecrets, listTokens, otherOwners, revokeSecret, revokeToken } from '../../store/tokens.ts';
import { callerOf, may } from './access.ts';
import { list, moment } from './lists.ts';
import type { AdminParts } from './parts.ts';

const label = z.string().trim().min(1).max(200);
const params = z.object({ id: z.uuid() });
const removed = z.object({ removed: z.literal(true) });
const later = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const person = z.string().trim().min(3).max(300);

const about = (tag: string) => ({ tags: [tag] });

function future(time: string | undefined, now: Date): Date | null {
  if (time === undefined) return null;
  const date = new Date(time);
  if (date <= now) throw new Problem('wrong-end');
  return date;
}

export function peopleRoutes(app: FastifyInstance, parts: AdminParts): void {
  secretRoutes(app, parts);
  tokenRoutes(app, parts);
}

function secretRoutes(app: FastifyInstance, { db, now }: AdminParts): void {
  list(app, {
    url: '/enrol-secrets',
    summary: 'Enrolment secrets, never their values',
    permission: 'secrets:read',
    row: z.object({
      ...{ id: z.string(), label: z.string(), quota: z.int().nullable(), used: z.int(), approval: z.boolean() },
      ...{ createdAt: z.string(), expiresAt: z.string().nullable(), revokedAt: z.string().nullable() },
    }),
    key: ({ id }) => [id],
    page: async (_, after, limit) =>
      (await listSecrets(db, after, limit)).map(({ created_at, expires_at, revoked_at, ...row }) => ({
        ...row,
        ...{ createdAt: created_at.toISOString(), expiresAt: moment(expires_at), revokedAt: moment(revoked_at) },
      })),
  });
  const Body = z.strictObject({
    label,
    quota: z.int().min(1).max(10_000_000).optional().describe('How many devices; any number where nothing is said.'),
    expiresAt: later.optional(),
    approval: z.boolean().default(false).describe('Whether an owner lets each device in.'),
  });
  app.post(
    '/enrol-secrets',
    {
      config: { permission: 'secrets:write' },
      schema: {
        summary: 'A new secret, shown this once',
        ...about('secrets'),
        body: Body,
        response: { 201: z.object({ id: z.string(), secret: z.string() }) },
      },
    },
    async (request, reply) => {
      const { label: named, quota, expiresAt, approval } = request.body as z.infer<typeof Body>;
      const made = await db.transaction().execute(async (trx) => {
        const secret = { label: named, quota: quota ?? null, expiresAt: future(expiresAt, now()), approval };
        const one = await makeEnrolSecret(trx, secret, now());
        await audit(trx, {
          at: now(),
          actor: callerOf(request).actor,
          action: 'secret.made',
          subject: one.id,
          detail: { quota: quota ?? null, approval },
        });
        return one;
      });
      return reply.code(201).send(made);
    },
  );
  app.delete(
    '/enrol-secrets/:id',
    {
      config: { permission: 'secrets:write' },
      schema: { summary: 'Let nobody else enrol with it', ...about('secrets'), params, response: { 200: removed } },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      await db.transaction().execute(async (trx) => {
        if (!(await revokeSecret(trx, id, now()))) throw new Problem('not-found');
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'secret.revoked', subject: id });
      });
      return { removed: true as const };
    },
  );
}

function tokenRoutes(app: FastifyInstance, { db, now }: AdminParts): void {
  const Me = z.object({
    kind: z.enum(['token', 'session']),
    id: z.string().describe('Of the token or the session.'),
    role: z.enum(ROLES as [Role, ...Role[]]),
    person: z.string().nullable(),
    permissions: z.array(z.enum(PERMISSION_NAMES)),
    expiresAt: z.string().nullable().describe('Of a session.'),
    csrf: z.string().nullable().describe('Of a session: the header Muster-Csrf of unsafe requests that a browser doesn’t vouch for.'),
  });
  app.get(
    '/me',
    {
      config: { permission: 'any' },
      schema: { summary: 'Who is asking, and what they may do', ...about('tokens'), response: { 200: Me } },
    },
    async (request) => {
      const caller = callerOf(request);
      const { kind, id, role, person: whose, session } = caller;
      const permissions = PERMISSION_NAMES.filter((permission) => may(caller, permission));
      return { kind, id, role, person: whose, permissions, expiresAt: moment(session?.expiresAt ?? null), csrf: session?.csrf ?? null };
    },
  );
  list(app, {
    url: '/tokens',
    summary: 'Tokens of administrators, never their values',
    permission: 'tokens:read',
    row: z.object({
      ...{ id: z.string(), label: z.string(), role: z.string(), scopes: z.array(z.string()).nullable(), person: z.string().nullable() },
      ...{ createdAt: z.string(), expiresAt: z.string().nullable(), revokedAt: z.string().nullable(), lastUsed: z.string().nullable() },
    }),
    key: ({ id }) => [id],
    page: async (_, after, limit) =>
      (await listTokens(db, after, limit)).map(({ created_at, expires_at, revoked_at, last_used, ...row }) => ({
        ...row,
        ...{ createdAt: created_at.toISOString(), expiresAt: moment(expires_at), revokedAt: moment(revoked_at), lastUsed: last_used },
      })),
  });
  const Body = z.strictObject({
    label,
    role: z.enum(ROLES as [Role, ...Role[]]),
    scopes: z.array(z.enum(PERMISSION_NAMES)).min(1).optional().describe('Only these of what the role may do.'),
    person: person.optional().describe('Whose it is, so that nobody decides their own requests.'),
    expiresAt: later.optional(),
  });
  app.post(
    '/tokens',
    {
      config: { permission: 'tokens:write' },
      schema: {
        summary: 'A new token, shown this once',
        ...about('tokens'),
        body: Body,
        response: { 201: z.object({ id: z.string(), token: z.string() }) },
      },
    },
    async (request, reply) => {
      const { label: named, role, scopes, person: whose, expiresAt } = request.body as z.infer<typeof Body>;
      const caller = callerOf(request);
      // Whoever is narrowed gives no more than they have.
      if (caller.scopes !== null && (scopes === undefined || scopes.some((scope) => !may(caller, scope))))
        throw new Problem('forbidden', { detail: 'A narrowed token makes only narrower ones.' });
      const made = await db.transaction().execute(async (trx) => {
        const token = {
          label: named,
          role,
          scopes: scopes ?? null,
          person: whose?.toLowerCase() ?? null,
          expiresAt: future(expiresAt, now()),
        };
        const one = await makeToken(trx, token, now());
        await audit(trx, {
          at: now(),
          actor: caller.actor,
          action: 'token.made',
          subject: one.id,
          detail: { role, scopes: scopes ?? null },
        });
        return one;
      });
      return reply.code(201).send(made);
    },
  );
  app.delete(
    '/tokens/:id',
    {
      config: { permission: 'tokens:write' },
      schema: { summary: 'Take a token back', ...about('tokens'), params, response: { 200: removed } },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      await db.transaction().execute(async (trx) => {
        if ((await otherOwners(trx, id, now())) === 0) throw new Problem('last-owner');
        if (!(await revokeToken(trx, id, now()))) throw new Problem('not-found');
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'token.revoked', subject: id });
      });
      return { removed: true as const };
    },
  );
}
