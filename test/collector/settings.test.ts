/** Settings of a running collector: who changes them, what they change on every replica, and that the housework goes by them. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headOf } from '../../agent/wire.ts';
import { apiAt } from '../../collector/admin/client.ts';
import { UsageError } from '../../collector/admin/command.ts';
import { COMMANDS } from '../../collector/admin/commands.ts';
import { createLog } from '../../collector/log.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { makePartitions } from '../../collector/store/partitions.ts';
import { cleanUp, keepDays } from '../../collector/store/retention.ts';
import { makeToken } from '../../collector/store/secrets.ts';
import { DEFAULT_SETTINGS, readSettings, SettingsChange } from '../../collector/store/settings.ts';
import { needs } from '../capability.ts';
import { inMemory } from './embedded.ts';
import { startPostgres } from './postgres.ts';
import { type SimulatedDevice, simulatedDevice, tool } from './simulated-device.ts';

const quiet = createLog(() => {});
const DAY_MS = 86_400_000;
const NOW = new Date();
const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS);
const dayOf = (date: Date) => date.toISOString().slice(0, 10);

type Answer = { status: number; etag: string | null; json: Record<string, unknown> };
const api =
  (collector: Collector, token: string) =>
  async (method: string, where: string, body?: unknown, version?: string | null): Promise<Answer> => {
    const response = await fetch(`${collector.url}/api/v1${where}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(version ? { 'if-match': version } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, etag: response.headers.get('etag'), json: (await response.json()) as Record<string, unknown> };
  };

let collector: Collector;
let owner: ReturnType<typeof api>;
beforeAll(async () => {
  collector = await startCollector({ where: await inMemory(), log: quiet, tenant: 'acme', port: 0, extend: [adminRoutes] });
  owner = api(collector, collector.first?.ownerToken ?? '');
}, 60_000);
afterAll(() => collector.stop());

const db = () => collector.context.db;
async function enrolled(): Promise<SimulatedDevice> {
  const device = simulatedDevice(collector.url);
  expect((await device.enroll(collector.first?.enrolSecret ?? '')).status).toBe(200);
  return device;
}
/** Against the version that is there. */
async function change(values: Record<string, unknown>): Promise<Answer> {
  return owner('PATCH', '/settings', values, (await owner('GET', '/settings')).etag);
}

describe('over the API', () => {
  it('shows defaults, changes what is named against its version, keeps the rest, and records before and after', async () => {
    const first = await owner('GET', '/settings');
    expect(first).toMatchObject({ status: 200, etag: '"0"', json: DEFAULT_SETTINGS });
    expect(await owner('PATCH', '/settings', { silentDays: 9 })).toMatchObject({ status: 428, json: { code: 'if-match-missing' } });
    const changed = await owner('PATCH', '/settings', { silentDays: 9, dueDays: 1 }, first.etag);
    expect(changed).toMatchObject({ status: 200, etag: '"1"', json: { ...DEFAULT_SETTINGS, silentDays: 9, dueDays: 1 } });
    // Somebody else had read the same.
    expect(await owner('PATCH', '/settings', { silentDays: 3 }, first.etag)).toMatchObject({
      status: 412,
      json: { code: 'changed-meanwhile' },
    });
    const back = await owner('PATCH', '/settings', { silentDays: null }, changed.etag);
    expect(back.json).toMatchObject({ silentDays: 7, dueDays: 1 });
    const rows = await db()
      .selectFrom('audit')
      .select(['actor', 'detail'])
      .where('action', '=', 'settings.changed')
      .orderBy('id')
      .execute();
    expect(rows.map(({ detail }) => detail)).toEqual([
      { before: { silentDays: 7, dueDays: 3 }, after: { silentDays: 9, dueDays: 1 } },
      { before: { silentDays: 9 }, after: { silentDays: 7 } },
    ]);
    expect(rows[0]?.actor).toMatch(/^owner:/);
  });

  it('takes nothing that is unknown, out of bounds or makes no sense together, and from nobody but an owner', async () => {
    const before = await owner('GET', '/settings');
    for (const wrong of [{ keepUsageDays: 1 }, { checkInMinutes: 0.5 }, { nothing: 1 }, { silentDays: 100, keepSilentDays: 50 }]) {
      expect(await owner('PATCH', '/settings', wrong, before.etag), JSON.stringify(wrong)).toMatchObject({
        json: { code: 'not-understood' },
      });
    }
    expect(await owner('GET', '/settings')).toEqual(before);
    const { token } = await makeToken(db(), { label: 'x', role: 'policy-admin' }, new Date());
    const other = api(collector, token);
    for (const answer of [await other('GET', '/settings'), await other('PATCH', '/settings', { dueDays: 2 }, before.etag)])
      expect(answer).toMatchObject({ status: 403, json: { code: 'forbidden' } });
  });

  it('from a terminal: shown, one set and set back, and nothing that is no setting', async () => {
    const at = apiAt(collector.url, collector.first?.ownerToken ?? '');
    const run = (...words: string[]) => COMMANDS['settings']?.run(at, words, {}, () => {}) ?? Promise.reject(new Error('no command'));
    expect((await run()).text).toMatch(/silentDays +7\n/);
    expect((await run('set', 'silentDays', '8')).text).toMatch(/^silentDays is 8 \(it was 7\)/);
    expect((await run('set', 'silentDays', 'default')).json).toMatchObject({ silentDays: 7 });
    for (const wrong of [['set', 'nothing', '1'], ['set', 'silentDays', 'x'], ['set', 'silentDays'], ['unset']])
      await expect(run(...wrong), wrong.join(' ')).rejects.toThrow(UsageError);
    await expect(run('set', 'silentDays', '-1')).rejects.toMatchObject({ code: 'not-understood' });
  });

  it('are described, each with its bounds', async () => {
    const { paths } = (await (await fetch(`${collector.url}/api/v1/openapi.json`)).json()) as {
      paths: Record<string, { patch: { requestBody: { content: Record<string, { schema: { properties: object } }> } } }>;
    };
    const properties = paths['/api/v1/settings']?.patch.requestBody.content['application/json']?.schema.properties ?? {};
    expect(Object.keys(properties).sort()).toEqual(Object.keys(SettingsChange.shape).sort());
    expect(JSON.stringify(properties)).toContain('"maximum":3650');
  });
});

describe('while it runs', () => {
  it('when devices come again, when a request is due, and how many requests an address may make', async () => {
    const device = await enrolled();
    expect((await device.full([tool('a')])).json['nextCheckInS']).toBe(3600);
    await change({ checkInMinutes: 30, dueDays: 10, requestsPerAddress: 10 });
    const head = headOf([]);
    const id = randomUUID();
    const request = {
      ...{
        id,
        item: 'a',
        itemName: 'A',
        identity: null,
        tier: null,
        dataClass: null,
        until: null,
        reason: 'x',
        state: 'open',
        added: null,
      },
      ...{ createdAt: NOW.toISOString(), updatedAt: NOW.toISOString() },
    };
    const answer = await device.checkIn({ base: head, head, requests: [request as never] });
    expect(answer.json['nextCheckInS']).toBe(1800);
    const { due_at } = await db().selectFrom('request').select('due_at').where('id', '=', id).executeTakeFirstOrThrow();
    expect(Math.round(((due_at?.getTime() ?? 0) - Date.now()) / DAY_MS)).toBe(10);
    const statuses = await Promise.all(
      Array.from({ length: 120 }, async () => (await fetch(`${collector.url}/v1/enroll`, { method: 'POST' })).status),
    );
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(30);
    await expect
      // Two requests a time: asked more often, the first would take what the second needs.
      .poll(async () => (await change({ checkInMinutes: null, dueDays: null, requestsPerAddress: null })).status, {
        timeout: 20_000,
        interval: 1000,
      })
      .toBe(200);
  });
});

describe('what is kept', () => {
  async function use(device: string, days: number) {
    await db()
      .insertInto('usage')
      .values({ device, day: dayOf(daysAgo(days)), item: 'tool:a', run_s: 1, front_s: 1, launches: 1 })
      .execute();
  }
  const months = async (table: string) => {
    const { rows } = await sql<{ name: string }>`
      select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid join pg_class parent on parent.oid = inhparent
      where parent.relname = ${table} order by 1`.execute(db());
    return rows.map(({ name }) => name);
  };
  const clean = async () => cleanUp(db(), NOW, keepDays(await readSettings(db())));

  it('drops whole months once the days are fewer, and single rows in months that a device may yet tell of', async () => {
    const device = await enrolled();
    await makePartitions(db(), daysAgo(300));
    for (const days of [300, 60, 3]) await use(device.id, days);
    const rows = async () =>
      (await db().selectFrom('usage').select('day').where('device', '=', device.id).orderBy('day').execute()).map(({ day }) => day);
    await clean();
    expect(await rows()).toHaveLength(3);
    const before = await months('usage');
    await change({ keepUsageDays: 30, keepEvidenceDays: 60 });
    expect(await clean()).toMatchObject({ usage: 1 });
    expect(await rows()).toEqual([dayOf(daysAgo(3))]);
    const after = await months('usage');
    expect(before.filter((name) => !after.includes(name)).length).toBeGreaterThan(3);
    // Use of a hundred days ago still has a place to go, and is gone after the next housework.
    await use(device.id, 100);
    expect(await clean()).toMatchObject({ partitions: 0, usage: 1 });
    await change({ keepUsageDays: null, keepEvidenceDays: null });
  });

  it('forgets a device that was silent for long, and nothing that something open, in force or on record needs', async () => {
    const [gone, asking, granted, recorded, revoked, recent] = await Promise.all(Array.from({ length: 6 }, enrolled));
    const all = [gone, asking, granted, recorded, revoked, recent].flatMap((device) => device?.id ?? []);
    for (const device of [gone, asking, granted, recorded, revoked, recent]) await device?.full([tool('kept'), tool(device.id)]);
    const old = daysAgo(500);
    const [goneId = '', askingId = '', grantedId = '', recordedId = '', revokedId = '', recentId = ''] = all;
    await db().updateTable('device').set({ last_seen: old, enrolled_at: old }).where('id', 'in', all.slice(0, 5)).execute();
    await db().updateTable('device').set({ state: 'revoked' }).where('id', '=', revokedId).execute();
    const request = (device: string, state: 'open' | 'approved' | 'denied') => {
      const id = randomUUID();
      const times = { created_at: old, updated_at: old, received_at: old };
      return { device, id, item: 'kept', item_name: 'Kept', reason: 'x', state, ...times };
    };
    const approve = async (device: string, until: Date) => {
      const approved = request(device, 'approved');
      const decision = {
        device,
        id: randomUUID(),
        request: approved.id,
        state: 'approved' as const,
        scope: 'device',
        until,
        at: old,
        decided_by: 'owner:x',
      };
      await db().insertInto('request').values(approved).execute();
      await db().insertInto('decision').values(decision).execute();
      const grant = {
        device,
        id: randomUUID(),
        tool: 'kept',
        status: 'approved' as const,
        reason: 'x',
        granted_by: 'owner',
        created_at: old,
      };
      await db()
        .insertInto('grant_row')
        .values({ ...grant, expires_at: until, request: approved.id, decision: decision.id })
        .execute();
      return approved.id;
    };
    await db()
      .insertInto('request')
      .values([request(askingId, 'open'), request(goneId, 'denied')])
      .execute();
    const standing = await approve(grantedId, new Date(NOW.getTime() + 30 * DAY_MS));
    const over = await approve(recentId, daysAgo(450));
    const row = { device: recordedId, chain: 1, seq: 1, received: dayOf(NOW), time: old, hash: 'x', row: '{}' };
    await db().insertInto('evidence_row').values(row).execute();

    // The closed request of the one that goes has gone by its own age.
    expect(await clean()).toMatchObject({ devices: 1, requests: 2, grants: 1 });
    const left = await db().selectFrom('device').select('id').where('id', 'in', all).execute();
    expect(left.map(({ id }) => id).sort()).toEqual(all.slice(1).sort());
    expect(await db().selectFrom('device_inventory').select('device').where('device', '=', goneId).execute()).toEqual([]);
    expect(await db().selectFrom('audit').select('device').where('action', '=', 'device.forgotten').execute()).toEqual([
      { device: goneId },
    ]);
    const kept = (await db().selectFrom('request').select('id').where('device', 'in', all).where('state', '=', 'approved').execute()).map(
      ({ id }) => id,
    );
    expect(kept).toEqual([standing]);
    expect(kept).not.toContain(over);
    // It comes back, and hears that it is to enrol.
    expect(await gone?.checkIn()).toMatchObject({ status: 401, json: { code: 'unknown-device' } });

    // The record of the third goes with its months; then the device.
    await sql`delete from evidence_row where device = ${recordedId}`.execute(db());
    expect(await clean()).toMatchObject({ devices: 1 });
  });
});

needs('postgres').it(
  'a setting changed at one replica counts at the other within half a minute',
  async () => {
    const cluster = await startPostgres();
    const where = { url: await cluster.database() };
    const start = () => startCollector({ where, log: quiet, tenant: 'acme', port: 0, extend: [adminRoutes] });
    const one = await start();
    const other = await start();
    try {
      const ask = api(one, one.first?.ownerToken ?? '');
      expect((await ask('PATCH', '/settings', { checkInMinutes: 90 }, '"0"')).status).toBe(200);
      expect(one.context.everyS).toBe(5400);
      await expect.poll(() => other.context.everyS, { timeout: 30_000, interval: 250 }).toBe(5400);
    } finally {
      await Promise.all([one.stop(), other.stop()]);
      cluster.end();
    }
  },
  60_000,
);
