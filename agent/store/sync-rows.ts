/** Every SQL statement about check-ins: what the collector holds, what waits for its answer, and what was sent lately. */
import { z } from 'zod';
import { later } from '../later.ts';
import type { Sql } from './surfaces.ts';

const State = later(() =>
  z.object({
    /** Of which collector all of this is, and by which key: another one begins anew. */
    collector: z.string(),
    /** Random for each database. */
    epoch: z.string(),
    /** The last one that was used. */
    seq: z.int().nonnegative(),
    /** What the collector holds; null: nothing, or nobody knows. */
    head: z.string().nullable(),
    /** The last row of evidence that the collector holds. */
    evidence: z.int().nonnegative(),
    /** The last day whose use the collector has. */
    usage: z.string().nullable(),
    /** What it was told of this agent, as text. */
    agent: z.string().nullable(),
    /** How far the collector's clock is ahead of ours, in milliseconds. */
    skewMs: z.number(),
    lastAt: z.string().nullable(),
  }),
);
export type SyncState = z.infer<ReturnType<typeof State>>;

/** What becomes true when the collector acknowledges a payload. */
export type Effect = {
  /** Absent: the inventory is as it was. `all`: what isn't named is gone. */
  readonly held?: {
    readonly all: boolean;
    readonly put: readonly (readonly [key: string, hash: string])[];
    readonly remove: readonly string[];
  };
  readonly head?: string;
  readonly requests?: readonly (readonly [id: string, hash: string])[];
  readonly usage?: string;
  readonly evidence?: number;
  readonly agent?: string;
  /** Hashes of the items in it, by key: which one was parked. */
  readonly items?: readonly (readonly [key: string, hash: string])[];
};

export type Payload = {
  readonly id: number;
  readonly seq: number;
  readonly madeAt: string;
  /** As sent. */
  readonly body: Buffer;
  readonly packed: boolean;
  readonly effect: Effect;
};
export type Sent = Omit<Payload, 'effect'> & { readonly answered: string | null };
export type Told = { readonly hash: string; readonly parked: string | null };

/** Every method throws a `DatabaseError` where the file can't be used, and then has changed nothing. */
export type SyncRows = {
  /** Null: there is none, or what is there can't be read. */
  state(): SyncState | null;
  /** Begins anew: everything else that is known of the collector is forgotten, but what was sent. */
  begin(state: SyncState): void;
  save(state: SyncState): void;
  /** As if nothing had ever been told to anybody; the next check-in begins an epoch. */
  forget(): void;
  held(): Map<string, string>;
  told(): ReadonlyMap<string, Told>;
  /** Oldest first. */
  waiting(): Payload[];
  /** On the disk when this returns, with the counter in `state`. */
  queue(payloads: readonly Omit<Payload, 'id'>[], state: SyncState): void;
  /** One transaction: the payload was answered, and what follows from it holds. */
  acknowledge(payload: Payload, state: SyncState, parked: ReadonlyMap<string, Told>): void;
  /** Payloads that wait are given up; what was in them is composed anew. */
  drop(answered: string): void;
  /** The newest first. */
  sent(): Sent[];
};

/** For the employee, and no archive. */
const KEPT = 30;
const KEPT_BYTES = 4 * 1024 * 1024;

type Raw = { id: number; seq: number; madeAt: string; body: Buffer; packed: number; effect: string; answered: string | null };
const COLUMNS = 'id, seq, made_at AS madeAt, body, packed, effect, answered';

export function syncRows({ sql, all, write }: Sql, durable: <T>(work: () => T) => T): SyncRows {
  const put = (state: SyncState) =>
    sql('INSERT INTO sync_state (id, value) VALUES (1, @value) ON CONFLICT DO UPDATE SET value = excluded.value').run({
      value: JSON.stringify(state),
    });
  const tell = (what: string, { hash, parked }: Told) =>
    sql(`INSERT INTO sync_told (what, hash, parked) VALUES (@what, @hash, @parked)
      ON CONFLICT DO UPDATE SET hash = excluded.hash, parked = excluded.parked`).run({ what, hash, parked });
  const prune = () => {
    let bytes = 0;
    let count = 0;
    for (const { id, size } of all<{ id: number; size: number }>(
      'SELECT id, length(body) AS size FROM sync_payload WHERE answered IS NOT NULL ORDER BY id DESC',
    )) {
      bytes += size;
      if (++count > KEPT || bytes > KEPT_BYTES) sql('DELETE FROM sync_payload WHERE id <= ? AND answered IS NOT NULL').run(id);
    }
  };
  const clear = () => {
    sql('DELETE FROM sync_state').run({});
    sql('DELETE FROM sync_held').run({});
    sql('DELETE FROM sync_told').run({});
    sql('DELETE FROM sync_payload WHERE answered IS NULL').run({});
  };
  return {
    state() {
      const [row] = all<{ value: string }>('SELECT value FROM sync_state');
      return row ? (State().safeParse(JSON.parse(row.value)).data ?? null) : null;
    },
    begin: (state) =>
      durable(() => {
        clear();
        put(state);
      }),
    forget: () => durable(clear),
    save: (state) => write(() => void put(state)),
    held: () => new Map(all<{ key: string; hash: string }>('SELECT key, hash FROM sync_held').map(({ key, hash }) => [key, hash])),
    told: () =>
      new Map(
        all<Told & { what: string }>('SELECT what, hash, parked FROM sync_told').map(({ what, hash, parked }) => [what, { hash, parked }]),
      ),
    waiting: () =>
      all<Raw>(`SELECT ${COLUMNS} FROM sync_payload WHERE answered IS NULL ORDER BY id`).map(({ packed, effect, answered: _, ...row }) => ({
        ...row,
        packed: packed === 1,
        effect: JSON.parse(effect) as Effect,
      })),
    queue: (payloads, state) =>
      durable(() => {
        for (const { seq, madeAt, body, packed, effect } of payloads) {
          sql('INSERT INTO sync_payload (seq, made_at, body, packed, effect) VALUES (@seq, @madeAt, @body, @packed, @effect)').run({
            ...{ seq, madeAt, body, packed: packed ? 1 : 0 },
            effect: JSON.stringify(effect),
          });
        }
        put(state);
      }),
    acknowledge: ({ id, effect }, state, parked) =>
      durable(() => {
        const { held, requests = [] } = effect;
        if (held?.all) sql('DELETE FROM sync_held').run({});
        for (const key of held?.remove ?? []) sql('DELETE FROM sync_held WHERE key = ?').run(key);
        for (const [key, hash] of held?.put ?? []) {
          sql('INSERT INTO sync_held (key, hash) VALUES (@key, @hash) ON CONFLICT DO UPDATE SET hash = excluded.hash').run({ key, hash });
        }
        for (const [request, hash] of requests) tell(request, { hash, parked: null });
        for (const [what, said] of parked) tell(what, said);
        sql("UPDATE sync_payload SET answered = 'acknowledged', effect = '{}' WHERE id = ?").run(id);
        put(state);
        prune();
      }),
    drop: (answered) =>
      write(() => {
        sql("UPDATE sync_payload SET answered = ?, effect = '{}' WHERE answered IS NULL").run(answered);
        prune();
      }),
    sent: () =>
      all<Raw>(`SELECT ${COLUMNS} FROM sync_payload ORDER BY id DESC LIMIT ${KEPT}`).map(({ packed, effect: _, ...row }) => ({
        ...row,
        packed: packed === 1,
      })),
  };
}
