/** The agent against the collector, over TCP and over real databases on both sides: joining, checking in, deciding, and what survives a failing network. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directPost } from '../../agent/sync/direct-post.ts';
import type { Post } from '../../agent/sync/post.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { recordDecision } from '../../collector/store/requests.ts';
import { temporary } from '../agent/muster.ts';
import { type Device, deviceIn } from '../agent/sync-device.ts';

const scratch = temporary('contract');
const open = directPost({});
let collector: Collector;
let secret = '';
let devices = 0;
const closing: Device[] = [];

beforeAll(async () => {
  const limits = { address: { rate: 10_000, burst: 10_000 }, all: { rate: 10_000, burst: 10_000 } };
  collector = await startCollector({ where: { folder: null }, log: createLog(() => {}), tenant: 'acme', port: 0, limits });
  secret = collector.first?.enrolSecret ?? '';
}, 60_000);
afterAll(async () => {
  for (const device of closing) device.close();
  await collector.stop();
});

async function device(post?: Post, dataDir = path.join(scratch, String(devices++))): Promise<Device> {
  const made = await deviceIn(dataDir, { url: collector.url, secret, ...(post ? { post } : {}) });
  closing.push(made);
  return made;
}

const db = () => collector.context.db;
const row = (id: string) => db().selectFrom('device').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
const keys = async (id: string) =>
  (
    await db()
      .selectFrom('device_item')
      .innerJoin('item_body', 'item_body.id', 'device_item.item')
      .select('key')
      .where('device', '=', id)
      .orderBy('key')
      .execute()
  ).map(({ key }) => key);
const requests = async (id: string) =>
  (await db().selectFrom('request').select(['id', 'state']).where('device', '=', id).orderBy('id').execute()) as {
    id: string;
    state: string;
  }[];
const last = async (device: Device) => (await device.sync.sentPayloads())[0];

async function agrees(one: Device): Promise<void> {
  expect(await row(one.id)).toMatchObject({ head: one.head(), item_count: one.tools.size });
  expect(await keys(one.id)).toEqual(one.keys());
}

describe('one computer and its collector', () => {
  it('joins once with the secret, says everything, then what changed, then nothing in 400 bytes', async () => {
    const bodies: { url: string; text: string }[] = [];
    const one = await device((sending, signal) => {
      bodies.push({ url: sending.url, text: Buffer.from(sending.body).toString('latin1') });
      return open(sending, signal);
    });
    for (let tool = 0; tool < 40; tool++) one.put(`tool-${tool}`, '1.0.0');
    expect(await one.sync.syncNow()).toMatchObject({ state: 'ok', collector: collector.url, detail: null });
    await agrees(one);
    one.put('tool-3', '2.0.0');
    one.tools.delete('tool-4');
    await one.sync.syncNow();
    await agrees(one);
    await one.sync.syncNow();
    const quiet = await last(one);
    console.log(`A check-in that says that all is as it was: ${quiet?.bytes} bytes.`);
    expect(quiet?.bytes).toBeLessThanOrEqual(400);
    expect(JSON.parse(quiet?.body ?? '')).not.toHaveProperty('upsert');
    // The secret went once, to the one address, and stands nowhere.
    expect(bodies.filter(({ text }) => text.includes(secret)).map(({ url }) => url)).toEqual([`${collector.url}/v1/enroll`]);
    const files = fs.readdirSync(one.dataDir).map((file) => fs.readFileSync(path.join(one.dataDir, file)).toString('latin1'));
    expect(files.filter((text) => text.includes(secret))).toEqual([]);
    expect(fs.statSync(path.join(one.dataDir, 'collector.json')).mode & 0o777).toBe(0o600);
  });

  it('sends thousands of tools in parts, and holds the same at the end', async () => {
    const one = await device();
    for (let tool = 0; tool < 1100; tool++) one.put(`tool-${tool}`, '1.0.0');
    await one.sync.syncNow();
    await agrees(one);
    expect(await row(one.id)).toMatchObject({ item_count: 1100, ack_seq: 3 });
    expect(one.store.sync.waiting()).toEqual([]);
  });

  it('carries use of finished days once, and a request with its decision', async () => {
    const one = await device();
    const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toLocaleDateString('sv');
    one.store.addUsage([1, 2, 0].map((ago) => ({ day: day(ago), tool: 'ollama', runS: 60 * (ago + 1), frontS: 1, launches: 1 })));
    const asked = one.ask('ollama');
    await one.sync.syncNow();
    const use = await db().selectFrom('usage').select(['day', 'run_s']).where('device', '=', one.id).orderBy('day').execute();
    expect(use.map(({ run_s }) => run_s)).toEqual([180, 120]);
    expect(await requests(one.id)).toEqual([{ id: asked.id, state: 'open' }]);

    const before = await row(one.id);
    await one.sync.syncNow();
    expect(JSON.parse((await last(one))?.body ?? '')).not.toHaveProperty('requests');
    expect((await row(one.id)).ack_seq).toBe(before.ack_seq + 1);
    const decision = {
      id: crypto.randomUUID(),
      device: one.id,
      request: asked.id,
      state: 'approved',
      scope: 'device',
      reason: 'Fine for the pilot.',
    } as const;
    await db()
      .transaction()
      .execute((trx) => recordDecision(trx, { ...decision, until: null, at: new Date(), decidedBy: 'owner:1' }, 1));
    await one.sync.syncNow();
    expect(one.decided).toEqual([{ request: asked.id, state: 'approved', answer: 'Fine for the pilot.', at: expect.any(String) }]);
  });

  it('corrects its clock by the collector’s answer, and comes through at once', async () => {
    const clock = { now: () => new Date(Date.now() - 3 * 3_600_000), wait: () => Promise.resolve() };
    const one = await deviceIn(path.join(scratch, 'late'), { url: collector.url, secret, more: { clock } });
    closing.push(one);
    one.put('a', '1');
    expect(await one.sync.syncNow()).toMatchObject({ state: 'ok' });
    await agrees(one);
  });

  it('goes on under the next number with everything where the database is an older copy or a new one', async () => {
    const one = await device();
    one.put('a', '1');
    await one.sync.syncNow();
    const file = path.join(one.dataDir, 'muster.db');
    one.close();
    fs.copyFileSync(file, `${file}.old`);
    const two = await device(undefined, one.dataDir);
    two.put('b', '1');
    two.ask('b');
    await two.sync.syncNow();
    await two.sync.syncNow();
    await agrees(two);
    two.close();
    fs.copyFileSync(`${file}.old`, file);
    for (const rest of ['-wal', '-shm']) fs.rmSync(file + rest, { force: true });
    const restored = await device(undefined, one.dataDir);
    restored.put('c', '1');
    await restored.sync.syncNow();
    await agrees(restored);
    // What the collector was told of requests stays there.
    expect(await requests(one.id)).toHaveLength(1);
    restored.close();
    for (const rest of ['', '-wal', '-shm']) fs.rmSync(file + rest, { force: true });
    const rebuilt = await device(undefined, one.dataDir);
    rebuilt.put('d', '1');
    await rebuilt.sync.syncNow();
    await agrees(rebuilt);
    const alarms = await db().selectFrom('audit').select('action').where('device', '=', one.id).where('alarm', '=', true).execute();
    expect(alarms).toEqual([]);
  });

  it('says in one line that it can’t be reached or is refused, and changes nothing else', async () => {
    const one = await deviceIn(path.join(scratch, 'nobody'), { url: 'http://127.0.0.1:9', secret });
    closing.push(one);
    one.ask('a');
    const before = one.store.requests();
    await expect(one.sync.syncNow()).rejects.toMatchObject({
      code: 'collector',
      message: 'The collector could not be reached (ECONNREFUSED).',
    });
    expect(one.sync.status()).toMatchObject({ state: 'unreachable', collector: 'http://127.0.0.1:9', lastAt: null });
    expect(one.store.requests()).toEqual(before);
    const other = await deviceIn(path.join(scratch, 'wrong'), { url: collector.url, secret: 'mse_this-is-not-the-secret-at-all' });
    closing.push(other);
    await expect(other.sync.syncNow()).rejects.toThrow(/enrolment secret/);
    expect(other.sync.status().state).toBe('refused');
    // An hour at least, where a failure would be asked again within a minute.
    expect(Date.parse(other.sync.status().nextAt ?? '') - Date.now()).toBeGreaterThan(3_500_000);
  });
});

describe('an agent that is killed', () => {
  it('loses no request and says nothing twice, whichever step of a check-in it was at', async () => {
    const steps = [
      ...['before the enrolment is sent', 'before the answer to the enrolment is taken in', 'before it is queued', 'after it is queued'],
      ...[
        'before the check-in is sent',
        'before the answer to the check-in is taken in',
        'before the answer is kept',
        'after the answer is kept',
      ],
    ];
    const child = fileURLToPath(new URL('../agent/sync-child.ts', import.meta.url));
    const env = { ...process.env, NODE_COMPILE_CACHE: path.join(tmpdir(), `muster-test-compiled-${process.getuid?.() ?? ''}`) };
    await Promise.all(
      steps.map(async (step, index) => {
        const dataDir = path.join(scratch, `killed-${index}`);
        const killed = await new Promise((resolve) => {
          execFile(process.execPath, [child, dataDir, collector.url, secret, step, '3'], { env }, (error, out) =>
            resolve({ signal: error?.signal ?? null, out }),
          );
        });
        expect(killed, step).toEqual({ signal: 'SIGKILL', out: '' });
        const after = await device(undefined, dataDir);
        for (const tool of [0, 1, 2]) after.put(`t${tool}`, '1');
        await after.sync.syncNow();
        await agrees(after);
        expect(after.store.sync.waiting(), step).toEqual([]);
        expect(await requests(after.id), step).toEqual([{ id: after.store.requests()[0]?.id, state: 'open' }]);
        const record = await db()
          .selectFrom('evidence_row')
          .select(['seq', 'hash'])
          .where('device', '=', after.id)
          .orderBy('seq')
          .execute();
        const here = [...after.store.evidenceRows.all()].map(({ seq, hash }) => ({ seq, hash }));
        expect([here.length, record.map(({ seq, hash }) => ({ seq: Number(seq), hash }))], step).toEqual([2, here]);
      }),
    );
  }, 120_000);
});
