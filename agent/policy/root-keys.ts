/** The root keys that were pinned when this computer joined a collector, for where no managed settings name any. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { readSmall } from '../observe/read.ts';
import { writePrivate } from '../private-file.ts';
import { guarded } from '../sqlite.ts';
import { type PublicKey, publicKeys } from './documents.ts';

const MAX_BYTES = 64 * 1024;
export const rootKeysFile = (dataDir: string) => path.join(dataDir, 'root-keys.json');

/** Null where none are pinned; `issue` says why a file that is there is not believed. Never throws. */
export function readRootKeys(dataDir: string): { readonly keys: readonly PublicKey[] | null; readonly issue: string | null } {
  const file = rootKeysFile(dataDir);
  const read = readSmall(file, MAX_BYTES);
  if (!read.ok) return { keys: null, issue: read.why === 'absent' ? null : `it can’t be read (${read.detail})` };
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform !== 'win32' && (mode & 0o022) !== 0) return { keys: null, issue: 'other accounts may write it' };
  const { data } = publicKeys().safeParse(read.bytes.toString('utf8'));
  return data ? { keys: data, issue: null } : { keys: null, issue: 'it is no list of Ed25519 public keys' };
}

/** Written whole or not at all, 0600. Throws a `DatabaseError`. */
export function pinRootKeys(dataDir: string, keys: readonly PublicKey[], at: Date): void {
  const file = rootKeysFile(dataDir);
  guarded(file, () => writePrivate(file, `${JSON.stringify({ pinnedAt: at.toISOString(), keys }, null, 2)}\n`));
}
