/** Reads the records that programs keep in people's homes: bounded, only what the caller owns, never where macOS would ask; and notes what it could not read, by home. */
import { accessSync, constants, type Dirent, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { kindOfValue } from '../mcp/secrets.ts';
import { asksOnMac } from './mac-privacy.ts';
import type { Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { readSmall } from './read.ts';

/** `absent` is certain; `refused` has been noted. */
export type Taken<T> = { readonly state: 'read'; readonly value: T } | { readonly state: 'absent' } | { readonly state: 'refused' };

export type TakeOptions = {
  readonly maxBytes: number;
  /** What the file ought to be, for the sentence "it isn't …" where `take` answers null: `a JSON object`. */
  readonly expected: string;
  /** Tells answers apart where one file is taken for several purposes. */
  readonly purpose?: string;
  /** The file only says more of what is known to be there: without it the home is still whole. */
  readonly detail?: boolean;
};

export type HomeReader = {
  readonly os: Os;
  /** The homes that may be looked into, absolute: they exist and the caller owns them. */
  readonly homes: readonly string[];
  /** What lies in a folder; null where there is no folder or it can't be listed, which is noted. */
  list(folder: string): readonly Dirent[] | null;
  /** Names of the folders in a folder, sorted, links to folders among them; none where there is nothing. */
  folders(folder: string): readonly string[];
  /** Whether a regular file is there that is the caller's to read; what stands against it is noted. */
  mayRead(file: string): boolean;
  /** Whether anything is there, though it may be a pipe or a link that leads round. */
  exists(at: string): boolean;
  /** What the system won't even say is noted, and is no. */
  isFile(file: string): boolean;
  isFolder(folder: string): boolean;
  /** Whether a folder may be listed: it is there, it is the caller's, and macOS wouldn't ask. What stands against it is noted, but for its absence. */
  mayList(folder: string): boolean;
  /**
   * What `take` makes of the content of a regular file; null from it is noted as unreadable. The answer is kept while the file stays as it is, so it
   * must be small and must not hold what may not be kept.
   */
  take<T>(file: string, options: TakeOptions, take: (bytes: Buffer) => T | null): Taken<T>;
  /** What changes when a file or folder does; null where there is nothing. */
  stamp(file: string): string | null;
  /** Keeps what `make` says while the stamp stays the same: for files that are read in another way. */
  keep<T>(file: string, purpose: string, stamp: string, make: () => T): T;
  /** The home that a path lies in; null for the system's. */
  homeOf(file: string): string | null;
  /** Notes that something can't be read, and that its home is not whole; a place of no home makes none of them whole. */
  unreadable(file: string, detail: string): void;
  /** Notes it where the home is whole all the same. */
  unclear(file: string, detail: string): void;
};

export type ReadResult = { readonly troubles: readonly Trouble[]; readonly incomplete: readonly string[] };

/** One thing gone wrong a thousand times is one thing: more than this of one home are not kept. */
const maximumTroubles = 20;

/** A reader that looks again and again, and remembers what it took from files that stay as they are. `code` is that of its troubles. */
export function createHomeReader(os: Os, options: { homes: readonly string[]; code: string }) {
  const { code } = options;
  const all = [...new Set(options.homes.map((home) => path.resolve(home)))];
  type Kept = { stamp: string; value: unknown };
  let before = new Map<string, Kept>();

  /** One look: what isn't asked for in it is forgotten after it. */
  return function begin(): { reader: HomeReader; end(): ReadResult } {
    const troubles: Trouble[] = [];
    const incomplete = new Set<string>();
    const counts = new Map<string | null, number>();
    const now = new Map<string, Kept>();
    const { uid } = os.user;
    const homes = all.filter((home) => {
      const stats = statOf(home);
      if (stats === null) return false;
      if (uid === null || (stats !== 'refused' && stats.uid === uid)) return true;
      troubles.push({ code: 'home-not-owned', path: home });
      incomplete.add(home);
      return false;
    });

    const homeOf = (file: string) => {
      let best: string | null = null;
      for (const home of all) if (isUnder(os, file, home) && home.length > (best?.length ?? 0)) best = home;
      return best;
    };
    const note = (at: string, detail: string, whole: boolean) => {
      const home = homeOf(at);
      // Somebody has named a file by a key, and where it lies has to do.
      const file = kindOfValue(null, at) === 'known-shape' ? (home ?? path.parse(at).root) : at;
      if (!whole) for (const one of home === null ? homes : [home]) incomplete.add(one);
      const count = counts.get(home) ?? 0;
      counts.set(home, count + 1);
      if (count < maximumTroubles && !troubles.some((trouble) => trouble.path === file)) troubles.push({ code, path: file, detail });
    };
    /** Why something that is there may not be read; null where it may. */
    const against = (file: string, stats: Stats): string | null => {
      const home = homeOf(file);
      if (home !== null && !homes.includes(home)) return 'it belongs to another account';
      if (uid !== null && home !== null && stats.uid !== uid && !isOwnLink(file, stats, uid)) return 'it belongs to another account';
      return asksOnMac(os, file, all) ? 'macOS would ask you for permission first' : null;
    };
    const look = (file: string): Stats | null => {
      const stats = statOf(file);
      if (stats !== 'refused') return stats;
      note(file, 'it can’t be asked for', false);
      return null;
    };
    const reader: HomeReader = {
      os,
      homes,
      homeOf,
      mayList(folder) {
        const stats = look(folder);
        if (!stats?.isDirectory()) return false;
        const why = against(folder, stats) ?? (canList(folder) ? null : 'EACCES');
        if (why !== null) note(folder, why, false);
        return why === null;
      },
      list(folder) {
        const stats = look(folder);
        if (!stats?.isDirectory()) return null;
        const why = against(folder, stats);
        if (why !== null) {
          note(folder, why, false);
          return null;
        }
        try {
          return readdirSync(folder, { withFileTypes: true });
        } catch (error) {
          const failure = codeOf(error);
          if (failure !== 'ENOENT' && failure !== 'ENOTDIR') note(folder, failure, false);
          return null;
        }
      },
      folders(folder) {
        const entries = reader.list(folder) ?? [];
        const fits = (entry: Dirent) => entry.isDirectory() || (entry.isSymbolicLink() && reader.isFolder(path.join(folder, entry.name)));
        return entries
          .filter(fits)
          .map(({ name }) => name)
          .sort();
      },
      mayRead(file) {
        const stats = look(file);
        if (!stats) return false;
        const why = stats.isFile() ? against(file, stats) : 'it is no regular file';
        if (why !== null) note(file, why, true);
        return why === null;
      },
      exists: (at) => statOf(at) !== null,
      isFile: (file) => look(file)?.isFile() ?? false,
      isFolder: (folder) => look(folder)?.isDirectory() ?? false,
      take<T>(
        file: string,
        { maxBytes, expected, purpose = '', detail = false }: TakeOptions,
        take: (bytes: Buffer) => T | null,
      ): Taken<T> {
        const stats = look(file);
        if (!stats) return { state: 'absent' };
        const why = against(file, stats);
        if (why !== null) {
          note(file, why, detail);
          return { state: 'refused' };
        }
        type Read = { readonly taken: Taken<T>; readonly why: string | null };
        const { taken, why: wrong } = reader.keep<Read>(file, `take ${purpose}`, stampOf(stats), () => {
          const read = readSmall(file, maxBytes);
          if (!read.ok)
            return read.why === 'absent' ? { taken: { state: 'absent' }, why: null } : { taken: { state: 'refused' }, why: read.detail };
          const value = take(read.bytes);
          return value === null
            ? { taken: { state: 'refused' }, why: `it isn’t ${expected}` }
            : { taken: { state: 'read', value }, why: null };
        });
        if (wrong !== null) note(file, wrong, detail);
        return taken;
      },
      stamp(file) {
        const stats = statOf(file);
        return stats === null || stats === 'refused' ? null : stampOf(stats);
      },
      keep<T>(file: string, purpose: string, stamp: string, make: () => T): T {
        const key = `${purpose}\0${file}`;
        const known = now.get(key) ?? before.get(key);
        const kept = known?.stamp === stamp ? known : { stamp, value: make() };
        now.set(key, kept);
        return kept.value as T;
      },
      unreadable: (file, detail) => note(file, detail, false),
      unclear: (file, detail) => note(file, detail, true),
    };
    return {
      reader,
      end() {
        before = now;
        return { troubles, incomplete: [...incomplete] };
      },
    };
  };
}

/** `refused` where the system won't even say whether there is something. */
function statOf(file: string): Stats | 'refused' | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    // A name on the way is a file, or is longer than names may be: nothing can be there.
    return ['ENOTDIR', 'ENOENT', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'].includes(codeOf(error)) ? null : 'refused';
  }
}

function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return `${mtimeMs}:${ctimeMs}:${size}:${ino}`;
}

/** A link of the caller's own may lead to a file of the system (home managers keep settings in a store of root's), but not to another person's. */
function isOwnLink(file: string, target: Stats, uid: number): boolean {
  if (target.uid !== 0) return false;
  try {
    const link = lstatSync(file);
    return link.isSymbolicLink() && link.uid === uid;
  } catch {
    return false;
  }
}

function canList(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'error';
}

function isUnder(os: Os, file: string, folder: string): boolean {
  if (file === folder) return true;
  const start = folder.endsWith(path.sep) ? folder : folder + path.sep;
  if (file.startsWith(start)) return true;
  return os.platform === 'win32' && file.toLowerCase().startsWith(start.toLowerCase());
}
