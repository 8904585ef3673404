/** A real issuer of identities on loopback for tests of signing in, which can be made to lie, and a browser that follows it with cookies. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, type JWTPayload, SignJWT } from 'jose';
import Provider from 'oidc-provider';

export const CLIENT = { id: 'muster', secret: 'a-secret-of-the-client' } as const;

export type Person = { readonly email?: string; readonly email_verified?: boolean; readonly groups?: readonly string[] | string };

/** What a false issuer hands out instead of the identity it made: other claims signed by its key, or any text. */
export type Lie = (
  claims: JWTPayload,
  sign: (claims: JWTPayload, more?: { kid?: string; key?: KeyObject }) => Promise<string>,
) => Promise<string>;

export async function startIssuer() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' };
  const people = new Map<string, Person>();
  const said: { lie: Lie | null; status: number | null } = { lie: null, status: null };
  let answer: ReturnType<Provider['callback']> | null = null;
  const server = createServer((request, response) => {
    if (said.status !== null || !answer) response.writeHead(said.status ?? 503).end();
    else void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign = (claims: JWTPayload, more: { kid?: string; key?: KeyObject } = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: more.kid ?? 'one' }).sign(more.key ?? privateKey);

  return {
    url,
    people,
    said,
    /** Begins to answer, for a collector at this address. `slim`: what it says of a person stands at the userinfo endpoint alone, as by default. */
    serve(collector: string, slim = false) {
      const provider = new Provider(url, {
        clients: [
          {
            client_id: CLIENT.id,
            client_secret: CLIENT.secret,
            redirect_uris: [`${collector}/api/v1/sign-in/callback`],
            post_logout_redirect_uris: [`${collector}/docs`],
            grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
            response_types: ['code'],
          },
        ],
        claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
        conformIdTokenClaims: slim,
        findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
        jwks: { keys: [jwk] },
        cookies: { keys: ['for-a-test'] },
        pkce: { required: () => true },
        ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Grant: 600, Interaction: 600, Session: 600, DeviceCode: 600 },
        features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, deviceFlow: { enabled: true } },
      });
      provider.use(async (context, next) => {
        await next();
        if (context.path === '/token' && said.lie && typeof context.body?.id_token === 'string')
          context.body.id_token = await said.lie(decodeJwt(context.body.id_token), sign);
      });
      answer = provider.callback();
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
export type Issuer = Awaited<ReturnType<typeof startIssuer>>;

export type Page = { readonly url: string; readonly status: number; readonly text: string; readonly headers: Headers };

/** Keeps cookies by host, as browsers do whatever the port, and follows redirects until there is none, or one leads to `until`. */
export function browser() {
  const cookies = new Map<string, string>();
  async function ask(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), ...(cookie ? { cookie } : {}) },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }
  async function go(url: string, init: RequestInit = {}, until: (url: string) => boolean = () => false): Promise<Page> {
    for (let at = url, how = init, hops = 0; hops < 20; hops++) {
      const response = await ask(at, how);
      const location = response.headers.get('location');
      if (location === null) return { url: at, status: response.status, text: await response.text(), headers: response.headers };
      await response.arrayBuffer();
      at = new URL(location, at).href;
      how = {};
      if (until(at)) return { url: at, status: 0, text: '', headers: response.headers };
    }
    throw new Error('The browser was sent around in circles.');
  }
  return {
    cookies,
    go,
    /** Begins at `url` and fills in the issuer's pages as `login`; ends where no page asks for more. */
    async signIn(url: string, login: string, until?: (url: string) => boolean): Promise<Page> {
      let page = await go(url, {}, until);
      for (let pages = 0; pages < 8; pages++) {
        const action = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1];
        if (action === undefined) return page;
        const form = new URLSearchParams();
        for (const [, name = '', value = ''] of page.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g))
          form.set(name, value);
        if (form.get('prompt') === 'login') {
          form.set('login', login);
          form.set('password', 'any');
        }
        // The page that asks whether the code on the terminal is this one.
        if (/name="abort"/.test(page.text)) form.set('confirm', 'yes');
        page = await go(new URL(action, page.url).href, { method: 'POST', body: form }, until);
      }
      throw new Error('The issuer asks for more than expected.');
    },
  };
}
