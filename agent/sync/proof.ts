/** The proof that a request comes from this device, for this address, with this body, now: a JWT in the form of RFC 9449. */
import { hash, randomBytes, sign } from 'node:crypto';
import type { DeviceKey } from '../device-key.ts';

/** `at` is the collector's time, as far as it is known. By the device's id once it is enrolled, before that by the key itself. */
export async function proofOf(
  key: Pick<DeviceKey, 'privateKey' | 'publicJwk'>,
  request: { readonly url: string; readonly body: Uint8Array; readonly at: Date },
  by: { readonly kid: string } | 'key',
): Promise<string> {
  const claims = {
    htm: 'POST',
    htu: request.url,
    iat: Math.floor(request.at.getTime() / 1000),
    jti: randomBytes(16).toString('base64url'),
    bh: hash('sha256', request.body, 'base64url'),
  };
  const named = by === 'key' ? { jwk: key.publicJwk } : by;
  const signed = [{ alg: 'EdDSA', typ: 'dpop+jwt', ...named }, claims].map(encoded).join('.');
  return `${signed}.${sign(null, Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
