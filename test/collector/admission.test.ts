/** What the collector takes on at once, by a clock of its own and over TCP; and that stopping it lets what is under way end. */
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmission } from '../../collector/admission.ts';
import { createDeviceKeys, STALE_MS, WAITING } from '../../collector/device-keys.ts';
import { createLog } from '../../collector/log.ts';
import { Problem } from '../../collector/problem.ts';
import { createReplays } from '../../collector/proof.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { inMemory } from './embedded.ts';
import { simulatedDevice } from './simulated-device.ts';

const refusal = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  return null;
};

describe('rates', () => {
  const limits = { address: { rate: 2, burst: 3 }, all: { rate: 10, burst: 10 }, underWay: 5 };

  it('refuses an address that sends more than its share, and nobody else', () => {
    let now = 0;
    const admission = createAdmission(
      limits,
      () => now,
      () => 0,
    );
    for (let turn = 0; turn < 3; turn++) admission.enter('a')();
    expect(refusal(() => admission.enter('a'))).toMatchObject({ code: 'too-fast', status: 429, retryAfter: 1 });
    admission.enter('b')();
    now = 500;
    admission.enter('a')();
    expect(refusal(() => admission.enter('a'))?.code).toBe('too-fast');
  });

  it('takes no more on at once than it can, and counts what has left once', () => {
    const admission = createAdmission(
      limits,
      () => 0,
      () => 0.5,
    );
    const leave = ['a', 'b', 'c', 'd', 'e'].map((address) => admission.enter(address));
    expect(refusal(() => admission.enter('f'))).toMatchObject({ code: 'too-busy', retryAfter: 20 });
    leave[0]?.();
    leave[0]?.();
    expect(admission.underWay()).toBe(4);
    admission.enter('f');
    admission.close();
    expect(refusal(() => admission.enter('g'))).toMatchObject({ code: 'stopping', status: 503 });
  });

  it('never admits more than burst + rate × time, whatever comes when', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), fc.constantFrom('a', 'b', 'c'))), (arrivals) => {
        let now = 0;
        const admission = createAdmission(
          limits,
          () => now,
          () => 0,
        );
        const taken = new Map<string, number>();
        for (const [wait, address] of arrivals) {
          now += wait;
          if (refusal(() => admission.enter(address)())) continue;
          taken.set(address, (taken.get(address) ?? 0) + 1);
        }
        const most = ({ rate, burst }: { rate: number; burst: number }) => burst + (rate * now) / 1000;
        for (const count of taken.values()) expect(count).toBeLessThanOrEqual(most(limits.address));
        expect([...taken.values()].reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(most(limits.all));
      }),
    );
  });

  it('forgets no nonce while its proof could be used, and takes none beyond what it can remember', () => {
    let now = 0;
    const replays = createReplays(() => now, 3);
    expect([replays.first('a'), replays.first('a')]).toEqual([true, false]);
    now = 170_000;
    expect(replays.first('a')).toBe(false);
    now = 185_000;
    expect(replays.first('a')).toBe(false);
    replays.first('b');
    replays.first('c');
    replays.first('d');
    expect(refusal(() => replays.first('e'))?.code).toBe('too-busy');
    now = 600_000;
    expect(replays.first('a')).toBe(true);
  });

  it('asks the database about an unknown device once in a while, and about a known one never again', async () => {
    let now = 0;
    let asked = 0;
    const x = simulatedDevice('http://127.0.0.1').key.x;
    const known = new Map([['known', { x, state: 'active' as const }]]);
    const keys = createDeviceKeys(
      async (ids) => {
        asked++;
        return ids.flatMap((id) => {
          const row = known.get(id);
          return row ? [{ id, ...row }] : [];
        });
      },
      () => now,
    );
    for (let turn = 0; turn < 5; turn++) expect(await keys.find('nobody')).toBeNull();
    expect(asked).toBe(1);
    now += STALE_MS;
    await keys.find('nobody');
    expect(asked).toBe(2);
    for (let turn = 0; turn < 5; turn++) expect((await keys.find('known'))?.x).toBe(x);
    now += 100 * STALE_MS;
    await keys.find('known');
    expect(asked).toBe(3);
    known.set('nobody', { x, state: 'active' });
    keys.forget('nobody');
    expect(await keys.find('nobody')).not.toBeNull();
  });

  it('asks about all who come meanwhile in one question, and turns away only who comes after thousands', async () => {
    const x = simulatedDevice('http://127.0.0.1').key.x;
    const questions: number[] = [];
    let answer = () => {};
    const keys = createDeviceKeys(
      (ids) => {
        questions.push(ids.length);
        return new Promise((resolve) => {
          answer = () => resolve(ids.filter((id) => id.startsWith('known')).map((id) => ({ id, x, state: 'active' as const })));
        });
      },
      () => 0,
    );
    const first = keys.find('known-0');
    const later = Array.from({ length: WAITING }, (_, index) => keys.find(`${index % 2 ? 'known' : 'nobody'}-${index}`));
    expect(questions).toEqual([1]);
    expect((await keys.find('one-too-many').catch((error: unknown) => error)) as Problem).toMatchObject({ code: 'too-busy' });
    answer();
    expect((await first)?.x).toBe(x);
    // Who is known needs no place among them.
    expect((await keys.find('known-0'))?.x).toBe(x);
    for (let turn = 0; turn < WAITING / 200; turn++) {
      await expect.poll(() => questions.length).toBe(turn + 2);
      answer();
    }
    const found = await Promise.all(later);
    expect(found.map((key) => key !== null)).toEqual(later.map((_, index) => index % 2 === 1));
    expect(questions.slice(1)).toEqual(new Array(WAITING / 200).fill(200));
  });

  it('keeps no answer about a device that has changed while it was asked about', async () => {
    const x = simulatedDevice('http://127.0.0.1').key.x;
    const answers: (() => void)[] = [];
    const keys = createDeviceKeys(
      (ids) =>
        new Promise((resolve) => answers.push(() => resolve(answers.length === 1 ? [] : ids.map((id) => ({ id, x, state: 'active' }))))),
      () => 0,
    );
    const before = keys.find('device');
    keys.forget('device');
    answers[0]?.();
    expect(await before).toBeNull();
    const after = keys.find('device');
    answers[1]?.();
    expect((await after)?.x).toBe(x);
  });
});

describe('over TCP', () => {
  let collector: Collector;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    collector = await startCollector({
      where: await inMemory(),
      log: createLog(() => {}),
      tenant: 'acme',
      port: 0,
      limits: { underWay: 2, address: { rate: 1000, burst: 1000 } },
    });
  }, 60_000);
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
  });

  /** A check-in whose body has not all come yet. */
  async function unfinished() {
    const device = simulatedDevice(collector.url);
    expect((await device.enroll(collector.first?.enrolSecret ?? '')).status).toBe(200);
    const bytes = Buffer.from(JSON.stringify(device.body()));
    const proof = await device.proof('/v1/check-in', bytes, 'kid');
    const { hostname, port } = new URL(collector.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    let said = '';
    socket.on('data', (chunk) => {
      said += String(chunk);
    });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(
      `POST /v1/check-in HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Type: application/json\r\nDPoP: ${proof}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    socket.write(bytes.subarray(0, 10));
    return { socket, ended, finish: () => socket.write(bytes.subarray(10)), said: () => said };
  }

  it('refuses with Retry-After while too much is under way, and still says that it lives; then stops in order', async () => {
    const { admission } = collector.context;
    const one = await unfinished();
    await expect.poll(admission.underWay).toBe(1);
    const other = await unfinished();
    await expect.poll(admission.underWay).toBe(2);
    const refused = await simulatedDevice(collector.url).enroll('x'.repeat(43));
    expect(refused).toMatchObject({ status: 429, json: { code: 'too-busy' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(5);
    for (const page of ['/livez', '/readyz', '/metrics']) expect((await fetch(`${collector.url}${page}`)).status).toBe(200);
    // Whoever goes away leaves their place.
    other.socket.destroy();
    await expect.poll(admission.underWay).toBe(1);

    const stopped = collector.stop();
    await expect
      .poll(() =>
        fetch(`${collector.url}/livez`).then(
          ({ status }) => status,
          () => 'gone',
        ),
      )
      .not.toBe(200);
    one.finish();
    await Promise.all([one.ended, stopped]);
    expect(one.said()).toMatch(/^HTTP\/1\.1 200 .*"ackSeq":1/s);
  });
});
