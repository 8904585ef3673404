/** One collector to a folder: two on the same embedded database would destroy it. */
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Takes the folder until the returned function is called or the process ends: a lock of a process that has ended is taken over. Throws an error with
 * the code `FOLDER_IN_USE`.
 */
export function takeFolder(folder: string): () => void {
  const file = path.join(folder, 'collector.pid');
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // A link is made whole or not at all, and never over another.
        linkSync(own, file);
        return () => rmSync(file, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (isAlive(holderOf(file))) break;
        rmSync(file, { force: true });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw Object.assign(
    new Error(
      `The folder ${folder} is in use by the collector with the process id ${holderOf(file)}; end it, or name another folder with --data.`,
    ),
    { code: 'FOLDER_IN_USE' },
  );
}

function holderOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').trim());
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
