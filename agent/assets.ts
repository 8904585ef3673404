/**
 * Knows where the data and native parts that ship with the agent are: in the repository in development, inside and beside the executable in a package.
 *
 * The only file that asks which of the two it is. Everything is read when asked for, never at import: most commands need little of it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/** One step of the database's schema; `version` counts from 1 without gaps. */
type MigrationFile = { readonly version: number; readonly name: string; readonly sql: string };

/** True in the single executable, false when the sources run on Node. */
export function isPackaged(): boolean {
  return isSea();
}

/** Whether the catalog that `readCatalog` gives was checked against its schema before: it is as it was put into the package. */
export function isCatalogChecked(): boolean {
  return isSea();
}

/**
 * The database's migrations in order of their version, from files named `0001-what-it-does.sql`.
 * Throws when a name has another form or a version is missing or doubled.
 */
export function readMigrations(): MigrationFile[] {
  const files = isSea()
    ? (JSON.parse(getAsset('migrations.json', 'utf8')) as Record<string, string>)
    : readFolder(source('store/migrations'), '.sql');
  const migrations = Object.entries(files).map(([file, sql]) => {
    const [, version, name] = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file) ?? [];
    if (!version || !name) throw new Error(`agent/store/migrations/${file} is not named like 0001-what-it-does.sql; rename it.`);
    return { version: Number(version), name, sql };
  });
  migrations.sort((a, b) => a.version - b.version);
  const gap = migrations.findIndex(({ version }, index) => version !== index + 1);
  if (gap >= 0) {
    throw new Error(
      `agent/store/migrations must count from 0001 without gaps, and version ${gap + 1} is missing or there twice; number the files anew.`,
    );
  }
  return migrations;
}

/**
 * The catalog's files, parsed as JSON and not yet checked. `names` are the files of entries, families and clients, as `entries/claude-code.json`.
 * Throws with the file's name when one is not JSON.
 */
export function readCatalog(): { entries: unknown[]; families: unknown[]; clients: unknown[]; publishers: unknown; names: string[] } {
  if (isSea()) return JSON.parse(getAsset('catalog.json', 'utf8'));
  const read = (folder: string) => Object.entries(readFolder(source(`../native-catalog/${folder}`), '.json'));
  const parse = (folder: string, [file, text]: [string, string]): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`native-catalog/${folder}/${file} is not JSON (${(error as Error).message}); correct it there.`);
    }
  };
  const folders = ['entries', 'families', 'clients'] as const;
  const [entries, families, clients] = folders.map((folder) => read(folder).map((file) => ({ file, value: parse(folder, file), folder })));
  const values = (list: typeof entries) => (list ?? []).map(({ value }) => value);
  return {
    entries: values(entries),
    families: values(families),
    clients: values(clients),
    publishers: JSON.parse(fs.readFileSync(source('../native-catalog/publishers.json'), 'utf8')),
    names: [entries, families, clients].flatMap((list) => (list ?? []).map(({ file: [name], folder }) => `${folder}/${name}`)),
  };
}

/**
 * The absolute path of a native part that lies beside the executable, as `nativeAddon('better_sqlite3')`; undefined in development, where the
 * package finds its own. A path rather than the part: SQLite's own loader wants one, and a missing file is then named in its error.
 */
export function nativeAddon(name: string): string | undefined {
  return isSea() ? path.join(path.dirname(process.execPath), `${name}.node`) : undefined;
}

function source(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

/** Name → text of the files in a folder that end in `suffix`, in order of their names; a folder that is not there is empty. */
function readFolder(folder: string, suffix: string): Record<string, string> {
  let names: string[];
  try {
    names = fs.readdirSync(folder).filter((name) => name.endsWith(suffix));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    names = [];
  }
  return Object.fromEntries(names.sort().map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]));
}
