/**
 * When the next check-in is due: pure, so that a fleet of thousands can be replayed in simulated time.
 *
 * Spreading comes after every cap: a cap that comes last makes devices that began apart act as one, and an outage then ends in a storm.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** 0 ≤ random() < 1. */
export type Random = () => number;

export type Outcome =
  /** `nextCheckInS` is the collector's wish in seconds; null: it has said nothing. */
  | { readonly kind: 'done'; readonly nextCheckInS: number | null }
  /** `count`: how many in a row, this one included. `retryAfterS`: seconds that the collector asked for. */
  | { readonly kind: 'failed' | 'refused'; readonly count: number; readonly retryAfterS: number | null };

const USUAL = HOUR;
const SPREAD = 0.1;

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
const spread = (ms: number, random: Random) => ms * (1 - SPREAD + 2 * SPREAD * random());

/** While somebody waits for an answer: how long between two check-ins, by the milliseconds since the person last acted; null: as usual. */
export function whileOpen(openForMs: number | null): number | null {
  if (openForMs === null) return null;
  if (openForMs < 10 * MINUTE) return 30 * SECOND;
  if (openForMs < HOUR) return 5 * MINUTE;
  return openForMs < DAY ? 15 * MINUTE : null;
}

/** What `Retry-After` may ask for, in milliseconds; 0 where it says nothing. */
export const floorOf = (retryAfterS: number | null) =>
  retryAfterS === null || Number.isNaN(retryAfterS) ? 0 : clamp(retryAfterS * SECOND, SECOND, 6 * HOUR);

/** Milliseconds from the end of a check-in to the next one. `openForMs` as in `whileOpen`. */
export function waitAfter(outcome: Outcome, openForMs: number | null, random: Random): number {
  if (outcome.kind === 'done') {
    const wish = outcome.nextCheckInS;
    const usual = wish === null || Number.isNaN(wish) ? USUAL : clamp(wish * SECOND, 30 * SECOND, DAY);
    return spread(Math.min(usual, whileOpen(openForMs) ?? usual), random);
  }
  const steps = Math.min(outcome.count - 1, 30);
  // Who is refused comes back later than one who is welcome, and later each time; who finds nobody asks again sooner.
  const base = outcome.kind === 'refused' ? Math.min(6 * HOUR, USUAL * 2 ** steps) : Math.min(15 * MINUTE, 30 * SECOND * 2 ** steps);
  return Math.max(base, floorOf(outcome.retryAfterS)) * (1 + random());
}

/**
 * Milliseconds to the first check-in after a start; `sinceLastMs` since the last that succeeded, null: there was none. New computers come one by one
 * over an hour, however many were set up at once; one that was only restarted goes on where it was, and one that is overdue comes soon.
 */
export function waitAtStart(sinceLastMs: number | null, random: Random): number {
  if (sinceLastMs === null) return USUAL * random();
  const left = sinceLastMs < 0 ? USUAL : USUAL - sinceLastMs;
  return left > 0 ? left * random() : 10 * MINUTE * random();
}

/** Milliseconds that a computer waits whose network has just come back: it came back for everybody in the building. */
export const waitOnReturn = (random: Random) => 120 * SECOND * random();
