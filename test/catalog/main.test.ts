/** The catalog's command, run as a person runs it: in a copy of the catalog, with answers on its standard input. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
let copy = '';

beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'muster-catalog-'));
  for (const folder of ['native-catalog', 'agent/observe', 'electron']) {
    mkdirSync(path.join(copy, folder), { recursive: true });
    cpSync(path.join(REPOSITORY, folder), path.join(copy, folder), { recursive: true });
  }
  cpSync(path.join(REPOSITORY, 'package.json'), path.join(copy, 'package.json'));
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
});
afterEach(() => {
  for (const id of ['thing', 'thing-too']) rmSync(path.join(copy, `native-catalog/entries/${id}.json`), { force: true });
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function run(args: string[], answers: string[] = []) {
  const input = answers.map((line) => `${line}\n`).join('');
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(copy, 'native-catalog/main.ts'), ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const answers = [
  ...['thing', '', 'Thing', 'Things Ltd', 'coding-cli', 'cli'],
  ...['@things/thing', '', '', '', '', 'thing', 'AppData/Local/Programs/Thing', '', '', '', '', 'its manual'],
];

it('writes a new entry from answers, and the catalog still holds', () => {
  expect(run(['new'], answers)).toMatchObject({ status: 0, stdout: expect.stringContaining('Wrote native-catalog/entries/thing.json') });
  expect(JSON.parse(readFileSync(path.join(copy, 'native-catalog/entries/thing.json'), 'utf8'))).toEqual({
    $schema: '../schema.json',
    id: 'thing',
    family: null,
    name: 'Thing',
    vendor: 'Things Ltd',
    category: 'coding-cli',
    surface: 'cli',
    detect: { packages: { npm: ['@things/thing'] }, commonBinaries: ['thing'], paths: ['AppData/Local/Programs/Thing'] },
    examples: [
      { package: { manager: 'npm', name: '@things/thing' } },
      { platform: 'win32', process: { exe: 'C:\\Users\\ada\\AppData\\Local\\Programs\\Thing\\program.exe' } },
    ],
    sources: ['its manual'],
  });
  const { status, stdout } = run([]);
  expect(status).toBe(0);
  for (const line of [
    /^ *\d+ {2}tools \(at least 400\)$/m,
    /^ *\d+ {2}IDE extensions \(at least 80\)$/m,
    /^ *\d+ {2}surface cli$/m,
    /^The catalog holds: \d+ tools, \d+ checks\.$/m,
  ])
    expect(stdout).toMatch(line);
  expect(run(['new'], answers)).toMatchObject({ status: 1, stderr: expect.stringContaining('thing.json is there already; edit it.') });
});

it('asks of an extension what one has, and the catalog still holds', () => {
  const extension = (id: string, surface: string, rest: string[]) => [
    id,
    '',
    id,
    'Things Ltd',
    surface,
    surface,
    ...rest,
    '',
    'its manual',
  ];
  const editor = extension('thing', 'ide-extension', ['things.thing', 'com.things.thing', '', 'thing.nvim', '', '']);
  const browser = extension('thing-too', 'browser-extension', ['abcdefghijklmnopabcdefghijklmnop', 'thing@things.example']);
  expect(run(['new'], editor)).toMatchObject({ status: 0 });
  expect(run(['new'], browser)).toMatchObject({ status: 0 });
  expect(run([])).toMatchObject({ status: 0, stderr: '' });
});

it('writes files as the formatter would', () => {
  const name = 'native-catalog/innocents.schema.json';
  const before = readFileSync(path.join(copy, name), 'utf8');
  expect(run(['schema'])).toMatchObject({ status: 0 });
  expect(readFileSync(path.join(copy, name), 'utf8')).toBe(before);
});

it('says which identifiers wait for a source', () => {
  expect(run(['stale']).stdout).toMatch(/^\d+ identifiers wait for a source, and make no row until then:\n\S+: \S+:/m);
});

it('refuses answers that the schema refuses, and writes nothing', () => {
  const { status, stderr } = run(['new'], answers.with(4, 'toy'));
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('category: Invalid option') });
  expect(existsSync(path.join(copy, 'native-catalog/entries/thing.json'))).toBe(false);
});

it('says which verbs there are', () => {
  expect(run(['dance'])).toEqual({ status: 2, stdout: '', stderr: 'There is no verb dance; use check, new, schema or stale.\n' });
});
