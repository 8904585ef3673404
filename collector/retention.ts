/** When the housework is done: some minutes after the start, then now and then, beside everything else. */
import { setTimeout as timer } from 'node:timers/promises';
import type { Log } from './log.ts';
import type { Db } from './store/devices.ts';
import { cleanUp, keepDays } from './store/retention.ts';
import { readSettings } from './store/settings.ts';

const MINUTE_MS = 60_000;
/** A start is busy enough, and a collector that is often started anew must come to it all the same. */
const FIRST_MS = 5 * MINUTE_MS;
const FIRST_SPREAD_MS = 10 * MINUTE_MS;
const EVERY_MS = 6 * 60 * MINUTE_MS;

export type HouseParts = {
  readonly db: Db;
  readonly log: Log;
  readonly now: () => Date;
  /** Done at the same times; either is done where the other fails. */
  readonly also?: () => Promise<void>;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 ≤ random() < 1. Replicas that start together, or that one deployment starts again, don't all clean at once. */
  readonly random?: () => number;
};

/** First 5 to 15 minutes after the start, then every six hours, a tenth more or less, until stopped; a failure is logged and tried again the next time. */
export function keepHouse({ db, log, now, also, wait = unheld, random = Math.random }: HouseParts): { stop(): Promise<void> } {
  const ending = new AbortController();
  const clean = async () => log.info('retention', await cleanUp(db, now(), keepDays(await readSettings(db))));
  const chores = also ? [also, clean] : [clean];

  async function keep(): Promise<void> {
    for (let ms = FIRST_MS + FIRST_SPREAD_MS * random(); ; ms = EVERY_MS * (0.9 + 0.2 * random())) {
      await wait(ms, ending.signal);
      for (const chore of chores) {
        if (ending.signal.aborted) return;
        try {
          await chore();
        } catch (error) {
          log.error('retention.failed', error);
        }
      }
    }
  }

  const running = keep();
  return {
    async stop() {
      ending.abort();
      await running;
    },
  };
}

/** Keeps no process alive that has nothing else to do. */
async function unheld(ms: number, signal: AbortSignal): Promise<void> {
  await timer(ms, undefined, { signal, ref: false }).catch(() => {});
}
