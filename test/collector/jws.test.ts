/** The collector's own check of signatures against jose's: what it takes jose takes, and what jose takes it takes in the one spelling of its bytes. */
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { proofOf } from '../../agent/sync/proof.ts';
import { openJws, publicKeyOf } from '../../collector/jws.ts';

const pair = generateKeyPairSync('ed25519');
const { x = '' } = pair.publicKey.export({ format: 'jwk' });
const jwk = { kty: 'OKP', crv: 'Ed25519', x } as const;
const key = publicKeyOf(x) as NonNullable<ReturnType<typeof publicKeyOf>>;
const theirKey = await importJWK(jwk, 'EdDSA');

const ALGORITHMS = ['EdDSA', 'Ed25519'];
/** What the schema in collector/proof.ts asks of a header, as far as a signature depends on it. */
const fits = (header: unknown) => {
  const { alg, crit, b64 } = (header ?? {}) as { alg?: unknown; crit?: unknown; b64?: unknown };
  return ALGORITHMS.includes(String(alg)) && crit === undefined && b64 === undefined;
};

function ours(token: string): string | null {
  const jws = openJws(token);
  if (!jws || !fits(jws.header) || !jws.signedBy(key)) return null;
  try {
    return JSON.stringify(jws.payload());
  } catch {
    return 'no JSON';
  }
}

async function theirs(token: string): Promise<string | null> {
  try {
    if (!fits(decodeProtectedHeader(token))) return null;
    const { payload } = await compactVerify(token, theirKey, { algorithms: ALGORITHMS });
    try {
      return JSON.stringify(JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)));
    } catch {
      return 'no JSON';
    }
  } catch {
    return null;
  }
}

const isCanonical = (token: string) => token.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

const header = fc.record(
  { alg: fc.constantFrom('EdDSA', 'Ed25519', 'ES256', 'none', 'HS256'), typ: fc.string(), kid: fc.string(), more: fc.jsonValue() },
  { requiredKeys: ['alg'] },
);
/** Signed by the right key over whatever the header says, also what no library would sign. */
const signed = fc
  .tuple(
    header,
    fc.oneof(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.string(),
    ),
  )
  .map(([head, body]) => {
    const input = [JSON.stringify(head), body].map((part) => Buffer.from(part).toString('base64url')).join('.');
    return `${input}.${sign(null, Buffer.from(input), pair.privateKey).toString('base64url')}`;
  });
const place = fc.nat(1000);
const CHARACTERS = 'AQgwBRhxCSiyDTjz-_.=+/ é\0';
const mangled = fc
  .tuple(
    signed,
    fc.array(
      fc.record({ how: fc.constantFrom('set', 'insert', 'remove', 'cut', 'swap', 'last'), at: place, char: fc.nat(CHARACTERS.length - 1) }),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([token, changes]) =>
    changes.reduce((text, { how, at, char }) => changed(text, how, at % (text.length + 1), CHARACTERS[char] ?? ''), token),
  );

function changed(text: string, how: string, at: number, char: string): string {
  if (how === 'set') return text.slice(0, at) + char + text.slice(at + 1);
  if (how === 'insert') return text.slice(0, at) + char + text.slice(at);
  if (how === 'remove') return text.slice(0, at) + text.slice(at + 1);
  if (how === 'cut') return text.slice(0, at);
  if (how === 'last') return text.slice(0, -1) + char;
  const [head = '', body = '', signature = ''] = text.split('.');
  return [body, head, signature].join('.');
}

async function agree(token: string): Promise<boolean> {
  const [mine, other] = [ours(token), await theirs(token)];
  if (mine !== null) expect(mine, token).toBe(other);
  else if (other !== null) expect(isCanonical(token), token).toBe(false);
  return mine !== null;
}

describe('a signature', () => {
  it('is taken where jose takes it, and the payload is the same', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(signed, async (token) => {
        if (await agree(token)) taken++;
      }),
      { numRuns: 200 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it('is refused where jose refuses it, however it was mangled', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(mangled, async (token) => {
        if (!(await agree(token))) refused++;
      }),
      { numRuns: 1000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('has one spelling: not another last character, not padding, not a scalar beyond the order', async () => {
    const token = await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'EdDSA' }).sign(pair.privateKey);
    expect(ours(token)).toBe('{}');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const last of alphabet) if (last !== token.at(-1)) expect(ours(token.slice(0, -1) + last)).toBeNull();
    expect(ours(`${token}==`)).toBeNull();
    const [head = '', body = '', tail = ''] = token.split('.');
    const bytes = Buffer.from(tail, 'base64url');
    // RFC 8032: S and S + L satisfy the same equation.
    let carry = (1n << 252n) + 27742317777372353535851937790883648493n;
    for (let at = 32; at < 64; at++) {
      carry += BigInt(bytes[at] ?? 0);
      bytes[at] = Number(carry & 255n);
      carry >>= 8n;
    }
    const beyond = `${head}.${body}.${bytes.toString('base64url')}`;
    expect(isCanonical(beyond) && carry === 0n).toBe(true);
    expect([ours(beyond), await theirs(beyond)]).toEqual([null, null]);
  });

  it('of an agent is one for jose too', async () => {
    const proof = await proofOf(
      { privateKey: pair.privateKey, publicJwk: jwk },
      { url: 'http://127.0.0.1/v1/check-in', body: Buffer.from('{}'), at: new Date(0) },
      'key',
    );
    expect(await theirs(proof)).toBe(ours(proof));
    expect(decodeProtectedHeader(proof)).toEqual({ alg: 'EdDSA', typ: 'dpop+jwt', jwk });
  });
});

describe('a key', () => {
  const LOW = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ].map((hex) => Buffer.from(hex, 'hex'));

  it('of a small order, under which one signature would fit everything, has signed nothing', () => {
    // Five times the base point, and five: with such a key the rest of the equation is nothing, or nothing once in eight messages.
    const fits = Buffer.concat([
      Buffer.from('edc876d6831fd2105d0b4389ca2e283166469289146e2ce06faefe98b22548df', 'hex'),
      Buffer.from([5]),
      Buffer.alloc(31),
    ]).toString('base64url');
    for (const point of LOW) {
      for (const sign of [0, 0x80]) {
        const bytes = Buffer.from(point);
        bytes[31] = (bytes[31] ?? 0) | sign;
        const small = publicKeyOf(bytes.toString('base64url'));
        for (let number = 0; small && number < 40; number++) {
          const input = ['{"alg":"EdDSA"}', `${number}`].map((part) => Buffer.from(part).toString('base64url')).join('.');
          expect(openJws(`${input}.${fits}`)?.signedBy(small), bytes.toString('hex')).toBe(false);
        }
      }
    }
  });

  it('is 32 bytes in their one spelling', () => {
    expect(publicKeyOf(x)).not.toBeNull();
    expect(publicKeyOf(x.slice(1))).toBeNull();
    const bits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const other = bits[bits.indexOf(x.at(-1) ?? '') ^ 1] ?? '';
    expect(Buffer.from(x.slice(0, -1) + other, 'base64url')).toEqual(Buffer.from(x, 'base64url'));
    expect(publicKeyOf(x.slice(0, -1) + other)).toBeNull();
  });

  it('of another curve opens nothing', async () => {
    const token = await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'EdDSA' }).sign(pair.privateKey);
    expect(openJws(token)?.signedBy(generateKeyPairSync('ed448').publicKey)).toBe(false);
    expect(openJws(token)?.signedBy(generateKeyPairSync('x25519').publicKey)).toBe(false);
  });
});
