/** Crashes under load: whatever was acknowledged stays, and whatever was not is sent again until it is, whoever of the three died. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CheckIn, CheckInAnswer, headOf, type RequestUp } from '../../agent/wire.ts';
import { openDatabase } from '../../collector/database.ts';
import { createDevice, type Device } from '../../collector/load/device.ts';
import { uuidOf } from '../../collector/load/random.ts';
import { createSender, type Sender } from '../../collector/load/sender.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { needs } from '../capability.ts';
import { type Cluster, startPostgres } from './postgres.ts';

const TIME = '2026-11-01T00:00:00.000Z';
const requestOf = (device: Device, number: number): RequestUp => ({
  id: uuidOf(1, 'request', device.index, number),
  item: 'tool:sim-tool-001',
  itemName: 'Simulated',
  identity: null,
  tier: null,
  dataClass: null,
  until: null,
  reason: 'for the test',
  state: 'open',
  createdAt: TIME,
  updatedAt: TIME,
  added: null,
});

/** A device that goes on until `rounds` check-ins were acknowledged: one brings changed tools and a request, the next changed tools, the next nothing,
 * so that all ways of writing are met. Each is sent again until it is answered; `over` waits for the end of a crash. */
async function live(
  sender: Sender,
  device: Device,
  rounds: number,
  acknowledged: (requests: readonly string[]) => void,
  codes: Map<string, number>,
  over: () => Promise<void>,
) {
  for (let round = 0; round < rounds; round++) {
    const requests = round % 3 === 0 ? [requestOf(device, round)] : [];
    const next = (): CheckIn => ({ ...device.next(round % 3 === 2 ? 'unchanged' : 'delta'), ...(requests.length > 0 ? { requests } : {}) });
    let body = next();
    for (;;) {
      const { status, code, body: answer } = await sender.post('checkIn', device, body);
      if (status === 200) {
        const read = CheckInAnswer.parse(answer);
        device.hear(read);
        if (read.ackSeq === body.seq) break;
        body = next();
        continue;
      }
      codes.set(code ?? '', (codes.get(code ?? '') ?? 0) + 1);
      // Only what a database or a connection that went away gives: anything else would be lost by an agent.
      expect(['not-ready', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'too-busy', 'stopping']).toContain(code);
      await over();
    }
    acknowledged(requests.map(({ id }) => id));
  }
}

needs('postgres').describe('crashes under load', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(() => cluster?.end());

  const DEVICES = 8;
  const ROUNDS = 12;

  /** Calls `crash` each time that another share of the check-ins has been acknowledged, while the others go on. */
  async function underLoad(
    sender: Sender,
    secret: string,
    url: string,
    crashes: number,
    crash: () => Promise<void>,
  ): Promise<Map<string, number>> {
    const devices = Array.from({ length: DEVICES }, (_, index) => createDevice(1, index));
    for (const device of devices) {
      expect(await sender.post('enroll', device, device.enrolment(secret))).toMatchObject({ status: 200 });
      const { body } = await sender.post('checkIn', device, device.next('full'));
      device.hear(CheckInAnswer.parse(body));
    }
    const known = new Set<string>();
    const codes = new Map<string, number>();
    let crashing = Promise.resolve();
    let crashed = 0;
    let done = 0;
    await Promise.all(
      devices.map((device) =>
        live(
          sender,
          device,
          ROUNDS,
          (requests) => {
            for (const id of requests) known.add(id);
            const share = Math.floor((DEVICES * ROUNDS) / (crashes + 1));
            if (++done % share === 0 && crashed++ < crashes) crashing = crashing.then(crash);
          },
          codes,
          () => crashing,
        ),
      ),
    );
    await crashing;
    expect(crashed).toBeGreaterThanOrEqual(crashes);

    const { db, close } = await openDatabase({ url, connections: 1 });
    const rows = await db.selectFrom('device').select(['id', 'head', 'ack_seq']).execute();
    for (const device of devices) {
      const next = device.next('unchanged');
      expect(rows.find(({ id }) => id === device.id)).toEqual({ id: device.id, head: next.base, ack_seq: next.seq - 1 });
      const held = await db
        .selectFrom('device_item')
        .innerJoin('item_body', 'item_body.id', 'device_item.item')
        .select('hash')
        .where('device', '=', device.id)
        .execute();
      expect(headOf(held.map(({ hash }) => hash))).toBe(next.base);
    }
    const requests = await db.selectFrom('request').select('id').execute();
    expect(new Set(requests.map(({ id }) => id))).toEqual(known);
    expect(known.size).toBe((DEVICES * ROUNDS) / 3);
    await close();
    return codes;
  }

  it('of PostgreSQL: the collector stays, says that it is not ready, and goes on', async () => {
    const url = await cluster.database();
    const lines: string[] = [];
    const collector: Collector = await startCollector({
      where: { url, connections: 6 },
      log: createLog((line) => lines.push(line)),
      tenant: 'acme',
      port: 0,
      trustProxy: 'loopback',
    });
    const sender = createSender(collector.url);
    const codes = await underLoad(sender, collector.first?.enrolSecret ?? '', url, 3, () => cluster.crash());
    expect(codes.get('not-ready')).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes('"status":500'))).toEqual([]);
    sender.close();
    await collector.stop();
  }, 60_000);

  it('of the collector: killed in the middle, and started again over the same database', async () => {
    const url = await cluster.database();
    const folder = mkdtempSync(path.join(tmpdir(), 'muster-restart-'));
    const main = fileURLToPath(new URL('../../collector/main.ts', import.meta.url));
    const start = async (port: string): Promise<{ child: ChildProcess; printed: string }> => {
      const child = spawn(process.execPath, [main, '--port', port, '--data', folder, '--trust-proxy', '127.0.0.1'], {
        env: { ...process.env, DATABASE_URL: url },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let printed = '';
      const said = new Promise<void>((resolve) => {
        child.stdout.on('data', (piece: Buffer) => {
          printed += String(piece);
          if (/listens at .*\n/.test(printed) && (port !== '0' || /enrolment secret: .*\n/.test(printed))) resolve();
        });
      });
      await Promise.race([said, once(child, 'exit')]);
      return { child, printed };
    };
    let { child, printed } = await start('0');
    const at = /listens at (\S+)/.exec(printed)?.[1] ?? '';
    const secret = /enrolment secret: (\S+)/.exec(printed)?.[1] ?? '';
    const sender = createSender(at);
    const codes = await underLoad(sender, secret, url, 2, async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      ({ child } = await start(new URL(at).port));
    });
    expect([...codes.keys()].some((code) => code.startsWith('ECONN'))).toBe(true);
    sender.close();
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }, 90_000);
});
