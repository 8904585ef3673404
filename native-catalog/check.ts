/** What must hold of the catalog, as a table: one row a rule. `run-checks.ts` runs it and weighs what it finds against the exceptions. */
import type { Platform } from '../electron/contract.ts';
import type { Catalog } from './catalog.ts';
import { PLACE_CHECKS } from './check-places.ts';
import { counts } from './counts.ts';
import { observationOf, observationsOf } from './examples.ts';
import type { CatalogFile, CatalogFiles } from './files.ts';
import { identifiers, lists, missingExamples } from './identifiers.ts';
import { isInterpreter } from './program-path.ts';
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
          say(
            stem(file),
            `${file.name}: ${issue.path.map(String).join('.') || 'the whole file'}: ${issue.message}; native-catalog/schema.ts says what may stand there.`,
          );
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
    name: 'example-kinds',
    what: 'every kind of identifier that an entry has is shown by an example',
    scope: 'file',
    run({ entries }, say) {
      for (const entry of entries) {
        for (const kind of missingExamples(entry))
          say(entry.id, `${entry.id}: no example shows detect.${kind}; add what an observer reports of one to examples.`);
      }
      return entries.length;
    },
  },
  {
    name: 'surface',
    what: 'an extension is one in category and surface, and a feature of a general program says so',
    scope: 'file',
    run({ entries }, say) {
      for (const { id, category, surface, feature, note } of entries) {
        for (const kind of ['ide-extension', 'browser-extension'] as const) {
          if ((category === kind) !== (surface === kind))
            say(id, `${id}: the category is ${category} and the surface ${surface}; let both be ${kind}, or neither.`);
        }
        if (feature && !note) say(id, `${id}: feature has no note; say in one that the program being there says nothing of use.`);
      }
      return entries.length;
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
        const twice = family.tiers.find((tier, at) => family.tiers.findIndex(({ id }) => id === tier.id) !== at);
        if (twice) say(family.id, `${family.id}: tier ${twice.id} is there twice; once is enough.`);
        for (const tier of family.tiers) {
          if (tier.trains !== 'unknown' && !tier.source)
            say(family.id, `${family.id}: tier ${tier.id} says "${tier.trains}" without a source; name one or say "unknown".`);
        }
      }
      return families.length;
    },
  },
  ...PLACE_CHECKS,
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
      return seen;
    },
  },
  {
    name: 'breadth',
    what: 'the catalog has no fewer tools, clients and ordinary programs than it promises',
    scope: 'tree',
    run(subject, say) {
      for (const { what, is, least = 0 } of counts(subject)) {
        if (is < least) say('breadth', `${is} ${what} are fewer than the ${least} that the catalog promises; add what is missing.`);
      }
      return subject.entries.length;
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

/** The id that a file's name promises. */
export function stem(file: CatalogFile): string {
  return (file.name.split('/').at(-1) ?? '').replace(/\.json$/, '');
}
