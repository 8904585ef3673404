/** The only loop of the agent: it looks, waits, backs off after a failure, looks at once when asked, and stops when its signal aborts. */
import type { Clock } from './observation.ts';

/** After failures the wait doubles, up to this; a loop whose own interval is longer keeps its interval. */
const longestBackOffMs = 5 * 60_000;

/**
 * Calls `look` at once and then every `ms` milliseconds (as a function: what it says after each look), counted from the end of one look to the
 * start of the next, so that looks never overlap or pile up, until `signal` aborts. `jitter` (0 to 1) spreads the wait by that part of it to both sides.
 *
 * A look that throws is reported to `onError` with the milliseconds until the next one: `ms`, then twice that each time, up to five minutes.
 * What a look throws after the abort is not reported.
 *
 * `now()` resolves when a look that began after the call has ended, well or badly; callers that ask while one is under way share the next one.
 * It resolves at once after the abort. `done` resolves when the loop has stopped and rejects only where `onError` itself throws.
 */
export function every(
  clock: Clock,
  options: {
    name: string;
    ms: number | (() => number);
    signal: AbortSignal;
    onError(error: unknown, retryInMs: number): void;
    jitter?: number;
  },
  look: () => Promise<void>,
): { now(): Promise<void>; done: Promise<void> } {
  const { name, signal, onError, jitter = 0 } = options;
  const interval = () => {
    const ms = typeof options.ms === 'number' ? options.ms : options.ms();
    if (!(ms > 0)) throw new Error(`The interval of "${name}" must be a positive number of milliseconds, and is ${ms}.`);
    return ms;
  };
  interval();
  let waiters: (() => void)[] = [];
  let wake = new AbortController();
  let stopped = false;
  // One listener for the loop's whole life: a signal made with AbortSignal.any for each wait would collect them on a long-lived signal.
  const onAbort = () => wake.abort();
  signal.addEventListener('abort', onAbort);

  async function run(): Promise<void> {
    let failures = 0;
    try {
      while (!signal.aborted) {
        // Made before the look: whoever calls now() during the look ends the wait after it before it has begun.
        wake = new AbortController();
        const served = waiters;
        waiters = [];
        let failed: { readonly error: unknown } | null = null;
        try {
          await look();
        } catch (error) {
          failed = { error };
        }
        const ms = interval();
        let waitMs = spread(ms, jitter);
        try {
          if (!failed) failures = 0;
          else if (!signal.aborted) {
            waitMs = spread(Math.min(ms * 2 ** failures, Math.max(ms, longestBackOffMs)), jitter);
            failures++;
            onError(failed.error, waitMs);
          }
        } finally {
          for (const resolve of served) resolve();
        }
        if (!signal.aborted) await clock.wait(waitMs, wake.signal);
      }
    } finally {
      stopped = true;
      signal.removeEventListener('abort', onAbort);
      for (const resolve of waiters) resolve();
    }
  }

  return {
    now: () =>
      new Promise((resolve) => {
        if (stopped || signal.aborted) return resolve();
        waiters.push(resolve);
        wake.abort();
      }),
    done: run(),
  };
}

function spread(ms: number, jitter: number): number {
  return jitter === 0 ? ms : Math.round(ms * (1 + jitter * (Math.random() * 2 - 1)));
}
