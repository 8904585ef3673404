/** The three signed documents: how each is called, what stands in it, and the public keys that they name. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { later } from '../later.ts';
import type { Grant } from './decide.ts';
import { readSource } from './source.ts';

/** Root keys sign the key set; a key of the key set signs the policy, and the grants of one device. */
export type DocumentKind = 'keySet' | 'policy' | 'grants';
export const KINDS: readonly DocumentKind[] = ['keySet', 'policy', 'grants'];

export const TYP: Readonly<Record<DocumentKind, string>> = {
  keySet: 'muster-key-set+jws',
  policy: 'muster-policy+jws',
  grants: 'muster-grants+jws',
};
/** How each is called in a sentence. */
export const NAME: Readonly<Record<DocumentKind, string>> = { keySet: 'key set', policy: 'policy', grants: 'list of grants' };

/** No document is longer, in characters as sent. */
export const MAX_CHARS = 1024 * 1024;
/** More revisions than an hourly one makes in a hundred thousand years: a number beyond it was meant to leave no room for a next one. */
const MAX_REV = 1_000_000_000;

/** An Ed25519 key as RFC 8037 writes it. Its id is always its thumbprint (RFC 7638): a `kid` that somebody gave it is not believed. */
export type PublicKey = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

/** One key, or a list of them, or JSON of either. */
export const publicKeys = later(() => {
  const PublicKey = z
    .object({
      kty: z.literal('OKP', { error: 'must be OKP, for only Ed25519 keys are used' }),
      crv: z.literal('Ed25519', { error: 'must be Ed25519, for no other curve is used' }),
      x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'is not the 32 bytes of an Ed25519 key'),
      d: z.never({ error: 'is the secret half; name public keys only, and make a new key, because this one has been shown' }).optional(),
    })
    .transform(({ kty, crv, x }): PublicKey => ({ kty, crv, x }));
  return z.preprocess(unwrapped, z.array(PublicKey).min(1).max(32));
});

/** As a setting may write them: a list, one key, `{"keys": […]}`, a line of JSON for each, or JSON of all. */
function unwrapped(value: unknown): unknown {
  const plain = typeof value === 'string' ? parsed(value) : value;
  if (Array.isArray(plain)) return plain.map((one) => (typeof one === 'string' ? parsed(one) : one));
  if (typeof plain !== 'object' || plain === null) return plain;
  return 'keys' in plain ? plain.keys : [plain];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** SHA-256 over the members that RFC 7638 names, in its order; base64url. */
export function thumbprint({ crv, kty, x }: PublicKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}

const schemas = later(() => {
  const rev = z.int().min(1).max(MAX_REV);
  const id = z.string().trim().min(1).max(500);
  const time = z.iso.datetime({ offset: true }).transform((value) => new Date(value).toISOString());
  /** What all three say of themselves. */
  const envelope = { rev, audience: id, issuedAt: time, expiresAt: time };

  const KeySet = z.object({
    schema: z.literal('muster.key-set/1'),
    ...envelope,
    keys: publicKeys(),
    /** From this key set on, these are the root keys and no others. */
    nextRoots: publicKeys().optional(),
  });

  const PolicyEnvelope = z.object({ schema: z.literal('muster.policy/1'), ...envelope });

  const names = z.array(id);
  /** Strict, because a condition that is not understood would grant more than was meant. */
  const GrantRow = z
    .strictObject({
      id,
      tool: id.optional(),
      mcp: id.optional(),
      tiers: names.optional(),
      status: z.enum(['approved', 'conditional', 'tolerated', 'prohibited']),
      dataClasses: names.optional(),
      expiresAt: time,
      reason: z.string().max(2000),
      requestId: id.optional(),
      grantedBy: id.optional(),
    })
    .refine(({ tool, mcp }) => (tool === undefined) !== (mcp === undefined), 'names a tool or an MCP server, one of the two')
    .transform((grant) => Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined)) as unknown as Grant);

  const Grants = z.object({
    schema: z.literal('muster.grants/1'),
    ...envelope,
    /** The id of the only device that these are for. */
    device: id,
    grants: z.array(GrantRow).max(5000),
  });

  return { keySet: KeySet, policy: PolicyEnvelope, grants: Grants };
});

export type Documents = { readonly [Kind in DocumentKind]: z.infer<ReturnType<typeof schemas>[Kind]> };
export type KeySet = Documents['keySet'];

/**
 * What a payload says, or the first thing that is wrong with it, with its line and field. Of a policy only what all documents say of themselves is
 * read here; `parsePolicy` reads the rest. Never throws, and quotes no value.
 */
export function readPayload<Kind extends DocumentKind>(
  kind: Kind,
  text: string,
): { readonly ok: true; readonly document: Documents[Kind] } | { readonly ok: false; readonly issue: string } {
  const source = readSource(text);
  if ('issues' in source) return { ok: false, issue: source.issues[0] ?? 'it is not JSON' };
  const result = schemas()[kind].safeParse(source.raw);
  if (result.success) return { ok: true, document: result.data as Documents[Kind] };
  const [first] = result.error.issues;
  return { ok: false, issue: `${source.where(first?.path ?? [])} ${first?.message ?? 'is not as expected'}` };
}
