/**
 * What people have added to agents (skills, hooks, plugins, sub-agents, commands, instructions), by name: from the places that the catalog names, in each home, in
 * projects that clients have recorded, and of the whole computer. What is in them is not read, but for the name that a skill gives itself.
 */
import path from 'node:path';
import type { AddonPlace } from '../../native-catalog/schema.ts';
import { BLANK, blankName, holdsSecret, kindOfValue } from '../mcp/secrets.ts';
import { decode, isMap, lookUp } from '../mcp/text.ts';
import { declaredName } from './addons/frontmatter.ts';
import { createHomeReader, type HomeReader } from './home-reader.ts';
import { plainName } from './installed/look.ts';
import { asksOnMac } from './mac-privacy.ts';
import type { AddonFact, Trouble } from './observation.ts';
import type { Os } from './os.ts';
import { isSystemPlace, resolvePlace } from './paths.ts';
import { matching, splitPattern } from './patterns.ts';

export type AddonLook = {
  readonly facts: readonly AddonFact[];
  /** `addons-unreadable`, or `home-not-owned` with the home as its path. */
  readonly troubles: readonly Trouble[];
  /** Homes (absolute) where something could not be read: nothing may be declared gone there. */
  readonly incomplete: readonly string[];
};

export type AddonObserver = {
  /** Looks at every place once; never throws for what is wrong outside. */
  look(): AddonLook;
};

/** Clients remember projects for years; those beyond this many are not looked at. */
const maximumProjects = 1000;
/** Of one place in one home or project. */
const maximumFound = 1000;
const maximumSettings = 8 * 1024 * 1024;
const maximumText = 256 * 1024;

/** Where a place is looked for, and whose that is. */
type Spot = { readonly folder: string; readonly steps: readonly string[]; readonly home: string | null; readonly project: string | null };

/** `homes` are absolute; `projects` answers with absolute folders, and is asked at each look. */
export function createAddonObserver(
  os: Os,
  options: {
    homes: readonly string[];
    places: readonly { readonly tool: string; readonly place: AddonPlace }[];
    projects: () => readonly string[];
  },
): AddonObserver {
  const begin = createHomeReader(os, { homes: options.homes, code: 'addons-unreadable' });
  const places = options.places.filter(({ place }) => place.path[os.platform] !== undefined);
  return {
    look() {
      const { reader, end } = begin();
      const facts = new Map<string, AddonFact>();
      const projects = projectsHere(reader, options.projects());
      for (const { tool, place } of places) {
        for (const spot of spotsOf(reader, place, projects)) {
          for (const { name, at: there } of namesAt(reader, place, spot)) {
            const shown = shownName(name);
            if (shown === null) continue;
            // Somebody has named a file by a key: then the place stands for it.
            const at = isKey(there) ? spot.folder : there;
            const { kind, scope } = place;
            const key = [tool, kind, scope, shown, at].join('\0');
            if (!facts.has(key)) facts.set(key, { tool, kind, scope, name: shown, path: at, home: spot.home, project: spot.project });
          }
        }
      }
      return { facts: [...facts.values()], ...end() };
    },
  };
}

/** One line of at most 120 characters, without anything that looks like a secret. */
function shownName(name: string): string | null {
  const plain = plainName(name)?.slice(0, 120) ?? null;
  if (plain === null) return null;
  return holdsSecret(plain) ? BLANK : blankName(plain);
}

function isKey(text: string): boolean {
  return kindOfValue(null, text) === 'known-shape';
}

type Project = { readonly folder: string; readonly home: string | null; readonly names: ReadonlySet<string> };

/** The projects that are there, with what lies in them, so that twenty places that aren't there cost one listing. */
function projectsHere(reader: HomeReader, given: readonly string[]): readonly Project[] {
  const { os, homes } = reader;
  const folders = new Set<string>();
  for (const folder of given) {
    if (folders.size >= maximumProjects) break;
    // Of a network path the file's author chose the server, and Windows would sign the user in there.
    if (!path.isAbsolute(folder) || (os.platform === 'win32' && /^[\\/]{2}/.test(folder))) continue;
    folders.add(path.resolve(folder));
  }
  // A client run in the home itself records the home as a project; what is there is the user's and is found as that.
  return [...folders].flatMap((folder) => {
    const home = reader.homeOf(folder);
    // Where macOS would ask, the observer of config files says so already.
    if (home === folder || (home !== null && !homes.includes(home)) || asksOnMac(os, folder, homes)) return [];
    const names = new Set((reader.list(folder) ?? []).map(({ name }) => fold(os, name)));
    return [{ folder, home, names }];
  });
}

function fold(os: Os, name: string): string {
  return os.platform === 'linux' ? name : name.normalize('NFC').toLowerCase();
}

function spotsOf(reader: HomeReader, place: AddonPlace, projects: readonly Project[]): Spot[] {
  const { os, homes } = reader;
  const written = place.path[os.platform] ?? '';
  if (/^<project>[/\\]/.test(written)) {
    const steps = written.split(/[/\\]/).slice(1);
    const first = fold(os, steps[0] ?? '');
    const here = first.includes('*') ? projects : projects.filter(({ names }) => names.has(first));
    return here.map(({ folder, home }) => ({ ...fixed(folder, steps), home, project: folder }));
  }
  const { named, steps } = splitPattern(written);
  if (isSystemPlace(written)) {
    const folder = resolvePlace(named, os, os.user.home ?? path.parse(process.cwd()).root);
    return folder === null ? [] : [{ folder, steps, home: reader.homeOf(folder), project: null }];
  }
  // A moved folder is looked at beside the default one: the variable that this program sees need not be the one that the tool sees.
  const both = [{ named, steps }, ...(place.movedBy ? [splitPattern(place.movedBy.path)] : [])];
  return homes.flatMap((home) =>
    both.flatMap((one): Spot[] => {
      const folder = resolvePlace(one.named, os, home);
      return folder === null ? [] : [{ folder, steps: one.steps, home, project: null }];
    }),
  );
}

/** The steps before the first `*` belong to the folder. */
function fixed(folder: string, steps: readonly string[]): { folder: string; steps: readonly string[] } {
  const at = steps.findIndex((step) => step.includes('*'));
  const named = at < 0 ? steps : steps.slice(0, at);
  return { folder: path.join(folder, ...named), steps: at < 0 ? [] : steps.slice(at) };
}

type Named = { readonly name: string; readonly at: string };

function namesAt(reader: HomeReader, place: AddonPlace, { folder, steps }: Spot): Named[] {
  const { layout } = place;
  const inside = (...more: readonly string[]) =>
    matching({ folder, steps: [...steps, ...more] }, reader.mayList)
      .slice(0, maximumFound)
      .filter((file) => reader.isFile(file));
  switch (layout.as) {
    case 'file':
      return inside().map((at) => ({ name: path.basename(at), at }));
    case 'keys':
      return inside().flatMap((at) => keysOf(reader, at, layout).map((name) => ({ name, at })));
    case 'folders': {
      if (!reader.isFolder(folder)) return [];
      const holds = layout.holds.split('/');
      return inside('*', ...holds).map((file) => {
        const at = path.join(file, ...holds.map(() => '..'));
        return { name: ownName(reader, file) ?? path.basename(at), at };
      });
    }
    case 'files': {
      if (!reader.isFolder(folder)) return [];
      const named = `*${layout.ending}`;
      return [[named], ['*', named], ['*', '*', named]].flatMap((down) =>
        inside(...down).map((at) => {
          const own = place.kind === 'subagent' || place.kind === 'skill' ? ownName(reader, at) : null;
          const from = at.split(path.sep).slice(-down.length).join('/');
          return { name: own ?? from.slice(0, -layout.ending.length), at };
        }),
      );
    }
  }
}

/** The name that a Markdown file gives itself in its front matter; nothing else of the file is kept. */
function ownName(reader: HomeReader, file: string): string | null {
  if (!/\.md$/i.test(file)) return null;
  const options = { maxBytes: maximumText, expected: 'text', detail: true, purpose: 'name' };
  const taken = reader.take(file, options, (bytes) => ({ name: declaredName(bytes.toString('utf8')) }));
  return taken.state === 'read' ? taken.value.name : null;
}

type Keys = Extract<AddonPlace['layout'], { as: 'keys' }>;

/** Keys of the map, but for those that are switched off (`false`); of a list, each item's name, or its number where it has none that may be shown. */
function keysOf(reader: HomeReader, file: string, { format, at, name: to }: Keys): readonly string[] {
  const purpose = JSON.stringify([format, at, to]);
  const options = { maxBytes: maximumSettings, expected: format === 'plist' ? 'a property list' : format.toUpperCase(), purpose };
  const taken = reader.take(file, options, (bytes) => {
    const decoded = decode(format, bytes);
    if (!decoded.ok) return null;
    return lookUp(decoded.value, at)
      .flatMap(({ value }): string[] => {
        if (isMap(value)) return Object.entries(value).flatMap(([key, is]) => (is === false || is === null ? [] : [key]));
        return Array.isArray(value) ? value.map((item: unknown, index) => itemName(item, to) ?? String(index + 1)) : [];
      })
      .slice(0, maximumFound)
      .map((name) => name.slice(0, 200));
  });
  return taken.state === 'read' ? taken.value : [];
}

/** A text in a list is a name where it can be a package's; an address or a path may say more than that. */
function itemName(item: unknown, to: readonly string[] | undefined): string | null {
  const named = to === undefined ? item : lookUp(item, to)[0]?.value;
  if (typeof named !== 'string') return null;
  if (to !== undefined) return named;
  return /^(@[\w.-]{1,100}\/)?[\w.-]{1,100}(@[\w.^~<>=-]{1,40})?$/.test(named) ? named : null;
}
