/** Reads the catalog's files as they stand in the repository. For checks, tests and packing only: the product carries the catalog as one file. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { RawCatalog } from './catalog.ts';
import type { Client, Entry } from './schema.ts';
import { type PackedWords, packWords, wordsOf } from './words.ts';

/** One JSON file: `name` is its path from the repository. */
export type CatalogFile = { readonly name: string; readonly value: unknown };
export type CatalogFiles = {
  readonly entries: readonly CatalogFile[];
  readonly families: readonly CatalogFile[];
  readonly clients: readonly CatalogFile[];
  readonly innocents: readonly CatalogFile[];
  readonly exceptions: CatalogFile;
  readonly publishers?: CatalogFile;
};

/** Reads the folder `native-catalog`. @throws Error that names the file which is missing or is no JSON. */
export function readCatalogFiles(folder: string): CatalogFiles {
  const read = (name: string): CatalogFile => {
    const text = readFileSync(path.join(folder, name), 'utf8');
    try {
      return { name: `native-catalog/${name}`, value: JSON.parse(text) };
    } catch (error) {
      throw new Error(`native-catalog/${name}: this is no JSON (${(error as Error).message}); mend it there.`);
    }
  };
  const all = (kind: string) =>
    readdirSync(path.join(folder, kind))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => read(`${kind}/${name}`));
  return {
    entries: all('entries'),
    families: all('families'),
    clients: all('clients'),
    innocents: all('innocents'),
    exceptions: read('exceptions.json'),
    publishers: read('publishers.json'),
  };
}

/** What `parseCatalog` takes: the values, and the names for its error texts. */
export function rawCatalog(files: Pick<CatalogFiles, 'entries' | 'families' | 'clients' | 'publishers'>): [RawCatalog, readonly string[]] {
  const values = (list: readonly CatalogFile[]) => list.map((file) => file.value);
  return [
    {
      entries: values(files.entries),
      families: values(files.families),
      clients: values(files.clients),
      ...(files.publishers ? { publishers: files.publishers.value } : {}),
    },
    [...files.entries, ...files.families, ...files.clients].map((file) => file.name),
  ];
}

/**
 * What the product carries of the catalog: everything but what only people and checks read (examples, sources, the editors' `$schema`), which is
 * nearly half of it and would be parsed at each start. `raw` must have been checked.
 */
export function packedCatalog<T extends RawCatalog>(raw: T): T & { readonly words: PackedWords } {
  const lean = (value: unknown): unknown => {
    const { $schema: _, examples: __, sources: ___, ...rest } = value as Record<string, unknown>;
    return rest;
  };
  return {
    ...raw,
    entries: raw.entries.map(lean),
    families: raw.families.map(lean),
    ...(raw.clients ? { clients: raw.clients.map(lean) } : {}),
    words: packWords(wordsOf(raw.entries as Entry[], (raw.clients ?? []) as Client[])),
  };
}
