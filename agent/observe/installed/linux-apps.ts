/** Linux applications: .desktop files in the folders of the desktop, and AppImages that were put into a folder of programs. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { dataFolder, pathFolders } from './folders.ts';
import { type Look, plainName, plainVersion, type Source } from './look.ts';

export const linuxApps: Source = {
  name: 'app',
  look(look) {
    const programs = programFinder(look);
    for (const folder of applicationFolders(look)) {
      for (const name of look.list(folder)) {
        if (name.endsWith('.desktop')) lookAtDesktopFile(look, path.join(folder, name), name, programs);
        // A folder of them is part of the identifier: `kde/app.desktop` is `kde-app`.
        else if (!name.includes('.')) {
          for (const inner of look.list(path.join(folder, name))) {
            if (inner.endsWith('.desktop')) lookAtDesktopFile(look, path.join(folder, name, inner), `${name}-${inner}`, programs);
          }
        }
      }
    }
    for (const home of look.homes) {
      for (const folder of ['Applications', 'AppImages', '.local/bin', 'bin']) {
        for (const name of look.list(path.join(home, folder))) {
          if (/\.appimage$/i.test(name)) lookAtAppImage(look, path.join(home, folder, name), home);
        }
      }
    }
  },
};

function lookAtDesktopFile(look: Look, file: string, name: string, programs: ProgramFinder): void {
  const bytes = look.bytes(file, 512 * 1024);
  const entry = bytes === null ? null : parseDesktopFile(bytes.toString('utf8'));
  if (entry === null || entry.hidden) return;
  const program = entry.program === null ? null : programs(entry.program);
  // An entry whose program is gone was left behind by a removal.
  if (program === 'gone') return;
  const appId = name.slice(0, -'.desktop'.length);
  look.found({
    kind: 'app',
    platform: 'linux',
    appId,
    name: entry.name ?? appId,
    publisher: null,
    version: null,
    path: program ?? file,
    home: look.homeOf(file),
  });
}

type DesktopEntry = {
  readonly name: string | null;
  /** The first word of `Exec` that is a program of its own: not `env`, a shell or a launcher; absolute or to be found on PATH. */
  readonly program: string | null;
  /** Deleted by the user, as the standard says it. */
  readonly hidden: boolean;
};

/** The application that a .desktop file describes; null where it describes none. Only its unlocalised name and its program are taken. */
export function parseDesktopFile(text: string): DesktopEntry | null {
  // Found by its keys, not line by line: most of such a file is the same words in sixty languages.
  const header = /(?:^|\n)\[Desktop Entry\][ \t\r]*(?=\n)/.exec(text);
  if (!header) return null;
  const from = header.index + header[0].length;
  const end = text.indexOf('\n[', from);
  const entry = text.slice(from, end < 0 ? undefined : end);
  if ((textAt(entry, keys.type) ?? 'Application') !== 'Application') return null;
  const name = textAt(entry, keys.name)
    ?.replace(/\\[snrt]/g, ' ')
    .replace(/\\\\/g, '\\');
  return { name: plainName(name), program: programOf(textAt(entry, keys.exec) ?? ''), hidden: textAt(entry, keys.hidden) === 'true' };
}

const keys = {
  type: /\nType[ \t]*=[ \t]*([^\n]{0,4096})/,
  name: /\nName[ \t]*=[ \t]*([^\n]{0,4096})/,
  exec: /\nExec[ \t]*=[ \t]*([^\n]{0,4096})/,
  hidden: /\nHidden[ \t]*=[ \t]*([^\n]{0,4096})/,
};

function textAt(entry: string, key: RegExp): string | undefined {
  return key.exec(entry)?.[1]?.trim();
}

/** Programs that only start another one: what is behind them is not an installation's path. */
const launchers: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'flatpak',
  'snap',
  'gtk-launch',
  'xdg-open',
  'gio',
  'dbus-launch',
  'pkexec',
  'sudo',
]);

function programOf(exec: string): string | null {
  for (const word of words(exec)) {
    const name = path.posix.basename(word);
    if (name === 'env' || /^[A-Za-z_]\w{0,100}=/.test(word)) continue;
    return word.startsWith('-') || launchers.has(name) || name === '' ? null : word;
  }
  return null;
}

/** The first words of a command line in the form of the Desktop Entry Specification: double quotes, and backslashes inside of them. */
function words(exec: string): string[] {
  return [...exec.slice(0, 4096).matchAll(/"((?:[^"\\]|\\.){0,4096})"|([^\s"]+)/g)]
    .slice(0, 32)
    .map(([, quoted, plain]) => (quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1')));
}

/** Where a program is: its path on disk, null where that isn't known, `gone` where the entry names a file that doesn't exist. */
type ProgramFinder = (program: string) => string | null;

function programFinder(look: Look): ProgramFinder {
  const folders = [...new Set([...pathFolders(look), ...['/usr/local/bin', '/usr/bin'].map((folder) => look.os.at(folder))])];
  return (program) => {
    if (path.isAbsolute(program)) {
      const file = look.folder(program);
      return file === null ? null : isThere(file) ? file : 'gone';
    }
    if (program.includes('/')) return null;
    // PATH may be shorter for a service than for the desktop, so a program that isn't on it is not gone.
    return folders.map((folder) => path.join(folder, program)).find(isThere) ?? null;
  };
}

function isThere(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // It can't be asked about, so it can't be said to be gone.
    return true;
  }
}

function applicationFolders(look: Look): string[] {
  const { os } = look;
  const shares = (os.env['XDG_DATA_DIRS'] ?? '').split(':').map((folder) => look.folder(folder));
  const system = ['/usr/local/share', '/usr/share', '/var/lib/flatpak/exports/share', '/var/lib/snapd/desktop'].map((folder) =>
    os.at(folder),
  );
  const own = look.homes.flatMap((home) => [dataFolder(look, home), path.join(dataFolder(look, home), 'flatpak/exports/share')]);
  return [...new Set([...own, ...shares.filter((folder) => folder !== null), ...system])].map((folder) =>
    path.join(folder, 'applications'),
  );
}

function lookAtAppImage(look: Look, file: string, home: string): void {
  try {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return;
  } catch {
    return;
  }
  const { name, version } = appImageName(path.basename(file));
  look.found({ kind: 'app', platform: 'linux', appId: name.toLowerCase(), name, publisher: null, version, path: file, home });
}

/** `LM-Studio-0.3.30-2-x64.AppImage` is LM-Studio, 0.3.30-2: what its name says, since nothing in it can be read cheaply. */
export function appImageName(file: string): { name: string; version: string | null } {
  const stem = file
    .slice(0, 200)
    .replace(/\.appimage$/i, '')
    .replace(/[-_.](x86[-_]64|amd64|x64|aarch64|arm64|linux)(?=[-_.]|$)/gi, '');
  const match = /^([^\d].*?)[-_ ]v?(\d+(?:\.\d+)+[\w.+-]{0,30})$/.exec(stem);
  return { name: plainName(match?.[1] ?? stem) ?? file, version: plainVersion(match?.[2]) };
}
