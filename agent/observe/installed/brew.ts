/**
 * Homebrew's formulae and casks: its folders are named by package and, inside, by version. A cask's application is moved to /Applications, and in its
 * place a link to it stays; written from Homebrew's sources, not yet seen on a Mac.
 */
import { readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { brewPrefixes } from './folders.ts';
import { compareVersions, type Look, plainVersion, type Source } from './look.ts';

export const brew: Source = { name: 'brew', look: (look) => lookIn(look, 'brew', 'Cellar') };
export const cask: Source = { name: 'cask', look: (look) => lookIn(look, 'cask', 'Caskroom') };

function lookIn(look: Look, manager: 'brew' | 'cask', kind: 'Cellar' | 'Caskroom'): void {
  for (const prefix of brewPrefixes(look)) {
    const folder = path.join(prefix, kind);
    for (const name of look.list(folder)) {
      if (name.startsWith('.') || !look.wants(manager, name)) continue;
      const versions = look.list(path.join(folder, name)).filter((version) => !version.startsWith('.'));
      // An empty folder is what a removal left.
      if (versions.length === 0) continue;
      const version = (manager === 'brew' ? linked(prefix, name, versions) : null) ?? versions.sort(compareVersions).at(-1) ?? null;
      const at = path.join(folder, name);
      const moved = manager === 'cask' && version !== null ? applicationOf(look, path.join(at, version)) : null;
      // `2.1.39,60d42bed`: what follows the comma is of the download's address, and no version that anybody knows.
      const known = plainVersion(manager === 'cask' ? (version?.split(',')[0] ?? null) : version);
      look.found({ kind: 'package', manager, name, version: known, path: moved ?? at, home: look.homeOf(moved ?? at) });
    }
  }
}

/** Where the application of a cask was moved to, so that cask and application are one installation; null for a cask without one. */
function applicationOf(look: Look, folder: string): string | null {
  for (const name of look.list(folder)) {
    if (!name.endsWith('.app')) continue;
    try {
      const target = readlinkSync(path.join(folder, name));
      if (path.isAbsolute(target)) return target;
    } catch {
      // Not a link: the application itself is here.
    }
  }
  return null;
}

/** The version that is in use, where older ones were not cleaned up: `opt/<formula>` leads to it. */
function linked(prefix: string, name: string, versions: readonly string[]): string | null {
  try {
    const version = path.basename(realpathSync.native(path.join(prefix, 'opt', name)));
    return versions.includes(version) ? version : null;
  } catch {
    return null;
  }
}
