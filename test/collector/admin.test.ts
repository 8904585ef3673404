/** The admin API over TCP: from a request to grants and policies that a device takes, and every list. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckInAnswer } from '../../agent/wire.ts';
import { postgresPrograms } from '../../build/capabilities.mjs';
import { type Administration, asks, headOfItems, payloadOf, server, startAdministration } from './administration.ts';
import { type Cluster, startPostgres } from './postgres.ts';
import { type SimulatedDevice, tool } from './simulated-device.ts';

let admin: Administration;
let cluster: Cluster | null = null;
// On PostgreSQL where there is one; test/collector/security.test.ts decides and publishes on the embedded database.
beforeAll(async () => {
  cluster = postgresPrograms() === null ? null : await startPostgres();
  admin = await startAdministration(cluster ? { where: { url: await cluster.database() } } : {});
}, 60_000);
afterAll(async () => {
  await admin.stop();
  cluster?.end();
});

const ITEMS = [tool('ollama'), tool('cursor'), server('files')];
const quiet = async (device: SimulatedDevice, items = ITEMS, more: Record<string, unknown> = {}) => {
  const answer = await device.checkIn({ base: headOfItems(items), head: headOfItems(items), ...more });
  return answer.json as unknown as CheckInAnswer;
};
const grantsOf = ({ trust }: CheckInAnswer) =>
  trust === 'current' || trust.grants === undefined ? null : payloadOf('grants', trust.grants);
const etagOf = async (id: string) => (await admin.ask('GET', `/requests/${id}`)).etag ?? '';
const decide = async (id: string, body: Record<string, unknown>, call = admin.ask) =>
  call('POST', `/requests/${id}/decision`, { reason: 'Because.', ...body }, { 'if-match': await etagOf(id) });

describe('a decision', () => {
  it('for the device reaches that device with its next check-in, as a signed grant and as words', async () => {
    const [device, other] = [await admin.enrolled({}, ITEMS), await admin.enrolled({}, ITEMS)];
    const { id } = await asks(device, ITEMS);
    expect((await admin.ask('GET', `/requests/${id}`)).json).toMatchObject({
      state: 'open',
      item: 'ollama',
      overdue: false,
      decisions: [],
    });
    const decided = await decide(id, { answer: 'approve', until: '2027-01-31', reason: 'Good for the pilot.' });
    expect([decided.status, decided.json]).toMatchObject([200, { devices: 1 }]);
    const answer = await quiet(device);
    expect(answer.decisions).toMatchObject([
      { request: id, state: 'approved', reason: 'Good for the pilot.', until: '2027-01-31T00:00:00.000Z' },
    ]);
    expect(grantsOf(answer)).toMatchObject({
      device: device.id,
      audience: 'acme',
      grants: [
        {
          tool: 'ollama',
          status: 'approved',
          expiresAt: '2027-01-31T00:00:00.000Z',
          reason: 'Good for the pilot.',
          requestId: id,
          grantedBy: 'owner',
        },
      ],
    });
    expect(grantsOf(await quiet(other))).toBeNull();
    const items = (await admin.ask('GET', `/devices/${device.id}/items`)).json.items;
    expect(items.find(({ key }: { key: string }) => key === 'tool:ollama')).toMatchObject({ status: 'approved' });
    expect((await decide(id, { answer: 'deny' })).json).toMatchObject({ code: 'already-decided' });
  });

  it('for the person reaches all their devices, also one that is enrolled later', async () => {
    const person = 'Ada@Acme.example';
    const [one, two] = [await admin.enrolled({ person }, ITEMS), await admin.enrolled({ person: 'ada@acme.example' }, ITEMS)];
    const { id } = await asks(one, ITEMS, { item: 'mcp:files', itemName: 'files', identity: 'npm:@acme/files' });
    expect((await decide(id, { answer: 'approve', scope: { kind: 'person' } })).json).toMatchObject({ devices: 2 });
    for (const device of [one, two]) expect(grantsOf(await quiet(device))?.grants).toMatchObject([{ mcp: 'npm:@acme/files' }]);
    const third = await admin.enrolled({}, ITEMS);
    expect((await admin.ask('PUT', `/devices/${third.id}/person`, { person: 'ADA@acme.example', reason: 'asset list' })).status).toBe(200);
    expect(grantsOf(await quiet(third))?.grants).toHaveLength(1);
    await admin.ask('PUT', `/devices/${third.id}/person`, { person: null, reason: 'handed back' });
    expect(grantsOf(await quiet(third))?.grants).toEqual([]);
  });

  it('for a group follows who is in it, and what was taken back by hand stays taken back', async () => {
    const [asking, member, late] = [
      await admin.enrolled({}, ITEMS),
      await admin.enrolled({}, ITEMS),
      await admin.enrolled({ person: 'late@acme.example' }, ITEMS),
    ];
    const group = (await admin.ask('POST', '/groups', { name: 'pilot' })).json.id;
    expect((await admin.ask('POST', '/groups', { name: 'pilot' })).json).toMatchObject({ code: 'exists' });
    await admin.ask('POST', `/groups/${group}/members`, { device: member.id });
    const { id } = await asks(asking, ITEMS, { item: 'cursor', itemName: 'Cursor' });
    expect((await decide(id, { answer: 'approve', scope: { kind: 'group', group } })).json).toMatchObject({ devices: 1 });
    expect(grantsOf(await quiet(member))?.grants).toMatchObject([{ tool: 'cursor' }]);
    // The device that asked is not of the group.
    expect(grantsOf(await quiet(asking))).toBeNull();
    expect((await admin.ask('POST', `/groups/${group}/members`, { person: 'Late@acme.example' })).json).toEqual({ devices: 1 });
    expect(grantsOf(await quiet(late))?.grants).toHaveLength(1);
    const [held] = (await admin.ask('GET', `/devices/${late.id}/grants`)).json.items;
    expect((await admin.ask('DELETE', `/devices/${late.id}/grants/${held.id}`, { reason: 'left the pilot' })).status).toBe(200);
    await admin.ask('POST', `/groups/${group}/members`, { device: asking.id });
    expect(grantsOf(await quiet(late))?.grants).toEqual([]);
    expect((await admin.ask('DELETE', `/groups/${group}/members`, { device: member.id })).json).toEqual({ devices: 1 });
    expect(grantsOf(await quiet(member))?.grants).toEqual([]);
    const [decision] = (await admin.ask('GET', `/requests/${id}`)).json.decisions;
    expect((await admin.ask('DELETE', `/decisions/${decision.id}`, { reason: 'the pilot is over' })).json).toEqual({ devices: 1 });
    expect(grantsOf(await quiet(asking))?.grants).toEqual([]);
    expect((await admin.ask('DELETE', `/decisions/${decision.id}`, { reason: 'again' })).status).toBe(404);
  });

  it('that asks back waits for the employee’s answer, and then is decided', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const request = await asks(device, ITEMS);
    const dueAt = '2026-12-01T00:00:00.000Z';
    expect((await decide(request.id, { answer: 'ask', reason: 'Which data?', dueAt })).status).toBe(200);
    expect((await quiet(device)).decisions).toMatchObject([{ state: 'needs-info', reason: 'Which data?', dueAt }]);
    await quiet(device, ITEMS, { requests: [{ ...request, added: 'Only public.', updatedAt: '2026-11-21T10:00:00.000Z' }] });
    expect((await admin.ask('GET', `/requests/${request.id}`)).json).toMatchObject({ state: 'open', added: 'Only public.', version: 3 });
    expect((await decide(request.id, { answer: 'deny', reason: 'Use the other one.' })).status).toBe(200);
    const answer = await quiet(device);
    expect(answer.decisions).toMatchObject([{ state: 'denied', reason: 'Use the other one.' }]);
    expect(grantsOf(answer)).toBeNull();
  });

  it('is made by one of two administrators who read the same, and the other is told', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { id } = await asks(device, ITEMS);
    const etag = await etagOf(id);
    const answers = await Promise.all(
      (['approve', 'deny', 'ask'] as const).map((answer) =>
        admin.ask('POST', `/requests/${id}/decision`, { answer, reason: 'Mine.' }, { 'if-match': etag }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    expect((await admin.ask('POST', `/requests/${id}/decision`, { answer: 'deny', reason: 'x' })).json).toMatchObject({
      code: 'if-match-missing',
      status: 428,
    });
    expect((await admin.ask('POST', `/requests/${id}/decision`, { answer: 'deny', reason: 'x' }, { 'if-match': '*' })).status).toBe(412);
  });

  it('is nobody’s about themselves, an owner’s where nobody knows whose device it is, and of what is known', async () => {
    const [ada, bob, nobody] = [
      await admin.token('approver', 'ada@acme.example'),
      await admin.token('approver', 'bob@acme.example'),
      await admin.token('approver'),
    ];
    const [hers, anybodys] = [await admin.enrolled({ person: 'Ada@acme.example' }, ITEMS), await admin.enrolled({}, ITEMS)];
    const [own, strange] = [await asks(hers, ITEMS), await asks(anybodys, ITEMS)];
    expect((await decide(own.id, { answer: 'approve' }, ada)).json).toMatchObject({ code: 'own-request' });
    expect((await decide(own.id, { answer: 'deny' }, ada)).json).toMatchObject({ code: 'own-request' });
    expect((await decide(own.id, { answer: 'approve' }, nobody)).json).toMatchObject({ code: 'nobody-decides' });
    expect((await decide(strange.id, { answer: 'approve' }, bob)).json).toMatchObject({ code: 'owner-decides' });
    expect((await decide(own.id, { answer: 'approve', tiers: ['imperial'] }, bob)).json).toMatchObject({ code: 'not-a-choice' });
    expect((await decide(own.id, { answer: 'approve', dataClasses: ['secret'] }, bob)).json).toMatchObject({ code: 'not-a-choice' });
    expect((await decide(own.id, { answer: 'approve', until: '2020-01-01' }, bob)).json).toMatchObject({ code: 'wrong-end' });
    expect((await decide(own.id, { answer: 'deny', scope: { kind: 'person' } }, bob)).json).toMatchObject({ code: 'not-understood' });
    expect((await decide(strange.id, { answer: 'approve', scope: { kind: 'person' } })).json).toMatchObject({ code: 'no-person' });
    const unnamed = await asks(hers, ITEMS, { item: 'mcp:files', identity: null });
    expect((await decide(unnamed.id, { answer: 'approve' }, bob)).json).toMatchObject({ code: 'no-identity' });
    expect((await admin.ask('GET', `/requests/${own.id}`)).json).toMatchObject({ state: 'open', version: 1 });
    expect((await decide(own.id, { answer: 'approve' }, bob)).status).toBe(200);
  });

  it('is kept while the signer is away, and signed when it is back', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { id } = await asks(device, ITEMS);
    process.kill(admin.signer.pid() ?? 0, 'SIGKILL');
    expect((await decide(id, { answer: 'approve' })).status).toBe(200);
    expect((await quiet(device)).decisions).toHaveLength(1);
    const other = await asks(device, ITEMS, { item: 'cursor' });
    await expect
      .poll(
        () =>
          admin.signer.signer.identity().then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await decide(other.id, { answer: 'approve' });
    expect(
      grantsOf(await quiet(device))
        ?.grants.map((grant) => grant.tool)
        .sort(),
    ).toEqual(['cursor', 'ollama']);
    expect((await admin.ask('GET', '/policy')).json).toMatchObject({ grantsWaiting: 0 });
  });
});

describe('a policy', () => {
  const POLICY = {
    schema: 'muster.policy/1',
    rev: 1,
    organization: { name: 'Acme', accountDomains: ['acme.example'] },
    dataClasses: [{ id: 'public', label: 'Public' }],
    tools: [{ id: 't1', tool: 'cursor', status: 'prohibited', reason: 'Not reviewed.' }],
    mcp: { stance: 'tolerated' },
  };
  const draft = async (policy: unknown) => {
    const made = await admin.ask('POST', '/policy/drafts', { title: 'Next', text: JSON.stringify(policy) });
    expect(made.status).toBe(201);
    return made.json.id as string;
  };
  const publish = (id: string, version: number) =>
    admin.ask('POST', `/policy/drafts/${id}/publish`, undefined, { 'if-match': `"${version}"` });

  it('is published only as it was simulated, and then every device gets it and every verdict is of it', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const id = await draft({ ...POLICY, stance: 'anything' });
    expect((await admin.ask('POST', `/policy/drafts/${id}/check`)).json).toMatchObject({ ok: false });
    expect((await admin.ask('POST', `/policy/drafts/${id}/simulate`)).json).toMatchObject({ code: 'policy-invalid' });
    expect((await admin.ask('PUT', `/policy/drafts/${id}`, { text: JSON.stringify(POLICY) })).json).toMatchObject({
      code: 'if-match-missing',
    });
    expect((await admin.ask('PUT', `/policy/drafts/${id}`, { text: JSON.stringify(POLICY) }, { 'if-match': '"1"' })).json).toMatchObject({
      version: 2,
    });
    expect((await publish(id, 2)).json).toMatchObject({ code: 'not-simulated' });
    const simulation = (await admin.ask('POST', `/policy/drafts/${id}/simulate`)).json;
    const cursor = simulation.items.find(({ item }: { item: string }) => item === 'tool:cursor');
    // One device was granted it above, and keeps it.
    expect(cursor.to).toEqual({ prohibited: cursor.devices - 1, approved: 1 });
    expect(cursor.changed).toBe(cursor.devices - 1);
    expect(simulation).toMatchObject({ against: 0, unusedRules: [] });
    await admin.ask('PUT', `/policy/drafts/${id}`, { title: 'Changed after' }, { 'if-match': '"2"' });
    expect((await publish(id, 3)).json).toMatchObject({ code: 'not-simulated' });
    await admin.ask('POST', `/policy/drafts/${id}/simulate`);
    expect((await publish(id, 2)).status).toBe(412);
    const published = await publish(id, 3);
    expect([published.status, published.json]).toMatchObject([200, { rev: 1 }]);
    expect((await publish(id, 3)).status).toBe(404);
    const { trust } = await quiet(device);
    if (trust === 'current') throw new Error('no policy came');
    expect(payloadOf('policy', trust.policy ?? '')).toMatchObject({ rev: 1, audience: 'acme' });
    expect((await admin.ask('GET', '/policy')).json).toMatchObject({ rev: 1, policy: { tools: [{ id: 't1' }] } });
    const tools = (await admin.ask('GET', '/tools')).json.items;
    expect(tools.find((row: { tool: string }) => row.tool === 'cursor').verdicts).toMatchObject({ prohibited: expect.any(Number) });
    const servers = (await admin.ask('GET', '/mcp-servers')).json.items;
    expect(servers).toMatchObject([{ identity: 'npm:@acme/files', riskLevel: 'medium', clients: ['claude-code'] }]);
    // Where it is granted it is approved, and elsewhere as the policy says.
    expect(servers[0].verdicts.tolerated).toBeGreaterThan(0);
    expect(Object.values(servers[0].verdicts as Record<string, number>).reduce((a, b) => a + b)).toBe(servers[0].entries);
  });

  it('for everyone comes from a decision as a draft that was simulated, and decides when it is published', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { id } = await asks(device, ITEMS, { item: 'cursor', itemName: 'Cursor' });
    const proposed = await decide(id, { answer: 'approve', scope: { kind: 'everyone' }, dataClasses: ['public'], reason: 'Reviewed.' });
    expect(proposed.status).toBe(202);
    expect(proposed.json.simulation.items.find(({ item }: { item: string }) => item === 'tool:cursor').to).toHaveProperty('conditional');
    expect((await admin.ask('GET', `/requests/${id}`)).json).toMatchObject({ state: 'open' });
    expect((await publish(proposed.json.draft, 1)).json).toMatchObject({ rev: 2 });
    expect((await admin.ask('GET', `/requests/${id}`)).json).toMatchObject({ state: 'approved', decisions: [{ scope: 'everyone' }] });
    const answer = await quiet(device);
    expect(answer.decisions).toMatchObject([{ state: 'approved', dataClasses: ['public'] }]);
    if (answer.trust === 'current') throw new Error('no policy came');
    const { policy } = (await admin.ask('GET', '/policy')).json;
    // The rule that forbade the very same is gone, and the rest is as it was.
    expect(policy).toMatchObject({
      rev: 2,
      organization: { name: 'Acme' },
      tools: [{ tool: 'cursor', status: 'approved', dataClasses: ['public'] }],
    });
  });

  it('for everyone is to be reviewed by the end that was given, and leaves the request open where the rule was edited away', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { id } = await asks(device, ITEMS);
    const until = new Date(Date.now() + 30 * 86_400_000).toISOString();
    const { draft: proposed, simulation } = (await decide(id, { answer: 'approve', scope: { kind: 'everyone' }, until })).json;
    expect((await admin.ask('GET', `/policy/drafts/${proposed}/simulation`)).json.items).toHaveLength(simulation.items.length);
    const { text } = (await admin.ask('GET', `/policy/drafts/${proposed}`)).json;
    const { tools, ...rest } = JSON.parse(text);
    const mine = tools.find((rule: { id: string }) => rule.id === `request-${id.slice(0, 8)}`);
    expect(mine).toMatchObject({ status: 'approved', reviewBy: until.slice(0, 10) });
    const edited = JSON.stringify({ ...rest, tools: tools.filter((rule: unknown) => rule !== mine) });
    await admin.ask('PUT', `/policy/drafts/${proposed}`, { text: edited }, { 'if-match': '"1"' });
    await admin.ask('POST', `/policy/drafts/${proposed}/simulate`);
    expect((await publish(proposed, 2)).status).toBe(200);
    expect((await admin.ask('GET', `/requests/${id}`)).json).toMatchObject({ state: 'open', decisions: [] });
    expect((await admin.ask('GET', `/audit?action=request.left-open&device=${device.id}`)).json.items).toMatchObject([{ subject: id }]);
    const [newest] = (await admin.ask('GET', '/policy/versions')).json.items;
    const version = (await admin.ask('GET', `/policy/versions/${newest.keySetRev}/${newest.rev}`)).json;
    expect([version.hash, JSON.parse(version.text).rev]).toEqual([newest.hash, newest.rev]);
    expect((await admin.ask('GET', `/policy/versions/${newest.keySetRev}/${newest.rev + 1}`)).status).toBe(404);
  });

  it('that was simulated against another than is published now is simulated anew first', async () => {
    const [one, two] = [await draft(POLICY), await draft({ ...POLICY, stance: 'tolerated' })];
    for (const id of [one, two]) await admin.ask('POST', `/policy/drafts/${id}/simulate`);
    expect((await publish(one, 1)).status).toBe(200);
    expect((await publish(two, 1)).json).toMatchObject({ code: 'not-simulated' });
    expect((await admin.ask('GET', '/policy/versions')).json.items.map(({ rev }: { rev: number }) => rev)).toEqual([4, 3, 2, 1]);
  });
});

describe('lists', () => {
  it('are every list that the description has: in pages that miss nothing and repeat nothing, and whole as CSV', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { id } = await asks(device, ITEMS);
    const group = (await admin.ask('POST', '/groups', { name: 'of three' })).json.id;
    for (const one of ['a', 'b', 'c']) await admin.ask('POST', `/groups/${group}/members`, { person: `${one}@acme.example` });
    await decide(id, { answer: 'approve' });
    const propose = async (item: string) => {
      const asked = await asks(device, ITEMS, { item, itemName: item });
      return (await decide(asked.id, { answer: 'approve', scope: { kind: 'everyone' } })).json.draft as string;
    };
    await admin.ask('POST', `/policy/drafts/${await propose('ollama')}/publish`, undefined, { 'if-match': '"1"' });
    const draft = await propose('cursor');
    const { db } = admin.collector.context;
    const [at, received] = [new Date(), new Date().toISOString().slice(0, 10)];
    for (const seq of [1, 2, 3]) {
      await db
        .insertInto('evidence_row')
        .values({ device: device.id, chain: 1, seq, received, time: at, hash: `${seq}`, row: '{}' })
        .execute();
      const who = { issuer: 'x', subject: 'x', person: 'x@acme.example', role: 'viewer' } as const;
      const times = { created_at: at, seen_at: at, expires_at: at };
      await db
        .insertInto('session')
        .values({ id: randomUUID(), hash: `${seq}`, attempt: `${seq}`, ...who, ...times })
        .execute();
    }
    const named: Record<string, string> = {
      '/devices/{id}/items': `/devices/${device.id}/items`,
      '/devices/{id}/grants': `/devices/${device.id}/grants`,
      '/groups/{id}/members': `/groups/${group}/members`,
      '/policy/drafts/{id}/simulation': `/policy/drafts/${draft}/simulation`,
      '/tools/{tool}/devices': '/tools/ollama/devices',
      '/mcp-servers/devices': '/mcp-servers/devices?identity=npm:@acme/files',
    };
    const { paths } = (await (await fetch(`${admin.collector.url}/api/v1/openapi.json`)).json()) as {
      paths: Record<string, { get?: { parameters?: { name: string }[]; responses: Record<string, unknown> } }>;
    };
    const reading = Object.entries(paths).filter(([url, { get }]) => url.startsWith('/api/v1/') && get);
    const lists = reading
      .filter(([, { get }]) => get?.parameters?.some(({ name }) => name === 'format'))
      .map(([url]) => url.slice('/api/v1'.length));
    // Whatever answers with rows is a list.
    const rows = reading.filter(([, { get }]) =>
      /"schema":\{"type":"object","properties":\{"items":/.test(JSON.stringify(get?.responses['200'] ?? {})),
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(([url]) => url.slice('/api/v1'.length)).filter((url) => !lists.includes(url))).toEqual([]);
    expect(lists.length).toBeGreaterThanOrEqual(18);
    for (const list of lists) {
      const url = named[list] ?? list;
      expect([list, url.includes('{')]).toEqual([list, false]);
      const and = url.includes('?') ? '&' : '?';
      const all = (await admin.ask('GET', `${url}${and}limit=500`)).json.items;
      expect([list, all.length > 0]).toEqual([list, true]);
      const seen: unknown[] = [];
      const limit = Math.max(1, Math.floor(all.length / 3));
      for (let next: string | null = ''; next !== null; ) {
        const page = await admin.ask('GET', `${url}${and}limit=${limit}${next ? `&cursor=${next}` : ''}`);
        expect([url, page.status]).toEqual([url, 200]);
        seen.push(...page.json.items);
        next = page.json.next;
      }
      const comparable = (row: unknown) => JSON.stringify(row).replace(/"(asOf|ageHours)":[^,}]*/g, '');
      expect([list, seen.map(comparable)]).toEqual([list, all.map(comparable)]);
      const csv = await admin.ask('GET', `${url}${and}format=csv`);
      expect(csv.headers.get('content-type')).toContain('text/csv');
      expect([list, csv.text.trimEnd().split('\r\n').length]).toEqual([list, all.length + 1]);
      expect([list, (await admin.ask('GET', `${url}${and}cursor=zzz`)).status]).toEqual([list, 422]);
    }
  });

  it('of requests and decisions find by person, item, state, scope and whether they still count', async () => {
    const device = await admin.enrolled({ person: 'fay@acme.example' }, ITEMS);
    const [one, two] = [await asks(device, ITEMS), await asks(device, ITEMS, { item: 'cursor', itemName: 'Cursor' })];
    const ids = async (url: string) =>
      (await admin.ask('GET', url)).json.items.map(({ request, id }: { request?: string; id: string }) => request ?? id);
    expect(await ids('/requests?person=FAY@acme.example&state=open')).toEqual([one.id, two.id]);
    expect(await ids('/requests?person=FAY@acme.example&item=cursor')).toEqual([two.id]);
    await decide(one.id, { answer: 'approve', scope: { kind: 'person' } });
    await decide(two.id, { answer: 'deny' });
    expect(await ids(`/decisions?device=${device.id}`)).toEqual([two.id, one.id]);
    expect(await ids(`/decisions?device=${device.id}&state=denied`)).toEqual([two.id]);
    expect(await ids(`/decisions?device=${device.id}&scope=person`)).toEqual([one.id]);
    expect(await ids(`/decisions?device=${device.id}&standing=true`)).toEqual([one.id]);
    expect(await ids(`/decisions?item=cursor&device=${device.id}`)).toEqual([two.id]);
    expect(await ids(`/decisions?device=${device.id}&since=2999-01-01`)).toEqual([]);
    const [row] = (await admin.ask('GET', `/decisions?device=${device.id}&scope=person`)).json.items;
    expect(row).toMatchObject({
      person: 'fay@acme.example',
      item: 'ollama',
      reason: 'Because.',
      decidedBy: expect.stringMatching(/^owner:/),
    });
    await admin.ask('DELETE', `/decisions/${row.id}`, { reason: 'over' });
    expect(await ids(`/decisions?device=${device.id}&standing=true`)).toEqual([]);
  });

  it('of the audit and of evidence find by who, what, where and when', async () => {
    const device = await admin.enrolled({}, ITEMS);
    const { db } = admin.collector.context;
    const rows = [
      { time: new Date('2026-01-01T10:00:00Z'), kind: 'verdict', item: 'tool:cursor', decision: 'prohibited' },
      { time: new Date('2026-02-01T10:00:00Z'), kind: 'verdict', item: 'tool:ollama', decision: 'approved' },
      { time: new Date('2026-03-01T10:00:00Z'), kind: 'grant', item: 'tool:ollama', decision: null },
    ];
    const received = new Date().toISOString().slice(0, 10);
    for (const [seq, row] of rows.entries())
      await db
        .insertInto('evidence_row')
        .values({ ...row, device: device.id, chain: 1, seq, received, hash: `${seq}`, row: '{}' })
        .execute();
    const evidence = async (query: string) =>
      (await admin.ask('GET', `/evidence?device=${device.id}&${query}`)).json.items.map(({ seq }: { seq: number }) => seq);
    expect(await evidence('')).toEqual([0, 1, 2]);
    expect(await evidence('kind=verdict')).toEqual([0, 1]);
    expect(await evidence('item=tool:ollama')).toEqual([1, 2]);
    expect(await evidence('decision=approved')).toEqual([1]);
    expect(await evidence('since=2026-01-15&until=2026-02-15')).toEqual([1]);
    expect((await admin.ask('GET', '/evidence?since=yesterday')).status).toBe(422);

    const { id } = (await admin.ask('GET', '/me')).json;
    await admin.ask('PUT', `/devices/${device.id}/person`, { person: 'gus@acme.example', reason: 'asset list' });
    const audit = async (query: string) =>
      (await admin.ask('GET', `/audit?device=${device.id}&${query}`)).json.items.map(({ action }: { action: string }) => action);
    expect(await audit(`actor=owner:${id}&action=device.tied`)).toEqual(['device.tied']);
    expect(await audit('subject=gus@acme.example')).toEqual(['device.tied']);
    expect(await audit('actor=device')).toEqual(['device.enrolled']);
    expect(await audit('alarm=true')).toEqual([]);
    expect(await audit(`until=${received}`)).toEqual([]);
    expect((await audit(`since=${received}`)).length).toBeGreaterThan(1);
  });

  it('of devices tell the silent ones, the waiting ones, and find by name', async () => {
    const { secret } = (await admin.ask('POST', '/enrol-secrets', { label: 'waits', approval: true, quota: 1 })).json;
    const { simulatedDevice } = await import('./simulated-device.ts');
    const device = simulatedDevice(admin.collector.url);
    expect((await device.enroll(secret, { hostname: '100%_sure' })).json).toMatchObject({ state: 'pending' });
    expect((await device.checkIn({ base: headOfItems([]), head: headOfItems([]) })).status).toBe(403);
    expect((await admin.ask('GET', '/devices?state=pending')).json.items).toMatchObject([{ id: device.id }]);
    expect((await admin.ask('GET', `/devices?q=${encodeURIComponent('0%_s')}`)).json.items).toMatchObject([{ id: device.id }]);
    expect((await admin.ask('GET', `/devices?q=${encodeURIComponent('0%%s')}`)).json.items).toEqual([]);
    expect((await admin.ask('POST', `/devices/${device.id}/approve`, { reason: 'known' })).json).toMatchObject({ state: 'active' });
    expect((await device.full([tool('ollama')])).status).toBe(200);
    await admin.collector.context.db
      .updateTable('device')
      .set({ last_seen: new Date(Date.now() - 8 * 86_400_000) })
      .where('id', '=', device.id)
      .execute();
    expect((await admin.ask('GET', '/devices?silent=true')).json.items).toMatchObject([{ id: device.id, silent: true }]);
    await admin.ask('PATCH', '/settings', { silentDays: 10 }, { 'if-match': (await admin.ask('GET', '/settings')).etag ?? '' });
    expect((await admin.ask('GET', '/devices?silent=true')).json.items).toEqual([]);
    expect((await admin.ask('POST', `/devices/${device.id}/revoke`, { reason: 'lost' })).json).toMatchObject({ state: 'revoked' });
    expect((await device.full([tool('ollama')])).json).toMatchObject({ code: 'device-revoked' });
    expect((await admin.ask('POST', `/devices/${device.id}/approve`, { reason: 'x' })).json).toMatchObject({ code: 'wrong-state' });
  });

  it('of a named person’s inventory are themselves recorded, once for each reading', async () => {
    const device = await admin.enrolled({ person: 'eve@acme.example' }, ITEMS);
    const read = async () => (await admin.ask('GET', `/audit?action=inventory.read&device=${device.id}`)).json.items;
    expect(await read()).toEqual([]);
    await admin.ask('GET', `/devices/${device.id}/items`);
    await admin.ask('GET', `/devices/${device.id}/items?format=csv`);
    expect(await read()).toMatchObject([{ subject: 'eve@acme.example' }, { subject: 'eve@acme.example' }]);
    expect(
      (await admin.ask('GET', '/tools/ollama/devices?limit=500')).json.items.map(({ device: id }: { device: string }) => id),
    ).toContain(device.id);
    expect(
      (await admin.ask('GET', '/mcp-servers/devices?identity=npm:@acme/files&limit=500')).json.items.map(
        ({ device: id }: { device: string }) => id,
      ),
    ).toContain(device.id);
    expect((await admin.ask('GET', `/audit?action=holders.read&subject=tool:ollama`)).json.items.length).toBeGreaterThan(0);
    const evidence = async () => (await admin.ask('GET', `/audit?action=evidence.read&device=${device.id}`)).json.items;
    await admin.ask('GET', `/evidence?device=${device.id}`);
    expect(await evidence()).toMatchObject([{ subject: 'eve@acme.example' }]);
    const nobodys = await admin.enrolled({}, ITEMS);
    await admin.ask('GET', `/evidence?device=${nobodys.id}`);
    await admin.ask('GET', `/devices/${nobodys.id}/items`);
    expect((await admin.ask('GET', `/audit?device=${nobodys.id}`)).json.items.map(({ action }: { action: string }) => action)).toEqual([
      'device.enrolled',
    ]);
  });
});
