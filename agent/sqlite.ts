/** The one place that opens SQLite files of our own: file modes, pragmas, migrations forward, and refusals that name the file and the remedy. */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
// Only the JavaScript of better-sqlite3 is loaded here; its native part is loaded when the first database is opened.
import Sqlite from 'better-sqlite3';
import { nativeAddon } from './assets.ts';

/** One step of the schema, run in one transaction; `version` becomes the file's `user_version`. */
export type Migration = { readonly version: number; readonly name: string; readonly sql: string };

export type Database = Sqlite.Database;

export type DatabaseErrorCode = 'newer' | 'locked' | 'permission' | 'read-only' | 'full' | 'corrupt' | 'absent' | 'io';

/** A database that can't be used. The message is one sentence: the thing, the place, the remedy. */
export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode;
  readonly path: string;
  constructor(code: DatabaseErrorCode, file: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DatabaseError';
    this.code = code;
    this.path = file;
  }
}

export type OpenOptions = {
  /** In order of their versions, which count from 1 without gaps (`assets.readMigrations`). */
  readonly migrations: readonly Migration[];
  /** Reads only, and creates nothing beside the file. */
  readonly readOnly?: boolean;
  /** How long to wait for another process that holds the file, in milliseconds (default 2,000). */
  readonly busyMs?: number;
};

/**
 * Opens the database at the absolute path `file`, makes it (0600, its folder 0700) where it is missing, and brings its schema forward.
 * With `readOnly` a missing file is refused (`absent`), and an older one is brought forward in memory only.
 * Never `readOnly` in a process that has the file open for writing: reading its bytes drops that connection's locks (POSIX).
 * Throws a `DatabaseError`.
 */
export function openDatabase(file: string, options: OpenOptions): Database {
  if (Number(process.versions['napi'] ?? 0) < 10) {
    // better-sqlite3 13 ends an older Node with a segmentation fault instead of an error.
    throw new Error(
      `The database ${file} needs Node 22.14 or later, and this is Node ${process.versions.node}; start Muster with “npm start” or “npm run muster”.`,
    );
  }
  return guarded(file, () => (options.readOnly ? openForReading(file, options) : openForWriting(file, options)));
}

/** Runs `work` and turns what SQLite and the file system say into a `DatabaseError`; anything else passes as it is. */
export function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asDatabaseError(error, file);
  }
}

/** A bare connection: no schema, no checks. For everything but salvage, `openDatabase` is the door. */
export function connect(
  target: string | Buffer,
  options: { readonly?: boolean; fileMustExist?: boolean; timeout?: number } = {},
): Database {
  const nativeBinding = nativeAddon('better_sqlite3');
  if (nativeBinding !== undefined && !existsSync(nativeBinding)) throw withoutNative(nativeBinding);
  return new Sqlite(target, nativeBinding === undefined ? options : { ...options, nativeBinding });
}

/** Somebody took the executable out of its folder, or a scanner took the part out of it: every file is there but this one. */
export function withoutNative(missing: string): DatabaseError {
  return new DatabaseError(
    'io',
    missing,
    `The file ${missing} is missing, and without it Muster can’t open its database; install Muster again, or keep its executable in the folder it came in.`,
  );
}

function openForWriting(file: string, { migrations, busyMs }: OpenOptions): Database {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const isNew = prepareFile(file);
  // Where a file can't be written SQLite quietly opens it to read, and the first write would be the first to know.
  accessSync(file, constants.R_OK | constants.W_OK);
  const database = connect(file, { timeout: busyMs ?? 2000 });
  try {
    refuseNewer(database, file, migrations);
    tune(database);
    // A new file holds nothing that could be lost: should the power end now, the next start finds it damaged or empty and makes it again.
    if (isNew) database.pragma('synchronous = OFF');
    database.pragma('journal_mode = WAL');
    migrate(database, migrations);
    if (isNew) database.pragma('synchronous = NORMAL');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * SQLite gives a new file the umask's mode, and -wal and -shm the mode of the file: so the file is made here, for its owner alone. Answers whether
 * it was not there.
 */
function prepareFile(file: string): boolean {
  let made: number;
  try {
    made = openSync(file, 'wx', 0o600);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // Never open and close an existing file here: closing any descriptor of it drops this process's SQLite locks (POSIX).
    const stat = statSync(file);
    if (!stat.isFile())
      throw new DatabaseError(
        'corrupt',
        file,
        `The database ${file} is a folder or a device, not a file; move it away, and Muster makes a new database.`,
      );
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0 && stat.uid === process.getuid?.()) tighten(file);
    return false;
  }
  closeSync(made);
  return true;
}

function tighten(file: string): void {
  try {
    chmodSync(file, 0o600);
  } catch {
    // A file system without modes, or a read-only one; opening it says the rest.
  }
}

function tune(database: Database): void {
  database.pragma('foreign_keys = ON');
  // In WAL, NORMAL survives the end of the process at any moment; what must survive the end of the power as well asks for more (`durably`).
  database.pragma('synchronous = NORMAL');
  database.pragma('cache_size = -2048');
  database.pragma('journal_size_limit = 4194304');
  database.pragma('temp_store = MEMORY');
  database.pragma('trusted_schema = OFF');
  database.pragma('cell_size_check = ON');
}

/** Runs a transaction whose result is on the disk, not only with the system, when this returns: for what nobody can observe again. */
export function durably<T>(database: Database, work: () => T): T {
  database.pragma('synchronous = FULL');
  try {
    return database.transaction(work).immediate();
  } finally {
    database.pragma('synchronous = NORMAL');
  }
}

function versionOf(database: Database): number {
  return database.pragma('user_version', { simple: true }) as number;
}

function latest(migrations: readonly Migration[]): number {
  return Math.max(0, ...migrations.map(({ version }) => version));
}

function refuseNewer(database: Database, file: string, migrations: readonly Migration[]): void {
  const version = versionOf(database);
  const known = latest(migrations);
  if (version > known) {
    throw new DatabaseError(
      'newer',
      file,
      `The database ${file} has schema version ${version}, and this Muster knows versions up to ${known}: install the newer Muster again, or name another folder with --data.`,
    );
  }
}

function migrate(database: Database, migrations: readonly Migration[]): void {
  for (const { version, sql } of migrations) {
    if (version <= versionOf(database)) continue;
    database
      .transaction(() => {
        // Another process may have done it while this one waited for the lock.
        if (version <= versionOf(database)) return;
        database.exec(sql);
        database.pragma(`user_version = ${version}`);
      })
      .immediate();
  }
}

/**
 * Reading creates nothing. A file whose changes are all in the file itself is read as bytes: SQLite, even read-only, would make -wal and -shm
 * beside it and leave them. With a write-ahead log in use both are there already, and SQLite reads through them, also where it may not write.
 */
function openForReading(file: string, { migrations, busyMs }: OpenOptions): Database {
  if (!statSync(file).isFile())
    throw new DatabaseError('corrupt', file, `The database ${file} is not a file; move it away, and Muster makes a new database.`);
  let database = quietBytes(file) ?? openThroughLog(file, busyMs ?? 2000);
  try {
    refuseNewer(database, file, migrations);
    if (versionOf(database) < latest(migrations)) {
      if (!database.memory) {
        const bytes = database.serialize();
        database.close();
        database = fromBytes(bytes);
      }
      migrate(database, migrations);
    }
    database.pragma('query_only = ON');
    database.pragma('trusted_schema = OFF');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Only where a copy must be made of it, and more is read where it lies or not at all. */
const maximumCopy = 32 * 1024 * 1024;

/**
 * Opens another program's database for reading: never its schema changed, never a lock held for longer than a statement, never a file made
 * beside it. Null where it is being written just now, or can't be read without making files. Throws a `DatabaseError`.
 */
export function openForeign(file: string): Database | null {
  return guarded(file, () => {
    if (!statSync(file).isFile() || sizeOf(`${file}-journal`) > 0) return null;
    // Where it lies only the pages that lead to an answer are read, and the others may hold whole conversations. It is possible where SQLite needs
    // no file that isn't there: a log that is in use has its index beside it.
    const inPlace = sizeOf(`${file}-wal`) > 0 ? existsSync(`${file}-shm`) : !isLogged(file);
    if (inPlace) return connect(file, { readonly: true, fileMustExist: true, timeout: 0 });
    return statSync(file).size <= maximumCopy ? quietBytes(file) : null;
  });
}

/** Whether the file's header says that changes go to a write-ahead log. */
function isLogged(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(20);
    return readSync(descriptor, header, 0, 20, 0) === 20 && header[18] === 2;
  } finally {
    closeSync(descriptor);
  }
}

/** The file as a database in memory, where no log holds newer pages and nobody wrote while it was read; otherwise null. */
function quietBytes(file: string): Database | null {
  const state = () => {
    const { size, mtimeMs } = statSync(file);
    return `${size}:${mtimeMs}:${sizeOf(`${file}-wal`)}`;
  };
  for (let attempt = 0; attempt < 3; attempt++) {
    const before = state();
    if (!before.endsWith(':0')) return null;
    const bytes = readFileSync(file);
    if (state() === before) return fromBytes(bytes);
  }
  return null;
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function fromBytes(bytes: Buffer): Database {
  if (bytes.length === 0) return connect(':memory:');
  // Bytes 18 and 19 say “write-ahead log”, which a database in memory can't have; 1 is the plain journal.
  if (bytes[18] === 2) bytes.fill(1, 18, 20);
  return connect(bytes);
}

function openThroughLog(file: string, timeout: number): Database {
  if (existsSync(`${file}-shm`)) return connect(file, { readonly: true, fileMustExist: true, timeout });
  // A log without its index: SQLite would have to make one beside it, so that is done with a copy.
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-read-'));
  try {
    const copy = path.join(folder, 'copy.db');
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    const opened = connect(copy);
    try {
      return fromBytes(opened.serialize());
    } finally {
      opened.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function allowed(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

/** Which of the fates an error of SQLite or of the file system is; unknown ones are returned unchanged, for they are bugs. */
export function asDatabaseError(error: unknown, file: string): unknown {
  if (error instanceof DatabaseError) return error;
  const code = codeOf(error);
  const fail = (kind: DatabaseErrorCode, message: string) => new DatabaseError(kind, file, message, { cause: error });
  const folder = path.dirname(file);
  // The device's file and the lock stand beside the database and fail in the same ways.
  const what = path.extname(file) === '.db' ? 'The database' : 'The file';

  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return fail('locked', `${what} ${file} is in use by another program; end that program (or wait for it) and try again.`);
  }
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE' || code === 'ENOSPC' || code === 'EDQUOT') {
    return fail(
      'full',
      `${what} ${file} can't be written because the disk is full; free some space and try again, nothing that was stored is lost.`,
    );
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return fail('corrupt', `${what} ${file} is damaged; “muster scan” sets it aside and rebuilds it.`);
  }
  if (code === 'ENOENT' || (code === 'SQLITE_CANTOPEN' && !existsSync(file) && allowed(folder, constants.X_OK))) {
    return fail('absent', `There is no database at ${file} yet; “muster scan” makes it.`);
  }
  if (code === 'EROFS') return readOnly();
  if (/^(EACCES|EPERM|ENOTDIR|EISDIR|SQLITE_PERM|SQLITE_AUTH)$/.test(code) || /^SQLITE_(CANTOPEN|READONLY)/.test(code)) {
    if (existsSync(file) && allowed(file, constants.R_OK)) return readOnly();
    return fail(
      'permission',
      `${what} ${file} may not be opened by this account; give the account access to ${folder}, or name another folder with --data.`,
    );
  }
  if (code.startsWith('SQLITE_IOERR')) {
    return fail('io', `${what} ${file} can't be read or written (${code}); check the disk that holds it and try again.`);
  }
  return error;

  function readOnly(): DatabaseError {
    return fail(
      'read-only',
      `${what} ${file} can be read but not written; make it and its folder ${folder} writable, or name another folder with --data.`,
    );
  }
}
