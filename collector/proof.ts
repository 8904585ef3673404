/** Whether a request comes from the device that it names, just now and for this address: the proof of agent/wire, checked before anything is read. */
import { hash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { ProofClaims, PublicKey, TIMES, Uuid } from '../agent/wire.ts';
import type { DeviceKey, DeviceKeys } from './device-keys.ts';
import { type Jws, openJws, publicKeyOf } from './jws.ts';
import { Problem } from './problem.ts';

const Header = z.strictObject({
  typ: z.literal('dpop+jwt'),
  alg: z.enum(['EdDSA', 'Ed25519']),
  kid: Uuid.optional(),
  jwk: PublicKey.optional(),
});

/** Only an address of ours counts, to the letter: whether another is one at all is not worth a parser. */
const Claims = ProofClaims.extend({ htu: z.string().max(2000) });

/** No proof of this protocol is longer, in characters. */
const MAX_CHARS = 4000;

export type Proven = {
  /** What the body's bytes must hash to. */
  readonly bodyHash: string;
  /** When it was signed, by the device's clock as the server's answers have set it right. */
  readonly signedAt: Date;
  /** In `kid`: the device, which is enrolled. */
  readonly device: string | null;
  /** In `jwk`, at an enrolment: the key that signed. */
  readonly keyX: string;
  readonly state: DeviceKey['state'] | null;
};

export type Prover = {
  /** Checks everything but the body. `path` as in the route. Throws a `Problem`. */
  prove(header: string | string[] | undefined, path: string, by: 'kid' | 'jwk'): Promise<Proven>;
};

export type ProverParts = {
  readonly keys: DeviceKeys;
  /** The addresses under which agents know this collector, without a slash at the end. */
  readonly origins: () => readonly string[];
  readonly now: () => Date;
  readonly replays: Replays;
};

export function createProver({ keys, origins, now, replays }: ProverParts): Prover {
  return {
    async prove(value, path, by) {
      if (value === undefined || value === '') throw new Problem('proof-missing');
      if (typeof value !== 'string' || value.length > MAX_CHARS) throw new Problem('proof-invalid');
      const jws = openJws(value);
      const header = Header.safeParse(jws?.header);
      if (!jws || !header.success) throw new Problem('proof-invalid');
      const { key, device, keyX, state } = by === 'kid' ? await ofDevice(header.data.kid, keys) : ofKey(header.data.jwk);
      const claims = claimsOf(jws, key);
      if (!origins().some((origin) => `${origin}${path}` === claims.htu)) throw new Problem('proof-elsewhere');
      const age = now().getTime() / 1000 - claims.iat;
      if (age > TIMES.proofAge || age < -TIMES.clockSkew) throw new Problem('proof-time');
      if (!replays.first(`${keyX}:${claims.jti}`)) throw new Problem('proof-replayed');
      return { bodyHash: claims.bh, signedAt: new Date(claims.iat * 1000), device, keyX, state };
    },
  };
}

/** SHA-256 of the bytes as sent, base64url; throws a `Problem` where the proof is of others. */
export function matchBody(proven: Proven, bytes: Uint8Array): void {
  if (hash('sha256', bytes, 'base64url') !== proven.bodyHash) throw new Problem('proof-body');
}

async function ofDevice(device: string | undefined, keys: DeviceKeys) {
  if (device === undefined) throw new Problem('proof-invalid');
  const found = await keys.find(device.toLowerCase());
  if (!found) throw new Problem('unknown-device');
  return { key: found.key, device: device.toLowerCase(), keyX: found.x, state: found.state };
}

function ofKey(jwk: z.infer<typeof PublicKey> | undefined) {
  const key = jwk && publicKeyOf(jwk.x);
  if (!key) throw new Problem('proof-invalid');
  return { key, device: null, keyX: jwk.x, state: null };
}

function claimsOf(jws: Jws, key: KeyObject): z.infer<typeof Claims> {
  if (!jws.signedBy(key)) throw new Problem('proof-signature');
  try {
    const claims = Claims.safeParse(jws.payload());
    if (claims.success) return claims.data;
  } catch {
    // The same answer as for claims that are not those of the protocol.
  }
  throw new Problem('proof-invalid');
}

/** Nonces that were used, for as long as a proof may be used at all. */
export type Replays = { first(nonce: string): boolean; size(): number };

/** In two halves, so that forgetting is dropping a set. At `most` nonces a half, nothing more is taken until the next: a replay never slips in. */
export function createReplays(clock: () => number, most = 500_000): Replays {
  const half = (TIMES.proofAge + TIMES.clockSkew) * 1000;
  let current = new Set<string>();
  let before = new Set<string>();
  let since = clock();
  return {
    first(nonce) {
      const now = clock();
      if (now - since >= half) {
        before = now - since >= 2 * half ? new Set() : current;
        current = new Set();
        since = now;
      }
      if (current.has(nonce) || before.has(nonce)) return false;
      if (current.size >= most) throw new Problem('too-busy', { retryAfter: 30 + Math.ceil(Math.random() * 60) });
      current.add(nonce);
      return true;
    },
    size: () => current.size + before.size,
  };
}
