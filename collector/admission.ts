/** What the collector takes on at once: rates by address and in all, and how many requests are under way. Decided before a body is read. */
import { Problem } from './problem.ts';

export type Limits = {
  /** Requests a second, and how many may come at once after a quiet time. */
  readonly address: { readonly rate: number; readonly burst: number };
  readonly all: { readonly rate: number; readonly burst: number };
  readonly underWay: number;
};

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
  /** Charges an address for something that costs more than a request, such as a wrong secret. */
  charge(address: string, tokens: number): void;
  /** From now on nothing more is taken on. */
  close(): void;
  underWay(): number;
};

/** Addresses that are remembered; the one that was quiet for longest goes first, and by then its bucket is mostly full again. */
const ADDRESSES = 50_000;

/** `clock` in ms; `random` in [0, 1) spreads those who come back. */
export function createAdmission(limits: Limits, clock: () => number, random: () => number = Math.random): Admission {
  const addresses = new Map<string, Bucket>();
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

  function bucketOf(address: string): Bucket {
    const known = addresses.get(address);
    const bucket = known ?? { tokens: limits.address.burst, at: clock() };
    addresses.delete(address);
    addresses.set(address, bucket);
    if (addresses.size > ADDRESSES) {
      const [oldest] = addresses.keys();
      if (oldest !== undefined) addresses.delete(oldest);
    }
    return refill(bucket, limits.address);
  }

  return {
    enter(address) {
      if (closed) throw new Problem('stopping', { retryAfter: later(5) });
      if (underWay >= limits.underWay) throw new Problem('too-busy', { retryAfter: later(5) });
      const own = bucketOf(address);
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
    charge(address, tokens) {
      const own = bucketOf(address);
      own.tokens = Math.max(-limits.address.burst, own.tokens - tokens);
    },
    close() {
      closed = true;
    },
    underWay: () => underWay,
  };
}
