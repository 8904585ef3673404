/** The catalog in memory: which tool an observation belongs to, and which files matter on a platform. */
import type {
  AppObservation,
  BinaryObservation,
  Observation,
  PackageManager,
  ProcessObservation,
  WindowObservation,
} from '../agent/observe/observation.ts';
import type { Platform } from '../electron/contract.ts';
import {
  commandName,
  displayName,
  isInterpreter,
  msixFamily,
  type PackageFolder,
  type PathParts,
  packageFolders,
  programName,
  pypiName,
  splitPath,
  withoutPlatform,
} from './program-path.ts';
import { Entry, Family, type McpPlace, type ProjectsPlace } from './schema.ts';

/**
 * `certain` names the tool itself (its package, its folder, its bundle). `likely` makes a row alone too: a telling name. `weak` (a leftover
 * folder, a common name, a window's title) counts only beside another kind.
 */
export type Match = { readonly entry: Entry; readonly strength: Strength };
export type Strength = 'certain' | 'likely' | 'weak';

/** A place of the catalog on one platform; still with `~` and variables in it (`agent/observe/paths.ts` resolves those). */
export type ClientPlace = McpPlace & { readonly client: string };
export type ClientProjects = ProjectsPlace & { readonly client: string };

export type Catalog = {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly families: ReadonlyMap<string, Family>;
  /** Pure, never throws; null for what is no AI tool. ≤ 20 µs. `titles` says whether policy allows matching window titles. */
  identify(seen: Observation, options?: { titles?: boolean }): Match | null;
  /** The files that matter on a platform: `mcp` and `projects` only of clients that have them there. */
  places(platform: Platform): {
    mcp: readonly ClientPlace[];
    projects: readonly ClientProjects[];
    configs: readonly { entry: string; path: string }[];
  };
  /** Every binary name worth looking for in a folder of binaries. */
  binaryNames: ReadonlySet<string>;
  /** Whether `identify` would answer for such a package: observers skip the thousands of others without making an object of each. */
  wantsPackage(manager: PackageManager, name: string): boolean;
};

export type RawCatalog = { readonly entries: readonly unknown[]; readonly families: readonly unknown[] };

/**
 * Reads entries and families into a catalog. `names` are the file names of the entries and then of the families, for error texts. `trusted` skips
 * the validation, for the catalog inside the product, which was checked before it was packed.
 * @throws Error that names file, field and remedy, one line for each mistake.
 */
export function parseCatalog(raw: RawCatalog, names: readonly string[] = [], { trusted = false }: { trusted?: boolean } = {}): Catalog {
  if (trusted) return indexCatalog(raw.entries as readonly Entry[], raw.families as readonly Family[]);
  const mistakes: string[] = [];
  const read = <T>(schema: Validator<T>, value: unknown, name: string): T[] => {
    const result = schema.safeParse(value);
    if (result.success) return [result.data];
    for (const issue of result.error.issues) mistakes.push(mistake(name, issue));
    return [];
  };
  const entries = raw.entries.flatMap((value, at) => read(Entry, value, names[at] ?? `entry ${at}`));
  const families = raw.families.flatMap((value, at) => read(Family, value, names[raw.entries.length + at] ?? `family ${at}`));
  for (const id of repeated(entries)) mistakes.push(`${id}: two entries have this id; give one of them another.`);
  for (const id of repeated(families)) mistakes.push(`${id}: two families have this id; give one of them another.`);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return indexCatalog(entries, families);
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string; readonly code?: string };
type Validator<T> = { safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } } };

function mistake(name: string, issue: Issue): string {
  const field = issue.path.length > 0 ? issue.path.map(String).join('.') : 'the whole file';
  return `${name}: ${field}: ${issue.message}; native-catalog/schema.ts says what may stand there.`;
}

function repeated(items: readonly { readonly id: string }[]): string[] {
  const ids = items.map((item) => item.id);
  return [...new Set(ids.filter((id, at) => ids.indexOf(id) !== at))];
}

type PathPattern = {
  readonly segments: readonly string[];
  readonly lower: readonly string[];
  readonly app: boolean;
  readonly match: Match;
};
type PlacedPattern = PathPattern & { readonly rare: number };

/** Patterns under the segment that the fewest patterns share, so that a path that is no tool's meets almost none of them. */
function byRarestSegment(patterns: readonly PathPattern[]): ReadonlyMap<string, readonly PlacedPattern[]> {
  const uses = new Map<string, number>();
  for (const segment of patterns.flatMap((pattern) => pattern.lower)) uses.set(segment, (uses.get(segment) ?? 0) + 1);
  const cost = (segment: string) => (uses.get(segment) ?? 0) - segment.length / 1000;
  const placed = new Map<string, PlacedPattern[]>();
  for (const pattern of patterns) {
    const rare = pattern.lower.reduce((best, segment, at) => (cost(segment) < cost(pattern.lower[best] as string) ? at : best), 0);
    const key = pattern.lower[rare] as string;
    placed.set(key, [...(placed.get(key) ?? []), { ...pattern, rare }]);
  }
  return placed;
}

/** Every map that `identify` looks in. The first entry that claims an identifier keeps it; a check reports the second. */
function indexCatalog(list: readonly Entry[], familyList: readonly Family[]): Catalog {
  const entries = new Map(list.map((entry) => [entry.id, entry]));
  const packages = new Map<string, Match>();
  const modules = new Map<string, Match>();
  const bundles = new Map<string, Match>();
  const desktopFiles = new Map<string, Match>();
  const uninstallNames = new Map<string, Match>();
  const titles = new Map<string, Match>();
  const names = new Map<string, Match>();
  const foldedNames = new Map<string, Match>();
  const patterns: PathPattern[] = [];
  const configs = new Map<string, Match>();
  const publishers = new Map<string, string>();

  for (const entry of list) {
    const { detect } = entry;
    const unverified = new Set(detect.unverified);
    const common = new Set(detect.commonBinaries?.map((name) => name.toLowerCase()));
    const made = {
      certain: { entry, strength: 'certain' },
      likely: { entry, strength: 'likely' },
      weak: { entry, strength: 'weak' },
    } as const;
    const claim = (map: Map<string, Match>, key: string, strength: Strength, label: string) => {
      if (!map.has(key)) map.set(key, made[unverified.has(label) ? 'weak' : strength]);
    };
    for (const [manager, values] of Object.entries(detect.packages ?? {})) {
      for (const name of values ?? [])
        claim(packages, packageKey(manager as PackageManager, name), 'certain', `packages.${manager}:${name}`);
    }
    for (const name of detect.modules ?? []) claim(modules, name, 'certain', `modules:${name}`);
    for (const [field, strength] of [
      ['binaries', 'likely'],
      ['commonBinaries', 'weak'],
    ] as const) {
      for (const name of detect[field] ?? []) {
        claim(names, name, strength, `${field}:${name}`);
        claim(foldedNames, name.toLowerCase(), strength, `${field}:${name}`);
      }
    }
    for (const id of detect.apps?.darwin ?? []) claim(bundles, id.toLowerCase(), 'certain', `apps.darwin:${id}`);
    for (const id of detect.apps?.linux ?? []) {
      const strength = id.split('.').length > 2 ? 'certain' : common.has(id.toLowerCase()) ? 'weak' : 'likely';
      claim(desktopFiles, id.toLowerCase(), strength, `apps.linux:${id}`);
    }
    for (const name of detect.apps?.win32 ?? []) {
      const plain = displayName(name);
      claim(uninstallNames, plain, common.has(plain) ? 'weak' : 'likely', `apps.win32:${name}`);
    }
    for (const title of detect.titles ?? []) claim(titles, title.toLowerCase(), 'weak', `titles:${title}`);
    for (const path of detect.paths ?? []) {
      const { segments, lower } = splitPath(path);
      const app = lower.some((segment) => segment.endsWith('.app'));
      patterns.push({ segments, lower, app, match: made[unverified.has(`paths:${path}`) ? 'weak' : 'certain'] });
    }
    configs.set(entry.id, made.weak);
    publishers.set(entry.id, entry.vendor.toLowerCase().split(/[\s(/]/)[0] as string);
  }

  const paths = byRarestSegment(patterns);

  const inFolder = ({ kind, name }: PackageFolder): Match | undefined =>
    kind === 'module' ? modules.get(name) : lookUpPackage(packages, kind, name);

  /** The innermost folder in a path that belongs to a tool: a product that carries another tool inside runs that other tool. */
  function byPath(parts: PathParts): Match | null {
    const { segments, lower, windows } = parts;
    let found: Match | null = null;
    let end = -1;
    for (let at = 0; at < lower.length; at++) {
      for (const pattern of paths.get(lower[at] as string) ?? []) {
        const start = at - pattern.rare;
        const last = start + pattern.segments.length - 1;
        if (start < 0 || last <= end) continue;
        const folded = windows || pattern.app;
        const [have, want] = folded ? [lower, pattern.lower] : [segments, pattern.segments];
        if (want.every((segment, offset) => have[start + offset] === segment)) [found, end] = [pattern.match, last];
      }
    }
    for (const folder of packageFolders(parts)) {
      if (folder.at <= end) continue;
      const match = inFolder(folder);
      if (match) [found, end] = [match, folder.at];
    }
    return found;
  }

  const byName = (name: string, windows: boolean): Match | null =>
    (windows ? foldedNames.get(name.toLowerCase()) : names.get(name)) ?? null;

  function byBundle(bundleId: string | null): Match | null {
    if (!bundleId) return null;
    const id = bundleId.toLowerCase();
    // Electron's and Chromium's helpers are bundles inside the bundle: `….helper`, `….helper.Renderer`.
    return bundles.get(id) ?? bundles.get(id.replace(/\.helper\b.*$/, '')) ?? null;
  }

  function byModule(module: string): Match | null {
    return modules.get(module) ?? modules.get(module.split('.', 1)[0] as string) ?? null;
  }

  function program(
    exe: string | null,
    bundleId: string | null,
    hosted: { script: string | null; module: string | null } | null,
  ): Match | null {
    const parts = exe === null ? null : splitPath(exe);
    const name = parts ? programName(parts) : '';
    const host = isInterpreter(name) || Boolean(hosted?.script || hosted?.module);
    // Electron is the one interpreter that is shipped inside the product, in a bundle or a folder of its own.
    const own = !host || name.toLowerCase() === 'electron';
    const script = hosted?.script ? splitPath(hosted.script) : null;
    return strongest([
      () => script && byPath(script),
      () => (hosted?.module ? byModule(hosted.module) : null),
      () => (own && parts ? byPath(parts) : null),
      () => (own ? byBundle(bundleId) : null),
      () => (script ? byName(programName(script), script.windows) : null),
      () => (!host && parts ? byName(name, parts.windows) : null),
    ]);
  }

  function process(seen: ProcessObservation): Match | null {
    if (seen.exe !== null) return program(seen.exe, seen.bundleId, seen);
    // Another user's process may hide its file. The command line is what the process says of itself, so it never makes certain.
    const said = seen.args[0] ?? '';
    const exe = /^([a-z]:)?[\\/]/i.test(said) ? said : null;
    return atMost('likely', program(exe, seen.bundleId, seen));
  }

  function window(seen: WindowObservation, allowed: boolean): Match | null {
    const match = program(seen.exe, seen.bundleId, null);
    if (match || !allowed || !seen.title) return match;
    // Browsers put invisible marks into titles.
    const title = seen.title
      .slice(-300)
      .replace(/[\u200b-\u200f\u202a-\u202e\u2060\ufeff]/g, '')
      .trim()
      .toLowerCase();
    return titles.get(title) ?? titles.get(title.split(/ [-–—|] /).at(-1) as string) ?? null;
  }

  function app(seen: AppObservation): Match | null {
    const path = seen.path ? splitPath(seen.path) : null;
    if (seen.platform === 'darwin') return strongest([() => byBundle(seen.appId), () => path && byPath(path)]);
    if (seen.platform === 'linux') {
      const file = desktopFiles.get(seen.appId.toLowerCase()) ?? null;
      return file?.strength === 'certain' ? file : strongest([() => path && byPath(path), () => file]);
    }
    const named = uninstallNames.get(displayName(seen.appId)) ?? uninstallNames.get(displayName(seen.name)) ?? null;
    const known = strongest([() => path && byPath(path), () => named]);
    if (known?.strength !== 'weak' || !seen.publisher) return known;
    // A common word under which the vendor itself has put its name is the vendor's program.
    return seen.publisher.toLowerCase().startsWith(publishers.get(known.entry.id) as string)
      ? { entry: known.entry, strength: 'likely' }
      : known;
  }

  function binary(seen: BinaryObservation): Match | null {
    const target = splitPath(seen.target);
    const path = splitPath(seen.path);
    return strongest([() => byPath(target), () => byPath(path), () => byName(commandName(path), path.windows)]);
  }

  return {
    entries,
    families: new Map(familyList.map((family) => [family.id, family])),
    identify(seen, { titles: allowed = false } = {}) {
      switch (seen.kind) {
        case 'process':
          return process(seen);
        case 'window':
          return window(seen, allowed);
        case 'package':
          return lookUpPackage(packages, seen.manager, seen.name) ?? null;
        case 'app':
          return app(seen);
        case 'binary':
          return binary(seen);
        case 'config':
          return configs.get(seen.entry) ?? null;
      }
    },
    places: (platform) => placesOn(platform, list),
    binaryNames: new Set(list.flatMap(({ detect }) => [...(detect.binaries ?? []), ...(detect.commonBinaries ?? [])])),
    wantsPackage: (manager, name) => lookUpPackage(packages, manager, name) !== undefined,
  };
}

/** The first answer that is more than weak, else the first weak one: the questions stand in order of what they prove. */
function strongest(questions: readonly (() => Match | null)[]): Match | null {
  let weak: Match | null = null;
  for (const ask of questions) {
    const match = ask();
    if (match && match.strength !== 'weak') return match;
    weak ??= match;
  }
  return weak;
}

function atMost(limit: Strength, match: Match | null): Match | null {
  return match?.strength === 'certain' ? { entry: match.entry, strength: limit } : match;
}

function packageKey(manager: PackageManager | 'npmPlatform', name: string): string {
  switch (manager) {
    case 'pypi':
      return `pypi:${pypiName(name)}`;
    case 'msix':
      return `msix:${msixFamily(name)}`;
    case 'brew':
    case 'cask':
      // A tap's path stands before the name: `sst/tap/opencode`.
      return `${manager}:${name.slice(name.lastIndexOf('/') + 1).toLowerCase()}`;
    case 'dpkg':
      return `dpkg:${name.split(':', 1)[0]}`;
    default:
      return `${manager}:${name}`;
  }
}

function lookUpPackage(packages: ReadonlyMap<string, Match>, manager: PackageManager, name: string): Match | undefined {
  const exact = packages.get(packageKey(manager, name));
  if (exact) return exact;
  if (manager === 'npm') {
    const base = withoutPlatform(name);
    return base === null ? undefined : (packages.get(`npm:${base}`) ?? packages.get(`npmPlatform:${base}`));
  }
  // `claude-code@latest` is another channel of the same program.
  if ((manager === 'brew' || manager === 'cask') && name.includes('@'))
    return packages.get(packageKey(manager, name.slice(0, name.indexOf('@'))));
  return undefined;
}

function placesOn(platform: Platform, list: readonly Entry[]) {
  const here = <T extends McpPlace | ProjectsPlace>(entry: Entry, places: readonly T[] | undefined) =>
    (places ?? []).filter((place) => place.path[platform] !== undefined).map((place) => ({ ...place, client: entry.id }));
  return {
    mcp: list.flatMap((entry) => here(entry, entry.mcp)),
    projects: list.flatMap((entry) => here(entry, entry.projects)),
    configs: list.flatMap((entry) =>
      (entry.detect.configs ?? []).filter((path) => isOn(platform, path)).map((path) => ({ entry: entry.id, path })),
    ),
  };
}

/** Config folders are listed once for all platforms; how one is written says where it can be. */
function isOn(platform: Platform, path: string): boolean {
  if (path.startsWith('%') || /^[A-Z]:/.test(path)) return platform === 'win32';
  if (path.startsWith('~/Library/') || path.startsWith('/Library/')) return platform === 'darwin';
  if (path.startsWith('$XDG_') || path.startsWith('/')) return platform !== 'win32';
  return true;
}
