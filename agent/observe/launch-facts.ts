/**
 * Asks the file system about a config file and about what its entries start: who else may write or read them. Asks for modes and owners only; opens nothing.
 *
 * On Windows these rights are lists of access control, which are not read: the answer is null there.
 */
import { realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import type { Os } from './os.ts';

/** Who but the owner (and root) may do what with a file. */
export type FileFact = {
  /** Everybody may write the file itself, or a folder on the way in which the file could be exchanged. */
  readonly othersWrite: 'file' | 'folder' | null;
  readonly othersRead: boolean;
  /** It belongs to an account that is neither this user nor root. */
  readonly foreignOwner: boolean;
};
export type LaunchFacts = { readonly config: FileFact | null; readonly program: FileFact | null };

/** For a file that only the administrator should be able to change: it belongs to another when it isn't root's. */
export function managedFact(os: Pick<Os, 'platform' | 'user'>, file: string): FileFact | null {
  const fact = factOf(os, file);
  const real = fact && resolved(file);
  const stats = real === null ? null : ask(real);
  if (fact === null || stats === null) return null;
  return { ...fact, foreignOwner: stats.uid !== 0, othersWrite: fact.othersWrite ?? ((stats.mode & 0o022) !== 0 ? 'file' : null) };
}

/** Where the program of an entry may lie: as the entry writes it, in which home it stands and in which project it would be started. */
export type WrittenPaths = { readonly paths: readonly string[]; readonly home: string | null; readonly project: string | null };

/** The fact of the first of these paths at which there is a file. `~`, `$HOME` and relative paths are read as the client would; others with variables are left alone. */
export function programFact(os: Pick<Os, 'platform' | 'user'>, { paths, home, project }: WrittenPaths): FileFact | null {
  for (const written of paths) {
    const inHome = /^(?:~|\$HOME|\$\{(?:env:)?HOME\})\/(.*)$/s.exec(written)?.[1];
    const absolute =
      inHome !== undefined
        ? home && path.join(home, inHome)
        : path.posix.isAbsolute(written)
          ? written
          : project && path.join(project, written);
    if (!absolute || /[$%…]/.test(absolute)) continue;
    const fact = factOf(os, absolute);
    if (fact) return fact;
  }
  return null;
}

/** What macOS guards by a question to the user; nothing is asked of the file system there. */
const guardedByMac =
  /^\/Users\/[^/]+\/(?:Desktop|Documents|Downloads|Library\/(?:Mobile Documents|CloudStorage|Containers|Group Containers))(?:\/|$)/i;

/**
 * What there is to say about an absolute path, links followed; null where there is nothing, where it can't be asked, on Windows, and for network and
 * mounted places, where the question could hang or wake something. Never throws.
 */
export function factOf(os: Pick<Os, 'platform' | 'user'>, file: string): FileFact | null {
  if (os.platform === 'darwin' && guardedByMac.test(file)) return null;
  if (
    os.platform === 'win32' ||
    os.user.uid === null ||
    !path.posix.isAbsolute(file) ||
    /^\/(?:net|afs|Volumes|mnt|media|proc|dev)\//.test(file)
  ) {
    return null;
  }
  const real = resolved(file);
  const stats = real === null ? null : ask(real);
  if (real === null || !stats?.isFile()) return null;
  const { uid } = os.user;
  const folders = foldersAbove(real);
  const open = folders.some((folder) => {
    const found = ask(folder);
    // In a folder with the sticky bit (/tmp) everybody may write and nobody may exchange another's file.
    return found !== null && (found.mode & 0o002) !== 0 && (found.mode & 0o1000) === 0;
  });
  return {
    othersWrite: (stats.mode & 0o002) !== 0 ? 'file' : open ? 'folder' : null,
    othersRead: (stats.mode & 0o004) !== 0 && folders.every((folder) => ((ask(folder)?.mode ?? 0) & 0o001) !== 0),
    foreignOwner: stats.uid !== uid && stats.uid !== 0,
  };
}

function resolved(file: string): string | null {
  try {
    return realpathSync.native(file);
  } catch {
    return null;
  }
}

function ask(file: string): Stats | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** Every folder from the file's own up to the root. */
function foldersAbove(file: string): string[] {
  const folders: string[] = [];
  for (let at = path.dirname(file); ; at = path.dirname(at)) {
    folders.push(at);
    if (at === path.dirname(at)) return folders;
  }
}
