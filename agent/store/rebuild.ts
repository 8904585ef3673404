/** What happens to a damaged database: it is set aside whole, and a new one takes its place with every row that can still be read. */
import { closeSync, copyFileSync, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import type { RequestState } from '../../electron/contract.ts';
import { connect, type Database, DatabaseError, guarded, type OpenOptions, openDatabase } from '../sqlite.ts';

/** `setAside` is the old file's new path; `lost` says that not all of it could be read. */
export type Rebuilt = { readonly setAside: string; readonly requestsKept: number; readonly lost: boolean };

/** Opens a sound database for writing, rebuilding a damaged one first. Throws a `DatabaseError` for everything that is not damage. */
export function openOrRebuildDatabase(
  file: string,
  { now, ...options }: OpenOptions & { readonly now: Date },
): { database: Database; rebuilt: Rebuilt | null } {
  return guarded(file, () => {
    takeFinished(file, now);
    try {
      return { database: openSound(file, options), rebuilt: null };
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'corrupt') throw error;
    }
    // The new file is whole before the old one moves: the end of the process or a full disk, at any moment, loses nothing.
    const kept = buildBeside(file, options);
    const setAside = moveAside(file, now);
    takeFinished(file, now);
    return { database: openSound(file, options), rebuilt: { setAside, ...kept } };
  });
}

const SUFFIXES = ['', '-wal', '-shm'] as const;
const newFile = (file: string) => `${file}.new`;

/** A rebuild that ended between its two renames: the old file is away, the new one is whole and only has to take its place. */
function takeFinished(file: string, now: Date): void {
  if (existsSync(file) || !existsSync(newFile(file))) return;
  // A log of the old file that is still here would be played into the new one.
  if (existsSync(`${file}-wal`) || existsSync(`${file}-shm`)) moveAside(file, now);
  renameSync(newFile(file), file);
}

const SMALLEST_PAGE = 512;
const WHOLE_CHECK_BYTES = 16 * 1024 * 1024;

function openSound(file: string, options: OpenOptions): Database {
  const damaged = () => new DatabaseError('corrupt', file, `The database ${file} is damaged; “muster scan” sets it aside and rebuilds it.`);
  const size = sizeOf(file);
  // SQLite takes a file of less than a page for a new one, and throws away the log of an emptied one with what is in it.
  if ((size > 0 && size < SMALLEST_PAGE) || (size === 0 && sizeOf(`${file}-wal`) > 0)) throw damaged();
  const database = openDatabase(file, options);
  try {
    // The quick check does not compare rows with their indexes, so that reading can fail after it; the whole one takes longer with every row.
    const check = size < WHOLE_CHECK_BYTES ? 'integrity_check(1)' : 'quick_check(1)';
    if (guarded(file, () => database.pragma(check, { simple: true })) !== 'ok') throw damaged();
    // SQLite keeps no sums of its pages: one changed byte inside a value is a sound file to it, and would be a state that nothing knows.
    const requests = guarded(file, () => database.prepare('SELECT * FROM request').all() as Row[]);
    if (!requests.every((row) => isPlausible('request', row))) throw damaged();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function moveAside(file: string, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  let aside = `${file}.corrupt-${stamp}`;
  for (let count = 2; SUFFIXES.some((suffix) => existsSync(aside + suffix)); count++) aside = `${file}.corrupt-${stamp}-${count}`;
  for (const suffix of SUFFIXES) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  return aside;
}

function buildBeside(file: string, options: OpenOptions): { requestsKept: number; lost: boolean } {
  const remove = (target: string) => {
    for (const suffix of SUFFIXES) rmSync(target + suffix, { force: true });
  };
  const fresh = newFile(file);
  const copy = `${file}.salvage`;
  remove(fresh);
  remove(copy);
  const database = openDatabase(fresh, options);
  try {
    const kept = database.transaction(() => salvage(file, copy, database))();
    // Everything into the file itself, and on the disk, before it takes the old one's place.
    database.pragma('synchronous = FULL');
    database.pragma('wal_checkpoint(TRUNCATE)');
    return kept;
  } finally {
    database.close();
    remove(copy);
  }
}

/** Reads a copy (the original stays as it is, byte for byte) and writes what is sound into `database`. */
function salvage(file: string, copy: string, database: Database): { requestsKept: number; lost: boolean } {
  const tables = database
    .prepare(`SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all();
  let requestsKept = 0;
  let lost = false;
  const damaged = openCopy(file, copy);
  if (!damaged) return { requestsKept, lost: true };
  try {
    for (const { name, wr } of tables as { name: string; wr: number }[]) {
      const read = readTable(damaged, database, name, wr === 1);
      lost ||= read.lost;
      for (const row of read.rows) {
        const kept = insert(database, name, row);
        if (!kept) lost = true;
        else if (name === 'request') requestsKept++;
      }
    }
  } finally {
    damaged.close();
  }
  return { requestsKept, lost };
}

type Row = Readonly<Record<string, unknown>>;

/** The compiler says when the contract has another state. */
const STATES = {
  open: true,
  approved: true,
  denied: true,
  'needs-info': true,
  withdrawn: true,
  expired: true,
} satisfies Record<RequestState, true>;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** As `toISOString` writes it, and only such are stored. */
const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const isTime = (value: unknown) => typeof value === 'string' && time.test(value) && !Number.isNaN(Date.parse(value));

/** The schema refuses wrong types and broken JSON; a damaged page can also hold well-formed nonsense, which ids, times and states give away. */
function isPlausible(table: string, row: Row): boolean {
  return Object.entries(row).every(([column, value]) => {
    if (/(^|_)(at|seen)$/.test(column)) return isTime(value);
    if (table !== 'request') return true;
    if (column === 'id') return uuid.test(String(value));
    if (column === 'state') return Object.hasOwn(STATES, String(value));
    return column !== 'until' || value === null || isTime(value);
  });
}

function insert(database: Database, table: string, row: Row): boolean {
  if (!isPlausible(table, row)) return false;
  const columns = Object.keys(row);
  try {
    database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map((column) => `@${column}`).join(', ')})`).run(row);
    return true;
  } catch (error) {
    // A full disk is not the row's fault.
    if (/^SQLITE_(FULL|IOERR)/.test(String((error as { code?: unknown }).code))) throw error;
    return false;
  }
}

/** Every row that can be reached: forward to the damage, backward to it, and one by one in between. */
function readTable(damaged: Database, fresh: Database, table: string, withoutRowid: boolean): { rows: Row[]; lost: boolean } {
  const columnsOf = (database: Database) => database.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
  const rows = new Map<unknown, Row>();
  let list: string;
  let key: string;
  try {
    const there = new Set(columnsOf(damaged));
    const columns = columnsOf(fresh).filter((column) => there.has(column));
    if (columns.length === 0) return { rows: [], lost: true };
    list = columns.join(', ');
    key = withoutRowid ? `json_array(${columns.slice(0, 2).join(', ')})` : 'rowid';
  } catch {
    return { rows: [], lost: true };
  }
  const order = withoutRowid ? list.split(', ').slice(0, 2) : ['rowid'];
  /** Whether it came to the table's end; the last key read otherwise. */
  const walk = (direction: 'ASC' | 'DESC') => {
    let last: unknown = null;
    try {
      const by = order.map((column) => `${column} ${direction}`).join(', ');
      for (const row of damaged.prepare(`SELECT ${key} AS "key", ${list} FROM ${table} ORDER BY ${by}`).iterate() as Iterable<Row>) {
        const { key: at, ...values } = row;
        last = at;
        rows.set(at, values);
      }
      return { whole: true, last };
    } catch {
      return { whole: false, last };
    }
  };
  const forward = walk('ASC');
  if (forward.whole) return { rows: [...rows.values()], lost: false };
  const backward = walk('DESC');
  if (!withoutRowid && typeof forward.last === 'number')
    probe(forward.last, typeof backward.last === 'number' ? backward.last : forward.last + 2000);
  return { rows: [...rows.values()], lost: true };

  function probe(after: number, before: number): void {
    const one = damaged.prepare(`SELECT ${list} FROM ${table} WHERE rowid = ?`);
    for (let rowid = after + 1; rowid < Math.min(before, after + 20_000); rowid++) {
      try {
        const row = one.get(rowid) as Row | undefined;
        if (row) rows.set(rowid, row);
      } catch {
        // On the damaged page; the next one may not be.
      }
    }
  }
}

/** A connection to a copy of the damaged file and its log, with a new header where the old one is unreadable; null where nothing helps. */
function openCopy(file: string, copy: string): Database | null {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return null;
  for (const header of ['as it is', 'new'] as const) {
    for (const suffix of SUFFIXES) rmSync(copy + suffix, { force: true });
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    if (header === 'new') writeHeader(copy);
    let database: Database | null = null;
    try {
      database = connect(copy);
      database.pragma('cell_size_check = ON');
      if (database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() !== 0) return database;
    } catch {
      // Not even its schema can be read this way.
    }
    database?.close();
  }
  return null;
}

const PAGE = 4096;

/** The first 100 bytes of every database that `openDatabase` makes; sizes and counters are those that make SQLite trust the file's length. */
function writeHeader(file: string): void {
  const header = Buffer.alloc(100);
  header.write('SQLite format 3\0', 0, 'latin1');
  header.writeUInt16BE(PAGE, 16);
  // 2, 2: a write-ahead log, so that the copy's log is played into it; 64, 32, 32 are constants of the format.
  header.set([2, 2, 0, 64, 32, 32], 18);
  header.writeUInt32BE(1, 24);
  header.writeUInt32BE(Math.max(1, Math.floor(sizeOf(file) / PAGE)), 28);
  header.writeUInt32BE(1, 40);
  header.writeUInt32BE(4, 44);
  header.writeUInt32BE(1, 56);
  header.writeUInt32BE(1, 92);
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, header, 0, header.length, 0);
    // An emptied file gets one empty page, for SQLite drops the log of a file without pages.
    if (sizeOf(file) < PAGE) {
      const page = Buffer.alloc(PAGE);
      header.copy(page);
      page[100] = 13;
      writeSync(descriptor, page, 0, PAGE, 0);
    }
  } finally {
    closeSync(descriptor);
  }
}
