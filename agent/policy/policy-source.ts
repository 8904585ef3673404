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
 *
 * That order is why this is one file, somewhat long: every function here touches what is in force, and only where all of them stand together can it be
 * seen that none does so out of turn. What is judged without touching it (`proven.ts`, `weigh.ts`, `floor.ts`, `policy-file.ts`) stands apart.
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { PolicyTrust } from '../../electron/contract.ts';
import { readSmall } from '../observe/read.ts';
import type { Problems } from '../problems.ts';
import { DatabaseError } from '../sqlite.ts';
import type { TrustRows } from '../store/trust-rows.ts';
import type { Grant } from './decide.ts';
import { type DocumentKind, KINDS, MAX_CHARS, NAME, type PublicKey, thumbprint } from './documents.ts';
import { type Floor, NO_FLOOR, readFloor, setFloorAside, writeFloor } from './floor.ts';
import type { Policy, parsePolicy } from './policy.ts';
import { createPolicyFile, type LoadedPolicy, type PolicyFile } from './policy-file.ts';
import type { Held, HeldAll, Roots } from './proven.ts';
import { readRootKeys, rootKeysFile } from './root-keys.ts';
import type { Incoming, Outcome, Weighed } from './weigh.ts';

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

export type SignedPolicySource = Required<PolicySource> & {
  reload(): Promise<LoadedPolicy>;
  /** Documents as they came, all at once: a key set is in force for what comes with it. Throws a `DatabaseError`, and has changed nothing then. */
  accept(incoming: Incoming): Promise<readonly Outcome[]>;
  /** What `accept` would answer now; changes nothing. */
  weigh(incoming: Incoming): Promise<readonly Outcome[]>;
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

const INBOX: Readonly<Record<DocumentKind, string>> = { keySet: 'keyset.jws', policy: 'policy.jws', grants: 'grants.jws' };

/** How far ahead a server's clock may be where no key set says better. */
const SKEW_MS = 24 * 3_600_000;
const NOTHING: HeldAll = { keySet: null, policy: null, grants: null };

/** Reads nothing yet; `reload` does. */
export function createPolicySource(parts: PolicySourceParts): SignedPolicySource {
  const { dataDir, known, problems, store, device } = parts;
  const plainFile = path.join(dataDir, 'policy.json');
  const plain = createPolicyFile(plainFile, known, problems, {
    file: path.join(dataDir, 'policy-last-good.json'),
    readOnly: parts.readOnly === true,
  });
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

  /** Takes up what is in force, from the database, against the roots as they are now. Until it is known, what was in force is. */
  async function load(): Promise<void> {
    const key = anchorKey();
    const proving = baseRoots();
    const { floor: read, state } = readFloor(dataDir);
    const rows = proving === null ? [] : store.trusted();
    const wanted = parts.anchor().audience;
    const found =
      proving === null
        ? null
        : await (await import('./proven.ts')).proveStored({ rows, floor: read, roots: proving.keys, audience: wanted, device, known });
    // From here on nothing is waited for, so that nobody sees the one half of it.
    anchored = key;
    base = proving;
    stored = read;
    held = found?.held ?? NOTHING;
    roots = found?.roots ?? { now: [], all: [] };
    audience = found?.audience ?? null;
    floor = found?.floor ?? { ...NO_FLOOR, serverTime: read.serverTime };
    if (base === null) plain.reload();
    problems.clear('policy-not-proven');
    for (const { kind, why } of found?.issues ?? [])
      problems.raise({ code: 'policy-not-proven', path: kind, detail: why }, `The stored ${NAME[kind]}`);
    if (state === 'damaged' || (state === 'absent' && rows.length > 0)) {
      const aside = state === 'damaged' && !parts.readOnly ? setFloorAside(dataDir, parts.now()) : null;
      problems.raise({ code: 'trust-floor-lost', path: aside, ...(state === 'damaged' ? { detail: 'it was damaged' } : {}) });
    }
    if (!parts.readOnly && held.keySet !== null && (state !== 'read' || JSON.stringify(floor) !== JSON.stringify(read))) keep(floor);
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

  async function weighed(incoming: Incoming): Promise<Weighed> {
    const { weigh } = await import('./weigh.ts');
    const scales = { device, known, tried: parts.tried ?? (() => null), now: now(), acceptedAt: parts.now().toISOString() };
    return weigh(incoming, { held, roots, floor: { ...floor, audience } }, scales);
  }

  async function take(incoming: Incoming): Promise<readonly Outcome[]> {
    const { unprovable } = await import('./weigh.ts');
    if (base === null) return unprovable(incoming);
    const next = await weighed(incoming);
    if (next.rows.length > 0) {
      store.trust(next.rows);
      ({ held, roots } = next);
      audience = next.floor.audience;
      keep(next.floor);
    }
    for (const outcome of next.outcomes) {
      if (outcome.kind === 'policy') applied = outcome;
      if (outcome.error) refusedLast = { document: outcome.kind, ...outcome.error, at: parts.now().toISOString() };
    }
    return next.outcomes;
  }

  /** The files beside `policy.json`, all of them where one has changed: a key set that came later may prove what was refused before. */
  async function takeInbox(): Promise<void> {
    const before = KINDS.map((kind) => stampOf(path.join(dataDir, INBOX[kind]))).join(' ');
    if (before === inbox && !isAnyRefused) return;
    const incoming: { [Kind in DocumentKind]?: string } = {};
    const wrong = new Map<DocumentKind, string>();
    for (const kind of KINDS) {
      // A little more than may be: what is too long is refused by name.
      const read = readSmall(path.join(dataDir, INBOX[kind]), MAX_CHARS + 1024);
      if (read.ok) incoming[kind] = read.bytes.toString('latin1').trim();
      else if (read.why !== 'absent') wrong.set(kind, `it can’t be read (${read.detail})`);
    }
    for (const { kind, error } of await take(incoming)) if (error !== null) wrong.set(kind, error.reason.replace(/\.$/, ''));
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
    accept: (incoming) =>
      inTurn(async () => {
        if (anchored !== anchorKey()) await load();
        return take(incoming);
      }),
    weigh: (incoming) =>
      inTurn(async () => (base === null ? (await import('./weigh.ts')).unprovable(incoming) : (await weighed(incoming)).outcomes)),
    noteServerTime(at) {
      // A server that tells of a far future must not end every document that is still to come: the next key set has to find its way in.
      const latest = held.keySet === null ? parts.now().getTime() + SKEW_MS : Date.parse(held.keySet.document.expiresAt) - 1;
      const told = Math.min(at.getTime(), latest);
      if (floor.serverTime !== null && Date.parse(floor.serverTime) >= told) return;
      const serverTime = new Date(told).toISOString();
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

/** Changes with every change of the file; empty where there is none. */
function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return '';
  }
}
