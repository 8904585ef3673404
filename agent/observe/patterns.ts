/** Places with a `*` in them: which files there match, by listing only the folders that the place names, and few of their entries. */
import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** `steps` are what follows `folder` in the place, the first of them with a `*`; none where the place is one named file. */
export type Pattern = { readonly folder: string; readonly steps: readonly string[] };

/** More entries of one folder than this are not looked at; sorted by name, so that it is the same ones each time. */
const mostOfOne = 500;
/** For `**`: how deep, and how many entries in all. */
const deepest = 6;
const mostOfAll = 2000;
/** Packages and repositories inside a plugin are its own business, and hold most of its files. */
const skipped = new Set(['node_modules', '.git']);

/** The place's steps at its first `*`; a place without one is a pattern without steps. */
export function splitPattern(place: string): { named: string; steps: string[] } {
  const all = place.split(/[/\\]/);
  const at = all.findIndex((step) => step.includes('*'));
  return at < 0 ? { named: place, steps: [] } : { named: all.slice(0, at).join('/'), steps: all.slice(at) };
}

/**
 * Existing files that match, sorted. A folder that can't be listed has none. Links to folders are entered for `*` (people link a plugin
 * that they work on) and not for `**`. `mayList` is asked before each folder.
 */
export function matching({ folder, steps }: Pattern, mayList: (folder: string) => boolean): string[] {
  const [step, ...rest] = steps;
  if (step === undefined) return isFile(folder) ? [folder] : [];
  if (step === '**') return below(folder, rest, mayList);
  if (!step.includes('*')) return matching({ folder: path.join(folder, step), steps: rest }, mayList);
  if (!mayList(folder)) return [];
  const fits = list(folder).filter((entry) => matches(step, entry.name) && (rest.length === 0 ? !entry.isDirectory() : !entry.isFile()));
  return fits.slice(0, mostOfOne).flatMap(({ name }) => matching({ folder: path.join(folder, name), steps: rest }, mayList));
}

function below(top: string, rest: readonly string[], mayList: (folder: string) => boolean): string[] {
  const found: string[] = [];
  let level = [top];
  let seen = 0;
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      if (!mayList(folder) || isLink(folder)) continue;
      const entries = list(folder);
      seen += entries.length;
      // Asked only for what the listing shows: most folders of a cache have nothing of ours.
      if (entries.some(({ name }) => name === rest[0])) found.push(...matching({ folder, steps: rest }, mayList));
      if (seen > mostOfAll) return found.sort();
      next.push(...entries.filter((entry) => entry.isDirectory() && !skipped.has(entry.name)).map(({ name }) => path.join(folder, name)));
    }
    level = next;
  }
  return found.sort();
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function isLink(folder: string): boolean {
  return lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function isFile(file: string): boolean {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isDirectory();
  } catch {
    // A link that leads round, or a folder that may not be entered: reading it says why.
    return true;
  }
}

/** Whether a name fits a step: at most one `*`, which stands for one character or more. */
export function matches(step: string, name: string): boolean {
  const at = step.indexOf('*');
  if (at < 0) return step === name;
  return name.length >= step.length && name.startsWith(step.slice(0, at)) && name.endsWith(step.slice(at + 1));
}

/** How `file` lies to a pattern: one of its files, a folder on the way to them, or neither. A `**` ends the way at the folder before it. */
export function relation({ folder, steps }: Pattern, file: string): 'file' | 'folder' | null {
  if (file === folder) return steps.length === 0 ? 'file' : 'folder';
  const start = folder.endsWith(path.sep) ? folder : folder + path.sep;
  if (!file.startsWith(start)) return null;
  const names = file.slice(start.length).split(path.sep);
  if (names.length > steps.length || steps.includes('**')) return null;
  if (!names.every((name, at) => matches(steps[at] as string, name))) return null;
  return names.length === steps.length ? 'file' : 'folder';
}
