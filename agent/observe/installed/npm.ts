/** Global packages of npm, pnpm, bun and yarn, in every prefix that can be known without running one of them. */
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { brewPrefixes, dataFolder, localFolder, moved, nodePrefixes, pathFolders, roamingFolder } from './folders.ts';
import { type Look, plainVersion, type Source } from './look.ts';

/** A folder of packages; `listedIn` names the package.json whose dependencies were asked for, where the folder holds their dependencies too. */
type Modules = { readonly folder: string; readonly listedIn?: string };

export const npm: Source = {
  name: 'npm',
  look(look) {
    const seen = new Set<string>();
    for (const modules of moduleFolders(look)) {
      const real = realOr(modules.folder);
      if (real === null || seen.has(real)) continue;
      seen.add(real);
      lookIn(look, modules);
    }
  },
};

function lookIn(look: Look, { folder, listedIn }: Modules): void {
  const asked = listedIn === undefined ? null : dependenciesIn(look, listedIn);
  const consider = (name: string) => {
    if ((asked === null || asked.has(name)) && look.wants('npm', name)) report(look, path.join(folder, name), name);
  };
  for (const name of look.list(folder)) {
    if (name.startsWith('@')) for (const scoped of look.list(path.join(folder, name))) consider(`${name}/${scoped}`);
    // `.bin`, `.pnpm` and npm's own notes are not packages.
    else if (!name.startsWith('.')) consider(name);
  }
}

function report(look: Look, folder: string, folderName: string): void {
  const file = path.join(folder, 'package.json');
  // An empty folder is what a failed removal leaves; it is not a package.
  if (!exists(file)) return;
  const { name, version } = nameAndVersion(look, file);
  // A package installed under an alias is what its own file says, not what its folder is called.
  if (name !== null && name !== folderName && !look.wants('npm', name)) return;
  look.found({ kind: 'package', manager: 'npm', name: name ?? folderName, version, path: folder, home: look.homeOf(folder) });
}

/** Only these two fields are ever kept: the file of a package under development may hold anything. */
function nameAndVersion(look: Look, file: string): { name: string | null; version: string | null } {
  const content = parsed(look, file);
  const { name, version } = content as { name?: unknown; version?: unknown };
  const plain = typeof name === 'string' && name.length <= 214 && /^(@[\w.~-]+\/)?[\w.~-]+$/.test(name) ? name : null;
  return { name: plain, version: plainVersion(version) };
}

function dependenciesIn(look: Look, file: string): ReadonlySet<string> | null {
  const { dependencies } = parsed(look, file) as { dependencies?: unknown };
  // The keys only: a value may be an address with a token in it.
  return typeof dependencies === 'object' && dependencies !== null ? new Set(Object.keys(dependencies)) : null;
}

function parsed(look: Look, file: string): object {
  const bytes = look.details(file, 1024 * 1024);
  if (bytes === null) return {};
  try {
    const content: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof content === 'object' && content !== null) return content;
  } catch {
    // The parser's message quotes the file, so it is not kept.
  }
  look.unclear(file, 'not a JSON object');
  return {};
}

function moduleFolders(look: Look): Modules[] {
  const { os } = look;
  const windows = os.platform === 'win32';
  const ofPrefix = (prefix: string) => ({ folder: path.join(prefix, windows ? 'node_modules' : 'lib/node_modules') });
  const prefixes = [...prefixesOnPath(look), ...brewPrefixes(look)];
  for (const variable of ['NPM_CONFIG_PREFIX', 'npm_config_prefix']) {
    const prefix = look.folder(os.env[variable]);
    if (prefix) prefixes.push(prefix);
  }
  if (!windows) prefixes.push(os.at('/usr/local'), os.at('/usr'));
  else {
    const programs = look.folder(os.env['ProgramFiles']);
    if (programs) prefixes.push(path.join(programs, 'nodejs'));
  }
  return [
    ...prefixes.map(ofPrefix),
    ...look.homes.flatMap((home) => [...homePrefixes(look, home).map(ofPrefix), ...otherManagers(look, home)]),
  ];
}

function homePrefixes(look: Look, home: string): string[] {
  const named = prefixOfNpmrc(look, home);
  const usual = look.os.platform === 'win32' ? [path.join(roamingFolder(look, home), 'npm')] : [];
  const own = ['.npm-global', '.npm-packages', '.local', '.node_modules_global'].map((folder) => path.join(home, folder));
  return [...(named ? [named] : []), ...usual, ...own, ...nodePrefixes(look, home), ...voltaPackages(look, home)];
}

/**
 * npm's default prefix is one above the folder of the `node` that runs it (on Windows that folder), of the link on PATH or of where it leads; and
 * any prefix in use has its own `bin` on PATH, with or without a node in it.
 */
function prefixesOnPath(look: Look): string[] {
  const windows = look.os.platform === 'win32';
  return pathFolders(look).flatMap((folder) => {
    const real = realOr(path.join(folder, windows ? 'node.exe' : 'node'));
    if (windows) return real === null ? [] : [folder, path.dirname(real)];
    return [path.dirname(folder), ...(real === null ? [] : [path.dirname(path.dirname(real))])];
  });
}

/** `prefix=` of ~/.npmrc; every other line of that file, which may be a token, is passed over. */
function prefixOfNpmrc(look: Look, home: string): string | null {
  const text = look.bytes(path.join(home, '.npmrc'), 256 * 1024)?.toString('utf8') ?? '';
  const line = /^[ \t]*prefix[ \t]*=[ \t]*(\S[^\r\n]{0,1000})$/m.exec(text)?.[1];
  if (line === undefined) return null;
  const value = line.trim().replace(/^(["'])(.*)\1$/, '$2');
  return look.folder(value.replace(/^~(?=[/\\]|$)/, () => home).replace(/^\$\{HOME\}/, () => home));
}

/** Volta keeps each global package in a prefix of its own, and those of a scope one folder deeper. */
function voltaPackages(look: Look, home: string): string[] {
  const usual = look.os.platform === 'win32' ? path.join(localFolder(look, home), 'Volta') : path.join(home, '.volta');
  const packages = path.join(moved(look, home, 'VOLTA_HOME') ?? usual, 'tools/image/packages');
  return look.list(packages).flatMap((name) => {
    const folder = path.join(packages, name);
    return name.startsWith('@') ? look.list(folder).map((scoped) => path.join(folder, scoped)) : [folder];
  });
}

function otherManagers(look: Look, home: string): Modules[] {
  const { platform } = look.os;
  const bun = path.join(moved(look, home, 'BUN_INSTALL') ?? path.join(home, '.bun'), 'install/global');
  const data = dataFolder(look, home);
  const yarn = platform === 'win32' ? path.join(localFolder(look, home), 'Yarn', 'Data', 'global') : path.join(home, '.config/yarn/global');
  const pnpm = [moved(look, home, 'PNPM_HOME'), path.join(data, 'pnpm')];
  if (platform === 'darwin') pnpm.push(path.join(home, 'Library/pnpm'));
  if (platform === 'win32') pnpm.push(path.join(localFolder(look, home), 'pnpm'));
  const ofPnpm = [...new Set(pnpm.filter((folder) => folder !== null))].flatMap((folder) => {
    const global = path.join(folder, 'global');
    // global/5/node_modules up to pnpm 10; from 11 each installation has a folder of its own under global/v11.
    return look.list(global).flatMap((layout) => {
      const at = path.join(global, layout);
      const inner = layout.startsWith('v') ? look.list(at).map((name) => path.join(at, name, 'node_modules')) : [];
      return [path.join(at, 'node_modules'), ...inner].map((modules) => ({ folder: modules }));
    });
  });
  // bun and yarn lay the dependencies of what was asked for beside it.
  return [
    ...ofPnpm,
    ...[bun, yarn].map((folder) => ({ folder: path.join(folder, 'node_modules'), listedIn: path.join(folder, 'package.json') })),
  ];
}

function exists(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // Something is there that can't be asked about; the reading says what is wrong.
    return true;
  }
}

function realOr(file: string): string | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ? realpathSync.native(file) : null;
  } catch {
    return file;
  }
}
