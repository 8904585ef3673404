/** A device for tests of the collector: a real key, real proofs, and every part of a request open to be made wrong. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { CompactSign } from 'jose';
import { type CheckIn, headOf, type Item, itemHash, PATHS } from '../../agent/wire.ts';

export type Sent = { readonly status: number; readonly json: Record<string, unknown>; readonly headers: Headers };

export type SimulatedDevice = ReturnType<typeof simulatedDevice>;

export type Wrong = {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyObject;
  /** Sent instead of what was proven. */
  readonly bytes?: Uint8Array;
  readonly headers?: Record<string, string>;
  readonly proof?: string | null;
  readonly gzip?: boolean;
};

export function simulatedDevice(url: string, id: string = randomUUID()) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  const key = { kty: 'OKP', crv: 'Ed25519', x: jwk.x ?? '' } as const;
  const epoch = randomUUID();
  let seq = 0;

  async function proof(path: string, bytes: Uint8Array, by: 'kid' | 'jwk', wrong: Wrong = {}): Promise<string> {
    const claims = {
      htm: 'POST',
      htu: `${url}${path}`,
      iat: Math.floor(Date.now() / 1000),
      jti: randomUUID(),
      bh: createHash('sha256').update(bytes).digest('base64url'),
      ...wrong.claims,
    };
    const header = { alg: 'EdDSA', typ: 'dpop+jwt', ...(by === 'kid' ? { kid: id } : { jwk: key }), ...wrong.header };
    return new CompactSign(new TextEncoder().encode(JSON.stringify(claims))).setProtectedHeader(header).sign(wrong.key ?? privateKey);
  }

  async function post(path: string, body: unknown, by: 'kid' | 'jwk', wrong: Wrong = {}): Promise<Sent> {
    const plain = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body));
    const bytes = wrong.gzip ? gzipSync(plain) : plain;
    const made = wrong.proof === undefined ? await proof(path, bytes, by, wrong) : wrong.proof;
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(made === null ? {} : { dpop: made }),
        ...(wrong.gzip ? { 'content-encoding': 'gzip' } : {}),
        ...wrong.headers,
      },
      body: (wrong.bytes ?? bytes) as Uint8Array<ArrayBuffer>,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  /** A check-in under the next number unless it says otherwise. */
  function body(changes: Partial<CheckIn> & Record<string, unknown> = {}): Record<string, unknown> {
    return { proto: 1, epoch, seq: ++seq, hashAlg: 'inv1', base: null, head: headOf([]), ...changes };
  }

  return {
    id,
    key,
    epoch,
    proof,
    body,
    enroll: (secret: string, more: Record<string, unknown> = {}, wrong: Wrong = {}) =>
      post(PATHS.enroll, { proto: 1, id, key, secret, platform: 'linux', hostname: 'quince', user: 'user:abc', ...more }, 'jwk', wrong),
    send: (json: unknown, wrong: Wrong = {}) => post(PATHS.checkIn, json, 'kid', wrong),
    checkIn: (changes: Partial<CheckIn> & Record<string, unknown> = {}, wrong: Wrong = {}) =>
      post(PATHS.checkIn, body(changes), 'kid', wrong),
    /** Everything at once. */
    full: (items: readonly Item[]) =>
      post(
        PATHS.checkIn,
        body({ head: headOf(items.map(itemHash)), snapshot: { id: randomUUID(), part: 1, of: 1, items: [...items] } }),
        'kid',
      ),
  };
}

export function tool(id: string, version = '1.0.0'): Item {
  return {
    kind: 'tool',
    tool: id,
    confidence: 'certain',
    present: true,
    firstSeen: '2026-11-01T08:00:00.000Z',
    places: [{ surface: 'cli', version, path: '~/bin/x', present: true }],
    accounts: [],
    findings: [],
    addons: [],
    models: [],
  };
}
