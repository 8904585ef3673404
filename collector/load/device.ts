/** One simulated device: a real key, real bodies, and what it believes the collector to hold. It sends nothing itself. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type CheckIn, type CheckInAnswer, type Enrolment, HASH_ALG, headOf, PROTO } from '../../agent/wire.ts';
import { type Had, TOOLS_EACH, toolOf } from './inventory.ts';
import { bytesOf, chance, uuidOf } from './random.ts';

export type Key = { readonly privateKey: KeyObject; readonly publicJwk: Enrolment['key'] };

/** What a check-in carries: nothing new, a few tools in another version, or everything. */
export type Load = 'unchanged' | 'delta' | 'full';

const DELTA = 3;
/** PKCS#8 around the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

export function keyOf(seed: number, device: number): Key {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, bytesOf(seed, 'key', device)]), format: 'der', type: 'pkcs8' });
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  return { privateKey, publicJwk: { kty: 'OKP', crv: 'Ed25519', x } };
}

export const idOf = (seed: number, device: number) => uuidOf(seed, 'device', device);
export const epochOf = (seed: number, device: number, copy = 0) => uuidOf(seed, 'epoch', device, copy);

/** What a device has before anything changed. */
export const firstTools = (seed: number, device: number): Had[] =>
  Array.from({ length: TOOLS_EACH }, (_, slot) => toolOf(seed, device, slot, 0));

export type Device = {
  readonly id: string;
  readonly index: number;
  /** A check-in of it is under way. */
  busy: boolean;
  key(): Key;
  /** The next check-in; the same again until `hear` was told of an answer, as an agent keeps it. */
  next(load: Load): CheckIn;
  hear(answer: CheckInAnswer): void;
  /** After a 409: everything under the next number. */
  refused(): void;
  enrolment(secret: string): Enrolment;
  /** Goes back to an older state, as a restored backup does. */
  restore(): void;
};

/** What it has of what was published, as it tells it. */
type Trust = NonNullable<CheckIn['trust']>;
export type Has = Pick<Trust, 'keySet' | 'policy'>;

const NOTHING: Has = { keySet: null, policy: null };

/**
 * `held`: the collector has its inventory already, with the number 1 acknowledged. `has`: what was published before that. `copy`: the same id and key
 * with another database.
 */
export function createDevice(
  seed: number,
  index: number,
  { held = false, copy = 0, has = NOTHING }: { held?: boolean; copy?: number; has?: Has } = {},
): Device {
  const id = idOf(seed, index);
  const epoch = epochOf(seed, index, copy);
  const random = chance(seed, 'life', index, copy);
  const revisions = new Map<number, number>();
  const tool = (slot: number) => toolOf(seed, index, slot, revisions.get(slot) ?? 0);
  const all = () => Array.from({ length: TOOLS_EACH }, (_, slot) => tool(slot));
  const headNow = () => headOf(all().map(({ hash }) => hash));
  let key: Key | null = null;
  let seq = held ? 1 : 0;
  let head: string | null = held ? headNow() : null;
  let pending: CheckIn | null = null;
  let full = !held;
  let trust: Trust = { ...NOTHING, ...has, grants: null, applied: appliedOf(has.policy) };
  const keyed = () => {
    key ??= keyOf(seed, index);
    return key;
  };

  function compose(load: Load): CheckIn {
    const envelope = { proto: PROTO, epoch, seq: seq + 1, hashAlg: HASH_ALG } as const;
    if (full || load === 'full' || head === null) {
      const items = all();
      return {
        ...envelope,
        base: null,
        head: headOf(items.map(({ hash }) => hash)),
        snapshot: { id: uuidOf(seed, 'snapshot', index, copy, seq), part: 1, of: 1, items: items.map(({ item }) => item) },
        trust,
        agent: { version: '0.1.0', platform: 'linux' },
      };
    }
    if (load === 'unchanged') return { ...envelope, base: head, head, trust };
    const slots = new Set<number>();
    while (slots.size < DELTA) slots.add(Math.floor(random() * TOOLS_EACH));
    for (const slot of slots) revisions.set(slot, (revisions.get(slot) ?? 0) + 1);
    return { ...envelope, base: head, head: headNow(), upsert: [...slots].map((slot) => tool(slot).item), trust };
  }

  return {
    id,
    index,
    busy: false,
    key: keyed,
    next(load) {
      pending ??= compose(load);
      return pending;
    },
    hear(answer) {
      seq = Math.max(answer.ackSeq, pending?.seq ?? 0);
      head = answer.head;
      full = answer.want !== 'none';
      pending = null;
      if (answer.trust !== 'current') {
        const { keySet, policy, grants } = answer.trust;
        const has = policy === undefined ? trust.policy : revsOf(policy);
        trust = {
          keySet: keySet === undefined ? trust.keySet : revsOf(keySet).rev,
          policy: has,
          grants: grants === undefined ? trust.grants : revsOf(grants),
          applied: appliedOf(has),
        };
      }
    },
    refused() {
      seq++;
      full = true;
      pending = null;
    },
    enrolment: (secret) => ({
      proto: PROTO,
      id,
      key: keyed().publicJwk,
      secret,
      platform: 'linux',
      hostname: `sim-${index}`,
      user: 'user',
    }),
    restore() {
      seq = 1;
      pending = null;
    },
  };
}

const appliedOf = (policy: Trust['policy']): Trust['applied'] =>
  policy === null ? { rev: null, status: 'none' } : { rev: policy.rev, status: 'ok' };

/** What a signed document says of itself; an agent checks more than that. */
function revsOf(jws: string): { keySetRev: number; rev: number } {
  const [header, payload] = jws
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>);
  return { keySetRev: Number(header?.['keySet'] ?? 0), rev: Number(payload?.['rev']) };
}
