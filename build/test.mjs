/**
 * `npm test`: makes ready what the tests start, runs them all, and ends with `N passed, N failed, N skipped`.
 *
 * Arguments go to vitest (`npm test -- tray`). What the machine lacks is named with the line that installs it, and what was skipped for it is
 * counted; with MUSTER_REQUIRE=all it fails. The packed application is made by the test that needs it, so that a filtered run doesn't wait for it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { CAPABILITIES, missingCapabilities, onPath } from './capabilities.mjs';
import { runInPlace } from './child.mjs';
import { ensureElectron } from './electron-runtime.mjs';
import { ensureWindowsNode } from './windows-node.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
let failed = 0;
let passed = 0;
let skipped = 0;

/** What can't be made ready is a failure of its own, and the other tests still run. @param {string} what @param {() => Promise<unknown>} step */
async function attempt(what, step) {
  try {
    await step();
  } catch (error) {
    console.error(`${what}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  return true;
}

// A runtime that can't be had is a missing capability (`electron`), counted below.
await attempt('Electron', () => ensureElectron(root, console.log));
// Only where there is a Wine to run it.
if (onPath('wine')) await attempt('Windows’ Node', () => ensureWindowsNode(root, console.log));
if (!(await attempt('Bundling', () => bundle()))) failed++;

const missing = missingCapabilities();
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-test-'));
const report = path.join(work, 'report.json');
const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)];
const code = await runInPlace(process.execPath, [path.join(root, 'node_modules', 'vitest', 'vitest.mjs'), ...vitest], {
  cwd: root,
  env: { ...process.env, MUSTER_MISSING: missing.join(',') },
});

/** @type {Map<string, number>} */
const skippedFor = new Map();
try {
  /** @type {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const { testResults } = JSON.parse(fs.readFileSync(report, 'utf8'));
  for (const file of testResults) {
    // A file that could not even be loaded holds no test that could fail.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')) failed++;
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') passed++;
      else if (status === 'failed') failed++;
      else skipped++;
      if (status === 'passed' || status === 'failed') continue;
      for (const [, ids = ''] of fullName.matchAll(/\[needs ([^\]]+)\]/g)) {
        for (const id of ids.split(', ')) skippedFor.set(id, (skippedFor.get(id) ?? 0) + 1);
      }
    }
  }
} catch {
  console.error('vitest left no report, so nothing was counted; its own lines above say why.');
}
// An error outside of any test (a rejection nobody handled) fails the run too.
if (code !== 0 && failed === 0) failed++;
fs.rmSync(work, { recursive: true, force: true });

const required = process.env['MUSTER_REQUIRE'] === 'all';
if (missing.length > 0) console.log('\nThis machine lacks:');
for (const id of missing) {
  const { purpose, install } = CAPABILITIES[id];
  const count = skippedFor.get(id) ?? 0;
  console.log(`  ${id} (${purpose}), skipping ${count} ${count === 1 ? 'test' : 'tests'}: ${install}`);
  if (required) failed++;
}
if (required && missing.length > 0) console.log('MUSTER_REQUIRE=all is set, so each of these is a failure.');

console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
