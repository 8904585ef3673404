/**
 * Writing to a config file of somebody else's program: only an ordinary file of the user's own, whole or not at all, and never over what was written
 * meanwhile. Also the copies of what a file was before.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Os } from '../observe/os.ts';
import { readSmall } from '../observe/read.ts';

export type OwnFile = {
  /** Links resolved: this is what is written. */
  readonly path: string;
  readonly bytes: Buffer;
  readonly hash: string;
  readonly mode: number;
  readonly gid: number;
};

/** `why` ends a sentence about the file. */
type Refused = { readonly ok: false; readonly why: string };

const MAX_BYTES = 8 * 1024 * 1024;
const MODE_BITS = 0o7777;

export const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** The file behind the path, if Muster may write it. Never throws. `absent`: there is none. */
export function readOwn(os: Os, file: string): { readonly ok: true; readonly file: OwnFile } | (Refused & { readonly absent?: true }) {
  try {
    const at = realpathSync(file);
    const stats = lstatSync(at);
    const read = readSmall(at, MAX_BYTES);
    if (!read.ok) return { ok: false, why: `it can’t be read (${read.detail})` };
    const { uid } = os.user;
    if (uid !== null && stats.uid !== uid) return { ok: false, why: 'it belongs to another account' };
    // A second name of the same file would go on saying what this one said.
    if (stats.nlink > 1) return { ok: false, why: 'it has several names (hard links)' };
    if ((stats.mode & 0o200) === 0) return { ok: false, why: 'it is write-protected' };
    accessSync(path.dirname(at), constants.W_OK);
    return { ok: true, file: { path: at, bytes: read.bytes, hash: hashOf(read.bytes), mode: stats.mode & MODE_BITS, gid: stats.gid } };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { ok: false, why: 'it is gone', absent: true };
    return { ok: false, why: `it can’t be written (${code})` };
  }
}

/** The new content beside a file, under a name by which what a killed process left is found again. */
const besideOf = (file: string, id: string) => path.join(path.dirname(file), `.${path.basename(file)}.muster-${id}`);

/**
 * Puts `bytes` in the file's place: beside it, on the disk, with its mode and group, and then under its name, if that still holds what was read.
 * Between that comparison and the renaming a few microseconds pass in which another program's write would be lost: no system offers to do both at once.
 */
export function replaceOwn(
  file: Pick<OwnFile, 'path' | 'hash' | 'mode' | 'gid'>,
  bytes: Uint8Array,
  id: string,
): { readonly ok: true } | Refused {
  const beside = besideOf(file.path, id);
  try {
    writeWhole(beside, bytes, (descriptor) => {
      if (process.platform !== 'win32') fchownSync(descriptor, -1, file.gid);
      fchmodSync(descriptor, file.mode);
    });
    const now = readSmall(file.path, MAX_BYTES);
    const found = now.ok ? hashOf(now.bytes) : '';
    if (found !== file.hash || realpathSync(file.path) !== file.path) {
      rmSync(beside, { force: true });
      return { ok: false, why: CHANGED };
    }
    renameSync(beside, file.path);
    syncFolder(path.dirname(file.path));
    return { ok: true };
  } catch (error) {
    rmSync(beside, { force: true });
    return { ok: false, why: `it can’t be written (${(error as NodeJS.ErrnoException).code ?? 'error'})` };
  }
}

const CHANGED = 'it was changed at the same moment';

/** Writes a file that isn't there. Throws what the file system says. */
export function createOwn(file: string, bytes: Uint8Array, mode: number, id: string): void {
  const beside = besideOf(file, id);
  writeWhole(beside, bytes, (descriptor) => fchmodSync(descriptor, mode));
  renameSync(beside, file);
  syncFolder(path.dirname(file));
}

/** What a process that was killed while it wrote has left beside the file. */
export function removeBeside(file: string, id: string): void {
  rmSync(besideOf(file, id), { force: true });
}

function writeWhole(file: string, bytes: Uint8Array, prepare: (descriptor: number) => void): void {
  rmSync(file, { force: true });
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(descriptor, bytes);
    prepare(descriptor);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Windows writes names through by itself and opens no folder. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Byte copies of files as they were, by the action's id: the one place where Muster keeps what may hold secrets, for its owner only. */
export type Copies = {
  /** Throws what the file system says. */
  keep(id: string, bytes: Uint8Array): void;
  /** Null where there is none. */
  read(id: string): Buffer | null;
  drop(id: string): void;
  /** Drops every copy but these. */
  sweep(keep: ReadonlySet<string>): void;
};

export function createCopies(dataDir: string): Copies {
  const folder = path.join(dataDir, 'undo');
  const at = (id: string) => path.join(folder, id);
  return {
    keep(id, bytes) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeWhole(`${at(id)}.new`, bytes, () => {});
      renameSync(`${at(id)}.new`, at(id));
      syncFolder(folder);
    },
    read(id) {
      try {
        return readFileSync(at(id));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    drop: (id) => rmSync(at(id), { force: true }),
    sweep(keep) {
      let names: string[] = [];
      try {
        names = readdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      for (const name of names) if (!keep.has(name)) rmSync(at(name), { force: true });
    },
  };
}
