/** Managed settings on Linux: `/etc/muster/policy.d/*.json` in the order of their names, where root alone can have written them. */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import path from 'node:path';
import type { Os } from '../observe/os.ts';
import { type Layer, type Managed, readObject, type SettingsIssue } from './layer.ts';

const FOLDERS = ['/etc/muster', '/etc/muster/policy.d'] as const;

export function managedOnLinux(os: Os): Managed {
  const [, folder] = FOLDERS;
  const layers: Layer[] = [];
  const issues: SettingsIssue[] = [];
  const at = os.at(folder);
  if (look(at) === null) return { layers, issues };
  for (const each of FOLDERS) {
    const detail = notRoots(look(os.at(each)), 'folder');
    if (detail !== null) return { layers, issues: [{ from: os.at(each), detail, refused: true }] };
  }
  let names: string[];
  try {
    names = jsonIn(at);
  } catch (error) {
    const detail = `it can’t be read (${(error as NodeJS.ErrnoException).code})`;
    return { layers, issues: [{ from: at, detail, refused: true }] };
  }
  for (const name of names) {
    const from = path.join(at, name);
    const detail = notRoots(look(from), 'file');
    // Nobody but root can exchange the file between the two, for the folder is root's.
    const read = detail === null ? readObject(from) : { detail };
    if ('detail' in read) issues.push({ from, detail: read.detail, refused: true });
    else layers.push(read);
  }
  return { layers, issues };
}

/** What is looked at for changes: the folders too, for names come and go. */
export function policyFiles(os: Os): string[] {
  const folders = FOLDERS.map((folder) => os.at(folder));
  try {
    const [, at = ''] = folders;
    return [...folders, ...jsonIn(at).map((name) => path.join(at, name))];
  } catch {
    return folders;
  }
}

function jsonIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
}

function look(at: string): Stats | null {
  try {
    return lstatSync(at);
  } catch {
    return null;
  }
}

/** Why somebody other than root could have written it; null where nobody could. A list of rights beyond the mode shows in the group's bits. */
function notRoots(stats: Stats | null, what: 'folder' | 'file'): string | null {
  if (stats === null) return 'it can’t be looked at';
  if (what === 'folder' ? !stats.isDirectory() : !stats.isFile()) return `it is no ordinary ${what}`;
  if (stats.uid !== 0) return 'it belongs to another account than root';
  return (stats.mode & 0o022) === 0 ? null : 'other accounts than root may write it';
}
