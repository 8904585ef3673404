/**
 * Ending a program that is running: only the very process that was seen (by number and start, asked for again right before), only one of the same
 * user, and never Muster itself or what it runs under.
 */
import type { Clock, ProcessObservation } from '../observe/observation.ts';
import type { Os } from '../observe/os.ts';

/** Which process; `startedAt` tells it from another that has its number by now. */
export type Running = Pick<ProcessObservation, 'pid' | 'startedAt'>;

export type Ended = {
  readonly ended: number;
  /** Those that are still there, each with the reason (ends a sentence about the program). */
  readonly left: readonly string[];
};

export type Ending = {
  /** Asks each to end, and after ten seconds makes it. Resolves when all are gone or left alone. `mine` says which process is meant, at that moment. */
  end(mine: (process: ProcessObservation) => boolean): Promise<Ended>;
};

const PATIENCE_MS = 10_000;
const LOOK_MS = 250;

/** `look` lists every process anew. `terminate` is Windows' own way, which compares the start once more while it holds the process. */
export function createEnding(parts: {
  readonly os: Os;
  readonly clock: Clock;
  readonly look: () => Promise<readonly ProcessObservation[]>;
  readonly signal: AbortSignal;
  readonly terminate?: (process: Running) => boolean;
  /** The number of this process. */
  readonly self?: number;
}): Ending {
  const { clock, look, signal, terminate, self = process.pid } = parts;

  /** Why a process stays, or null. */
  function untouchable(one: ProcessObservation, all: readonly ProcessObservation[]): string | null {
    if (one.owner !== 'self') return 'it runs for another account';
    if (one.pid <= 1) return 'it belongs to the system';
    if (one.pid === self || ancestors(self, all).has(one.pid)) return 'Muster runs under it';
    return null;
  }

  /** False where it had ended already. Throws the reason where it may not be ended. */
  function send(one: Running, how: 'SIGTERM' | 'SIGKILL'): boolean {
    if (terminate) return terminate(one);
    try {
      process.kill(one.pid, how);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }

  return {
    async end(mine) {
      const seen = await look();
      const left: string[] = [];
      const asked = new Map<string, Running>();
      const key = ({ pid, startedAt }: Running) => `${pid} ${startedAt}`;
      for (const one of seen.filter(mine)) {
        const why = untouchable(one, seen);
        if (why !== null) left.push(why);
        else {
          try {
            if (send(one, 'SIGTERM')) asked.set(key(one), one);
          } catch (error) {
            left.push(`the system doesn’t allow it (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
          }
        }
      }
      const total = asked.size;
      const remaining = async () => (await look()).filter((one) => asked.has(key(one)) && one.owner === 'self');
      for (let waited = 0; waited < PATIENCE_MS && !signal.aborted; waited += LOOK_MS) {
        if ((await remaining()).length === 0) return { ended: total, left };
        await clock.wait(LOOK_MS, signal);
      }
      for (const one of await remaining()) {
        try {
          send(one, 'SIGKILL');
        } catch (error) {
          left.push(`the system doesn’t allow it (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
        }
      }
      for (let waited = 0; waited < PATIENCE_MS && !signal.aborted; waited += LOOK_MS) {
        const still = await remaining();
        if (still.length === 0) return { ended: total, left };
        await clock.wait(LOOK_MS, signal);
      }
      const still = (await remaining()).length;
      for (let count = 0; count < still; count++) left.push('it didn’t end');
      return { ended: total - still, left };
    },
  };
}

/** Everything that this process was started by, as far as it is still there. */
function ancestors(of: number, all: readonly ProcessObservation[]): ReadonlySet<number> {
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]));
  const found = new Set<number>();
  for (let at = parents.get(of); at !== undefined && at > 0 && !found.has(at); at = parents.get(at)) found.add(at);
  return found;
}
