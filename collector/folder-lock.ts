/**
 * One collector to a folder: two on the same embedded database would destroy it, and two signers on the same keys would use a revision twice.
 *
 * It is SQLite's file lock on an empty database, which the operating system ends with the process: a process id in a file lies after a power cut, when
 * another program has that number.
 */
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';

/** Takes the folder until the returned function is called or the process ends, however that ends. Throws an error with the code `FOLDER_IN_USE`. */
export function takeFolder(folder: string): () => void {
  const lock = path.join(folder, 'collector.lock');
  const holder = path.join(folder, 'collector.pid');
  closeSync(openSync(lock, 'a', 0o600));
  const database = new Sqlite(lock, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY'))) throw error;
    throw Object.assign(
      new Error(
        `The folder ${folder} is in use by the collector with the process id ${holderOf(holder)}; end it, or name another folder with --data.`,
      ),
      { code: 'FOLDER_IN_USE' },
    );
  }
  // Only for the sentence above: it says whom to end.
  writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 });
  return () => {
    rmSync(holder, { force: true });
    database.close();
  };
}

function holderOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    // It has just begun.
    return 'unknown';
  }
}
