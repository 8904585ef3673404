/** `npm run collector` as a process: what it prints, how it ends, and what it says when it can't start. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inFolder } from './embedded.ts';
import { simulatedDevice } from './simulated-device.ts';

const main = fileURLToPath(new URL('../../collector/main.ts', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'muster-collector-'));
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: string[]) {
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    said.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    said.err += String(chunk);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return { child, said, ended };
}

async function listening(...args: string[]) {
  const process = start('--port', '0', '--data', folder, '--tenant', 'acme', ...args);
  await expect.poll(() => `${process.said.out}${process.said.err}`, { timeout: 60_000 }).toMatch(/listens at|"event":"collector.stopped"/);
  const url = /listens at (\S+)/.exec(process.said.out)?.[1] ?? '';
  return { ...process, url };
}

describe('the collector as a process', () => {
  beforeAll(async () => {
    mkdirSync(path.join(folder, 'database'), { recursive: true });
    await inFolder(path.join(folder, 'database'));
  }, 60_000);

  it('prints what its first start made once, serves, ends in order, and has kept everything when it starts again', async () => {
    const first = await listening();
    await expect.poll(() => first.said.out).toMatch(/enrolment secret: mse_\S+\n/);
    const secret = /enrolment secret: (\S+)/.exec(first.said.out)?.[1] ?? '';
    expect(first.said.out).toMatch(/owner token: +mst_/);
    expect(first.said.err).not.toMatch(/mst_|mse_/);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const device = simulatedDevice(first.url);
    const enrolled = await device.enroll(secret);
    expect(enrolled.json).toMatchObject({ state: 'active', tenant: 'acme' });
    // The signer that was started beside it has said by which keys to trust.
    expect(enrolled.json['rootKeys']).toHaveLength(1);
    expect((await device.checkIn()).json['trust']).toMatchObject({ keySet: expect.stringMatching(/^ey/) });

    const second = start('--port', '0', '--data', folder);
    expect(await second.ended).toBe(4);
    expect(second.said.err).toMatch(/in use by the collector with the process id \d+/);

    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const again = await listening();
    expect(again.said.out).not.toMatch(/mst_|mse_/);
    again.child.kill('SIGTERM');
    expect(await again.ended).toBe(0);
  }, 120_000);

  it('says how it is used', async () => {
    const wrong = [start('--port', 'x'), start('--nonsense'), start('--trust-proxy', '10.0.0.0/33'), start('--data', '')];
    for (const { ended } of wrong) expect(await ended).toBe(2);
    for (const { said } of wrong) expect(said.err).toMatch(/^\S.*\.\ncollector \[--port P\]/);
    const file = path.join(folder, 'a-file');
    writeFileSync(file, '');
    const unusable = start('--port', '0', '--data', file);
    expect(await unusable.ended).toBe(4);
    expect(unusable.said.err).toBe(
      `The folder ${file} can’t be used (EEXIST); give it to this account, or name another one with --data.\n`,
    );
    const help = start('--help');
    expect(await help.ended).toBe(0);
    expect(help.said.out).toMatch(/--signer/);
  });
});
