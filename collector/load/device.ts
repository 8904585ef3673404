/** One simulated device: a real key, real bodies, and what it believes the collector to hold. It sends nothing itself. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type CheckIn, type CheckInAnswer, type Enrolment, HASH_ALG, headOf, PROTO } from '../../agent/wire.ts';
import { type Had, TOOLS_EACH, toolOf } from './inventory.ts';
import { bytesOf, chance, type Random, uuidOf } from './random.ts';

/** The public half is worked out when it is asked for: only an enrolment says it. */
export type Key = { readonly privateKey: KeyObject; readonly publicJwk: Enrolment['key'] };

/** What a check-in carries: nothing new, a few tools in another version, or everything. */
export type Load = 'unchanged' | 'delta' | 'full';

const DELTA = 3;
/** PKCS#8 around the 32 bytes of an Ed25519 key. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const privateKeyOf = (seed: number, device: number) =>
  createPrivateKey({ key: Buffer.concat([PKCS8, bytesOf(seed, 'key', device)]), format: 'der', type: 'pkcs8' });

const withPublic = (privateKey: KeyObject): Key => ({
  privateKey,
  get publicJwk(): Enrolment['key'] {
    const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
    return { kty: 'OKP', crv: 'Ed25519', x };
  },
});

export const keyOf = (seed: number, device: number): Key => withPublic(privateKeyOf(seed, device));

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

/** Nearly all have the same, so nearly all have one object. */
const trusts = new Map<string, Trust>();

function shared(trust: Trust): Trust {
  const name = JSON.stringify(trust);
  const known = trusts.get(name);
  if (known) return known;
  trusts.set(name, trust);
  return trust;
}

/** What a device has once something changed on it: how often each slot did, and its chance. */
type Changes = { readonly random: Random; readonly revisions: Map<number, number> };

/**
 * A class, for a hundred thousand are held at once, and what is held is walked through again and again by the garbage collector, in pauses that would be
 * seen in the latencies: one object with shared methods, a head and a key are what a device costs. What follows from its seed and index is worked out anew.
 */
class SimulatedDevice implements Device {
  readonly index: number;
  busy = false;
  readonly #seed: number;
  readonly #copy: number;
  #seq: number;
  #full: boolean;
  #head: string | null = null;
  #trust: Trust;
  #key: KeyObject | null = null;
  #pending: CheckIn | null = null;
  #changes: Changes | null = null;

  constructor(seed: number, index: number, { held, copy, has }: { held: boolean; copy: number; has: Has }) {
    this.#seed = seed;
    this.index = index;
    this.#copy = copy;
    this.#seq = held ? 1 : 0;
    this.#full = !held;
    this.#trust = shared({ ...NOTHING, ...has, grants: null, applied: appliedOf(has.policy) });
    if (held) this.#head = this.#headNow();
  }

  get id(): string {
    return idOf(this.#seed, this.index);
  }

  key(): Key {
    this.#key ??= privateKeyOf(this.#seed, this.index);
    return withPublic(this.#key);
  }

  next(load: Load): CheckIn {
    this.#pending ??= this.#compose(load);
    return this.#pending;
  }

  hear(answer: CheckInAnswer): void {
    this.#seq = Math.max(answer.ackSeq, this.#pending?.seq ?? 0);
    // An equal one would only be younger: the one that is held stays.
    if (this.#head !== answer.head) this.#head = answer.head;
    this.#full = answer.want !== 'none';
    this.#pending = null;
    if (answer.trust === 'current') return;
    const { keySet, policy, grants } = answer.trust;
    const had = this.#trust;
    const has = policy === undefined ? had.policy : revsOf(policy);
    this.#trust = shared({
      keySet: keySet === undefined ? had.keySet : revsOf(keySet).rev,
      policy: has,
      grants: grants === undefined ? had.grants : revsOf(grants),
      applied: appliedOf(has),
    });
  }

  refused(): void {
    this.#seq++;
    this.#full = true;
    this.#pending = null;
  }

  enrolment(secret: string): Enrolment {
    const { id, index } = this;
    return { proto: PROTO, id, key: this.key().publicJwk, secret, platform: 'linux', hostname: `sim-${index}`, user: 'user' };
  }

  restore(): void {
    this.#seq = 1;
    this.#pending = null;
  }

  #compose(load: Load): CheckIn {
    const [seed, index, copy, trust, base] = [this.#seed, this.index, this.#copy, this.#trust, this.#head];
    const envelope = { proto: PROTO, epoch: epochOf(seed, index, copy), seq: this.#seq + 1, hashAlg: HASH_ALG } as const;
    if (this.#full || load === 'full' || base === null) {
      const items = this.#all();
      return {
        ...envelope,
        base: null,
        head: headOf(items.map(({ hash }) => hash)),
        snapshot: { id: uuidOf(seed, 'snapshot', index, copy, this.#seq), part: 1, of: 1, items: items.map(({ item }) => item) },
        trust,
        agent: { version: '0.1.0', platform: 'linux' },
      };
    }
    if (load === 'unchanged') return { ...envelope, base, head: base, trust };
    this.#changes ??= { random: chance(seed, 'life', index, copy), revisions: new Map() };
    const { random, revisions } = this.#changes;
    const slots = new Set<number>();
    while (slots.size < DELTA) slots.add(Math.floor(random() * TOOLS_EACH));
    for (const slot of slots) revisions.set(slot, (revisions.get(slot) ?? 0) + 1);
    return { ...envelope, base, head: this.#headNow(), upsert: [...slots].map((slot) => this.#tool(slot).item), trust };
  }

  #tool(slot: number): Had {
    return toolOf(this.#seed, this.index, slot, this.#changes?.revisions.get(slot) ?? 0);
  }

  #all(): Had[] {
    return Array.from({ length: TOOLS_EACH }, (_, slot) => this.#tool(slot));
  }

  #headNow(): string {
    return headOf(this.#all().map(({ hash }) => hash));
  }
}

/**
 * `held`: the collector has its inventory already, with the number 1 acknowledged. `has`: what was published before that. `copy`: the same id and key
 * with another database.
 */
export const createDevice = (
  seed: number,
  index: number,
  { held = false, copy = 0, has = NOTHING }: { held?: boolean; copy?: number; has?: Has } = {},
): Device => new SimulatedDevice(seed, index, { held, copy, has });

const appliedOf = (policy: Trust['policy']): Trust['applied'] =>
  policy === null ? { rev: null, status: 'none' } : { rev: policy.rev, status: 'ok' };

/** What a signed document says of itself; an agent checks more than that. */
function revsOf(jws: string): { keySetRev: number; rev: number } {
  const [header, payload] = jws
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>);
  return { keySetRev: Number(header?.['keySet'] ?? 0), rev: Number(payload?.['rev']) };
}
