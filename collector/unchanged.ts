/** Check-ins that bring nothing, which are nine of ten: those that come within a few milliseconds of each other are written in one statement. */
import { type Db, type Touched, touch, type Unchanged } from './store/devices.ts';

export type UnchangedWriter = {
  /** Null: this one is not what it looked like, or could not be written with the others; nothing was done, and it is to be taken by itself. */
  write(unchanged: Unchanged): Promise<Touched | null>;
};

/** The longest that one waits for others to come, in ms. Who comes in a quiet time waits for nobody. */
const TOGETHER_MS = 5;
/** As many as are written at once; when they are there, nobody waits any longer. */
const MOST = 64;

type Waiting = { readonly unchanged: Unchanged; resolve(touched: Touched | null): void };

/** `clock` in ms, of any beginning. */
export function createUnchangedWriter(db: Db, clock: () => number = () => performance.now()): UnchangedWriter {
  let waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | null = null;
  let last = Number.NEGATIVE_INFINITY;

  async function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    last = clock();
    const batch = waiting;
    waiting = new Map();
    let written: readonly Touched[] = [];
    try {
      written = await touch(
        db,
        [...batch.values()].map(({ unchanged }) => unchanged),
      );
    } catch {
      // Whatever the database says, it says again to each of them alone, and the one at which it was aimed hears of it.
    }
    const found = new Map(written.map((row) => [row.id, row]));
    for (const [device, { resolve }] of batch) resolve(found.get(device) ?? null);
  }

  return {
    write(unchanged) {
      // Of two that a device sends at once one has to wait for the other, which takes a lock.
      if (waiting.has(unchanged.device)) return Promise.resolve(null);
      const answer = new Promise<Touched | null>((resolve) => waiting.set(unchanged.device, { unchanged, resolve }));
      if (waiting.size >= MOST) void flush();
      else timer ??= setTimeout(() => void flush(), Math.max(0, last + TOGETHER_MS - clock()));
      return answer;
    },
  };
}
