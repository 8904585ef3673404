/** What one kind of host works with while it looks for extensions, and the few ways in which what a record says may be repeated. */
import { blankText, holdsSecret } from '../../mcp/secrets.ts';
import type { HomeReader } from '../home-reader.ts';
import { plainName } from '../installed/look.ts';
import type { ExtensionHost, ExtensionObservation, SiteObservation } from '../observation.ts';

export type ExtensionSource = (look: Look) => void;

export type Look = {
  readonly reader: HomeReader;
  /** Whether the catalog knows the extension. */
  wants(host: ExtensionHost, id: string, folder: string | null): boolean;
  found(observation: ExtensionObservation | SiteObservation): void;
};

export type Profile = ExtensionObservation['profiles'][number];

/** The state of all profiles together: on where it is on in one of them, off where it is off in all, else not known. */
export function together(profiles: readonly Profile[]): boolean | null {
  if (profiles.some(({ enabled }) => enabled === true)) return true;
  return profiles.length > 0 && profiles.every(({ enabled }) => enabled === false) ? false : null;
}

/** An identifier in its usual letters; null for what is none. */
export function plainId(value: unknown): string | null {
  return typeof value === 'string' && /^[\w{}@.$:+~ -]{1,200}$/.test(value) && value.trim() === value ? value : null;
}

/** A profile's name as it may be shown, or else `fallback`: browsers may name one after the e-mail address of its account. */
export function profileName(value: unknown, fallback: string): string {
  const name = plainName(value)?.slice(0, 60) ?? null;
  if (name === null || name.includes('@')) return fallback;
  return /^[\p{L} ]{1,20}\d{0,3}$/u.test(name) ? name : blankText(name);
}

/** More hosts than this say nothing that these don't. */
const maximumPermissions = 100;

/** The hosts whose pages an extension may read or change, sorted, each once; what stands behind a host is widened to all of it, and what is no host is left out. */
export function hostPermissions(given: readonly unknown[]): string[] {
  const found = new Set<string>();
  for (const pattern of given) {
    if (typeof pattern !== 'string' || pattern.length > 2000) continue;
    if (pattern === '<all_urls>') found.add(pattern);
    const [, scheme, host] = /^(\*|https?|wss?|ftp|file):\/\/(?:[^/?#@]*@)?([^/?#@]*)(?:[/?#]|$)/i.exec(pattern) ?? [];
    if (scheme === undefined || host === undefined) continue;
    if (/^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)?(:[\d*]+)?$/i.test(host) && host.length <= 253 && !holdsSecret(host)) {
      found.add(`${scheme}://${host}/*`.toLowerCase());
    }
    if (found.size >= maximumPermissions) break;
  }
  return [...found].sort();
}

/** What is parsed whole may take forty times its size, where somebody has made it for that. */
const maximumParsed = 4 * 1024 * 1024;

/** A JSON value of a record; undefined for what is none. Not `decode`: these are machines' files, without comments. */
export function json(bytes: Buffer): unknown {
  if (bytes.length > maximumParsed) return undefined;
  try {
    return JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
  } catch {
    // The parser's message quotes the file, so it is not kept.
    return undefined;
  }
}
