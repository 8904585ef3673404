/**
 * What leaves this computer: the protocol of check-ins between an agent and its collector, version 1. Both sides parse with these schemas.
 *
 * Everything here is names, kinds, counts and times. A value of a secret, a prompt or the content of a file has no field to go in.
 */
import { hash as digestOf } from 'node:crypto';
import canonicalize from 'canonicalize';
import { z } from 'zod';

/** What each is posted to, below the address of the collector. */
export const PATHS = { checkIn: '/v1/check-in', enroll: '/v1/enroll' } as const;

/** The version of the protocol, and of the form in which items are hashed. */
export const PROTO = 1;
export const HASH_ALG = 'inv1';

/** Bounds that both sides enforce; bytes unless said otherwise. */
export const BOUNDS = {
  body: 1024 * 1024,
  unpacked: 8 * 1024 * 1024,
  item: 16 * 1024,
  /** Items of one part of a full check-in. */
  part: 500,
  compressAbove: 1024,
  requests: 200,
  evidenceRows: 500,
  usageRows: 2000,
} as const;

/** Seconds. */
export const TIMES = { proofAge: 120, clockSkew: 60, nextMin: 30, nextMax: 86_400 } as const;

const name = z.string().min(1).max(300);
const words = z.string().max(2000);
const place = z.string().max(4096);
/** Of a year that every database and calendar has, to fractions that nobody needs finer. */
const time = z.iso
  .datetime()
  .max(35)
  .regex(/^(?!0000)/, 'a year from 1 on');
const day = z.iso.date();
export const Uuid = z.uuid();
const hash = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'SHA-256 in base64url');
const severity = z.enum(['low', 'medium', 'high', 'critical']);

/** A tool as it stands, without what changes from minute to minute (running, last seen) and without verdicts, which the collector computes. */
const ToolItem = z.strictObject({
  kind: z.literal('tool'),
  tool: name,
  confidence: z.enum(['certain', 'likely', 'possible']),
  present: z.boolean(),
  firstSeen: time,
  places: z
    .array(
      z.strictObject({
        surface: z.enum(['desktop', 'cli', 'ide-extension', 'browser', 'browser-extension', 'runtime', 'agent']),
        version: z.string().max(100).nullable(),
        path: place.nullable(),
        present: z.boolean(),
        program: name.optional(),
        enabled: z.boolean().nullable().optional(),
      }),
    )
    .max(50),
  accounts: z
    .array(
      z.strictObject({
        tier: name.nullable(),
        organization: z.string().max(300).nullable(),
        /** What follows the `@` of the account's address: tells a company account from a private one. */
        domain: z.string().max(300).nullable(),
        personal: z.boolean().nullable(),
      }),
    )
    .max(20),
  findings: z.array(z.strictObject({ id: name, severity })).max(100),
  addons: z.array(z.strictObject({ kind: name, name, scope: name })).max(200),
  models: z.array(z.strictObject({ name, bytes: z.int().nonnegative() })).max(200),
});

/**
 * One MCP server entry as it stands. Of paths and arguments only what everybody knows is there as it is; every other part is `project:` or `hidden:` and a hash that is
 * salted for each device (agent/sync/names.ts), so a script's `identity` is one device's own.
 */
const ServerItem = z.strictObject({
  kind: z.literal('mcp'),
  id: name,
  client: name,
  name: z.string().max(300),
  scope: z.enum(['user', 'project', 'local', 'plugin', 'profile', 'managed', 'system']),
  project: z.string().max(100).nullable(),
  configPath: place,
  enabled: z.boolean(),
  present: z.boolean(),
  transport: z.enum(['stdio', 'http', 'sse', 'ws']),
  command: place.nullable(),
  args: z.array(place).max(100),
  url: place.nullable(),
  identity: z.strictObject({
    kind: z.enum(['npm', 'pypi', 'oci', 'go', 'remote', 'script', 'binary', 'unknown']),
    name: z.string().max(2000),
    version: z.string().max(200).nullable(),
    launchHash: z.string().max(100),
  }),
  publisher: z.string().max(300).nullable(),
  pinned: z.boolean(),
  autoApproved: z.union([z.literal('all'), z.array(z.string().max(300)).max(200)]),
  uncertain: z.boolean(),
  secretNames: z.array(z.string().max(300)).max(100),
  risk: z.strictObject({
    score: z.int().min(0).max(100),
    level: z.enum(['none', ...severity.options]),
    findings: z.array(z.strictObject({ id: name, severity })).max(100),
  }),
  /** The launch that a rule with `pin` approved here, so that the collector decides as this device does. */
  approved: z.strictObject({ rule: name, launchHash: z.string().max(100) }).nullable(),
  firstSeen: time,
});

export const Item = z.discriminatedUnion('kind', [ToolItem, ServerItem]);
export type Item = z.infer<typeof Item>;

/** `tool:<id>` or `mcp:<id>`: what an item is called in `remove` and in usage. */
export const ItemKey = z.string().regex(/^(tool|mcp):.{1,300}$/s);

export const itemKey = (item: Item): string => (item.kind === 'tool' ? `tool:${item.tool}` : `mcp:${item.id}`);

/**
 * SHA-256, base64url, of the RFC 8785 form of an item (`inv1`), without `firstSeen`: that is a fact about the device, and with it no two devices
 * would ever have the same item. Throws where a text is no well-formed Unicode.
 */
export function itemHash({ firstSeen: _, ...item }: Item): string {
  return digestOf('sha256', canonicalize(item) ?? '', 'base64url');
}

/** SHA-256, base64url, over the sorted hashes of all items; also of none. */
export function headOf(hashes: Iterable<string>): string {
  return digestOf('sha256', [...hashes].sort().join('\n'), 'base64url');
}

export const UsageRow = z.strictObject({
  /** A finished day of the device's own calendar. */
  day,
  item: ItemKey,
  runS: z.int().min(0).max(90_000),
  frontS: z.int().min(0).max(90_000),
  launches: z.int().min(0).max(1_000_000),
});
export type UsageRow = z.infer<typeof UsageRow>;

export const RequestUp = z.strictObject({
  id: Uuid,
  item: z.string().min(1).max(310),
  itemName: z.string().max(300),
  /** What a grant would name: a server's identity as it was told, `npm:@acme/files` or `script:project:…/server.js`. Null for tools, and where it may not be told. */
  identity: z.string().max(2100).nullable(),
  tier: name.nullable(),
  dataClass: name.nullable(),
  until: time.nullable(),
  reason: words.min(1),
  state: z.enum(['open', 'withdrawn', 'expired']),
  createdAt: time,
  updatedAt: time,
  /** What the employee added when asked for more. */
  added: words.nullable(),
});
export type RequestUp = z.infer<typeof RequestUp>;

/** One row of the device's record, as it is chained there; see agent/evidence. */
export const EvidenceRow = z.looseObject({ seq: z.int().positive(), time, previous: z.string().max(100), hash: z.string().max(100) });

const revs = z.strictObject({ keySetRev: z.int().nonnegative(), rev: z.int().nonnegative() });

export const CheckIn = z.strictObject({
  proto: z.literal(PROTO),
  /** Random for each database: same key with a new epoch is a rebuild. */
  epoch: Uuid,
  /** Counts up with each check-in of an epoch; a repeated one is the same check-in. */
  seq: z.int().positive(),
  hashAlg: z.literal(HASH_ALG),
  /** The head that the device believes the collector to hold; null: none. */
  base: hash.nullable(),
  head: hash,
  upsert: z.array(Item).max(BOUNDS.part).optional(),
  remove: z.array(ItemKey).max(5000).optional(),
  /** A full inventory in parts; `head` is compared at the last. */
  snapshot: z
    .strictObject({ id: Uuid, part: z.int().positive(), of: z.int().positive().max(1000), items: z.array(Item).max(BOUNDS.part) })
    .refine(({ part, of }) => part <= of, 'part is greater than of')
    .optional(),
  usage: z.array(UsageRow).max(BOUNDS.usageRows).optional(),
  trust: z
    .strictObject({
      keySet: z.int().nonnegative().nullable(),
      policy: revs.nullable(),
      grants: revs.nullable(),
      applied: z.strictObject({
        rev: z.int().nonnegative().nullable(),
        status: z.enum(['ok', 'refused', 'none']),
        error: z.string().max(500).optional(),
      }),
    })
    .optional(),
  requests: z.array(RequestUp).max(BOUNDS.requests).optional(),
  evidence: z
    .strictObject({
      count: z.int().nonnegative(),
      head: z.string().max(100),
      rows: z.array(EvidenceRow).max(BOUNDS.evidenceRows).optional(),
    })
    .optional(),
  agent: z
    .strictObject({
      version: z.string().max(50),
      platform: z.enum(['darwin', 'linux', 'win32']),
      hostname: z.string().max(300).optional(),
      user: z.string().max(300).optional(),
    })
    .optional(),
  /** What was left out for its size or number, by kind; absent: nothing. */
  dropped: z.record(z.string().max(50), z.int().nonnegative()).optional(),
});
export type CheckIn = z.infer<typeof CheckIn>;

/** For display on the device; authority comes with signed grants and policy. */
export const Decision = z.strictObject({
  id: Uuid,
  request: Uuid,
  state: z.enum(['approved', 'denied', 'needs-info', 'open', 'expired']),
  /** What the employee reads. */
  reason: words.nullable(),
  tiers: z.array(name).max(50).optional(),
  dataClasses: z.array(name).max(50).optional(),
  until: time.nullable(),
  at: time,
  /** By when somebody means to answer an open request. */
  dueAt: time.nullable().optional(),
});
export type Decision = z.infer<typeof Decision>;

const jws = z.string().max(BOUNDS.body);
/**
 * `ackSeq` above the check-in's own `seq` (a restored backup): nothing of it was taken; go on with `ackSeq + 1` and a full inventory. `want` after a
 * part that is not the last is `none`, and `head` is what was held before; `delta`: what is held is `base`, and the changes to `head` did not come;
 * `full`: send everything in parts. A 409 `seq-reused` asks for everything too, under the next `seq`.
 */
export const CheckInAnswer = z.object({
  ackSeq: z.int().nonnegative(),
  head: hash.nullable(),
  want: z.enum(['none', 'delta', 'full']),
  time,
  nextCheckInS: z.number().positive(),
  trust: z.union([z.literal('current'), z.object({ keySet: jws.optional(), policy: jws.optional(), grants: jws.optional() })]),
  decisions: z.array(Decision).max(BOUNDS.requests),
  /** The last row of evidence that the collector holds. */
  evidence: z.object({ count: z.int().nonnegative(), head: z.string().max(100) }).optional(),
  /** Rows that were parked, with the reason; they are not sent again unless they change. */
  parked: z
    .array(z.object({ what: z.string().max(310), why: z.string().max(300) }))
    .max(100)
    .optional(),
});
export type CheckInAnswer = z.infer<typeof CheckInAnswer>;

/** An Ed25519 public key as a JWK (RFC 8037). */
export const PublicKey = z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });

/** Posted until it is acknowledged; the same key and id get the same answer, and the secret is never sent again. */
export const Enrolment = z.strictObject({
  proto: z.literal(PROTO),
  id: Uuid,
  key: PublicKey,
  secret: z.string().min(16).max(200),
  tenant: name.optional(),
  platform: z.enum(['darwin', 'linux', 'win32']),
  hostname: z.string().max(300),
  user: z.string().max(300),
  /** The employee's address as MDM filled it in. */
  person: z.string().max(300).optional(),
  /** The computer's serial number, an attribute and no identity. */
  serial: z.string().max(100).optional(),
});
export type Enrolment = z.infer<typeof Enrolment>;

export const EnrolmentAnswer = z.object({
  device: Uuid,
  state: z.enum(['active', 'pending']),
  tenant: name,
  time,
  /** Pinned where the managed settings name none. */
  rootKeys: z.array(PublicKey).max(10),
  nextCheckInS: z.number().positive(),
});
export type EnrolmentAnswer = z.infer<typeof EnrolmentAnswer>;

/**
 * The claims of a proof: a JWT in the form of RFC 9449 in the header `DPoP`, `typ` `dpop+jwt`, `alg` `EdDSA`, signed by the device key. Its header
 * has `kid`, the device's id, instead of a key; at enrolment `jwk`.
 */
export const ProofClaims = z.strictObject({
  htm: z.literal('POST'),
  /** The configured address and path of the collector, without query. */
  htu: z.url().max(2000),
  iat: z.int().positive(),
  jti: z.string().min(16).max(64),
  /** SHA-256 of the body's bytes as sent, base64url. */
  bh: hash,
});

/** RFC 9457. */
export const ProblemDocument = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.string(),
  /** What to do about it, in one sentence. */
  remedy: z.string().optional(),
});
