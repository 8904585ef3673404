/**
 * The catalog's command: `check` (the default) checks and counts, `new` asks for what an entry needs, `schema` writes the editors' schemas, `stale` says
 * which exceptions are past their date and which identifiers wait for a source.
 */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { CHECKS } from './check.ts';
import { type Count, counts } from './counts.ts';
import { readCatalogFiles } from './files.ts';
import { ask as askForEntry } from './new-entry.ts';
import { checkCatalog, staleExceptions, subjectOf } from './run-checks.ts';
import { Client, Entry, Family, Innocents, Publishers } from './schema.ts';

const FOLDER = import.meta.dirname;

/** The JSON Schemas that entries, families, clients and innocents name in `$schema`, by file name. */
export function editorSchemas(): Readonly<Record<string, unknown>> {
  return {
    'schema.json': z.toJSONSchema(Entry),
    'family.schema.json': z.toJSONSchema(Family),
    'client.schema.json': z.toJSONSchema(Client),
    'innocents.schema.json': z.toJSONSchema(Innocents),
    'publishers.schema.json': z.toJSONSchema(Publishers),
  };
}

const WIDTH = 140;

/** One JSON file as the formatter writes it: a list of plain values stands on one line where it fits, everything else on its own lines. */
function json(value: unknown, indent = '', key = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const plain = value.every((item) => item === null || typeof item !== 'object');
    const line = `${key}[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
    // The comma that may follow belongs to the line.
    if (value.length === 0 || (plain && indent.length + line.length + 1 <= WIDTH)) return line;
    return `${key}[\n${value.map((item) => inner + json(item, inner)).join(',\n')}\n${indent}]`;
  }
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    if (fields.length === 0) return `${key}{}`;
    return `${key}{\n${fields.map(([name, field]) => inner + json(field, inner, `${JSON.stringify(name)}: `)).join(',\n')}\n${indent}}`;
  }
  return key + JSON.stringify(value);
}

function check(): number {
  const files = readCatalogFiles(FOLDER);
  const found = checkCatalog(files);
  for (const finding of found) console.error(`${finding.check}: ${finding.message}`);
  for (const line of table(counts(subjectOf(files)))) console.log(line);
  console.log(
    found.length === 0
      ? `The catalog holds: ${files.entries.length} tools, ${CHECKS.length} checks.`
      : `The catalog does not hold: ${found.length} findings.`,
  );
  return found.length === 0 ? 0 : 1;
}

/** One line a figure, the figures below each other. */
function table(figures: readonly Count[]): string[] {
  const width = Math.max(...figures.map(({ is }) => String(is).length));
  return figures.map(({ what, is, least }) => `${String(is).padStart(width)}  ${what}${least === undefined ? '' : ` (at least ${least})`}`);
}

function writeSchemas(): number {
  for (const [name, schema] of Object.entries(editorSchemas())) writeFileSync(path.join(FOLDER, name), `${json(schema)}\n`);
  return 0;
}

function stale(): number {
  const files = readCatalogFiles(FOLDER);
  const lines = staleExceptions(files, new Date());
  for (const line of lines) console.log(line);
  if (lines.length === 0) console.log('No exception is past its date.');
  const doubtful = subjectOf(files).entries.flatMap(({ id, detect }) => (detect.unverified ?? []).map((label) => `${id}: ${label}`));
  if (doubtful.length > 0) console.log(`${doubtful.length} identifiers wait for a source, and make no row until then:`);
  for (const line of doubtful) console.log(line);
  return 0;
}

/** Asks on the terminal, refuses what the schema refuses, and writes the entry with an example of each kind. */
async function add(): Promise<number> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Lines are taken as they come, so that answers may be piped in as well as typed.
  const lines = terminal[Symbol.asyncIterator]();
  const answer = async (question: string): Promise<string> => {
    process.stderr.write(`${question}: `);
    const { value, done } = await lines.next();
    return done ? '' : value.trim();
  };
  try {
    const id = await answer('id, lower-case words with hyphens');
    const file = path.join(FOLDER, 'entries', `${id}.json`);
    if (existsSync(file)) {
      console.error(`native-catalog/entries/${id}.json is there already; edit it.`);
      return 1;
    }
    const entry = await askForEntry(id, answer);
    const result = Entry.safeParse(entry);
    if (!result.success) {
      for (const issue of result.error.issues) console.error(`${issue.path.map(String).join('.')}: ${issue.message}`);
      return 1;
    }
    writeFileSync(file, `${json(entry)}\n`);
    console.log(`Wrote native-catalog/entries/${id}.json; add what you have seen it run as to its examples, then run npm run catalog.`);
    return 0;
  } finally {
    terminal.close();
  }
}

/** Runs one verb. @returns the exit code: 0 done, 1 findings or an answer that the schema refuses, 2 no such verb. */
async function main(verb = 'check'): Promise<number> {
  switch (verb) {
    case 'check':
      return check();
    case 'schema':
      return writeSchemas();
    case 'stale':
      return stale();
    case 'new':
      return add();
    default:
      console.error(`There is no verb ${verb}; use check, new, schema or stale.`);
      return 2;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv[2]);
