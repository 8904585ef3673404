/** One row of another program's database: read while that program has it open, in each way of keeping changes, and nothing left beside it. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import { readStateRow } from '../../agent/observe/state-db.ts';

const scratch = fs.mkdtempSync(path.join(tmpdir(), 'muster-state-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
const row = { table: 'ItemTable', keyColumn: 'key', key: 'history.recentlyOpenedPathsList', valueColumn: 'value' };
let count = 0;

/** As VS Code and its descendants keep it, with a conversation in another row. */
function editor(mode: 'DELETE' | 'WAL') {
  const file = path.join(fs.mkdtempSync(path.join(scratch, 'user-')), 'state.vscdb');
  const database = new Sqlite(file);
  database.pragma(`journal_mode = ${mode}`);
  database.exec('CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
  const put = database.prepare('INSERT INTO ItemTable VALUES (?, ?)');
  put.run('chat', 'x'.repeat(4096 * 200));
  put.run(row.key, '{"entries":[]}');
  return { file, database, put };
}
const beside = (file: string) => fs.readdirSync(path.dirname(file)).sort();
const read = (file: string) => {
  const found = readStateRow(file, row);
  return found.state === 'read' ? found.value.toString() : found.state;
};

describe.each(['DELETE', 'WAL'] as const)('a database that keeps its changes by %s', (mode) => {
  it('is read while its program has it open, and after that', () => {
    const { file, database, put } = editor(mode);
    const open = beside(file);
    expect(read(file)).toBe('{"entries":[]}');
    put.run(row.key, '{"entries":[1]}');
    expect(read(file)).toBe('{"entries":[1]}');
    expect(beside(file)).toEqual(open);
    database.close();
    expect(read(file)).toBe('{"entries":[1]}');
    expect(beside(file)).toEqual(['state.vscdb']);
  });

  it('is left for the next look while it is being written, and never in the writer’s way', () => {
    const { file, database, put } = editor(mode);
    database.exec('BEGIN EXCLUSIVE');
    put.run(row.key, '{"entries":[2]}');
    // Where a log takes the changes, what was there before them can be read; nowhere is the list taken for gone.
    expect(read(file)).toBe(mode === 'WAL' ? '{"entries":[]}' : 'busy');
    database.exec('COMMIT');
    expect(read(file)).toBe('{"entries":[2]}');
    database.close();
  });
});

it('asks nothing of a view, which may compute for ever', () => {
  const { file, database } = editor('DELETE');
  database.exec(`DROP TABLE ItemTable; CREATE VIEW ItemTable AS
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'key' AS key, i AS value FROM n`);
  database.close();
  expect(read(file)).toBe('absent');
});

it('tells a list that can’t be read from one that isn’t there', () => {
  const at = () => {
    const { file, database, put } = editor('DELETE');
    return { file, put, done: () => database.close() };
  };
  const long = at();
  long.put.run(row.key, 'x'.repeat(4 * 1024 * 1024 + 1));
  long.done();
  expect(readStateRow(long.file, row)).toEqual({ state: 'refused', detail: 'what it holds there is more than 4194304 bytes' });
  const left = at();
  left.done();
  fs.writeFileSync(`${left.file}-journal`, 'x'.repeat(600));
  expect(read(left.file)).toBe('busy');
  const broken = at();
  broken.done();
  const bytes = fs.readFileSync(broken.file);
  fs.writeFileSync(broken.file, bytes.fill(0xff, 100, 4096));
  expect(readStateRow(broken.file, row)).toMatchObject({ state: 'refused', detail: expect.stringMatching(/^SQLITE_CORRUPT/) });
  expect(read(path.join(broken.file, 'below'))).toBe('absent');
});

it('takes whatever is no such database for none', () => {
  const at = (content: string | Buffer) => {
    const file = path.join(scratch, `no-${count++}.vscdb`);
    fs.writeFileSync(file, content);
    return file;
  };
  const { file, database } = editor('DELETE');
  database.exec('DROP TABLE ItemTable');
  database.close();
  for (const other of [file, at(''), at('x'.repeat(5000)), at(Buffer.from('SQLite format 3\0')), scratch, path.join(scratch, 'nowhere')]) {
    expect([other, read(other)]).toEqual([other, 'absent']);
  }
});
