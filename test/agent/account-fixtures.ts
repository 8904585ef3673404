/** Puts account files as the vendors write them into a home, with tokens and names of people planted, for every probe of the catalog. */
import fs from 'node:fs';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import type { ProbedTool } from '../../agent/observe/accounts.ts';
import type { Os } from '../../agent/observe/os.ts';
import { resolvePlace } from '../../agent/observe/paths.ts';
import type { Catalog } from '../../native-catalog/catalog.ts';
import type { Planting } from './planting.ts';

const folder = path.join(import.meta.dirname, '../fixtures/accounts');

export type Kind = 'personal' | 'company';
/** `codex`, or `devin-desktop.1` for the second probe of an entry. */
export type Probed = ProbedTool & { readonly name: string };

export function probesOf(catalog: Catalog): Probed[] {
  return [...catalog.entries.values()].flatMap(({ id, family, accounts }) =>
    (accounts ?? []).map((probe, index) => ({
      ...{ name: index === 0 ? id : `${id}.${index}`, tool: id, probe },
      family: family === null ? null : (catalog.families.get(family) ?? null),
    })),
  );
}

/** Null where the vendor writes no such file for that kind of account. */
export function fixture(name: string, kind: Kind): unknown {
  const file = path.join(folder, `${name}.${kind}.json`);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : null;
}

/** Writes one probe's file; answers with its path, or null where there is none on this platform or of this kind. */
export function plantAccount(os: Os, home: string, { name, probe }: Probed, kind: Kind, planting: Planting): string | null {
  const value = fixture(name, kind);
  const file = resolvePlace(probe.path[os.platform] ?? '', os, home);
  if (value === null || file === null) return null;
  let count = 0;
  const text = (given: string) =>
    given.replace(/@@(token|key|person)/g, (_whole, what: string) =>
      planting.secret(`${name} ${kind} ${what} ${count++}`, (random) => (what === 'key' ? `sk-proj-${random}` : random)),
    );
  writeFile(file, filled(value, text));
  return file;
}

function filled(value: unknown, text: (given: string) => string): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map((one) => filled(one, text));
  if (typeof value !== 'object' || value === null) return value;
  const map = Object.fromEntries(Object.entries(value).map(([key, one]) => [text(key), filled(one, text)]));
  return '@@jwt' in map ? jwt(map['@@jwt'], text('@@token')) : map;
}

export function jwt(claims: unknown, signature: string): string {
  const part = (one: unknown) => Buffer.from(typeof one === 'string' ? one : JSON.stringify(one)).toString('base64url');
  return [part({ alg: 'RS256', typ: 'JWT' }), part(claims), part(signature)].join('.');
}

/** A map of rows becomes the SQLite file that editors keep. */
export function writeFile(file: string, value: unknown): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (typeof value !== 'object' || value === null || !('@@rows' in value)) {
    fs.writeFileSync(file, JSON.stringify(value, null, 2), { mode: 0o600 });
    return;
  }
  const database = new Sqlite(file);
  database.exec('CREATE TABLE IF NOT EXISTS ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
  const put = database.prepare('INSERT INTO ItemTable VALUES (?, ?)');
  for (const [key, row] of Object.entries(value['@@rows'] as Record<string, unknown>)) put.run(key, cell(row));
  database.close();
}

function cell(row: unknown): string | Buffer {
  if (typeof row === 'string') return row;
  const wide = (row as Record<string, unknown>)['@@utf16'];
  return wide === undefined ? JSON.stringify(row) : Buffer.from(JSON.stringify(wide), 'utf16le');
}
