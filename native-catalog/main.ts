/** The catalog's command: `check` (the default), `new` asks for what an entry needs, `schema` writes the editors' schemas, `stale` reports. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { z } from 'zod';
import { CHECKS } from './check.ts';
import { readCatalogFiles } from './files.ts';
import { checkCatalog, staleExceptions } from './run-checks.ts';
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

/** One JSON file in the repository's form, as far as the formatter does not shorten it further. */
function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function check(): number {
  const files = readCatalogFiles(FOLDER);
  const found = checkCatalog(files);
  for (const finding of found) console.error(`${finding.check}: ${finding.message}`);
  const tools = `${files.entries.length} tools, ${files.families.length} families, ${files.clients.length} MCP clients that are no tool`;
  console.log(found.length === 0 ? `The catalog holds: ${tools}, ${CHECKS.length} checks.` : `${found.length} findings in ${tools}.`);
  return found.length === 0 ? 0 : 1;
}

function writeSchemas(): number {
  for (const [name, schema] of Object.entries(editorSchemas())) writeFileSync(path.join(FOLDER, name), json(schema));
  return 0;
}

function stale(): number {
  const lines = staleExceptions(readCatalogFiles(FOLDER), new Date());
  for (const line of lines) console.log(line);
  if (lines.length === 0) console.log('No exception is past its date.');
  return 0;
}

/** Asks on the terminal, refuses what the schema refuses, and writes the entry with one example to complete. */
async function add(): Promise<number> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Lines are taken as they come, so that answers may be piped in as well as typed.
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string> => {
    process.stderr.write(`${question}: `);
    const { value, done } = await lines.next();
    return done ? '' : value.trim();
  };
  const many = async (question: string) =>
    (await ask(`${question} (with commas, or nothing)`))
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean);
  const listed = <T extends string>(name: T, list: readonly string[]) =>
    list.length > 0 ? ({ [name]: list } as Record<T, readonly string[]>) : {};
  try {
    const id = await ask('id, lower-case words with hyphens');
    const file = path.join(FOLDER, 'entries', `${id}.json`);
    if (existsSync(file)) {
      console.error(`native-catalog/entries/${id}.json is there already; edit it.`);
      return 1;
    }
    const family = (await ask('family, or nothing')) || null;
    const name = await ask('name');
    const vendor = await ask('vendor');
    const category = await ask(`category (${Entry.shape.category.options.join(', ')})`);
    const surface = await ask(`surface (${Entry.shape.surface.options.join(', ')})`);
    const npm = await many('npm packages');
    const pypi = await many('PyPI packages');
    const cask = await many('Homebrew casks');
    const binaries = await many('binaries whose name tells enough alone');
    const commonBinaries = await many('binaries whose name others have too');
    const darwin = await many('macOS bundle identifiers');
    const packages = { ...listed('npm', npm), ...listed('pypi', pypi), ...listed('cask', cask) };
    const [manager, first] = (Object.entries(packages)[0] ?? []) as [string?, (readonly string[])?];
    const example =
      manager && first
        ? { package: { manager, name: first[0] } }
        : darwin[0]
          ? { platform: 'darwin', app: { appId: darwin[0] } }
          : { binary: { path: `/usr/local/bin/${binaries[0] ?? ''}` } };
    const entry = {
      $schema: '../schema.json',
      id,
      family,
      name,
      vendor,
      category,
      surface,
      detect: {
        ...(Object.keys(packages).length > 0 ? { packages } : {}),
        ...listed('binaries', binaries),
        ...listed('commonBinaries', commonBinaries),
        ...(darwin.length > 0 ? { apps: { darwin } } : {}),
      },
      examples: [example],
      sources: await many('sources: where these facts can be looked up'),
    };
    const result = Entry.safeParse(entry);
    if (!result.success) {
      for (const issue of result.error.issues) console.error(`${issue.path.map(String).join('.')}: ${issue.message}`);
      return 1;
    }
    writeFileSync(file, json(entry));
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
