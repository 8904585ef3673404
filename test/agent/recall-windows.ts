/**
 * The recall test's program for a Windows that may be written all over, such as a fresh prefix of Wine: plants every place where it really is, looks, and
 * writes what it found into a file. Bundled and started by recall-wine.test.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { realOs } from '../../agent/observe/os.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { found, plant, readRows } from './mcp-planted.ts';

const [, , folder = ''] = process.argv;
const os = realOs();
const home = os.user.home ?? '';
const computer = { home, project: path.join(folder, 'shop'), moved: os.env['CLAUDE_CONFIG_DIR'] ?? '', system: path.normalize };
for (const made of [home, computer.project]) mkdirSync(made, { recursive: true });
const rows = readRows(readFileSync(path.join(folder, 'mcp-places.tsv'), 'utf8')).filter((row) => row.os === os.platform);
const { planted, files } = plant(rows, computer);
const catalog = parseCatalog(JSON.parse(readFileSync(path.join(folder, 'catalog.json'), 'utf8')), [], { trusted: true });
const seen = new Set(found(os, home, catalog).map(({ name, file }) => `${name} ${file}`.toLowerCase()));
const missed = planted.filter(({ name, file }) => !seen.has(`${name} ${path.normalize(file)}`.toLowerCase()));
const result = {
  platform: os.platform,
  planted: planted.length,
  files,
  missed: missed.map(({ row, file }) => `${row.client}: ${file} at ${row.keys}`),
};
writeFileSync(path.join(folder, 'result.json'), JSON.stringify(result));
