/** The collector as a process under a swarm: it lives, its memory is bounded, and nothing that was planted in what it got stands in what it wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { BOUNDS } from '../../agent/wire.ts';
import { asks } from './administration.ts';
import { inFolder } from './embedded.ts';
import { rawConnection } from './raw-connection.ts';
import { type SimulatedDevice, simulatedDevice, tool } from './simulated-device.ts';

const main = fileURLToPath(new URL('../../collector/main.ts', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'muster-hostile-'));
const said = { out: '', err: '' };
/** What must be nowhere: a name, an address, a host, a reason, a path, a secret. */
const PLANTED = ['Zacharias', 'zack@pear.example', 'quincunx-laptop', 'merger-with-pear', '~/plumtree', 'sk-planted-0123456789'];
let child: ReturnType<typeof start>;
let url = '';
let secret = '';
let owner = '';

function start() {
  const { DATABASE_URL: _, ...env } = process.env;
  const started = spawn(process.execPath, [main, '--port', '0', '--data', folder, '--tenant', 'acme'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.stdout.on('data', (chunk) => {
    said.out += String(chunk);
  });
  started.stderr.on('data', (chunk) => {
    said.err += String(chunk);
  });
  return started;
}

beforeAll(async () => {
  mkdirSync(path.join(folder, 'database'), { recursive: true });
  await inFolder(path.join(folder, 'database'));
  child = start();
  await vi.waitFor(() => expect(said.out).toMatch(/enrolment secret: mse_\S+\n/), { timeout: 60_000 });
  [url, owner, secret] = [/listens at (\S+)/, /owner token: +(\S+)/, /enrolment secret: (\S+)/].map(
    (what) => what.exec(said.out)?.[1] ?? '',
  ) as [string, string, string];
}, 90_000);
afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const [name, mail, host, reason, place, key] = PLANTED as [string, string, string, string, string, string];
const admin = (method: string, where: string, body?: unknown, token = owner) =>
  fetch(`${url}/api/v1${where}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
/** MiB. */
const resident = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

describe('a collector that is a process', () => {
  it('has what it was given in its tables, and names nobody in its log, its metrics and its refusals', async () => {
    const device = simulatedDevice(url);
    const items = [{ ...tool(`tool-${key}`), places: [{ surface: 'cli' as const, version: key, path: `${place}/x`, present: true }] }];
    expect((await device.enroll(secret, { hostname: host, user: name, person: mail, serial: key })).status).toBe(200);
    expect((await device.full(items)).status).toBe(200);
    await asks(device, items, { itemName: name, reason });
    const refusals: string[] = [];
    const wrong = async (sent: Promise<{ json: unknown }>) => refusals.push(JSON.stringify((await sent).json));
    await wrong(device.checkIn({ agent: { version: name, platform: mail } as never }));
    await wrong(device.checkIn({ [key]: reason, seq: reason } as never));
    await wrong(device.send(new TextEncoder().encode(`{"${key}": ${mail}`)));
    await wrong(device.checkIn({}, { proof: `${key}.${name}.${host}` }));
    await wrong(simulatedDevice(url).enroll(key, { hostname: host, user: name, person: mail }));
    for (const [where, body] of [
      [`/devices?q=${name}`],
      [`/devices?state=${key}`],
      [`/devices/${key}`],
      [`/${reason}`],
      ['/groups', { name, more: key, mail }],
      ['/tokens', { label: name, role: key, person: mail }],
      ['/policy/check', { text: `{"${key}": "${reason}"}` }],
      ['/groups', `${mail}`],
    ] as const) {
      const answer = await admin(body === undefined ? 'GET' : 'POST', where, body);
      if (answer.status >= 400) refusals.push(await answer.text());
    }
    await admin('GET', '/me', undefined, key);
    const one = await rawConnection(url);
    one.write(`GET /${key} HTTP/1.1\r\nHost: ${host}\r\nX-${name}: ${mail}\0\r\n\r\n`);
    refusals.push(JSON.stringify((await one.answer()).json));
    const shown = await (await admin('GET', '/devices')).text();
    expect(shown).toContain(host);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(refusals.length).toBeGreaterThan(8);
    for (const planted of [...PLANTED, device.id, '127.0.0.1', secret, owner])
      for (const [where, text] of Object.entries({ metrics, log: said.err, refusals: refusals.join('\n') }))
        expect([
          where,
          planted,
          text.includes(planted) ? text.slice(Math.max(0, text.indexOf(planted) - 200), text.indexOf(planted) + 50) : '',
        ]).toEqual([where, planted, '']);
    for (const line of said.err.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('event');
  });

  // Only Linux tells of another process in files how much it holds.
  it.skipIf(!existsSync('/proc/self/status'))(
    'holds no more memory however many bombs come, and honest devices are answered beside them',
    async () => {
      const honest = simulatedDevice(url);
      expect((await honest.enroll(secret)).status).toBe(200);
      const swarm = Array.from({ length: 8 }, () => simulatedDevice(url));
      for (const each of swarm) expect((await each.enroll(secret)).status).toBe(200);
      const bombs = [
        { bytes: gzipSync(Buffer.alloc(BOUNDS.unpacked + 1, ' ')), headers: { 'content-encoding': 'gzip' } },
        { bytes: gzipSync(Buffer.from(`[${'[],'.repeat(BOUNDS.unpacked / 3 - 10)}[]]`)), headers: { 'content-encoding': 'gzip' } },
        { bytes: gzipSync(Buffer.from('['.repeat(BOUNDS.unpacked - 10))), headers: { 'content-encoding': 'gzip' } },
        { bytes: Buffer.alloc(BOUNDS.body, 'x'), headers: {} },
      ];
      const before = resident();
      const end = Date.now() + Number(process.env['HOSTILE_SECONDS'] ?? 1) * 1000;
      const statuses = new Set<number>();
      let most = before;
      let thrown = 0;
      const attack = async (device: SimulatedDevice, turn: number) => {
        while (Date.now() < end) {
          const bomb = bombs[turn++ % bombs.length] ?? bombs[0];
          statuses.add((await device.send(new Uint8Array(bomb?.bytes ?? []), { headers: bomb?.headers ?? {} })).status);
          thrown++;
          most = Math.max(most, resident());
        }
      };
      const waits: number[] = [];
      const live = async () => {
        while (Date.now() < end) {
          const began = Date.now();
          expect((await honest.checkIn()).status).toBe(200);
          waits.push(Date.now() - began);
        }
      };
      await Promise.all([...swarm.flatMap((device, index) => [attack(device, index), attack(device, index + 1)]), live()]);
      expect([...statuses].filter((status) => ![400, 413, 422, 429].includes(status))).toEqual([]);
      expect(thrown).toBeGreaterThan(8);
      expect(most - before).toBeLessThan(400);
      expect(waits.length).toBeGreaterThan(0);
      expect(child.exitCode).toBeNull();
    },
  );

  it('ends in order after all that', async () => {
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(said.err).not.toMatch(/"level":"error"/);
  });
});
