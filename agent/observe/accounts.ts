/**
 * With which account and on which plan a tool is signed in, as far as a file of its own says so. Tokens that stand in such a file are held here, in
 * memory, while it is read, and go no further: what leaves is a tier's id, an organization's name, a domain, and where it was read.
 */
import { lstatSync, statSync } from 'node:fs';
import path from 'node:path';
import type { AccountProbe, Family } from '../../native-catalog/schema.ts';
import { holdsSecret } from '../mcp/secrets.ts';
import { decode, isMap, lookUp } from '../mcp/text.ts';
import { asksOnMac } from './mac-privacy.ts';
import type { AccountFact, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { readSmall } from './read.ts';
import { readStateRows } from './state-db.ts';

export type ProbedTool = {
  readonly tool: string;
  /** Whose tiers the probe speaks of; null: there are none, and no tier is told. */
  readonly family: Pick<Family, 'tiers'> | null;
  readonly probe: AccountProbe;
};

export type AccountLook = {
  /** One a file, in the order of the homes and probes. */
  readonly facts: readonly AccountFact[];
  /** `config-unreadable`, `config-refused`, `config-not-owned`, `home-not-owned` (then `path` is the home) or `not-looked-at`. */
  readonly troubles: readonly Trouble[];
  /** Files (absolute) that are there and could not be read: what they said before still holds. A home's path stands for all that is in it. */
  readonly incomplete: readonly string[];
};

export type AccountObserver = {
  /** Reads the files that exist, and none of those that are as they were at the look before. Never throws. */
  look(): AccountLook;
};

const maximumBytes = 8 * 1024 * 1024;

/** What one file says, but for whose it is; null: nobody is signed in. */
type Said = Pick<AccountFact, 'tier' | 'organization' | 'domain' | 'personal' | 'builtInto'> | null;
type Read = { said: Said } | { trouble: Trouble } | { busy: true };

export function createAccountObserver(
  os: Os,
  { homes: given, probes }: { readonly homes: readonly string[]; readonly probes: readonly ProbedTool[] },
): AccountObserver {
  const homes = [...new Set(given.map((home) => path.resolve(home)))];
  /** What each file said, while it is the same file. */
  const known = new Map<string, { readonly stamp: string; readonly read: Read }>();

  /** The paths at which a probe finds its file: the moved one beside the usual one, for the variable that this program sees need not be the tool's. */
  function pathsOf({ path: places, movedBy, replacedBy }: AccountProbe, home: string): string[] {
    const placeOf = (written: string | undefined) =>
      written === undefined || isSystemPlace(written) ? null : resolvePlace(written, os, home);
    const later = placeOf(replacedBy?.[os.platform]);
    if (later !== null && stampOf(later) !== null) return [];
    const found = [placeOf(places[os.platform]), placeOf(movedBy?.path)].filter((at) => at !== null);
    return [...new Set(found)];
  }

  return {
    look() {
      const facts = new Map<string, AccountFact>();
      const troubles = new Map<string, Trouble>();
      const incomplete = new Set<string>();
      for (const home of homes) {
        if (!isOwn(os, home, statSync)) {
          troubles.set(home, { code: 'home-not-owned', path: home });
          incomplete.add(home);
          continue;
        }
        for (const [index, { tool, family, probe }] of probes.entries()) {
          for (const source of pathsOf(probe, home)) {
            const stamp = stampOf(source);
            const key = `${index}\0${home}\0${source}`;
            if (stamp === null) {
              known.delete(key);
              continue;
            }
            const before = known.get(key);
            const read = before?.stamp === stamp ? before.read : readProbe(os, source, probe, family, homes);
            // What is being written is read again, whatever its time says.
            if ('busy' in read) known.delete(key);
            else known.set(key, { stamp, read });
            if ('busy' in read || 'trouble' in read) incomplete.add(source);
            if ('trouble' in read) troubles.set(source, read.trouble);
            // Of two probes of one file the first that knows somebody speaks for it.
            if ('said' in read && read.said && !facts.has(`${tool}\0${home}\0${source}`)) {
              facts.set(`${tool}\0${home}\0${source}`, { tool, ...read.said, source, home, uncertain: probe.uncertain === true });
            }
          }
        }
      }
      return { facts: [...facts.values()], troubles: [...troubles.values()], incomplete: [...incomplete] };
    },
  };
}

/** A file's identity, with its write-ahead log's where it is a database; null where there is none or it can't be asked. */
function stampOf(file: string): string | null {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (!stats) return null;
    const log = /\.(vscdb|sqlite3?|db)$/.test(file) ? statSync(`${file}-wal`, { throwIfNoEntry: false }) : undefined;
    // The time of its record too: a right that was given changes no content.
    return [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs, log?.size, log?.mtimeMs].join(':');
  } catch (error) {
    // A loop of links or a folder that may not be entered: reading it says which.
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOTDIR' ? null : `unknown ${code}`;
  }
}

function readProbe(os: Os, file: string, probe: AccountProbe, family: ProbedTool['family'], homes: readonly string[]): Read {
  const refused = (code: string, detail?: string): Read => ({ trouble: { code, path: file, ...(detail === undefined ? {} : { detail }) } });
  // A link may lead there: people keep their settings in a folder of Documents.
  if (asksOnMac(os, file, homes)) return refused('not-looked-at');
  if (!isOwn(os, file)) return refused('config-not-owned');
  if (probe.rows) {
    const rows = readStateRows(file, probe.rows);
    if (rows.state === 'busy') return { busy: true };
    if (rows.state === 'refused') return refused('config-refused', rows.detail);
    return { said: rows.state === 'absent' ? null : said(valueOfRows(rows.values), probe, family) };
  }
  const read = readSmall(file, maximumBytes);
  if (!read.ok) return read.why === 'absent' ? { said: null } : refused('config-refused', read.detail);
  // A link of the caller's own may lead to a file of the system, but not to another person's.
  const { uid } = os.user;
  if (uid !== null && read.uid !== uid && (uid === 0 || read.uid !== 0)) return refused('config-not-owned');
  const decoded = decode(probe.format, read.bytes);
  if (!decoded.ok) return refused('config-unreadable', decoded.detail);
  const value = probe.jwt ? payloadOf(first(decoded.value, probe.jwt)) : decoded.value;
  return { said: said(value, probe, family) };
}

/** Each row under its name. Of several that a `*` found, only what they all say alike: which of them is signed in, the file doesn't tell. */
function valueOfRows(rows: ReadonlyMap<string, readonly Buffer[]>): unknown {
  const names = [...rows].map(([name, values]): [string, unknown] => [name, values.map(valueOfRow).reduce(alike, undefined)]);
  return Object.fromEntries(names);
}

function alike(one: unknown, other: unknown): unknown {
  if (one === undefined || one === other) return other;
  if (!isMap(one) || !isMap(other)) return null;
  return Object.fromEntries(Object.entries(one).filter(([key, value]) => Object.hasOwn(other, key) && other[key] === value));
}

/** Editors write these in UTF-8, and one of them in UTF-16. */
function valueOfRow(bytes: Buffer): unknown {
  const wide = bytes.length >= 2 && bytes.length % 2 === 0 && (bytes[1] === 0 || (bytes[0] === 0xff && bytes[1] === 0xfe));
  const text = new TextDecoder(wide ? 'utf-16le' : 'utf-8').decode(bytes);
  const decoded = decode('json', Buffer.from(text));
  return decoded.ok && decoded.value !== null ? decoded.value : text;
}

/** Claims are some hundred bytes. */
const maximumClaims = 64 * 1024;

/**
 * The claims of a JWT, unverified: the file belongs to the person who is asked about, and nothing is granted for what it says. Undefined for anything
 * else; the header and the signature are not looked at.
 */
function payloadOf(token: unknown): unknown {
  if (typeof token !== 'string' || token.length > maximumClaims) return undefined;
  const parts = token.split('.');
  const [, claims] = parts;
  if (parts.length !== 3 || !claims || !/^[A-Za-z0-9_-]+={0,2}$/.test(claims)) return undefined;
  const decoded = decode('json', Buffer.from(claims, 'base64url'));
  return decoded.ok && isMap(decoded.value) ? decoded.value : undefined;
}

/** The named fields of a file's value; everything else in it ends here. */
function said(value: unknown, probe: AccountProbe, family: ProbedTool['family']): Said {
  if (value === undefined || (probe.signedIn && isEmpty(first(value, probe.signedIn)))) return null;
  if (probe.signedOut?.is.includes(word(first(value, probe.signedOut.at)) ?? '')) return null;
  const tier = tierOf(value, probe, family);
  const personal = personalOf(value, probe, tier?.for);
  return {
    tier: tier?.id ?? null,
    organization: personal === true || !probe.organization ? null : organizationOf(first(value, probe.organization)),
    domain: probe.email ? domainOf(firstThere(value, probe.email)) : null,
    personal,
    ...(probe.proves && !isEmpty(first(value, probe.proves.at)) ? { builtInto: probe.proves.program } : {}),
  };
}

function tierOf(value: unknown, { tier }: AccountProbe, family: ProbedTool['family']): Family['tiers'][number] | null {
  if (!tier) return null;
  for (const at of [tier.at, ...(tier.also ?? [])]) {
    const named = word(first(value, at))?.toLowerCase();
    const id = named !== undefined && Object.hasOwn(tier.is, named) ? tier.is[named] : undefined;
    if (id !== undefined) return family?.tiers.find((one) => one.id === id) ?? null;
  }
  return null;
}

function personalOf(value: unknown, { personal }: AccountProbe, contract: 'person' | 'organization' | undefined): boolean | null {
  if (contract !== undefined) return contract === 'person';
  if (typeof personal !== 'object') return personal ?? null;
  const named = word(first(value, personal.at))?.toLowerCase();
  return (named !== undefined && Object.hasOwn(personal.is, named) ? personal.is[named] : undefined) ?? null;
}

const maximumName = 100;

/** A name as it may be shown, on one line; null for one that names a person (`ada@example.com's Organization`) or holds a secret. */
function organizationOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 1000) return null;
  const name = value.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  const namesPerson = name.includes('@') || /['’]s (?:individual )?(?:org(?:ani[sz]ation)?|workspace|team)$/i.test(name);
  return name === '' || namesPerson || holdsSecret(name) ? null : name.slice(0, maximumName);
}

/** What follows the `@`, where it is the name of a host. */
function domainOf(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 320) return null;
  const domain = /^[^@\s]+@((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63})$/u.exec(value.trim())?.[1];
  return domain === undefined || holdsSecret(domain) ? null : domain.toLowerCase();
}

function firstThere(
  value: unknown,
  { at, also = [] }: { at: readonly string[]; also?: readonly (readonly string[])[] | undefined },
): unknown {
  return [at, ...also].map((keys) => first(value, keys)).find((found) => !isEmpty(found));
}

function first(value: unknown, at: readonly string[]): unknown {
  return lookUp(value, at)[0]?.value;
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 200 ? value.trim() : typeof value === 'number' ? String(value) : undefined;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === false || (isMap(value) && Object.keys(value).length === 0);
}

/** Whether what lies at a path, a link itself, is the caller's; true where Windows has no such owner, and where it can't be asked: reading it says why. */
function isOwn(os: Os, file: string, ask: typeof lstatSync | typeof statSync = lstatSync): boolean {
  const { uid } = os.user;
  if (uid === null) return true;
  try {
    const owner = ask(file, { throwIfNoEntry: false })?.uid;
    return owner === undefined || owner === uid;
  } catch {
    return true;
  }
}
