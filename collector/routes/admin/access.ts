/** Who may call which route of the admin API: a route says its permission, and one that says none is refused when the collector starts. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '../../app.ts';
import { PERMISSIONS, type Permission } from '../../permissions.ts';
import { atLeast } from '../../roles.ts';
import type { Role } from '../../store/schema.ts';
import { findToken } from '../../store/tokens.ts';
import { refusal } from './problems.ts';

export type Caller = {
  readonly token: string;
  readonly role: Role;
  readonly scopes: readonly string[] | null;
  readonly person: string | null;
  /** As the audit names them: `owner:<token id>`. */
  readonly actor: string;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route of the admin API; `any`: whoever has a token. */
    permission?: Permission | 'any';
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** A wrong token costs an address as much as this many requests. */
const WRONG_TOKEN = 20;
const TOKEN = /^Bearer (mst_[A-Za-z0-9_-]{43})$/i;

/** Before the body is read. */
export function guard(app: FastifyInstance, { db, now, admission }: Pick<Context, 'db' | 'now' | 'admission'>): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.permission === undefined)
      throw new Error(`The route ${String(method)} ${url} names no permission; give it one in its config.`);
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
    });
    const { authorization } = request.headers;
    if (authorization === undefined) throw refusal('no-token');
    const token = TOKEN.exec(authorization)?.[1];
    const found = token === undefined ? null : await findToken(db, token, now());
    if (!found) {
      admission.charge(request.ip, WRONG_TOKEN);
      throw refusal('token-refused');
    }
    request.caller = { token: found.id, role: found.role, scopes: found.scopes, person: found.person, actor: `${found.role}:${found.id}` };
    const needed = request.routeOptions.config.permission;
    if (needed !== 'any' && !may(request.caller, needed)) throw refusal('forbidden', `It needs ${needed ?? 'what no token has'}.`);
  });
}

export function may({ role, scopes }: Pick<Caller, 'role' | 'scopes'>, needed: Permission | undefined): boolean {
  return needed !== undefined && atLeast(role, PERMISSIONS[needed]) && (scopes === null || scopes.includes(needed));
}

/** Throws where the route was reached without the guard, which is a bug. */
export function callerOf({ caller }: Pick<FastifyRequest, 'caller'>): Caller {
  if (!caller) throw new Error('A route of the admin API was reached without a caller.');
  return caller;
}

/** The version that `If-Match` names. Throws the problems `if-match-missing` and `changed-meanwhile`. */
export function matched(request: FastifyRequest): number {
  const header = request.headers['if-match'];
  if (header === undefined) throw refusal('if-match-missing');
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(header.trim())?.[1];
  if (version === undefined) throw refusal('changed-meanwhile');
  return Number(version);
}

export const etag = (version: number): string => `"${version}"`;
