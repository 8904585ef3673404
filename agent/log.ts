/** The agent's log: a bounded file in the data folder with times, names of what happened and kinds of errors; no content, no values. */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { kindOf } from './failure.ts';

const MAX_BYTES = 1024 * 1024;

export type Log = { info(what: string, detail: string): void; error(what: string, error: unknown): void };

/** Appends to `agent.log`; at 1 MiB the file becomes `agent.log.1`. A log that can't be written never stops the agent. */
export function createLog(dataDir: string): Log {
  const file = path.join(dataDir, 'agent.log');
  const write = (level: string, what: string, detail: string) => {
    try {
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) renameSync(file, `${file}.1`);
      appendFileSync(file, `${new Date().toISOString()} ${level} ${what}: ${detail}\n`, { mode: 0o600 });
    } catch {
      // A full or read-only disk is a problem that the store raises; saying it here too would need the disk.
    }
  };
  return {
    info: (what, detail) => write('info', what, detail),
    // An error's own message may quote what was being read (V8 quotes the text that is no JSON).
    error: (what, error) => write('error', what, kindOf(error)),
  };
}
