/** The record's chain: what a row is, the hash over it, and whether rows, checkpoints and the signed head belong together. Pure. */
import { hash as digest } from 'node:crypto';
import canonicalize from 'canonicalize';

/** What a row tells of. `start`, `checkpoint` and `break` are about the record itself. */
export type EvidenceKind =
  | 'seen'
  | 'verdict'
  | 'request'
  | 'decision'
  | 'grant'
  | 'exception'
  | 'acknowledgement'
  | 'action'
  | 'policy'
  | 'mode'
  | 'start'
  | 'checkpoint'
  | 'break';

/** As it is stored. `detail` is JSON in its RFC 8785 form; everything is names, counts and times. */
export type EvidenceRow = {
  /** From 1, without gaps. */
  readonly seq: number;
  readonly time: string;
  readonly device: string;
  /** The account's name, or what stands for it (`user:…`), or empty, as the policy says. */
  readonly user: string;
  readonly kind: EvidenceKind;
  /** A tool's id, or `mcp:` and a server's name. */
  readonly item: string | null;
  /** What it was before, and what it is now. */
  readonly was: string | null;
  readonly decision: string | null;
  readonly rule: string | null;
  readonly policyRev: number | null;
  readonly detail: string;
  readonly previous: string;
  readonly hash: string;
};

/** The previous hash of the very first row. */
export const NO_HASH = '0'.repeat(64);

/** RFC 8785. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('What is to be hashed is no JSON.');
  return text;
}

/** SHA-256, hexadecimal, over the RFC 8785 form of the row without its hash, `detail` as the object that it is. Throws where it is none. */
export function hashOf({ hash: _, detail, ...row }: Omit<EvidenceRow, 'hash'> & { readonly hash?: string }): string {
  return digest('sha256', canonical({ ...row, detail: JSON.parse(detail) }), 'hex');
}

/** How many rows there have been and the hash of the last, signed by the device key; it stands in a file outside the database. */
export type Head = { readonly count: number; readonly head: string; readonly time: string; readonly device: string };

/** What is signed; the first field keeps a signature for one use from being good for another. */
export const headBytes = ({ count, head, time, device }: Head) => canonical({ typ: 'muster-evidence-head', count, head, time, device });

/** What a checkpoint row says of the rows that retention dropped: all from the first on. Signed, for nothing else proves it any more. */
export type Checkpoint = {
  readonly dropped: {
    readonly through: number;
    readonly firstHash: string;
    readonly lastHash: string;
    /** How many of them went because of their age, and how many because the record had reached its size. */
    readonly byAge: number;
    readonly bySize: number;
    /** Of those that went, how many told of a break. */
    readonly breaks: number;
  };
};

export const checkpointBytes = (device: string, { dropped }: Checkpoint) =>
  canonical({ typ: 'muster-evidence-checkpoint', device, dropped });

export type Finding = {
  readonly code:
    | 'changed'
    | 'missing'
    | 'order'
    | 'cut'
    | 'other-chain'
    | 'head-missing'
    | 'head-unsigned'
    | 'checkpoint'
    | 'break'
    | 'not-acknowledged'
    | 'key-missing';
  /** The row that it is about, or the first of them; null where it is about the record as a whole. */
  readonly row: number | null;
  /** One sentence. */
  readonly message: string;
};

export type Verified = {
  readonly ok: boolean;
  /** Rows there have been, rows that are here, and the last hash. */
  readonly count: number;
  readonly rows: number;
  readonly head: string | null;
  /** What retention dropped, as its checkpoint says. */
  readonly dropped: Checkpoint['dropped'] | null;
  /** The first ones. */
  readonly findings: readonly Finding[];
};

/** More findings say nothing new. */
const MAX_FINDINGS = 100;

/** The head file as it was found; `signed` false: by another key, by none, or not readable. */
export type FoundHead = { readonly found: false } | { readonly found: true; readonly signed: boolean; readonly head: Head | null };

/**
 * Goes through the rows in order. `isSigned` says whether the device key signed these bytes; null where there is no key to ask.
 * `acknowledged` is a hash that somebody outside has seen: it must be in the chain.
 */
export function verifyChain(
  rows: Iterable<EvidenceRow>,
  found: FoundHead,
  isSigned: ((bytes: string, signature: string) => boolean) | null,
  acknowledged: string | null = null,
): Verified {
  const findings: Finding[] = [];
  const find = (code: Finding['code'], row: number | null, message: string) => {
    if (findings.length < MAX_FINDINGS) findings.push({ code, row, message });
  };
  if (!isSigned) find('key-missing', null, 'The device key is missing or damaged, so nothing proves who wrote the signed head.');

  let before: EvidenceRow | null = null;
  let first: EvidenceRow | null = null;
  let count = 0;
  let dropped: Checkpoint['dropped'] | null = null;
  let seenAcknowledged = acknowledged === null;
  let atHead: string | null = null;
  const head = found.found && found.signed ? found.head : null;

  for (const row of rows) {
    count++;
    first ??= row;
    const expected: number | null = before === null ? null : before.seq + 1;
    if (expected !== null && row.seq > expected) find('missing', expected, `${named(expected, row.seq - 1)} missing.`);
    if (!isHashed(row)) find('changed', row.seq, `Row ${row.seq} was changed: its hash is not that of what it says.`);
    // After a gap the next row can't continue what is here; the gap has been named.
    if (before !== null && row.seq === expected && row.previous !== before.hash) {
      find('order', row.seq, `Row ${row.seq} does not continue row ${before.seq}: one of them was changed, moved or put in.`);
    }
    if (row.kind === 'break')
      find('break', row.seq, `Row ${row.seq}: on ${row.time.slice(0, 10)} Muster itself found that ${saidOf(row)}.`);
    if (row.kind === 'checkpoint') {
      const checkpoint = checkpointOf(row);
      if (!checkpoint) find('checkpoint', row.seq, `Row ${row.seq} is a checkpoint that can’t be read.`);
      else if (isSigned && !isSigned(checkpointBytes(row.device, checkpoint), checkpoint.signature)) {
        find('checkpoint', row.seq, `Row ${row.seq} is a checkpoint that this device’s key did not sign.`);
      } else dropped = checkpoint.dropped;
      if (checkpoint?.dropped.lastHash === acknowledged) seenAcknowledged = true;
    }
    if (row.hash === acknowledged) seenAcknowledged = true;
    if (head && row.seq === head.count) atHead = row.hash;
    before = row;
  }

  beginning(first, dropped, find);
  ending(before, found, head, atHead, find);
  if (!seenAcknowledged) {
    find(
      'not-acknowledged',
      null,
      `No row has the hash ${String(acknowledged).slice(0, 64)}: rows that were acknowledged have been changed or are gone.`,
    );
  }
  // What is missing in front is about earlier rows than what was found on the way.
  findings.sort((a, b) => (a.row ?? Number.POSITIVE_INFINITY) - (b.row ?? Number.POSITIVE_INFINITY));
  return {
    ok: findings.length === 0,
    count: before?.seq ?? dropped?.through ?? 0,
    rows: count,
    head: before?.hash ?? null,
    dropped,
    findings,
  };
}

type Find = (code: Finding['code'], row: number | null, message: string) => void;

/** The first row that is here must be the very first, or follow what a signed checkpoint says was dropped. */
function beginning(first: EvidenceRow | null, dropped: Checkpoint['dropped'] | null, find: Find): void {
  if (!first) return;
  if (dropped === null) {
    if (first.seq > 1) find('missing', 1, `${named(1, first.seq - 1)} missing, and no checkpoint says that they were dropped.`);
    else if (first.previous !== NO_HASH) find('order', 1, 'Row 1 says that another came before it.');
    return;
  }
  if (first.seq > dropped.through + 1) find('missing', dropped.through + 1, `${named(dropped.through + 1, first.seq - 1)} missing.`);
  else if (first.seq <= dropped.through) {
    find('checkpoint', first.seq, `Row ${first.seq} is here, and a checkpoint says that it was dropped.`);
  } else if (first.previous !== dropped.lastHash) {
    find('order', first.seq, `Row ${first.seq} does not continue what the checkpoint says was dropped before it.`);
  }
  if (dropped.breaks > 0) {
    find('break', dropped.through, `Among the rows that were dropped, ${dropped.breaks} told of rows that had gone or been changed.`);
  }
}

/** The signed head may be some rows behind, and must be on this chain. */
function ending(last: EvidenceRow | null, found: FoundHead, head: Head | null, atHead: string | null, find: Find): void {
  if (!found.found) {
    if (last) find('head-missing', null, 'The file with the signed head is missing, so nothing says where the record ended.');
    return;
  }
  if (!head) {
    find('head-unsigned', null, 'The file with the head was not signed by this device’s key, or can’t be read.');
    return;
  }
  const there = last?.seq ?? 0;
  if (there < head.count)
    find('cut', there + 1, `${named(there + 1, head.count)} missing at the end: the signed head counts ${head.count}.`);
  else if (atHead === null) find('missing', head.count, `Row ${head.count}, which the signed head names, is missing.`);
  else if (atHead !== head.head) {
    find('other-chain', head.count, `Row ${head.count} is not the one that was signed: it, or rows before it, were written anew.`);
  }
}

function named(from: number, to: number): string {
  return from === to ? `Row ${from} is` : `Rows ${from} to ${to} are`;
}

function isHashed(row: EvidenceRow): boolean {
  try {
    return row.detail === canonical(JSON.parse(row.detail)) && row.hash === hashOf(row);
  } catch {
    return false;
  }
}

/** What a `break` row says, in words of this file: the row itself could have been written by somebody else. */
export const BREAKS = {
  cut: 'rows were missing at the end',
  'other-chain': 'rows were not those that it had signed',
  'head-missing': 'the file with the signed head was gone',
  'head-unsigned': 'the file with the head was not signed by this device’s key',
  changed: 'rows were written by somebody else while it ran',
} as const;
export type Break = keyof typeof BREAKS;

function saidOf({ decision }: EvidenceRow): string {
  return decision !== null && Object.hasOwn(BREAKS, decision) ? BREAKS[decision as Break] : 'the record was not as it had left it';
}

/** Null where the row says something else. */
export function checkpointOf({ detail }: Pick<EvidenceRow, 'detail'>): (Checkpoint & { readonly signature: string }) | null {
  try {
    const { dropped, signature } = JSON.parse(detail) as { dropped?: Record<string, unknown>; signature?: unknown };
    const { through, firstHash, lastHash, byAge, bySize, breaks } = dropped ?? {};
    const counts = [through, byAge, bySize, breaks];
    if (!counts.every((value) => Number.isSafeInteger(value)) || typeof firstHash !== 'string' || typeof lastHash !== 'string') return null;
    return typeof signature === 'string' ? { dropped: dropped as Checkpoint['dropped'], signature } : null;
  } catch {
    return null;
  }
}
