/** Which files are looked at, and for which places: the named ones of each home, what a place with a `*` lists, and what lies in known projects. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Catalog, ClientPlace, ClientProjects, ClientSettings } from '../../native-catalog/catalog.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { matches, matching, type Pattern, relation, splitPattern } from './patterns.ts';

export type ConfigFile =
  | { role: 'mcp'; place: ClientPlace; path: string; home: string | null; project: string | null }
  | { role: 'settings'; place: ClientSettings; path: string; home: string | null; project: string | null }
  | { role: 'projects'; place: ClientProjects; path: string; home: string };

export type ConfigFiles = {
  /** By path: several places may lie in one file (`~/.claude.json` is three). */
  readonly all: ReadonlyMap<string, readonly ConfigFile[]>;
  /** The places of a path, also of one that has only now come to be where a place looks. */
  at(file: string): readonly ConfigFile[];
  add(file: ConfigFile): void;
  remove(file: string): void;
  /** Lists what places with a `*` match now; with `client`, only those of that client that have a `**`. */
  list(client?: ReadonlySet<string>): void;
  /** Adds the files that are in a project now, and answers with the paths that are new. */
  listProject(home: string, project: string): string[];
  /** Whether a plugin brought the file: found by `**`. Hundreds may lie in a cache. */
  isDeep(file: string): boolean;
  /** The folders that a home's places list, but for those with `**`. */
  patterns(home: string | null): Pattern[];
  /** The places in a project, as steps below its folder. */
  readonly inProjects: readonly (readonly string[])[];
};

type AnyPlace = ClientPlace | ClientProjects | ClientSettings;
/** A file of a project: its place and what it is looked at for. */
type ProjectPlace = { role: 'mcp'; place: ClientPlace } | { role: 'settings'; place: ClientSettings };
type Looked = { readonly pattern: Pattern; readonly home: string | null; make(at: string): ConfigFile };

/** `mayList` is asked before a folder is listed. */
export function createConfigFiles(
  os: Os,
  options: { homes: readonly string[]; places: ReturnType<Catalog['places']>; mayList: (folder: string) => boolean },
): ConfigFiles {
  const { homes, places, mayList } = options;
  const all = new Map<string, ConfigFile[]>();
  const looked: Looked[] = [];
  const deep = new Set<string>();
  const pathOf = (place: AnyPlace) => place.path[os.platform] ?? '';
  const settings = places.settings ?? [];
  const inProjects = [
    ...places.mcp.map((place): ProjectPlace => ({ role: 'mcp', place })),
    ...settings.map((place): ProjectPlace => ({ role: 'settings', place })),
  ]
    .filter(({ place }) => isProjectPlace(pathOf(place)))
    .map((of) => ({ of, steps: pathOf(of.place).split(/[/\\]/).slice(1) }));
  const fold = (name: string) => (os.platform === 'linux' ? name : name.normalize('NFC').toLowerCase());
  /** The home of each project. */
  const projects = new Map<string, string>();

  for (const home of homes) {
    for (const place of places.mcp.filter(isOfHome)) {
      lookFor(place, home, home, (at) => ({ role: 'mcp', place, path: at, home, project: null }));
    }
    for (const place of settings.filter(isOfHome)) {
      lookFor(place, home, home, (at) => ({ role: 'settings', place, path: at, home, project: null }));
    }
    for (const place of places.projects.filter(isOfHome)) lookFor(place, home, home, (at) => ({ role: 'projects', place, path: at, home }));
  }
  for (const place of places.mcp.filter((one) => isSystemPlace(pathOf(one)))) {
    const home = os.user.home ?? path.parse(process.cwd()).root;
    lookFor(place, home, null, (at) => ({ role: 'mcp', place, path: at, home: null, project: null }));
  }
  for (const place of settings.filter((one) => isSystemPlace(pathOf(one)))) {
    const home = os.user.home ?? path.parse(process.cwd()).root;
    lookFor(place, home, null, (at) => ({ role: 'settings', place, path: at, home: null, project: null }));
  }

  function isOfHome(place: AnyPlace): boolean {
    return !isSystemPlace(pathOf(place)) && !isProjectPlace(pathOf(place));
  }

  /** A moved file is looked for beside the default one: the variable that this program sees need not be the one that the client sees. */
  function lookFor(place: AnyPlace, from: string, home: string | null, make: Looked['make']): void {
    for (const written of [pathOf(place), ...(place.movedBy ? [place.movedBy.path] : [])]) {
      const { named, steps } = splitPattern(written);
      const folder = resolvePlace(named, os, from);
      if (folder === null) continue;
      if (steps.length === 0) add(make(folder));
      else looked.push({ pattern: { folder, steps }, home, make });
    }
  }

  function add(file: ConfigFile): boolean {
    const there = all.get(file.path);
    if (!there) all.set(file.path, [file]);
    else if (!there.some((other) => isSame(other, file))) there.push(file);
    return !there;
  }

  function projectFile(of: ProjectPlace, at: string, project: string): ConfigFile | null {
    const home = projects.get(project);
    // A client run in the home itself records the home as a project; its own file there is the user's and is read as that.
    const isTaken = all.get(at)?.some((other) => !(other.role !== 'projects' && other.project === project));
    return home === undefined || isTaken ? null : { ...of, path: at, home, project };
  }

  /** The names in a folder, so that sixty files that aren't there cost one listing; null where it can't be listed. */
  function namesIn(folder: string): ReadonlySet<string> | null {
    if (!mayList(folder)) return null;
    try {
      return new Set(readdirSync(folder).map(fold));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Set() : null;
    }
  }

  return {
    all,
    add,
    remove: (file) => void all.delete(file),
    isDeep: (file) => deep.has(file),
    inProjects: inProjects.map(({ steps }) => steps),
    patterns: (home) =>
      looked
        .filter(({ pattern, home: of, make }) => of === home && make(pattern.folder).role === 'mcp' && !pattern.steps.includes('**'))
        .map(({ pattern }) => pattern),
    at(file) {
      if (!all.has(file)) {
        for (const { pattern, make } of looked) if (relation(pattern, file) === 'file') add(make(file));
        const project = ancestors(file).find((folder) => projects.has(folder));
        for (const { of, steps } of inProjects) {
          const made =
            project !== undefined && relation({ folder: project, steps }, file) === 'file' ? projectFile(of, file, project) : null;
          if (made) add(made);
        }
      }
      return all.get(file) ?? [];
    },
    list(clients) {
      for (const { pattern, make } of looked) {
        const isDeep = pattern.steps.includes('**');
        if (clients && !(isDeep && clients.has(make(pattern.folder).place.client))) continue;
        for (const at of matching(pattern, mayList)) {
          // What a plugin's own manifest has named is known as that.
          if (add(make(at)) && isDeep) deep.add(at);
        }
      }
    },
    listProject(home, project) {
      projects.set(project, home);
      const names = namesIn(project);
      const found: string[] = [];
      for (const { of, steps } of inProjects) {
        const [first = ''] = steps;
        if (names && !first.includes('*') && !names.has(fold(first))) continue;
        if (names && first.includes('*') && ![...names].some((name) => matches(fold(first), name))) continue;
        for (const at of matching({ folder: project, steps }, mayList)) {
          const file = projectFile(of, at, project);
          if (file && add(file)) found.push(at);
        }
      }
      return found;
    },
  };
}

function isProjectPlace(place: string): boolean {
  return /^<project>[/\\]/.test(place);
}

function isSame(one: ConfigFile, other: ConfigFile): boolean {
  if (one.role !== other.role || one.home !== other.home || one.place.client !== other.place.client) return false;
  if (one.role !== 'projects' && other.role !== 'projects') return one.place.scope === other.place.scope && one.project === other.project;
  return one.place === other.place;
}

/** The folders above a file, the nearest first. */
function ancestors(file: string): string[] {
  const found: string[] = [];
  for (let at = path.dirname(file); at !== path.dirname(at); at = path.dirname(at)) found.push(at);
  return found;
}
