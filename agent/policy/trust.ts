/**
 * Whether a signed document may come into force: who signed it, for whom, when, and that it is not older than what was here before. Pure: it reads
 * nothing and remembers nothing.
 *
 * Compact JWS, Ed25519 alone, by `jose`. A root key signs the key set, and a key of the key set in force signs policy and grants. The protected header
 * holds `alg`, `kid` (the thumbprint of the key), `typ`, and for policy and grants `keySet`, the revision of the key set that they were signed under,
 * and nothing else: nothing that could bring a key or an address with it is ever looked at.
 */
import { createHash } from 'node:crypto';
import { compactVerify } from 'jose';
import {
  type DocumentKind,
  type Documents,
  type KeySet,
  MAX_CHARS,
  NAME,
  type PublicKey,
  readPayload,
  TYP,
  thumbprint,
} from './documents.ts';
import { compareMarks, type Floor, type Mark } from './floor.ts';

export type RefusalCode =
  | 'too-large'
  | 'not-jws'
  | 'truncated'
  | 'wrong-header'
  | 'wrong-alg'
  | 'wrong-typ'
  | 'no-key-set'
  | 'unknown-key'
  | 'key-set-ahead'
  | 'key-set-expired'
  | 'bad-signature'
  | 'not-understood'
  | 'wrong-audience'
  | 'wrong-device'
  | 'absurd-rev'
  | 'issued-in-future'
  | 'expired'
  | 'rollback'
  | 'same-rev-other-content'
  | 'trial-failed';

/** `reason` is one sentence without anything of the document but its numbers and times. */
export type Refused = { readonly ok: false; readonly code: RefusalCode; readonly reason: string };

export type Verified<Kind extends DocumentKind = DocumentKind> = {
  readonly ok: true;
  readonly kind: Kind;
  readonly mark: Mark;
  /** Thumbprint of the key that signed it. */
  readonly signer: string;
  /** The payload as it was signed; of a policy, what `parsePolicy` is to read. */
  readonly text: string;
  readonly document: Documents[Kind];
};

/** What a document is held against. */
export type TrustState = {
  /** The root keys that may sign a key set now. */
  readonly roots: readonly PublicKey[];
  /** The key set in force; null before the first. */
  readonly keySet: KeySet | null;
  /** Whose documents are taken; null: not known yet, and the first key set says it. */
  readonly audience: string | null;
  readonly device: string;
  readonly floor: Pick<Floor, DocumentKind>;
};

/** Clocks of offices differ, and one that is a day off is wrong. */
const SKEW_MS = 24 * 3_600_000;
/** An Ed25519 signature has 64 bytes. */
const SIGNATURE_CHARS = 86;
const HEADER = new Set(['alg', 'kid', 'typ', 'keySet']);
const ALGORITHMS = ['Ed25519', 'EdDSA'];

/**
 * All questions at once, cheapest first; the signature comes before anything that the document says of itself. One that is in force already passes
 * again. Never throws.
 */
export async function verify<Kind extends DocumentKind>(
  kind: Kind,
  jws: string,
  state: TrustState,
  now: Date,
): Promise<Verified<Kind> | Refused> {
  const signed = await verifySignature(kind, jws, state, now);
  if (!signed.ok) return signed;
  const { document, mark } = signed;
  const name = NAME[kind];
  if (state.audience !== null && document.audience !== state.audience)
    return refused('wrong-audience', `The ${name} is for another organization than this computer’s; send it to where it belongs.`);
  if ('device' in document && document.device !== state.device)
    return refused('wrong-device', 'The list of grants is for another device; send each device its own.');
  if (Date.parse(document.issuedAt) - now.getTime() > SKEW_MS)
    return refused(
      'issued-in-future',
      `The ${name} was issued at ${document.issuedAt}, which is more than a day from now; check this computer’s clock and the signer’s.`,
    );
  if (Date.parse(document.expiresAt) <= now.getTime())
    return refused('expired', `The ${name} of revision ${mark.rev} expired at ${document.expiresAt}; sign it anew with a later end.`);
  return notBelow(kind, signed, state.floor[kind]);
}

/** Signature and form alone, without a question about time, revision or addressee: for what was in force before. Never throws. */
export async function verifySignature<Kind extends DocumentKind>(
  kind: Kind,
  jws: string,
  { roots, keySet }: Pick<TrustState, 'roots' | 'keySet'>,
  now: Date | null,
): Promise<Verified<Kind> | Refused> {
  const name = NAME[kind];
  const header = readHeader(kind, jws);
  if ('ok' in header) return header;
  if (kind !== 'keySet') {
    if (keySet === null) return refused('no-key-set', `The ${name} can’t be checked before there is a key set; send the key set first.`);
    if ((header.keySet ?? 0) > keySet.rev)
      return refused(
        'key-set-ahead',
        `The ${name} was signed under key set ${header.keySet}, and the one here is ${keySet.rev}; send the newer key set with it.`,
      );
    if (now !== null && Date.parse(keySet.expiresAt) <= now.getTime())
      return refused(
        'key-set-expired',
        `The key set of revision ${keySet.rev} expired at ${keySet.expiresAt}, so nothing new is taken under it; send a newer one.`,
      );
  }
  const key = (kind === 'keySet' ? roots : (keySet?.keys ?? [])).find((one) => thumbprint(one) === header.kid);
  if (!key) {
    const among = kind === 'keySet' ? 'is none of this computer’s root keys' : 'is not in the key set that is in force here';
    return refused('unknown-key', `The ${name} is signed with a key that ${among}; sign it with one that is.`);
  }
  let payload: Uint8Array;
  try {
    ({ payload } = await compactVerify(jws, { ...key, alg: header.alg }, { algorithms: ALGORITHMS }));
  } catch {
    return refused('bad-signature', `The ${name}’s signature is not of this text; it was changed after it was signed, so send it again.`);
  }
  const text = Buffer.from(payload).toString('utf8');
  const read = readPayload(kind, text);
  if (!read.ok) {
    const absurd = /\brev\b/.test(read.issue) && /<=|>=|[Tt]oo (big|small)/.test(read.issue);
    return absurd
      ? refused('absurd-rev', `The ${name}’s revision is no whole number from 1 to 1,000,000,000; give it the next one.`)
      : refused('not-understood', `The ${name} is not understood (${read.issue.replace(/[.;]$/, '')}); correct it and sign it again.`);
  }
  const { rev } = read.document;
  const hash = createHash('sha256').update(payload).digest('base64url');
  const keySetRev = kind === 'keySet' ? rev : (header.keySet ?? 0);
  return { ok: true, kind, mark: { keySetRev, rev, hash }, signer: header.kid, text, document: read.document };
}

function notBelow<Kind extends DocumentKind>(kind: Kind, verified: Verified<Kind>, floor: Mark | null): Verified<Kind> | Refused {
  if (floor === null) return verified;
  const { mark } = verified;
  const order = compareMarks(mark, floor);
  const shown = (one: Mark) => (kind === 'keySet' ? `${one.rev}` : `${one.rev} under key set ${one.keySetRev}`);
  if (order < 0)
    return refused(
      'rollback',
      `The ${NAME[kind]} of revision ${shown(mark)} is older than revision ${shown(floor)}, which was in force here; sign it with a higher revision.`,
    );
  if (order === 0 && mark.hash !== floor.hash)
    return refused(
      'same-rev-other-content',
      `Another ${NAME[kind]} of revision ${shown(mark)} was in force here; give a changed one the next revision.`,
    );
  return verified;
}

type Header = { readonly alg: string; readonly kid: string; readonly keySet: number | null };

function readHeader(kind: DocumentKind, jws: string): Header | Refused {
  const name = NAME[kind];
  if (jws.length > MAX_CHARS)
    return refused('too-large', `The ${name} has ${jws.length} characters, and ${MAX_CHARS} is the most; shorten it.`);
  const parts = jws.split('.');
  if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){0,4}$/.test(jws) || parts.length > 3)
    return refused('not-jws', `The ${name} is no signed document (a compact JWS); sign it with “muster policy sign”.`);
  const header = objectIn(parts[0] ?? '');
  if (header === null) return refused('not-jws', `The ${name} is no signed document (a compact JWS); sign it with “muster policy sign”.`);
  const { alg, kid, typ, keySet } = header;
  // `none` has an empty signature, which is no cut one.
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg))
    return refused('wrong-alg', `The ${name} is not signed with Ed25519, and nothing else is taken; sign it with “muster policy sign”.`);
  if (parts.length < 3 || (parts[2] ?? '').length < SIGNATURE_CHARS)
    return refused('truncated', `The ${name} ends too early, in the middle of its text or its signature; send it again.`);
  if (typ !== TYP[kind])
    return refused('wrong-typ', `This is signed as something else than a ${name} (typ ${TYP[kind]}); send it as what it is.`);
  const strange = Object.keys(header).find((key) => !HEADER.has(key));
  if (strange !== undefined || typeof kid !== 'string' || !isCount(keySet, kind))
    return refused(
      'wrong-header',
      `The ${name}’s header holds something else than alg, kid, typ and keySet; sign it with “muster policy sign”.`,
    );
  return { alg, kid, keySet: typeof keySet === 'number' ? keySet : null };
}

/** By hand, for `jose` answers nothing at all of a text that was cut. */
function objectIn(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

/** A key set is under itself and names none. */
function isCount(keySet: unknown, kind: DocumentKind): boolean {
  return kind === 'keySet' ? keySet === undefined : Number.isSafeInteger(keySet) && Number(keySet) > 0;
}

export function refused(code: RefusalCode, reason: string): Refused {
  return { ok: false, code, reason };
}

/**
 * Which root keys there are, following the roots' own handing over from `base` on: each step is a key set that one of the roots before it signed. `now` may
 * sign new key sets; `all` may have signed what is in force. A step that doesn't follow is passed over: the settings may be ahead of it.
 */
export async function followRoots(
  base: readonly PublicKey[],
  rotations: readonly string[],
): Promise<{ readonly now: readonly PublicKey[]; readonly all: readonly PublicKey[] }> {
  let now = base;
  const all = [...base];
  for (const jws of rotations) {
    const step = await verifySignature('keySet', jws, { roots: now, keySet: null }, null);
    if (!step.ok || !step.document.nextRoots) continue;
    now = step.document.nextRoots;
    all.push(...now);
  }
  return { now, all };
}
