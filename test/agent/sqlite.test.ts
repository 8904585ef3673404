/** Opening a real SQLite file in every state a disk may leave it in: each refusal has its code, its place and a remedy, and nothing is lost. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { exitOf } from '../../agent/commands/command.ts';
import { failureOf } from '../../agent/failure.ts';
import { asDatabaseError, type Database, DatabaseError, guarded, openDatabase, withoutNative } from '../../agent/sqlite.ts';
import { needs } from '../capability.ts';

const migrations = readMigrations();
const child = fileURLToPath(new URL('store-child.ts', import.meta.url));
let folder: string;
let file: string;
const opened: Database[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-sqlite-'));
  file = path.join(folder, 'data', 'muster.db');
});
afterEach(() => {
  for (const database of opened.splice(0)) database.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (over: Partial<Parameters<typeof openDatabase>[1]> = {}) => {
  const database = openDatabase(file, { migrations, busyMs: 50, ...over });
  opened.push(database);
  return database;
};
const make = () => {
  const database = openDatabase(file, { migrations });
  database.exec(`INSERT INTO told VALUES ('inventory', '2026-11-22T09:00:00.000Z')`);
  database.close();
};
const refusal = (work: () => unknown): DatabaseError => {
  try {
    work();
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
  throw new Error('was not refused');
};
const beside = () => readdirSync(path.dirname(file)).sort();
const told = (database: Database) => database.prepare('SELECT item FROM told').pluck().all();

describe('a new database', () => {
  it('is for its owner alone, with its log and its folder, whatever the umask', () => {
    const before = process.umask(0);
    try {
      open();
    } finally {
      process.umask(before);
    }
    const modes = [path.dirname(file), file, `${file}-wal`, `${file}-shm`].map((each) => (statSync(each).mode & 0o777).toString(8));
    expect(modes).toEqual(['700', '600', '600', '600']);
  });

  it('has the schema of the last migration and the settings that hold it together', () => {
    const database = open();
    const pragma = (name: string) => database.pragma(name, { simple: true });
    expect(pragma('user_version')).toBe(migrations.at(-1)?.version);
    expect([pragma('journal_mode'), pragma('foreign_keys'), pragma('synchronous'), pragma('busy_timeout')]).toEqual(['wal', 1, 1, 50]);
  });

  it('takes back the rights of others from a file that has them', () => {
    make();
    chmodSync(file, 0o644);
    open();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('migrations', () => {
  const next = { version: migrations.length + 1, name: 'next', sql: 'ALTER TABLE told ADD COLUMN by TEXT;' };

  it('go forward and keep what is there', () => {
    make();
    const database = open({ migrations: [...migrations, next] });
    expect(database.prepare('SELECT item, by FROM told').all()).toEqual([{ item: 'inventory', by: null }]);
    expect(database.pragma('user_version', { simple: true })).toBe(next.version);
  });

  it('happen whole or not at all', () => {
    make();
    const broken = { ...next, sql: `CREATE TABLE half (a); INSERT INTO nowhere VALUES (1);` };
    expect(() => open({ migrations: [...migrations, broken] })).toThrow('no such table: nowhere');
    const database = open();
    expect(told(database)).toEqual(['inventory']);
    expect(database.prepare(`SELECT count(*) FROM sqlite_schema WHERE name = 'half'`).pluck().get()).toBe(0);
  });

  it('happen in memory for who only reads', () => {
    make();
    const before = readFileSync(file);
    const database = open({ migrations: [...migrations, next], readOnly: true });
    expect(database.prepare('SELECT item, by FROM told').all()).toEqual([{ item: 'inventory', by: null }]);
    expect(readFileSync(file)).toEqual(before);
  });

  it.each([false, true])('refuse a newer file by name (read only: %s) and leave it alone', (readOnly) => {
    openDatabase(file, { migrations: [...migrations, next] }).close();
    const before = readFileSync(file);
    const error = refusal(() => open({ readOnly }));
    expect(error).toMatchObject({ code: 'newer', path: file });
    expect(error.message).toBe(
      `The database ${file} has schema version ${next.version}, and this Muster knows versions up to ${migrations.length}: install the newer Muster again, or name another folder with --data.`,
    );
    expect(readFileSync(file)).toEqual(before);
    expect(beside()).toEqual(['muster.db']);
  });
});

describe('who only reads', () => {
  it('creates nothing, and changes nothing', () => {
    make();
    const database = open({ readOnly: true });
    expect(told(database)).toEqual(['inventory']);
    expect(refusal(() => guarded(file, () => database.exec('DELETE FROM told'))).code).toBe('read-only');
    expect(beside()).toEqual(['muster.db']);
  });

  it('sees what another process has written and not yet brought into the file', () => {
    const writer = open();
    writer.exec(`INSERT INTO told VALUES ('cursor', '2026-11-22T09:00:00.000Z')`);
    const there = beside();
    expect(told(open({ readOnly: true }))).toEqual(['cursor']);
    expect(beside()).toEqual(there);
  });

  it('sees what a killed process left in the log, with and without the log’s index', () => {
    spawnSync(process.execPath, [child, 'crash', file]);
    expect(beside()).toEqual(['muster.db', 'muster.db-shm', 'muster.db-wal']);
    expect(told(open({ readOnly: true }))).toEqual(['inventory']);
    opened.pop()?.close();
    rmSync(`${file}-shm`);
    expect(told(open({ readOnly: true }))).toEqual(['inventory']);
    expect(beside()).toEqual(['muster.db', 'muster.db-wal']);
  });

  it('is told that there is nothing yet', () => {
    const error = refusal(() => open({ readOnly: true }));
    expect(error).toMatchObject({ code: 'absent', message: `There is no database at ${file} yet; “muster scan” makes it.` });
    expect(readdirSync(folder)).toEqual([]);
  });
});

it('says which file of the package is missing, and is no bug', () => {
  const { code, message, path: at } = failureOf(withoutNative('/opt/muster/better_sqlite3.node'));
  expect([code, exitOf[code], at]).toEqual(['database', 4, '/opt/muster/better_sqlite3.node']);
  expect(message).toMatch(/^The file \/opt\/muster\/better_sqlite3\.node is missing, .*; install Muster again/);
});

describe('a file that can’t be used', () => {
  it('is locked while another process holds it', async () => {
    make();
    const holder = spawn(process.execPath, [child, 'hold', file], { stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const _ of createInterface(holder.stdout)) break;
    try {
      const began = performance.now();
      const error = refusal(() => open({ busyMs: 20 }));
      expect(error).toMatchObject({
        code: 'locked',
        message: `The database ${file} is in use by another program; end that program (or wait for it) and try again.`,
      });
      expect(performance.now() - began).toBeLessThan(2000);
    } finally {
      holder.stdin.end();
      await new Promise((resolve) => holder.on('exit', resolve));
    }
    expect(told(open())).toEqual(['inventory']);
  });

  it.each([
    ['a damaged header', () => writeFileSync(file, Buffer.alloc(8192, 0x41))],
    [
      'text',
      () => writeFileSync(file, 'not a database, and longer than the one hundred bytes that SQLite reads before it says so: '.repeat(3)),
    ],
    ['a folder in its place', () => mkdirSync(file, { recursive: true })],
  ])('is corrupt: %s', (_, damage) => {
    mkdirSync(path.dirname(file), { recursive: true });
    damage();
    for (const readOnly of [false, true]) {
      const error = refusal(() => open({ readOnly }));
      expect(error.code).toBe('corrupt');
      expect(error.message).toContain(file);
    }
  });

  it('is full: what was stored stays, and writing goes on once there is room', () => {
    const database = open();
    const limit = database.pragma('page_count', { simple: true });
    database.pragma(`max_page_count = ${limit}`);
    const fill = database.prepare('INSERT INTO told VALUES (?, ?)');
    let kept = 0;
    const error = refusal(() =>
      guarded(file, () => {
        for (;;) {
          fill.run(`item-${kept}`, 'x'.repeat(500));
          kept++;
        }
      }),
    );
    expect(error.code).toBe('full');
    expect(told(database)).toHaveLength(kept);
    database.pragma('max_page_count = 100000');
    fill.run('after', 'x');
    expect(told(database)).toHaveLength(kept + 1);
  });

  it('has one sentence for each way in which a disk fails, and none for a bug', () => {
    const sentence = (code: string) =>
      asDatabaseError(Object.assign(new Error('with a secret: hunter2'), { code }), path.join(folder, 'x', 'muster.db'));
    for (const [code, expected] of [
      ['ENOSPC', 'full'],
      ['EDQUOT', 'full'],
      ['SQLITE_IOERR_SHMSIZE', 'full'],
      ['EROFS', 'read-only'],
      ['EACCES', 'permission'],
      ['SQLITE_IOERR_READ', 'io'],
      ['SQLITE_BUSY_SNAPSHOT', 'locked'],
      ['SQLITE_CORRUPT_VTAB', 'corrupt'],
    ] as const) {
      const error = sentence(code) as DatabaseError;
      expect([code, error.code]).toEqual([code, expected]);
      expect(error.message).toMatch(/^The database \/.+muster\.db [^.!]+;.+\.$/);
      expect(error.message).not.toContain('hunter2');
    }
    expect(sentence('SQLITE_CONSTRAINT')).not.toBeInstanceOf(DatabaseError);
  });
});

describe('another account', () => {
  const NOBODY = 65534;
  const root = process.getuid?.() === 0;
  /** Runs the child as an account that modes apply to: as root, `nobody`; otherwise the own one. */
  const asOrdinary = () => {
    const { stdout, stderr } = spawnSync(process.execPath, [child, 'open', file], {
      encoding: 'utf8',
      ...(root ? { uid: NOBODY, gid: NOBODY } : {}),
    });
    if (stderr) throw new Error(stderr);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  };
  const own = (...paths: string[]) => {
    if (root) for (const each of paths) chownSync(each, NOBODY, NOBODY);
  };
  beforeEach(() => chmodSync(folder, 0o755));
  afterEach(() => chmodSync(path.dirname(file), 0o700));

  it('may read but not write a read-only file in a read-only folder', () => {
    make();
    own(file, path.dirname(file));
    chmodSync(file, 0o400);
    chmodSync(path.dirname(file), 0o500);
    const [write, read, names] = asOrdinary();
    expect(write).toEqual({
      code: 'read-only',
      message: `The database ${file} can be read but not written; make it and its folder ${path.dirname(file)} writable, or name another folder with --data.`,
    });
    expect(read).toEqual({ ok: [] });
    expect(names).toEqual(['muster.db']);
  });

  it('is told of a folder that lets no log be made', () => {
    make();
    own(file, path.dirname(file));
    chmodSync(path.dirname(file), 0o500);
    expect(asOrdinary()).toEqual([expect.objectContaining({ code: 'read-only' }), { ok: [] }, ['muster.db']]);
  });

  it('may read through a log that it may not write', () => {
    spawnSync(process.execPath, [child, 'crash', file]);
    const all = [file, `${file}-wal`, `${file}-shm`];
    own(...all, path.dirname(file));
    for (const each of all) chmodSync(each, 0o400);
    chmodSync(path.dirname(file), 0o500);
    expect(asOrdinary()[1]).toEqual({ ok: [] });
  });

  it('is refused a file that it may not read', () => {
    make();
    own(path.dirname(file));
    chmodSync(file, root ? 0o600 : 0o000);
    const sentence = `The database ${file} may not be opened by this account; give the account access to ${path.dirname(file)}, or name another folder with --data.`;
    expect(asOrdinary().slice(0, 2)).toEqual([
      { code: 'permission', message: sentence },
      { code: 'permission', message: sentence },
    ]);
  });

  it('is refused a folder that it may not write', () => {
    mkdirSync(path.dirname(file), { mode: 0o555 });
    own(path.dirname(file));
    chmodSync(path.dirname(file), 0o555);
    expect(asOrdinary()).toEqual([expect.objectContaining({ code: 'permission' }), expect.objectContaining({ code: 'absent' }), []]);
  });
});

describe('a real full disk', () => {
  needs('small-disk').it('loses nothing and says so', () => {
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'none', disk]).status).toBe(0);
    try {
      file = path.join(disk, 'muster.db');
      const database = open();
      const put = database.prepare('INSERT INTO told VALUES (?, ?)');
      let kept = 0;
      const error = refusal(() =>
        guarded(file, () => {
          for (;;) {
            put.run(`item-${kept}`, 'x'.repeat(900));
            kept++;
          }
        }),
      );
      expect(error.message).toBe(
        `The database ${file} can't be written because the disk is full; free some space and try again, nothing that was stored is lost.`,
      );
      opened.pop()?.close();
      copyFileSync(file, path.join(folder, 'copy.db'));
      expect(told(open())).toHaveLength(kept);
      for (const each of opened.splice(0)) each.close();
      expect(spawnSync('mount', ['-o', 'remount,ro', disk], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
      expect(refusal(() => open()).code).toBe('read-only');
      expect(told(open({ readOnly: true }))).toHaveLength(kept);
    } finally {
      for (const each of opened.splice(0)) each.close();
      spawnSync('umount', [disk]);
    }
  });
});
