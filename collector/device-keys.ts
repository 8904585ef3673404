/** The keys of devices, kept at hand so that a proof is checked before the database is asked; also who is unknown, both bounded. */
import type { KeyObject } from 'node:crypto';
import { publicKeyOf } from './jws.ts';
import { Problem } from './problem.ts';
import type { DeviceState } from './store/schema.ts';

export type DeviceKey = { readonly key: KeyObject; readonly x: string; readonly state: DeviceState };

export type StoredKey = { readonly id: string; readonly x: string; readonly state: DeviceState };

/** Reads the keys and states of devices, in any order; who is not enrolled is not among them. */
export type FindKeys = (devices: readonly string[]) => Promise<readonly StoredKey[]>;

export type DeviceKeys = {
  /** Null: no such device. Throws a `Problem` where too many are waiting to be looked up. */
  find(device: string): Promise<DeviceKey | null>;
  /** After an enrolment, an approval or a revocation here; other replicas notice within `STALE_MS`. */
  forget(device: string): void;
  counts(): { readonly known: number; readonly unknown: number; readonly hits: number; readonly misses: number };
};

const KNOWN = 200_000;
const UNKNOWN = 20_000;
/** A device's key never changes; its state may, and what isn't active is asked again after this. */
export const STALE_MS = 30_000;
/** Looked up in one question; one question is under way at a time, so a flood of invented ids costs the database no more than that. */
const AT_ONCE = 200;
/** Who waits for one; a cold start brings hundreds of devices at once, and ten questions answer them all. */
export const WAITING = 2000;

type Known = DeviceKey & { readonly at: number };
type Waiting = { readonly device: string; resolve(key: DeviceKey | null): void; reject(error: unknown): void };

export function createDeviceKeys(find: FindKeys, clock: () => number): DeviceKeys {
  const known = new Map<string, Known>();
  const unknown = new Map<string, number>();
  const asked = new Map<string, Promise<DeviceKey | null>>();
  let waiting: Waiting[] = [];
  let asking = false;
  /** Forgotten while they were asked about: the answer may be from before. */
  const outdated = new Set<string>();
  let hits = 0;
  let misses = 0;

  const put = <V>(map: Map<string, V>, id: string, value: V, most: number) => {
    map.delete(id);
    map.set(id, value);
    if (map.size > most) {
      const [oldest] = map.keys();
      if (oldest !== undefined) map.delete(oldest);
    }
  };

  function learn(device: string, found: StoredKey | undefined): DeviceKey | null {
    const key = found ? publicKeyOf(found.x) : null;
    const keep = !outdated.has(device);
    if (!found || !key) {
      if (keep) put(unknown, device, clock(), UNKNOWN);
      return null;
    }
    const entry = { key, x: found.x, state: found.state, at: clock() };
    if (keep) put(known, device, entry, KNOWN);
    unknown.delete(device);
    return entry;
  }

  /** Asks about those who wait, as many as have come meanwhile in one question; whoever comes first goes first. */
  async function ask(): Promise<void> {
    if (asking) return;
    asking = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, AT_ONCE);
      waiting = waiting.slice(AT_ONCE);
      outdated.clear();
      try {
        const found = new Map((await find(batch.map(({ device }) => device))).map((row) => [row.id, row]));
        for (const { device, resolve } of batch) resolve(learn(device, found.get(device)));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    asking = false;
  }

  return {
    async find(device) {
      const entry = known.get(device);
      if (entry && (entry.state === 'active' || clock() - entry.at < STALE_MS)) {
        hits++;
        put(known, device, entry, KNOWN);
        return entry;
      }
      const missing = unknown.get(device);
      if (missing !== undefined && clock() - missing < STALE_MS) {
        hits++;
        return null;
      }
      misses++;
      const before = asked.get(device);
      if (before) return before;
      if (waiting.length >= WAITING) throw new Problem('too-busy', { retryAfter: 5 + Math.ceil(Math.random() * 30) });
      const answer = new Promise<DeviceKey | null>((resolve, reject) => waiting.push({ device, resolve, reject }));
      asked.set(device, answer);
      void ask();
      try {
        return await answer;
      } finally {
        asked.delete(device);
      }
    },
    forget(device) {
      known.delete(device);
      unknown.delete(device);
      if (asking) outdated.add(device);
    },
    counts: () => ({ known: known.size, unknown: unknown.size, hits, misses }),
  };
}
