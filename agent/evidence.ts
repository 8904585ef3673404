/** The append-only record of what was decided and done: every change is one row, written in the transaction of the change that it tells. */
import type { Device } from '../electron/contract.ts';
import type { DeviceKey } from './device-key.ts';
import {
  BREAKS,
  type Break,
  type Checkpoint,
  canonical,
  checkpointBytes,
  checkpointOf,
  type EvidenceKind,
  type EvidenceRow,
  hashOf,
  NO_HASH,
} from './evidence/chain.ts';
import { readHead, writeHead } from './evidence/head-file.ts';
import { DatabaseError } from './sqlite.ts';
import type { Store } from './store/store.ts';
import type { Names } from './sync/names.ts';

/** One change. What isn't given has nothing to say; `detail` holds names, counts and times, never what somebody typed. */
export type EvidenceEntry = {
  readonly kind: EvidenceKind;
  readonly item?: string | null;
  readonly was?: string | null;
  readonly decision?: string | null;
  readonly rule?: string | null;
  readonly policyRev?: number | null;
  readonly detail?: Readonly<Record<string, unknown>>;
};

export type Note = (entry: EvidenceEntry) => void;

export type EvidenceLog = {
  /**
   * Runs `work` in one transaction, with the rows for what it notes, and has both on the disk when it returns. Whatever throws, nothing of
   * either was written. `work` must not wait for anything. Throws a `DatabaseError`.
   */
  write<T>(work: (note: Note) => T): T;
  /**
   * Compares the record with its signed head, once in the life of this process: what a stop between the two writes left behind is caught up
   * with; what somebody took away or changed becomes a row, and is told to `onBroken`. Throws a `DatabaseError`.
   */
  open(): void;
  /** Drops what is older than `days`, the oldest beyond the record's size, and up to the row `through`, for a signed checkpoint. Returns how many rows went. */
  retain(days: number, through?: number): number;
  /** How many rows there have been and the hash of the last; null before the first. */
  head(): { readonly count: number; readonly head: string } | null;
  /** How many rows retention has dropped so far. */
  dropped(): { readonly byAge: number; readonly bySize: number };
};

export type UserNames = 'hash' | 'plain' | 'none';

/** How the account is named: plainly only where the policy and the managed settings both say so. */
export function narrower(policy: UserNames | undefined, managed: UserNames | undefined): UserNames {
  if (policy === 'none' || managed === 'none') return 'none';
  return policy === 'plain' && managed === 'plain' ? 'plain' : 'hash';
}

/** What the record may hold. When it is over, it is brought down to nine tenths, so that not every row drops one. */
const BOUNDS = { rows: 5000, bytes: 5 * 1024 * 1024 } as const;
const DAY_MS = 86_400_000;
/** A name of a server is what somebody wrote into a file; a row is no place for a novel. */
const MAX_TEXT = 300;

type Tip = { readonly seq: number; readonly hash: string };

export function createEvidence(parts: {
  readonly store: Pick<Store, 'evidenceRows' | 'durably'>;
  readonly dataDir: string;
  readonly device: Device;
  /** Made or read when it is first needed: reading alone creates nothing. */
  readonly key: () => DeviceKey;
  /** Never behind the last time that a server told. */
  readonly now: () => Date;
  readonly userNames: () => UserNames;
  /** How things are called outside of this computer, for the record leaves it as it is; absent: as here. Asked within the transaction. */
  readonly names?: (forGood: boolean) => Pick<Names, 'name'>;
  /** The head could not be written; it may be a row behind, and is written with the next. */
  readonly onBehind: (error: DatabaseError) => void;
  /** The record is not as this device left it; the row that says so is written already. */
  readonly onBroken: (what: string) => void;
  readonly bounds?: { readonly rows: number; readonly bytes: number };
}): EvidenceLog {
  const { store, dataDir, device, bounds = BOUNDS } = parts;
  const rows = store.evidenceRows;
  let made: DeviceKey | undefined;
  const key = () => {
    made ??= parts.key();
    return made;
  };
  /** The last row that this process knows of; undefined before it has looked. */
  let known: Tip | null | undefined;
  /** How many rows the head file counts. */
  let signed = 0;

  let salted: string | undefined;
  const user = () => {
    const names = parts.userNames();
    if (names !== 'hash') return names === 'none' ? '' : text(device.user);
    salted ??= `user:${key().salted(device.user)}`;
    return salted;
  };

  function rowAfter(tip: Tip | null, entry: EvidenceEntry, told: (item: string) => string): EvidenceRow {
    const { kind, item = null, was = null, decision = null, rule = null, policyRev = null, detail = {} } = entry;
    const row = {
      seq: (tip?.seq ?? 0) + 1,
      time: parts.now().toISOString(),
      device: device.id,
      user: user(),
      kind,
      item: orNull(item === null ? null : told(item)),
      was: orNull(was),
      decision: orNull(decision),
      rule: orNull(rule),
      policyRev,
      detail: canonical(wellFormed(detail)),
      previous: tip?.hash ?? NO_HASH,
    };
    return { ...row, hash: hashOf(row) };
  }

  /** From where the record goes on, and what has happened to it since this device last signed or wrote it. */
  function found(): { tip: Tip | null; broken: Break | null } {
    const last = rows.last();
    if (known !== undefined) {
      if (known?.seq === last?.seq && known?.hash === last?.hash) return { tip: last, broken: null };
      return from(last, known, 'changed');
    }
    const read = readHead(dataDir, key());
    if (!read.found) return { tip: last, broken: last ? 'head-missing' : null };
    if (!read.signed || !read.head) return { tip: last, broken: 'head-unsigned' };
    signed = read.head.count;
    return from(last, { seq: read.head.count, hash: read.head.head }, null);
  }

  /** `vouched` is the last row that this device knows to be its own; `more` says whether rows beyond it are a break or only a head that is behind. */
  function from(last: Tip | null, vouched: Tip | null, more: Break | null): { tip: Tip | null; broken: Break | null } {
    if (!vouched) return { tip: last, broken: more };
    // The missing rows keep their numbers, so that the gap stays to be seen.
    if (!last || last.seq < vouched.seq) return { tip: vouched, broken: 'cut' };
    if (rows.hashOf(vouched.seq) !== vouched.hash) return { tip: last, broken: 'other-chain' };
    return { tip: last, broken: last.seq === vouched.seq ? null : more };
  }

  /** Inside a transaction. `begin` alone writes nothing where all is as it was left. */
  function appending() {
    let tip: Tip | null | undefined;
    let broken: Break | null = null;
    let names: Pick<Names, 'name'> | undefined;
    const told = (item: string) => {
      if (!item.startsWith('mcp:')) return item;
      names ??= parts.names?.(true);
      return names ? `mcp:${names.name(item.slice(4))}` : item;
    };
    const append = (entry: EvidenceEntry) => {
      const row = rowAfter(tip ?? null, entry, told);
      rows.add(row);
      tip = { seq: row.seq, hash: row.hash };
    };
    const begin = () => {
      if (tip !== undefined) return;
      ({ tip, broken } = found());
      if (broken !== null) append({ kind: 'break', decision: broken });
    };
    return {
      begin,
      note: (entry: EvidenceEntry) => {
        begin();
        if (tip === null) append({ kind: 'start', detail: { key: key().thumbprint } });
        append(entry);
      },
      end: () => ({ tip, broken }),
    };
  }

  function sign(tip: Tip): void {
    try {
      writeHead(dataDir, { count: tip.seq, head: tip.hash, time: parts.now().toISOString(), device: device.id }, key());
      signed = tip.seq;
    } catch (error) {
      // The rows are written, and a head that is behind is no lie: whoever asked is not told that nothing was done.
      if (!(error instanceof DatabaseError)) throw error;
      parts.onBehind(error);
    }
  }

  function inOne<T>(work: (note: Note, begin: () => void) => T): T {
    const { result, tip, broken } = store.durably(() => {
      const { begin, note, end } = appending();
      const result = work(note, begin);
      return { result, ...end() };
    });
    if (tip !== undefined) {
      known = tip;
      if (tip && tip.seq !== signed) sign(tip);
      if (broken !== null) parts.onBroken(BREAKS[broken]);
    }
    return result;
  }

  const dropped = (): Checkpoint['dropped'] | null => {
    const detail = rows.lastCheckpoint();
    return detail === null ? null : (checkpointOf({ detail })?.dropped ?? null);
  };

  return {
    write: (work) => inOne(work),
    open() {
      if (known === undefined) inOne((_note, begin) => begin());
    },
    retain(days, through = 0) {
      const { rows: count, bytes } = rows.extent();
      const oldest = new Date(parts.now().getTime() - days * DAY_MS).toISOString();
      const keep = { rows: count > bounds.rows ? bounds.rows * 0.9 : count, bytes: bytes > bounds.bytes ? bounds.bytes * 0.9 : bytes };
      const before = dropped();
      const drop = { count: 0, bytes: 0, byAge: 0, bySize: 0, breaks: 0, first: '', last: null as Tip | null };
      for (const row of rows.all()) {
        const aged = row.time < oldest;
        const over = row.seq <= through || count - drop.count > keep.rows || bytes - drop.bytes > keep.bytes;
        // The last row stays, so that a head which is behind still finds its row.
        if ((!aged && !over) || drop.count === count - 1) break;
        drop.count++;
        drop.bytes += 260 + row.detail.length + row.user.length + (row.item?.length ?? 0);
        if (aged) drop.byAge++;
        else drop.bySize++;
        if (row.kind === 'break') drop.breaks++;
        drop.first ||= row.hash;
        drop.last = { seq: row.seq, hash: row.hash };
      }
      const { last } = drop;
      if (!last) return 0;
      const checkpoint: Checkpoint = {
        dropped: {
          through: last.seq,
          firstHash: before?.firstHash ?? drop.first,
          lastHash: last.hash,
          byAge: (before?.byAge ?? 0) + drop.byAge,
          bySize: (before?.bySize ?? 0) + drop.bySize,
          breaks: (before?.breaks ?? 0) + drop.breaks,
        },
      };
      inOne((note) => {
        rows.dropThrough(last.seq);
        note({ kind: 'checkpoint', detail: { ...checkpoint, signature: key().sign(checkpointBytes(device.id, checkpoint)) } });
      });
      return drop.count;
    },
    head() {
      const last = rows.last();
      return last && { count: last.seq, head: last.hash };
    },
    dropped() {
      const { byAge, bySize } = dropped() ?? { byAge: 0, bySize: 0 };
      return { byAge, bySize };
    },
  };
}

/** What SQLite would store as another character can't be hashed. */
function text(value: string): string {
  return value.slice(0, MAX_TEXT).toWellFormed();
}

function orNull(value: string | null): string | null {
  return value === null ? null : text(value);
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.slice(0, 100).map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [text(name), wellFormed(inner)]));
}
