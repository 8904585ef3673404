/** What each npm script does: makes node_modules ready, then starts the job's own file on the repository's Node 24. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInPlace } from './child.mjs';
import { ensurePackages, ownNode } from './packages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** @type {Record<string, string[]>} the file that Node 24 runs for each job, and its first arguments */
const JOBS = {
  start: ['build/start.mjs'],
  test: ['build/test.mjs'],
  check: ['build/check.mjs'],
  bench: ['test/bench/main.ts'],
  dist: ['build/dist.mjs'],
  catalog: ['native-catalog/main.ts'],
  muster: ['agent/cli.ts'],
  collector: ['collector/main.ts'],
  admin: ['collector/admin/main.ts'],
  fleet: ['collector/load/main.ts'],
  demo: ['collector/demo.ts'],
  format: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write'],
};

/** Progress goes to stderr: the standard output of `muster … --json` belongs to whoever reads it. @param {string} line */
function say(line) {
  process.stderr.write(`muster set-up: ${line}\n`);
}

/**
 * Runs a job and sets this process's exit code to the job's.
 * @param {string[]} args the job's name and its arguments
 */
export async function main([job, ...args]) {
  const file = JOBS[job ?? ''];
  if (!file) {
    say(`there is no job ${JSON.stringify(job ?? '')}; the jobs are ${Object.keys(JOBS).join(', ')}.`);
    process.exitCode = 2;
    return;
  }
  try {
    await ensurePackages(root, say);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    return;
  }
  // These are somebody's command in their own folder; the other jobs are the repository's.
  const cwd = job === 'muster' || job === 'admin' || job === 'collector' ? process.cwd() : root;
  const [entry = '', ...first] = file;
  try {
    process.exitCode = await runInPlace(ownNode(root), [path.join(root, entry), ...first, ...args], { cwd });
  } catch (error) {
    say(
      `the repository's Node could not be started (${/** @type {Error} */ (error).message}); remove node_modules and run the same command again.`,
    );
    process.exitCode = 1;
  }
}
