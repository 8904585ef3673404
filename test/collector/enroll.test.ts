/** Enrolment over TCP: who may join, what is answered again, and what an administrator hears of. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EnrolmentAnswer } from '../../agent/wire.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { makeEnrolSecret } from '../../collector/store/secrets.ts';
import { inMemory } from './embedded.ts';
import { simulatedDevice } from './simulated-device.ts';

let collector: Collector;
let secret: string;

beforeAll(async () => {
  collector = await startCollector({ where: await inMemory(), log: createLog(() => {}), tenant: 'acme', port: 0 });
  secret = collector.first?.enrolSecret ?? '';
}, 60_000);
afterAll(() => collector.stop());

const db = () => collector.context.db;
const device = () => simulatedDevice(collector.url);
const rowOf = (id: string) => db().selectFrom('device').selectAll().where('id', '=', id).executeTakeFirst();
const used = async (id: string) =>
  (await db().selectFrom('enrol_secret').select('used').where('id', '=', id).executeTakeFirstOrThrow()).used;
const auditOf = async (id: string) =>
  (await db().selectFrom('audit').select(['action', 'alarm']).where('device', '=', id).orderBy('id').execute()).map(
    ({ action, alarm }) => `${action}${alarm ? '!' : ''}`,
  );

describe('a device that joins', () => {
  it('is enrolled once however often it asks, and may check in', async () => {
    const made = await makeEnrolSecret(db(), { label: 'one', quota: 1 }, new Date());
    const one = device();
    const before = await one.checkIn();
    expect(before.json['code']).toBe('unknown-device');
    const first = await one.enroll(made.secret, { tenant: 'acme', person: 'ann@acme.example', serial: 'C02X' });
    expect(EnrolmentAnswer.parse(first.json)).toMatchObject({ device: one.id, state: 'active', tenant: 'acme' });
    const { time: _, ...answer } = first.json;
    expect((await one.enroll(made.secret)).json).toMatchObject(answer);
    // The secret has no place left, and the key proves who asks.
    expect((await one.enroll('x'.repeat(43))).json).toMatchObject(answer);
    expect(await used(made.id)).toBe(1);
    // Remembered as unknown a moment ago.
    expect((await one.checkIn()).status).toBe(200);
    expect(await rowOf(one.id)).toMatchObject({ person: 'ann@acme.example', serial: 'C02X', key_x: one.key.x });
    expect(await auditOf(one.id)).toEqual(['device.enrolled']);
  });

  it('waits where the secret asks for approval, and goes on once approved', async () => {
    const made = await makeEnrolSecret(db(), { label: 'approval', approval: true }, new Date());
    const one = device();
    expect((await one.enroll(made.secret)).json).toMatchObject({ state: 'pending' });
    expect((await one.checkIn()).json['code']).toBe('device-pending');
    await db().updateTable('device').set({ state: 'active' }).where('id', '=', one.id).execute();
    collector.context.deviceKeys.forget(one.id);
    expect((await one.checkIn()).status).toBe(200);
    expect((await one.enroll(made.secret)).json).toMatchObject({ state: 'active' });
  });

  it('of many at once no more join than the secret has places', async () => {
    const made = await makeEnrolSecret(db(), { label: 'three', quota: 3 }, new Date());
    const answers = await Promise.all(Array.from({ length: 8 }, () => device().enroll(made.secret)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.filter(({ json }) => json['code'] === 'secret-refused')).toHaveLength(5);
    expect(await used(made.id)).toBe(3);
  });
});

describe('who is refused, without a row', () => {
  const past = new Date(Date.now() - 1000);
  const CASES = [
    ['a secret that nobody made', async () => 'mse_'.padEnd(47, 'x'), {}, {}, 403, 'secret-refused'],
    [
      'an expired secret',
      async () => (await makeEnrolSecret(db(), { label: 'past', expiresAt: past }, past)).secret,
      {},
      {},
      403,
      'secret-refused',
    ],
    ['a revoked secret', async () => revoked(), {}, {}, 403, 'secret-refused'],
    ['another organization', async () => secret, { tenant: 'globex' }, {}, 403, 'wrong-tenant'],
    ['a key that is no key', async () => secret, { key: { kty: 'OKP', crv: 'Ed25519', x: 'short' } }, {}, 422, 'not-understood'],
    ['a key that did not sign', async () => secret, { key: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } }, {}, 401, 'proof-signature'],
    [
      'a proof by id',
      async () => secret,
      {},
      { header: { jwk: undefined, kid: '00000000-0000-4000-8000-000000000000' } },
      401,
      'proof-invalid',
    ],
    ['no proof', async () => secret, {}, { proof: null }, 401, 'proof-missing'],
    ['a field too long', async () => secret, { hostname: 'h'.repeat(16_000) }, {}, 422, 'not-understood'],
    ['a field too many', async () => secret, { admin: true }, {}, 422, 'not-understood'],
  ] as const;
  for (const [name, make, more, wrong, status, code] of CASES) {
    it(name, async () => {
      const one = device();
      expect(await one.enroll(await make(), more, wrong)).toMatchObject({ status, json: { code } });
      expect(await rowOf(one.id)).toBeUndefined();
    });
  }

  async function revoked(): Promise<string> {
    const made = await makeEnrolSecret(db(), { label: 'revoked' }, new Date());
    await db().updateTable('enrol_secret').set({ revoked_at: new Date() }).where('id', '=', made.id).execute();
    return made.secret;
  }

  it('characters that no database takes are left out of names', async () => {
    const one = device();
    expect((await one.enroll(secret, { hostname: 'a\0b\ud800', person: '<script>' })).status).toBe(200);
    expect(await rowOf(one.id)).toMatchObject({ hostname: 'ab\ufffd', person: '<script>' });
  });
});

describe('what an administrator hears of', () => {
  it('an id with a second key is a clone, and the first device goes on', async () => {
    const one = device();
    await one.enroll(secret);
    const copy = simulatedDevice(collector.url, one.id);
    expect(await copy.enroll(secret)).toMatchObject({ status: 409, json: { code: 'id-taken' } });
    expect(await auditOf(one.id)).toEqual(['device.enrolled', 'enrol.id-taken!']);
    expect((await rowOf(one.id))?.state).toBe('clone');
    expect((await one.checkIn()).status).toBe(200);
    expect((await copy.checkIn()).json['code']).toBe('proof-signature');
  });

  it('a key under a second id', async () => {
    const one = device();
    await one.enroll(secret);
    const answer = await one.enroll(secret, { id: '00000000-0000-4000-8000-00000000000f' });
    expect(answer).toMatchObject({ status: 409, json: { code: 'key-taken' } });
  });

  it('the same computer and account with a new key is a re-enrolment, and the old key still proves itself', async () => {
    const [old, fresh, placeholder] = [device(), device(), device()];
    await old.enroll(secret, { serial: 'SER-1', user: 'user:ann' });
    await fresh.enroll(secret, { serial: 'SER-1', user: 'user:ann' });
    expect((await rowOf(old.id))?.replaced_by).toBe(fresh.id);
    expect(await auditOf(fresh.id)).toEqual(['device.re-enrolled']);
    expect((await old.checkIn()).status).toBe(200);
    await placeholder.enroll(secret, { serial: 'To Be Filled By O.E.M.' });
    expect((await rowOf(placeholder.id))?.serial).toBeNull();
  });
});

describe('secrets', () => {
  it('are in no table', async () => {
    const { rows } = await dump();
    expect(rows).toMatch(/first start/);
    expect(rows).not.toContain(secret);
    expect(rows).not.toContain(collector.first?.ownerToken);
  });

  it('cost whoever guesses them', async () => {
    const codes: unknown[] = [];
    for (let turn = 0; turn < 40; turn++) codes.push((await device().enroll('mse_'.padEnd(47, 'g'))).json['code']);
    expect(codes[0]).toBe('secret-refused');
    expect(codes.at(-1)).toBe('too-fast');
  });

  async function dump(): Promise<{ rows: string }> {
    const tables = ['tenant', 'setting', 'device', 'enrol_secret', 'token', 'audit'] as const;
    const all = await Promise.all(tables.map((table) => db().selectFrom(table).selectAll().execute()));
    return { rows: JSON.stringify(all) };
  }
});
