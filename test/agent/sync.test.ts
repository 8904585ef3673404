/** The loop of check-ins in made-up time against a real socket: when it asks, what makes it slower, and what it never does. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deviceKey } from '../../agent/device-key.ts';
import { directPost } from '../../agent/sync/direct-post.ts';
import type { CheckInAnswer, EnrolmentAnswer } from '../../agent/wire.ts';
import { fakeClock } from '../fakes.ts';
import { temporary, until } from './muster.ts';
import { type Device, deviceIn } from './sync-device.ts';

const scratch = temporary('sync');
const SECRET = 'a-secret-for-enrolment-0123';
const MINUTE = 60_000;
type Asked = { readonly path: string; readonly at: string; readonly body: Record<string, unknown> };
type Reply = { status: number; headers?: Record<string, string>; body?: unknown };

/** A server that answers as a collector which agrees to everything, unless it is told what to say next. */
let server: http.Server;
let url = '';
let asked: Asked[] = [];
let replies: Reply[] = [];
let answer: Partial<CheckInAnswer> = {};
let clock: ReturnType<typeof fakeClock>;
let devices = 0;

beforeAll(async () => {
  server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const body = JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8'));
    asked.push({ path: request.url ?? '', at: clock.now().toISOString(), body });
    const { status, headers = {}, body: said } = replies.shift() ?? { status: 200 };
    const time = clock.now().toISOString();
    const agreed =
      request.url === '/v1/enroll'
        ? ({ device: body.id, state: 'active', tenant: 'acme', time, rootKeys: [], nextCheckInS: 3600 } satisfies EnrolmentAnswer)
        : {
            ackSeq: body.seq,
            head: body.head,
            want: 'none',
            time,
            nextCheckInS: 3600,
            trust: 'current',
            decisions: [],
            ...(body.evidence ? { evidence: body.evidence } : {}),
            ...answer,
          };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(said ?? agreed));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());
beforeEach(() => {
  [asked, replies, answer] = [[], [], {}];
  clock = fakeClock();
});

const made: Device[] = [];
afterAll(() => {
  for (const device of made) device.close();
});

async function device(more: Parameters<typeof deviceIn>[1]['more'] = {}): Promise<Device> {
  const one = await deviceIn(path.join(scratch, String(devices++)), { url, secret: SECRET, more: { clock, random: () => 0.5, ...more } });
  made.push(one);
  one.put('a', '1');
  return one;
}

/** Runs the loop until the test is over. */
async function running(one: Device, test: () => Promise<void>): Promise<void> {
  const ending = new AbortController();
  const done = one.sync.run(ending.signal);
  await clock.advance(0);
  try {
    await test();
  } finally {
    ending.abort();
    await done;
  }
}
const checkIns = () => asked.filter(({ path: at }) => at === '/v1/check-in').length;
/** A socket takes real time, in which the clock of the test stands still. */
const settled = async (count: number) => {
  await until(() => checkIns() === count, `there are ${count} check-ins`);
  await clock.advance(0);
};
const wait = (one: Device) => Date.parse(one.sync.status().nextAt ?? '') - clock.now().getTime();

describe('the loop', () => {
  it('joins at a random moment of its first hour, then comes once an hour', async () => {
    const one = await device();
    await running(one, async () => {
      await clock.advance(29 * MINUTE);
      expect(asked).toEqual([]);
      expect(one.sync.status()).toMatchObject({ state: 'joining', lastAt: null, nextAt: '2026-11-22T09:30:00.000Z' });
      await clock.advance(MINUTE + 1);
      await settled(1);
      expect(asked.map(({ path: at }) => at)).toEqual(['/v1/enroll', '/v1/check-in']);
      await until(() => one.sync.status().lastAt !== null && wait(one) > 0, 'it is told');
      expect(Math.abs(wait(one) - 60 * MINUTE)).toBeLessThan(1000);
      await clock.advance(61 * MINUTE);
      await settled(2);
      expect(asked.map(({ path: at }) => at)).toEqual(['/v1/enroll', '/v1/check-in', '/v1/check-in']);
    });
  });

  it('goes at once when somebody asks for something, and then every 30 seconds', async () => {
    const one = await device();
    await one.sync.syncNow();
    await running(one, async () => {
      one.ask('a');
      // As the agent's clock has it, and not the computer's.
      one.store.updateRequest(one.store.requests()[0]?.id ?? '', { updatedAt: clock.now().toISOString() });
      one.sync.soon();
      await settled(2);
      expect(asked.at(-1)?.body['requests']).toHaveLength(1);
      await until(() => one.sync.status().state === 'ok' && wait(one) > 0, 'the next is set');
      expect(wait(one)).toBe(30_000);
      await clock.advance(31_000);
      await settled(3);
    });
  });

  it('keeps to Retry-After, also when somebody asks for more', async () => {
    const one = await device();
    await one.sync.syncNow();
    replies = [{ status: 429, headers: { 'retry-after': '600' }, body: { type: 'x', title: 'x', status: 429, code: 'too-busy' } }];
    await running(one, async () => {
      await expect(one.sync.syncNow()).rejects.toMatchObject({ code: 'collector', message: expect.stringMatching(/busy/) });
      expect(wait(one)).toBe(15 * MINUTE);
      await expect(one.sync.syncNow()).rejects.toThrow(/asked to be left alone for 10 minutes; Muster/);
      one.ask('a');
      one.sync.soon();
      await clock.advance(9 * MINUTE);
      expect(checkIns()).toBe(2);
      await clock.advance(MINUTE + 1);
      // The one that was turned away, as it was, and then what somebody asks for.
      await settled(4);
    });
  });

  it('asks later and later where it is refused, and never sends its secret again', async () => {
    const one = await device();
    await one.sync.syncNow();
    const unknown = { status: 401, body: { type: 'x', title: 'x', status: 401, code: 'unknown-device' } };
    for (const hours of [1.5, 3, 6, 9]) {
      replies = [unknown];
      await expect(one.sync.syncNow()).rejects.toThrow(/doesn’t know this computer/);
      expect(wait(one)).toBe(hours * 60 * MINUTE);
    }
    expect(one.sync.status().state).toBe('refused');
    expect(asked.filter(({ body }) => JSON.stringify(body).includes(SECRET))).toHaveLength(1);
  });

  it('stops where there is no network, and comes a random moment after its return', async () => {
    let online = true;
    // Another computer's address, so that a network is needed; nobody is asked while there is none.
    const one = await deviceIn(path.join(scratch, 'cut'), {
      url: 'https://collector.invalid',
      secret: SECRET,
      more: { clock, random: () => 0.5, online: () => online },
    });
    made.push(one);
    await running(one, async () => {
      online = false;
      await clock.advance(61_000);
      expect(one.sync.status()).toMatchObject({ state: 'offline', detail: 'There is no network just now.' });
      await clock.advance(5 * 60 * MINUTE);
      expect(one.sync.status().state).toBe('offline');
      online = true;
      await clock.advance(15_000);
      expect(one.sync.status()).toMatchObject({ state: 'joining', detail: null });
      // Looked at every 15 seconds, found a moment ago.
      expect(wait(one)).toBeGreaterThan(44_000);
      expect(wait(one)).toBeLessThanOrEqual(60_000);
    });
  });

  it('asks a collector that somebody has just joined by hand at once', async () => {
    const more = { settings: { pollSeconds: 15, lookMinutes: 15 } };
    const one = await device(more);
    await running(one, async () => {
      expect(one.sync.status()).toEqual({ state: 'off', collector: null, lastAt: null, nextAt: null, detail: null });
      await clock.advance(2 * 60 * MINUTE);
      expect(asked).toEqual([]);
      expect(await one.sync.enroll({ url: `${url}/`, secret: SECRET })).toMatchObject({ collector: url });
      await settled(1);
      await until(() => one.sync.status().state === 'ok', 'it is told');
    });
  });
});

describe('a round', () => {
  it('sends the same bytes again after an answer that was lost, and what has happened since in the next', async () => {
    const one = await device();
    await one.sync.syncNow();
    one.put('a', '2');
    replies = [{ status: 502, body: 'nobody is there' }];
    await expect(one.sync.syncNow()).rejects.toThrow(/busy or out of order \(502\)/);
    const [waiting] = one.store.sync.waiting();
    one.put('b', '1');
    one.ask('b');
    await one.sync.syncNow();
    const [, , lost, again, next] = asked;
    expect(again?.body).toEqual(lost?.body);
    expect([waiting?.seq, again?.body['seq'], next?.body['seq']]).toEqual([2, 2, 3]);
    expect(next?.body['upsert']).toMatchObject([{ tool: 'b' }]);
  });

  it('ends as a failure where the collector asks for everything again and again, or for nothing that can be understood', async () => {
    const one = await device();
    answer = { want: 'full' };
    await expect(one.sync.syncNow()).rejects.toThrow(/again and again/);
    expect(checkIns()).toBe(4);
    answer = {};
    for (const body of ['<html>', {}, { ackSeq: 'x' }]) {
      replies = [{ status: 200, body }];
      await expect(one.sync.syncNow()).rejects.toThrow(/no collector of this version/);
    }
    replies = [{ status: 422, body: { type: 'x', title: 'x', status: 422, code: 'not-understood' } }];
    await expect(one.sync.syncNow()).rejects.toThrow(/refused this computer’s check-in \(422, not-understood\)/);
    // Composed anew, and not sent again as it was.
    expect(one.store.sync.waiting()).toEqual([]);
    await one.sync.syncNow();
    expect(asked.at(-1)?.body).toHaveProperty('snapshot');
  });

  it('goes on after the number that the collector holds, where that is ahead', async () => {
    const one = await device();
    await one.sync.syncNow();
    const { head } = asked.at(-1)?.body ?? {};
    replies = [
      {
        status: 200,
        body: { ackSeq: 40, head, want: 'full', time: clock.now().toISOString(), nextCheckInS: 60, trust: 'current', decisions: [] },
      },
    ];
    await one.sync.syncNow();
    expect(asked.slice(-2).map(({ body }) => [body['seq'], body['base']])).toEqual([
      [2, head],
      [41, null],
    ]);
  });

  it('keeps the last thirty for the employee, the newest first', async () => {
    const one = await device();
    for (let round = 0; round < 33; round++) await one.sync.syncNow();
    const sent = await one.sync.sentPayloads();
    expect(sent.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, index) => 33 - index));
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual(asked.at(-1)?.body);
  });

  it('shows what would leave and sends nothing', async () => {
    const one = await device();
    // It has written its record before, and so has the key that salts.
    deviceKey(one.dataDir);
    const bodies = one.sync.preview();
    expect(bodies.map(({ snapshot }) => snapshot?.items.map((item) => item.kind === 'tool' && item.tool))).toEqual([['a']]);
    expect([asked, one.store.sync.state(), one.store.sync.sent()]).toEqual([[], null, []]);
    await one.sync.syncNow();
    expect(asked.at(-1)?.body['head']).toBe(bodies[0]?.head);
    expect(one.sync.preview()[0]).not.toHaveProperty('upsert');
  });
});

describe('the network', () => {
  const post = directPost({});
  const sending = (at: string) => ({ url: at, headers: { 'content-type': 'application/json' }, body: Buffer.from('{}') });
  const never = () => new AbortController().signal;

  it('follows no redirect', async () => {
    const one = await device();
    replies = [{ status: 307, headers: { location: `${url}/elsewhere` } }];
    await expect(one.sync.syncNow()).rejects.toThrow(/leads elsewhere/);
    expect(asked.map(({ path: at }) => at)).toEqual(['/v1/enroll']);
  });

  it('takes a proxy that wants a password for no refusal of the collector’s', async () => {
    const one = await device();
    await one.sync.syncNow();
    replies = [{ status: 407, headers: { 'proxy-authenticate': 'Basic realm="acme"' } }];
    await expect(one.sync.syncNow()).rejects.toThrow(/proxy on the way to the collector wants a password/);
    expect([one.sync.status().state, wait(one) <= MINUTE]).toEqual(['unreachable', true]);
  });

  it('takes no answer that is too long, is cut, or never comes', async () => {
    const odd = http.createServer((request, response) => {
      if (request.url === '/long') {
        response.writeHead(200);
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536))) {
            // As long as somebody takes it.
          }
        };
        response.on('drain', more);
        more();
      } else if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('half', () => response.destroy());
      }
    });
    odd.listen(0, '127.0.0.1');
    await once(odd, 'listening');
    const at = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`;
    await expect(post(sending(`${at}/long`), never())).rejects.toMatchObject({ reason: 'its answer is too long' });
    await expect(post(sending(`${at}/cut`), never())).rejects.toMatchObject({ name: 'Unreachable' });
    const ending = new AbortController();
    const silent = post(sending(`${at}/silent`), ending.signal);
    ending.abort();
    await expect(silent).rejects.toMatchObject({ name: 'Unreachable' });
    odd.closeAllConnections();
    odd.close();
  });

  it('goes through the proxy that the variables name', async () => {
    const through: string[] = [];
    const proxy = http.createServer((request, response) => {
      through.push(request.url ?? '');
      response.writeHead(200).end('{}');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const at = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const answered = await directPost({ HTTP_PROXY: at, http_proxy: at })(sending('http://collector.invalid/v1/check-in'), never());
    expect([answered.status, through]).toEqual([200, ['http://collector.invalid/v1/check-in']]);
    proxy.closeAllConnections();
    proxy.close();
  });
});
