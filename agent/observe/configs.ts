/** Reads the config files that the catalog names, for every home and known project, and notices their changes. Named files only, never a walk. */
import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Catalog, ClientPlace, ClientProjects } from '../../native-catalog/catalog.ts';
import type { ConfigObservation, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { readSmall } from './read.ts';
import { createConfigWatch } from './watch.ts';

export type ConfigFile =
  | { role: 'mcp'; place: ClientPlace; path: string; home: string | null; project: string | null }
  | { role: 'projects'; place: ClientProjects; path: string; home: string };

/**
 * `refused` is a file that is there and was not read; its trouble is `config-refused` (no regular file, too big, no permission), `config-not-owned`,
 * `home-not-owned` (then `path` is the home, once for all its places) or `not-looked-at` (macOS would ask the user; `path` is the folder).
 */
export type ConfigRead =
  | { file: ConfigFile; state: 'read'; text: Buffer }
  | { file: ConfigFile; state: 'absent' }
  | { file: ConfigFile; state: 'refused'; trouble: Trouble };

export type ConfigObserver = {
  /** Reads every user, local, managed and system place of all homes, and the files of the projects known so far. */
  look(): ConfigRead[];
  /**
   * Adds project folders (absolute) that a client has recorded; answers with reads of the project-scope files of those not known before, and
   * watches them too once watching. A folder stays known when a later call doesn't name it: several clients keep such lists.
   */
  setProjects(home: string, folders: readonly string[]): ConfigRead[];
  /** Calls `onRead` for each file whose content changed since it was last given out. Resolves once every watch stands; stops on abort. */
  watch(signal: AbortSignal, onRead: (read: ConfigRead) => void, onTrouble: (trouble: Trouble) => void): Promise<void>;
  /** Which files or folders of tools' own exist (weak evidence). */
  traces(): ConfigObservation[];
};

const maximumBytes = 8 * 1024 * 1024;
/** Clients remember projects for years; the folders beyond this many are not looked at. */
const maximumProjects = 1000;

export function createConfigObserver(os: Os, options: { homes: readonly string[]; catalog: Pick<Catalog, 'places'> }): ConfigObserver {
  const places = options.catalog.places(os.platform);
  const homes = [...new Set(options.homes.map((home) => path.resolve(home)))];
  const projects = new Map<string, Set<string>>();
  /** Every file to read, by its path: several places may lie in one file (`~/.claude.json` is three). */
  const files = new Map<string, ConfigFile[]>();
  /** What each file was when it was last given out. */
  const known = new Map<string, string>();
  const projectPlaces = places.mcp.filter((place) => isProjectPlace(pathOf(place)));
  const watching = createConfigWatch(os, (changed) => report(changed));
  let onRead: ((read: ConfigRead) => void) | null = null;

  for (const home of homes) {
    for (const place of places.mcp) {
      for (const file of pathsIn(place, home)) addFile({ role: 'mcp', place, path: file, home, project: null });
    }
    for (const place of places.projects) {
      if (place.sqlite) continue;
      for (const file of pathsIn(place, home)) addFile({ role: 'projects', place, path: file, home });
    }
  }
  for (const place of places.mcp) {
    if (!isSystemPlace(pathOf(place))) continue;
    for (const file of pathsOf(place, os.user.home ?? path.parse(process.cwd()).root)) {
      addFile({ role: 'mcp', place, path: file, home: null, project: null });
    }
  }

  function pathOf(place: ClientPlace | ClientProjects): string {
    return place.path[os.platform] ?? '';
  }

  function pathsIn(place: ClientPlace | ClientProjects, home: string): string[] {
    const written = pathOf(place);
    return isSystemPlace(written) || isProjectPlace(written) ? [] : pathsOf(place, home);
  }

  /** A moved file is looked for beside the default one: the variable that this program sees need not be the one that the client sees. */
  function pathsOf(place: ClientPlace | ClientProjects, home: string): string[] {
    const written = [pathOf(place), ...(place.movedBy ? [place.movedBy.path] : [])];
    return [...new Set(written.map((one) => resolvePlace(one, os, home)).filter((file) => file !== null))];
  }

  function addFile(file: ConfigFile): void {
    const there = files.get(file.path);
    if (!there) files.set(file.path, [file]);
    else if (!there.some((other) => other.role === file.role && other.place === file.place && other.home === file.home)) there.push(file);
  }

  /** Reads one path for all the places in it. */
  function readPath(at: string): ConfigRead[] {
    const [first, ...others] = files.get(at) ?? [];
    if (!first) return [];
    const read = readFile(os, first, homes);
    known.set(at, fingerprint(read));
    return [read, ...others.map((file): ConfigRead => ({ ...read, file }))];
  }

  function report(at: string): void {
    const before = known.get(at);
    const reads = readPath(at);
    if (known.get(at) === before) return;
    for (const read of reads) onRead?.(read);
  }

  function strangers(): ConfigRead[] {
    return homes.flatMap((home): ConfigRead[] => {
      if (isOwnHome(os, home)) return [];
      const first = [...files.values()].flat().find((file) => file.home === home);
      if (!first) return [];
      const trouble: Trouble = { code: 'home-not-owned', path: home };
      return [{ file: { ...first, path: home }, state: 'refused', trouble }];
    });
  }

  function isReadable(file: ConfigFile): boolean {
    return file.home === null || isOwnHome(os, file.home);
  }

  return {
    look() {
      const reads = [...files].filter(([, [file]]) => file !== undefined && isReadable(file)).flatMap(([at]) => readPath(at));
      return [...strangers(), ...reads];
    },
    setProjects(given, folders) {
      const home = path.resolve(given);
      const mine = projects.get(home) ?? new Set<string>();
      projects.set(home, mine);
      if (!isOwnHome(os, home)) return [];
      const reads: ConfigRead[] = [];
      const added: string[] = [];
      for (const folder of folders) {
        const resolved = path.resolve(folder);
        const [first] = projectPlaces;
        if (!path.isAbsolute(folder) || mine.has(resolved) || mine.size >= maximumProjects || !first) continue;
        mine.add(resolved);
        if (asksOnMac(os, resolved, homes)) {
          const trouble: Trouble = { code: 'not-looked-at', path: resolved };
          reads.push({ file: { role: 'mcp', place: first, path: resolved, home, project: resolved }, state: 'refused', trouble });
          continue;
        }
        added.push(resolved);
        for (const place of projectPlaces) {
          const at = path.join(resolved, ...pathOf(place).split(/[/\\]/).slice(1));
          // A client run in the home itself records the home as a project; its own file there is the user's and is read as that.
          if (files.has(at)) continue;
          addFile({ role: 'mcp', place, path: at, home, project: resolved });
          reads.push(...readPath(at));
        }
      }
      watching.addProjects(added, filesUnder(added));
      return reads;
    },
    async watch(signal, read, onTrouble) {
      onRead = read;
      const looked = [...files].filter(([at, [file]]) => file !== undefined && isReadable(file) && !asksOnMac(os, at, homes));
      const inProjects = looked.filter(([, [file]]) => file?.role === 'mcp' && file.project !== null).map(([at]) => at);
      const others = looked.map(([at]) => at).filter((at) => !inProjects.includes(at));
      const folders = [...projects.values()].flatMap((set) => [...set]).filter((folder) => !asksOnMac(os, folder, homes));
      await watching.start(signal, { homes, files: others, folders, inProjects }, onTrouble);
      signal.addEventListener('abort', () => {
        onRead = null;
      });
      // What changed between the last look and the moment the watches stood; never given out before, it is new as well.
      for (const [at] of looked) if (!signal.aborted) report(at);
    },
    traces() {
      const seen = new Map<string, ConfigObservation>();
      const note = (entry: string, at: string | null, home: string | null) => {
        if (at === null || seen.has(`${entry}\0${at}`) || asksOnMac(os, at, homes) || !exists(at)) return;
        seen.set(`${entry}\0${at}`, { kind: 'config', entry, path: at, home });
      };
      const owned = homes.filter((home) => isOwnHome(os, home));
      for (const { entry, path: written } of places.configs) {
        if (isProjectPlace(written)) continue;
        if (isSystemPlace(written)) note(entry, resolvePlace(written, os, os.user.home ?? '/'), null);
        else for (const home of owned) note(entry, resolvePlace(written, os, home), home);
      }
      return [...seen.values()];
    },
  };

  function filesUnder(folders: readonly string[]): string[] {
    return [...files]
      .filter(([, [file]]) => file?.role === 'mcp' && file.project !== null && folders.includes(file.project))
      .map(([at]) => at);
  }
}

function isProjectPlace(place: string): boolean {
  return /^<project>[/\\]/.test(place);
}

function readFile(os: Os, file: ConfigFile, homes: readonly string[]): ConfigRead {
  const refused = (code: string, detail?: string): ConfigRead => ({
    file,
    state: 'refused',
    trouble: { code, path: file.path, ...(detail === undefined ? {} : { detail }) },
  });
  // A link may lead there: people keep their settings in a folder of Documents.
  if (asksOnMac(os, file.path, homes)) return refused('not-looked-at');
  const { uid } = os.user;
  const inHome = uid !== null && file.home !== null && !(file.role === 'mcp' && file.project !== null);
  const owner = inHome ? ownerOf(file.path) : null;
  if (owner !== null && owner !== uid) return refused('config-not-owned');
  const read = readSmall(file.path, maximumBytes);
  if (!read.ok) return read.why === 'absent' ? { file, state: 'absent' } : refused('config-refused', read.detail);
  // A link of the caller's own may lead to a file of the system (home managers keep configs in a store of root's), but not to another person's.
  if (inHome && read.uid !== uid && (uid === 0 || read.uid !== 0)) return refused('config-not-owned');
  return { file, state: 'read', text: read.bytes };
}

function fingerprint(read: ConfigRead): string {
  if (read.state === 'read') return createHash('sha256').update(read.text).digest('base64');
  return read.state === 'absent' ? 'absent' : `${read.trouble.code} ${read.trouble.detail ?? ''}`;
}

/** The owner of what lies at a path, a link itself and not its target; null where there is nothing or it can't be asked. */
function ownerOf(file: string): number | null {
  try {
    return lstatSync(file, { throwIfNoEntry: false })?.uid ?? null;
  } catch {
    return null;
  }
}

function isOwnHome(os: Os, home: string): boolean {
  if (os.user.uid === null) return true;
  try {
    const uid = statSync(home, { throwIfNoEntry: false })?.uid;
    return uid === undefined || uid === os.user.uid;
  } catch {
    // A home that can't even be asked about is left to the reads, which say why.
    return true;
  }
}

function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Folders of a home for which macOS asks the user before a program may look inside, from Apple's documentation; not tried on a Mac. */
const guarded = [
  'Desktop',
  'Documents',
  'Downloads',
  'Library/Mobile Documents',
  'Library/CloudStorage',
  'Library/Containers',
  'Library/Group Containers',
].map((folder) => folder.toLowerCase());

/** Whether looking at `file` would make macOS ask: as it is written, and where its links lead (resolving links asks nothing). */
function asksOnMac(os: Pick<Os, 'platform'>, file: string, homes: readonly string[]): boolean {
  if (os.platform !== 'darwin') return false;
  const isGuarded = (at: string) =>
    at.startsWith('/Volumes/') ||
    homes.some((home) => {
      const below = path.relative(home, at).split(path.sep).join('/').toLowerCase();
      return guarded.some((folder) => below === folder || below.startsWith(`${folder}/`));
    });
  if (isGuarded(file)) return true;
  try {
    return isGuarded(realpathSync(file));
  } catch {
    return false;
  }
}
