/** Reads one named row of another program's SQLite file, such as an editor's list of recent folders; never waits for that program and leaves nothing beside the file. */
import { DatabaseError, openForeign } from '../sqlite.ts';

export type StateRow = { readonly table: string; readonly keyColumn: string; readonly key: string; readonly valueColumn: string };

/** Editors keep whole conversations in such rows; the ones asked for are lists of folders. */
const maximumValue = 4 * 1024 * 1024;

/** The row's value; `absent` where the file is no such database, is being written just now, or has no such row: the next look sees it then. */
export function readStateRow(file: string, row: StateRow): { state: 'read'; value: Buffer } | { state: 'absent' } {
  try {
    const database = openForeign(file);
    if (database === null) return { state: 'absent' };
    try {
      // A view or a virtual table of that name may compute for ever; they have no pages of their own.
      const page = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = ?`).pluck().get(row.table);
      if (typeof page !== 'number' || page === 0) return { state: 'absent' };
      const [table, key, value] = [row.table, row.keyColumn, row.valueColumn].map((name) => `"${name.replaceAll('"', '""')}"`);
      const found = database
        .prepare(`SELECT ${value} AS value FROM ${table} WHERE ${key} = ? AND length(${value}) <= ${maximumValue} LIMIT 1`)
        .get(row.key) as { value: unknown } | undefined;
      if (typeof found?.value === 'string') return { state: 'read', value: Buffer.from(found.value) };
      return Buffer.isBuffer(found?.value) ? { state: 'read', value: found.value } : { state: 'absent' };
    } finally {
      database.close();
    }
  } catch (error) {
    // Whatever SQLite says of a file that is not ours, it is no list of folders.
    if (error instanceof DatabaseError || (error instanceof Error && 'code' in error)) return { state: 'absent' };
    throw error;
  }
}
