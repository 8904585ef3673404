/** Homebrew's formulae and casks: its folders are named by package and, inside, by version. */
import { realpathSync } from 'node:fs';
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
      look.found({ kind: 'package', manager, name, version: plainVersion(version), path: at, home: look.homeOf(at) });
    }
  }
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
