/**
 * Reads the config files that the catalog names, for every home and known project, and notices their changes. Named files, and the few folders
 * that a place with a `*` lists; never a walk.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Catalog, ClientPlace, ClientProjects } from '../../native-catalog/catalog.ts';
import type { ConfigObservation, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { matching, type Pattern, relation, splitPattern } from './patterns.ts';
import { readSmall } from './read.ts';
import { readStateRow } from './state-db.ts';
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
  /**
   * Reads every user, local, profile, plugin, managed and system place of all homes, and the files of the projects known so far. Of a place with
   * a `*`, the files that are there, and those that were.
   */
  look(): ConfigRead[];
  /**
   * Takes the paths that a file of a place with `follow` names instead of servers; answers with reads of those not known before, and of those
   * that it no longer names (absent). A path outside of what the place allows is left alone.
   */
  follow(file: ConfigFile, named: readonly string[]): ConfigRead[];
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
/** Files that one file may name instead of its own servers. */
const maximumFollowed = 20;

export function createConfigObserver(os: Os, options: { homes: readonly string[]; catalog: Pick<Catalog, 'places'> }): ConfigObserver {
  const places = options.catalog.places(os.platform);
  const homes = [...new Set(options.homes.map((home) => path.resolve(home)))];
  const projects = new Map<string, Set<string>>();
  /** Every file to read, by its path: several places may lie in one file (`~/.claude.json` is three). */
  const files = new Map<string, ConfigFile[]>();
  /** What each file was when it was last given out. */
  const known = new Map<string, string>();
  const projectPlaces = places.mcp.filter((place) => isProjectPlace(pathOf(place)));
  /** Places with a `*`, by the folder that is listed. */
  const patterns: { pattern: Pattern; make(at: string): ConfigFile }[] = [];
  /** Files found by `**`: a plugin's. Hundreds may lie in a cache, so they aren't watched, but looked at again when their client's settings change. */
  const deep = new Set<string>();
  /** What each file has named for its own; only paths that nothing else names. */
  const followed = new Map<string, readonly string[]>();
  const watching = createConfigWatch(os, (changed) => report(changed));
  /** During one look: the names in each project's folder, so that 60 files that aren't there cost one listing. Null: it can't be listed. */
  const listings = new Map<string, ReadonlySet<string> | null>();
  let onRead: ((read: ConfigRead) => void) | null = null;

  for (const home of homes) {
    for (const place of places.mcp) {
      for (const pattern of patternsIn(place, home)) addPattern(pattern, (at) => ({ role: 'mcp', place, path: at, home, project: null }));
    }
    for (const place of places.projects) {
      for (const pattern of patternsIn(place, home)) addPattern(pattern, (at) => ({ role: 'projects', place, path: at, home }));
    }
  }
  for (const place of places.mcp) {
    if (!isSystemPlace(pathOf(place))) continue;
    for (const pattern of patternsOf(place, os.user.home ?? path.parse(process.cwd()).root)) {
      addPattern(pattern, (at) => ({ role: 'mcp', place, path: at, home: null, project: null }));
    }
  }

  function pathOf(place: ClientPlace | ClientProjects): string {
    return place.path[os.platform] ?? '';
  }

  function patternsIn(place: ClientPlace | ClientProjects, home: string): Pattern[] {
    const written = pathOf(place);
    return isSystemPlace(written) || isProjectPlace(written) ? [] : patternsOf(place, home);
  }

  /** A moved file is looked for beside the default one: the variable that this program sees need not be the one that the client sees. */
  function patternsOf(place: ClientPlace | ClientProjects, home: string): Pattern[] {
    const written = [pathOf(place), ...(place.movedBy ? [place.movedBy.path] : [])];
    const found = written.flatMap((one): Pattern[] => {
      const { named, steps } = splitPattern(one);
      const folder = resolvePlace(named, os, home);
      return folder === null ? [] : [{ folder, steps }];
    });
    return found.filter(({ folder }, at) => found.findIndex((other) => other.folder === folder) === at);
  }

  function addPattern(pattern: Pattern, make: (at: string) => ConfigFile): void {
    if (pattern.steps.length === 0) addFile(make(pattern.folder));
    else patterns.push({ pattern, make });
  }

  /** Adds the files that match now, and answers with the paths that are new. */
  function expand(all: readonly (typeof patterns)[number][]): string[] {
    const before = new Set(files.keys());
    for (const { pattern, make } of all) {
      const { home } = make(pattern.folder);
      if (home !== null && !isOwnHome(os, home)) continue;
      for (const at of matching(pattern, (folder) => !asksOnMac(os, folder, homes))) {
        addFile(make(at));
        if (pattern.steps.includes('**')) deep.add(at);
      }
    }
    return [...files.keys()].filter((at) => !before.has(at));
  }

  function addFile(file: ConfigFile): void {
    const there = files.get(file.path);
    if (!there) files.set(file.path, [file]);
    else if (!there.some((other) => isSame(other, file))) there.push(file);
  }

  /** Reads one path for all the places in it. */
  function readPath(at: string): ConfigRead[] {
    const [first, ...others] = files.get(at) ?? [];
    if (!first) return [];
    const read: ConfigRead = isMissing(first) ? { file: first, state: 'absent' } : readFile(os, first, homes);
    known.set(at, fingerprint(read));
    return [read, ...others.map((file): ConfigRead => ({ ...read, file }))];
  }

  function report(at: string): void {
    if (!files.has(at)) {
      // A file that has just come to be where a pattern looks.
      for (const { pattern, make } of patterns) if (relation(pattern, at) === 'file') addFile(make(at));
    }
    const before = known.get(at);
    const reads = readPath(at);
    if (known.get(at) === before) return;
    for (const read of reads) onRead?.(read);
    for (const plugin of pluginsOf(at)) report(plugin);
  }

  /** What the client of these settings may have installed or removed; a client's state that changes with every word that is said tells nothing. */
  function pluginsOf(at: string): string[] {
    const here = files.get(at) ?? [];
    if (deep.has(at) || here.some(({ role }) => role === 'projects')) return [];
    const clients = new Set(here.map(({ place }) => place.client));
    const theirs = patterns.filter(({ pattern, make }) => pattern.steps.includes('**') && clients.has(make(pattern.folder).place.client));
    if (theirs.length === 0) return [];
    expand(theirs);
    return [...deep].filter((file) => files.get(file)?.some(({ place }) => clients.has(place.client)));
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

  function isMissing(file: ConfigFile): boolean {
    if (file.role !== 'mcp' || file.project === null) return false;
    const names = listings.get(file.project);
    const [first = ''] = path.relative(file.project, file.path).split(path.sep);
    return names ? !names.has(fold(first)) : false;
  }

  function listingOf(folder: string): ReadonlySet<string> | null {
    if (asksOnMac(os, folder, homes)) return null;
    try {
      return new Set(readdirSync(folder).map(fold));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Set() : null;
    }
  }

  function fold(name: string): string {
    return os.platform === 'linux' ? name : name.normalize('NFC').toLowerCase();
  }

  function isReadable(file: ConfigFile): boolean {
    return file.home === null || isOwnHome(os, file.home);
  }

  return {
    look() {
      for (const [home, mine] of projects) if (isOwnHome(os, home)) for (const folder of mine) listings.set(folder, listingOf(folder));
      expand(patterns);
      const reads = [...files].filter(([, [file]]) => file !== undefined && isReadable(file)).flatMap(([at]) => readPath(at));
      listings.clear();
      return [...strangers(), ...reads];
    },
    follow(file, named) {
      if (file.role !== 'mcp' || !file.place.follow) return [];
      const { follow, ...rest } = file.place;
      const { format, at, also } = follow;
      const place: ClientPlace = { ...rest, format, at, ...(also ? { also } : {}) };
      const before = followed.get(file.path) ?? [];
      const wanted = named.slice(0, maximumFollowed).flatMap((name) => followedPath(file, follow.within, name) ?? []);
      const now = [...new Set(wanted)].filter((target) => before.includes(target) || !files.has(target));
      followed.set(file.path, now);
      const gone = before.filter((target) => !now.includes(target));
      const added = now.filter((target) => !before.includes(target));
      for (const target of gone) {
        files.delete(target);
        known.delete(target);
      }
      for (const target of added) addFile({ ...file, place, path: target });
      if (!deep.has(file.path)) watching.addFiles(added);
      else for (const target of added) deep.add(target);
      return [
        ...gone.map((target): ConfigRead => ({ file: { ...file, place, path: target }, state: 'absent' })),
        ...added.flatMap((target) => readPath(target)),
      ];
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
        const mineOf = projectPlaces.flatMap((place): { pattern: Pattern; make(at: string): ConfigFile }[] => {
          const { named, steps } = splitPattern(pathOf(place));
          const folder = path.join(resolved, ...named.split(/[/\\]/).slice(1));
          // A client run in the home itself records the home as a project; its own file there is the user's and is read as that.
          const isTaken = steps.length === 0 && files.get(folder)?.some((other) => !(other.role === 'mcp' && other.project === resolved));
          return isTaken ? [] : [{ pattern: { folder, steps }, make: (at) => ({ role: 'mcp', place, path: at, home, project: resolved }) }];
        });
        const before = new Set(files.keys());
        for (const { pattern, make } of mineOf) addPattern(pattern, make);
        expand(mineOf.filter(({ pattern }) => pattern.steps.length > 0));
        listings.set(resolved, listingOf(resolved));
        reads.push(...[...files.keys()].filter((at) => !before.has(at)).flatMap((at) => readPath(at)));
      }
      watching.addProjects(added, filesUnder(added), patternsUnder(added));
      listings.clear();
      return reads;
    },
    async watch(signal, read, onTrouble) {
      onRead = read;
      const looked = [...files].filter(([at, [file]]) => file !== undefined && isReadable(file) && isWatched(at));
      const inProjects = looked.filter(([, [file]]) => file?.role === 'mcp' && file.project !== null).map(([at]) => at);
      const others = looked.map(([at]) => at).filter((at) => !inProjects.includes(at));
      const folders = [...projects.values()].flatMap((set) => [...set]).filter((folder) => !asksOnMac(os, folder, homes));
      const inHomes = patterns.filter(({ pattern, make }) => {
        const file = make(pattern.folder);
        return file.role === 'mcp' && file.project === null && isReadable(file) && !asksOnMac(os, pattern.folder, homes);
      });
      await watching.start(
        signal,
        {
          homes,
          files: others,
          patterns: inHomes.map(({ pattern }) => pattern),
          folders,
          inProjects,
          patternsInProjects: patternsUnder(folders),
        },
        onTrouble,
      );
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

  /** A client's record of projects, and state in a database, change all day long: what is new in them is seen at the next look. */
  function isWatched(at: string): boolean {
    if (deep.has(at) || asksOnMac(os, at, homes)) return false;
    return (files.get(at) ?? []).some((file) => !(file.role === 'projects' && isListed(file)) && !file.place.sqlite);
  }

  function isListed(file: ConfigFile): boolean {
    return pathOf(file.place).includes('*');
  }

  function patternsUnder(folders: readonly string[]): Pattern[] {
    return patterns.flatMap(({ pattern, make }) => {
      const file = make(pattern.folder);
      return file.role === 'mcp' && file.project !== null && folders.includes(file.project) ? [pattern] : [];
    });
  }

  /** Where a path in a file leads: absolute, from the home, or from the folder that it may not leave. */
  function followedPath(file: ConfigFile, within: 'plugin' | 'home', name: string): string | null {
    const folder = path.dirname(file.path);
    const root = within === 'home' ? file.home : path.basename(folder).startsWith('.') ? path.dirname(folder) : folder;
    if (root === null || name.length > 1000 || name.includes('\0')) return null;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how Claude Code writes the plugin's folder.
    const plain = name.replace('${CLAUDE_PLUGIN_ROOT}', '.').replace(/^~(?=[/\\])/, () => file.home ?? '.');
    const target = path.resolve(within === 'home' ? folder : root, plain);
    return isInside(target, root) && isInside(real(target), real(root)) ? target : null;
  }

  function filesUnder(folders: readonly string[]): string[] {
    return [...files]
      .filter(([, [file]]) => file?.role === 'mcp' && file.project !== null && folders.includes(file.project))
      .map(([at]) => at);
  }
}

function isSame(one: ConfigFile, other: ConfigFile): boolean {
  if (one.role !== other.role || one.home !== other.home || one.place.client !== other.place.client) return false;
  if (one.role === 'mcp' && other.role === 'mcp') return one.place.scope === other.place.scope && one.project === other.project;
  return one.place === other.place;
}

function isInside(file: string, folder: string): boolean {
  const below = path.relative(folder, file);
  return below !== '' && !below.startsWith('..') && !path.isAbsolute(below);
}

function real(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
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
  if (file.place.sqlite) {
    const row = readStateRow(file.path, file.place.sqlite);
    return row.state === 'read' ? { file, state: 'read', text: row.value } : { file, state: 'absent' };
  }
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
