/** What goes wrong in the agent's loops: a problem while it lasts, told by the loop that found out and ended by its own success. */
import type { Clock } from './observe/observation.ts';
import type { Problems } from './problems.ts';
import { DatabaseError } from './sqlite.ts';

export type Health = {
  /** What to do with an error of the loop of that name. */
  failed(name: string): (error: unknown) => void;
  worked(...names: string[]): void;
  /** Whether something could not be written and is due to be tried again; the next time is a minute later. */
  isWriteDue(): boolean;
};

/** How soon what could not be written is tried again. */
const WRITE_AGAIN_MS = 60_000;

export function createHealth(parts: {
  readonly clock: Clock;
  readonly problems: Problems;
  readonly log: (what: string, error: unknown) => void;
  readonly onChange: () => void;
}): Health {
  const { clock, problems, log, onChange } = parts;
  /** What can't be written at the moment, by the loop that found out: only its own success says that it is over. */
  const unwritten = new Set<string>();
  let unwrittenSince = 0;
  return {
    failed: (name) => (error) => {
      log(name, error);
      if (error instanceof DatabaseError) {
        if (unwritten.size === 0) unwrittenSince = clock.now().getTime();
        unwritten.add(name);
        problems.raise({ code: 'database-failed', path: error.path, detail: error.code });
      } else problems.raise({ code: 'source-failed', path: name, detail: error instanceof Error ? error.name : 'unknown' }, name);
      onChange();
    },
    worked(...names) {
      for (const name of names) {
        unwritten.delete(name);
        problems.clear('source-failed', name);
      }
      if (unwritten.size === 0) problems.clear('database-failed');
      onChange();
    },
    isWriteDue() {
      const now = clock.now().getTime();
      if (unwritten.size === 0 || now - unwrittenSince <= WRITE_AGAIN_MS) return false;
      unwrittenSince = now;
      return true;
    },
  };
}
