/** Notices changes of named files, also of those whose folders don't exist yet, with one watch a folder that matters, and settles each change. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FSWatcher } from 'chokidar';
import type { Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { type Pattern, relation } from './patterns.ts';

export type ConfigWatch = {
  /**
   * Watches `files` and the files of `patterns` from their home (or nearest folder that exists), and what is in projects from their project's
   * folder. Patterns hold no `**`. Resolves when all watches stand or the signal is aborted, which ends them.
   */
  start(
    signal: AbortSignal,
    what: {
      homes: readonly string[];
      files: readonly string[];
      patterns: readonly Pattern[];
      projects: readonly string[];
      /** Places in every project, as steps below its folder. */
      inProjects: readonly (readonly string[])[];
    },
    onTrouble: (trouble: Trouble) => void,
  ): Promise<void>;
  /** More project folders; before `start` it does nothing. */
  addProjects(folders: readonly string[]): void;
  /** More files, watched from their own folders; before `start` it does nothing. */
  addFiles(files: readonly string[]): void;
};

/** A change is settled when nothing more has happened for `quietMs`, or after `mostMs` of a file that never comes to rest. */
const quietMs = 40;
const mostMs = 200;
/** A file that is gone may be half of a save: some programs delete and write anew. */
const goneMs = 120;
/** Files and folders that may be watched because a pattern fits them. */
const mostByPattern = 1000;
/** Projects beyond these are looked at, and not watched: each costs a watch or more of the few thousand that a system has. */
const mostProjects = 200;

/** One set of wanted paths under some roots, watched by one chokidar. */
type Net = { readonly watcher: FSWatcher; want(roots: readonly string[], files: readonly string[], patterns: readonly Pattern[]): void };

/** `onSettled` gets the path, as it was given, of each file to which something happened; whether its content changed is for the caller to see. */
export function createConfigWatch(os: Pick<Os, 'platform'>, onSettled: (file: string) => void): ConfigWatch {
  // These systems keep names as they were given but don't tell case apart, so a listing may spell a path in another way than the catalog.
  const key = os.platform === 'linux' ? path.normalize : (file: string) => path.normalize(file).normalize('NFC').toLowerCase();
  const pending = new Map<string, { timer: NodeJS.Timeout; since: number; gone: boolean }>();
  let projects: Net | null = null;
  let places: Net | null = null;

  function touched(file: string, gone: boolean): void {
    const now = Date.now();
    const before = pending.get(file);
    if (before) clearTimeout(before.timer);
    const since = before?.since ?? now;
    const wait = gone ? goneMs : Math.max(0, Math.min(quietMs, since + mostMs - now));
    const timer = setTimeout(() => {
      pending.delete(file);
      onSettled(file);
    }, wait);
    pending.set(file, { timer, since, gone });
  }

  const fold = (given: readonly string[]) => given.map((step) => (os.platform === 'linux' ? step : step.normalize('NFC').toLowerCase()));

  /** `below` are wanted under each of its roots, as steps. */
  function net(watch: typeof import('chokidar').watch, onTrouble: (trouble: Trouble) => void, below: readonly (readonly string[])[]): Net {
    const wanted = new Map<string, string>();
    const folders = new Set<string>();
    const roots = new Set<string>();
    const keyedRoots = new Set<string>();
    const listed: Pattern[] = [];
    const patternsFor = (file: string): readonly Pattern[] => {
      if (below.length === 0) return listed;
      let at = file;
      while (!keyedRoots.has(at) && at !== path.dirname(at)) at = path.dirname(at);
      return keyedRoots.has(at) ? below.map((steps) => ({ folder: at, steps })) : [];
    };
    const isListed = (at: string) => patternsFor(at).some((pattern) => relation(pattern, at) === 'file');
    /** What was let through for a pattern: a folder with ten thousand entries gets no ten thousand watches. */
    const passed = new Set<string>();
    const passes = (at: string): boolean => {
      if (passed.has(at)) return true;
      if (passed.size >= mostByPattern || !patternsFor(at).some((pattern) => relation(pattern, at) !== null)) return false;
      passed.add(at);
      return true;
    };
    // Its own recursive watching, the default on macOS and Windows, would be told of everything in a whole home.
    const watcher = watch([], {
      backend: 'native',
      // Each file there is counts as touched once its watch stands: what happened since it was read would go unseen otherwise.
      ignoreInitial: false,
      atomic: false,
      ignorePermissionErrors: true,
      ignored: (file: string) => {
        const at = key(file);
        return !wanted.has(at) && !folders.has(at) && !passes(at);
      },
    });
    watcher.on('all', (event, file) => {
      const at = key(file);
      const exact = wanted.get(at);
      const gone = event === 'unlink' || event === 'unlinkDir';
      if (gone) passed.delete(at);
      if (exact !== undefined) touched(exact, gone);
      else if (!event.endsWith('Dir') && isListed(at)) touched(file, gone);
      else if (event === 'addDir' || event === 'unlinkDir') {
        const inside = at.endsWith(path.sep) ? at : at + path.sep;
        for (const [one, name] of wanted) if (one.startsWith(inside)) touched(name, gone);
        if (gone) for (const one of passed) if (one.startsWith(inside)) passed.delete(one);
      }
    });
    watcher.on('error', (error) => {
      const { code, path: at } = error as NodeJS.ErrnoException;
      const detail = code === 'ENOSPC' ? "the system's limit of file watches is reached" : (code ?? 'the watch ended');
      onTrouble({ code: 'watch-failed', path: at ?? null, detail });
    });
    return {
      watcher,
      want(from, files, patterns) {
        for (const root of from) {
          folders.add(key(root));
          keyedRoots.add(key(root));
        }
        for (const { folder, steps } of patterns) {
          listed.push({ folder: key(folder), steps: fold(steps) });
          for (let at = folder; !from.includes(at) && at !== path.dirname(at); at = path.dirname(at)) folders.add(key(at));
        }
        for (const file of files) {
          wanted.set(key(file), file);
          // The folders between the file and its root: chokidar steps through these as they appear, and through nothing else.
          for (let at = path.dirname(file); !from.includes(at) && at !== path.dirname(at); at = path.dirname(at)) folders.add(key(at));
        }
        const more = from.filter((root) => !roots.has(root));
        for (const root of more) roots.add(root);
        if (more.length > 0) watcher.add(more);
      },
    };
  }

  return {
    async start(signal, { homes, files, patterns, projects: folders, inProjects }, onTrouble) {
      if (signal.aborted) return;
      // Loaded here, because a command that only looks once has no use for it.
      const { watch } = await import('chokidar');
      places = net(watch, onTrouble, []);
      projects = net(watch, onTrouble, inProjects.map(fold));
      const nets = [places, projects];
      const ready = nets.map(({ watcher }) => new Promise<void>((resolve) => watcher.once('ready', () => resolve())));
      const ended = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          projects = null;
          places = null;
          for (const { timer } of pending.values()) clearTimeout(timer);
          pending.clear();
          for (const { watcher } of nets) void watcher.close();
          resolve();
        });
      });
      for (const home of homes) {
        const inHome = files.filter((file) => isUnder(file, home));
        const listed = patterns.filter(({ folder }) => isUnder(folder, home));
        if (inHome.length > 0 || listed.length > 0) places.want([existing(home)], inHome, listed);
      }
      for (const file of files.filter((one) => !homes.some((home) => isUnder(one, home))))
        places.want([existing(path.dirname(file))], [file], []);
      for (const pattern of patterns.filter(({ folder }) => !homes.some((home) => isUnder(folder, home))))
        places.want([existing(pattern.folder)], [], [pattern]);
      const watched = folders.slice(0, mostProjects).filter(existsSync);
      projects.want(watched, [], []);
      const empty = (roots: readonly unknown[]) => roots.length === 0;
      // chokidar has nothing to be ready with where nothing was added.
      await Promise.race([Promise.all([empty(files) ? null : ready[0], empty(watched) ? null : ready[1]]), ended]);
    },
    addProjects(folders) {
      projects?.want(folders.slice(0, mostProjects).filter(existsSync), [], []);
    },
    addFiles(files) {
      for (const file of files) places?.want([existing(path.dirname(file))], [file], []);
    },
  };
}

function isUnder(file: string, folder: string): boolean {
  const below = path.relative(folder, file);
  return below !== '' && !below.startsWith('..') && !path.isAbsolute(below);
}

function existing(folder: string): string {
  let at = folder;
  while (!existsSync(at) && at !== path.dirname(at)) at = path.dirname(at);
  return at;
}
