/**
 * Where the policy and the grants in force come from: signed documents as soon as a root key is known, and a plain file only until then.
 *
 * Signed documents arrive by `accept` (from a collector), or as `keyset.jws`, `policy.jws` and `grants.jws` beside `policy.json` in the data folder; those
 * files stay where they are and are read again when they change. What is in force stands in the database as it came and is verified again at every
 * start, so that a changed database puts nothing into force.
 *
 * The order of a swap: verify, parse, try, one transaction (on the disk), then the floor (on the disk), then memory. Killed before the transaction's
 * end, the old documents are in force, and after it the new ones. Killed between transaction and floor, the floor is one step behind what is in force,
 * and the next start raises it to that: it never falls, and nothing is reported as applied before both are written. The other order would leave a
 * floor above the stored documents, which no restart could tell from a database that somebody has put back.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { PolicyTrust } from '../../electron/contract.ts';
import { readSmall } from '../observe/read.ts';
import type { Problems } from '../problems.ts';
import { DatabaseError } from '../sqlite.ts';
import type { TrustedRow, TrustRows } from '../store/trust-rows.ts';
import type { Grant } from './decide.ts';
import { type DocumentKind, type Documents, type KeySet, KINDS, MAX_CHARS, NAME, type PublicKey, thumbprint } from './documents.ts';
import { compareMarks, type Floor, NO_FLOOR, raised, readFloor, setFloorAside, writeFloor } from './floor.ts';
import { type Policy, parsePolicy } from './policy.ts';
import { createPolicyFile, type LoadedPolicy, type PolicyFile } from './policy-file.ts';
import { readRootKeys, rootKeysFile } from './root-keys.ts';
import type { RefusalCode, Verified } from './trust.ts';

/** What the agent asks. A plain file (`createPolicyFile`) is one too. */
export type PolicySource = Pick<PolicyFile, 'current' | 'changed' | 'parse'> & {
  reload(): LoadedPolicy | Promise<LoadedPolicy>;
  /** What is granted to this device; also what has ended. */
  grants?(): readonly Grant[];
  /** The last time that a server told: it is not earlier than this. */
  serverTime?(): Date | null;
  trust?(): Trust | null;
};

/** What may be told of the trust: to the window, to `doctor`, and to the collector. Null where no root key is known. */
export type Trust = PolicyTrust & {
  readonly rootsFrom: string;
  readonly rootIds: readonly string[];
  readonly audience: string | null;
  readonly revs: { readonly [Kind in DocumentKind]: number | null };
  /** Of the last policy that came since the start. */
  readonly applied: Outcome | null;
};

/** What became of a document; `rev` is null where it could not be read. */
export type Outcome = {
  readonly kind: DocumentKind;
  readonly rev: number | null;
  readonly status: 'applied' | 'unchanged' | 'refused';
  readonly error: { readonly code: RefusalCode | 'no-root-key'; readonly reason: string } | null;
};

export type SignedPolicySource = Required<PolicySource> & {
  reload(): Promise<LoadedPolicy>;
  /** Documents as they came, all at once: a key set is in force for what comes with it. Throws a `DatabaseError`, and has changed nothing then. */
  accept(documents: { readonly [Kind in DocumentKind]?: string }): Promise<readonly Outcome[]>;
  /** What `accept` would answer now; changes nothing. */
  weigh(documents: { readonly [Kind in DocumentKind]?: string }): Promise<readonly Outcome[]>;
  noteServerTime(at: Date): void;
};

/** What the managed settings say; `roots` empty where they name none, then the pinned ones count. */
export type Anchor = { readonly roots: readonly PublicKey[]; readonly audience: string | null; readonly from: string };

export type PolicySourceParts = {
  readonly dataDir: string;
  readonly known: Parameters<typeof parsePolicy>[1];
  readonly problems: Problems;
  readonly store: TrustRows;
  /** This device's id. */
  readonly device: string;
  readonly now: () => Date;
  readonly anchor: () => Anchor;
  /** Puts a policy to the test before it counts: why it can't be used, or null. */
  readonly tried?: (policy: Policy) => string | null;
  /** Reads and shows; takes nothing new and writes nothing. */
  readonly readOnly?: boolean;
};

export const INBOX: Readonly<Record<DocumentKind, string>> = { keySet: 'keyset.jws', policy: 'policy.jws', grants: 'grants.jws' };

type Held<Kind extends DocumentKind> = { readonly row: TrustedRow; readonly document: Documents[Kind]; readonly signer: string };
type HeldAll = {
  readonly keySet: Held<'keySet'> | null;
  readonly policy: (Held<'policy'> & { readonly policy: Policy }) | null;
  readonly grants: Held<'grants'> | null;
};
const NOTHING: HeldAll = { keySet: null, policy: null, grants: null };
type Roots = { readonly now: readonly PublicKey[]; readonly all: readonly PublicKey[] };

/** Reads nothing yet; `reload` does. */
export function createPolicySource(parts: PolicySourceParts): SignedPolicySource {
  const { dataDir, known, problems, store, device } = parts;
  const plainFile = path.join(dataDir, 'policy.json');
  const plain = createPolicyFile(plainFile, known, problems);
  const watched = [...KINDS.map((kind) => path.join(dataDir, INBOX[kind])), rootKeysFile(dataDir)];

  let base: { readonly from: string; readonly source: 'managed' | 'pinned'; readonly keys: readonly PublicKey[] } | null = null;
  let roots: Roots = { now: [], all: [] };
  let audience: string | null = null;
  /** What counts here, and what the file holds: another organization's or another root's marks stay in the file until ours are written over them. */
  let floor: Floor = NO_FLOOR;
  let stored: Floor = NO_FLOOR;
  let held: HeldAll = NOTHING;
  let anchored = '';
  let seen = '';
  let applied: Outcome | null = null;
  let refusedLast: PolicyTrust['refused'] = null;
  let isFloorWritten = true;
  let inbox = '';
  /** Time or a newer key set may prove what was refused, so it is tried again with each look. */
  let isAnyRefused = false;

  const now = () => new Date(Math.max(parts.now().getTime(), floor.serverTime === null ? 0 : Date.parse(floor.serverTime)));
  const stamps = () => watched.map(stampOf).join(' ');
  const anchorKey = () => {
    const anchor = parts.anchor();
    return JSON.stringify([anchor.roots, anchor.audience, anchor.from, stampOf(rootKeysFile(dataDir))]);
  };
  const isExpired = () => held.policy !== null && Date.parse(held.policy.document.expiresAt) <= now().getTime();
  const isWithdrawn = (one: Held<DocumentKind> | null) =>
    one !== null && !(held.keySet?.document.keys ?? []).some((key) => thumbprint(key) === one.signer);
  const standing = () => `${isExpired()} ${isWithdrawn(held.policy)}`;
  let stood = standing();
  let plainStood = false;

  function baseRoots(): typeof base {
    const anchor = parts.anchor();
    if (anchor.roots.length > 0) return { from: anchor.from, source: 'managed', keys: anchor.roots };
    const { keys, issue } = readRootKeys(dataDir);
    if (issue) problems.raise({ code: 'root-keys-unusable', path: rootKeysFile(dataDir), detail: issue });
    else problems.clear('root-keys-unusable');
    return keys ? { from: rootKeysFile(dataDir), source: 'pinned', keys } : null;
  }

  /** Takes up what is in force, from the database, against the roots as they are now. */
  async function load(): Promise<void> {
    anchored = anchorKey();
    base = baseRoots();
    held = NOTHING;
    problems.clear('policy-not-proven');
    const { floor: read, state } = readFloor(dataDir);
    stored = read;
    floor = { ...NO_FLOOR, serverTime: read.serverTime };
    if (base === null) return;
    const { followRoots, verifySignature } = await import('./trust.ts');
    roots = await followRoots(base.keys, read.rotations);
    const wanted = parts.anchor().audience;
    const ours =
      (wanted === null || read.audience === null || wanted === read.audience) &&
      (read.root === null || roots.all.some((key) => thumbprint(key) === read.root));
    if (ours) floor = read;
    audience = wanted ?? floor.audience;
    const rows = store.trusted();
    if (state === 'damaged' || (state === 'absent' && rows.length > 0)) {
      const aside = state === 'damaged' && !parts.readOnly ? setFloorAside(dataDir, parts.now()) : null;
      problems.raise({ code: 'trust-floor-lost', path: aside, ...(state === 'damaged' ? { detail: 'it was damaged' } : {}) });
    }

    const unproven = (kind: DocumentKind, why: string) =>
      problems.raise({ code: 'policy-not-proven', path: kind, detail: why.replace(/\.$/, '') }, `The stored ${NAME[kind]}`);
    /** Why it doesn't count, or what it says. */
    const proven = async <Kind extends DocumentKind>(
      kind: Kind,
      row: TrustedRow,
      keySet: KeySet | null,
    ): Promise<Verified<Kind> | null> => {
      const verified = await verifySignature(kind, row.jws, { roots: roots.all, keySet }, null);
      if (!verified.ok) {
        unproven(kind, verified.reason);
        return null;
      }
      if (audience !== null && verified.document.audience !== audience) return null;
      const lowest = floor[kind];
      const order = lowest === null ? 1 : compareMarks(verified.mark, lowest);
      if (order > 0 || (order === 0 && verified.mark.hash === lowest?.hash)) return verified;
      unproven(kind, `revision ${verified.mark.rev} is older than one that was in force here`);
      return null;
    };
    const heldOf = <Kind extends DocumentKind>(row: TrustedRow, { document, signer, mark }: Verified<Kind>): Held<Kind> => ({
      row: { ...row, mark },
      document,
      signer,
    });
    for (const row of [...rows].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))) {
      if (row.kind === 'keySet') {
        const verified = await proven('keySet', row, null);
        if (verified) held = { ...held, keySet: heldOf(row, verified) };
        audience ??= verified?.document.audience ?? null;
        continue;
      }
      const under = row.keySet === null ? null : await verifySignature('keySet', row.keySet, { roots: roots.all, keySet: null }, null);
      if (!under?.ok) {
        unproven(row.kind, 'no root key of this computer has signed the key set that it came with');
        continue;
      }
      if (row.kind === 'grants') {
        const verified = await proven('grants', row, under.document);
        if (verified?.document.device === device) held = { ...held, grants: heldOf(row, verified) };
        continue;
      }
      const verified = await proven('policy', row, under.document);
      const parsed = verified && parsePolicy(verified.text, known);
      // What an older or newer catalog doesn't know was known to the one that took it in.
      const policy = parsed?.ok ? parsed : verified && parsePolicy(verified.text);
      if (verified && policy?.ok) held = { ...held, policy: { ...heldOf(row, verified), policy: policy.policy } };
      else if (verified) unproven('policy', 'this version of Muster doesn’t understand it');
    }
    const root = held.keySet?.signer ?? floor.root;
    const next = { ...raised(floor, marksOf(held)), audience, root };
    if (!parts.readOnly && held.keySet !== null && (state !== 'read' || JSON.stringify(next) !== JSON.stringify(read))) keep(next);
    else floor = next;
  }

  /** A floor that can't be written now is written with the next look: what is in force is kept by the database meanwhile. */
  function keep(next: Floor): void {
    floor = next;
    try {
      writeFloor(dataDir, floor);
      stored = floor;
      isFloorWritten = true;
      problems.clear('trust-floor-unwritten');
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      isFloorWritten = false;
      problems.raise({ code: 'trust-floor-unwritten', path: error.path, detail: error.code });
    }
  }

  /** `dry`: says what would become of them, and changes nothing. */
  async function take(documents: { readonly [Kind in DocumentKind]?: string }, dry = false): Promise<readonly Outcome[]> {
    if (base === null) {
      const reason = 'No root key is known here, so nothing that is signed can be proven; name policyRootKeys in the managed settings.';
      return KINDS.filter((kind) => documents[kind] !== undefined).map((kind) => ({
        kind,
        rev: null,
        status: 'refused',
        error: { code: 'no-root-key', reason },
      }));
    }
    const { verify } = await import('./trust.ts');
    const at = parts.now().toISOString();
    const outcomes: Outcome[] = [];
    const rows: TrustedRow[] = [];
    let next = held;
    let nextRoots = roots;
    let nextFloor = { ...floor, audience };
    for (const kind of KINDS) {
      const jws = documents[kind];
      if (jws === undefined) continue;
      const keySet = next.keySet?.document ?? null;
      const verified = await verify(
        kind,
        jws,
        { roots: nextRoots.now, keySet, audience: nextFloor.audience, device, floor: nextFloor },
        now(),
      );
      const refuse = (code: RefusalCode, reason: string, rev: number | null) => {
        outcomes.push({ kind, rev, status: 'refused', error: { code, reason } });
        if (!dry) refusedLast = { document: kind, code, reason, at };
      };
      if (!verified.ok) {
        // The one in force may have expired, or its key set: that is no news, and no reason to complain of the file that it came in.
        if (isHeld(kind, jws)) outcomes.push({ kind, rev: next[kind]?.row.mark.rev ?? null, status: 'unchanged', error: null });
        else refuse(verified.code, verified.reason, null);
        continue;
      }
      const { mark } = verified;
      if (next[kind]?.row.jws === jws || (next[kind]?.row.mark.hash === mark.hash && compareMarks(next[kind].row.mark, mark) === 0)) {
        outcomes.push({ kind, rev: mark.rev, status: 'unchanged', error: null });
        continue;
      }
      const row: TrustedRow = { kind, mark, jws, keySet: kind === 'keySet' ? null : (next.keySet?.row.jws ?? null), acceptedAt: at };
      const one = { row, document: verified.document, signer: verified.signer };
      if (kind === 'policy') {
        const parsed = parsePolicy(verified.text, known);
        if (!parsed.ok) {
          refuse('not-understood', `The policy of revision ${mark.rev} is not valid: ${parsed.issues[0] ?? 'not as expected'}`, mark.rev);
          continue;
        }
        const trouble = parts.tried?.(parsed.policy) ?? null;
        if (trouble !== null) {
          refuse('trial-failed', `The policy of revision ${mark.rev} can’t be used on this computer: ${trouble}`, mark.rev);
          continue;
        }
        next = { ...next, policy: { ...one, policy: parsed.policy } as NonNullable<HeldAll['policy']> };
      } else next = { ...next, [kind]: one };
      if (kind === 'keySet') {
        const { nextRoots: successors, audience: of } = verified.document as KeySet;
        nextFloor = { ...nextFloor, audience: of, root: verified.signer };
        if (successors) {
          nextRoots = { now: successors, all: [...nextRoots.all, ...successors] };
          nextFloor = { ...nextFloor, rotations: [...nextFloor.rotations, jws] };
        }
      }
      nextFloor = { ...nextFloor, ...raised(nextFloor, { [kind]: mark }) };
      rows.push(row);
      outcomes.push({ kind, rev: mark.rev, status: 'applied', error: null });
    }
    if (dry) return outcomes;
    if (rows.length > 0) {
      store.trust(rows);
      held = next;
      roots = nextRoots;
      audience = nextFloor.audience;
      keep(nextFloor);
    }
    applied = outcomes.find(({ kind }) => kind === 'policy') ?? applied;
    return outcomes;
  }

  const isHeld = (kind: DocumentKind, jws: string) => held[kind]?.row.jws === jws;

  /** The files beside `policy.json`, all of them where one has changed: a key set that came later may prove what was refused before. */
  async function takeInbox(): Promise<void> {
    const before = KINDS.map((kind) => stampOf(path.join(dataDir, INBOX[kind]))).join(' ');
    if (before === inbox && !isAnyRefused) return;
    const documents: { [Kind in DocumentKind]?: string } = {};
    const wrong = new Map<DocumentKind, string>();
    for (const kind of KINDS) {
      // A little more than may be: what is too long is refused by name.
      const read = readSmall(path.join(dataDir, INBOX[kind]), MAX_CHARS + 1024);
      if (read.ok) documents[kind] = read.bytes.toString('latin1').trim();
      else if (read.why !== 'absent') wrong.set(kind, `it can’t be read (${read.detail})`);
    }
    for (const { kind, error } of await take(documents)) if (error !== null) wrong.set(kind, error.reason.replace(/\.$/, ''));
    for (const kind of KINDS) {
      const file = path.join(dataDir, INBOX[kind]);
      const detail = wrong.get(kind);
      if (detail === undefined) problems.clear('policy-refused', file);
      else problems.raise({ code: 'policy-refused', path: file, detail });
    }
    // Only now, for what could not be stored is to be tried again.
    inbox = before;
    isAnyRefused = wrong.size > 0;
  }

  const toggle = (on: boolean, ...trouble: Parameters<Problems['raise']>) =>
    on ? problems.raise(...trouble) : problems.clear(trouble[0].code as Parameters<Problems['clear']>[0]);

  async function refresh(): Promise<LoadedPolicy> {
    seen = stamps();
    if (anchored !== anchorKey() || anchored === '') {
      inbox = '';
      await load();
    }
    if (base === null) {
      problems.clear('policy-unsigned');
      return plain.reload();
    }
    if (!isFloorWritten) keep(floor);
    if (!parts.readOnly) await takeInbox();
    problems.clear('policy-invalid');
    plainStood = stampOf(plainFile) !== '';
    toggle(plainStood, { code: 'policy-unsigned', path: plainFile });
    stood = standing();
    const { policy } = held;
    toggle(isExpired(), { code: 'policy-expired', path: null, detail: policy?.document.expiresAt ?? '' });
    toggle(isWithdrawn(policy), { code: 'policy-key-withdrawn', path: null });
    return current();
  }

  /** One at a time, in the order of asking. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => {});
    return mine;
  };

  const current = (): LoadedPolicy =>
    base === null ? plain.current() : { policy: held.policy?.policy ?? null, source: held.policy ? 'a signed document' : null };

  return {
    current,
    changed: () =>
      stamps() !== seen ||
      anchorKey() !== anchored ||
      (base === null ? plain.changed() : standing() !== stood || (stampOf(plainFile) !== '') !== plainStood),
    reload: () => inTurn(refresh),
    parse: plain.parse,
    // A grant loosens, so one by a key that was withdrawn is no longer one; a policy stays, for without it nothing would be prohibited.
    grants: () => (base === null || isWithdrawn(held.grants) ? [] : (held.grants?.document.grants ?? [])),
    serverTime: () => (floor.serverTime === null ? null : new Date(floor.serverTime)),
    accept: (documents) =>
      inTurn(async () => {
        if (anchored !== anchorKey()) await load();
        return take(documents);
      }),
    weigh: (documents) => inTurn(() => take(documents, true)),
    noteServerTime(at) {
      if (floor.serverTime !== null && Date.parse(floor.serverTime) >= at.getTime()) return;
      const serverTime = at.toISOString();
      if (held.keySet !== null) keep({ ...floor, serverTime });
      else {
        const counts = { ...floor, serverTime };
        keep({ ...stored, serverTime });
        floor = counts;
      }
    },
    trust() {
      if (base === null) return null;
      const { policy } = held;
      return {
        roots: base.source,
        rootsFrom: base.from,
        rootIds: roots.now.map(thumbprint),
        audience,
        revs: {
          keySet: held.keySet?.row.mark.rev ?? null,
          policy: policy?.row.mark.rev ?? null,
          grants: held.grants?.row.mark.rev ?? null,
        },
        keySetRev: held.keySet?.row.mark.rev ?? null,
        state: policy === null ? 'none' : isWithdrawn(policy) ? 'withdrawn' : isExpired() ? 'expired' : 'current',
        issuedAt: policy?.document.issuedAt ?? null,
        acceptedAt: policy?.row.acceptedAt ?? null,
        expiresAt: policy?.document.expiresAt ?? null,
        refused: refusedLast,
        applied,
      };
    },
  };
}

/** What the window is told of it. */
export function shownTrust({ roots, keySetRev, state, issuedAt, acceptedAt, expiresAt, refused }: Trust): PolicyTrust {
  return { roots, keySetRev, state, issuedAt, acceptedAt, expiresAt, refused };
}

function marksOf({ keySet, policy, grants }: HeldAll): Partial<Pick<Floor, DocumentKind>> {
  return { keySet: keySet?.row.mark ?? null, policy: policy?.row.mark ?? null, grants: grants?.row.mark ?? null };
}

/** Changes with every change of the file; empty where there is none. */
function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return '';
  }
}
