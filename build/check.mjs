/** `npm run check`: everything that can be judged without running the product, as one yes or no. All steps run, and the answer is no if one says so. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tsc = 'node_modules/typescript/bin/tsc';
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit'];

/** @type {[name: string, args: string[]][]} */
const STEPS = [
  ['format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings']],
  ['types', [tsc, '-p', '.']],
  ['types of the window', [tsc, '-p', 'renderer']],
  ['types of its tests', [tsc, '-p', 'test/renderer']],
  ['architecture', [...vitest, 'test/architecture.test.ts']],
  ['catalog', ['native-catalog/main.ts']],
  ['catalog tests', [...vitest, 'test/catalog']],
  ['dead code', ['node_modules/knip/bin/knip.js', '--no-progress']],
];

const failures = [];
for (const [name, args] of STEPS) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const good = status === 0;
  console.log(`${good ? 'yes' : 'NO '} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (good) continue;
  failures.push(name);
  console.log(`${stdout}${stderr}`.trimEnd());
}
console.log(failures.length === 0 ? 'check: yes' : `check: no (${failures.join(', ')})`);
process.exitCode = failures.length === 0 ? 0 : 1;
