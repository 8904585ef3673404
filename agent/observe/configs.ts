/**
 * Reads the config files that the catalog names, for every home and known project, and notices their changes. Named files, and the few folders
 * that a place with a `*` lists; never a walk.
 */
import { createHash } from 'node:crypto';
import { lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Catalog, ClientPlace } from '../../native-catalog/catalog.ts';
import { type ConfigFile, createConfigFiles } from './config-files.ts';
import { asksOnMac } from './mac-privacy.ts';
import type { ConfigObservation, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { readSmall } from './read.ts';
import { readStateRow } from './state-db.ts';
import { createSwitches } from './switches.ts';
import { createConfigWatch } from './watch.ts';

export type { ConfigFile } from './config-files.ts';

/**
 * `refused` is a file that is there and was not read; its trouble is `config-refused` (no regular file, too big, no permission), `config-not-owned`,
 * `home-not-owned` (then `path` is the home, once for all its places) or `not-looked-at` (`path` is the folder: macOS would ask the user, or with a
 * `detail` it is a network path of Windows).
 */
export type ConfigRead =
  /** `off`: names of servers in it that the client has switched off elsewhere, `*` for all of them. */
  | { file: ConfigFile; state: 'read'; text: Buffer; off: readonly string[] }
  | { file: ConfigFile; state: 'absent' }
  /** A database that its program is writing at this moment: what it says is known at a later look, and until then what it said before holds. */
  | { file: ConfigFile; state: 'busy' }
  | { file: ConfigFile; state: 'refused'; trouble: Trouble };

export type ConfigObserver = {
  /**
   * Reads every named place of all homes and of the system, there or not, and what is there, or was at an earlier look, of places with a `*` and in
   * the projects known so far.
   */
  look(): ConfigRead[];
  /**
   * Takes the paths that a file of a place with `follow` names instead of servers; answers with reads of those not known before, and of those
   * that it no longer names (absent). A path outside of what the place allows is left alone.
   */
  follow(file: ConfigFile, named: readonly string[]): ConfigRead[];
  /**
   * Adds project folders (absolute) that a client has recorded; answers with reads of the project-scope files that are there, of folders not known
   * before, and watches them too once watching. A folder stays known when a later call doesn't name it: several clients keep such lists.
   */
  setProjects(home: string, folders: readonly string[]): ConfigRead[];
  /** The project folders known by now that may be looked at, sorted. */
  projects(): readonly string[];
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
  /** What each file was when it was last given out. */
  const known = new Map<string, string>();
  /** What each file has named for its own; only paths that nothing else names. */
  const followed = new Map<string, readonly string[]>();
  const watching = createConfigWatch(os, (changed) => report(changed));
  const files = createConfigFiles(os, { homes, places, mayList: (folder) => !asksOnMac(os, folder, homes) && isOwned(folder) });
  const switches = createSwitches(os, (file) => !asksOnMac(os, file, homes));
  let onRead: ((read: ConfigRead) => void) | null = null;

  /** Reads one path for all the places in it. */
  function readPath(at: string): ConfigRead[] {
    const [first, ...others] = files.at(at);
    if (!first) return [];
    const read = readFile(os, first, homes);
    const reads = [read, ...others.map((file): ConfigRead => ({ ...read, file }))].map(
      (one): ConfigRead => (one.state === 'read' ? { ...one, off: switches.off(one.file) } : one),
    );
    known.set(at, reads.map(fingerprint).join(' '));
    return reads;
  }

  function report(at: string): void {
    const before = known.get(at);
    const reads = readPath(at);
    if (known.get(at) === before) return;
    for (const read of reads) onRead?.(read);
    for (const other of [...pluginsOf(at), ...switchedBy(at)]) report(other);
  }

  /** Files whose servers are switched in that one. */
  function switchedBy(at: string): string[] {
    return [...files.all].filter(([, of]) => of.some((file) => switches.paths(file).includes(at))).map(([file]) => file);
  }

  /** What the client of these settings may have installed or removed; a client's state that changes with every word that is said tells nothing. */
  function pluginsOf(at: string): string[] {
    const here = files.at(at);
    if (files.isDeep(at) || here.some(({ role }) => role === 'projects')) return [];
    const clients = new Set(here.map(({ place }) => place.client));
    files.list(clients);
    return [...files.all]
      .filter(([file, of]) => files.isDeep(file) && of.some(({ place }) => clients.has(place.client)))
      .map(([file]) => file);
  }

  function strangers(): ConfigRead[] {
    return homes.flatMap((home): ConfigRead[] => {
      if (isOwnHome(os, home)) return [];
      const first = [...files.all.values()].flat().find((file) => file.home === home);
      if (!first) return [];
      const trouble: Trouble = { code: 'home-not-owned', path: home };
      return [{ file: { ...first, path: home }, state: 'refused', trouble }];
    });
  }

  /** Folders in a home that isn't the caller's are nobody's business; others have owners of their own. */
  function isOwned(folder: string): boolean {
    return homes.every((home) => !isInside(folder, home) || isOwnHome(os, home));
  }

  /** A project's folder that is known and not looked at. */
  function isLeftAlone(folder: string): boolean {
    return isOnNetwork(os, folder, homes) || asksOnMac(os, folder, homes);
  }

  function isReadable(file: ConfigFile): boolean {
    return file.home === null || isOwnHome(os, file.home);
  }

  return {
    look() {
      files.list();
      for (const [home, mine] of projects) {
        if (isOwnHome(os, home)) for (const folder of mine) if (!isLeftAlone(folder)) files.listProject(home, folder);
      }
      const reads = [...files.all].filter(([, [file]]) => file !== undefined && isReadable(file)).flatMap(([at]) => readPath(at));
      return [...strangers(), ...reads];
    },
    follow(file, named) {
      if (file.role !== 'mcp' || !file.place.follow) return [];
      const { follow, ...rest } = file.place;
      const { format, at, also } = follow;
      const place: ClientPlace = { ...rest, format, at, ...(also ? { also } : {}) };
      const before = followed.get(file.path) ?? [];
      const wanted = named.slice(0, maximumFollowed).flatMap((name) => followedPath(file, follow.within, name) ?? []);
      const now = [...new Set(wanted)].filter((target) => before.includes(target) || !files.all.has(target));
      followed.set(file.path, now);
      const gone = before.filter((target) => !now.includes(target));
      const added = now.filter((target) => !before.includes(target));
      for (const target of gone) {
        files.remove(target);
        known.delete(target);
      }
      for (const target of added) files.add({ ...file, place, path: target });
      if (!files.isDeep(file.path)) watching.addFiles(added);
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
        const onNetwork = isOnNetwork(os, folder, homes);
        const resolved = onNetwork ? path.win32.normalize(folder) : path.resolve(folder);
        const first = places.mcp.find((place) => /^<project>/.test(place.path[os.platform] ?? ''));
        if (!(onNetwork || path.isAbsolute(folder)) || mine.has(resolved) || mine.size >= maximumProjects || !first) continue;
        mine.add(resolved);
        if (isLeftAlone(resolved)) {
          const trouble: Trouble = { code: 'not-looked-at', path: resolved, ...(onNetwork ? { detail: NETWORK } : {}) };
          reads.push({ file: { role: 'mcp', place: first, path: resolved, home, project: resolved }, state: 'refused', trouble });
          continue;
        }
        added.push(resolved);
        reads.push(...files.listProject(home, resolved).flatMap((at) => readPath(at)));
      }
      watching.addProjects(added);
      return reads;
    },
    projects: () =>
      [...projects]
        .filter(([home]) => isOwnHome(os, home))
        .flatMap(([, folders]) => [...folders].filter((folder) => !isLeftAlone(folder)))
        .sort(),
    async watch(signal, read, onTrouble) {
      onRead = read;
      const looked = [...files.all].filter(([at, [file]]) => file !== undefined && isReadable(file) && isWatched(at)).map(([at]) => at);
      const outside = looked.filter((at) => files.at(at).every((file) => file.role === 'projects' || file.project === null));
      const owned = [...homes.filter((home) => isOwnHome(os, home)), null];
      const folders = [...projects.values()].flatMap((set) => [...set]).filter((folder) => !isLeftAlone(folder));
      await watching.start(
        signal,
        {
          homes,
          files: outside,
          patterns: owned.flatMap((home) => files.patterns(home)).filter(({ folder }) => !asksOnMac(os, folder, homes)),
          projects: folders,
          inProjects: files.inProjects,
        },
        onTrouble,
      );
      signal.addEventListener('abort', () => {
        onRead = null;
      });
      // What changed between the last look and the moment the watches stood; never given out before, it is new as well.
      for (const at of looked) if (!signal.aborted) report(at);
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
    if (files.isDeep(at) || asksOnMac(os, at, homes)) return false;
    return files.at(at).some((file) => {
      const isListed = file.role === 'projects' && (file.place.path[os.platform] ?? '').includes('*');
      return !isListed && !file.place.sqlite;
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
  const inHome = uid !== null && file.home !== null && !(file.role !== 'projects' && file.project !== null);
  const owner = inHome ? ownerOf(file.path) : null;
  if (owner !== null && owner !== uid) return refused('config-not-owned');
  if (file.place.sqlite) {
    const row = readStateRow(file.path, file.place.sqlite);
    if (row.state === 'refused') return refused('config-refused', row.detail);
    return row.state === 'read' ? { file, state: 'read', text: row.value, off: [] } : { file, state: row.state };
  }
  const read = readSmall(file.path, maximumBytes);
  if (!read.ok) return read.why === 'absent' ? { file, state: 'absent' } : refused('config-refused', read.detail);
  // A link of the caller's own may lead to a file of the system (home managers keep configs in a store of root's), but not to another person's.
  if (inHome && read.uid !== uid && (uid === 0 || read.uid !== 0)) return refused('config-not-owned');
  return { file, state: 'read', text: read.bytes, off: [] };
}

function fingerprint(read: ConfigRead): string {
  if (read.state === 'read') return createHash('sha256').update(read.text).update(read.off.join('\0')).digest('base64');
  return read.state !== 'refused' ? read.state : `${read.trouble.code} ${read.trouble.detail ?? ''}`;
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

const NETWORK = 'it is a network path, and Windows might sign you in there';

/**
 * Whether a folder is written as one of another computer (`\\server\share`, with either slash) or of a device: a file's author chooses the server, and
 * to ask for a file there Windows sends it what proves the user's account. A drive's letter was given by the user, who is
 * signed in already, as at a home that lies on a server.
 */
function isOnNetwork(os: Pick<Os, 'platform'>, folder: string, homes: readonly string[]): boolean {
  return os.platform === 'win32' && /^[\\/]{2}/.test(folder) && !homes.some((home) => isInside(folder, home));
}
