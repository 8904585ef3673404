/** The only loop: when it looks, how it backs off, how it is asked to look at once, and that it stops. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { every } from '../../agent/observe/every.ts';
import { fakeClock } from '../fakes.ts';

function loop(look: () => Promise<void>, options: { ms?: number; jitter?: number } = {}) {
  const clock = fakeClock();
  const controller = new AbortController();
  const errors: [unknown, number][] = [];
  const { now, done } = every(
    clock,
    { name: 'test', ms: 1000, signal: controller.signal, onError: (error, retryInMs) => errors.push([error, retryInMs]), ...options },
    look,
  );
  return { clock, now, done, errors, stop: () => controller.abort() };
}

describe('every', () => {
  it('looks at once and then at the interval, until it is stopped', async () => {
    let looks = 0;
    const { clock, done, stop } = loop(async () => void looks++);
    await clock.advance(0);
    expect(looks).toBe(1);
    await clock.advance(999);
    expect(looks).toBe(1);
    await clock.advance(1);
    expect(looks).toBe(2);
    await clock.advance(10_000);
    expect(looks).toBe(12);
    stop();
    await done;
    await clock.advance(10_000);
    expect(looks).toBe(12);
  });

  it('never lets two looks overlap, and waits from the end of one', async () => {
    const finish: (() => void)[] = [];
    const { clock, done, stop } = loop(() => new Promise((resolve) => finish.push(resolve)));
    await clock.advance(60_000);
    expect(finish.length).toBe(1);
    finish[0]?.();
    await clock.advance(999);
    expect(finish.length).toBe(1);
    await clock.advance(1);
    expect(finish.length).toBe(2);
    stop();
    finish[1]?.();
    await done;
  });

  it('backs off while looks fail, up to five minutes, and returns to the interval', async () => {
    let failing = true;
    let looks = 0;
    const { clock, errors, done, stop } = loop(async () => {
      looks++;
      if (failing) throw new Error(`look ${looks}`);
    });
    await clock.advance(20 * 60_000);
    expect(errors.map(([, retryInMs]) => retryInMs).slice(0, 11)).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ]);
    expect(errors[2]?.[0]).toEqual(new Error('look 3'));
    failing = false;
    await clock.advance(300_000);
    const before = looks;
    await clock.advance(3000);
    expect(looks).toBe(before + 3);
    failing = true;
    await clock.advance(1000);
    expect(errors.at(-1)?.[1]).toBe(1000);
    stop();
    await done;
  });

  it('looks at once when asked, and shares one look between all who ask', async () => {
    let looks = 0;
    const { clock, now, done, stop } = loop(async () => void looks++);
    await clock.advance(0);
    await Promise.all([now(), now(), now()]);
    expect(looks).toBe(2);
    await now();
    expect(looks).toBe(3);
    stop();
    await done;
  });

  it('begins a new look for those who ask while one is under way, since that one may have passed what they mean', async () => {
    const finish: (() => void)[] = [];
    const { clock, now, done, stop } = loop(() => new Promise((resolve) => finish.push(resolve)));
    await clock.advance(0);
    let answered = 0;
    const asked = [now(), now()].map((answer) => answer.then(() => answered++));
    finish[0]?.();
    await clock.advance(0);
    expect([finish.length, answered]).toEqual([2, 0]);
    finish[1]?.();
    await Promise.all(asked);
    expect([finish.length, answered]).toEqual([2, 2]);
    stop();
    await done;
  });

  it('answers who asked also when the look fails, and ends a back-off when asked', async () => {
    const { clock, now, errors, done, stop } = loop(async () => {
      throw new Error('no');
    });
    await clock.advance(100_000);
    const before = errors.length;
    await now();
    expect(errors.length).toBe(before + 1);
    stop();
    await done;
  });

  it('answers everybody and reports nothing when it is stopped during a look', async () => {
    let fail: (error: Error) => void = () => {};
    const { clock, now, errors, done, stop } = loop(() => new Promise((_, reject) => (fail = reject)));
    await clock.advance(0);
    const asked = now();
    stop();
    fail(new Error('aborted'));
    await Promise.all([asked, done, now()]);
    expect(errors).toEqual([]);
  });

  it('does not look at all when its signal has already aborted', async () => {
    let looks = 0;
    const { now, done } = every(
      fakeClock(),
      { name: 'test', ms: 1000, signal: AbortSignal.abort(), onError: () => {} },
      async () => void looks++,
    );
    await Promise.all([now(), done]);
    expect(looks).toBe(0);
  });

  it('spreads its waits within the jitter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true }), async (jitter) => {
        const { clock, errors, done, stop } = loop(
          async () => {
            throw new Error('no');
          },
          { ms: 1_000_000, jitter },
        );
        await clock.advance(0);
        const wait = errors[0]?.[1] ?? Number.NaN;
        expect(wait).toBeGreaterThanOrEqual(Math.floor(1_000_000 * (1 - jitter)));
        expect(wait).toBeLessThanOrEqual(Math.ceil(1_000_000 * (1 + jitter)));
        stop();
        await done;
      }),
      { numRuns: 20 },
    );
  });

  it('refuses an interval that would spin', () => {
    expect(() => loop(async () => {}, { ms: 0 })).toThrow('The interval of "test" must be a positive number of milliseconds, and is 0.');
    expect(() => loop(async () => {}, { ms: Number.NaN })).toThrow('NaN');
  });
});
