/** Reads named rows of another program's SQLite file, such as an editor's list of recent folders; never waits for that program and leaves nothing beside the file. */
import { statSync } from 'node:fs';
import { type Database, DatabaseError, openForeign } from '../sqlite.ts';

type StateTable = { readonly table: string; readonly keyColumn: string; readonly valueColumn: string };
export type StateRow = StateTable & { readonly key: string };

/** Editors keep whole conversations in such rows; the ones asked for are lists of folders. */
const maximumValue = 4 * 1024 * 1024;

/** `busy`: its program is writing it just now. `refused`: it is there and can't be read; `detail` is the reason, never content. */
export type StateRead = { state: 'read'; value: Buffer } | NotRead;
type NotRead = { state: 'absent' } | { state: 'busy' } | { state: 'refused'; detail: string };

/** The row's value; `absent` only where it is certain that there is none: no file, no such database, no such row. Never waits. */
export function readStateRow(file: string, row: StateRow): StateRead {
  const read = inForeign(file, (database) => valuesOf(database, row, row.key, 1));
  if (read.state !== 'read') return read;
  const [value] = read.value;
  return value ? { state: 'read', value } : { state: 'absent' };
}

/** Of a key that ends in `*`, no more rows than this are read. */
const mostOfOne = 8;

/**
 * The values of several rows, by the name that `keys` has for each, in order of their keys; a key that ends in `*` is any key that begins so. Nothing
 * but these rows is read. Otherwise as `readStateRow`; without any of the rows `absent`.
 */
export function readStateRows(
  file: string,
  { keys, ...table }: StateTable & { readonly keys: Readonly<Record<string, string>> },
): { state: 'read'; values: ReadonlyMap<string, readonly Buffer[]> } | NotRead {
  const read = inForeign(
    file,
    (database) => new Map(Object.entries(keys).map(([name, key]) => [name, valuesOf(database, table, key, mostOfOne)])),
  );
  if (read.state !== 'read') return read;
  return [...read.value.values()].some((values) => values.length > 0) ? { state: 'read', values: read.value } : { state: 'absent' };
}

function inForeign<T>(file: string, read: (database: Database) => T): { state: 'read'; value: T } | NotRead {
  try {
    if (!statSync(file).isFile()) return { state: 'absent' };
    const database = openForeign(file);
    if (database === null) return { state: 'busy' };
    try {
      return { state: 'read', value: read(database) };
    } finally {
      database.close();
    }
  } catch (error) {
    return meaning(error);
  }
}

/** A value that is too large is the reason to refuse the file, and carried out of it as one. */
class TooBig extends Error {}

function valuesOf(database: Database, names: StateTable, wanted: string, most: number): Buffer[] {
  // A view or a virtual table of that name may compute for ever; they have no pages of their own.
  const page = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?`).pluck().get(names.table);
  if (typeof page !== 'number' || page === 0) return [];
  const [table, key, value] = [names.table, names.keyColumn, names.valueColumn].map((name) => `"${name.replaceAll('"', '""')}"`);
  const isStart = wanted.endsWith('*') && most > 1;
  const start = isStart ? wanted.slice(0, -1) : wanted;
  const rows = database
    .prepare(
      `SELECT length(${value}) > ${maximumValue} AS big, iif(length(${value}) > ${maximumValue}, NULL, ${value}) AS value FROM ${table}
        WHERE ${isStart ? `${key} >= @start AND ${key} < @end ORDER BY ${key}` : `${key} = @start`} LIMIT ${most}`,
    )
    .all(isStart ? { start, end: `${start}\u{10ffff}` } : { start }) as { big: number | null; value: unknown }[];
  if (rows.some(({ big }) => big === 1)) throw new TooBig();
  return rows.flatMap(({ value: found }) => (typeof found === 'string' ? [Buffer.from(found)] : Buffer.isBuffer(found) ? [found] : []));
}

/** What SQLite or the system said of a file that is not ours. */
function meaning(error: unknown): NotRead {
  if (error instanceof TooBig) return { state: 'refused', detail: `what it holds there is more than ${maximumValue} bytes` };
  const cause = error instanceof DatabaseError && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  if (code === null) throw error;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { state: 'busy' };
  // Another kind of file, or another table than the catalog knows, holds no list of ours.
  if (['ENOENT', 'ENOTDIR', 'SQLITE_NOTADB', 'SQLITE_ERROR'].includes(code)) return { state: 'absent' };
  return { state: 'refused', detail: code };
}
