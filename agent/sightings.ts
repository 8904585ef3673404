/** From an observation and what the catalog says of it to a row of evidence. Pure; here command lines and window titles end. */
import type { Match } from '../native-catalog/catalog.ts';
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
      return { ...base, path: shown(seen.script ?? seen.exe), target: shown(seen.exe), home: at };
    case 'window':
      return { ...base, path: shown(seen.exe) };
    case 'package':
      return { ...base, path: shown(seen.path), home: at, version: seen.version, manager: seen.manager, name: seen.name };
    case 'app':
      return { ...base, path: shown(seen.path), home: at, version: seen.version, name: seen.name };
    case 'binary':
      return { ...base, path: shown(seen.path), target: shown(seen.target), home: at, name: seen.name };
    case 'config':
      return { ...base, path: shown(seen.path), home: at };
  }
}
