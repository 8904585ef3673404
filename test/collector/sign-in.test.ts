/** Signing in with the organization's own accounts, against a real issuer on loopback: who gets a session, how it ends, and what an attacker tries. */

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../../collector/admin/command-line.ts';
import type { Permission } from '../../collector/permissions.ts';
import { adminRoutes } from '../../collector/routes/admin/routes.ts';
import { localPath, newAttempt, readAttempt } from '../../collector/sign-in/attempt.ts';
import { readCookie } from '../../collector/sign-in/cookies.ts';
import { personOf, roleOf } from '../../collector/sign-in/person.ts';
import { readSignIn, type SignInSettings } from '../../collector/sign-in/settings.ts';
import { type Administration, asks, startAdministration } from './administration.ts';
import { browser, CLIENT, type Issuer, startIssuer } from './issuer.ts';
import { tool } from './simulated-device.ts';

type Route = { method: string; url: string; permission: Permission | 'any' | 'nobody' | undefined };
const routes: Route[] = [];
let issuer: Issuer;
let admin: Administration;
let settings: SignInSettings;
/** ms that the collector's clock is ahead. */
let ahead = 0;

beforeAll(async () => {
  issuer = await startIssuer();
  settings = readSignIn({
    MUSTER_OIDC_ISSUER: issuer.url,
    MUSTER_OIDC_CLIENT_ID: CLIENT.id,
    MUSTER_OIDC_ROLES: JSON.stringify({ 'ai-desk': 'approver', 'ai-owners': 'owner', everybody: 'viewer' }),
  }) as SignInSettings;
  settings = { ...settings, clientSecret: CLIENT.secret };
  admin = await startAdministration({
    now: () => new Date(Date.now() + ahead),
    limits: { address: { rate: 10_000, burst: 10_000 } },
    extend: [
      async (app, context) => {
        app.addHook('onRoute', ({ method, url, config }) => {
          for (const one of [method].flat()) routes.push({ method: one, url, permission: config?.permission });
        });
        await adminRoutes(app, context, { signIn: settings });
      },
    ],
  });
  issuer.serve(admin.collector.url);
}, 60_000);
afterAll(async () => {
  await admin.stop();
  await issuer.stop();
});
afterEach(() => {
  ahead = 0;
  issuer.said.lie = null;
  issuer.said.status = null;
});

const SIGN_IN = '/api/v1/sign-in';
const at = (where: string) => `${admin.collector.url}${where}`;
const backHere = (url: string) => url.startsWith(at(`${SIGN_IN}/callback`));
const person = (login: string, groups: readonly string[], more: object = {}) =>
  issuer.people.set(login, { email: `${login}@acme.example`, email_verified: true, groups, ...more });
/** Signed in, with what the page of the collector may ask. */
async function signedIn(login: string) {
  const one = browser();
  const page = await one.signIn(at(`${SIGN_IN}?return_to=/livez`), login);
  const secret = one.cookies.get('muster-session');
  const ask = async (
    method: string,
    where: string,
    body?: unknown,
    headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
  ) => {
    const response = await fetch(at(`/api/v1${where}`), {
      method,
      headers: { cookie: `muster-session=${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: each test says by its expectations what it must be
    return { status: response.status, json: JSON.parse(text) as any, headers: response.headers };
  };
  return { browser: one, page, secret, ask };
}
const audited = async (action: string) => (await admin.ask('GET', `/audit?action=${action}`)).json.items;

describe('signing in', () => {
  it('gives a person of a mapped group its role, sends them back, and holds that nobody decides their own', async () => {
    person('ada', ['ai-desk', 'canteen']);
    const ada = await signedIn('ada');
    expect([ada.page.url, ada.page.status]).toEqual([at('/livez'), 200]);
    const me = (await ada.ask('GET', '/me')).json;
    expect(me).toMatchObject({ kind: 'session', role: 'approver', person: 'ada@acme.example' });
    expect(me.permissions).toContain('requests:decide');
    expect(me.permissions).not.toContain('policy:write');
    const items = [tool('ollama')];
    const [hers, his] = [
      await admin.enrolled({ person: 'Ada@acme.example' }, items),
      await admin.enrolled({ person: 'bob@acme.example' }, items),
    ];
    const [own, other] = [await asks(hers, items), await asks(his, items)];
    const decide = (id: string) =>
      ada.ask(
        'POST',
        `/requests/${id}/decision`,
        { answer: 'approve', reason: 'Fine.' },
        { 'sec-fetch-site': 'same-origin', 'if-match': '"1"' },
      );
    expect((await decide(own.id)).json).toMatchObject({ code: 'own-request' });
    expect((await decide(other.id)).json).toMatchObject({ devices: 1 });
    expect((await ada.ask('POST', '/groups', { name: 'x' })).json).toMatchObject({ code: 'forbidden' });
    expect(await audited('sign-in.done')).toMatchObject([
      { actor: 'approver:ada@acme.example', subject: 'ada@acme.example', detail: { role: 'approver' } },
    ]);
    expect(await audited('request.approved')).toMatchObject([{ actor: 'approver:ada@acme.example' }]);
    // Neither the session nor anything of the issuer's is written anywhere.
    const everything = JSON.stringify([
      await admin.collector.context.db.selectFrom('session').selectAll().execute(),
      await audited('sign-in.done'),
    ]);
    for (const text of [everything, admin.lines.join('')]) expect(text).not.toMatch(/mss_|eyJ/);
    expect(admin.lines.join('')).not.toContain('ada@');
    expect(everything).not.toContain(ada.secret?.slice(4));
  });

  it('asks the issuer’s userinfo for what the identity itself leaves out', async () => {
    person('una', ['everybody']);
    issuer.serve(admin.collector.url, true);
    const una = await signedIn('una');
    expect((await una.ask('GET', '/me')).json).toMatchObject({ role: 'viewer', person: 'una@acme.example' });
    issuer.serve(admin.collector.url);
  });

  it('gives nothing to whoever has no mapped group, no address, or one that nobody has verified', async () => {
    person('carl', ['canteen', '__proto__', 'constructor']);
    person('dora', ['ai-owners'], { email_verified: false });
    issuer.people.set('emil', { groups: ['ai-owners'] });
    for (const [login, code] of [
      ['carl', 'no-role'],
      ['dora', 'no-address'],
      ['emil', 'no-address'],
    ] as const) {
      const { page, secret } = await signedIn(login);
      expect([login, page.status, JSON.parse(page.text).code, secret]).toEqual([login, 403, code, undefined]);
    }
    expect(await audited('sign-in.no-role')).toMatchObject([{ subject: 'carl@acme.example' }]);
  });

  it('says so where the issuer is away, and an owner’s token counts all the same', async () => {
    issuer.said.status = 503;
    // Its description is known for an hour.
    ahead = 2 * 3_600_000;
    const page = await browser().go(at(SIGN_IN));
    expect([page.status, JSON.parse(page.text).code, Number(page.headers.get('retry-after'))]).toEqual([503, 'issuer-away', 10]);
    expect((await admin.ask('GET', '/me')).status).toBe(200);
    issuer.said.status = null;
    expect((await browser().go(at(SIGN_IN))).url).toContain(issuer.url);
    const { page: end } = await withCallback(async (one, url) => {
      issuer.said.status = 500;
      return one.go(url);
    });
    expect([end.status, JSON.parse(end.text).code]).toEqual([503, 'issuer-away']);
  });
});

/** Goes as far as the address at which the browser comes back with a code, and lets the test go on from there. */
async function withCallback<Result>(then: (one: ReturnType<typeof browser>, url: string) => Promise<Result>, login = 'ada') {
  person(login, ['ai-desk']);
  const one = browser();
  const { url } = await one.signIn(at(SIGN_IN), login, backHere);
  expect(url).toMatch(/[?&]code=/);
  return { one, url, page: await then(one, url) };
}
const codeOf = ({ status, text }: { status: number; text: string }) => [status, (JSON.parse(text) as { code: string }).code];

describe('an attacker who', () => {
  it('changes or leaves out the state, has no attempt, an old one, or another browser’s, gets no session', async () => {
    const changed = await withCallback((one, url) => one.go(url.replace(/state=[^&]+/, `state=${'A'.repeat(43)}`)));
    expect(codeOf(changed.page)[0]).toBe(401);
    const without = await withCallback((one, url) => one.go(url.replace(/&?state=[^&]+/, '')));
    expect(codeOf(without.page)[0]).toBe(401);
    const twice = await withCallback((one, url) => one.go(`${url}&state=x`));
    expect(codeOf(twice.page)[0]).toBe(401);
    const elsewhere = await withCallback((_, url) => browser().go(url));
    expect(codeOf(elsewhere.page)).toEqual([400, 'no-attempt']);
    const victim = browser();
    await victim.go(at(SIGN_IN));
    const planted = await withCallback((_, url) => victim.go(url));
    expect(codeOf(planted.page)[0]).toBe(401);
    const late = await withCallback((one, url) => {
      ahead = 11 * 60_000;
      return one.go(url);
    });
    expect(codeOf(late.page)).toEqual([400, 'no-attempt']);
    ahead = 0;
    for (const { one } of [changed, without, twice, elsewhere, planted, late]) expect(one.cookies.has('muster-session')).toBe(false);
    expect(victim.cookies.has('muster-session')).toBe(false);
  });

  it('plays a code again, with the browser’s own attempt, gets no second session', async () => {
    const { one, url } = await withCallback(async (first, back) => {
      const attempt = first.cookies.get('muster-sign-in') ?? '';
      expect((await first.go(back)).status).toBe(200);
      expect(first.cookies.has('muster-sign-in')).toBe(false);
      first.cookies.set('muster-sign-in', attempt);
    });
    one.cookies.delete('muster-session');
    expect(codeOf(await one.go(url))).toEqual([401, 'not-proven']);
    expect(one.cookies.has('muster-session')).toBe(false);
    expect((await browser().go(`${at(SIGN_IN)}/callback?error=access_denied&error_description=<script>`)).text).not.toContain('script');
  });

  it('has the issuer’s answer say something else, or signs it with another key or none, gets no session', async () => {
    const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const text = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
    const seconds = Math.floor(Date.now() / 1000);
    const lies: Record<string, NonNullable<Issuer['said']['lie']>> = {
      'another nonce': (claims, sign) => sign({ ...claims, nonce: newAttempt('/', new Date()).nonce }),
      'no nonce': ({ nonce: _, ...claims }, sign) => sign(claims),
      'another audience': (claims, sign) => sign({ ...claims, aud: 'another-client' }),
      'two audiences without the party': (claims, sign) => sign({ ...claims, aud: [CLIENT.id, 'another-client'], azp: 'another-client' }),
      'another issuer': (claims, sign) => sign({ ...claims, iss: 'https://evil.example' }),
      'over an hour ago': (claims, sign) => sign({ ...claims, iat: seconds - 7200, exp: seconds - 3600 }),
      'another key': (claims, sign) => sign(claims, { key: other }),
      'a key nobody knows': (claims, sign) => sign(claims, { kid: 'two', key: other }),
      'no algorithm': async (claims) => `${text({ alg: 'none' })}.${text(claims)}.`,
      'no algorithm, but a signature': async (claims, sign) =>
        `${text({ alg: 'none', kid: 'one' })}.${text(claims)}.${(await sign(claims)).split('.')[2]}`,
      'no token': async () => 'nonsense',
    };
    for (const [what, lie] of Object.entries(lies)) {
      issuer.said.lie = lie;
      const { one, page } = await withCallback((browsing, url) => browsing.go(url));
      expect([what, ...codeOf(page), one.cookies.has('muster-session')]).toEqual([what, 401, 'not-proven', false]);
    }
    // The lies alone did it.
    issuer.said.lie = (claims, sign) => sign(claims);
    const { one } = await withCallback((browsing, url) => browsing.go(url));
    expect(one.cookies.has('muster-session')).toBe(true);
  });

  it('plants a session in the browser before, finds it worth nothing after, and an old one is ended', async () => {
    const planted = `mss_${'A'.repeat(43)}`;
    const { one } = await withCallback((browsing, url) => {
      browsing.cookies.set('muster-session', planted);
      return browsing.go(url);
    });
    const mine = one.cookies.get('muster-session');
    expect(mine).toMatch(/^mss_[\w-]{43}$/);
    expect(mine).not.toBe(planted);
    const with_ = (secret: string | undefined) => fetch(at('/api/v1/me'), { headers: { cookie: `muster-session=${secret}` } });
    expect((await with_(planted)).status).toBe(401);
    await one.signIn(at(`${SIGN_IN}?return_to=/livez`), 'ada');
    expect(one.cookies.get('muster-session')).not.toBe(mine);
    expect((await with_(mine)).status).toBe(401);
    expect((await with_(`${one.cookies.get('muster-session')}; muster-session=${planted}`)).status).toBe(401);
  });

  it('names another place to return to is sent home', async () => {
    for (const to of [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '/%0d%0aset-cookie:x=1',
      '\t//evil.example',
      'javascript:alert(1)',
    ]) {
      person('ada', ['ai-desk']);
      const one = browser();
      const left = await one.signIn(
        at(`${SIGN_IN}?return_to=${encodeURIComponent(to)}`),
        'ada',
        (url) => !url.startsWith(issuer.url) && !backHere(url),
      );
      expect(new URL(left.url).origin).toBe(admin.collector.url);
      expect(one.cookies.has('x')).toBe(false);
    }
    expect((await browser().go(at(`${SIGN_IN}?return_to=${'/x'.repeat(600)}`))).status).toBe(422);
  });

  it('has another site’s page send the session along changes nothing, on any route', async () => {
    person('olga', ['ai-owners']);
    const olga = await signedIn('olga');
    const unsafe = routes.filter(({ method, permission }) => !['GET', 'HEAD'].includes(method) && permission !== 'nobody');
    expect(unsafe.length).toBeGreaterThan(20);
    const elsewhere: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: admin.collector.url },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      {},
      { 'muster-csrf': 'A'.repeat(43) },
    ];
    // What a browser says, and its silence, on every route; the rest of it on one.
    for (const [index, { method, url }] of unsafe.entries())
      for (const headers of index === 0 ? elsewhere : [elsewhere[0] ?? {}, {}]) {
        const where = url.replace('/api/v1', '').replaceAll(/:\w+/g, randomUUID());
        const { status, json } = await olga.ask(method, where, { strange: true }, headers);
        expect([method, url, headers, status, json.code]).toEqual([method, url, headers, 403, 'other-origin']);
      }
    const { csrf } = (await olga.ask('GET', '/me')).json;
    for (const headers of [{ 'muster-csrf': csrf }, { origin: admin.collector.url }, { 'sec-fetch-site': 'same-origin' }])
      expect((await olga.ask('POST', '/groups', { name: randomUUID() }, headers as Record<string, string>)).status).toBe(201);
    // A token is not sent along by a browser, so nothing of that is asked of it.
    expect((await admin.ask('POST', '/groups', { name: 'by a token' }, { origin: 'https://evil.example' })).status).toBe(201);
  });
});

describe('a session', () => {
  it('is kept from scripts, other sites and, with https, other hosts; and its end is the browser’s too', async () => {
    person('ada', ['ai-desk']);
    const { page } = await withCallback((one, url) => one.go(url, {}, () => true));
    const [, session] = page.headers.getSetCookie();
    expect(session).toMatch(/^muster-session=mss_[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/);
    expect(page.headers.get('cache-control')).toBe('no-store');
    const ada = await signedIn('ada');
    const out = await ada.ask('POST', '/sign-out', {});
    expect(out.headers.getSetCookie()).toEqual(['muster-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax']);
    // The issuer offers to end its own.
    const next = new URL(out.json.next);
    expect([next.origin, next.searchParams.get('post_logout_redirect_uri')]).toEqual([issuer.url, at('/docs')]);
    expect((await browser().go(next.href)).text).toContain('/session/end/confirm');
    expect((await ada.ask('GET', '/me')).json).toMatchObject({ code: 'session-over' });
    expect(await audited('sign-out.done')).toMatchObject([{ actor: 'approver:ada@acme.example' }]);
    expect((await admin.ask('POST', '/sign-out', {})).json).toMatchObject({ code: 'no-session' });
  });

  it('ends after an hour without use and after twelve hours with it, on every route', async () => {
    person('ada', ['ai-desk']);
    const [idle, used] = [await signedIn('ada'), await signedIn('ada')];
    for (let minutes = 0; minutes < 12 * 60; minutes += 45) {
      ahead = minutes * 60_000;
      expect([minutes, (await used.ask('GET', '/me')).status]).toEqual([minutes, 200]);
      expect([minutes, (await idle.ask('GET', '/me')).status]).toEqual([minutes, minutes < 60 ? 200 : 401]);
      if (minutes >= 45) idle.ask = async () => ({ status: 401, json: null, headers: new Headers() });
    }
    ahead = 12 * 3_600_000 + 60_000;
    for (const { method, url } of routes.filter(({ permission, method }) => permission !== 'nobody' && method !== 'HEAD')) {
      const { status } = await used.ask(
        method,
        url.replace('/api/v1', '').replaceAll(/:\w+/g, randomUUID()),
        method === 'GET' ? undefined : {},
      );
      expect([method, url, status]).toEqual([method, url, 401]);
    }
  });

  it('ends everywhere when its person signs in with another role or none, and when an owner ends it', async () => {
    person('pia', ['ai-owners']);
    const [one, two] = [await signedIn('pia'), await signedIn('pia')];
    expect((await two.ask('GET', '/sessions?limit=500')).json.items.length).toBeGreaterThan(1);
    person('pia', ['everybody']);
    const three = await signedIn('pia');
    expect([(await one.ask('GET', '/me')).status, (await two.ask('GET', '/me')).status]).toEqual([401, 401]);
    expect((await three.ask('GET', '/me')).json).toMatchObject({ role: 'viewer' });
    person('pia', []);
    const { page } = await signedIn('pia');
    expect(page.status).toBe(403);
    expect((await three.ask('GET', '/me')).status).toBe(401);
    person('ada', ['ai-desk']);
    const ada = await signedIn('ada');
    const { id } = (await ada.ask('GET', '/me')).json;
    expect((await admin.ask('DELETE', `/sessions/${id}`, {})).status).toBe(200);
    expect((await admin.ask('DELETE', `/sessions/${id}`, {})).status).toBe(404);
    expect((await ada.ask('GET', '/me')).status).toBe(401);
    expect((await admin.ask('GET', '/sessions?format=csv')).text).toContain('taken-back');
  });
});

describe('a terminal', () => {
  it('gets a session once the person has confirmed its code in a browser, and one alone', async () => {
    person('ada', ['ai-desk']);
    const nobody = admin.as(null);
    const begun = (await nobody('POST', '/sign-in/terminal', {})).json;
    const ask = () => nobody('POST', '/sign-in/terminal/session', { code: begun.code });
    expect((await ask()).status).toBe(202);
    expect((await nobody('POST', '/sign-in/terminal/session', { code: 'guessed' })).json).toMatchObject({ code: 'not-proven' });
    expect((await browser().signIn(begun.addressWithCode, 'ada')).status).toBe(200);
    issuer.said.lie = (claims, sign) => sign({ ...claims, aud: 'another-client' });
    const first = (await nobody('POST', '/sign-in/terminal', {})).json;
    await browser().signIn(first.addressWithCode, 'ada');
    expect((await nobody('POST', '/sign-in/terminal/session', { code: first.code })).json).toMatchObject({ code: 'not-proven' });
    issuer.said.lie = null;
    const { status, json } = await ask();
    expect([status, json]).toMatchObject([200, { role: 'approver', person: 'ada@acme.example', token: expect.stringMatching(/^mss_/) }]);
    expect((await ask()).json).toMatchObject({ code: 'not-proven' });
    const ada = admin.as(json.token);
    expect((await ada('GET', '/me')).json).toMatchObject({ kind: 'session', person: 'ada@acme.example' });
    // What a terminal sends no other site can have it send.
    expect((await ada('POST', '/policy/check', { text: '{}' })).status).toBe(200);
    expect((await ada('POST', '/sign-out', {})).status).toBe(200);
    expect((await ada('GET', '/me')).json).toMatchObject({ code: 'session-over' });
  });

  it('is served by muster-admin login, which keeps the session for this account alone', async () => {
    person('ada', ['ai-desk']);
    const dir = mkdtempSync(path.join(tmpdir(), 'muster-login-'));
    const file = path.join(dir, 'session');
    const said = { out: '', err: '' };
    const terminal = {
      environment: {},
      ask: null,
      out(text: string) {
        said.out += text;
      },
      err(text: string) {
        said.err += text;
      },
    };
    const cli = (...words: string[]) => commandLine([...words, '--url', admin.collector.url, '--token-file', file], terminal);
    const login = cli('login');
    await expect.poll(() => said.err, { timeout: 20_000 }).toMatch(/Open \S+ in a browser and confirm the code [A-Z-]+\./);
    const [, address = '', code = ''] = /Open (\S+) in a browser and confirm the code ([A-Z-]+)\./.exec(said.err) ?? [];
    expect((await browser().signIn(`${address}?user_code=${code}`, 'ada')).status).toBe(200);
    expect([await login, said.out]).toEqual([0, expect.stringContaining('Signed in as ada@acme.example (approver)')]);
    expect(said.out).not.toContain('mss_');
    expect([statSync(file).mode & 0o777, readFileSync(file, 'utf8')]).toEqual([0o600, expect.stringMatching(/^mss_[\w-]{43}\n$/)]);
    expect(await cli('requests')).toBe(0);
    expect(await cli('logout')).toBe(0);
    expect(await cli('requests')).toBe(3);
    rmSync(dir, { recursive: true });
  }, 60_000);
});

describe('what signing in reads', () => {
  it('of an address to return to never leaves the collector, and of an attempt is what was begun', () => {
    const strange = fc.oneof(
      fc.string().map((rest) => `https://evil.example/${rest}`),
      fc.string(),
      fc
        .array(fc.constantFrom('/', '\\', '//', '..', '.', '%2f', '@', 'evil.example', ':', '\t', '\n', '?', '#', 'a'), { maxLength: 8 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(strange, (asked) => {
        const to = localPath(asked);
        expect(new URL(to, 'https://collector.example').origin).toBe('https://collector.example');
        const now = new Date();
        const attempt = newAttempt(to, now);
        expect(readAttempt(attempt.cookie, now)).toEqual(attempt);
        expect(readAttempt(attempt.cookie, new Date(now.getTime() + 601_000))).toBeNull();
        expect(readAttempt(`${attempt.cookie.slice(0, -1)}`, now)?.state).not.toBe(attempt.state);
      }),
      { numRuns: 150 },
    );
    expect(localPath('/docs?x=1')).toBe('/docs?x=1');
  });

  it('of an identity is the highest mapped role, and an address that is vouched for', () => {
    const roles = new Map([['a', 'viewer'] as const, ['b', 'owner'] as const]);
    const of = (groups: unknown) => roleOf({ sub: 'x', groups }, { groupsClaim: 'groups', roles });
    expect([of(['a', 'b']), of(['b', 'a']), of('a'), of([]), of(undefined), of([{ a: 1 }, 7, null]), of('ab')]).toEqual([
      'owner',
      'owner',
      'viewer',
      null,
      null,
      null,
      null,
    ]);
    expect(roleOf({ sub: 'x' }, { groupsClaim: 'constructor', roles })).toBeNull();
    const email = 'Ada@Acme.example';
    const says = (claims: object, trustEmail = false) => personOf({ sub: 'x', ...claims }, { trustEmail });
    expect(says({ email, email_verified: true })).toBe('ada@acme.example');
    expect([
      says({ email }),
      says({ email, email_verified: false }, true),
      says({ email: 'a', email_verified: true }),
      says({ email_verified: true }),
    ]).toEqual([null, null, null, null]);
    expect(says({ email }, true)).toBe('ada@acme.example');
  });

  it('of a cookie is the one of the name, and with https only what this host set', () => {
    expect(readCookie('a=1; muster-session=x; b=2', 'session', false)).toBe('x');
    expect(readCookie('muster-session=x; __Host-muster-session=y', 'session', true)).toBe('y');
    expect(readCookie('muster-session=x', 'session', true)).toBeNull();
    expect(readCookie('muster-session=x; muster-session=y', 'session', false)).toBeNull();
    expect(readCookie(undefined, 'session', false)).toBeNull();
  });

  it('of its settings names what is wrong and where, and nothing that is secret', () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'muster-sign-in-'));
    const file = (name: string, text: string) => {
      writeFileSync(path.join(dir, name), text);
      return path.join(dir, name);
    };
    const whole = { issuer: 'https://id.acme.example', clientId: 'm', roles: { desk: 'approver' } };
    const why = (environment: Record<string, string>) => {
      try {
        readSignIn(environment);
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(readSignIn({})).toBeNull();
    const secret = file('secret', 'hush\n');
    expect(
      readSignIn({ MUSTER_OIDC_FILE: file('a.json', JSON.stringify({ ...whole, clientSecretFile: secret })), MUSTER_OIDC_CLIENT_ID: 'n' }),
    ).toMatchObject({ clientId: 'n', clientSecret: 'hush', groupsClaim: 'groups', trustEmail: false, idleMinutes: 60, hours: 12 });
    const wrong: [object, RegExp][] = [
      [{ issuer: 'http://id.acme.example' }, /"issuer" of signing in \(MUSTER_OIDC_ISSUER\).*https/],
      [{ issuer: 'https://user:pass@id.acme.example' }, /https/],
      [{ roles: {} }, /roles.*names no group/],
      [{ roles: { desk: 'king' } }, /roles/],
      [{ clientId: '' }, /clientId/],
      [{ hush: 1 }, /"hush"/],
      [{ clientSecretFile: path.join(dir, 'nowhere') }, /nowhere.*ENOENT/],
      [{ clientSecretFile: file('empty', ' \n') }, /empty/],
    ];
    for (const [change, words] of wrong)
      expect(why({ MUSTER_OIDC_FILE: file('b.json', JSON.stringify({ ...whole, ...change })) })).toMatch(words);
    expect(why({ MUSTER_OIDC_ISSUER: 'https://id.acme.example' })).toMatch(/clientId/);
    expect(why({ MUSTER_OIDC_ROLES: 'desk=owner' })).toMatch(/MUSTER_OIDC_ROLES is no JSON/);
    rmSync(dir, { recursive: true });
  });
});
