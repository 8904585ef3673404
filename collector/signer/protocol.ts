/** What the collector and its signer say to each other: one JSON object a line over a local socket, each answer with the number of its question. */
import { z } from 'zod';

export const BOUNDS = {
  /** Characters of one line. */
  line: 8 * 1024 * 1024,
  /** Lists of grants in one question. */
  lists: 200,
  /** Rows of one list. */
  grants: 5000,
} as const;

const id = z.int().nonnegative();
/** The newest revision that the asker knows of: what is signed now has a higher one. */
const after = z.int().min(0).max(1_000_000_000);

/** What is granted to one device; the signer reads the rows as the device will, and writes the rest of the document itself. */
const GrantList = z.strictObject({
  device: z.uuid(),
  after,
  grants: z.array(z.record(z.string().max(50), z.unknown())).max(BOUNDS.grants),
});
export type GrantList = z.infer<typeof GrantList>;

export const Question = z.discriminatedUnion('do', [
  z.strictObject({ id, do: z.literal('identity') }),
  z.strictObject({ id, do: z.literal('policy'), text: z.string().max(1024 * 1024), after }),
  z.strictObject({ id, do: z.literal('grants'), lists: z.array(GrantList).min(1).max(BOUNDS.lists) }),
]);
export type Question = z.infer<typeof Question>;

const jws = z.string().max(2 * 1024 * 1024);
const rev = z.int().positive();
const PublicKey = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() });

export const Identity = z.object({
  audience: z.string(),
  roots: z.array(PublicKey),
  keySet: z.object({ rev, jws, hash: z.string(), expiresAt: z.string() }),
  /** Whether the root key is beside the online key, so that the signer renews the key set itself. */
  holdsRoot: z.boolean(),
});
export type Identity = z.infer<typeof Identity>;

/** `text` is the payload that was signed: the policy with the revision, audience and times that the signer gave it. */
export const Signed = z.object({ keySetRev: rev, rev, jws, text: z.string(), hash: z.string() });
export type Signed = z.infer<typeof Signed>;
export const SignedGrants = z.array(z.object({ device: z.string(), keySetRev: rev, rev, jws }));
export type SignedGrants = z.infer<typeof SignedGrants>;

export const Reply = z.union([
  z.object({ id, value: z.unknown() }),
  z.object({ id, refused: z.object({ code: z.string(), reason: z.string() }) }),
]);

/** `reason` is one sentence with its remedy; it quotes no key. */
export class SignerError extends Error {
  readonly code: 'not-understood' | 'too-far-ahead' | 'key-set-expired' | 'folder' | 'unreachable';

  constructor(code: SignerError['code'], reason: string) {
    super(reason);
    this.code = code;
  }
}

export type Signer = {
  identity(): Promise<Identity>;
  /** The text of a policy as it is edited; `after` is the newest revision that was published. Rejects with a `SignerError`. */
  policy(text: string, after: number): Promise<Signed>;
  /** All or none; each list is for its device alone. Rejects with a `SignerError`. */
  grants(lists: readonly GrantList[]): Promise<SignedGrants>;
};
