/**
 * One agent a data folder: a lock that the operating system itself ends with the process, however that ends.
 *
 * It is SQLite's own file lock on an empty database. Node has no file locks, and a file with a process id in it lies after a `kill -9`.
 */
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { nativeAddon } from './assets.ts';
import { guarded } from './sqlite.ts';

export type Lock = { release(): void };

/** Takes the lock of an existing data folder at once, or answers null while another process has it. Throws a `DatabaseError`. */
export function takeLock(dataDir: string): Lock | null {
  const file = path.join(dataDir, 'agent.lock');
  return guarded(file, () => {
    closeSync(openSync(file, 'a', 0o600));
    const nativeBinding = nativeAddon('better_sqlite3');
    const database = new Sqlite(file, { timeout: 0, ...(nativeBinding ? { nativeBinding } : {}) });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return { release: () => database.close() };
    } catch (error) {
      database.close();
      if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) return null;
      throw error;
    }
  });
}
