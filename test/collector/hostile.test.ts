/**
 * What an attacker can send: bytes that are no request, proofs that are nobody's, bodies that are traps, rows that no database takes. Each gets its problem
 * document, no table has a row more, and the next honest check-in is taken.
 */
import { createHash, createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { CompactSign } from 'jose';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOUNDS, CheckInAnswer, headOf, itemHash, ProblemDocument } from '../../agent/wire.ts';
import { createAdmission, networkOf } from '../../collector/admission.ts';
import { cell } from '../../collector/csv.ts';
import { type Administration, asks, headOfItems, startAdministration } from './administration.ts';
import { rawConnection } from './raw-connection.ts';
import { type SimulatedDevice, simulatedDevice, tool } from './simulated-device.ts';

let admin: Administration;
let slow: Awaited<ReturnType<typeof slowly>>[] = [];
/** What the slow ones wait for takes seconds, so they begin before everything else. */
beforeAll(async () => {
  const plenty = { rate: 1e6, burst: 1e6 };
  admin = await startAdministration({ limits: { address: plenty, all: plenty } });
  slow = await Promise.all([
    slowly('nothing', () => []),
    slowly('a line of a header now and then', () => [
      'POST /v1/check-in HTTP/1.1\r\n',
      'X-A: 1\r\n',
      'X-B: 2\r\n',
      'X-C: 3\r\n',
      'X-D: 4\r\n',
    ]),
    slowly('a part of the first line', () => ['POST /v1/ch', 'eck', '-in']),
  ]);
}, 60_000);
afterAll(async () => {
  // Those of tests that did not run would be waited for.
  for (const { end } of slow) end();
  await admin.stop();
});

async function slowly(name: string, pieces: () => string[]) {
  const one = await rawConnection(admin.collector.url);
  const left = pieces();
  const timer = setInterval(() => one.write(left.shift() ?? ''), 1000);
  const closed = one.closed().finally(() => clearInterval(timer));
  return { name, status: one.answer().then(({ status }) => status), closed, end: () => one.socket.destroy() };
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const now = () => Math.floor(Date.now() / 1000);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Of every table, partitions too. */
async function counts(): Promise<Record<string, number>> {
  const { db } = admin.collector.context;
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by relname`.execute(
    db,
  );
  expect(rows.length).toBeGreaterThan(20);
  const all = rows.map(({ name }) => `select '${name}' as name, count(*)::int as rows from "${name}"`).join(' union all ');
  const counted = await sql.raw<{ name: string; rows: number }>(all).execute(db);
  return Object.fromEntries(counted.rows.map((row) => [row.name, row.rows]));
}

/** The document of a refusal: its form, its status, its remedy, and nothing of what was sent. */
function isProblem(answer: { status: number; json: unknown }, status: number, code: string): void {
  expect(ProblemDocument.parse(answer.json)).toMatchObject({
    status,
    code,
    type: `urn:muster:problem:${code}`,
    remedy: expect.stringMatching(/\.$/),
  });
  expect(answer.status).toBe(status);
}

describe('bytes that are no request', () => {
  const line = 'POST /v1/check-in HTTP/1.1\r\nHost: x\r\n';
  const type = 'Content-Type: application/json\r\n';
  const CASES: readonly [string, string | Uint8Array, number, string][] = [
    ['no HTTP', 'hello\r\n\r\n', 400, 'not-http'],
    ['the greeting of TLS', Buffer.from('16030100a5010000a10303', 'hex'), 400, 'not-http'],
    ['the greeting of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'not-http'],
    ['a NUL in the address', 'GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'not-http'],
    ['a NUL in a header', `${line}X-A: a\0b\r\n\r\n`, 400, 'not-http'],
    ['a header without a name', `${line}: x\r\n\r\n`, 400, 'not-http'],
    ['a header over two lines', `${line}X-A: a\r\n b\r\n\r\n`, 400, 'not-http'],
    ['headers as long as a book', `${line}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['an address as long as a book', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers-too-large'],
    ['two lengths', `${line}${type}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'not-http'],
    ['a length and pieces', `${line}${type}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 'not-http'],
    ['a length below nothing', `${line}${type}Content-Length: -2\r\n\r\n{}`, 400, 'not-http'],
    ['a length that is no number', `${line}${type}Content-Length: 0x2\r\n\r\n{}`, 400, 'not-http'],
    ['a length beyond numbers', `${line}${type}Content-Length: ${'9'.repeat(30)}\r\n\r\n`, 400, 'not-http'],
    ['pieces of another form', `${line}${type}Transfer-Encoding: gzip, chunked, x\r\n\r\n`, 400, 'not-http'],
    ['no host', 'GET /livez HTTP/1.1\r\n\r\n', 400, 'not-http'],
    ['a broken escape in the address', 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    ['a NUL that is escaped', 'GET /livez%00 HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    ['a star', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    ['a way up', 'GET /docs/static/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    ['a way up that is escaped', 'GET /docs/static/..%2f..%2f..%2fpackage.json HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    ['another method', 'GET /v1/check-in HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'not-found'],
    [
      'a body of another kind to nowhere',
      `POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 1\r\n\r\n{`,
      404,
      'not-found',
    ],
    ['a piece that is larger than it says', `${line}${type}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n`, 401, 'proof-missing'],
    ['an expectation', `${line}${type}Expect: miracles\r\nContent-Length: 2\r\n\r\n{}`, 417, 'not-expected'],
  ];
  for (const [name, bytes, status, code] of CASES) {
    it(name, async () => {
      const before = await counts();
      const one = await rawConnection(admin.collector.url);
      one.write(bytes);
      const answer = await one.answer();
      one.socket.destroy();
      isProblem({ ...answer, json: answer.json ?? answer.status }, status, code);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await counts()).toEqual(before);
    });
  }
});

describe('a proof', () => {
  let device: SimulatedDevice;
  beforeAll(async () => {
    device = await admin.enrolled();
  });
  const path = '/v1/check-in';
  const quiet = () => device.body({ base: headOfItems([tool('ollama')]), head: headOfItems([tool('ollama')]) });
  const claims = (bytes: Uint8Array) => ({
    htm: 'POST',
    htu: `${admin.collector.url}${path}`,
    iat: now(),
    jti: randomUUID(),
    bh: createHash('sha256').update(bytes).digest('base64url'),
  });
  const send = (proof: string, bytes: Uint8Array, headers: Record<string, string> = {}) => device.send(bytes, { proof, headers });
  const hmac = (key: Buffer, header: object, bytes: Uint8Array) => {
    const signed = `${part(header)}.${part(claims(bytes))}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  };

  const stranger = generateKeyPairSync('ed25519');
  const strange = { kty: 'OKP', crv: 'Ed25519', x: String(stranger.publicKey.export({ format: 'jwk' }).x) };
  const signedBy = (header: object, bytes: Uint8Array) =>
    new CompactSign(json(claims(bytes))).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(stranger.privateKey);
  const typ = 'dpop+jwt';

  const CASES: readonly [string, (bytes: Uint8Array) => Promise<string> | string, string][] = [
    [
      'by HMAC with the public key',
      (bytes) => hmac(Buffer.from(device.key.x, 'base64url'), { alg: 'HS256', typ, kid: device.id }, bytes),
      'proof-invalid',
    ],
    [
      'by HMAC with the words of the public key',
      (bytes) => hmac(Buffer.from(device.key.x), { alg: 'HS256', typ, kid: device.id }, bytes),
      'proof-invalid',
    ],
    [
      'that says EdDSA and is an HMAC',
      (bytes) => hmac(Buffer.from(device.key.x, 'base64url'), { alg: 'EdDSA', typ, kid: device.id }, bytes),
      'proof-invalid',
    ],
    [
      'whose algorithm is none, in other letters',
      (bytes) => `${part({ alg: 'nOnE', typ, kid: device.id })}.${part(claims(bytes))}.AA`,
      'proof-invalid',
    ],
    ['with an empty signature', (bytes) => `${part({ alg: 'EdDSA', typ, kid: device.id })}.${part(claims(bytes))}.`, 'proof-invalid'],
    [
      'with zeros for a signature',
      (bytes) => `${part({ alg: 'EdDSA', typ, kid: device.id })}.${part(claims(bytes))}.${Buffer.alloc(64).toString('base64url')}`,
      'proof-signature',
    ],
    ['that names the device and brings another key', (bytes) => signedBy({ typ, kid: device.id, jwk: strange }, bytes), 'proof-signature'],
    ['that names an address for its key', (bytes) => signedBy({ typ, kid: device.id, jku: 'http://127.0.0.1:1/' }, bytes), 'proof-invalid'],
    ['with an id as long as a book', (bytes) => signedBy({ typ, kid: 'a'.repeat(2500) }, bytes), 'proof-invalid'],
    ['with an id that is SQL', (bytes) => signedBy({ typ, kid: `${device.id}' or 'a'='a` }, bytes), 'proof-invalid'],
    ['with a list for an id', (bytes) => signedBy({ typ, kid: [device.id] }, bytes), 'proof-invalid'],
    [
      'with __proto__ in its header',
      (bytes) =>
        `${Buffer.from(`{"alg":"EdDSA","typ":"${typ}","kid":"${device.id}","__proto__":{"a":1}}`).toString('base64url')}.${part(claims(bytes))}.AA`,
      'proof-invalid',
    ],
    ['of more parts', (bytes) => `${part({ alg: 'EdDSA', typ, kid: device.id })}.${part(claims(bytes))}.AA.AA`, 'proof-invalid'],
  ];
  for (const [name, make, code] of CASES) {
    it(name, async () => {
      const bytes = json(quiet());
      const proof = await make(bytes);
      const before = await counts();
      isProblem(await send(proof, bytes), 401, code);
      expect(await counts()).toEqual(before);
    });
  }

  const WRONG: readonly [string, () => Record<string, unknown>, string][] = [
    ['for the same host in other letters', () => ({ htu: `${admin.collector.url}${path}`.replace('http', 'HTTP') }), 'proof-elsewhere'],
    ['with a query', () => ({ htu: `${admin.collector.url}${path}?a=1` }), 'proof-elsewhere'],
    [
      'for a host that begins alike',
      () => ({ htu: `${admin.collector.url.replace('127.0.0.1', '127.0.0.1.elsewhere.example')}${path}` }),
      'proof-elsewhere',
    ],
    ['by name of another at this host', () => ({ htu: `http://a@${new URL(admin.collector.url).host}${path}` }), 'proof-elsewhere'],
    ['just too old', () => ({ iat: now() - 122 }), 'proof-time'],
    ['just too early', () => ({ iat: now() + 63 }), 'proof-time'],
    ['from the end of time', () => ({ iat: Number.MAX_SAFE_INTEGER }), 'proof-time'],
    ['of half a second', () => ({ iat: now() + 0.5 }), 'proof-invalid'],
    ['of a time in words', () => ({ iat: `${now()}` }), 'proof-invalid'],
    ['without a nonce', () => ({ jti: '' }), 'proof-invalid'],
    ['with a nonce as long as a book', () => ({ jti: 'j'.repeat(1000) }), 'proof-invalid'],
    ['with a claim more', () => ({ admin: true }), 'proof-invalid'],
  ];
  for (const [name, wrong, code] of WRONG) {
    it(`of its own key, ${name}`, async () => {
      const before = await counts();
      isProblem(await device.send(quiet(), { claims: wrong() }), 401, code);
      expect(await counts()).toEqual(before);
    });
  }

  it('twice in one request is none, and one in capital letters of the id is as good', async () => {
    const bytes = json(quiet());
    const proof = await device.proof(path, bytes, 'kid');
    const one = await rawConnection(admin.collector.url);
    one.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nDPoP: ${proof}\r\nDPoP: ${proof}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    );
    one.write(bytes);
    const refused = await one.answer();
    one.socket.destroy();
    isProblem({ status: refused.status, json: refused.json }, 401, 'proof-invalid');
    const capital = await device.send(bytes, { header: { kid: device.id.toUpperCase() } });
    expect(capital.status).toBe(200);
    // The same device, so the same nonces.
    const again = await device.proof(path, bytes, 'kid', { header: { kid: device.id.toUpperCase() } });
    expect((await send(again, bytes)).status).toBe(200);
    isProblem(await send(again, bytes), 401, 'proof-replayed');
  });

  it('of a device is no proof for an enrolment, and the other way round', async () => {
    const before = await counts();
    const bytes = json({ proto: 1, id: device.id, key: device.key, secret: admin.secret, platform: 'linux', hostname: 'h', user: 'u' });
    const url = `${admin.collector.url}/v1/enroll`;
    const post = (proof: string) =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', dpop: proof }, body: bytes }).then(async (response) => ({
        status: response.status,
        json: (await response.json()) as Record<string, unknown>,
      }));
    isProblem(await post(await device.proof('/v1/enroll', bytes, 'kid')), 401, 'proof-invalid');
    isProblem(await post(await device.proof(path, bytes, 'jwk')), 401, 'proof-elsewhere');
    expect(await counts()).toEqual(before);
  });
});

describe('a body', () => {
  let device: SimulatedDevice;
  beforeAll(async () => {
    device = await admin.enrolled();
  });
  const gzip = { 'content-encoding': 'gzip' };
  const body = () => json(device.body());
  const member = gzipSync(Buffer.alloc(BOUNDS.unpacked / 2, ' '));
  const nested = (text: string) => new TextEncoder().encode(text);
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  const CASES: readonly [string, () => Promise<{ status: number; json: Record<string, unknown> }>, number, string][] = [
    ['packed twice', () => device.send(gzipSync(gzipSync(body())), { headers: gzip }), 400, 'not-json'],
    [
      'packed twice, and saying so',
      () => device.send(gzipSync(gzipSync(body())), { headers: { 'content-encoding': 'gzip, gzip' } }),
      415,
      'wrong-encoding',
    ],
    ['packed by deflate', () => device.send(deflateSync(body()), { headers: { 'content-encoding': 'deflate' } }), 415, 'wrong-encoding'],
    ['packed by brotli', () => device.send(brotliCompressSync(body()), { headers: { 'content-encoding': 'br' } }), 415, 'wrong-encoding'],
    ['packed by deflate and saying gzip', () => device.send(deflateSync(body()), { headers: gzip }), 400, 'not-unpacked'],
    ['packed and cut off', () => device.send(gzipSync(body()).subarray(0, 40), { headers: gzip }), 400, 'not-unpacked'],
    ['a bomb in three parts', () => device.send(Buffer.concat([member, member, member]), { headers: gzip }), 413, 'unpacks-too-large'],
    [
      'a megabyte that is a bomb',
      () => device.send(Buffer.concat(Array.from({ length: 100 }, () => member)), { headers: gzip }),
      413,
      'unpacks-too-large',
    ],
    ['empty', () => device.send(new Uint8Array()), 400, 'not-json'],
    ['in UTF-16', () => device.send(Buffer.from(JSON.stringify(device.body()), 'utf16le')), 400, 'not-json'],
    ['with half a character', () => device.send(Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d])), 400, 'not-json'],
    ['of brackets, well formed', () => device.send(nested(deep(500_000))), 422, 'not-understood'],
    [
      'with brackets where a text should be',
      () => device.send(nested(JSON.stringify(device.body()).replace('"inv1"', deep(100_000)))),
      422,
      'not-understood',
    ],
    ['that is a word', () => device.send(nested('null')), 422, 'not-understood'],
    ['of brackets, packed to nothing', () => device.send(gzipSync(nested(deep(4_000_000))), { headers: gzip }), 422, 'not-understood'],
    ['of empty lists', () => device.send(gzipSync(nested(`[${'[],'.repeat(2_700_000)}[]]`)), { headers: gzip }), 422, 'not-understood'],
    [
      'with a number beyond 2^53',
      () => device.send(nested(JSON.stringify(device.body()).replace(/"seq":\d+/, '"seq":9007199254740993'))),
      422,
      'not-understood',
    ],
    [
      'with a number beyond all',
      () => device.send(nested(JSON.stringify(device.body()).replace(/"seq":\d+/, '"seq":1e999'))),
      422,
      'not-understood',
    ],
    [
      'with half a number',
      () => device.send(nested(JSON.stringify(device.body()).replace(/"seq":\d+/, '"seq":1.5'))),
      422,
      'not-understood',
    ],
    ['with ten thousand rows', () => device.checkIn({ upsert: Array.from({ length: 10_000 }, () => 1) as never }), 422, 'not-understood'],
    ['with ten thousand removals', () => device.checkIn({ remove: Array.from({ length: 10_000 }, () => 'tool:a') }), 422, 'not-understood'],
    ['that says part 2 of 1', () => device.checkIn({ snapshot: { id: randomUUID(), part: 2, of: 1, items: [] } }), 422, 'not-understood'],
    [
      'with a million parts',
      () => device.checkIn({ snapshot: { id: randomUUID(), part: 1, of: 1_000_000, items: [] } }),
      422,
      'not-understood',
    ],
  ];
  for (const [name, send, status, code] of CASES) {
    it(name, async () => {
      const before = await counts();
      isProblem(await send(), status, code);
      expect(await counts()).toEqual(before);
    });
  }

  it('of which more comes than it says is refused, and the rest is no second request', async () => {
    const bytes = body();
    const proof = await device.proof('/v1/check-in', bytes, 'kid');
    const before = await counts();
    const one = await rawConnection(admin.collector.url);
    const head = `POST /v1/check-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nDPoP: ${proof}\r\n`;
    one.write(`${head}Content-Length: ${bytes.length - 1}\r\n\r\n`);
    one.write(bytes);
    // Whichever is noticed first: that the proof is of another body, or that what follows is no request.
    const { status, json: said } = await one.answer();
    expect([`401 proof-body`, `400 not-http`]).toContain(`${status} ${ProblemDocument.parse(said).code}`);
    await one.closed();
    expect(await counts()).toEqual(before);
  });

  it('of who has no secret yet is small: a bomb costs nothing', async () => {
    const before = await counts();
    const stranger = simulatedDevice(admin.collector.url);
    const bomb = gzipSync(Buffer.alloc(64 * 1024, ' '));
    const large = { hostname: 'x'.repeat(20_000) };
    for (const answer of [
      await stranger.enroll('x'.repeat(43), large),
      await stranger.enroll('x'.repeat(43), {}, { bytes: bomb, headers: gzip }),
    ])
      expect([401, 413]).toContain(answer.status);
    const proof = await stranger.proof('/v1/enroll', bomb, 'jwk');
    isProblem(await stranger.enroll('x'.repeat(43), {}, { bytes: bomb, headers: gzip, proof }), 413, 'unpacks-too-large');
    expect(await counts()).toEqual(before);
  });

  it('may name what is dangerous in other languages, and it is only a name', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
    const items = names.map((name) => tool(name));
    const text = JSON.stringify({
      ...device.body({ head: headOf(items.map(itemHash)), snapshot: { id: randomUUID(), part: 1, of: 1, items } }),
      dropped: Object.fromEntries(names.map((name) => [name, 1])),
    }).replace('{"proto"', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"proto"');
    const answer = await device.send(nested(text));
    expect(CheckInAnswer.parse(answer.json)).toMatchObject({ want: 'none', head: headOf(items.map(itemHash)) });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    for (const route of ['/tools', `/devices/${device.id}/items`, '/devices']) {
      const { status, text: said } = await admin.ask('GET', `${route}?limit=500`);
      expect([route, status]).toEqual([route, 200]);
      if (route !== '/devices') for (const name of names) expect(said).toContain(JSON.stringify(name));
    }
    await asks(device, items, { item: '__proto__', itemName: '__proto__' });
    const policy = JSON.stringify({ schema: 'muster.policy/1', rev: 1, stance: 'prohibited' });
    const draft = (await admin.ask('POST', '/policy/drafts', { title: 'x', text: policy })).json.id;
    const simulated = await admin.ask('POST', `/policy/drafts/${draft}/simulate`);
    expect(simulated.status).toBe(200);
    for (const name of names) expect(simulated.json.items.map(({ item }: { item: string }) => item)).toContain(`tool:${name}`);
  });
});

describe('a row', () => {
  const time = fc.oneof(
    fc.constantFrom(
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2026-11-01T00:00:00.000Z',
      '2026-02-30T00:00:00Z',
      '2026-11-01T24:00:00Z',
      `2026-11-01T00:00:00.${'1'.repeat(300)}Z`,
      '+275760-09-13T00:00:00.000Z',
      '-000001-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z BC',
      'infinity',
      'now',
      '',
    ),
    fc.string(),
  );
  const words = fc.oneof(
    fc.constantFrom(
      '\0',
      'a\0b',
      '\ud800',
      '\udc00\ud800',
      '\\u0000',
      '\\',
      '\u{1f600}'.repeat(160),
      'x'.repeat(16 * 1024),
      '=1+1',
      '__proto__',
      "'; drop table device; --",
      '\u202e',
      '',
    ),
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
  );
  const number = fc.oneof(fc.constantFrom(-1, 0, -0, 1.5, 2 ** 31, 2 ** 53, 2 ** 63, Number.MAX_VALUE, 1e-7), fc.integer());
  const anything = fc.oneof(words, number, time, fc.constantFrom(null, true, [], {}, [[]], { toString: 1 }));

  it('of whatever content never holds up the others, nor the next check-in', async () => {
    const device = await admin.enrolled({}, []);
    let good = 0;
    await fc.assert(
      fc.asyncProperty(anything, anything, time, words, async (one, other, when, text) => {
        const name = `good-${++good}`;
        const companion = tool(name);
        const bad = [
          { ...tool('x'), tool: text },
          { ...tool('y'), firstSeen: when },
          { ...tool('z'), places: [{ surface: 'cli', version: text, path: text, present: true }] },
          { ...tool('w'), models: [{ name: text, bytes: one }], addons: [{ kind: text, name: text, scope: text }] },
          { ...tool('v'), [typeof one === 'string' ? one : 'field']: other },
          { kind: 'mcp', id: text, name: other },
          one,
          other,
        ];
        const sent = [...bad, companion];
        const requests = [
          { ...request(), reason: text, itemName: text },
          { ...request(), createdAt: when },
          { ...request(), until: when, updatedAt: when },
          { ...request(), [typeof one === 'string' ? one : 'field']: other },
          request({ itemName: name }),
        ];
        const usage = [
          { day: today(), item: `tool:${text}`, runS: one, frontS: 1, launches: 1 },
          { day: when.slice(0, 10), item: `tool:${name}`, runS: 1, frontS: 1, launches: 1 },
          { day: today(), item: `tool:${name}`, runS: 1, frontS: 0, launches: 1 },
        ];
        const evidence = {
          count: 1,
          head: text.slice(0, 90),
          rows: [
            { seq: 1, time: when, previous: text.slice(0, 90), hash: text.slice(0, 90), [text]: other },
            { seq: other, time: when, previous: '', hash: '' },
          ],
        };
        const answer = await device.checkIn({
          snapshot: { id: randomUUID(), part: 1, of: 1, items: sent },
          head: headOf([itemHash(companion)]),
          requests,
          usage,
          evidence,
          remove: [`tool:${text}`].filter((key) => key.length < 300),
          agent: { version: text.slice(0, 50), platform: 'linux', hostname: text.slice(0, 300), user: text.slice(0, 300) },
          trust: { keySet: null, policy: null, grants: null, applied: { rev: null, status: 'refused', error: text.slice(0, 500) } },
          dropped: { [text.slice(0, 50)]: 1 },
        } as never);
        const shown = `${JSON.stringify(answer.json)} for ${JSON.stringify([one, other, when, text]).slice(0, 300)}`;
        expect([answer.status, shown]).toEqual([answer.status === 422 ? 422 : 200, shown]);
        // The envelope itself may be at fault, and is then named; a row never is.
        if (answer.status === 422) {
          expect(answer.json['detail']).not.toMatch(/snapshot\.items|requests\.\d|usage\.\d|evidence\.rows/);
          return;
        }
        const { db } = admin.collector.context;
        const kept = await db
          .selectFrom('request')
          .select('item_name')
          .where('device', '=', device.id)
          .where('item_name', '=', name)
          .execute();
        expect([kept.length, shown]).toEqual([1, shown]);
        const used = await db
          .selectFrom('usage')
          .select('run_s')
          .where('device', '=', device.id)
          .where('item', '=', `tool:${name}`)
          .where('front_s', '=', 0)
          .execute();
        expect([used.length, shown]).toEqual([1, shown]);
      }),
      { numRuns: Number(process.env['HOSTILE_RUNS'] ?? 30) },
    );
    expect((await device.full([tool('after')])).json).toMatchObject({ want: 'none' });
    for (const url of ['/devices', '/requests', '/audit', '/evidence', '/tools', '/mcp-servers', `/devices/${device.id}/items`])
      for (const format of ['json', 'csv'])
        expect([url, (await admin.ask('GET', `${url}?format=${format}${format === 'json' ? '&limit=500' : ''}`)).status]).toEqual([
          url,
          200,
        ]);
  });

  const today = () => new Date().toISOString().slice(0, 10);
  const request = (more: Record<string, unknown> = {}) => ({
    id: randomUUID(),
    item: 'ollama',
    itemName: 'Ollama',
    identity: null,
    tier: null,
    dataClass: null,
    until: null,
    reason: 'For the pilot.',
    state: 'open',
    createdAt: '2026-11-20T10:00:00.000Z',
    updatedAt: '2026-11-20T10:00:00.000Z',
    added: null,
    ...more,
  });
});

describe('who sends slowly', () => {
  /** A request with a good proof whose body doesn't come; resolves when its headers are surely there. */
  async function begun(device: SimulatedDevice, path: string, by: 'kid' | 'jwk') {
    const bytes = json({ not: 'yet' });
    const one = await rawConnection(admin.collector.url);
    one.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nDPoP: ${await device.proof(path, bytes, by)}\r\nContent-Length: ${bytes.length}\r\n\r\n{`,
    );
    return one;
  }
  const underWay = () => admin.collector.context.admission.underWay();
  const quiet = (device: SimulatedDevice) => device.checkIn({ base: headOfItems([tool('ollama')]), head: headOfItems([tool('ollama')]) });

  it('with keys that anybody can make, leaves room for devices that are known', async () => {
    const device = await admin.enrolled();
    const begin = Array.from({ length: 80 }, () => begun(simulatedDevice(admin.collector.url), '/v1/enroll', 'jwk'));
    const all = await Promise.all(begin);
    await expect.poll(underWay).toBe(64);
    isProblem(await simulatedDevice(admin.collector.url).enroll(admin.secret), 429, 'too-busy');
    expect((await quiet(device)).status).toBe(200);
    for (const { socket } of all) socket.destroy();
    await expect.poll(underWay).toBe(0);
    expect((await simulatedDevice(admin.collector.url).enroll(admin.secret)).status).toBe(200);
  });

  it('nothing, and goes away, leaves no place taken: before its body, after it, and behind another request', async () => {
    const device = await admin.enrolled();
    const request = async () => {
      const bytes = json(device.body({ base: headOfItems([tool('ollama')]), head: headOfItems([tool('ollama')]) }));
      const proof = await device.proof('/v1/check-in', bytes, 'kid');
      return `POST /v1/check-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nDPoP: ${proof}\r\nContent-Length: ${bytes.length}\r\n\r\n${Buffer.from(bytes).toString()}`;
    };
    const ready = 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n';
    for (const [wait, sent] of [
      [0, [await request()]],
      [1, [await request()]],
      [0, [ready, await request(), await request(), ready]],
      [1, [ready, await request(), await request(), ready]],
      [1, [await request(), 'no HTTP']],
    ] as const) {
      const one = await rawConnection(admin.collector.url);
      one.write(sent.join(''));
      // Gone before it was read, and gone while it is at work.
      if (wait > 0) await expect.poll(underWay, { interval: 1 }).toBeGreaterThan(0);
      one.socket.resetAndDestroy();
      await expect.poll(underWay).toBe(0);
    }
    expect((await quiet(device)).status).toBe(200);
  });

  it('with the key of one device, leaves room for the others; one that was shut out is told before its body', async () => {
    const [one, other] = [await admin.enrolled(), await admin.enrolled()];
    const all = await Promise.all(Array.from({ length: 30 }, () => begun(one, '/v1/check-in', 'kid')));
    await expect.poll(underWay).toBe(16);
    isProblem(await quiet(one), 429, 'too-fast');
    expect((await quiet(other)).status).toBe(200);
    for (const { socket } of all) socket.destroy();
    await expect.poll(underWay).toBe(0);
    expect((await quiet(one)).status).toBe(200);
    expect((await admin.ask('POST', `/devices/${one.id}/revoke`, { reason: 'Stolen.' })).status).toBe(200);
    const shut = await begun(one, '/v1/check-in', 'kid');
    const { status, json: said } = await shut.answer();
    isProblem({ status, json: said }, 403, 'device-revoked');
    shut.socket.destroy();
  });

  it('is cut off after seconds, whatever little comes', async () => {
    for (const { name, status, closed } of slow) {
      await closed;
      expect([name, [0, 408].includes(await status)]).toEqual([name, true]);
    }
  });
});

describe('who sends much', () => {
  it('as one device is told to wait, and no other; an IPv6 network is one sender', () => {
    const plenty = { rate: 1e6, burst: 1e6 };
    let time = 0;
    const admission = createAdmission({ address: plenty, all: plenty, underWay: 10, device: { rate: 0.5, burst: 3 } }, () => time);
    const refused = (device: string) => {
      try {
        admission.enterDevice(device)();
        return null;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(['a', 'a', 'a', 'a', 'b'].map(refused)).toEqual([null, null, null, 'too-fast', null]);
    time = 2000;
    expect(['a', 'a'].map(refused)).toEqual([null, 'too-fast']);
    expect(['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:0db8::', '::1', '::ffff:192.0.2.1', '192.0.2.1'].map(networkOf)).toEqual([
      '2001:db8:0:0::/64',
      '2001:db8:0:0::/64',
      '2001:0db8:0:0::/64',
      '0:0:0:0::/64',
      '::ffff:192.0.2.1',
      '192.0.2.1',
    ]);
  });
});

describe('a cell of a list', () => {
  it('begins no formula, whether commas or semicolons part the cells', () => {
    const bad = ['=1+1', '+1', '-1', '@A1', '|x', '%x', '\uff1d1', '\t=1', '\r=1'];
    const gap = fc.constantFrom('', ' ', '"', "'", '\t', '\u00a0');
    const text = fc.array(fc.tuple(fc.constantFrom('', ';', ',', '";"', ';;', 'a', '\n'), gap, fc.constantFrom('', ...bad)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(text, (pieces) => {
        const value = pieces.flat().join('');
        const read = cell(value);
        // As one that parts by commas reads it, and as one that parts by semicolons does, with a cell before it.
        const byComma = read.startsWith('"') ? read.slice(1, -1).replaceAll('""', '"') : read;
        const bySemicolon = `x,${read}`.split(';').slice(1);
        expect(byComma).not.toMatch(/^[\s\u00a0]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/u);
        for (const each of bySemicolon) expect(each).not.toMatch(/^[\s\u00a0"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/u);
      }),
      { numRuns: 500 },
    );
    expect(cell('plain; text, with - signs')).toBe('"plain; text, with - signs"');
  });
});

describe('afterwards', () => {
  it('it lives, is ready, and has logged no bug', async () => {
    for (const page of ['/livez', '/readyz']) expect((await fetch(`${admin.collector.url}${page}`)).status).toBe(200);
    expect(admin.lines.filter((line) => /"level":"error"/.test(line))).toEqual([]);
  });
});
