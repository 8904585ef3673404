/** What the next check-in says: the difference between what the collector has acknowledged and what is so now. Pure but for a snapshot's id. */
import { createHash, randomUUID } from 'node:crypto';
import type { EvidenceRow } from '../evidence/chain.ts';
import type { Effect, SyncState, Told } from '../store/sync-rows.ts';
import { BOUNDS, type CheckIn, HASH_ALG, headOf, type Item, PROTO, type RequestUp, type UsageRow } from '../wire.ts';
import type { Items } from './items.ts';

export type Now = Items & {
  readonly held: ReadonlyMap<string, string>;
  readonly told: ReadonlyMap<string, Told>;
  /** Oldest first. */
  readonly requests: readonly RequestUp[];
  /** Of finished days, in their order. */
  readonly usage: readonly UsageRow[];
  /** How many rows there have been, and those that follow the one that the collector has; null: there is no record yet. */
  readonly evidence: { readonly count: number; readonly head: string; readonly rows: readonly EvidenceRow[] } | null;
  readonly trust: NonNullable<CheckIn['trust']>;
  readonly agent: NonNullable<CheckIn['agent']>;
};

export type Draft = { readonly body: CheckIn; readonly effect: Effect };
export type Composed = {
  /** At least one; several are the parts of a full inventory, in their order. */
  readonly drafts: readonly Draft[];
  /** There is more than one check-in takes. */
  readonly more: boolean;
};

/** Bytes of each, unpacked: together they stay below what a body may have, also where nothing of it can be packed. */
const ROOM = { items: 480_000, requests: 150_000, evidence: 150_000, usage: 120_000 } as const;
/** What waits longer than this for its answer is not told again to a collector that has forgotten it. */
const REQUEST_DAYS = 90;
const DAY_MS = 86_400_000;

export function compose(state: SyncState, now: Now, at: Date): Composed {
  const { items, held, dropped } = now;
  const head = headOf([...items.values()].map(({ hash }) => hash));
  const carried = rest(state, now, at);
  const envelope = (seq: number, base: string | null) =>
    ({ proto: PROTO, epoch: state.epoch, seq, hashAlg: HASH_ALG, base, head }) as const;
  const left = Object.keys(dropped).length > 0 ? { dropped: { ...dropped, ...carried.dropped } } : withDropped(carried.dropped);

  const changed = [...items].filter(([key, { hash }]) => held.get(key) !== hash);
  const remove = [...held.keys()].filter((key) => !items.has(key));
  const size = changed.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  const fits = changed.length <= BOUNDS.part && size <= ROOM.items && remove.length <= 5000;
  if (state.head !== null && state.head === headOf(held.values()) && fits) {
    const anything = changed.length + remove.length > 0;
    const put = changed.map(([key, { hash }]) => [key, hash] as const);
    return {
      drafts: [
        {
          body: {
            ...envelope(state.seq + 1, state.head),
            ...(changed.length > 0 ? { upsert: changed.map(([, { item }]) => item) } : {}),
            ...(remove.length > 0 ? { remove } : {}),
            ...carried.body,
            ...(anything ? left : withDropped(carried.dropped)),
          },
          effect: { ...carried.effect, head, ...(anything ? { held: { all: false, put, remove } } : {}) },
        },
      ],
      more: carried.more,
    };
  }

  const parts = inParts([...items.values()]);
  const id = randomUUID();
  const drafts = parts.map((part, index): Draft => {
    const snapshot = { id, part: index + 1, of: parts.length, items: part };
    const isLast = index === parts.length - 1;
    const put = [...items].map(([key, { hash }]) => [key, hash] as const);
    const whole: Effect = isLast ? { head, held: { all: true, put, remove: [] } } : {};
    const base = envelope(state.seq + 1 + index, null);
    return index === 0
      ? { body: { ...base, snapshot, ...carried.body, ...left }, effect: { ...carried.effect, ...whole } }
      : { body: { ...base, snapshot }, effect: whole };
  });
  return { drafts, more: carried.more };
}

const withDropped = (dropped: Readonly<Record<string, number>>) => (Object.keys(dropped).length > 0 ? { dropped } : {});

function inParts(items: readonly { readonly item: Item; readonly bytes: number }[]): Item[][] {
  const parts: Item[][] = [[]];
  let bytes = 0;
  for (const { item, bytes: size } of items) {
    const last = parts.at(-1) as Item[];
    if (last.length > 0 && (last.length === BOUNDS.part || bytes + size > ROOM.items)) {
      parts.push([item]);
      bytes = size;
    } else {
      last.push(item);
      bytes += size;
    }
  }
  return parts;
}

/** As many from the front as have room. */
function upTo<T>(values: readonly T[], most: number, room: number): T[] {
  let bytes = 0;
  return values.slice(0, most).filter((value) => {
    bytes += Buffer.byteLength(JSON.stringify(value)) + 1;
    return bytes <= room;
  });
}

const hashOfText = (text: string) => createHash('sha256').update(text).digest('base64url');

/** Everything beside the inventory. */
function rest(state: SyncState, now: Now, at: Date) {
  const agent = JSON.stringify(now.agent);
  const news = now.requests
    .map((request) => [request, hashOfText(JSON.stringify(request))] as const)
    .filter(([{ id, state: stands, createdAt }, hash]) => {
      const told = now.told.get(id);
      if (told) return told.hash !== hash;
      return stands === 'open' || at.getTime() - Date.parse(createdAt) <= REQUEST_DAYS * DAY_MS;
    });
  const requests = upTo(news, BOUNDS.requests, ROOM.requests);
  const use = now.usage.filter(({ day }) => state.usage === null || day > state.usage);
  const usage = wholeDays(use, upTo(use, BOUNDS.usageRows, ROOM.usage).length);
  const { evidence } = now;
  const unseen = evidence?.rows.filter(({ seq }) => seq > state.evidence) ?? [];
  const rows = upTo(unseen, BOUNDS.evidenceRows, ROOM.evidence);
  // Rows that retention dropped before the collector had them.
  const lost = rows[0] ? rows[0].seq - state.evidence - 1 : 0;
  const body = {
    ...(usage.length > 0 ? { usage } : {}),
    trust: now.trust,
    ...(requests.length > 0 ? { requests: requests.map(([request]) => request) } : {}),
    ...(evidence && evidence.count !== state.evidence
      ? { evidence: { count: evidence.count, head: evidence.head, ...(rows.length > 0 ? { rows } : {}) } }
      : {}),
    ...(state.agent === agent ? {} : { agent: now.agent }),
  } satisfies Partial<CheckIn>;
  const lastDay = usage.at(-1)?.day;
  const effect: Effect = {
    agent,
    ...(requests.length > 0 ? { requests: requests.map(([{ id }, hash]) => [id, hash] as const) } : {}),
    ...(lastDay === undefined ? {} : { usage: lastDay }),
    ...(rows.length > 0 ? { evidence: rows.at(-1)?.seq ?? state.evidence } : {}),
  };
  return {
    body,
    effect,
    dropped: lost > 0 ? { evidence: lost } : {},
    more: requests.length < news.length || usage.length < use.length || rows.length < unseen.length,
  };
}

/** No part of a day: a day counts as told when its last row was. */
function wholeDays(rows: readonly UsageRow[], room: number): UsageRow[] {
  if (room >= rows.length) return [...rows];
  const cutDay = rows[room]?.day;
  const whole = rows.slice(0, room).filter(({ day }) => day !== cutDay);
  return whole.length > 0 ? whole : rows.slice(0, room);
}
