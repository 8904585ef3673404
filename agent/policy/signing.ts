/** Making keys and signing documents, for `muster policy keygen` and `sign` and for whoever publishes: the other side of `trust.ts`. */
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import { type DocumentKind, type PublicKey, TYP, thumbprint } from './documents.ts';

const SigningKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  d: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
/** Both halves; `d` is a secret and stays in the file and in memory. */
export type SigningKey = z.infer<typeof SigningKey>;

export async function newSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  return SigningKey.parse(await exportJWK(privateKey));
}

export const publicHalf = ({ kty, crv, x }: SigningKey): PublicKey => ({ kty, crv, x });

/** The text of a key file, as `keygen` writes it. */
export function keyText(key: SigningKey): string {
  const { d, ...open } = key;
  return `${JSON.stringify({ ...open, kid: thumbprint(publicHalf(key)), d }, null, 2)}\n`;
}

/** Null where the text is no such file; which part of it is wrong is not said, for it may be the secret. */
export function readSigningKey(text: string): SigningKey | null {
  try {
    return SigningKey.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** A compact JWS over `text` as it stands. `keySetRev`: the key set that a policy or grants are signed under; null for a key set. */
export async function sign(kind: DocumentKind, text: string, key: SigningKey, keySetRev: number | null): Promise<string> {
  const header = { alg: 'Ed25519', kid: thumbprint(publicHalf(key)), typ: TYP[kind], ...(keySetRev === null ? {} : { keySet: keySetRev }) };
  return new CompactSign(Buffer.from(text, 'utf8')).setProtectedHeader(header).sign({ ...key, alg: 'Ed25519' });
}
