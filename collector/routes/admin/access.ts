/** Who may call which route of the admin API: a route says its permission, and one that says none is refused when the collector starts. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ProblemDocument } from '../../../agent/wire.ts';
import type { Context } from '../../app.ts';
import { PERMISSIONS, type Permission } from '../../permissions.ts';
import { Problem } from '../../problem.ts';
import { atLeast } from '../../roles.ts';
import { readCookie } from '../../sign-in/cookies.ts';
import type { SignInSettings } from '../../sign-in/settings.ts';
import type { Role } from '../../store/schema.ts';
import { findSession } from '../../store/sessions.ts';
import { findToken } from '../../store/tokens.ts';

export type Caller = {
  readonly kind: 'token' | 'session';
  /** Of the token or the session. */
  readonly id: string;
  readonly role: Role;
  readonly scopes: readonly string[] | null;
  readonly person: string | null;
  /** As the audit names them: `owner:<token id>`, or `owner:<address>` of who signed in. */
  readonly actor: string;
  /** Of a session: until when, and what an unsafe request carries that can't say which site made it. */
  readonly session: { readonly expiresAt: Date; readonly csrf: string } | null;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the admin API; `any`: whoever has a token or a session; `nobody`: who has none, for signing in. */
    permission?: Permission | 'any' | 'nobody';
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** A wrong token costs an address as much as this many requests. */
const WRONG_TOKEN = 20;
/** A token, or the session of a terminal. */
const BEARER = /^Bearer (ms[st]_[A-Za-z0-9_-]{43})$/i;
const SESSION = /^mss_[A-Za-z0-9_-]{43}$/;
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

type Known = Pick<Context, 'db' | 'now' | 'admission' | 'origins'>;

/** Before the body is read. `signIn` null: no cookie counts. */
export function guard(app: FastifyInstance, { db, now, admission, origins }: Known, signIn: SignInSettings | null): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    const permission = route.config?.permission;
    if (permission === undefined)
      throw new Error(`The route ${String(route.method)} ${route.url} names no permission; give it one in its config.`);
    // For the description: who may call it, and what a refusal looks like.
    const response = { ...(route.schema?.response as object | undefined), '4xx': ProblemDocument, '5xx': ProblemDocument };
    const description =
      permission === 'nobody' || permission === 'any'
        ? {}
        : { description: `Needs ${permission}, which begins with ${PERMISSIONS[permission]}.` };
    route.schema = { ...description, ...route.schema, response, security: permission === 'nobody' ? [] : [{ token: [] }, { session: [] }] };
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
    const needed = request.routeOptions.config.permission;
    if (needed === 'nobody') return;
    const { authorization } = request.headers;
    const secure = origins()[0]?.startsWith('https:') ?? false;
    const cookie = signIn && authorization === undefined ? readCookie(request.headers.cookie, 'session', secure) : null;
    if (authorization === undefined && cookie === null) throw new Problem('no-token');
    const secret = cookie ?? BEARER.exec(authorization ?? '')?.[1] ?? '';
    const caller = SESSION.test(secret) ? await bySession(secret) : cookie === null ? await byToken(secret) : null;
    if (!caller) {
      admission.charge(request.ip, WRONG_TOKEN);
      throw new Problem(cookie === null && !SESSION.test(secret) ? 'token-refused' : 'session-over');
    }
    // A browser sends its cookie along whoever asks; nobody sends a header of ours without meaning it.
    if (cookie !== null && caller.session && !SAFE_METHODS.has(request.method) && !isOurs(request, origins(), caller.session.csrf))
      throw new Problem('other-origin');
    request.caller = caller;
    if (needed !== 'any' && !may(caller, needed)) throw new Problem('forbidden', { detail: `It needs ${needed ?? 'what nobody has'}.` });
  });

  async function byToken(token: string): Promise<Caller | null> {
    const found = token === '' ? null : await findToken(db, token, now());
    return found && { ...found, kind: 'token', actor: `${found.role}:${found.id}`, session: null };
  }

  async function bySession(secret: string): Promise<Caller | null> {
    if (!signIn) return null;
    const found = await findSession(db, secret, { issuer: signIn.issuer, idleMs: signIn.idleMinutes * 60_000 }, now());
    if (!found) return null;
    const { id, role, person, expiresAt } = found;
    return { kind: 'session', id, role, scopes: null, person, actor: `${role}:${person}`, session: { expiresAt, csrf: csrfOf(secret) } };
  }
}

/** Of the session's secret, so that it needs no storing; says nothing of it. */
const csrfOf = (secret: string) => createHash('sha256').update(`csrf ${secret}`).digest('base64url');

/** Whether a page of this collector made the request. What a browser says of it counts; without its word, the token that only such a page can read. */
function isOurs({ headers }: FastifyRequest, known: readonly string[], csrf: string): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin !== undefined) return known.some((one) => new URL(one).origin === origin);
  if (site !== undefined) return true;
  const [given, wanted] = [Buffer.from(String(headers['muster-csrf'] ?? '')), Buffer.from(csrf)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export function may({ role, scopes }: Pick<Caller, 'role' | 'scopes'>, needed: Permission | 'nobody' | undefined): boolean {
  return needed !== undefined && needed !== 'nobody' && atLeast(role, PERMISSIONS[needed]) && (scopes === null || scopes.includes(needed));
}

/** Throws where the route was reached without the guard, which is a bug. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (!caller) throw new Error('A route of the admin API was reached without a caller.');
  return caller;
}

/** The version that `If-Match` names. Throws the problems `if-match-missing` and `changed-meanwhile`. */
export function matched(request: FastifyRequest): number {
  const header = request.headers['if-match'];
  if (header === undefined) throw new Problem('if-match-missing');
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(header.trim())?.[1];
  if (version === undefined) throw new Problem('changed-meanwhile');
  return Number(version);
}

export const etag = (version: number): string => `"${version}"`;
