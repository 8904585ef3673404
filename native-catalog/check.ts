/** What must hold of the catalog, as a table: one row a rule. `run-checks.ts` runs it and weighs what it finds against the exceptions. */
import type { Platform } from '../electron/contract.ts';
import type { Catalog } from './catalog.ts';
import { observationOf, observationsOf } from './examples.ts';
import type { CatalogFile, CatalogFiles } from './files.ts';
import { packageKey } from './package-names.ts';
import { isOn } from './places.ts';
import { displayName, isInterpreter, splitPath } from './program-path.ts';
import { Client, Entry, Family, Innocents } from './schema.ts';

/** The catalog as far as it could be read. A file that the schema refuses is missing in everything but `files`. */
export type Subject = {
  readonly files: CatalogFiles;
  readonly catalog: Catalog;
  readonly entries: readonly Entry[];
  readonly families: readonly Family[];
  readonly clients: readonly Client[];
  readonly innocents: readonly { platform: Platform; list: Innocents }[];
};
type Say = (entry: string, message: string) => void;

export type Check = {
  readonly name: string;
  readonly what: string;
  /** `file`: one file decides. `tree`: it takes all of them. */
  readonly scope: 'file' | 'tree';
  /** Says each finding, and returns how many things it looked at. */
  run(subject: Subject, say: Say): number;
};

const SCHEMAS = { entries: Entry, families: Family, clients: Client, innocents: Innocents } as const;
const PLATFORMS: readonly Platform[] = ['darwin', 'linux', 'win32'];

export const CHECKS: readonly Check[] = [
  {
    name: 'schema',
    what: 'every file says only what native-catalog/schema.ts knows',
    scope: 'file',
    run({ files }, say) {
      const all = (Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[]).flatMap((kind) => files[kind].map((file) => ({ kind, file })));
      for (const { kind, file } of all) {
        const result = SCHEMAS[kind].safeParse(file.value);
        for (const issue of result.error?.issues ?? []) {
          say(stem(file), `${file.name}: ${issue.path.map(String).join('.') || 'the whole file'}: ${issue.message}.`);
        }
      }
      return all.length;
    },
  },
  {
    name: 'file-name',
    what: 'a file is named after the id in it',
    scope: 'file',
    run({ files }, say) {
      const all = [...files.entries, ...files.families, ...files.clients];
      for (const file of all) {
        const { id } = file.value as { id?: unknown };
        if (id !== stem(file)) say(stem(file), `${file.name}: the id is ${JSON.stringify(id)}; rename the file or the id.`);
      }
      return all.length;
    },
  },
  {
    name: 'order',
    what: 'fields stand in the order of the schema, and no list names a thing twice',
    scope: 'file',
    run({ files }, say) {
      for (const file of files.entries) {
        const value = file.value as Record<string, unknown>;
        const detect = (value['detect'] ?? {}) as Record<string, unknown>;
        for (const [where, keys, known] of [
          ['', Object.keys(value), Object.keys(Entry.shape)],
          ['detect.', Object.keys(detect), Object.keys(Entry.shape.detect.shape)],
        ] as const) {
          const sorted = keys.toSorted((a, b) => known.indexOf(a) - known.indexOf(b));
          const wrong = keys.findIndex((key, at) => key !== sorted[at]);
          if (wrong >= 0) say(stem(file), `${file.name}: ${where}${sorted[wrong]} should come before ${where}${keys[wrong]}.`);
        }
        for (const [field, list] of lists(detect)) {
          const twice = list.find((name, at) => list.indexOf(name) !== at);
          if (twice !== undefined) say(stem(file), `${file.name}: detect.${field} names ${JSON.stringify(twice)} twice; once is enough.`);
        }
      }
      return files.entries.length;
    },
  },
  {
    name: 'examples',
    what: 'every example is recognised as its own entry, and more than weakly',
    scope: 'file',
    run({ catalog, entries }, say) {
      for (const entry of entries) {
        entry.examples.forEach((example, at) => {
          const match = catalog.identify(observationOf(example), { titles: true });
          const found = match ? `${match.entry.id}, ${match.strength}` : 'nothing';
          if (match?.entry.id !== entry.id || match.strength === 'weak') {
            say(
              entry.id,
              `${entry.id}: example ${at} (${JSON.stringify(example)}) matches ${found}; it should match ${entry.id} at least likely.`,
            );
          }
        });
      }
      return entries.reduce((sum, entry) => sum + entry.examples.length, 0);
    },
  },
  {
    name: 'evidence',
    what: 'no entry rests on unverified facts or common names alone, and `unverified` names what is there',
    scope: 'file',
    run({ entries }, say) {
      for (const entry of entries) {
        const labels = identifiers(entry);
        const unverified = new Set(entry.detect.unverified);
        for (const label of unverified) {
          if (!labels.some((one) => one.label === label))
            say(entry.id, `${entry.id}: unverified names ${label}, which detect does not have; remove it.`);
        }
        if (!labels.some((one) => one.strong && !unverified.has(one.label))) {
          say(entry.id, `${entry.id}: nothing verified in detect makes a row; add a package, a path, an application or a telling binary.`);
        }
      }
      return entries.length;
    },
  },
  {
    name: 'unique',
    what: 'no two entries claim the same identifier',
    scope: 'tree',
    run({ entries }, say) {
      const owners = new Map<string, string>();
      let seen = 0;
      for (const entry of entries) {
        for (const { key, label } of identifiers(entry)) {
          seen++;
          const owner = owners.get(key);
          if (owner !== undefined && owner !== entry.id)
            say(entry.id, `${entry.id}: ${owner} claims ${label} too; leave it to one of them.`);
          else owners.set(key, entry.id);
        }
      }
      return seen;
    },
  },
  {
    name: 'telling-names',
    what: 'a binary has no interpreter’s name, and one of three letters or fewer is a common one',
    scope: 'file',
    run({ entries }, say) {
      for (const entry of entries) {
        const { binaries = [], commonBinaries = [] } = entry.detect;
        for (const name of [...binaries, ...commonBinaries].filter(isInterpreter)) {
          say(entry.id, `${entry.id}: ${name} is an interpreter, which is never a tool; name the package or the script instead.`);
        }
        for (const name of binaries) {
          if (name.length <= 3) say(entry.id, `${entry.id}: binaries has ${name}, which is too short to tell; move it to commonBinaries.`);
        }
      }
      return entries.length;
    },
  },
  {
    name: 'families',
    what: 'the family of an entry exists, has entries, and says where it knows each tier from',
    scope: 'tree',
    run({ entries, families }, say) {
      const known = new Set(families.map((family) => family.id));
      const used = new Set(entries.map((entry) => entry.family));
      for (const entry of entries) {
        if (entry.family && !known.has(entry.family))
          say(entry.id, `${entry.id}: there is no family ${entry.family}; add native-catalog/families/${entry.family}.json.`);
      }
      for (const family of families) {
        if (!used.has(family.id)) say(family.id, `${family.id}: no entry is of this family; remove it.`);
        for (const tier of family.tiers) {
          if (tier.trains !== 'unknown' && !tier.source)
            say(family.id, `${family.id}: tier ${tier.id} says "${tier.trains}" without a source; name one or say "unknown".`);
        }
      }
      return families.length;
    },
  },
  {
    name: 'places',
    what: 'a place is written for the platform it is on, and its scope fits its path',
    scope: 'file',
    run({ entries, clients }, say) {
      let seen = 0;
      for (const entry of [...entries, ...clients]) {
        for (const place of [...(entry.mcp ?? []), ...(entry.projects ?? [])]) {
          for (const platform of PLATFORMS) {
            const path = place.path[platform];
            if (path === undefined) continue;
            seen++;
            if (!isOn(platform, path))
              say(entry.id, `${entry.id}: ${path} is no path of ${platform}; write it as it is there, or leave ${platform} out.`);
            if ('scope' in place && (place.scope === 'project') !== path.startsWith('<project>/')) {
              say(
                entry.id,
                `${entry.id}: ${path} has the scope ${place.scope}; a file in <project>/ has the scope project, and no other has.`,
              );
            }
          }
          if ('scope' in place && (place.scope === 'local') !== place.at.includes('*')) {
            say(
              entry.id,
              `${entry.id}: at ${place.at.join('.')} does not fit the scope ${place.scope}; local, and only local, leads through * (a project’s folder).`,
            );
          }
        }
      }
      return seen;
    },
  },
  {
    name: 'clients',
    what: 'a client is no tool’s name, and no two of its places are the same',
    scope: 'tree',
    run({ entries, clients }, say) {
      const tools = new Set(entries.map(({ id }) => id));
      for (const { id } of clients)
        if (tools.has(id)) say(id, `${id}: there is a tool of this id; put the places into native-catalog/entries/${id}.json.`);
      const all = [...entries, ...clients];
      for (const { id, mcp = [] } of all) {
        const seen = new Set<string>();
        for (const place of mcp) {
          for (const platform of PLATFORMS) {
            const key = JSON.stringify([platform, place.path[platform], place.at]);
            if (place.path[platform] !== undefined && seen.has(key))
              say(id, `${id}: ${place.path[platform]} at ${place.at.join('.')} is there twice on ${platform}; once is enough.`);
            seen.add(key);
          }
        }
      }
      return all.length;
    },
  },
  {
    name: 'patterns',
    what: 'a step of a place holds at most one *, and ** stands alone and once, below three named folders of a home',
    scope: 'file',
    run({ entries, clients }, say) {
      const all = [...entries, ...clients].flatMap(({ id, mcp = [], projects = [] }) =>
        [...mcp, ...projects].map((place) => ({ id, place })),
      );
      for (const { id, place } of all) {
        for (const path of Object.values(place.path)) {
          const steps = path?.split('/') ?? [];
          const many = steps.indexOf('**');
          const bad = steps.find((step) => step !== '**' && step.split('*').length > 2);
          if (bad !== undefined) say(id, `${id}: ${path} has the step ${bad}; one * in a step is all that is understood.`);
          if (steps.lastIndexOf('**') !== many || (many >= 0 && many < 3))
            say(id, `${id}: ${path} would have too much listed; ** stands once, below two folders or more of the home.`);
          if (steps[1]?.includes('*') && steps[0] !== '<project>')
            say(id, `${id}: ${path} would list a whole home; name the folder below it.`);
        }
      }
      return all.length;
    },
  },
  {
    name: 'innocents',
    what: 'no ordinary program matches anything, and one that shares a common name matches weakly at most',
    scope: 'tree',
    run({ catalog, innocents }, say) {
      let seen = 0;
      for (const { platform, list } of innocents) {
        const ordinary = observationsOf(platform, list);
        seen += ordinary.length;
        for (const observation of ordinary) {
          const match = catalog.identify(observation, { titles: true });
          if (match)
            say(
              match.entry.id,
              `${platform}: ${JSON.stringify(observation)} is no AI tool, and matches ${match.entry.id} (${match.strength}).`,
            );
        }
        for (const { entry, seen: partner } of list.collisions) {
          const match = catalog.identify(observationOf(partner), { titles: true });
          if (match && match.strength !== 'weak')
            say(
              match.entry.id,
              `${platform}: ${JSON.stringify(partner)} is another program, and matches ${match.entry.id} (${match.strength}).`,
            );
          if (match?.entry.id !== entry)
            say(
              entry,
              `${platform}: the collision ${JSON.stringify(partner)} does not match ${entry} any more; move it to the ordinary programs.`,
            );
        }
      }
      for (const platform of PLATFORMS) {
        const list = innocents.find((one) => one.platform === platform)?.list;
        const count = list ? observationsOf(platform, list).length : 0;
        if (count < 150)
          say(
            platform,
            `${platform}: ${count} ordinary programs are too few to prove much; have 150 or more in native-catalog/innocents/${platform}.json.`,
          );
      }
      return seen;
    },
  },
  {
    name: 'no-machine',
    what: 'a source is something that others can look up, not a place on somebody’s computer',
    scope: 'file',
    run({ entries, families, clients }, say) {
      const all = [...entries, ...families, ...clients];
      for (const { id, sources } of all) {
        const local = sources.find((source) => /(^|\s)(\/|~\/|[A-Z]:\\)[\w.-]/.test(source));
        if (local !== undefined) say(id, `${id}: the source ${JSON.stringify(local)} is a path; name what others can look up.`);
      }
      return all.length;
    },
  },
];

type Identifier = { readonly label: string; readonly key: string; readonly strong: boolean };

/** Everything an entry claims: how `unverified` calls it, the key under which it is looked up, and whether it can make a row. */
function identifiers({ detect }: Entry): Identifier[] {
  const of = (field: string, names: readonly string[] | undefined, strong: boolean, key: (name: string) => string) =>
    (names ?? []).map((name) => ({ label: `${field}:${name}`, key: key(name), strong }));
  const lower = (name: string) => name.toLowerCase();
  return [
    ...Object.entries(detect.packages ?? {}).flatMap(([manager, names]) =>
      of(`packages.${manager}`, names, true, (name) => packageKey(manager as Parameters<typeof packageKey>[0], name)),
    ),
    ...of('binaries', detect.binaries, true, (name) => `name:${lower(name)}`),
    ...of('commonBinaries', detect.commonBinaries, false, (name) => `name:${lower(name)}`),
    ...of('paths', detect.paths, true, (name) => `path:${splitPath(name).lower.join('/')}`),
    ...of('apps.darwin', detect.apps?.darwin, true, (name) => `darwin:${lower(name)}`),
    ...of('apps.linux', detect.apps?.linux, true, (name) => `linux:${lower(name)}`),
    ...of('apps.win32', detect.apps?.win32, true, (name) => `win32:${displayName(name)}`),
    ...of('modules', detect.modules, true, (name) => `module:${name}`),
    ...Object.entries(detect.extensions ?? {}).flatMap(([host, names]) =>
      of(`extensions.${host}`, names, true, (name) => `extension:${host}:${lower(name)}`),
    ),
    ...of('images', detect.images, true, (name) => `image:${name}`),
    ...of('domains', detect.domains, true, (name) => `domain:${name}`),
    ...of('titles', detect.titles, false, (name) => `title:${lower(name)}`),
  ];
}

function lists(detect: Record<string, unknown>): [string, readonly unknown[]][] {
  return Object.entries(detect).flatMap(([field, value]): [string, readonly unknown[]][] => {
    if (Array.isArray(value)) return [[field, value]];
    return Object.entries((value ?? {}) as Record<string, unknown>).flatMap(([inner, list]): [string, readonly unknown[]][] =>
      Array.isArray(list) ? [[`${field}.${inner}`, list]] : [],
    );
  });
}

/** The id that a file's name promises. */
export function stem(file: CatalogFile): string {
  return (file.name.split('/').at(-1) ?? '').replace(/\.json$/, '');
}
