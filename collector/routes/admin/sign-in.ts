/** Signing in with the organization's own accounts, and out again; the sessions that came of it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Context } from '../../app.ts';
import { Problem } from '../../problem.ts';
import { ATTEMPT_SECONDS, localPath, newAttempt, readAttempt } from '../../sign-in/attempt.ts';
import { readCookie, writeCookie } from '../../sign-in/cookies.ts';
import { IssuerAway, issuerAt, NotProven } from '../../sign-in/issuer.ts';
import type { SignInSettings } from '../../sign-in/settings.ts';
import { signIn } from '../../sign-in/sign-in.ts';
import { audit } from '../../store/audit.ts';
import { endSession, listSessions } from '../../store/sessions.ts';
import { callerOf } from './access.ts';
import { list, moment } from './lists.ts';

/** An attempt that fails costs its address as much as this many requests. */
const FAILED = 20;
const CALLBACK = '/sign-in/callback';

export function signInRoutes(
  app: FastifyInstance,
  { db, now, log, origins, admission }: Pick<Context, 'db' | 'now' | 'log' | 'origins' | 'admission'>,
  settings: SignInSettings | null,
): void {
  const tags = ['sign-in'];
  const issuer = settings && issuerAt(settings, () => now().getTime());
  /** The address that the browser uses, of those under which the collector is known. */
  const originOf = ({ headers: { host } }: FastifyRequest) => {
    const known = origins();
    return known.find((origin) => new URL(origin).host === host) ?? known[0] ?? '';
  };
  const isSecure = (origin: string) => origin.startsWith('https:');
  const asked = async <Answer>(work: Promise<Answer>): Promise<Answer> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof IssuerAway) {
        log.error('sign-in.issuer-away', error);
        throw new Problem('issuer-away', { retryAfter: 10 });
      }
      if (!(error instanceof NotProven)) throw error;
      log.info('sign-in.not-proven', { why: error.why });
      throw new Problem('not-proven', { detail: `The reason is ${error.why}.` });
    }
  };

  app.get(
    '/sign-in',
    {
      config: { permission: 'nobody' },
      schema: {
        summary: 'Sends a browser to the organization’s sign-in, and from there back to return_to',
        tags,
        querystring: z.object({ return_to: z.string().max(1000).optional().describe('A path of this collector.') }),
      },
    },
    async (request, reply) => {
      if (!issuer) throw new Problem('no-sign-in');
      const origin = originOf(request);
      const attempt = newAttempt(localPath((request.query as { return_to?: string }).return_to), now());
      const target = await asked(issuer.begin(attempt, `${origin}/api/v1${CALLBACK}`));
      const cookie = writeCookie('sign-in', isSecure(origin), { text: attempt.cookie, seconds: ATTEMPT_SECONDS });
      return reply.header('set-cookie', cookie).redirect(target.href, 303);
    },
  );

  app.get(
    CALLBACK,
    { config: { permission: 'nobody' }, schema: { summary: 'Where the browser comes back to', tags } },
    async (request, reply) => {
      if (!settings || !issuer) throw new Problem('no-sign-in');
      const origin = originOf(request);
      const secure = isSecure(origin);
      reply.header('set-cookie', writeCookie('sign-in', secure, null));
      try {
        const attempt = readAttempt(readCookie(request.headers.cookie, 'sign-in', secure), now());
        if (!attempt) throw new Problem('no-attempt');
        const { search } = new URL(request.raw.url ?? '/', 'http://collector.invalid');
        const claims = await asked(issuer.finish(attempt, new URL(`${origin}/api/v1${CALLBACK}${search}`)));
        const before = readCookie(request.headers.cookie, 'session', secure);
        const { secret, role } = await signIn(db, settings, { claims, attempt: attempt.id, before }, now());
        log.info('sign-in.done', { role });
        // Beside the other: a header of this name is added.
        reply.header('set-cookie', writeCookie('session', secure, { text: secret, seconds: settings.hours * 3600 }));
        return reply.redirect(attempt.returnTo, 303);
      } catch (error) {
        if (error instanceof Problem && error.status < 500) admission.charge(request.ip, FAILED);
        throw error;
      }
    },
  );

  app.post(
    '/sign-in/terminal',
    {
      config: { permission: 'nobody' },
      schema: {
        summary: 'Begins a sign-in for a terminal: the person confirms it in any browser',
        tags,
        response: {
          200: z.object({
            ...{ code: z.string(), userCode: z.string(), address: z.string(), addressWithCode: z.string().nullable() },
            ...{ expiresInS: z.number(), everyS: z.number() },
          }),
        },
      },
    },
    async (request) => {
      if (!issuer) throw new Problem('no-sign-in');
      admission.charge(request.ip, FAILED);
      const begun = await asked(issuer.beginAtTerminal());
      if (!begun) throw new Problem('no-terminal-sign-in');
      return begun;
    },
  );

  app.post(
    '/sign-in/terminal/session',
    {
      config: { permission: 'nobody' },
      schema: {
        summary: 'The session, once the person has confirmed; its secret goes into Authorization: Bearer',
        tags,
        body: z.strictObject({ code: z.string().min(1).max(2000) }),
        response: {
          200: z.object({ token: z.string(), role: z.string(), person: z.string(), expiresAt: z.string() }),
          202: z.object({ waits: z.literal(true) }),
        },
      },
    },
    async (request, reply) => {
      if (!settings || !issuer) throw new Problem('no-sign-in');
      admission.charge(request.ip, FAILED);
      const { code } = request.body as { code: string };
      const claims = await asked(issuer.finishAtTerminal(code));
      if (!claims) return reply.code(202).send({ waits: true as const });
      const { secret, role, person, expiresAt } = await signIn(db, settings, { claims, attempt: code, before: null }, now());
      log.info('sign-in.done', { role });
      return reply.code(200).send({ token: secret, role, person, expiresAt: expiresAt.toISOString() });
    },
  );

  app.post(
    '/sign-out',
    {
      config: { permission: 'any' },
      schema: {
        summary: 'Ends the session',
        tags,
        response: {
          200: z.object({
            next: z.string().nullable().describe('Where the browser signs out at the organization’s sign-in too, if that is offered.'),
          }),
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      if (caller.kind !== 'session') throw new Problem('no-session');
      await db.transaction().execute(async (trx) => {
        if (await endSession(trx, { id: caller.id }, 'signed-out', now()))
          await audit(trx, {
            at: now(),
            actor: caller.actor,
            action: 'sign-out.done',
            subject: caller.person,
            detail: { session: caller.id },
          });
      });
      const origin = originOf(request);
      reply.header('set-cookie', writeCookie('session', isSecure(origin), null));
      return { next: (await issuer?.signOut(`${origin}${localPath(undefined)}`))?.href ?? null };
    },
  );

  list(app, {
    url: '/sessions',
    summary: 'Who is signed in, and who was until yesterday',
    permission: 'tokens:read',
    row: z.object({
      ...{ id: z.string(), person: z.string(), role: z.string(), createdAt: z.string(), seenAt: z.string() },
      ...{ expiresAt: z.string(), endedAt: z.string().nullable(), endedWhy: z.string().nullable() },
    }),
    key: ({ id }) => [id],
    page: async (_, after, limit) =>
      (await listSessions(db, after, limit)).map(({ created_at, seen_at, expires_at, ended_at, ended_why, ...row }) => ({
        ...{ ...row, createdAt: created_at.toISOString(), seenAt: seen_at.toISOString() },
        ...{ expiresAt: expires_at.toISOString(), endedAt: moment(ended_at), endedWhy: ended_why },
      })),
  });

  app.delete(
    '/sessions/:id',
    {
      config: { permission: 'tokens:write' },
      schema: {
        summary: 'Ends somebody’s session',
        tags,
        params: z.object({ id: z.uuid() }),
        response: { 200: z.object({ removed: z.literal(true) }) },
      },
    },
    async (request) => {
      const { id } = request.params as { id: string };
      await db.transaction().execute(async (trx) => {
        if (!(await endSession(trx, { id }, 'taken-back', now()))) throw new Problem('not-found');
        await audit(trx, { at: now(), actor: callerOf(request).actor, action: 'session.ended', subject: id });
      });
      return { removed: true as const };
    },
  );
}
