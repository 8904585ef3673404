/** From an observation and what the catalog says of it to a row of evidence. Pure; here command lines and window titles end. */
import type { Match } from '../native-catalog/catalog.ts';
import type { Entry } from '../native-catalog/schema.ts';
import type { Homes } from './homes.ts';
import type { Observation } from './observe/observation.ts';
import type { Sighting } from './store/store.ts';

/** What is not a path, a package's name or a version of the observation goes no further. */
export function toSighting(seen: Observation, match: Match, { show, label }: Pick<Homes, 'show' | 'label'>): Sighting {
  const shown = (path: string | null) => (path === null ? null : show(path));
  const base = {
    tool: match.entry.id,
    kind: seen.kind,
    strength: match.strength,
    surface: match.entry.surface,
    path: null,
    target: null,
    home: null,
    version: null,
    manager: null,
    name: null,
  } satisfies Sighting;
  const at = 'home' in seen && seen.home !== null ? label(seen.home) : null;
  switch (seen.kind) {
    case 'process':
      return {
        ...base,
        path: shown(seen.script ?? seen.exe),
        target: shown(seen.exe),
        home: at,
        version: versionIn(seen.exe, match.entry),
      };
    case 'window':
      // The title ends here: what is kept is that a browser's window had one of this tool's.
      return { ...base, surface: seen.appName === null ? base.surface : 'browser', path: shown(seen.exe), manager: seen.appName };
    case 'package':
      return { ...base, path: shown(seen.path), home: at, version: seen.version, manager: seen.manager, name: seen.name };
    case 'app':
      return { ...base, path: shown(seen.path), home: at, version: seen.version, name: seen.name };
    case 'binary':
      return {
        ...{ ...base, path: shown(seen.path), target: shown(seen.target), home: at, name: seen.name },
        version: versionIn(seen.target, match.entry),
      };
    case 'config':
      return { ...base, path: shown(seen.path), home: at };
    case 'extension':
      return {
        ...{ ...base, path: shown(seen.path), home: at, version: seen.version, manager: seen.program, name: seen.id },
        surface: seen.host === 'chromium' || seen.host === 'firefox' ? 'browser-extension' : 'ide-extension',
        detail: { enabled: seen.enabled, profiles: seen.profiles, permissions: seen.permissions },
      };
    case 'listener':
      return { ...base, path: shown(seen.exe), home: at, name: String(seen.port), detail: { reach: seen.reach } };
    case 'container':
      return {
        ...{ ...base, version: seen.tag, manager: seen.engine, name: seen.image },
        surface: 'runtime',
        detail: { running: seen.running },
      };
    case 'site':
      return { ...base, surface: 'browser', path: shown(seen.path), home: at, manager: seen.program, name: seen.host };
  }
}

/**
 * Whether a sighting is only a name, of a tool that is known to be somewhere else: a program that is called `pi` beside the real one. `sure` holds
 * the tools of `namedForSure`.
 */
export function isStray({ tool, kind, strength }: Sighting, sure: ReadonlySet<string>): boolean {
  return strength === 'weak' && (kind === 'binary' || kind === 'process') && sure.has(tool);
}

/** The tools of which something names itself. */
export function namedForSure(sightings: readonly Sighting[]): Set<string> {
  return new Set(sightings.filter(({ strength }) => strength === 'certain').map(({ tool }) => tool));
}

/**
 * The version in a path, where a tool keeps each of its versions in a folder or a file of its own below a folder that the catalog knows:
 * `…/share/claude/versions/2.1.197`, `…/app-server-daemon/releases/0.169.0-x86_64-unknown-linux-musl/bin/codex`. Null for every other path.
 */
function versionIn(path: string | null, { detect }: Entry): string | null {
  if (path === null) return null;
  const slashed = path.replaceAll('\\', '/');
  for (const folder of detect.paths ?? []) {
    const at = slashed.indexOf(`/${folder}/`);
    const below = at < 0 ? [] : slashed.slice(at + folder.length + 2).split('/');
    for (const step of below) {
      const version = /^v?(\d+(?:\.\d+)+(?:-(?:alpha|beta|rc|preview|nightly|canary)[\w.]*)?)(?=$|[-_+])/.exec(step)?.[1];
      if (version) return version;
    }
  }
  return null;
}
