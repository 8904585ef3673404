/** When the housework is done: now and then, beside everything else. */
import type { Log } from './log.ts';
import type { Db } from './store/devices.ts';
import { cleanUp, keepDays } from './store/retention.ts';
import { readSettings } from './store/settings.ts';

const EVERY_MS = 6 * 3_600_000;

/** Now and then, until stopped; a failure is logged and tried again the next time. */
export function keepHouse(db: Db, log: Log, now: () => Date, also: () => Promise<void> = async () => {}): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(async () => {
      try {
        await also();
        log.info('retention', await cleanUp(db, now(), keepDays(await readSettings(db))));
      } catch (error) {
        log.error('retention.failed', error);
      }
    });
  }, EVERY_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
