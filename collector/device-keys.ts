/** The keys of devices, kept at hand so that a proof is checked before the database is asked; also who is unknown, both bounded. */
import { type CryptoKey, importJWK } from 'jose';
import { Problem } from './problem.ts';
import type { DeviceState } from './store/schema.ts';

export type DeviceKey = { readonly key: CryptoKey; readonly x: string; readonly state: DeviceState };

/** Reads one device's key and state; null: not enrolled. */
export type FindKey = (device: string) => Promise<{ readonly x: string; readonly state: DeviceState } | null>;

export type DeviceKeys = {
  /** Null: no such device. Throws a `Problem` where too many unknown ones are asked about at once. */
  find(device: string): Promise<DeviceKey | null>;
  /** After an enrolment, an approval or a revocation here; other replicas notice within `STALE_MS`. */
  forget(device: string): void;
  counts(): { readonly known: number; readonly unknown: number; readonly hits: number; readonly misses: number };
};

const KNOWN = 200_000;
const UNKNOWN = 20_000;
/** A device's key never changes; its state may, and what isn't active is asked again after this. */
export const STALE_MS = 30_000;
/** Look-ups in the database under way: a flood of invented ids waits for no more of it than this. */
const LOOKUPS = 128;

type Known = DeviceKey & { readonly at: number };

export function createDeviceKeys(find: FindKey, clock: () => number): DeviceKeys {
  const known = new Map<string, Known>();
  const unknown = new Map<string, number>();
  const asked = new Map<string, Promise<DeviceKey | null>>();
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

  async function ask(device: string): Promise<DeviceKey | null> {
    const found = await find(device);
    if (!found) {
      put(unknown, device, clock(), UNKNOWN);
      return null;
    }
    const key = (await importJWK({ kty: 'OKP', crv: 'Ed25519', x: found.x }, 'EdDSA')) as CryptoKey;
    const entry = { key, x: found.x, state: found.state, at: clock() };
    put(known, device, entry, KNOWN);
    unknown.delete(device);
    return entry;
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
      const waiting = asked.get(device);
      if (waiting) return waiting;
      if (asked.size >= LOOKUPS) throw new Problem('too-busy', { retryAfter: 5 + Math.ceil(Math.random() * 30) });
      const answer = ask(device).finally(() => asked.delete(device));
      asked.set(device, answer);
      return answer;
    },
    forget(device) {
      known.delete(device);
      unknown.delete(device);
    },
    counts: () => ({ known: known.size, unknown: unknown.size, hits, misses }),
  };
}
