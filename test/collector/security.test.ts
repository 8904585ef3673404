/** Who gets in where, what is kept of secrets, and that nothing a device writes does anything in what administrators read. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../../collector/admin/command-line.ts';
import { printable } from '../../collector/admin/table.ts';
import { cell, csvLine } from '../../collector/csv.ts';
import { PERMISSIONS, type Permission } from '../../collector/permissions.ts';
import { atLeast, ROLES } from '../../collector/roles.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import type { Role } from '../../collector/store/schema.ts';
import { hashSecret } from '../../collector/tokens.ts';
import { type Administration, asks, type Call, headOfItems, server, startAdministration } from './administration.ts';
import { simulatedDevice, tool } from './simulated-device.ts';

type Route = { method: string; url: string; permission: Permission | 'any' | 'nobody' | undefined };
const routes: Route[] = [];
/** Every route of the whole application, as its router has them. */
let everyRoute: () => { url: string; methods: string[] }[];
let admin: Administration;
const calls = new Map<Role, Call>();
/** When the collector's clock stands still, in ms. */
let standing: number | undefined;

beforeAll(async () => {
  admin = await startAdministration({
    // Each test has an address of its own, so that only the one about rates meets them.
    trustProxy: true,
    now: () => new Date(standing ?? Date.now()),
    extend: [
      async (app, context) => {
        app.addHook('onRoute', ({ method, url, config }) => {
          for (const one of [method].flat()) routes.push({ method: one, url, permission: config?.permission });
        });
        await adminRoutes(app, context);
        everyRoute = () => readTree(app.printRoutes({ commonPrefix: false }));
      },
    ],
  });
  for (const role of ROLES) calls.set(role, await admin.token(role, `${role}@acme.example`));
}, 60_000);
afterAll(() => admin.stop());

/** The router's drawing of its tree: a branch's name continues the one that it hangs on. */
function readTree(drawn: string) {
  const path: string[] = [];
  return drawn.split('\n').flatMap((line) => {
    const [, before = '', name = '', methods] = /^((?:│ {3}| {4})*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    if (!/[├└]/.test(line)) return [];
    path.splice(before.length / 4, path.length, name);
    return methods === undefined ? [] : [{ url: path.join(''), methods: methods.split(', ') }];
  });
}

let address = 0;
const fromSomewhere = () => ({ 'x-forwarded-for': `10.${(++address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}` });
const addressOf = ({ url }: Route) => url.replace('/api/v1', '').replaceAll(/:\w+/g, randomUUID());
/** A body that is no valid one: whoever may call the route is refused for it, and nothing is changed. */
const bodyOf = ({ method }: Route) => (method === 'GET' || method === 'HEAD' ? undefined : { strange: true });
const guarded = () => routes.filter(({ permission }) => permission !== 'nobody');
const eachRoute = async (ask: (route: Route) => Promise<{ status: number }>, among: readonly Route[] = guarded()) => {
  const answers: [string, number][] = [];
  for (const route of among) answers.push([`${route.method} ${route.url}`, (await ask(route)).status]);
  return answers;
};

describe('every route of the admin API', () => {
  it('is seen here, says its permission, and changes nothing with one for reading', () => {
    expect(routes.length).toBeGreaterThan(60);
    expect(routes.filter(({ permission }) => permission === undefined)).toEqual([]);
    const writing = routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    const reading = writing.filter(({ permission }) => permission?.endsWith(':read')).map(({ url }) => url);
    expect(reading).toEqual(['/api/v1/policy/check', '/api/v1/policy/drafts/:id/check']);
    const open = (wanted: string) => [...new Set(routes.filter(({ permission }) => permission === wanted).map(({ url }) => url))].sort();
    expect(open('any')).toEqual(['/api/v1/me', '/api/v1/sign-out']);
    // What signing in with them lets through is in sign-in.test.ts.
    expect(open('nobody')).toEqual([
      '/api/v1/sign-in',
      '/api/v1/sign-in/callback',
      '/api/v1/sign-in/terminal',
      '/api/v1/sign-in/terminal/session',
    ]);
    const described = Object.keys((JSON.parse(JSON.stringify(openapi())) as { paths: object }).paths).filter((url) =>
      url.startsWith('/api/v1/'),
    );
    expect(described.sort()).toEqual([...new Set(routes.map(({ url }) => url.replaceAll(/:(\w+)/g, '{$1}')))].sort());
  });

  let openapi: () => unknown;
  beforeAll(async () => {
    const response = await fetch(`${admin.collector.url}/api/v1/openapi.json`);
    const document: unknown = await response.json();
    openapi = () => document;
    expect(document).toMatchObject({ openapi: '3.1.0' });
  });

  it('refuses who has no token, a wrong one, an enrolment secret, a device’s proof, a token that is over or taken back', async () => {
    const device = simulatedDevice(admin.collector.url);
    const over = await admin.ask('POST', '/tokens', {
      label: 'over',
      role: 'owner',
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    });
    await admin.collector.context.db
      .updateTable('token')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('id', '=', over.json.id)
      .execute();
    const back = await admin.ask('POST', '/tokens', { label: 'back', role: 'owner' });
    await admin.ask('DELETE', `/tokens/${back.json.id}`);
    const proof = await device.proof('/api/v1/devices', new Uint8Array(), 'kid');
    const wrong = [null, `mst_${'A'.repeat(43)}`, admin.secret, over.json.token, back.json.token, `${admin.owner} `.repeat(2)];
    for (const token of wrong) {
      // HEAD is the same route as GET; with no token it is asked too.
      const among = guarded().filter(({ method }) => token === null || method !== 'HEAD');
      const answers = await eachRoute((route) => admin.as(token)(route.method, addressOf(route), bodyOf(route), fromSomewhere()), among);
      expect(answers.filter(([, status]) => status !== 401)).toEqual([]);
    }
    const proven = await eachRoute((route) =>
      admin.as(null)(route.method, addressOf(route), bodyOf(route), { dpop: proof, ...fromSomewhere() }),
    );
    expect(proven.filter(([, status]) => status !== 401)).toEqual([]);
  });

  it('refuses every role below its own, and a token that is narrowed to something else; and lets the others as far as its schema', async () => {
    // HEAD is the same route as GET, and was refused with it above.
    const each = guarded().filter(({ method }) => method !== 'HEAD');
    for (const role of ROLES) {
      const call = calls.get(role) ?? admin.ask;
      for (const route of each) {
        const { status } = await call(route.method, addressOf(route), bodyOf(route), fromSomewhere());
        const { permission } = route;
        const may = permission === 'any' || (permission !== undefined && permission !== 'nobody' && atLeast(role, PERMISSIONS[permission]));
        expect([role, route.method, route.url, status === 403]).toEqual([role, route.method, route.url, !may]);
        // A token is no session, so it can't sign out.
        if (may)
          expect([route.url, [200, 404, 422, ...(route.url.endsWith('/sign-out') ? [409] : [])].includes(status)]).toEqual([
            route.url,
            true,
          ]);
      }
    }
    const narrow = await admin.token('owner', undefined, ['groups:read']);
    for (const route of each) {
      const { status } = await narrow(route.method, addressOf(route), bodyOf(route), fromSomewhere());
      expect([route.method, route.url, status !== 403]).toEqual([
        route.method,
        route.url,
        route.permission === 'groups:read' || route.permission === 'any',
      ]);
    }
  });

  it('gives nobody more than they have, and keeps one owner', async () => {
    const narrow = await admin.token('owner', undefined, ['tokens:write', 'tokens:read']);
    expect((await narrow('POST', '/tokens', { label: 'x', role: 'owner' })).json).toMatchObject({ code: 'forbidden' });
    expect((await narrow('POST', '/tokens', { label: 'x', role: 'owner', scopes: ['settings:write'] })).json).toMatchObject({
      code: 'forbidden',
    });
    expect((await narrow('POST', '/tokens', { label: 'x', role: 'owner', scopes: ['tokens:read'] })).status).toBe(201);
    const owners = (await admin.ask('GET', '/tokens?limit=500')).json.items.filter(
      (row: { role: string; scopes: unknown; revokedAt: unknown }) => row.role === 'owner' && row.scopes === null && row.revokedAt === null,
    );
    const own = (await admin.ask('GET', '/me')).json.id;
    for (const { id } of owners) if (id !== own) expect((await admin.ask('DELETE', `/tokens/${id}`)).status).toBe(200);
    expect((await admin.ask('DELETE', `/tokens/${own}`)).json).toMatchObject({ code: 'last-owner' });
    calls.set('owner', admin.ask);
  });

  it('answers for the browser as nothing but data, and to no other origin', async () => {
    for (const path of ['/devices', '/devices?format=csv', '/nothing', '/me']) {
      const { headers } = await admin.ask('GET', path, undefined, { origin: 'https://elsewhere.example' });
      if (path !== '/nothing') expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('charges an address for wrong tokens until it has to wait, and others not', async () => {
    const here = { 'x-forwarded-for': '192.0.2.7' };
    // Together they cost twice what an address may spend at once, and while the clock stands nothing is refilled.
    standing = Date.now();
    const wrong = admin.as(`mst_${'B'.repeat(43)}`);
    const statuses = await Promise.all(
      Array.from({ length: 100 }, () => wrong('GET', '/me', undefined, here).then(({ status }) => status)),
    );
    expect(statuses.every((status) => status === 401 || status === 429)).toBe(true);
    const refused = await admin.ask('GET', '/me', undefined, here);
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await admin.ask('GET', '/me', undefined, fromSomewhere())).status).toBe(200);
    standing = undefined;
  });
});

describe('secrets and tokens', () => {
  it('are in the database as hashes, and in no log', async () => {
    const token = (await admin.ask('POST', '/tokens', { label: 'one', role: 'viewer' })).json.token as string;
    const { secret } = (await admin.ask('POST', '/enrol-secrets', { label: 'two' })).json;
    await admin.as(token)('GET', '/me');
    await simulatedDevice(admin.collector.url).enroll(secret);
    const { db } = admin.collector.context;
    const tables = await sql<{
      name: string;
    }>`select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`.execute(db);
    expect(tables.rows.length).toBeGreaterThan(20);
    let everything = '';
    for (const { name } of tables.rows) {
      const { rows } = await sql<{ text: string | null }>`select string_agg(t::text, chr(10)) as text from ${sql.table(name)} t`.execute(
        db,
      );
      everything += rows[0]?.text ?? '';
    }
    for (const one of [token, secret, admin.owner, admin.secret]) {
      expect(everything).toContain(hashSecret(one));
      expect(everything).not.toContain(one.slice(4));
      expect(admin.lines.join('')).not.toContain(one.slice(4, 20));
    }
  });
});

describe('every other route', () => {
  it('is a device’s, which asks for a proof, or one that says nothing of anybody', async () => {
    const others = everyRoute().filter(({ url }) => !routes.some((route) => route.url === url));
    expect(everyRoute().length - others.length).toBeGreaterThan(40);
    const open = others
      .filter(({ methods }) => methods.every((method) => ['GET', 'HEAD', 'OPTIONS'].includes(method)))
      .map(({ url }) => url);
    expect(open.filter((url) => !/^\/docs\b/.test(url)).sort()).toEqual(['/api/v1/openapi.json', '/livez', '/metrics', '/readyz']);
    const devices = others.filter(({ url }) => !open.includes(url));
    expect(devices.map(({ url, methods }) => [url, methods]).sort()).toEqual([
      ['/v1/check-in', ['POST']],
      ['/v1/enroll', ['POST']],
    ]);

    const [mine, theirs] = [await admin.enrolled(), await admin.enrolled()];
    for (const { url } of devices) {
      const by = url === '/v1/enroll' ? 'jwk' : 'kid';
      const body = JSON.stringify(
        by === 'kid'
          ? mine.body()
          : { proto: 1, id: mine.id, key: mine.key, secret: admin.secret, platform: 'linux', hostname: 'h', user: 'u' },
      );
      const bytes = new TextEncoder().encode(body);
      const post = async (headers: Record<string, string>) => {
        const sent = { method: 'POST', headers: { 'content-type': 'application/json', ...fromSomewhere(), ...headers }, body };
        const response = await fetch(`${admin.collector.url}${url}`, sent);
        return [response.status, ((await response.json()) as { code?: string }).code];
      };
      const seconds = Math.floor(Date.now() / 1000);
      const proof = await mine.proof(url, bytes, by);
      expect([url, await post({})]).toEqual([url, [401, 'proof-missing']]);
      expect([url, await post({ authorization: `Bearer ${admin.owner}` })]).toEqual([url, [401, 'proof-missing']]);
      expect([url, await post({ dpop: await mine.proof(url, bytes, by, { claims: { iat: seconds - 3600 } }) })]).toEqual([
        url,
        [401, 'proof-time'],
      ]);
      expect([url, await post({ dpop: await mine.proof(url, bytes, by, { claims: { iat: seconds + 3600 } }) })]).toEqual([
        url,
        [401, 'proof-time'],
      ]);
      // Of another device: its own name over this body, and this one's name under its key.
      expect([url, (await post({ dpop: await theirs.proof(url, bytes, by) }))[0]]).toEqual([url, by === 'kid' ? 200 : 401]);
      const impostor = simulatedDevice(admin.collector.url, mine.id);
      expect([url, await post({ dpop: await impostor.proof(url, bytes, by) })]).toEqual([url, [401, 'proof-signature']]);
      expect([url, (await post({ dpop: proof }))[0]]).toEqual([url, 200]);
      expect([url, await post({ dpop: proof })]).toEqual([url, [401, 'proof-replayed']]);
    }
  });
});

describe('a device', () => {
  it('reaches nothing of another: not with its proof, not with its request, not with its grants', async () => {
    const items = [tool('ollama')];
    const [mine, theirs] = [await admin.enrolled({}, items), await admin.enrolled({}, items)];
    const request = await asks(theirs, items);
    // Another device's name under one's own key.
    const impostor = simulatedDevice(admin.collector.url, theirs.id);
    expect((await impostor.full(items)).json).toMatchObject({ code: 'proof-signature' });
    const body = theirs.body({ base: headOfItems(items), head: headOfItems(items) });
    const proof = await theirs.proof('/v1/check-in', new TextEncoder().encode(JSON.stringify(body)), 'kid');
    expect((await theirs.send(body, { proof })).status).toBe(200);
    expect((await theirs.send(body, { proof })).json).toMatchObject({ code: 'proof-replayed' });
    expect((await theirs.send(body, { claims: { iat: Math.floor(Date.now() / 1000) - 3600 } })).json).toMatchObject({ code: 'proof-time' });
    // Their request's id, withdrawn from here.
    const taken = await mine.checkIn({
      base: headOfItems(items),
      head: headOfItems(items),
      requests: [{ ...request, state: 'withdrawn', updatedAt: '2026-12-01T00:00:00.000Z' }],
    });
    expect(taken.json).toMatchObject({ parked: [{ what: `request:${request.id}` }] });
    const { json, etag } = await admin.ask('GET', `/requests/${request.id}`);
    expect(json).toMatchObject({ state: 'open', device: theirs.id });
    await admin.ask('POST', `/requests/${request.id}/decision`, { answer: 'approve', reason: 'Yes.' }, { 'if-match': etag ?? '' });
    const answer = await mine.checkIn({ base: headOfItems(items), head: headOfItems(items) });
    expect(answer.json).toMatchObject({ decisions: [] });
    expect(JSON.stringify(answer.json)).not.toContain('grants');
  });
});

const HOSTILE = [
  '=HYPERLINK("http://evil.example","click")',
  "+cmd|' /C calc'!A0",
  '-2+3+cmd',
  '@SUM(1+9)*cmd|calc',
  '\t=1+1',
  '\r\n=1+1',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  '"; drop table device; --',
  '\u001b]0;owned\u0007\u001b[2J\u001b[31mred',
  '\u202egnp.exe\u2066',
  '{{constructor.constructor("return process")()}}#{7*7}',
  '../../../../etc/passwd',
  '\uff1d1+1',
  '__proto__',
];

describe('what a device writes', () => {
  it('is text in JSON, in CSV, in the terminal, and nowhere in logs and metrics', async () => {
    for (const [index, nasty] of HOSTILE.entries()) {
      const items = [
        server(`s${index}`, {
          name: nasty,
          publisher: nasty.slice(0, 100),
          identity: { kind: 'npm', name: nasty, version: null, launchHash: 'x' },
        }),
      ];
      const device = await admin.enrolled(
        { hostname: `${nasty}-host`, user: nasty, person: `${nasty}@acme.example`, serial: nasty },
        items,
      );
      await asks(device, items, { item: `mcp:${nasty}`, itemName: nasty, reason: nasty, identity: `npm:${nasty}` });
    }
    const urls = ['/devices', '/requests', '/mcp-servers', '/audit', '/evidence'];
    for (const url of urls) {
      const json = await admin.ask('GET', `${url}?limit=500`);
      expect([url, json.status, json.headers.get('content-type')]).toEqual([url, 200, 'application/json; charset=utf-8']);
      const csv = await admin.ask('GET', `${url}?format=csv`);
      expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="[a-z-]+\.csv"$/);
      for (const value of parseCsv(csv.text).flat()) expect([url, value, dangerous(value)]).toEqual([url, value, false]);
    }
    const hosts = (await admin.ask('GET', '/devices?limit=500')).json.items.map(({ hostname }: { hostname: string }) => hostname);
    expect(hosts).toContain('=HYPERLINK("http://evil.example","click")-host');
    const metrics = await (await fetch(`${admin.collector.url}/metrics`)).text();
    for (const telling of ['HYPERLINK', 'alert(1)', 'drop table', 'passwd', 'constructor', 'owned'])
      for (const where of [metrics, admin.lines.join('')]) expect(where).not.toContain(telling);
  });

  it('is parked where it is longer than it may be, and the rest is taken', async () => {
    const device = await admin.enrolled({}, []);
    const items = [tool('ollama'), tool('x'.repeat(16 * 1024))];
    const answer = await device.full(items);
    expect(answer.json).toMatchObject({ parked: [{ why: expect.any(String) }] });
    const kept = (await admin.ask('GET', `/devices/${device.id}/items`)).json.items;
    expect(kept.map(({ key }: { key: string }) => key)).toEqual(['tool:ollama']);
    const { enroll } = simulatedDevice(admin.collector.url);
    expect((await enroll(admin.secret, { hostname: 'x'.repeat(4 * 1024) })).status).toBe(422);
    expect([413, 422]).toContain((await enroll(admin.secret, { hostname: 'x'.repeat(16 * 1024) })).status);
  });

  it('is never a formula in a cell, whatever it is, and says the same when it is read back', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom(...HOSTILE),
      fc.constantFrom(...HOSTILE).map((value) => `${value},"\n${value}`),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (values) => {
        const [row, ...rest] = parseCsv(csvLine(values));
        expect(rest).toEqual([]);
        expect(row).toHaveLength(values.length);
        for (const value of row ?? []) expect(dangerous(value)).toBe(false);
        const plain = values.filter((value) => /^[\w "',.]*$/.test(value));
        for (const value of plain) expect(parseCsv(`${cell(value)}\r\n`)[0]?.[0] ?? '').toBe(value);
      }),
      { numRuns: 200 },
    );
  });

  it('moves no cursor and sets no title in a terminal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE)), (value) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
        expect(printable(value)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
      }),
      { numRuns: 500 },
    );
  });
});

/** What a spreadsheet would take for more than text. */
function dangerous(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is left is the point
  return /^[\s\u00a0\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\u0000-\u001f\u202a-\u202e]/u.test(value);
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    row.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'));
    if (end === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

describe('the collector', () => {
  it('calls nobody but the issuer that was configured: no webhooks; else only the terminal and the simulated fleet open connections', () => {
    const files = readdirSync('collector', { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
    const calling = files
      .filter((file) => file.endsWith('.ts') && !/^(admin|load)\//.test(file) && file !== 'demo.ts')
      .filter((file) =>
        /(?<![.\w'])fetch\(|^import (?!type).*from 'node:(https?|http2|dgram|tls)'|^import (?!type).*'(openid-client|undici)'|\bconnect\(/m.test(
          readFileSync(path.join('collector', file), 'utf8'),
        ),
      );
    // The signer's socket is a file of this machine.
    expect(calling.sort()).toEqual(['sign-in/issuer.ts', 'signer/client.ts']);
  });
});

describe('muster-admin', () => {
  // As a process, through npm and at a terminal: test/collector/journey.test.ts.
  const cli = async (args: readonly string[], token = admin.owner, url = admin.collector.url) => {
    const [out, err]: [string[], string[]] = [[], []];
    const environment = { MUSTER_ADMIN_TOKEN: token, MUSTER_ADMIN_URL: url };
    const code = await commandLine(args, { environment, out: (text) => out.push(text), err: (text) => err.push(text), ask: null });
    return { code, stdout: out.join(''), stderr: err.join('') };
  };

  it('lists and decides requests, publishes a policy, and shows devices without a word reaching the terminal as a command', async () => {
    const device = await admin.enrolled({ hostname: '\u001b[2Jhost' }, [tool('ollama')]);
    const request = await asks(device, [tool('ollama')], { reason: '\u001b]0;owned\u0007Please' });
    const shown = await cli(['requests']);
    expect(shown.stdout).toContain(request.id);
    expect(shown.stdout).not.toContain('\u001b');
    const decided = await cli(['decide', request.id, 'approve', '--reason', 'Fine.', '--until', '2027-01-01', '--json']);
    expect([decided.code, JSON.parse(decided.stdout)]).toMatchObject([0, { devices: 1 }]);
    const again = await cli(['decide', request.id, 'deny', '--reason', 'No.', '--json']);
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([3, { error: { code: 'already-decided' } }]);
    const whole = JSON.parse((await cli(['requests', request.id, '--json'])).stdout);
    expect(whole).toMatchObject({ state: 'approved', decisions: [{ state: 'approved', reason: 'Fine.' }] });
    const back = await cli(['decide', 'revoke', whole.decisions[0].id, '--reason', 'The pilot is over.']);
    expect([back.code, back.stdout]).toEqual([0, 'Taken back; the grants of 1 device changed.\n']);
    const file = path.join(admin.dir, 'policy.json');
    writeFileSync(file, JSON.stringify({ schema: 'muster.policy/1', rev: 1, stance: 'prohibited' }));
    const published = await cli(['policy', 'publish', file]);
    expect([published.code, published.stdout]).toEqual([0, expect.stringContaining('Published as revision 1.')]);
    expect(published.stdout).toContain('tool:ollama');
    expect(JSON.parse((await cli(['devices', '--find', 'host', '--json'])).stdout).items.length).toBeGreaterThan(0);
  });

  it('hands out secrets and tokens, takes them back, lets devices in and out, and shows the policy', async () => {
    const run = async (...args: string[]) => (await cli(args)).stdout.trimEnd();
    const json = async (...args: string[]) => JSON.parse(await run(...args, '--json'));
    const secret = await json('secrets', 'new', 'for two', '--quota', '2', '--until', '2027-01-31', '--approval');
    const device = simulatedDevice(admin.collector.url);
    expect((await device.enroll(secret.secret)).json).toMatchObject({ state: 'pending' });
    expect(await run('secrets')).toMatch(/for two +1 +2 +true +2027-01-31T00:00:00.000Z/);
    expect(await run('devices', '--state', 'pending')).toContain(device.id);
    expect(await run('devices', 'approve', device.id, '--reason', 'known')).toBe('The device is active.');
    expect(await run('devices', 'revoke', device.id, '--reason', 'lost')).toBe('The device is revoked.');
    expect(await run('secrets', 'revoke', secret.id)).toBe('Taken back.');
    expect((await simulatedDevice(admin.collector.url).enroll(secret.secret)).json).toMatchObject({ code: 'secret-refused' });
    const narrow = ['--role', 'viewer', '--person', 'Vi@acme.example', '--scopes', 'policy:read'];
    const token = await json('tokens', 'new', 'for reading', ...narrow);
    const me = (await admin.as(token.token)('GET', '/me')).json;
    expect(me).toMatchObject({ role: 'viewer', person: 'vi@acme.example', permissions: ['policy:read'] });
    expect(await run('tokens')).toMatch(/for reading +viewer +vi@acme.example/);
    await run('tokens', 'revoke', token.id);
    expect((await admin.as(token.token)('GET', '/me')).status).toBe(401);
    expect(await run('policy', 'show')).toMatch(/"stance": "prohibited"|No policy is published/);
    for (const args of [
      ['secrets', 'new'],
      ['secrets', 'new', 'x', '--quota', 'many'],
      ['tokens', 'forget', 'x'],
      ['devices', 'approve', device.id],
      ['devices', 'bless', device.id],
      ['policy', 'burn'],
      ['policy', 'check', path.join(admin.dir, 'nowhere')],
    ])
      expect([args, (await cli(args)).code]).toEqual([args, 2]);
  });

  it('ends as scripts expect: 2 for usage, 3 for a refusal or nobody there, 5 for a policy that is none', async () => {
    const file = path.join(admin.dir, 'none.json');
    writeFileSync(file, '{"schema":"muster.policy/1","rev":1,"stance":"anything"}');
    const codes = await Promise.all([
      cli(['decide']),
      cli(['nonsense']),
      cli(['requests', '--reason', 'x']),
      cli(['devices', 'approve', 'one', 'two', '--reason', 'x']),
      cli(['requests'], 'two words'),
      cli(['requests'], ''),
      cli(['requests'], admin.owner, 'http://collector.example'),
      cli(['requests'], `mst_${'C'.repeat(43)}`),
      cli(['requests'], admin.owner, 'http://127.0.0.1:1'),
      cli(['policy', 'check', file]),
    ]);
    expect(codes.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2, 2, 3, 3, 5]);
    for (const { stderr } of codes) expect(stderr).toMatch(/^muster-admin: .+\n$/);
    const help = await cli(['decide', '--help'], '');
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/decide ID approve --reason TEXT[\s\S]*Exit codes/)]);
    expect(help.stdout).not.toContain('secrets new');
  });
});
