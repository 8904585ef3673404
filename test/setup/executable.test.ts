/** The single executable, made for real: it needs nothing of the repository, no display, and obeys no NODE_OPTIONS. */
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCatalog } from '../../agent/assets.ts';
import { executable, OPTIONS } from '../../build/executable.mjs';

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'muster-executable-'));
const home = path.join(work, 'home');
let program = '';

beforeAll(async () => {
  const made = await executable({ out: path.join(work, 'dist') });
  // Moved away from where it was made: nothing beside it but what ships with it.
  fs.renameSync(path.dirname(made), path.join(work, 'elsewhere'));
  program = path.join(work, 'elsewhere', path.basename(made));
  fs.mkdirSync(home);
}, 120_000);
afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

/** Runs it in an environment that has nothing but a home and an attempt to get in. */
function muster(...args: string[]) {
  const env = { HOME: home, NODE_OPTIONS: '--require /nope.cjs --inspect-brk', NODE_PATH: '/nope', PATH: '/usr/bin:/bin' };
  return promisify(execFile)(program, [...args, '--data', path.join(work, 'data')], { env, cwd: '/' });
}

it('scans, keeps what it saw, and shows it again', async () => {
  const tool = path.join(home, '.claude.json');
  fs.writeFileSync(
    tool,
    JSON.stringify({ mcpServers: { files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem'] } } }),
  );
  const scan = JSON.parse((await muster('scan', '--json', '--home', home)).stdout);
  expect(scan.schema).toBe('muster.inventory/1');
  expect(scan.mcpServers.map((server: { name: string }) => server.name)).toEqual(['files']);
  const status = JSON.parse((await muster('status', '--json', '--home', home)).stdout);
  expect(status.mcpServers.map((server: { name: string }) => server.name)).toEqual(['files']);
});

it('carries the whole catalog', async () => {
  const doctor = await muster('doctor').catch((error: { stdout: string }) => error);
  expect(doctor.stdout).toContain(`${readCatalog().entries.length} tools are known`);
});

it('names the native part that is missing beside it, instead of crashing', async () => {
  const part = path.join(path.dirname(program), 'better_sqlite3.node');
  fs.renameSync(part, `${part}.away`);
  try {
    const failure = await muster('scan').then(
      () => null,
      (error: { code: number; signal: string | null; stderr: string }) => error,
    );
    expect(failure).toMatchObject({ signal: null });
    expect(failure?.code).toBeGreaterThan(0);
    expect(failure?.stderr).not.toBe('');
  } finally {
    fs.renameSync(`${part}.away`, part);
  }
});

it('starts with options under which V8 takes code that was stored without them, as Node’s own is', () => {
  const text = JSON.stringify('(function () { return 1; })()');
  const store = `process.stdout.write(new (require('node:vm').Script)(${text}).createCachedData().toString('base64'))`;
  const stored = execFileSync(process.execPath, ['-e', store], { encoding: 'utf8' });
  const take = `console.log(new (require('node:vm').Script)(${text}, { cachedData: Buffer.from(process.argv[1], 'base64') }).cachedDataRejected)`;
  const isRejected = (...options: string[]) =>
    execFileSync(process.execPath, [...options, '-e', take, stored], { encoding: 'utf8' }).trim() === 'true';
  expect(isRejected(...OPTIONS)).toBe(false);
  expect(isRejected('--initial-old-space-size=64')).toBe(true);
});
