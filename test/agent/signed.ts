/** An organization that signs, for tests and the bench: its root and online keys, and every document that it can make of them. */
import { createPrivateKey, sign as signBytes } from 'node:crypto';
import { type DocumentKind, type PublicKey, TYP, thumbprint } from '../../agent/policy/documents.ts';
import { newSigningKey, publicHalf, type SigningKey, sign } from '../../agent/policy/signing.ts';

/** Long before and after every clock of the tests. */
export const ISSUED = '2026-11-01T00:00:00.000Z';
export const EXPIRES = '2027-11-01T00:00:00.000Z';
export const AUDIENCE = 'acme';
export const DEVICE = '00000000-0000-4000-8000-000000000001';

type More = Readonly<Record<string, unknown>>;

export async function organization() {
  const [root, online] = [await newSigningKey(), await newSigningKey()];
  const envelope = { audience: AUDIENCE, issuedAt: ISSUED, expiresAt: EXPIRES };
  return {
    root,
    online,
    roots: [publicHalf(root)] as readonly PublicKey[],
    /** A key set that names `keys`, the online key unless told otherwise. */
    keySet: (rev: number, more: More = {}, key: SigningKey = root) =>
      sign('keySet', JSON.stringify({ schema: 'muster.key-set/1', rev, ...envelope, keys: [publicHalf(online)], ...more }), key, null),
    policy: (rev: number, more: More = {}, key: SigningKey = online, keySetRev = 1) =>
      sign('policy', JSON.stringify({ schema: 'muster.policy/1', rev, ...envelope, ...more }), key, keySetRev),
    grants: (rev: number, more: More = {}, key: SigningKey = online, keySetRev = 1) =>
      sign(
        'grants',
        JSON.stringify({ schema: 'muster.grants/1', rev, ...envelope, device: DEVICE, grants: [grant('g1', { tool: 'ollama' })], ...more }),
        key,
        keySetRev,
      ),
  };
}

const grant = (id: string, more: More) => ({
  id,
  status: 'approved',
  expiresAt: EXPIRES,
  reason: 'For the pilot.',
  ...more,
});

/** A header and a payload as they are given, with a true Ed25519 signature over both. */
export async function rawSigned(header: More, text: string, key: SigningKey): Promise<string> {
  const body = [JSON.stringify(header), text].map((part) => Buffer.from(part).toString('base64url')).join('.');
  const signature = signBytes(null, Buffer.from(body), createPrivateKey({ key, format: 'jwk' }));
  return `${body}.${signature.toString('base64url')}`;
}

export const headerOf = (kind: DocumentKind, key: SigningKey, more: More = {}): More => ({
  alg: 'Ed25519',
  kid: thumbprint(publicHalf(key)),
  typ: TYP[kind],
  ...(kind === 'keySet' ? {} : { keySet: 1 }),
  ...more,
});

/** A policy of which every part says its revision, so that half of one and half of another can't pass for either; of a usual size. */
export const swapped = (rev: number) => ({
  schema: 'muster.policy/1',
  ...{ rev, audience: AUDIENCE, issuedAt: ISSUED, expiresAt: EXPIRES },
  organization: { name: `Acme ${rev}` },
  tools: Array.from({ length: 60 }, (_, index) => ({
    id: `t${index}-${rev}`,
    tool: 'ollama',
    status: index % 2 === rev % 2 ? 'approved' : 'prohibited',
  })),
  clauses: [{ id: '1', title: `Revision ${rev}`, text: `${rev} `.repeat(500).trim() }],
});

/** Whether it is all of that revision, and nothing of another. */
export function isWhole(policy: unknown, rev: number): boolean {
  const { organization, tools, clauses } = policy as Pick<ReturnType<typeof swapped>, 'organization' | 'tools' | 'clauses'>;
  const is = swapped(rev);
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return (
    same(organization.name, is.organization.name) &&
    same(
      tools.map(({ id, status }) => [id, status]),
      is.tools.map(({ id, status }) => [id, status]),
    ) &&
    same(
      clauses.map(({ title, text }) => [title, text]),
      is.clauses.map(({ title, text }) => [title, text]),
    )
  );
}
