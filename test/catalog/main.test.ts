/** The catalog's command, run as a person runs it: in a copy of the catalog, with answers on its standard input. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const REPOSITORY = path.resolve(import.meta.dirname, '../..');
let copy = '';

beforeEach(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'muster-catalog-'));
  for (const folder of ['native-catalog', 'agent/observe', 'electron']) {
    mkdirSync(path.join(copy, folder), { recursive: true });
    cpSync(path.join(REPOSITORY, folder), path.join(copy, folder), { recursive: true });
  }
  cpSync(path.join(REPOSITORY, 'package.json'), path.join(copy, 'package.json'));
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function run(args: string[], answers: string[] = []) {
  const input = answers.map((line) => `${line}\n`).join('');
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(copy, 'native-catalog/main.ts'), ...args], {
    input,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const answers = ['thing', '', 'Thing', 'Things Ltd', 'coding-cli', 'cli', '@things/thing', '', '', '', 'thing', '', 'its manual'];

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
    detect: { packages: { npm: ['@things/thing'] }, commonBinaries: ['thing'] },
    examples: [{ package: { manager: 'npm', name: '@things/thing' } }],
    sources: ['its manual'],
  });
  expect(run([])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^The catalog holds: \d+ tools/) });
  expect(run(['new'], answers)).toMatchObject({ status: 1, stderr: expect.stringContaining('thing.json is there already; edit it.') });
});

it('refuses answers that the schema refuses, and writes nothing', () => {
  const { status, stderr } = run(['new'], answers.with(4, 'toy'));
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('category: Invalid option') });
  expect(run([])).toMatchObject({ status: 0 });
});

it('says which verbs there are', () => {
  expect(run(['dance'])).toEqual({ status: 2, stdout: '', stderr: 'There is no verb dance; use check, new, schema or stale.\n' });
});
