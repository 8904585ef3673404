/** Secrets that the collector hands out: made at random, shown once, kept as a hash. */
import { createHash, randomBytes } from 'node:crypto';

/** `mst_` is an administrator's token, `mse_` an enrolment secret, `mss_` a session; the words let a scanner for leaked secrets know them. */
export type SecretKind = 'mst' | 'mse' | 'mss';

/** 256 random bits. */
export function newSecret(kind: SecretKind): string {
  return `${kind}_${randomBytes(32).toString('base64url')}`;
}

/** SHA-256, base64url: slow hashing is for what people choose, and these are random. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
