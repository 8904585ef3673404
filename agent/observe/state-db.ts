/** Reads one named row of another program's SQLite file, such as an editor's list of recent folders; never waits for that program and leaves nothing beside the file. */
import { statSync } from 'node:fs';
import { type Database, DatabaseError, openForeign } from '../sqlite.ts';

export type StateRow = { readonly table: string; readonly keyColumn: string; readonly key: string; readonly valueColumn: string };

/** Editors keep whole conversations in such rows; the ones asked for are lists of folders. */
const maximumValue = 4 * 1024 * 1024;

/** `busy`: its program is writing it just now. `refused`: it is there and can't be read; `detail` is the reason, never content. */
export type StateRead = { state: 'read'; value: Buffer } | { state: 'absent' } | { state: 'busy' } | { state: 'refused'; detail: string };

/** The row's value; `absent` only where it is certain that there is none: no file, no such database, no such row. Never waits. */
export function readStateRow(file: string, row: StateRow): StateRead {
  try {
    if (!statSync(file).isFile()) return { state: 'absent' };
    const database = openForeign(file);
    if (database === null) return { state: 'busy' };
    try {
      return readRow(database, row);
    } finally {
      database.close();
    }
  } catch (error) {
    return meaning(error);
  }
}

function readRow(database: Database, row: StateRow): StateRead {
  // A view or a virtual table of that name may compute for ever; they have no pages of their own.
  const page = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?`).pluck().get(row.table);
  if (typeof page !== 'number' || page === 0) return { state: 'absent' };
  const [table, key, value] = [row.table, row.keyColumn, row.valueColumn].map((name) => `"${name.replaceAll('"', '""')}"`);
  const found = database
    .prepare(
      `SELECT length(${value}) > ${maximumValue} AS big, iif(length(${value}) > ${maximumValue}, NULL, ${value}) AS value FROM ${table} WHERE ${key} = ? LIMIT 1`,
    )
    .get(row.key) as { big: number | null; value: unknown } | undefined;
  if (found?.big === 1) return { state: 'refused', detail: `its list is more than ${maximumValue} bytes` };
  if (typeof found?.value === 'string') return { state: 'read', value: Buffer.from(found.value) };
  return Buffer.isBuffer(found?.value) ? { state: 'read', value: found.value } : { state: 'absent' };
}

/** What SQLite or the system said of a file that is not ours. */
function meaning(error: unknown): StateRead {
  const cause = error instanceof DatabaseError && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
  if (code === null) throw error;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { state: 'busy' };
  // Another kind of file, or another table than the catalog knows, holds no list of ours.
  if (['ENOENT', 'ENOTDIR', 'SQLITE_NOTADB', 'SQLITE_ERROR'].includes(code)) return { state: 'absent' };
  return { state: 'refused', detail: code };
}
