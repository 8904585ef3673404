/** Check-ins that bring no more than a change of the inventory, and mostly not even that: those that come within a few milliseconds of each other are
 * written in one statement. */
import { type Db, type Step, type Stepped, step } from './store/devices.ts';

export type Steps = {
  /** Null: this one is not what it looked like, or could not be written with the others; nothing was done, and it is to be taken by itself. */
  write(step: Step): Promise<Stepped | null>;
};

/** The longest that one waits for others to come, in ms, while the database keeps up. Who comes in a quiet time waits for nobody. */
const TOGETHER_MS = 10;
/** As many as are written at once; when they are there, nobody waits any longer. */
const MOST = 64;
/**
 * With so many statements under way the next waits for one of them, but no longer than this: a database that is slow would get the same work in smaller
 * pieces, which is more work, and a connection that hangs holds nobody else up.
 */
const UNDER_WAY = 2;
const SLOW_MS = 250;

type Waiting = { readonly step: Step; resolve(stepped: Stepped | null): void };

/** `clock` in ms, of any beginning. */
export function createSteps(db: Db, clock: () => number = () => performance.now()): Steps {
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | null = null;
  let last = Number.NEGATIVE_INFINITY;
  let underWay = 0;

  async function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    last = clock();
    underWay++;
    const batch = waiting;
    waiting = new Map();
    let written: readonly Stepped[] = [];
    try {
      written = await step(
        db,
        [...batch.values()].map((each) => each.step),
      );
    } catch {
      // Whatever the database says, it says again to each of them alone, and the one at which it was aimed hears of it.
    }
    underWay--;
    const found = new Map(written.map((row) => [row.id, row]));
    for (const [device, { resolve }] of batch) resolve(found.get(device) ?? null);
    if (timer) clearTimeout(timer);
    timer = null;
    soon();
  }

  function soon(): void {
    if (waiting.size >= MOST) return void flush();
    const patience = underWay < UNDER_WAY ? TOGETHER_MS : SLOW_MS;
    if (waiting.size > 0) timer ??= setTimeout(() => void flush(), Math.max(0, last + patience - clock()));
  }

  return {
    write(one) {
      // Of two that a device sends at once one has to wait for the other, which takes a lock.
      if (waiting.has(one.device)) return Promise.resolve(null);
      const answer = new Promise<Stepped | null>((resolve) => waiting.set(one.device, { step: one, resolve }));
      soon();
      return answer;
    },
  };
}
