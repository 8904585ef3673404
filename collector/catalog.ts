/** The catalog of AI tools for the collector: read from the repository's own files. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Catalog, parseCatalog } from '../native-catalog/catalog.ts';

/** Throws where a file is missing or no JSON. */
export function readCatalog(): Catalog {
  const folder = (name: string) => {
    const at = new URL(`../native-catalog/${name}/`, import.meta.url);
    const files = readdirSync(at).filter((file) => file.endsWith('.json'));
    return files.sort().map((file): unknown => JSON.parse(readFileSync(fileURLToPath(new URL(file, at)), 'utf8')));
  };
  return parseCatalog({ entries: folder('entries'), families: folder('families'), clients: folder('clients') }, [], { trusted: true });
}
