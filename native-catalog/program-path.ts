/** What a program's path says before any tool is known: its segments, the package folders that hold it, its name, and whether it is an interpreter. */

/** A path cut at its slashes, both as written and in lower case. `windows` paths are compared without case. */
export type PathParts = { readonly segments: readonly string[]; readonly lower: readonly string[]; readonly windows: boolean };

/** A folder in a path that a package manager or a platform owns. `at` is the index of the segment that ends its name. */
export type PackageFolder = { readonly kind: PackageFolderKind; readonly name: string; readonly at: number };
type PackageFolderKind = 'npm' | 'pypi' | 'module' | 'brew' | 'cask' | 'snap' | 'flatpak' | 'msix';

// A path longer than this is not a program's; the bound keeps `identify` fast whatever an observer hands over.
const LONGEST = 4096;

export function splitPath(path: string): PathParts {
  const windows = path.includes('\\') || /^[a-z]:/i.test(path);
  // Linux marks the executable of a program that was updated while it ran; tools that update themselves look like that all day.
  const clean = path.slice(0, LONGEST).replace(/ \(deleted\)$/, '');
  const segments = (windows ? clean.replaceAll('\\', '/') : clean).split('/').filter((segment) => segment !== '' && segment !== '.');
  return { segments, lower: segments.map((segment) => segment.toLowerCase()), windows };
}

/** Every package folder in a path, outermost first. */
export function packageFolders({ segments, lower }: PathParts): PackageFolder[] {
  const found: PackageFolder[] = [];
  const add = (kind: PackageFolderKind, at: number, name = segments[at]) => {
    if (name) found.push({ kind, name, at });
  };
  for (let at = 0; at + 1 < segments.length; at++) {
    const before = lower[at - 1];
    switch (lower[at]) {
      case 'node_modules': {
        const first = segments[at + 1] as string;
        if (first.startsWith('@')) add('npm', at + 2, segments[at + 2] && `${first}/${settledName(segments[at + 2] as string)}`);
        else add('npm', at + 1, settledName(first));
        break;
      }
      case 'venvs':
        if (before === 'pipx') add('pypi', at + 1);
        break;
      case 'tools':
        if (before === 'uv') add('pypi', at + 1);
        break;
      case 'site-packages':
      case 'dist-packages':
        add('module', at + 1, segments[at + 1]?.replace(/\.py$/, ''));
        break;
      case 'cellar':
        add('brew', at + 1);
        break;
      case 'caskroom':
        add('cask', at + 1);
        break;
      case 'snap':
        // `~/snap/<name>` is a folder of data; programs run from /snap, or /var/lib/snapd/snap where /snap is not allowed.
        if (at === 0 || before === 'snapd') add('snap', at + 1);
        break;
      case 'app':
        if (before === 'flatpak') add('flatpak', at + 1);
        break;
      case 'windowsapps':
        add('msix', at + 1);
        break;
    }
  }
  return found;
}

/** npm moves a package to `.name-Ab12Cd34` while it replaces it, and the old program may go on running there. */
function settledName(name: string): string {
  return name.startsWith('.') ? name.slice(1).replace(/-[A-Za-z0-9]{8}$/, '') : name;
}

/** The program's name without its folder and without `.exe`, which some npm packages use on every system. */
export function programName({ segments }: PathParts): string {
  return (segments.at(-1) ?? '').replace(/\.exe$/i, '');
}

/** The name under which a command is typed: Windows' wrappers (`claude.cmd`, `claude.ps1`) stand for the program. */
export function commandName(parts: PathParts): string {
  return parts.windows ? programName(parts).replace(/\.(cmd|bat|ps1|com)$/i, '') : programName(parts);
}

const INTERPRETERS: ReadonlySet<string> = new Set(
  (
    'node nodejs bun deno electron python pythonw pypy py java javaw ruby perl php lua luajit tclsh guile rscript ' +
    'sh bash zsh dash ash ksh mksh fish csh tcsh busybox cmd powershell pwsh wscript cscript osascript'
  ).split(' '),
);

/**
 * Whether a program of this name only runs what it is given, so that its own name and place say nothing. A version at the end changes nothing:
 * `python3.11`, `python3.13t`, `node22`, `node-24`.
 */
export function isInterpreter(name: string): boolean {
  const plain = name.toLowerCase();
  return INTERPRETERS.has(plain) || INTERPRETERS.has(plain.replace(/[-_]?\d[\d.]*[a-z]?$/, ''));
}

/** A display name without case, version and remarks in brackets: `Cursor (User) 1.2` → `cursor`. */
export function displayName(name: string): string {
  let plain = name.slice(0, 200).toLowerCase().trim();
  for (let turn = 0; turn < 4; turn++) {
    const shorter = plain
      .replace(/\s*\([^()]*\)$/, '')
      .replace(/[\s_-]+(version\s+)?v?\d[\w.+-]*$/, '')
      .trim();
    if (shorter === plain || shorter === '') break;
    plain = shorter;
  }
  return plain;
}
