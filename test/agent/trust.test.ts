/** One attack a line: what a signed document must not get past, each refused with its own reason, and nothing true refused with it. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DocumentKind, type KeySet, publicKeys, readPayload, thumbprint } from '../../agent/policy/documents.ts';
import { compareMarks, type Floor, type Mark, NO_FLOOR, raised } from '../../agent/policy/floor.ts';
import { newSigningKey, publicHalf, type SigningKey } from '../../agent/policy/signing.ts';
import { followRoots, type TrustState, verify } from '../../agent/policy/trust.ts';
import { AUDIENCE, DEVICE, headerOf, organization, rawSigned } from './signed.ts';

const NOW = new Date('2026-11-22T09:00:00.000Z');
let acme: Awaited<ReturnType<typeof organization>>;
let stranger: SigningKey;
let state: TrustState;

beforeAll(async () => {
  acme = await organization();
  stranger = await newSigningKey();
  state = { roots: acme.roots, audience: AUDIENCE, device: DEVICE, keySet: await keySetOf(await acme.keySet(1)), floor: NO_FLOOR };
});

async function keySetOf(jws: string): Promise<KeySet> {
  const found = await verify(
    'keySet',
    jws,
    { ...state, roots: acme.roots, audience: null, device: '', keySet: null, floor: NO_FLOOR },
    NOW,
  );
  if (!found.ok) throw new Error(found.reason);
  return found.document;
}
const codeOf = async (kind: DocumentKind, jws: string, more: Partial<TrustState> = {}, now = NOW) => {
  const found = await verify(kind, jws, { ...state, ...more }, now);
  if (!found.ok) expect(found.reason).toMatch(/^[A-Z][^\n]+; [^\n]+\.$|correct it and sign it again\.$/);
  return found.ok ? 'ok' : found.code;
};
const payload = (jws: string) => Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8');
const mark = (rev: number, keySetRev = 1, hash = 'other'): Mark => ({ rev, keySetRev, hash });

describe('what is signed as it should be', () => {
  it('passes, and passes again', async () => {
    expect(await codeOf('keySet', await acme.keySet(1))).toBe('ok');
    const jws = await acme.policy(42);
    const found = await verify('policy', jws, state, NOW);
    expect(found).toMatchObject({ ok: true, mark: { keySetRev: 1, rev: 42 }, signer: thumbprint(publicHalf(acme.online)) });
    if (!found.ok) return;
    expect(JSON.parse(found.text)).toMatchObject({ rev: 42 });
    expect(await codeOf('policy', jws, { floor: { ...NO_FLOOR, policy: found.mark } })).toBe('ok');
    expect(await codeOf('grants', await acme.grants(1))).toBe('ok');
    const older = await rawSigned(headerOf('policy', acme.online, { alg: 'EdDSA' }), payload(jws), acme.online);
    expect(await codeOf('policy', older)).toBe('ok');
  });
});

describe('an attack', () => {
  it.each<[attack: string, code: string, make: () => Promise<[DocumentKind, string, Partial<TrustState>?, Date?]>]>([
    ['rollback', 'rollback', async () => ['policy', await acme.policy(41), { floor: { ...NO_FLOOR, policy: mark(42) } }]],
    ['rollback of the key set', 'rollback', async () => ['keySet', await acme.keySet(1), { floor: { ...NO_FLOOR, keySet: mark(2, 2) } }]],
    ['rollback of grants', 'rollback', async () => ['grants', await acme.grants(1), { floor: { ...NO_FLOOR, grants: mark(2) } }]],
    ['freeze', 'expired', async () => ['policy', await acme.policy(43, { expiresAt: '2026-11-22T09:00:00Z' })]],
    [
      'freeze by an old key set',
      'key-set-expired',
      async () => {
        const keySet = await keySetOf(await acme.keySet(2, { expiresAt: '2026-12-01T00:00:00.000Z' }));
        return ['policy', await acme.policy(43), { keySet }, new Date('2026-12-01T00:00:00.000Z')];
      },
    ],
    [
      'mix and match: a key of a set that is not in force',
      'unknown-key',
      async () => {
        const keySet = await keySetOf(await acme.keySet(2, { keys: [publicHalf(stranger)] }));
        return ['policy', await acme.policy(43), { keySet }];
      },
    ],
    [
      'mix and match: an old policy under a new key set with the same key',
      'rollback',
      async () => {
        const keySet = await keySetOf(await acme.keySet(2));
        return ['policy', await acme.policy(99), { keySet, floor: { ...NO_FLOOR, policy: mark(1, 2) } }];
      },
    ],
    ['mix and match: a policy ahead of its key set', 'key-set-ahead', async () => ['policy', await acme.policy(1, {}, acme.online, 2)]],
    ['a policy before any key set', 'no-key-set', async () => ['policy', await acme.policy(1), { keySet: null }]],
    ['fast-forward to where no next revision is', 'absurd-rev', async () => ['policy', await acme.policy(1_000_000_001)]],
    ['fast-forward beyond what numbers can say', 'absurd-rev', async () => ['policy', await acme.policy(2 ** 60)]],
    ['fast-forward of the key set', 'absurd-rev', async () => ['keySet', await acme.keySet(1_000_000_001)]],
    ['revision nought', 'absurd-rev', async () => ['policy', await acme.policy(0)]],
    ['wrong audience', 'wrong-audience', async () => ['policy', await acme.policy(43, { audience: 'evil' })]],
    ['wrong audience of the key set', 'wrong-audience', async () => ['keySet', await acme.keySet(2, { audience: 'evil' })]],
    ['no audience', 'not-understood', async () => ['policy', await acme.policy(43, { audience: undefined })]],
    ['wrong device', 'wrong-device', async () => ['grants', await acme.grants(1, { device: 'another' })]],
    ['no end', 'not-understood', async () => ['policy', await acme.policy(43, { expiresAt: undefined })]],
    [
      'issued in the far future',
      'issued-in-future',
      async () => ['policy', await acme.policy(43, { issuedAt: '2026-11-25T00:00:00.000Z' })],
    ],
    [
      'alg none',
      'wrong-alg',
      async () => {
        const [, body] = (await acme.policy(43)).split('.');
        return [
          'policy',
          `${Buffer.from(JSON.stringify(headerOf('policy', acme.online, { alg: 'none' }))).toString('base64url')}.${body}.`,
        ];
      },
    ],
    [
      'alg HS256 with the public key as the secret',
      'wrong-alg',
      async () => {
        const body = [JSON.stringify(headerOf('policy', acme.online, { alg: 'HS256' })), payload(await acme.policy(43))]
          .map((part) => Buffer.from(part).toString('base64url'))
          .join('.');
        return ['policy', `${body}.${createHmac('sha256', acme.online.x).update(body).digest('base64url')}`];
      },
    ],
    [
      'alg of another curve',
      'wrong-alg',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', acme.online, { alg: 'ES256' }), payload(await acme.policy(43)), acme.online),
      ],
    ],
    [
      'a header that must be understood',
      'wrong-header',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', acme.online, { crit: ['b64'], b64: false }), payload(await acme.policy(43)), acme.online),
      ],
    ],
    [
      'a key that comes along',
      'wrong-header',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', stranger, { jwk: publicHalf(stranger) }), payload(await acme.policy(43)), stranger),
      ],
    ],
    [
      'an address of keys',
      'wrong-header',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', acme.online, { jku: 'https://evil.example' }), payload(await acme.policy(43)), acme.online),
      ],
    ],
    [
      'a key set’s revision that is no number',
      'wrong-header',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', acme.online, { keySet: '9' }), payload(await acme.policy(43)), acme.online),
      ],
    ],
    [
      'a key set under another',
      'wrong-header',
      async () => ['keySet', await rawSigned(headerOf('keySet', acme.root, { keySet: 9 }), payload(await acme.keySet(2)), acme.root)],
    ],
    ['a policy sent as grants', 'wrong-typ', async () => ['grants', await acme.policy(43)]],
    ['grants sent as a policy', 'wrong-typ', async () => ['policy', await acme.grants(43)]],
    [
      'typ of something else that the key signs',
      'wrong-typ',
      async () => ['policy', await rawSigned(headerOf('policy', acme.online, { typ: 'JWT' }), payload(await acme.policy(43)), acme.online)],
    ],
    [
      'grants signed as a policy',
      'not-understood',
      async () => ['policy', await rawSigned(headerOf('policy', acme.online), payload(await acme.grants(43)), acme.online)],
    ],
    ['unknown kid', 'unknown-key', async () => ['policy', await acme.policy(43, {}, stranger)]],
    [
      'a stranger’s key under a known kid',
      'bad-signature',
      async () => ['policy', await rawSigned(headerOf('policy', acme.online), payload(await acme.policy(43)), stranger)],
    ],
    ['a key set signed by an online key', 'unknown-key', async () => ['keySet', await acme.keySet(2, {}, acme.online)]],
    ['a policy signed by the root', 'unknown-key', async () => ['policy', await acme.policy(43, {}, acme.root)]],
    [
      'a changed text',
      'bad-signature',
      async () => {
        const [header, body, signature] = (await acme.policy(43)).split('.');
        const changed = Buffer.from(
          Buffer.from(body ?? '', 'base64url')
            .toString('utf8')
            .replace('"rev":43', '"rev":44'),
        ).toString('base64url');
        return ['policy', `${header}.${changed}.${signature}`];
      },
    ],
    [
      'equal revision, another text',
      'same-rev-other-content',
      async () => ['policy', await acme.policy(42, { stance: 'tolerated' }), { floor: { ...NO_FLOOR, policy: mark(42) } }],
    ],
    [
      'oversized',
      'too-large',
      async () => ['policy', await acme.policy(43, { clauses: [{ id: '1', title: 'x', text: 'x'.repeat(1024 * 1024) }] })],
    ],
    ['cut in the signature', 'truncated', async () => ['policy', (await acme.policy(43)).slice(0, -10)]],
    ['cut in the text', 'truncated', async () => ['policy', (await acme.policy(43)).split('.').slice(0, 2).join('.').slice(0, -5)]],
    ['cut in the header', 'not-jws', async () => ['policy', (await acme.policy(43)).slice(0, 20)]],
    ['empty', 'not-jws', async () => ['policy', '']],
    ['plain JSON', 'not-jws', async () => ['policy', payload(await acme.policy(43))]],
    ['five parts, as what is encrypted has', 'not-jws', async () => ['policy', `${await acme.policy(43)}.x.y`]],
    ['a secret key in a key set', 'not-understood', async () => ['keySet', await acme.keySet(2, { keys: [stranger] })]],
    [
      'a key set of another kind of key',
      'not-understood',
      async () => ['keySet', await acme.keySet(2, { keys: [{ kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) }] })],
    ],
    [
      'a name that stands twice',
      'not-understood',
      async () => [
        'policy',
        await rawSigned(headerOf('policy', acme.online), payload(await acme.policy(43)).replace('{', '{"rev":1,'), acme.online),
      ],
    ],
    [
      'a grant with a condition that nobody knows',
      'not-understood',
      async () => [
        'grants',
        await acme.grants(1, {
          grants: [{ id: 'g', tool: 'ollama', status: 'approved', expiresAt: '2027-01-01T00:00:00Z', reason: '', onlyOn: 'monday' }],
        }),
      ],
    ],
  ])('%s is refused: %s', async (_attack, code, make) => {
    const [kind, jws, more, now] = await make();
    expect(await codeOf(kind, jws, more, now)).toBe(code);
  });

  it('by fast-forward, with a stolen online key, ends with the next key set', async () => {
    const floor = { ...NO_FLOOR, policy: mark(1_000_000_000, 1) };
    const next = await newSigningKey();
    const keySet = await keySetOf(await acme.keySet(2, { keys: [publicHalf(next)] }));
    expect(await codeOf('policy', await acme.policy(1_000_000_000), { floor, keySet })).toBe('unknown-key');
    expect(await codeOf('policy', await acme.policy(2, {}, next, 2), { floor, keySet })).toBe('ok');
  });

  it('shows nothing of a secret key that somebody published by mistake', async () => {
    const found = await verify('keySet', await acme.keySet(2, { keys: [stranger] }), state, NOW);
    expect(JSON.stringify(found)).not.toContain(stranger.d);
    expect(found).toMatchObject({ reason: expect.stringContaining('secret half') });
  });
});

describe('any text', () => {
  it('is answered, never thrown at', async () => {
    const good = await acme.policy(43);
    const mutated = fc
      .tuple(fc.nat({ max: good.length - 1 }), fc.string({ maxLength: 3 }))
      .map(([at, put]) => good.slice(0, at) + put + good.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, fc.string(), fc.stringMatching(/^[\w-]*\.[\w-]*\.[\w-]*$/)), async (text) => {
        const found = await verify('policy', text, state, NOW);
        // base64url has spellings of one and the same; anything else that passes would be a forgery.
        if (found.ok) expect(found.text).toBe(payload(good));
      }),
      { numRuns: 400 },
    );
  });

  it('of a payload too', () => {
    fc.assert(
      fc.property(fc.constantFrom<DocumentKind>('keySet', 'policy', 'grants'), fc.oneof(fc.json(), fc.string()), (kind, text) => {
        expect(readPayload(kind, text).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the floor', () => {
  const anyMark = fc.option(fc.record({ keySetRev: fc.nat({ max: 3 }), rev: fc.nat({ max: 3 }), hash: fc.constantFrom('a', 'b') }), {
    nil: null,
  });
  const anyMarks = fc.record({ keySet: anyMark, policy: anyMark, grants: anyMark });

  it('never falls, whatever it is raised by', () => {
    fc.assert(
      fc.property(anyMarks, fc.array(anyMarks), (start, steps) => {
        let floor: Floor = { ...NO_FLOOR, ...start };
        for (const step of steps) {
          const next = raised(floor, step);
          for (const kind of ['keySet', 'policy', 'grants'] as const) {
            const [was, is] = [floor[kind], next[kind]];
            if (was) expect(is && compareMarks(is, was) >= 0).toBe(true);
            // One revision is one text.
            if (was && is && compareMarks(is, was) === 0) expect(is.hash).toBe(was.hash);
          }
          floor = next;
        }
      }),
    );
  });
});

describe('root keys', () => {
  it('hand over to their successors, step by step, and to nobody else', async () => {
    const [second, third] = [await newSigningKey(), await newSigningKey()];
    const step = async (to: SigningKey, by: SigningKey, rev: number) => acme.keySet(rev, { nextRoots: [publicHalf(to)] }, by);
    const honest = [await step(second, acme.root, 2), await step(third, second, 3)];
    expect((await followRoots(acme.roots, honest)).now).toEqual([publicHalf(third)]);
    // Signed by a root that has handed over, and by none at all.
    const forged = [await step(stranger, acme.root, 3), await step(stranger, stranger, 4)];
    expect((await followRoots(acme.roots, [...honest, ...forged])).now).toEqual([publicHalf(third)]);
    // The settings name the successor already: the step before it is passed over.
    expect((await followRoots([publicHalf(second)], honest)).now).toEqual([publicHalf(third)]);
    expect((await followRoots([publicHalf(stranger)], honest)).now).toEqual([publicHalf(stranger)]);
  });

  it('are read in the forms that a setting may write', () => {
    const key = publicHalf(stranger);
    const text = JSON.stringify(key);
    const forms = [[key], key, { keys: [key] }, text, [text], `[${text}]`, JSON.stringify({ keys: [{ ...key, kid: 'x', use: 'sig' }] })];
    for (const form of forms) expect(publicKeys().parse(form)).toEqual([key]);
    for (const wrong of [[], 'x', [stranger], { keys: [] }, [{ ...key, x: 'short' }], null])
      expect(publicKeys().safeParse(wrong).success).toBe(false);
  });
});
