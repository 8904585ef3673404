/** The agent against the collector, over TCP and over real databases on both sides: joining, checking in, deciding, and what survives a failing network. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directPost } from '../../agent/sync/direct-post.ts';
import { type Post, Unreachable } from '../../agent/sync/post.ts';
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

type Fault = 'none' | 'request lost' | 'answer lost' | 'sent twice' | 'comes late' | 'answer garbled';

/** A network that does to the next request what it is told to. */
function faulty() {
  const network = { next: 'none' as Fault, late: [] as Parameters<Post>[0][] };
  const post: Post = async (sending, signal) => {
    const fault = network.next;
    if (sending.url.endsWith('/v1/enroll')) return open(sending, signal);
    network.next = 'none';
    if (fault === 'request lost') throw new Unreachable('ECONNRESET');
    if (fault === 'comes late') {
      network.late.push(sending);
      throw new Unreachable('no answer in time');
    }
    const answered =
      fault === 'sent twice'
        ? (await Promise.all([open(sending, signal), open(sending, signal).catch(() => {})]))[0]
        : await open(sending, signal);
    if (fault === 'answer lost') throw new Unreachable('ECONNRESET');
    return fault === 'answer garbled' ? { ...answered, body: answered.body.subarray(0, 40) } : answered;
  };
  return { network, post };
}

/** What befalls either side. `restored`: an older copy of the database, or of the collector's. */
const ODD = ['late', 'crash', 'restart', 'rebuilt', 'restored', 'forgotten there'] as const;

type Step =
  | { readonly do: 'put'; readonly tool: number; readonly version: number }
  | { readonly do: 'remove'; readonly tool: number }
  | { readonly do: 'ask' }
  | { readonly do: 'sync'; readonly fault: Fault }
  | { readonly do: (typeof ODD)[number] };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put' as const), tool: fc.nat(5), version: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), tool: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'ask' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('sync' as const),
      fault: fc.constantFrom<Fault>('none', 'none', 'request lost', 'answer lost', 'sent twice', 'comes late', 'answer garbled'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom(...ODD) }) },
);

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
      }),
    );
  }, 120_000);
});

describe('the two always come to hold the same', () => {
  it('after edits, losses, duplicates, late arrivals, crashes and rebuilt databases in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        const { network, post } = faulty();
        let one = await device(post);
        const asked: string[] = [];
        let isRestored = false;
        const file = () => path.join(one.dataDir, 'muster.db');
        const older = () => `${file()}.older`;
        const again = async (meanwhile = () => {}) => {
          const tools = [...one.tools];
          one.close();
          meanwhile();
          one = await device(post, one.dataDir);
          for (const [id, tool] of tools) one.tools.set(id, tool);
        };
        for (const each of steps) {
          if (each.do === 'put') one.put(`t${each.tool}`, String(each.version));
          else if (each.do === 'remove') one.tools.delete(`t${each.tool}`);
          else if (each.do === 'ask') asked.push(one.ask(`t${asked.length}`).id);
          else if (each.do === 'sync') {
            network.next = each.fault;
            await one.sync.syncNow().catch((error) => expect(error).toMatchObject({ code: 'collector' }));
          } else if (each.do === 'late') {
            const late = network.late.shift();
            if (late) await open(late, new AbortController().signal);
          } else if (each.do === 'rebuilt') {
            one.store.sync.forget();
            await again();
          } else if (each.do === 'crash') {
            // The answer has come, and the process ends while it is taken in.
            const { acknowledge } = one.store.sync;
            Object.assign(one.store.sync, {
              acknowledge: () => {
                throw new Error('killed');
              },
            });
            await one.sync.syncNow().catch(() => {});
            Object.assign(one.store.sync, { acknowledge });
            await again();
          } else if (each.do === 'forgotten there') {
            await db().updateTable('device').set({ head: null }).where('id', '=', one.id).execute();
          } else if (each.do === 'restored' && fs.existsSync(older())) {
            await again(() => fs.copyFileSync(older(), file()));
            isRestored = true;
          } else await again(() => fs.copyFileSync(file(), older()));
        }
        network.next = 'none';
        for (const late of network.late) await open(late, new AbortController().signal);
        await again();
        await one.sync.syncNow();
        await agrees(one);
        const there = (await requests(one.id)).map(({ id }) => id);
        expect(there).toEqual(expect.arrayContaining(one.store.requests().map(({ id }) => id)));
        if (!isRestored) expect(there).toEqual(asked.toSorted());
        expect(one.logged).toEqual([]);
      }),
      { numRuns: 12 },
    );
  }, 60_000);
});
