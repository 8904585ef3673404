/**
 * Which tool an observation belongs to, from maps built once: no pattern is executed, and nothing is read. It loads no validator, so whoever has
 * a catalog that was checked before can index it at no cost.
 */
import type {
  AppObservation,
  BinaryObservation,
  ExtensionHost,
  ExtensionObservation,
  PackageManager,
  ProcessObservation,
  WindowObservation,
} from '../agent/observe/observation.ts';
import type { Catalog, Match, Strength } from './catalog.ts';
import { packageKey, packageKeys } from './package-names.ts';
import { placesOn } from './places.ts';
import {
  commandName,
  displayName,
  isInterpreter,
  type PackageFolder,
  type PathParts,
  packageFolders,
  programName,
  splitPath,
} from './program-path.ts';
import type { Client, Entry, Family } from './schema.ts';

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
  for (const { lower } of patterns) for (const segment of lower) uses.set(segment, (uses.get(segment) ?? 0) + 1);
  const cost = (segment: string) => (uses.get(segment) ?? 0) - segment.length / 1000;
  const placed = new Map<string, PlacedPattern[]>();
  for (const { segments, lower, app, match } of patterns) {
    let rare = 0;
    for (let at = 1; at < lower.length; at++) if (cost(lower[at] as string) < cost(lower[rare] as string)) rare = at;
    const key = lower[rare] as string;
    const under = placed.get(key);
    if (under) under.push({ segments, lower, app, match, rare });
    else placed.set(key, [{ segments, lower, app, match, rare }]);
  }
  return placed;
}

/** Every map that `identify` looks in. The first entry that claims an identifier keeps it; a check reports the second. */
export function indexCatalog(
  list: readonly Entry[],
  familyList: readonly Family[],
  clientList: readonly Client[],
): Omit<Catalog, 'publishers' | 'words'> {
  const entries = new Map(list.map((entry) => [entry.id, entry]));
  const packages = new Map<string, Match>();
  const modules = new Map<string, Match>();
  const bundles = new Map<string, Match>();
  const desktopFiles = new Map<string, Match>();
  const uninstallNames = new Map<string, Match>();
  const titles = new Map<string, Match>();
  const names = new Map<string, Match>();
  const foldedNames = new Map<string, Match>();
  const extensions = new Map<string, Match>();
  const extensionFolders = new Map<string, Match>();
  const images = new Map<string, Match>();
  const ports = new Map<number, Match>();
  const domains = new Map<string, Match>();
  const patterns: PathPattern[] = [];
  // A word that is common as a program's name is as common as an application's.
  const common = new Set<string>();
  for (const { detect } of list) for (const name of detect.commonBinaries ?? []) common.add(name.toLowerCase());

  // Of the entry at hand. This runs before anything is found, over everything, so it makes no text that nobody asks for.
  let unverified: readonly string[] | undefined;
  let weak: Match;
  const claim = <K>(map: Map<K, Match>, key: K, match: Match, field: string, name: string) => {
    if (map.has(key)) return;
    map.set(key, unverified?.includes(`${field}:${name}`) ? weak : match);
  };

  for (const entry of list) {
    const { detect } = entry;
    const certain: Match = { entry, strength: 'certain' };
    const likely: Match = { entry, strength: 'likely' };
    weak = { entry, strength: 'weak' };
    unverified = detect.unverified;
    for (const manager in detect.packages) {
      const field = `packages.${manager}`;
      for (const name of detect.packages[manager as PackageManager] ?? []) {
        claim(packages, packageKey(manager as PackageManager, name), certain, field, name);
        if (manager !== 'msix') continue;
        // Where only the bare name of a Windows package is known, one with a dot in it (`OpenAI.Codex`) carries its publisher there.
        const bare = name.split('_', 1)[0] as string;
        claim(packages, packageKey('msix', bare), bare.includes('.') ? certain : likely, field, name);
      }
    }
    for (const name of detect.modules ?? []) claim(modules, name, certain, 'modules', name);
    for (const name of detect.binaries ?? []) {
      claim(names, name, likely, 'binaries', name);
      claim(foldedNames, name.toLowerCase(), likely, 'binaries', name);
    }
    for (const name of detect.commonBinaries ?? []) {
      claim(names, name, weak, 'commonBinaries', name);
      claim(foldedNames, name.toLowerCase(), weak, 'commonBinaries', name);
    }
    for (const id of detect.apps?.darwin ?? []) claim(bundles, id.toLowerCase(), certain, 'apps.darwin', id);
    for (const id of detect.apps?.linux ?? []) {
      const match = id.split('.').length > 2 ? certain : common.has(id.toLowerCase()) ? weak : likely;
      claim(desktopFiles, id.toLowerCase(), match, 'apps.linux', id);
    }
    for (const name of detect.apps?.win32 ?? []) {
      const plain = displayName(name);
      claim(uninstallNames, plain, common.has(plain) ? weak : likely, 'apps.win32', name);
    }
    if (detect.extensions) {
      for (const [field, host] of EXTENSION_FIELDS) {
        const folder = FOLDER_FIELDS.has(field);
        for (const name of detect.extensions[field] ?? [])
          claim(folder ? extensionFolders : extensions, extensionKey(host, name), folder ? likely : certain, `extensions.${field}`, name);
      }
    }
    for (const image of detect.images ?? []) claim(images, image, certain, 'images', image);
    for (const port of detect.ports ?? []) if (!ports.has(port)) ports.set(port, weak);
    for (const domain of detect.domains ?? []) claim(domains, domain, likely, 'domains', domain);
    for (const title of detect.titles ?? []) claim(titles, title.toLowerCase(), weak, 'titles', title);
    for (const path of detect.paths ?? []) {
      const { segments, lower } = splitPath(path);
      const app = lower.some((segment) => segment.endsWith('.app'));
      patterns.push({ segments, lower, app, match: unverified?.includes(`paths:${path}`) ? weak : certain });
    }
  }

  const paths = byRarestSegment(patterns);

  function lookUpPackage(manager: PackageManager, name: string): Match | null {
    for (const key of packageKeys(manager, name)) {
      const match = packages.get(key);
      if (match) return match;
    }
    return null;
  }

  const inFolder = ({ kind, name }: PackageFolder): Match | null =>
    kind === 'module' ? (modules.get(name) ?? null) : lookUpPackage(kind, name);

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
    // Electron is the one interpreter that is shipped inside the product, in a bundle or a folder of its own.
    const own = !isInterpreter(name) || name.toLowerCase() === 'electron';
    const script = hosted?.script ? splitPath(hosted.script) : null;
    return strongest([
      () => script && byPath(script),
      () => (hosted?.module ? byModule(hosted.module) : null),
      () => (own && parts ? byPath(parts) : null),
      () => (own ? byBundle(bundleId) : null),
      () => (script ? byName(programName(script), script.windows) : null),
      () => (parts ? byName(name, parts.windows) : null),
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
    // A browser that is a tool itself shows other tools' pages: there the title has the first word.
    if ((match && match.entry.category !== 'browser') || !allowed || !seen.title) return match;
    // Browsers put invisible marks into titles.
    const title = seen.title
      .slice(-300)
      .replace(/[\u200b-\u200f\u202a-\u202e\u2060\ufeff]/g, '')
      .trim()
      .toLowerCase();
    return titles.get(title) ?? titles.get(title.split(/ [-–—|] /).at(-1) as string) ?? match;
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
    return seen.publisher.toLowerCase().startsWith(firstWord(known.entry.vendor)) ? { entry: known.entry, strength: 'likely' } : known;
  }

  function binary(seen: BinaryObservation): Match | null {
    const target = splitPath(seen.target);
    const path = splitPath(seen.path);
    return strongest([() => byPath(target), () => byPath(path), () => byName(commandName(path), path.windows)]);
  }

  function extension({ host, id, folder }: ExtensionObservation): Match | null {
    const named = folder === null ? null : extensionFolders.get(extensionKey(host, folder));
    return extensions.get(extensionKey(host, id)) ?? named ?? extensionFolders.get(extensionKey(host, id)) ?? null;
  }

  /** A host, or one above it: `chat.acme.example` for `acme.example`. */
  function site(host: string): Match | null {
    for (let name = host.toLowerCase().replace(/^www\./, ''); name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
      const match = domains.get(name);
      if (match) return match;
    }
    return null;
  }

  return {
    entries,
    families: new Map(familyList.map((family) => [family.id, family])),
    clients: new Map([...list.filter(({ mcp }) => mcp), ...clientList].map((client) => [client.id, client])),
    identify(seen, { titles: allowed = false } = {}) {
      switch (seen.kind) {
        case 'process':
          return process(seen);
        case 'window':
          return window(seen, allowed);
        case 'package':
          return lookUpPackage(seen.manager, seen.name);
        case 'app':
          return app(seen);
        case 'binary':
          return binary(seen);
        case 'config': {
          const entry = entries.get(seen.entry);
          return entry ? { entry, strength: 'weak' } : null;
        }
        case 'extension':
          return extension(seen);
        case 'listener':
          return ports.get(seen.port) ?? null;
        case 'container':
          return images.get(seen.image) ?? null;
        case 'site':
          return site(seen.host);
      }
    },
    places: (platform) => placesOn(platform, list, clientList),
    binaryNames: new Set(list.flatMap(({ detect }) => [...(detect.binaries ?? []), ...(detect.commonBinaries ?? [])])),
    wantsPackage: (manager, name) => lookUpPackage(manager, name) !== null,
  };
}

const EXTENSION_FIELDS = [
  ['vscode', 'vscode'],
  ['jetbrains', 'jetbrains'],
  ['jetbrainsFolders', 'jetbrains'],
  ['visualStudio', 'visual-studio'],
  ['neovim', 'neovim'],
  ['zed', 'zed'],
  ['eclipse', 'eclipse'],
  ['chromium', 'chromium'],
  ['firefox', 'firefox'],
] as const satisfies readonly (readonly [keyof NonNullable<Entry['detect']['extensions']>, ExtensionHost])[];
const FOLDER_FIELDS: ReadonlySet<string> = new Set(['jetbrainsFolders', 'neovim']);

/** Ids are compared without case: VS Code's registry writes them as their publisher does, its folders in lower case. */
function extensionKey(host: ExtensionHost, name: string): string {
  return `${host}\0${name.toLowerCase()}`;
}

/** What a vendor is called for short, as a publisher's name begins: `Element` of `Element Labs`. */
function firstWord(vendor: string): string {
  return vendor.toLowerCase().split(/[\s(/]/, 1)[0] as string;
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
