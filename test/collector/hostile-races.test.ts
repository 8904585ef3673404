/** What happens at once: two who decide, two who publish, fifty who want the last places, housework beside check-ins, and a proof that goes to two replicas. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { headOf, itemHash } from '../../agent/wire.ts';
import { createLog } from '../../collector/log.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import { signerAt } from '../../collector/signer/client.ts';
import { startSigner } from '../../collector/signer/start.ts';
import { type Collector, type StartParts, startCollector } from '../../collector/start.ts';
import { reconcileGrants } from '../../collector/store/grants.ts';
import { cleanUp } from '../../collector/store/retention.ts';
import { needs } from '../capability.ts';
import { type Administration, type Answered, asks, payloadOf, startAdministration } from './administration.ts';
import { type Cluster, startPostgres } from './postgres.ts';
import { simulatedDevice, tool } from './simulated-device.ts';

needs('postgres').describe('at once', () => {
  let cluster: Cluster;
  let admin: Administration;
  /** A second collector over the same database, with the same address for agents. */
  let other: Collector;
  let asOther: StartParts;
  /** Of both collectors' clocks, in ms. */
  let later = 0;
  const now = () => new Date(Date.now() + later);
  const items = [tool('ollama')];

  beforeAll(async () => {
    cluster = await startPostgres();
    const where = { url: await cluster.database(), connections: 10 };
    const plenty = { rate: 1e6, burst: 1e6 };
    const limits = { address: plenty, all: plenty };
    admin = await startAdministration({ where, limits, now });
    const { signer } = admin.signer;
    asOther = {
      where,
      log: createLog(() => {}),
      tenant: 'acme',
      port: 0,
      limits,
      now,
      signer,
      publicUrl: admin.collector.url,
      extend: [adminRoutes],
    };
    other = await startCollector(asOther);
  }, 60_000);
  afterAll(async () => {
    await other?.stop();
    await admin?.stop();
    cluster?.end();
  });
  afterEach(() => {
    later = 0;
  });

  const db = () => admin.collector.context.db;
  const statuses = (answers: readonly { status: number }[]) => answers.map(({ status }) => status).sort();
  const decideOn = async (request: string) => {
    const { etag } = await admin.ask('GET', `/requests/${request}`);
    return (answer: 'approve' | 'deny', more: object = {}): Promise<Answered> =>
      admin.ask('POST', `/requests/${request}/decision`, { answer, reason: 'Now.', ...more }, { 'if-match': etag ?? '' });
  };
  const inForce = (device: string) =>
    db().selectFrom('grant_row').select('id').where('device', '=', device).where('revoked_at', 'is', null).execute();

  it('fifty who join by a secret with twenty places: twenty do, each once', async () => {
    const { json } = await admin.ask('POST', '/enrol-secrets', { label: 'twenty', quota: 20 });
    const devices = Array.from({ length: 50 }, () => simulatedDevice(admin.collector.url));
    const answers = await Promise.all(devices.map((device) => device.enroll(json.secret)));
    expect(statuses(answers)).toEqual([...Array.from({ length: 20 }, () => 200), ...Array.from({ length: 30 }, () => 403)]);
    const rows = await db().selectFrom('device').select('id').where('enrol_secret', '=', json.id).execute();
    expect(rows).toHaveLength(20);
    expect(await db().selectFrom('enrol_secret').select('used').where('id', '=', json.id).executeTakeFirst()).toEqual({ used: 20 });
  });

  it('one device that joins ten times at once takes one place', async () => {
    const { json } = await admin.ask('POST', '/enrol-secrets', { label: 'ten', quota: 3 });
    const device = simulatedDevice(admin.collector.url);
    const answers = await Promise.all(Array.from({ length: 10 }, () => device.enroll(json.secret)));
    expect(
      answers
        .filter(({ status }) => status !== 200)
        .map(({ json: { code } }) => code)
        .filter((code) => code !== 'too-busy'),
    ).toEqual([]);
    expect((await device.enroll(json.secret)).status).toBe(200);
    expect(await db().selectFrom('enrol_secret').select('used').where('id', '=', json.id).executeTakeFirst()).toEqual({ used: 1 });
  });

  it('a copy that asks for an id again and again takes no place from others', async () => {
    const { json } = await admin.ask('POST', '/enrol-secrets', { label: 'copies', quota: 3 });
    const device = simulatedDevice(admin.collector.url);
    expect((await device.enroll(json.secret)).status).toBe(200);
    for (let turn = 0; turn < 5; turn++)
      expect((await simulatedDevice(admin.collector.url, device.id).enroll(json.secret)).json).toMatchObject({ code: 'id-taken' });
    expect(await db().selectFrom('enrol_secret').select('used').where('id', '=', json.id).executeTakeFirst()).toEqual({ used: 1 });
    expect((await simulatedDevice(admin.collector.url).enroll(json.secret)).status).toBe(200);
  });

  it('ten who decide one request: one does, and the device holds what that one said', async () => {
    for (let round = 0; round < 3; round++) {
      const device = await admin.enrolled({}, items);
      const decide = await decideOn((await asks(device, items)).id);
      const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => decide(index % 2 === 0 ? 'approve' : 'deny')));
      expect(statuses(answers).filter((status) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status !== 200 && status !== 412 && status !== 409)).toEqual([]);
      const decisions = await db().selectFrom('decision').select('state').where('device', '=', device.id).execute();
      expect(decisions).toHaveLength(1);
      expect((await inForce(device.id)).length).toBe(decisions[0]?.state === 'approved' ? 1 : 0);
    }
  });

  it('an approval beside the shutting out of its device: the device stays out, and hears nothing', async () => {
    for (let round = 0; round < 3; round++) {
      const device = await admin.enrolled({}, items);
      const decide = await decideOn((await asks(device, items)).id);
      const [decided, revoked] = await Promise.all([
        decide('approve'),
        admin.ask('POST', `/devices/${device.id}/revoke`, { reason: 'Stolen.' }),
      ]);
      expect([decided.status, revoked.status]).toEqual([200, 200]);
      expect((await device.checkIn()).json).toMatchObject({ code: 'device-revoked' });
    }
  });

  it('an approval that is taken back while a device comes to its group: no grant of it is left', async () => {
    const person = `${randomUUID()}@acme.example`;
    const first = await admin.enrolled({ person }, items);
    const request = await asks(first, items);
    const decided = await (await decideOn(request.id))('approve', { scope: { kind: 'person' } });
    expect(decided.status).toBe(200);
    const second = await admin.enrolled({}, items);
    let taken: Promise<Answered> | undefined;
    let answered = false;
    await db()
      .transaction()
      .execute(async (trx) => {
        await trx.updateTable('device').set({ person }).where('id', '=', second.id).execute();
        expect(await reconcileGrants(trx, { device: second.id }, now())).toBe(1);
        taken = admin.ask('DELETE', `/decisions/${decided.json.decision}`, { reason: 'A mistake.' });
        void taken.then(() => {
          answered = true;
        });
        // It has its chance to pass by: either it has answered, or it waits for this transaction.
        await expect.poll(async () => answered || (await waits()) > 0).toBe(true);
      });
    expect((await taken)?.status).toBe(200);
    for (const device of [first, second]) expect(await inForce(device.id)).toEqual([]);
  });

  const waits = async () => {
    const { rows } = await sql<{
      n: number;
    }>`select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`.execute(db());
    return rows[0]?.n ?? 0;
  };

  it('two owners who take back each other’s token: one is left', async () => {
    for (let round = 0; round < 3; round++) {
      const one = (await admin.ask('POST', '/tokens', { label: 'one', role: 'owner' })).json;
      const two = (await admin.ask('POST', '/tokens', { label: 'two', role: 'owner' })).json;
      await db()
        .updateTable('token')
        .set({ revoked_at: now() })
        .where('id', 'not in', [one.id, two.id])
        .where('role', '=', 'owner')
        .execute();
      const answers = await Promise.all([
        admin.as(one.token)('DELETE', `/tokens/${two.id}`),
        admin.as(two.token)('DELETE', `/tokens/${one.id}`),
      ]);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      await db().updateTable('token').set({ revoked_at: null }).where('label', '=', 'first owner').execute();
      expect((await admin.ask('GET', '/me')).status).toBe(200);
    }
  });

  const policy = (stance: string) => JSON.stringify({ schema: 'muster.policy/1', rev: 1, stance });
  const simulated = async (stance: string) => {
    const { json } = await admin.ask('POST', '/policy/drafts', { title: stance, text: policy(stance) });
    expect((await admin.ask('POST', `/policy/drafts/${json.id}/simulate`)).status).toBe(200);
    return json.id as string;
  };
  const publish = (draft: string) => admin.ask('POST', `/policy/drafts/${draft}/publish`, undefined, { 'if-match': '"1"' });

  it('one draft that is published five times is published once', async () => {
    const draft = await simulated('tolerated');
    const before = (await admin.ask('GET', '/policy')).json.rev;
    const answers = await Promise.all(Array.from({ length: 5 }, () => publish(draft)));
    expect(statuses(answers).filter((status) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect((await admin.ask('GET', '/policy')).json.rev).toBe(before + 1);
  });

  it('of two drafts that were simulated against the same policy, the second is simulated anew', async () => {
    const drafts = [await simulated('prohibited'), await simulated('unreviewed')];
    const answers = await Promise.all(drafts.map(publish));
    expect(statuses(answers)).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.json).toMatchObject({ code: 'not-simulated' });
  });

  it('housework beside check-ins takes away no body that a device holds', async () => {
    const devices = await Promise.all(Array.from({ length: 4 }, () => admin.enrolled({}, [])));
    let removed = 0;
    for (let round = 0; round < 8; round++) {
      // Three hours later what was unused then is removed, while what one device has left another takes up.
      later += 3 * 3_600_000;
      const claims = { iat: Math.floor(now().getTime() / 1000) };
      const house = [cleanUp(db(), now()), cleanUp(db(), now())];
      const answers = await Promise.all(
        devices.map((device, index) => {
          // Of each two rounds, taken up again when it goes; of each three, so that one round is left in which it goes for certain.
          const [soon, late] = [Math.floor(round / 2) % 2, Math.floor(round / 3) % 2];
          const held = [tool(`shared-${(round + index) % 3}`), tool(`soon-${index}-${soon}`), tool(`late-${index}-${late}`)];
          return device.send(
            device.body({ head: headOf(held.map(itemHash)), snapshot: { id: randomUUID(), part: 1, of: 1, items: held } }),
            { claims },
          );
        }),
      );
      for (const answer of answers) expect(answer.json).toMatchObject({ want: 'none' });
      for (const done of await Promise.all(house)) removed += done.bodies;
    }
    expect(removed).toBeGreaterThanOrEqual(devices.length);
    later = 0;
    for (const device of devices) {
      const shown = await admin.ask('GET', `/devices/${device.id}/items`);
      expect([shown.status, shown.json.items.length]).toEqual([200, 3]);
    }
  });

  it('a database that only reads says so as a problem, keeps no half, and goes on by itself', async () => {
    const [device, other] = [await admin.enrolled({}, items), await admin.enrolled({}, items)];
    await sql`alter system set default_transaction_read_only = on`.execute(db());
    await sql`select pg_reload_conf()`.execute(db());
    const head = headOf([tool('a'), tool('b')].map(itemHash));
    const body = device.body({ base: headOf(items.map(itemHash)), head, upsert: [tool('a'), tool('b')], remove: ['tool:ollama'] });
    await expect.poll(async () => (await other.checkIn()).json['code']).toBe('not-ready');
    for (const refused of [await device.send(body), await admin.ask('POST', '/groups', { name: 'x' })]) {
      expect([refused.status, refused.json]).toMatchObject([503, { code: 'not-ready' }]);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    // Setting this changes no table, so a database that only reads takes it.
    await sql`alter system reset default_transaction_read_only`.execute(db());
    await sql`select pg_reload_conf()`.execute(db());
    await expect.poll(async () => (await device.send(body)).status).toBe(200);
    const { rows } = await sql<{ head: string }>`select head from device where id = ${device.id}`.execute(db());
    expect(rows[0]?.head).toBe(head);
  });

  it('a collector of another organization, with another signer, or without one, does not start and listens nowhere', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'muster-other-signer-'));
    const strange = await startSigner(folder, 'acme');
    const ask = () => startCollector({ ...asOther, port: 0, signer: admin.signer.signer });
    try {
      await expect(startCollector({ ...asOther, tenant: 'globex' })).rejects.toThrow('belongs to “acme”, not to “globex”');
      await expect(startCollector({ ...asOther, signer: strange.signer })).rejects.toThrow(
        'not those that the devices of this database trust',
      );
      const port = await freePort();
      await expect(startCollector({ ...asOther, port, signer: signerAt(path.join(folder, 'nobody.sock')) })).rejects.toThrow(
        'does not answer',
      );
      await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
      await (await ask()).stop();
    } finally {
      await strange.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('a signer that hangs is told on /readyz, and devices check in meanwhile', async () => {
    const device = await admin.enrolled({}, items);
    const ready = async () => (await (await fetch(`${admin.collector.url}/readyz`)).json()) as unknown;
    process.kill(admin.signer.pid() ?? 0, 'SIGSTOP');
    try {
      // What was seen of it counts for ten seconds.
      later = 11_000;
      expect(await ready()).toEqual({ status: 'ok', signer: 'away' });
      expect((await device.send(device.body(), { claims: { iat: Math.floor(now().getTime() / 1000) } })).status).toBe(200);
    } finally {
      process.kill(admin.signer.pid() ?? 0, 'SIGCONT');
    }
    later = 22_000;
    expect(await ready()).toEqual({ status: 'ok', signer: 'ok' });
  });

  it('a proof that goes to the other replica too does nothing there and tells what the device was told, which names no secret', async () => {
    const device = await admin.enrolled({}, items);
    const request = await asks(device, items);
    expect((await (await decideOn(request.id))('approve')).status).toBe(200);
    const head = headOf(items.map(itemHash));
    const bytes = new TextEncoder().encode(JSON.stringify(device.body({ base: head, head })));
    const proof = await device.proof('/v1/check-in', bytes, 'kid');
    const post = (url: string, path: string, sent: Uint8Array<ArrayBuffer>, dpop: string) =>
      fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', dpop }, body: sent }).then(
        async (response) => ({ status: response.status, json: (await response.json()) as Record<string, unknown> }),
      );
    const first = await post(admin.collector.url, '/v1/check-in', bytes, proof);
    expect(first.json).toMatchObject({ decisions: [{ request: request.id }], trust: { grants: expect.any(String) } });
    expect(payloadOf('grants', String((first.json['trust'] as { grants: string }).grants)).device).toBe(device.id);
    const state = () => db().selectFrom('device').selectAll().where('id', '=', device.id).executeTakeFirstOrThrow();
    const before = await state();
    const second = await post(other.url, '/v1/check-in', bytes, proof);
    expect({ ...second.json, time: '' }).toEqual({ ...first.json, time: '' });
    expect(await state()).toEqual(before);
    expect(await post(other.url, '/v1/check-in', bytes, proof)).toMatchObject({ status: 401, json: { code: 'proof-replayed' } });
    // The device has gone on: an old one tells no more than that.
    const old = await device.proof('/v1/check-in', bytes, 'kid');
    expect((await device.checkIn({ base: head, head })).status).toBe(200);
    const after = await state();
    const late = await post(other.url, '/v1/check-in', bytes, old);
    expect(late.json).toMatchObject({ want: 'full', ackSeq: after.ack_seq, decisions: [] });
    expect(await state()).toEqual(after);

    const joins = new TextEncoder().encode(
      JSON.stringify({ proto: 1, id: device.id, key: device.key, secret: admin.secret, platform: 'linux', hostname: 'h', user: 'u' }),
    );
    const joined = await device.proof('/v1/enroll', joins, 'jwk');
    const told = await post(admin.collector.url, '/v1/enroll', joins, joined);
    expect({ ...(await post(other.url, '/v1/enroll', joins, joined)).json, time: '' }).toEqual({ ...told.json, time: '' });
    expect(await state()).toEqual(after);
    // No proof opens anything else.
    for (const path of ['/api/v1/me', '/api/v1/devices']) {
      const answer = await fetch(`${other.url}${path}`, { headers: { dpop: proof } });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });
});

/** One that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
