/** The tables of the collector as types, for the queries in this folder. Times are `Date`, days `YYYY-MM-DD`, JSON is written as text. */
import type { ColumnType, Generated, GeneratedAlways, Selectable } from 'kysely';

type Json<T> = ColumnType<T, string, string>;
type OrNull<T> = ColumnType<T | null, T | null | undefined, T | null>;
type ReadOnly<T> = ColumnType<T, never, never>;
type OptionalJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

export type DeviceState = 'active' | 'pending' | 'revoked' | 'clone';
export type RequestState = 'open' | 'approved' | 'denied' | 'needs-info' | 'withdrawn' | 'expired';
export type Role = 'viewer' | 'approver' | 'policy-admin' | 'owner';
export type SessionEnd = 'signed-out' | 'signed-in-anew' | 'role-changed' | 'taken-back';

export type PublicJwk = { kty: 'OKP'; crv: 'Ed25519'; x: string };

export type DeviceTable = {
  id: string;
  key_x: string;
  state: DeviceState;
  person: OrNull<string>;
  serial: OrNull<string>;
  hostname: string;
  os_user: string;
  platform: string;
  enrolled_at: Date;
  enrol_secret: OrNull<string>;
  replaced_by: OrNull<string>;
  agent_version: OrNull<string>;
  last_seen: OrNull<Date>;
  epoch: OrNull<string>;
  previous_epoch: OrNull<string>;
  /** When the first check-in of this epoch was signed. */
  epoch_at: OrNull<Date>;
  ack_seq: Generated<number>;
  /** SHA-256 of the body that was acknowledged last, and what was answered besides what stands in other columns. */
  last_body: OrNull<string>;
  last_want: OrNull<'delta' | 'full'>;
  last_parked: OptionalJson<{ what: string; why: string }[]>;
  head: OrNull<string>;
  item_count: Generated<number>;
  have_key_set: OrNull<number>;
  have_policy_key_set: OrNull<number>;
  have_policy_rev: OrNull<number>;
  have_grants_key_set: OrNull<number>;
  have_grants_rev: OrNull<number>;
  applied_rev: OrNull<number>;
  applied_status: OrNull<string>;
  applied_error: OrNull<string>;
  /** The newest signed list of grants in `device_grants`; null: none. */
  grants_key_set: OrNull<number>;
  grants_rev: OrNull<number>;
  /** The newest of `decision.no` for this device, the one sent last, and the one that it surely has. */
  decision_no: Generated<number>;
  decisions_sent: Generated<number>;
  decisions_acked: Generated<number>;
  evidence_chain: Generated<number>;
  evidence_count: Generated<number>;
  evidence_head: OrNull<string>;
  dropped: OptionalJson<Record<string, number>>;
};
export type DeviceRow = Selectable<DeviceTable>;

export type RequestTable = {
  device: string;
  id: string;
  item: string;
  item_name: string;
  identity: OrNull<string>;
  tier: OrNull<string>;
  data_class: OrNull<string>;
  until: OrNull<Date>;
  reason: string;
  added: OrNull<string>;
  state: RequestState;
  created_at: Date;
  updated_at: Date;
  received_at: Date;
  due_at: OrNull<Date>;
  version: Generated<number>;
};

/** A decision for everyone that waits for its draft to be published. */
export type Proposal = {
  device: string;
  request: string;
  version: number;
  reason: string;
  tiers: string[] | null;
  dataClasses: string[] | null;
  proposedBy: string;
};

export type Schema = {
  tenant: { name: string; root_keys: Json<PublicJwk[]>; created_at: Date };
  setting: { key: string; value: Json<unknown>; version: Generated<number>; updated_at: Date };
  device: DeviceTable;
  item_body: {
    id: GeneratedAlways<number>;
    /** `itemHash` of the wire. */
    hash: string;
    kind: OrNull<'tool' | 'mcp'>;
    key: string;
    /** The item of the wire without `firstSeen`; null: it was parked. */
    body: OptionalJson<Record<string, unknown>>;
    unused_since: OrNull<Date>;
  };
  /** `items` are ids of `item_body`; `first_seen` has as many, in ms since 1970. */
  device_inventory: { device: string; items: number[]; first_seen: (number | null)[] };
  /** A view of `device_inventory`. */
  device_item: { device: ReadOnly<string>; item: ReadOnly<number>; first_seen: ReadOnly<Date | null> };
  staged_item: { device: string; snapshot: string; part: number; first_seen: Date | null; key: string; hash: string };
  staged_part: { device: string; snapshot: string; part: number; staged_at: Date };
  usage: { device: string; day: string; item: string; run_s: number; front_s: number; launches: number };
  request: RequestTable;
  decision: {
    no: GeneratedAlways<number>;
    device: string;
    id: string;
    request: string;
    state: 'approved' | 'denied' | 'needs-info' | 'open' | 'expired';
    scope: string;
    reason: OrNull<string>;
    tiers: OptionalJson<string[]>;
    data_classes: OptionalJson<string[]>;
    until: OrNull<Date>;
    at: Date;
    due_at: OrNull<Date>;
    decided_by: string;
    revoked_at: OrNull<Date>;
  };
  grant_row: {
    device: string;
    id: string;
    tool: OrNull<string>;
    mcp: OrNull<string>;
    tiers: OptionalJson<string[]>;
    status: 'approved' | 'conditional' | 'prohibited' | 'tolerated';
    data_classes: OptionalJson<string[]>;
    expires_at: Date;
    reason: string;
    request: OrNull<string>;
    decision: OrNull<string>;
    granted_by: string;
    created_at: Date;
    revoked_at: OrNull<Date>;
    revoked_by: OrNull<'scope' | 'admin'>;
  };
  grants_due: { device: string; mark: string; since: Date };
  device_grants: { device: string; key_set_rev: number; rev: number; jws: string; signed_at: Date };
  key_set: { rev: number; jws: string; hash: string; at: Date };
  policy_draft: {
    id: string;
    title: string;
    text: string;
    version: Generated<number>;
    created_by: string;
    created_at: Date;
    updated_at: Date;
    simulated_version: OrNull<number>;
    simulated_at: OrNull<Date>;
    simulation: OptionalJson<unknown>;
    simulated_rev: OrNull<number>;
    decides: OptionalJson<Proposal>;
  };
  policy_published: {
    key_set_rev: number;
    rev: number;
    jws: string;
    text: string;
    hash: string;
    published_by: string;
    published_at: Date;
  };
  evidence_row: {
    device: string;
    chain: number;
    seq: number;
    received: string;
    time: Date;
    kind: OrNull<string>;
    item: OrNull<string>;
    decision: OrNull<string>;
    hash: string;
    row: Json<Record<string, unknown>>;
  };
  audit: {
    id: GeneratedAlways<number>;
    at: Date;
    actor: string;
    action: string;
    alarm: Generated<boolean>;
    device: OrNull<string>;
    subject: OrNull<string>;
    detail: ColumnType<Record<string, unknown>, string | undefined, never>;
  };
  enrol_secret: {
    id: string;
    hash: string;
    label: string;
    quota: OrNull<number>;
    used: Generated<number>;
    approval: Generated<boolean>;
    created_at: Date;
    expires_at: OrNull<Date>;
    revoked_at: OrNull<Date>;
  };
  token: {
    id: string;
    hash: string;
    label: string;
    role: Role;
    scopes: OptionalJson<string[]>;
    /** Whose it is, so that nobody decides their own. */
    person: OrNull<string>;
    created_at: Date;
    expires_at: OrNull<Date>;
    revoked_at: OrNull<Date>;
    last_used: OrNull<string>;
  };
  session: {
    id: string;
    hash: string;
    /** Of the sign-in that it came of. */
    attempt: string;
    issuer: string;
    subject: string;
    person: string;
    role: Role;
    created_at: Date;
    seen_at: Date;
    expires_at: Date;
    ended_at: OrNull<Date>;
    ended_why: OrNull<SessionEnd>;
  };
  group_row: { id: string; name: string; created_at: Date };
  group_member: { group_id: string; device: OrNull<string>; person: OrNull<string> };
};
