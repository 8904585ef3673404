/** What one source of installed things works with while it looks: bounded reading of folders and files, whose home a path lies in, and where findings go. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { asksOnMac } from '../mac-privacy.ts';
import type { AppObservation, BinaryObservation, PackageManager, PackageObservation, Trouble } from '../observation.ts';
import type { Os } from '../os.ts';
import { readSmall } from '../read.ts';

type Found = PackageObservation | AppObservation | BinaryObservation;

/** A source has the name of what it reports, so that an observation alone tells which source it is from. */
type SourceName = PackageManager | 'app' | 'binary';
export type Source = { readonly name: SourceName; look(look: Look): void | Promise<void> };

export type Look = {
  readonly os: Os;
  /** The homes that may be looked into: the caller owns them. */
  readonly homes: readonly string[];
  /** The caller's own home where it is one of `homes`: the environment's variables speak of that one only. */
  readonly ownHome: string | null;
  wants(manager: PackageManager, name: string): boolean;
  /**
   * Where an absolute path from the environment or a settings file is on disk; null for a relative one, for a home that isn't looked into, and
   * where macOS would ask the user.
   */
  folder(named: string | null | undefined): string | null;
  /** The home that a path on disk lies in; null for the system's. */
  homeOf(file: string): string | null;
  /** The names in a folder; none where there is no folder. What can't be listed is noted. */
  list(folder: string): readonly string[];
  /** The content of a regular file; null where there is none. What can't be read, or isn't the caller's to read, is noted. */
  bytes(file: string, maxBytes: number): Buffer | null;
  /** The same for a file that only says more of what is known to be there: without it the source is still whole. */
  details(file: string, maxBytes: number): Buffer | null;
  found(observation: Found): void;
  /** Notes that something can't be read, and that this source is not whole. */
  unreadable(path: string | null, detail: string): void;
  /** Notes it where the source is whole all the same. */
  unclear(path: string, detail: string): void;
};

/** One thing gone wrong a thousand times is one thing: more of a source than this are not kept. */
const maxTroubles = 20;

export type Results = { readonly observations: Map<string, Found>; readonly troubles: Trouble[]; readonly incomplete: Set<string> };

/** The homes of `homes` that exist and belong to the caller; the others are noted, once each. */
export function ownedHomes(os: Os, homes: readonly string[], results: Results, sources: readonly Source[]): readonly string[] {
  return [...new Set(homes.map((home) => path.resolve(home)))].filter((home) => {
    const uid = ownerOf(home);
    if (uid === null) return false;
    if (os.user.uid === null || uid === os.user.uid) return true;
    results.troubles.push({ code: 'home-not-owned', path: home });
    // Whatever was known of this home stays as it was.
    for (const source of sources) results.incomplete.add(source.name);
    return false;
  });
}

export function lookFor(
  source: Source,
  { os, homes, results, wants }: { os: Os; homes: readonly string[]; results: Results; wants: Look['wants'] },
): Look {
  const caller = os.user.home === null ? null : path.resolve(os.user.home);
  let troubles = 0;
  const note = (trouble: Trouble) => {
    if (troubles++ < maxTroubles) results.troubles.push(trouble);
  };
  const unreadable: Look['unreadable'] = (at, detail) => {
    results.incomplete.add(source.name);
    // One code for folders, files and keys: the employee is told the place and the reason, and the remedy is the same.
    note({ code: 'folder-unreadable', path: at, detail });
  };
  /** What was read, or what is wrong; undefined where there is nothing. */
  const open = (file: string, maxBytes: number): Buffer | Trouble | undefined => {
    const inHome = os.user.uid !== null && homeOf(file) !== null;
    // The owner is asked before anything is read, and again of the file that was really opened.
    const owner = inHome ? ownerOf(file) : null;
    if (owner !== null && owner !== os.user.uid) return { code: 'home-not-owned', path: file };
    // A link may lead there: people keep their settings in a folder of Documents.
    if (owner !== null && asksOnMac(os, file, homes)) return undefined;
    const read = readSmall(file, maxBytes);
    if (!read.ok) return read.why === 'absent' ? undefined : { code: 'folder-unreadable', path: file, detail: read.detail };
    return inHome && read.uid !== os.user.uid ? { code: 'home-not-owned', path: file } : read.bytes;
  };
  const homeOf: Look['homeOf'] = (file) => {
    let best: string | null = null;
    for (const home of homes) if (isUnder(os, file, home) && home.length > (best?.length ?? 0)) best = home;
    return best;
  };
  return {
    os,
    homes,
    ownHome: caller !== null && homes.includes(caller) ? caller : null,
    wants,
    homeOf,
    unreadable,
    unclear: (at, detail) => note({ code: 'folder-unreadable', path: at, detail }),
    folder(named) {
      if (!named || !path.isAbsolute(named)) return null;
      const resolved = path.resolve(named);
      const inHome = homeOf(resolved) !== null;
      if (!inHome && caller !== null && isUnder(os, resolved, caller)) return null;
      // Windows names its places by variables, which a test sets as it likes; only Linux and macOS have fixed ones.
      const folder = inHome || os.platform === 'win32' ? resolved : os.at(resolved);
      return asksOnMac(os, folder, homes) ? null : folder;
    },
    list(folder) {
      try {
        // Asked first, because most of the usual places are absent and an exception costs ten times as much as an answer.
        if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory() || asksOnMac(os, folder, homes)) return [];
        return readdirSync(folder);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'error';
        if (code !== 'ENOENT' && code !== 'ENOTDIR') unreadable(folder, code);
        return [];
      }
    },
    bytes(file, maxBytes) {
      const content = open(file, maxBytes);
      if (content === undefined || Buffer.isBuffer(content)) return content ?? null;
      results.incomplete.add(source.name);
      note(content);
      return null;
    },
    details(file, maxBytes) {
      const content = open(file, maxBytes);
      if (content === undefined || Buffer.isBuffer(content)) return content ?? null;
      note(content);
      return null;
    },
    found(observation) {
      const key = keyOf(observation);
      if (!results.observations.has(key)) results.observations.set(key, observation);
    },
  };
}

/** A version as it may be shown, or null: what a hostile or broken file writes there is not repeated. */
export function plainVersion(value: unknown): string | null {
  return typeof value === 'string' && /^[\w.+~:,@() -]{1,64}$/.test(value.trim()) && value.trim() !== '' ? value.trim() : null;
}

/** A name as it may be shown: one line, at most 200 characters; null for nothing. */
export function plainName(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const name = value
    .slice(0, 200)
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  return name === '' ? null : name;
}

/** Versions in their order: numbers as numbers. */
export function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

function keyOf(observation: Found): string {
  switch (observation.kind) {
    case 'package':
      return `package\0${observation.manager}\0${observation.name}\0${observation.path}`;
    case 'app':
      return `app\0${observation.appId}\0${observation.path}\0${observation.home}`;
    case 'binary':
      return `binary\0${observation.path}`;
  }
}

function ownerOf(file: string): number | null {
  try {
    return statSync(file, { throwIfNoEntry: false })?.uid ?? null;
  } catch {
    // What can't be asked can't be read either; the reading says why.
    return null;
  }
}

function isUnder(os: Os, file: string, folder: string): boolean {
  if (file === folder) return true;
  const start = folder.endsWith(path.sep) ? folder : folder + path.sep;
  if (file.startsWith(start)) return true;
  return os.platform === 'win32' && file.toLowerCase().startsWith(start.toLowerCase());
}
