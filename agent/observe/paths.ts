/** Turns the catalog's places, written as people write them, into paths of this computer, and paths of this computer back into `~/…`. */
import path from 'node:path';
import type { Os } from './os.ts';

/** What a variable of a home means where it isn't set, as steps below that home. */
const homeDefaults: Readonly<Record<string, readonly string[]>> = {
  HOME: [],
  USERPROFILE: [],
  APPDATA: ['AppData', 'Roaming'],
  LOCALAPPDATA: ['AppData', 'Local'],
  XDG_CONFIG_HOME: ['.config'],
  XDG_DATA_HOME: ['.local', 'share'],
  XDG_STATE_HOME: ['.local', 'state'],
  XDG_CACHE_HOME: ['.cache'],
};

/** Folders of the whole computer; keys are upper-case because Windows doesn't tell case apart. */
const systemDefaults: Readonly<Record<string, string>> = {
  PROGRAMDATA: 'C:/ProgramData',
  ALLUSERSPROFILE: 'C:/ProgramData',
  PROGRAMFILES: 'C:/Program Files',
  'PROGRAMFILES(X86)': 'C:/Program Files (x86)',
  SYSTEMROOT: 'C:/Windows',
};

const variable = /^(?:\$\{?([A-Za-z_]\w*)\}?|%([^%/\\]+)%)$/;

/** Whether a place is the same for everybody on the computer, so that it is looked at once and not once a home. */
export function isSystemPlace(place: string): boolean {
  const first = place.split(/[/\\]/)[0] ?? '';
  if (first === '' || /^[A-Za-z]:$/.test(first)) return true;
  const named = variable.exec(first);
  return (named?.[2] ?? named?.[1] ?? '').toUpperCase() in systemDefaults;
}

/**
 * Expands a catalog place for one home: `~`, `$XDG_CONFIG_HOME` and its sisters with their defaults, `%APPDATA%`, `%LOCALAPPDATA%`,
 * `%USERPROFILE%`, `%ProgramData%`; any other variable only where it is set, else null. For a home that isn't the current user's, variables
 * of the current user's environment don't apply: the defaults under that home are used. Places of the whole system go through `os.at()`.
 * A place in a project (`<project>/…`), a pattern or a relative path is null: it is no place of a home.
 */
export function resolvePlace(place: string, os: Os, home: string): string | null {
  const steps = place.split(/[/\\]/);
  const first = steps[0] ?? '';
  const rest = steps.slice(1).filter((step) => step !== '');
  if (rest.some((step) => step.includes('*') || /^<.*>$/.test(step))) return null;
  if (first === '~') return path.join(home, ...rest);
  if (first === '') return os.at(`/${rest.join('/')}`);
  if (/^[A-Za-z]:$/.test(first)) return os.at(path.join(`${first}/`, ...rest));

  const named = variable.exec(first);
  const name = named?.[1] ?? named?.[2];
  if (name === undefined) return null;
  const system = systemDefaults[name.toUpperCase()];
  if (system !== undefined) return os.at(path.join(folderIn(os, name) ?? system, ...rest));

  const own = os.user.home !== null && samePath(os.user.home, home) ? folderIn(os, name) : null;
  if (own !== null) return path.join(own, ...rest);
  const below = homeDefaults[name] ?? homeDefaults[name.toUpperCase()];
  return below ? path.join(home, ...below, ...rest) : null;
}

/** The absolute folder in a variable; null where it is unset, empty or relative (the XDG rules say to ignore a relative one). */
function folderIn(os: Os, name: string): string | null {
  let value = os.env[name];
  if (value === undefined && os.platform === 'win32') {
    // The real environment of Windows ignores case by itself; a copied one doesn't.
    const key = Object.keys(os.env).find((other) => other.toUpperCase() === name.toUpperCase());
    value = key === undefined ? undefined : os.env[key];
  }
  return value && (path.isAbsolute(value) || path.win32.isAbsolute(value)) ? value : null;
}

function samePath(a: string, b: string): boolean {
  return path.resolve(a) === path.resolve(b);
}

/**
 * `/home/ada/x` → `~/x` for the home it lies under (the longest, where homes lie in each other), else unchanged. A home of Windows is
 * compared without case and its rest written with `/`. Never throws.
 */
export function tilde(file: string, homes: readonly string[]): string {
  let best: string | null = null;
  let length = 0;
  for (const given of homes) {
    const home = given.replace(/[/\\]+$/, '');
    // The root as a home (a daemon's account) would make every path of the system look like its own.
    if (home.length <= length || /^[A-Za-z]:$/.test(home)) continue;
    const windows = home.includes('\\');
    const start = file.slice(0, home.length);
    if (windows ? fold(start) !== fold(home) : start !== home) continue;
    const next = file[home.length];
    if (next !== undefined && next !== '/' && !(windows && next === '\\')) continue;
    const rest = file.slice(home.length);
    best = `~${windows ? rest.replaceAll('\\', '/') : rest}`;
    length = home.length;
  }
  return best ?? file;
}

function fold(text: string): string {
  return text.replaceAll('/', '\\').toLowerCase();
}
