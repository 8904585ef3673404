/** When a check-in is due: the laws of the schedule, and an outage replayed with two thousand devices in simulated time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorOf, waitAfter, waitAtStart, waitOnReturn, whileOpen } from '../../agent/sync/schedule.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const RUNS = { numRuns: 300 };
const random = fc.double({ min: 0, max: 0.999999, noNaN: true });
const retryAfter = fc.option(fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.constant(Number.NaN)), { nil: null });
const count = fc.integer({ min: 1, max: 10_000 });

describe('the wait after a check-in', () => {
  it('is an hour, a tenth more or less', () => {
    fc.assert(
      fc.property(random, (r) => {
        const wait = waitAfter({ kind: 'done', nextCheckInS: null }, null, () => r);
        expect(wait >= 54 * MINUTE && wait <= 66 * MINUTE).toBe(true);
      }),
      RUNS,
    );
    expect([0, 0.5].map((r) => waitAfter({ kind: 'done', nextCheckInS: 3600 }, null, () => r))).toEqual([54 * MINUTE, HOUR]);
  });

  it('is what the collector wishes, within 30 seconds and a day', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.NaN)), random, (wish, r) => {
        const wait = waitAfter({ kind: 'done', nextCheckInS: wish }, null, () => r);
        expect(wait >= 27 * SECOND && wait <= 26.4 * HOUR).toBe(true);
      }),
      RUNS,
    );
  });

  it('is short while somebody waits: 30 seconds, then 5 minutes, then 15, and after a day as usual', () => {
    const at = (openForMs: number) => waitAfter({ kind: 'done', nextCheckInS: 3600 }, openForMs, () => 0.5);
    expect([0, 9 * MINUTE, 11 * MINUTE, 59 * MINUTE, 61 * MINUTE, 23 * HOUR, 25 * HOUR].map(at)).toEqual(
      [0.5, 0.5, 5, 5, 15, 15, 60].map((minutes) => minutes * MINUTE),
    );
    // Never slower than one who waits for nothing.
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (openFor) => {
        expect(whileOpen(openFor) ?? HOUR).toBeLessThanOrEqual(HOUR);
      }),
      RUNS,
    );
  });

  it('grows with failures up to a quarter of an hour, spread over as much again', () => {
    fc.assert(
      fc.property(count, random, random, (failures, one, other) => {
        const wait = (n: number, r: number) => waitAfter({ kind: 'failed', count: n, retryAfterS: null }, null, () => r);
        const base = Math.min(15 * MINUTE, 30 * SECOND * 2 ** Math.min(failures - 1, 30));
        expect(wait(failures, one)).toBeCloseTo(base * (1 + one), 3);
        expect(wait(failures + 1, one)).toBeGreaterThanOrEqual(wait(failures, one));
        // Also at the cap two devices don't act as one.
        expect(Math.abs(wait(failures, one) - wait(failures, other))).toBeCloseTo(base * Math.abs(one - other), 3);
      }),
      RUNS,
    );
  });

  it('is never below what Retry-After asks for, which counts from a second to six hours', () => {
    fc.assert(
      fc.property(fc.constantFrom('failed' as const, 'refused' as const), count, retryAfter, random, (kind, n, seconds, r) => {
        const floor = floorOf(seconds);
        expect(floor === 0 || (floor >= SECOND && floor <= 6 * HOUR)).toBe(true);
        expect(waitAfter({ kind, count: n, retryAfterS: seconds }, null, () => r)).toBeGreaterThanOrEqual(floor);
      }),
      RUNS,
    );
  });

  it('is longer where the collector refuses this computer, and never shorter than without the refusal', () => {
    fc.assert(
      fc.property(count, random, (n, r) => {
        const refused = waitAfter({ kind: 'refused', count: n, retryAfterS: null }, 0, () => r);
        expect(refused).toBeGreaterThanOrEqual(HOUR);
        expect(refused).toBeGreaterThanOrEqual(waitAfter({ kind: 'failed', count: n, retryAfterS: null }, 0, () => r));
      }),
      RUNS,
    );
  });

  it('comes at a random moment after a start, and within two minutes of the network’s return', () => {
    fc.assert(
      fc.property(fc.option(fc.double({ min: -1e12, max: 1e12, noNaN: true }), { nil: null }), random, (since, r) => {
        const wait = waitAtStart(since, () => r);
        expect(wait >= 0 && wait <= HOUR).toBe(true);
        const back = waitOnReturn(() => r);
        expect(back >= 0 && back < 120 * SECOND).toBe(true);
      }),
      RUNS,
    );
  });
});

/** Small, and the same on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('an outage of 28 minutes', () => {
  const DEVICES = 2000;
  const [from, to] = [2 * HOUR, 2 * HOUR + 28 * MINUTE];

  /** Times at which requests arrive, and how many arrived while the collector was gone. */
  function replay(options: { retryAfterS: number | null }) {
    const draw = seeded(7);
    const queue = Array.from({ length: DEVICES }, () => ({ at: waitAtStart(null, draw), failures: 0 }));
    const returned: number[] = [];
    let inVain = 0;
    const perSecond = new Map<number, number>();
    for (const device of queue) {
      while (device.at < 5 * HOUR) {
        const second = Math.floor(device.at / SECOND);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
        if (device.at >= from && device.at < to) {
          inVain++;
          device.failures++;
          device.at += waitAfter({ kind: 'failed', count: device.failures, ...options }, null, draw);
        } else {
          if (device.failures > 0) returned.push(device.at - to);
          device.failures = 0;
          device.at += waitAfter({ kind: 'done', nextCheckInS: 3600 }, null, draw);
        }
      }
    }
    return { returned, inVain, most: Math.max(...perSecond.values()) };
  }

  for (const retryAfterS of [null, 60, 600]) {
    it(`ends without a storm, with Retry-After ${retryAfterS ?? 'unsaid'}`, () => {
      const { returned, inVain, most } = replay({ retryAfterS });
      const spanMs = Math.max(...returned);
      const perMinute = Math.max(...[...Map.groupBy(returned, (at) => Math.floor(at / MINUTE)).values()].map((all) => all.length));
      const even = returned.length / (spanMs / MINUTE);
      // How far the returns are from uniform over their span: the largest distance between the two distributions (Kolmogorov and Smirnov).
      const sorted = [...returned].sort((a, b) => a - b);
      const distance = Math.max(...sorted.map((at, index) => Math.abs(at / spanMs - (index + 1) / sorted.length)));
      console.log(
        `Retry-After ${retryAfterS}: ${returned.length} of ${DEVICES} met the outage, ${inVain} requests in vain, back within ${(spanMs / MINUTE).toFixed(1)} min, ` +
          `at most ${perMinute} a minute (uniform: ${even.toFixed(0)}), ${most} a second, distance from uniform ${distance.toFixed(2)}.`,
      );
      expect(returned.length).toBeGreaterThan(DEVICES / 4);
      // Without the spread after the cap nearly all of them come in one minute; evenly it would be a thirtieth of them.
      expect(perMinute / returned.length).toBeLessThan(0.25);
      expect(distance).toBeLessThan(0.5);
      // Steadily two thousand are 0.6 a second.
      expect(most).toBeLessThan(12);
      expect(inVain / returned.length).toBeLessThan(6);
    });
  }
});
