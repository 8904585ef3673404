/** Two collectors behind a balancer over one PostgreSQL: a device may be answered by either, each time by another. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CheckInAnswer } from '../../agent/wire.ts';
import { createDevice, type Device, type Load } from '../../collector/load/device.ts';
import { createSender, type Sender } from '../../collector/load/sender.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { needs } from '../capability.ts';
import { type Cluster, startPostgres } from './postgres.ts';

/** Each connection goes to the next collector. */
async function startBalancer(): Promise<{ url: string; targets: number[]; server: Server; served: number[] }> {
  const targets: number[] = [];
  const served = [0, 0];
  let turn = 0;
  const server = createServer((from: Socket) => {
    const which = turn++ % targets.length;
    served[which] = (served[which] ?? 0) + 1;
    const to = connect(targets[which] ?? 0, '127.0.0.1');
    from.pipe(to).pipe(from);
    for (const socket of [from, to])
      socket.on('error', () => {
        from.destroy();
        to.destroy();
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets, server, served };
}

needs('postgres').describe('two collectors behind a balancer', () => {
  let cluster: Cluster;
  let balancer: Awaited<ReturnType<typeof startBalancer>>;
  let collectors: [Collector, Collector];
  let sender: Sender;
  /** To each collector past the balancer, with proofs for the balancer's address. */
  let direct: [Sender, Sender];
  let secret: string;
  let later = 0;

  beforeAll(async () => {
    cluster = await startPostgres();
    const url = await cluster.database();
    balancer = await startBalancer();
    const start = () =>
      startCollector({
        where: { url, connections: 6 },
        log: createLog(() => {}),
        tenant: 'acme',
        port: 0,
        publicUrl: balancer.url,
        now: () => new Date(Date.now() + later),
      });
    collectors = await Promise.all([start(), start()]);
    balancer.targets.push(...collectors.map((each) => Number(new URL(each.url).port)));
    secret = collectors.map(({ first }) => first?.enrolSecret).find((each) => each !== undefined) ?? '';
    sender = createSender(balancer.url, { keepAlive: false });
    const [one, other] = collectors.map((each) => createSender(balancer.url, { keepAlive: false, at: each.url }));
    direct = [one as Sender, other as Sender];
  }, 60_000);
  afterAll(async () => {
    for (const each of collectors ?? []) await each.stop();
    balancer?.server.close();
    cluster?.end();
  });

  const say = async (by: Sender, device: Device, load: Load) => {
    const sent = await by.post('checkIn', device, device.next(load));
    expect(sent).toMatchObject({ status: 200 });
    const answer = CheckInAnswer.parse(sent.body);
    device.hear(answer);
    return answer;
  };
  const enrolled = async (index: number) => {
    const device = createDevice(1, index);
    expect(await sender.post('enroll', device, device.enrolment(secret))).toMatchObject({ status: 200 });
    return device;
  };
  const stored = (device: Device) =>
    collectors[0].context.db
      .selectFrom('device')
      .select(['head', 'ack_seq', 'state'])
      .where('id', '=', device.id)
      .executeTakeFirstOrThrow();

  it('were both started at once, and made one first secret between them', () => {
    expect(collectors.filter(({ first }) => first !== null)).toHaveLength(1);
  });

  it('take turns with a device, and hold what it holds', async () => {
    const devices = await Promise.all(Array.from({ length: 12 }, (_, index) => enrolled(index)));
    await Promise.all(
      devices.map(async (device) => {
        for (const load of ['full', 'delta', 'unchanged', 'delta', 'full'] as const)
          expect((await say(sender, device, load)).want).toBe('none');
        const { head } = device.next('unchanged');
        expect(await stored(device)).toEqual({ head, ack_seq: 5, state: 'active' });
      }),
    );
    const [one = 0, other = 0] = balancer.served;
    expect(Math.abs(one - other)).toBeLessThanOrEqual(1);
    expect(one).toBeGreaterThan(30);
  });

  it('give one check-in that came to both at once the same answer, and take it once', async () => {
    const device = await enrolled(100);
    await say(sender, device, 'full');
    for (let round = 0; round < 10; round++) {
      const body = device.next('delta');
      const answers = await Promise.all([0, 1, 0, 1].map((which) => direct[which as 0 | 1].post('checkIn', device, body)));
      const read = answers.map(({ body: answer }) => CheckInAnswer.parse(answer));
      for (const answer of read) expect({ ...answer, time: '' }).toEqual({ ...read[0], time: '' });
      device.hear(read[0] as CheckInAnswer);
      expect(await stored(device)).toMatchObject({ ack_seq: body.seq, head: body.head });
    }
  });

  it('a proof that one has seen, played again to the other, changes nothing there', async () => {
    const device = await enrolled(101);
    await say(sender, device, 'full');
    const body = device.next('delta');
    const proof = await direct[0].proof('checkIn', device, body);
    const first = await direct[0].post('checkIn', device, body, { proof });
    expect(first.status).toBe(200);
    expect(await direct[0].post('checkIn', device, body, { proof })).toMatchObject({ status: 401, code: 'proof-replayed' });
    const before = await stored(device);
    // Each remembers its own nonces; the number of the check-in makes a repetition harmless.
    const second = await direct[1].post('checkIn', device, body, { proof });
    expect({ ...(second.body as CheckInAnswer), time: '' }).toEqual({ ...(first.body as CheckInAnswer), time: '' });
    device.hear(CheckInAnswer.parse(first.body));
    await say(direct[0], device, 'unchanged');
    expect(await direct[1].post('checkIn', device, body, { proof })).toMatchObject({ status: 401, code: 'proof-replayed' });
    expect(await stored(device)).toMatchObject({ head: before.head, ack_seq: before.ack_seq + 1 });
  });

  it('a device that one revokes is refused by the other at once, though its key is at hand there', async () => {
    const device = await enrolled(102);
    await say(direct[0], device, 'full');
    await say(direct[1], device, 'unchanged');
    await collectors[0].context.db.updateTable('device').set({ state: 'revoked' }).where('id', '=', device.id).execute();
    collectors[0].context.deviceKeys.forget(device.id);
    for (const by of direct)
      expect(await by.post('checkIn', device, device.next('unchanged'))).toMatchObject({ status: 403, code: 'device-revoked' });
  });

  it('a device that one did not know is known there half a minute after the other enrolled it', async () => {
    const device = createDevice(1, 103);
    expect(await direct[1].post('checkIn', device, device.next('full'))).toMatchObject({ status: 401, code: 'unknown-device' });
    expect(await direct[0].post('enroll', device, device.enrolment(secret))).toMatchObject({ status: 200 });
    expect(await direct[1].post('checkIn', device, device.next('full'))).toMatchObject({ status: 401, code: 'unknown-device' });
    later = 31_000;
    await say(direct[1], device, 'full');
    later = 0;
  });
});
