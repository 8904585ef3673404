/** Small files beside the database that only their owner may read: written whole or not at all, and on the disk when that returns. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Mode 0600 where there are modes. Throws what the file system says. */
export function writePrivate(file: string, text: string): void {
  const beside = `${file}.${process.pid}.new`;
  try {
    // One that an ended process left behind could have another mode.
    rmSync(beside, { force: true });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      writeSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
    syncFolder(path.dirname(file));
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** The new name itself, after the loss of power. Windows writes names through by itself and opens no folder. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
