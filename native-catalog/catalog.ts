/** The catalog in memory: which tool an observation belongs to, and which files matter on a platform. */
import type { Observation, PackageManager } from '../agent/observe/observation.ts';
import type { Platform } from '../electron/contract.ts';
import { checked } from './checked.ts';
import { indexCatalog } from './identify.ts';
import type { Places } from './places.ts';
import type { Client, Entry, Family, Publishers } from './schema.ts';
import { type PackedWords, unpackWords, type Words, wordsOf } from './words.ts';

/**
 * `certain` names the tool itself (its package, its folder, its bundle). `likely` makes a row alone too: a telling name. `weak` (a leftover
 * folder, a common name, a window's title) counts only beside another kind.
 */
export type Match = { readonly entry: Entry; readonly strength: Strength };
export type Strength = 'certain' | 'likely' | 'weak';

export type { ClientPlace, ClientProjects, ClientSettings } from './places.ts';

export type Catalog = {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly families: ReadonlyMap<string, Family>;
  /** Everything that has MCP servers: tools that are clients, and clients that are no tool. */
  readonly clients: ReadonlyMap<string, Pick<Client, 'id' | 'name' | 'vendor'>>;
  /** Who publishes MCP servers; null where the catalog was made without. */
  readonly publishers: Publishers | null;
  /** Pure, never throws; null for what is no AI tool. ≤ 20 µs. `titles` says whether policy allows matching window titles. */
  identify(seen: Observation, options?: { titles?: boolean }): Match | null;
  /** The files that matter on a platform: `mcp` and `projects` only of clients that have them there. */
  places(platform: Platform): Places;
  /** Every binary name worth looking for in a folder of binaries. */
  binaryNames: ReadonlySet<string>;
  /** Whether `identify` would answer for such a package: observers skip the thousands of others without making an object of each. */
  wantsPackage(manager: PackageManager, name: string): boolean;
  /** Every name that it says. */
  words(): Words;
};

export type RawCatalog = {
  readonly entries: readonly unknown[];
  readonly families: readonly unknown[];
  readonly clients?: readonly unknown[];
  /** The content of `publishers.json`. */
  readonly publishers?: unknown;
  /** Found when the catalog was packed. */
  readonly words?: PackedWords;
};

/** The same, once every field of it is known to be as the schema says. */
export type Checked = {
  readonly entries: readonly Entry[];
  readonly families: readonly Family[];
  readonly clients?: readonly Client[];
  readonly publishers?: Publishers;
};

/**
 * Reads entries, families and clients into a catalog. `names` are their file names in that order, for error texts. `trusted` skips the validation, for the catalog inside the product, which was checked before it was packed.
 * @throws Error that names file, field and remedy, one line for each mistake.
 */
export function parseCatalog(raw: RawCatalog, names: readonly string[] = [], { trusted = false }: { trusted?: boolean } = {}): Catalog {
  const { entries, families, clients = [], publishers } = trusted ? (raw as Checked) : checked(raw, names);
  let words: Words | undefined;
  return {
    ...indexCatalog(entries, families, clients),
    publishers: publishers ?? null,
    words() {
      words ??= trusted && raw.words ? unpackWords(raw.words) : wordsOf(entries, clients);
      return words;
    },
  };
}
