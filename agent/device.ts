/** Who this installation is: a random id, made at the first start and kept beside the database, so that a rebuilt database keeps it. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { writePrivate } from './private-file.ts';
import { guarded } from './sqlite.ts';

const FILE = 'device.json';

/** The id, made and written (0600, whole or not at all) where there is none. A damaged file is set aside. Throws a `DatabaseError`. */
export function deviceId(dataDir: string): string {
  const file = path.join(dataDir, FILE);
  return guarded(file, () => {
    const known = read(file);
    if (known.id !== null) return known.id;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (known.there) renameSync(file, `${file}.damaged-${Date.now()}`);
    const id = randomUUID();
    writePrivate(file, `${JSON.stringify({ id })}\n`);
    return id;
  });
}

/** The id, or null where there is none (or a damaged one) yet; creates nothing. Throws a `DatabaseError` where it may not be read. */
export function readDeviceId(dataDir: string): string | null {
  const file = path.join(dataDir, FILE);
  return guarded(file, () => read(file).id);
}

function read(file: string): { there: boolean; id: string | null } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { there: false, id: null };
    if (code === 'EISDIR') return { there: true, id: null };
    throw error;
  }
  // The whole form of the file is one small object; anything else was not written here.
  const id = /^\s*\{\s*"id"\s*:\s*"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"\s*\}\s*$/.exec(text)?.[1] ?? null;
  return { there: true, id };
}
