/**
 * Checks a compact JWS that an Ed25519 key signed, at once and on this thread: with a promise, a turn of the thread pool and the layers of a library
 * it costs half as much again, for every check-in. Pure; `test/collector/jws.test.ts` holds it against `jose`.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

export type Jws = {
  /** The protected header, whatever it says: the caller reads it with a schema that knows `alg` and refuses `crit` and `b64`. */
  readonly header: unknown;
  /** Whether `key` signed it. */
  signedBy(key: KeyObject): boolean;
  /** The payload as JSON; throws where it is none. Nothing of it counts before `signedBy` has said so. */
  payload(): unknown;
};

const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;

/** Null: no compact JWS with a JSON header, each part in the one base64url that its bytes have. */
export function openJws(text: string): Jws | null {
  const parts = text.split('.');
  const [head = '', body = ''] = parts;
  const [header, payload, signature] = parts.map(bytesOf);
  if (parts.length !== 3 || !header || !payload || signature?.length !== SIGNATURE_BYTES) return null;
  try {
    return {
      header: jsonOf(header),
      signedBy: (key) => key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(`${head}.${body}`, 'latin1'), key, signature),
      payload: () => jsonOf(payload),
    };
  } catch {
    return null;
  }
}

/** The key of which `x` is the public half, as in a JWK; null: there is none. */
export function publicKeyOf(x: string): KeyObject | null {
  const bytes = bytesOf(x);
  if (bytes?.length !== KEY_BYTES) return null;
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  } catch {
    return null;
  }
}

/** The same bytes have several spellings in a lenient reading, of which only the first is taken: who changes a character has changed the proof. */
function bytesOf(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(utf8.decode(bytes));
