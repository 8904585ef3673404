/** Where people's programs are: per-user data folders, and the folders of the Node versions that version managers keep. */
import path from 'node:path';
import type { Look } from './look.ts';

/** `$XDG_DATA_HOME`, else `~/.local/share`. */
export function dataFolder(look: Look, home: string): string {
  return moved(look, home, 'XDG_DATA_HOME') ?? path.join(home, '.local/share');
}

/** `%APPDATA%` of a home. */
export function roamingFolder(look: Look, home: string): string {
  return moved(look, home, 'APPDATA') ?? path.join(home, 'AppData', 'Roaming');
}

/** `%LOCALAPPDATA%` of a home. */
export function localFolder(look: Look, home: string): string {
  return moved(look, home, 'LOCALAPPDATA') ?? path.join(home, 'AppData', 'Local');
}

/** What a variable of the caller's environment says of the caller's own home, or null. */
export function moved(look: Look, home: string, variable: string): string | null {
  return home === look.ownHome ? look.folder(look.os.env[variable]) : null;
}

/** The folders of PATH in their order; relative ones, which mean another folder to everybody, are left out. */
export function pathFolders(look: Look): string[] {
  const { env, platform } = look.os;
  const value = env['PATH'] ?? (platform === 'win32' ? (env['Path'] ?? env['path']) : undefined) ?? '';
  const folders = value.split(platform === 'win32' ? ';' : ':').map((entry) => look.folder(entry.replace(/^"(.*)"$/, '$1')));
  return [...new Set(folders.filter((folder) => folder !== null))];
}

/** Homebrew's prefixes. */
export function brewPrefixes(look: Look): string[] {
  const { os } = look;
  if (os.platform === 'win32') return [];
  const usual = os.platform === 'darwin' ? ['/opt/homebrew', '/usr/local'] : ['/home/linuxbrew/.linuxbrew', '/usr/local'];
  const named = look.folder(os.env['HOMEBREW_PREFIX']);
  const own = look.homes.map((home) => path.join(home, '.linuxbrew'));
  return [...new Set([...usual.map((prefix) => os.at(prefix)), ...(named ? [named] : []), ...(os.platform === 'linux' ? own : [])])];
}

/**
 * The folder of each Node that a version manager of this home keeps: nvm, fnm, volta, asdf, mise, n. Programs are in `bin` of it and global
 * packages in `lib/node_modules`; on Windows both are in the folder itself.
 */
export function nodePrefixes(look: Look, home: string): string[] {
  const { platform } = look.os;
  const data = dataFolder(look, home);
  const prefixes: string[] = [];
  const each = (parent: string | null, rest = '') => {
    if (parent) for (const name of look.list(parent)) prefixes.push(path.join(parent, name, rest));
  };
  if (platform === 'win32') {
    // nvm-windows keeps a folder a version beside its settings; fnm and volta use the folders of their documentation. Unverified on Windows.
    each(moved(look, home, 'NVM_HOME') ?? path.join(roamingFolder(look, home), 'nvm'));
    each(path.join(moved(look, home, 'FNM_DIR') ?? path.join(roamingFolder(look, home), 'fnm'), 'node-versions'), 'installation');
    each(path.join(moved(look, home, 'VOLTA_HOME') ?? path.join(localFolder(look, home), 'Volta'), 'tools/image/node'));
    return prefixes;
  }
  each(path.join(moved(look, home, 'NVM_DIR') ?? path.join(home, '.nvm'), 'versions/node'));
  const fnm = [path.join(data, 'fnm'), path.join(home, '.fnm')];
  if (platform === 'darwin') fnm.push(path.join(home, 'Library/Application Support/fnm'));
  const fnmMoved = moved(look, home, 'FNM_DIR');
  for (const folder of new Set(fnmMoved ? [fnmMoved, ...fnm] : fnm)) each(path.join(folder, 'node-versions'), 'installation');
  each(path.join(moved(look, home, 'VOLTA_HOME') ?? path.join(home, '.volta'), 'tools/image/node'));
  each(path.join(moved(look, home, 'ASDF_DATA_DIR') ?? path.join(home, '.asdf'), 'installs/nodejs'));
  const mise = path.join(moved(look, home, 'MISE_DATA_DIR') ?? path.join(data, 'mise'), 'installs');
  each(path.join(mise, 'node'));
  // mise's npm backend gives each package a prefix of its own: installs/npm-<name>/<version>.
  for (const name of look.list(mise)) if (name.startsWith('npm-')) each(path.join(mise, name));
  const n = moved(look, home, 'N_PREFIX');
  prefixes.push(...(n ? [n] : []), path.join(home, '.n'), path.join(home, 'n'));
  return prefixes;
}
