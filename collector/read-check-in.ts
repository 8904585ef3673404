/** From the JSON of a check-in to values: what is around the rows must be as agreed, and a bad row is parked with its reason while the rest goes on. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { BOUNDS, CheckIn, EvidenceRow, Item, ItemKey, itemHash, itemKey, RequestUp, UsageRow } from '../agent/wire.ts';
import { Problem } from './problem.ts';
import { USAGE_REACH_DAYS } from './store/partitions.ts';

const rows = (most: number) => z.array(z.unknown()).max(most);

/** The check-in with its rows unread. Fields of later agents are left out: a collector may be older than its agents. */
const Envelope = z.object({
  ...CheckIn.shape,
  upsert: rows(BOUNDS.part).optional(),
  snapshot: z
    .object({ id: z.uuid(), part: z.int().positive(), of: z.int().positive().max(1000), items: rows(BOUNDS.part) })
    .refine(({ part, of }) => part <= of, 'part is greater than of')
    .optional(),
  usage: rows(BOUNDS.usageRows).optional(),
  requests: rows(BOUNDS.requests).optional(),
  evidence: z.object({ count: z.int().nonnegative(), head: z.string().max(100), rows: rows(BOUNDS.evidenceRows).optional() }).optional(),
});
type Envelope = z.infer<typeof Envelope>;

/** An item as it will be held; `body` null: parked, and only its hash counts. */
export type Held = { readonly key: string; readonly hash: string; readonly firstSeen: string | null; readonly body: Item | null };
export type Parked = { readonly what: string; readonly why: string };
export type Use = z.infer<typeof UsageRow>;
export type RequestRow = z.infer<typeof RequestUp>;
export type Evidence = z.infer<typeof EvidenceRow>;

export type Arrived = {
  readonly epoch: string;
  readonly seq: number;
  readonly base: string | null;
  readonly head: string;
  readonly upsert: readonly Held[];
  readonly remove: readonly string[];
  readonly snapshot: { readonly id: string; readonly part: number; readonly of: number; readonly items: readonly Held[] } | null;
  readonly usage: readonly Use[];
  readonly requests: readonly RequestRow[];
  readonly evidence: { readonly count: number; readonly head: string; readonly rows: readonly Evidence[] } | null;
  readonly trust: NonNullable<CheckIn['trust']> | null;
  readonly agent: NonNullable<CheckIn['agent']> | null;
  readonly dropped: Readonly<Record<string, number>> | null;
  readonly parked: readonly Parked[];
  /** Of the body's bytes as sent. */
  readonly bodyHash: string;
  /** Its proof was. */
  readonly signedAt: Date;
};

/** Throws the `Problem` `not-understood` with the field. */
export function readCheckIn(json: unknown, { bodyHash, signedAt }: Pick<Arrived, 'bodyHash' | 'signedAt'>, now: Date): Arrived {
  const read = Envelope.safeParse(json);
  if (!read.success) throw new Problem('not-understood', { detail: firstIssue(read.error) });
  const body: Envelope = read.data;
  const parked: Parked[] = [];
  const use = pick(body.usage, UsageRow, 'usage', parked, (row) => dayProblem(row.day, now));
  const requests = pick(body.requests, RequestUp, 'request', parked).map((row) => ({ ...row, id: row.id.toLowerCase() }));
  const evidence = body.evidence
    ? { count: body.evidence.count, head: clean(body.evidence.head), rows: pick(body.evidence.rows, EvidenceRow, 'evidence', parked) }
    : null;
  const { snapshot } = body;
  return {
    epoch: body.epoch.toLowerCase(),
    seq: body.seq,
    base: body.base,
    head: body.head,
    upsert: (body.upsert ?? []).map((row) => heldOf(row, parked)),
    remove: (body.remove ?? []).filter((key) => storable(key)),
    snapshot: snapshot
      ? { id: snapshot.id.toLowerCase(), part: snapshot.part, of: snapshot.of, items: snapshot.items.map((row) => heldOf(row, parked)) }
      : null,
    usage: use,
    requests: lastOfEach(requests),
    evidence,
    trust: body.trust ?? null,
    agent: body.agent ?? null,
    dropped: body.dropped ? Object.fromEntries(Object.entries(body.dropped).map(([kind, count]) => [clean(kind), count])) : null,
    parked: parked.slice(0, 100),
    bodyHash,
    signedAt,
  };
}

/** PostgreSQL holds no NUL in a text. */
export function clean(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** The field and what is wrong with it, without a value of the request. */
export function firstIssue(error: z.ZodError): string {
  const [first] = error.issues;
  const field = first?.path.map(String).join('.').slice(0, 200) || 'the body';
  return `${field}: ${first?.code ?? 'not as agreed'}${first && 'expected' in first ? `, expected ${String(first.expected)}` : ''}`;
}

/** JSON escapes a NUL, and a half of a pair of surrogates, which no database takes. An even number of backslashes before it escapes nothing. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/i;

function storable(value: unknown): boolean {
  try {
    return !UNSTORABLE.test(JSON.stringify(value));
  } catch {
    // Nested deeper than the stack.
    return false;
  }
}

function pick<S extends z.ZodType>(
  rows: readonly unknown[] | undefined,
  schema: S,
  kind: string,
  parked: Parked[],
  alsoWrong: (row: z.infer<S>) => string | null = () => null,
): z.infer<S>[] {
  return (rows ?? []).flatMap((raw, index) => {
    const what = nameOf(raw, kind, index);
    if (!storable(raw)) {
      parked.push({ what, why: 'holds a character that can’t be stored, or is nested too deep' });
      return [];
    }
    const read = schema.safeParse(raw);
    const wrong = read.success ? alsoWrong(read.data) : firstIssue(read.error);
    if (wrong === null && read.success) return [read.data];
    parked.push({ what, why: (wrong ?? '').slice(0, 300) });
    return [];
  });
}

/** What the device knows the row by: a request's id, a row's number, or its place. */
function nameOf(raw: unknown, kind: string, index: number): string {
  const { id, seq } = (typeof raw === 'object' && raw !== null ? raw : {}) as { id?: unknown; seq?: unknown };
  const name = typeof id === 'string' && /^[\w-]{1,40}$/.test(id) ? id : Number.isSafeInteger(seq) ? seq : `#${index}`;
  return `${kind}:${name}`;
}

const DAY_MS = 86_400_000;

function dayProblem(day: string, now: Date): string | null {
  const age = (now.getTime() - Date.parse(day)) / DAY_MS;
  return age > USAGE_REACH_DAYS || age < -2 ? 'the day is too long ago or to come' : null;
}

/** A request that stands twice in one check-in counts as it stood last. */
function lastOfEach(requests: readonly RequestRow[]): RequestRow[] {
  return [...new Map(requests.map((row) => [row.id, row])).values()];
}

function heldOf(raw: unknown, parked: Parked[]): Held {
  const text = textOf(raw);
  const fine = text !== null && text.length <= BOUNDS.item && Buffer.byteLength(text) <= BOUNDS.item && !UNSTORABLE.test(text);
  const read = fine ? Item.safeParse(raw) : null;
  if (read?.success) {
    const item = read.data;
    return { key: itemKey(item), hash: itemHash(item), firstSeen: item.firstSeen, body: item };
  }
  // The device counts it in its head, so it is counted here too, or every check-in would end in a full one.
  const hash = hashOfRaw(raw, text);
  const key = keyOfRaw(raw) ?? `parked:${hash}`;
  const why = read ? firstIssue(read.error) : text !== null && text.length > BOUNDS.item / 4 ? 'larger than 16 KiB' : 'can’t be stored';
  parked.push({ what: key.slice(0, 310), why: why.slice(0, 300) });
  return { key, hash, firstSeen: null, body: null };
}

function textOf(raw: unknown): string | null {
  try {
    return JSON.stringify(raw) ?? null;
  } catch {
    return null;
  }
}

function hashOfRaw(raw: unknown, text: string | null): string {
  try {
    return itemHash(raw as Item);
  } catch {
    return hash('sha256', text ?? '', 'base64url');
  }
}

function keyOfRaw(raw: unknown): string | null {
  const { kind, tool, id } = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<string, unknown>;
  const name = kind === 'tool' ? tool : kind === 'mcp' ? id : null;
  const key = ItemKey.safeParse(`${String(kind)}:${typeof name === 'string' ? name : ''}`);
  return key.success && storable(key.data) ? key.data : null;
}
