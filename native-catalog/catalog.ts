/** The catalog in memory: which tool an observation belongs to, and which files matter on a platform. */
import type { Observation, PackageManager } from '../agent/observe/observation.ts';
import type { Platform } from '../electron/contract.ts';
import { indexCatalog } from './identify.ts';
import type { Places } from './places.ts';
import { Client, Entry, Family, Publishers } from './schema.ts';

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
};

export type RawCatalog = {
  readonly entries: readonly unknown[];
  readonly families: readonly unknown[];
  readonly clients?: readonly unknown[];
  /** The content of `publishers.json`. */
  readonly publishers?: unknown;
};

/**
 * Reads entries, families and clients into a catalog. `names` are their file names in that order, for error texts. `trusted` skips the validation, for the catalog inside the product, which was checked before it was packed.
 * @throws Error that names file, field and remedy, one line for each mistake.
 */
export function parseCatalog(raw: RawCatalog, names: readonly string[] = [], { trusted = false }: { trusted?: boolean } = {}): Catalog {
  const rawClients = raw.clients ?? [];
  if (trusted) {
    const index = indexCatalog(raw.entries as readonly Entry[], raw.families as readonly Family[], rawClients as readonly Client[]);
    return { ...index, publishers: (raw.publishers as Publishers | undefined) ?? null };
  }
  const mistakes: string[] = [];
  const read = <T>(schema: Validator<T>, value: unknown, name: string): T[] => {
    const result = schema.safeParse(value);
    if (result.success) return [result.data];
    for (const issue of result.error.issues) mistakes.push(mistake(name, issue));
    return [];
  };
  const entries = raw.entries.flatMap((value, at) => read(Entry, value, names[at] ?? `entry ${at}`));
  const families = raw.families.flatMap((value, at) => read(Family, value, names[raw.entries.length + at] ?? `family ${at}`));
  const before = raw.entries.length + raw.families.length;
  const clients = rawClients.flatMap((value, at) => read(Client, value, names[before + at] ?? `client ${at}`));
  const publishers = raw.publishers === undefined ? [] : read(Publishers, raw.publishers, 'publishers.json');
  for (const id of repeated([...entries, ...clients])) mistakes.push(`${id}: two entries have this id; give one of them another.`);
  for (const id of repeated(families)) mistakes.push(`${id}: two families have this id; give one of them another.`);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  return { ...indexCatalog(entries, families, clients), publishers: publishers[0] ?? null };
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
