/** Executables with a name that the catalog knows, on PATH and in the folders where installers put them; none is ever run. */
import { closeSync, openSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { asksOnMac } from '../mac-privacy.ts';
import type { BinaryObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import { type Interpreter, interpreterOf } from '../processes/script.ts';
import { brewPrefixes, dataFolder, localFolder, moved, nodePrefixes, pathFolders, roamingFolder } from './folders.ts';
import { type Look, lookFor, ownedHomes, type Source } from './look.ts';

export function binaries(names: ReadonlySet<string>): Source {
  const byLowerCase = new Map([...names].map((name) => [name.toLowerCase(), name]));
  return {
    name: 'binary',
    look(look) {
      if (names.size === 0) return;
      const seen = new Set<string>();
      for (const folder of binaryFolders(look)) {
        // One folder under two names (/bin and /usr/bin) is looked at once.
        const real = realFolder(folder);
        if (real === null || seen.has(real)) continue;
        seen.add(real);
        if (look.os.platform === 'win32') lookInWindowsFolder(look, folder, byLowerCase);
        else lookInFolder(look, folder, names);
      }
    },
  };
}

/**
 * The commands of one name that are scripts of this interpreter, in the order in which folders are looked at; on Windows none. A millisecond or
 * two, so it is for single names.
 */
export function scriptsNamed(os: Os, homes: readonly string[], name: string, interpreter: Interpreter): BinaryObservation[] {
  if (os.platform === 'win32') return [];
  // What can't be read here is reported by the whole look.
  const results = { observations: new Map(), troubles: [], incomplete: new Set<string>() };
  const source = binaries(new Set([name]));
  source.look(lookFor(source, { os, homes: ownedHomes(os, homes, results, []), results, wants: () => false }));
  const found = [...results.observations.values()] as BinaryObservation[];
  return found.filter(({ target }) => !asksOnMac(os, target, homes) && interpreterOfScript(target) === interpreter);
}

/** What the first line of a script names: `#!/usr/bin/env -S node --no-warnings` is `node`. */
function interpreterOfScript(file: string): Interpreter | null {
  const buffer = Buffer.alloc(128);
  try {
    const opened = openSync(file, 'r');
    try {
      readSync(opened, buffer, 0, buffer.length, 0);
    } finally {
      closeSync(opened);
    }
  } catch {
    return null;
  }
  const line = buffer.toString('latin1').split('\n', 1)[0] ?? '';
  if (!line.startsWith('#!')) return null;
  const words = line.slice(2).trim().split(/\s+/);
  for (const word of words) {
    const interpreter = interpreterOf(null, [word]);
    if (interpreter) return interpreter;
  }
  return null;
}

function lookInFolder(look: Look, folder: string, names: ReadonlySet<string>): void {
  // One listing and a set are cheaper than a question for each name once the catalog has some hundred (measured: 1.3 ms against 1.9 µs a name).
  for (const name of look.list(folder)) {
    if (!names.has(name)) continue;
    const file = path.join(folder, name);
    const target = executable(file);
    if (target) look.found({ kind: 'binary', name, path: file, target, home: look.homeOf(file) });
  }
}

/** Where the links of an executable file end; null for a folder, a pipe, a file that can't be executed and a link to nothing. */
function executable(file: string): string | null {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats?.isFile() && (stats.mode & 0o111) !== 0 ? realpathSync.native(file) : null;
  } catch {
    // A loop of links, or a target in a folder that is closed to this user: nothing that the user could start.
    return null;
  }
}

/** The order in which Windows prefers them, with PowerShell's scripts last; npm writes three shims for one program. */
const endings = ['.exe', '.com', '.cmd', '.bat', '.ps1'];

function lookInWindowsFolder(look: Look, folder: string, byLowerCase: ReadonlyMap<string, string>): void {
  const best = new Map<string, { file: string; rank: number }>();
  for (const file of look.list(folder)) {
    const ending = path.extname(file).toLowerCase();
    const rank = endings.indexOf(ending);
    const name = rank < 0 ? undefined : byLowerCase.get(file.slice(0, -ending.length).toLowerCase());
    if (name !== undefined && rank < (best.get(name)?.rank ?? endings.length)) best.set(name, { file, rank });
  }
  for (const [name, { file }] of best) {
    const at = path.join(folder, file);
    look.found({ kind: 'binary', name, path: at, target: windowsTarget(at), home: look.homeOf(at) });
  }
}

/**
 * An alias in WindowsApps is a reparse point that can be read as a link and not followed; a shim of npm or scoop is its own target.
 * Unverified on Windows: that Node's `readlink` answers for such an alias.
 */
function windowsTarget(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    try {
      return readlinkSync(file);
    } catch {
      return file;
    }
  }
}

function binaryFolders(look: Look): string[] {
  const { os } = look;
  const system =
    os.platform === 'win32'
      ? windowsSystemFolders(look)
      : ['/usr/local/bin', '/usr/bin', '/bin', '/snap/bin', '/var/lib/flatpak/exports/bin', '/opt/local/bin'].map((folder) =>
          os.at(folder),
        );
  const brew = brewPrefixes(look).map((prefix) => path.join(prefix, 'bin'));
  const own = look.homes.flatMap((home) => (os.platform === 'win32' ? windowsHomeFolders(look, home) : homeFolders(look, home)));
  return [...pathFolders(look), ...system, ...brew, ...own];
}

function homeFolders(look: Look, home: string): string[] {
  const data = dataFolder(look, home);
  const folders = [
    'bin',
    'go/bin',
    'Library/pnpm',
    'Library/pnpm/bin',
    '.yarn/bin',
    '.config/yarn/global/node_modules/.bin',
    '.asdf/shims',
  ];
  const named = ['PNPM_HOME', 'BUN_INSTALL_BIN', 'GOBIN', 'PIPX_BIN_DIR', 'UV_TOOL_BIN_DIR', 'XDG_BIN_HOME'].map((name) =>
    moved(look, home, name),
  );
  const inData = ['pnpm', 'pnpm/bin', 'mise/shims', 'flatpak/exports/bin', 'aquaproj-aqua/bin'].map((folder) => path.join(data, folder));
  // Many installers keep a tool whole in a dot folder of its name: ~/.cargo/bin, ~/.bun/bin, ~/.volta/bin, ~/.npm-global/bin, ~/.claude/local …
  const dotted = look
    .list(home)
    .filter((name) => name.startsWith('.'))
    .flatMap((name) => [path.join(home, name, 'bin'), path.join(home, name, 'local')]);
  const node = nodePrefixes(look, home).map((prefix) => path.join(prefix, 'bin'));
  return [...named.filter((folder) => folder !== null), ...folders.map((folder) => path.join(home, folder)), ...inData, ...dotted, ...node];
}

function windowsSystemFolders(look: Look): string[] {
  const { env } = look.os;
  const under = (variable: string, ...rest: string[]) => {
    const folder = look.folder(env[variable]);
    return folder ? [path.join(folder, ...rest)] : [];
  };
  return [
    ...under('ProgramFiles', 'nodejs'),
    ...under('ProgramFiles', 'WinGet', 'Links'),
    ...under('ProgramData', 'chocolatey', 'bin'),
    ...under('ProgramData', 'scoop', 'shims'),
  ];
}

function windowsHomeFolders(look: Look, home: string): string[] {
  const local = localFolder(look, home);
  const programs = path.join(local, 'Programs');
  const dotted = look
    .list(home)
    .filter((name) => name.startsWith('.'))
    .map((name) => path.join(home, name, 'bin'));
  return [
    path.join(roamingFolder(look, home), 'npm'),
    path.join(local, 'pnpm'),
    path.join(local, 'pnpm', 'bin'),
    path.join(local, 'Microsoft', 'WindowsApps'),
    path.join(local, 'Microsoft', 'WinGet', 'Links'),
    path.join(local, 'Volta', 'bin'),
    path.join(local, 'Yarn', 'bin'),
    path.join(home, 'scoop', 'shims'),
    path.join(home, 'bin'),
    path.join(home, 'go', 'bin'),
    ...look.list(programs).map((name) => path.join(programs, name)),
    ...dotted,
    ...nodePrefixes(look, home),
  ];
}

function realFolder(folder: string): string | null {
  try {
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? realpathSync.native(folder) : null;
  } catch {
    // Left to the listing, which notes what is wrong.
    return folder;
  }
}
