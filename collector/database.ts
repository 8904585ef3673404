/** Opens the collector's database: PostgreSQL by its address, or an embedded PGlite in a folder; the same SQL and the same migrations on both. */
import { mkdirSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import * as first from './migrations/0001-first.ts';
import { up as administration } from './migrations/0002-administration.ts';
import { up as sessions } from './migrations/0003-sessions.ts';
import type { Schema } from './store/schema.ts';

export type Database = Kysely<Schema>;

/** In the order in which they are applied; a new one is one file and one line. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-administration': { up: administration },
  '0003-sessions': { up: sessions },
};

export type Opened = {
  readonly db: Database;
  readonly engine: 'postgresql' | 'pglite';
  /** Whether the database answers, by a connection of its own where there are several. Rejects where it doesn't. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

export type DatabaseErrorCode = 'newer' | 'unreachable' | 'migration' | 'tenant';

/** Why the database can't be used, in one sentence with the remedy; quotes neither an address nor a password. */
export class CollectorDatabaseError extends Error {
  readonly code: DatabaseErrorCode;
  constructor(code: DatabaseErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type Where = {
  /** `postgres://…`; wins over `folder`. */
  readonly url?: string | undefined;
  /** Of the embedded database; null: in memory, for tests. */
  readonly folder?: string | null;
  /** A data folder to begin an embedded database from, as PGlite dumps it; making an empty one takes seconds. */
  readonly template?: Blob;
  /** Connections to PostgreSQL; default 12. */
  readonly connections?: number;
};

/** bigint and numeric counts fit a double here, and a date is a day and no moment. */
const asNumber = (text: string) => Number(text);
const asText = (text: string) => text;
const INT8 = 20;
const DATE = 1082;

/**
 * Opens and brings the schema up to date, all migrations or none. Throws a `CollectorDatabaseError`: `newer` where a later collector has written
 * there, `unreachable`, or `migration` where one failed and nothing of it was kept.
 */
export async function openDatabase(where: Where, migrations: Readonly<Record<string, Migration>> = MIGRATIONS): Promise<Opened> {
  const opened = where.url ? openPostgres(where.url, where.connections ?? 12) : openEmbedded(where.folder ?? null, where.template);
  try {
    await migrate(opened.db, migrations);
    return opened;
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

function openPostgres(url: string, connections: number): Opened {
  const types = {
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === INT8 ? asNumber : oid === DATE ? asText : pg.types.getTypeParser(oid, format as 'text'),
  } as pg.CustomTypesConfig;
  // One that hangs can't end its statements itself: then this side gives up, a little later.
  const settings = {
    ...{ connectionString: url, types, connectionTimeoutMillis: 5000, keepAlive: true },
    ...{ statement_timeout: 60_000, query_timeout: 65_000 },
  };
  const pool = new pg.Pool({ ...settings, max: connections, idleTimeoutMillis: 30_000 });
  const own = new pg.Pool({ ...settings, max: 1, statement_timeout: 2000, query_timeout: 3000 });
  // A connection that breaks while it idles is replaced at the next use; without a listener it would end the process.
  pool.on('error', () => {});
  own.on('error', () => {});
  // So would one that breaks between two statements of a transaction; the next statement fails, and the request with it.
  for (const each of [pool, own]) each.on('connect', (client) => client.on('error', () => {}));
  const names = createNames();
  pool.on('connect', (client) => {
    endUnanswered(client);
    planOnce(client, names);
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    engine: 'postgresql',
    async ping() {
      await own.query('select 1');
    },
    async close() {
      await db.destroy();
      await own.end();
    },
  };
}

/** A statement that has come so often is planned once for each connection. */
const OFTEN = 3;
/** Statements that are remembered, and of them those that have a name; lists of every length in a statement's text would make more of them. */
const REMEMBERED = 1000;
const NAMED = 200;

type Names = {
  /** A name for statements that come again and again; undefined for the others. */
  of(text: string): string | undefined;
  /** Others than before, from now on. */
  renew(): void;
};

function createNames(): Names {
  const seen = new Map<string, number | string>();
  let made = 0;
  let most = NAMED;
  return {
    of(text) {
      const known = seen.get(text) ?? 0;
      if (typeof known === 'string') return known;
      if (seen.size >= REMEMBERED) for (const [each, times] of seen) if (typeof times === 'number') seen.delete(each);
      const name = known + 1 >= OFTEN && made < most ? `often-${++made}` : undefined;
      seen.set(text, name ?? known + 1);
      return name;
    },
    renew() {
      seen.clear();
      most = made + NAMED;
    },
  };
}

/** A newer collector has changed the tables beneath this one, and what was planned no longer fits. */
const OUTDATED_PLAN = '0A000';

type Query = (config: pg.QueryConfig) => Promise<pg.QueryResult>;

/**
 * A statement that was given up is still under way at the server, and its connection would go back to the pool as if it were free: the next one would
 * wait behind it, or be written into a transaction whose `begin` was given up and which nobody ends, so that what was answered would be lost.
 * After anything that the server itself has not answered, the connection ends.
 */
function endUnanswered(client: pg.PoolClient): void {
  const query = client.query.bind(client) as Query;
  const ending = async (config: pg.QueryConfig) => {
    try {
      return await query(config);
    } catch (error) {
      // The pool's type hides it. Cuts the socket where a statement is under way; the pool then takes no such client back.
      if (!(error instanceof pg.DatabaseError)) void (client as pg.PoolClient & pg.Client).end();
      throw error;
    }
  };
  client.query = ending as typeof client.query;
}

/** Kysely gives texts and values; what parses and plans a text each time costs as much as running it. */
function planOnce(client: pg.PoolClient, names: Names): void {
  const query = client.query.bind(client) as Query;
  const named = async (text: string, values: unknown[]) => {
    const name = values.length > 0 ? names.of(text) : undefined;
    if (name === undefined) return query({ text, values });
    try {
      return await query({ name, text, values });
    } catch (error) {
      if ((error as { code?: unknown }).code === OUTDATED_PLAN) names.renew();
      throw error;
    }
  };
  client.query = named as typeof client.query;
}

function openEmbedded(folder: string | null, template: Blob | undefined): Opened {
  if (folder !== null) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const from = { ...(folder === null ? {} : { dataDir: folder }), ...(template ? { loadDataDir: template } : {}) };
  const pglite = new PGlite({ ...from, parsers: { [INT8]: asNumber, [DATE]: asText } });
  const db = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
  return {
    db,
    engine: 'pglite',
    async ping() {
      await sql`select 1`.execute(db);
    },
    async close() {
      await db.destroy();
      if (!pglite.closed) await pglite.close();
    },
  };
}

async function migrate(db: Database, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const applied = await appliedMigrations(db);
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    const known = Object.keys(migrations).sort().at(-1);
    throw new CollectorDatabaseError(
      'newer',
      `The database has the schema ${unknown.sort().at(-1)}, and this collector knows schemas up to ${known}: start the newer collector again, or restore the backup from before it.`,
    );
  }
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw new CollectorDatabaseError(
      'migration',
      'The database could not be brought up to date, and nothing of the attempt was kept; free its disk or ask who changed its tables, then start again.',
      error,
    );
  }
}

async function appliedMigrations(db: Database): Promise<string[]> {
  try {
    const { rows: tables } = await sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`.execute(db);
    if (!tables[0]?.found) return [];
    const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
    return rows.map(({ name }) => name);
  } catch (error) {
    throw new CollectorDatabaseError(
      'unreachable',
      'The database does not answer; see that it runs, that DATABASE_URL names it, and that its account may use it.',
      error,
    );
  }
}
