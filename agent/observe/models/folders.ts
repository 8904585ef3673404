/** Listing the folders that hold models: bounded in number, links to folders not followed, and what can't be looked at is told once. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

export type Folders = {
  /** The folders and files in a folder, sorted by name; none where there is no such folder. A link counts as the file that it leads to, never as a folder. */
  list(folder: string): { readonly folders: readonly string[]; readonly files: readonly string[] };
  /** The size in bytes of a regular file, links followed; null for anything else. */
  size(file: string): number | null;
  /** Notes that a place was not looked at in full; the first reason of a place is kept. */
  incomplete(at: string, detail: string): void;
};

/** Entries of one place; a folder of models has some hundreds. */
const mostEntries = 10_000;

/** For one place. `onIncomplete` is told once. */
export function foldersFor(onIncomplete: (at: string, detail: string) => void): Folders {
  let left = mostEntries;
  let told = false;
  const incomplete: Folders['incomplete'] = (at, detail) => {
    if (told) return;
    told = true;
    onIncomplete(at, detail);
  };
  return {
    incomplete,
    list(folder) {
      const entries = left > 0 ? read(folder, incomplete) : [];
      if (entries.length > left || left <= 0) incomplete(folder, `more than ${mostEntries} entries`);
      const taken = entries.slice(0, left);
      left -= taken.length;
      const names = (wanted: (entry: Dirent) => boolean) => taken.filter(wanted).map(({ name }) => name);
      return { folders: names((entry) => entry.isDirectory()), files: names((entry) => entry.isFile() || entry.isSymbolicLink()) };
    },
    size(file) {
      try {
        const stats = statSync(file, { throwIfNoEntry: false });
        return stats?.isFile() ? stats.size : null;
      } catch {
        // A link that leads round, or to where we may not look, is no model of this place.
        return null;
      }
    },
  };
}

function read(folder: string, incomplete: Folders['incomplete']): Dirent[] {
  try {
    // Asked first, because most places are absent and an exception costs ten times as much as an answer.
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    if (code !== 'ENOENT' && code !== 'ENOTDIR') incomplete(path.normalize(folder), code);
    return [];
  }
}
