/** What the collector takes on at once: rates by address and in all, and how many requests are under way. Decided before a body is read. */
import { Problem } from './problem.ts';

export type Limits = {
  /** Requests a second, and how many may come at once after a quiet time. */
  readonly address: { readonly rate: number; readonly burst: number };
  readonly all: { readonly rate: number; readonly burst: number };
  readonly underWay: number;
  /** Of one device; default `DEVICE`. */
  readonly device?: { readonly rate: number; readonly burst: number } | undefined;
};

/** A large inventory in parts, then a check-in each half minute: one device that went mad or bad fills no disk and no audit. */
const DEVICE = { rate: 2, burst: 300 };
/** An agent makes one at a time; more are repetitions that overtook each other. */
const DEVICE_UNDER_WAY = 16;

/** Thousands of devices may share one address behind an office's router: an hourly check-in of 100,000 is 28 a second. */
export const LIMITS: Limits = {
  address: { rate: 200, burst: 1000 },
  all: { rate: 2000, burst: 4000 },
  underWay: 200,
};

type Bucket = { tokens: number; at: number };

export type Admission = {
  /** Takes one request on, until the returned function is called; throws a `Problem` with `Retry-After`. */
  enter(address: string): () => void;
  /** Takes one request of a device that has proven itself on, until the returned function is called; throws a `Problem` with `Retry-After`. */
  enterDevice(device: string): () => void;
  /** Charges an address for something that costs more than a request, such as a wrong secret. */
  charge(address: string, tokens: number): void;
  /** From now on nothing more is taken on. */
  close(): void;
  underWay(): number;
};

/** Addresses, and devices, that are remembered; the one that was quiet for longest goes first, and by then its bucket is mostly full again. */
const REMEMBERED = 50_000;

/** Whoever has one IPv6 address has the 2^64 beside it. Nothing is known of who has hung up already. */
export function networkOf(address: string | undefined): string {
  if (address === undefined) return '';
  if (!address.includes(':') || address.includes('.')) return address;
  const [front = '', back] = (address.split('%')[0] ?? '').split('::');
  const [before, after] = [front, back ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const between = back === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return `${[...(before ?? []), ...Array<string>(Math.max(0, between)).fill('0'), ...(after ?? [])].slice(0, 4).join(':')}::/64`;
}

/** `clock` in ms; `random` in [0, 1) spreads those who come back. */
export function createAdmission(limits: Limits, clock: () => number, random: () => number = Math.random): Admission {
  const addresses = new Map<string, Bucket>();
  const devices = new Map<string, Bucket>();
  /** Requests of each device that are under way. */
  const ofDevice = new Map<string, number>();
  const all: Bucket = { tokens: limits.all.burst, at: clock() };
  let underWay = 0;
  let closed = false;
  const later = (atLeast: number) => Math.ceil(atLeast + random() * 30);

  function refill(bucket: Bucket, { rate, burst }: Limits['all']): Bucket {
    const now = clock();
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate);
    bucket.at = now;
    return bucket;
  }

  function bucketOf(buckets: Map<string, Bucket>, name: string, limit: Limits['all']): Bucket {
    const bucket = buckets.get(name) ?? { tokens: limit.burst, at: clock() };
    buckets.delete(name);
    buckets.set(name, bucket);
    if (buckets.size > REMEMBERED) {
      const [oldest] = buckets.keys();
      if (oldest !== undefined) buckets.delete(oldest);
    }
    return refill(bucket, limit);
  }
  const ofAddress = (address: string) => bucketOf(addresses, networkOf(address), limits.address);

  return {
    enter(address) {
      if (closed) throw new Problem('stopping', { retryAfter: later(5) });
      if (underWay >= limits.underWay) throw new Problem('too-busy', { retryAfter: later(5) });
      const own = ofAddress(address);
      if (own.tokens < 1) throw new Problem('too-fast', { retryAfter: later((1 - own.tokens) / limits.address.rate) });
      if (refill(all, limits.all).tokens < 1) throw new Problem('too-busy', { retryAfter: later(5) });
      own.tokens -= 1;
      all.tokens -= 1;
      underWay++;
      let left = false;
      return () => {
        if (!left) underWay--;
        left = true;
      };
    },
    enterDevice(device) {
      const limit = limits.device ?? DEVICE;
      const own = bucketOf(devices, device, limit);
      const before = ofDevice.get(device) ?? 0;
      if (own.tokens < 1 || before >= DEVICE_UNDER_WAY)
        throw new Problem('too-fast', { detail: 'It is this device.', retryAfter: later(Math.max(0, 1 - own.tokens) / limit.rate) });
      own.tokens -= 1;
      ofDevice.set(device, before + 1);
      return () => {
        const left = (ofDevice.get(device) ?? 1) - 1;
        if (left > 0) ofDevice.set(device, left);
        else ofDevice.delete(device);
      };
    },
    charge(address, tokens) {
      const own = ofAddress(address);
      own.tokens = Math.max(-limits.address.burst, own.tokens - tokens);
    },
    close() {
      closed = true;
    },
    underWay: () => underWay,
  };
}
