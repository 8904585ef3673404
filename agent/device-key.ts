/** The key that speaks for this installation: Ed25519, made at the first start and kept beside the database, so that a rebuilt one keeps it. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { writePrivate } from './private-file.ts';
import { guarded } from './sqlite.ts';

export type PublicJwk = { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string };

export type DeviceKey = {
  readonly publicJwk: PublicJwk;
  /** RFC 7638, SHA-256, base64url: names the key without being it. */
  readonly thumbprint: string;
  /** The key itself, for a library that makes proofs with it; it goes into no output. */
  readonly privateKey: KeyObject;
  /** 64 bytes, base64url. */
  sign(bytes: string | Uint8Array): string;
  verify(bytes: string | Uint8Array, signature: string): boolean;
  /** The same text gives the same 22 characters here, and others on every other device. */
  salted(text: string): string;
};

const FILE = 'device-key.json';
const base64url = /^[A-Za-z0-9_-]{43}$/;
type Stored = PublicJwk & { readonly d: string; readonly salt: string };
const FIELD_COUNT = 5;

export const deviceKeyFile = (dataDir: string) => path.join(dataDir, FILE);

/** The key, made and written (0600, whole or not at all) where there is none. A damaged file is set aside. Throws a `DatabaseError`. */
export function deviceKey(dataDir: string): DeviceKey {
  const file = deviceKeyFile(dataDir);
  return guarded(file, () => {
    const known = read(file);
    if (known.key !== null) return known.key;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (known.there) renameSync(file, `${file}.damaged-${Date.now()}`);
    const { privateKey } = generateKeyPairSync('ed25519');
    const { x, d } = privateKey.export({ format: 'jwk' });
    const made = stored({ kty: 'OKP', crv: 'Ed25519', x, d, salt: randomBytes(32).toString('base64url') });
    writePrivate(file, `${JSON.stringify(made)}\n`);
    return keyOf(made);
  });
}

/** The key, or null where there is none (or a damaged one) yet; creates nothing. Throws a `DatabaseError` where it may not be read. */
export function readDeviceKey(dataDir: string): DeviceKey | null {
  const file = deviceKeyFile(dataDir);
  return guarded(file, () => read(file).key);
}

/** The key's thumbprint for whoever only shows things; null where there is none, or none that this account may read. */
export function keyName(dataDir: string): string | null {
  try {
    return readDeviceKey(dataDir)?.thumbprint ?? null;
  } catch {
    return null;
  }
}

function read(file: string): { there: boolean; key: DeviceKey | null } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { there: false, key: null };
    if (code === 'EISDIR') return { there: true, key: null };
    throw error;
  }
  try {
    return { there: true, key: keyOf(stored(JSON.parse(text))) };
  } catch {
    // Not written here, or damaged: what it holds is quoted nowhere.
    return { there: true, key: null };
  }
}

/** By hand, for each command reads it and five fields are no reason to load a library for. Throws where it is no such key. */
function stored(value: unknown): Stored {
  const fields = new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);
  const bytes = (name: string): string => {
    const text: unknown = fields.get(name);
    if (typeof text === 'string' && base64url.test(text)) return text;
    throw new Error(`The field ${name} of the key is not as expected.`);
  };
  if (fields.size !== FIELD_COUNT || fields.get('kty') !== 'OKP' || fields.get('crv') !== 'Ed25519')
    throw new Error('This is no such key.');
  return { kty: 'OKP', crv: 'Ed25519', x: bytes('x'), d: bytes('d'), salt: bytes('salt') };
}

/** Throws where the two halves don't belong together. */
function keyOf({ kty, crv, x, d, salt }: Stored): DeviceKey {
  const privateKey = createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' });
  const publicKey = createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
  const bytesOf = (bytes: string | Uint8Array) => (typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes);
  if (!verify(null, bytesOf(salt), publicKey, sign(null, bytesOf(salt), privateKey))) throw new Error('The halves of the key differ.');
  return {
    publicJwk: { kty, crv, x },
    thumbprint: createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url'),
    privateKey,
    sign: (bytes) => sign(null, bytesOf(bytes), privateKey).toString('base64url'),
    verify: (bytes, signature) => verify(null, bytesOf(bytes), publicKey, Buffer.from(signature, 'base64url')),
    salted: salter(createSecretKey(salt, 'base64url')),
  };
}

/** More texts than a computer has folders and servers to tell of. */
const MOST_SALTED = 5000;

/** Each row of the record and each item of a check-in names the same few folders again. */
function salter(salt: KeyObject): DeviceKey['salted'] {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = createHmac('sha256', salt).update(text).digest('base64url').slice(0, 22);
    if (known.size >= MOST_SALTED) known.clear();
    known.set(text, made);
    return made;
  };
}
