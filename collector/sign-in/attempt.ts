/**
 * One attempt to sign in, between the browser's leaving for the issuer and its coming back. It stands in a cookie of the browser alone, so nobody can fill the
 * collector with attempts and any replica can end one that another began: state, nonce and the code verifier are derived from its random part.
 */
import { createHmac, randomBytes } from 'node:crypto';

export type Attempt = {
  /** The cookie's value. */
  readonly cookie: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Tells this attempt from others; says nothing of the rest. */
  readonly id: string;
  /** A path of this collector. */
  readonly returnTo: string;
};

export const ATTEMPT_SECONDS = 600;

export function newAttempt(returnTo: string, now: Date): Attempt {
  return derived(randomBytes(32).toString('base64url'), Math.floor(now.getTime() / 1000), returnTo);
}

/** Null: not one of ours, or older than ten minutes. */
export function readAttempt(cookie: string | null, now: Date): Attempt | null {
  const [, seed, began, returnTo] = /^([A-Za-z0-9_-]{43})\.(\d{10})\.([A-Za-z0-9_-]{0,2000})$/.exec(cookie ?? '') ?? [];
  if (seed === undefined || began === undefined || returnTo === undefined) return null;
  const age = now.getTime() / 1000 - Number(began);
  if (age < -1 || age > ATTEMPT_SECONDS) return null;
  return derived(seed, Number(began), localPath(Buffer.from(returnTo, 'base64url').toString('utf8')));
}

function derived(seed: string, began: number, returnTo: string): Attempt {
  const cookie = `${seed}.${began}.${Buffer.from(returnTo, 'utf8').toString('base64url')}`;
  const derive = (what: string) => createHmac('sha256', seed).update(`${what} ${cookie}`).digest('base64url');
  return { cookie, state: derive('state'), nonce: derive('nonce'), verifier: derive('verifier'), id: derive('id'), returnTo };
}

/** Where a browser that names no path of this collector is sent. */
const HOME = '/docs';

/** A path of this collector with its query; whatever else was asked for, as another host, becomes the page that begins. */
export function localPath(asked: string | undefined): string {
  // No backslash, for browsers read it as a slash; no control character, for they leave it out.
  if (asked === undefined || asked.length > 1000 || !/^\/(?![/\\])[\u0021-\u005b\u005d-\u007e]*$/.test(asked)) return HOME;
  const here = 'http://collector.invalid';
  const { origin, pathname, search } = new URL(asked, here);
  return origin === here && !pathname.startsWith('//') ? `${pathname}${search}` : HOME;
}
