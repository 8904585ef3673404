/** Sends at given times whatever comes back when: latencies count from when something was due, so that a slow collector can't hide by slowing the fleet. */
import type { Tally } from './measure.ts';
import type { Sent } from './sender.ts';

/** One thing to be sent; null: nobody was free to send it. */
export type Act = () => { readonly kind: string; readonly sent: Promise<Sent> } | null;

/** `skipped`: nobody was free, or too many were waiting for an answer. */
export type Driven = { readonly seconds: number; readonly skipped: number };

/** `dueMs` ascending, from the start. Resolves when everything has been answered. */
export async function drive(dueMs: readonly number[], act: Act, tally: Tally, signal: AbortSignal): Promise<Driven> {
  const under = new Set<Promise<void>>();
  let skipped = 0;
  const start = performance.now();
  for (const due of dueMs) {
    const left = due - (performance.now() - start);
    if (left > 1) await until(left);
    if (signal.aborted) break;
    // A collector that stands still is told no more than this.
    const done = under.size < MOST ? act() : null;
    if (!done) {
      skipped++;
      continue;
    }
    const one = done.sent.then(({ code }) => tally.add(done.kind, performance.now() - start - due, code));
    under.add(one);
    void one.finally(() => under.delete(one));
  }
  await Promise.all(under);
  return { seconds: (performance.now() - start) / 1000, skipped };
}

const MOST = 5000;
const until = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Times at `rate` a second for `seconds`, as independent devices come: with gaps that chance decides (Poisson). */
export function arrivals(rate: number, seconds: number, random: () => number): number[] {
  const due: number[] = [];
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) / rate) * 1000;
    if (at >= seconds * 1000) return due;
    due.push(at);
  }
}
