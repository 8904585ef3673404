/** The collector's first schema. No query of a check-in needs rows of more than one device, so that `device` can distribute them. */
import { type Kysely, sql } from 'kysely';

const STATEMENTS = [
  // One collector serves one tenant: one row.
  `create table tenant (
    name text primary key,
    root_keys jsonb not null default '[]',
    created_at timestamptz not null
  )`,
  // `version` counts the changes.
  `create table setting (key text primary key, value jsonb not null, version integer not null default 0, updated_at timestamptz not null)`,

  // A check-in changes only columns that no index has, and finds room on the page: such an update touches no index (HOT).
  `create table device (
    id uuid primary key,
    key_x text not null,
    state text not null check (state in ('active', 'pending', 'revoked', 'clone')),
    person text,
    serial text,
    hostname text not null,
    os_user text not null,
    platform text not null,
    enrolled_at timestamptz not null,
    enrol_secret uuid,
    replaced_by uuid,
    agent_version text,
    last_seen timestamptz,
    epoch uuid,
    previous_epoch uuid,
    epoch_at timestamptz,
    ack_seq bigint not null default 0,
    last_body text,
    last_want text,
    last_parked jsonb,
    head text,
    item_count integer not null default 0,
    have_key_set bigint,
    have_policy_key_set bigint,
    have_policy_rev bigint,
    have_grants_key_set bigint,
    have_grants_rev bigint,
    applied_rev bigint,
    applied_status text,
    applied_error text,
    grants_key_set bigint,
    grants_rev bigint,
    decision_no bigint not null default 0,
    decisions_sent bigint not null default 0,
    decisions_acked bigint not null default 0,
    evidence_chain integer not null default 1,
    evidence_count bigint not null default 0,
    evidence_head text,
    dropped jsonb
  ) with (fillfactor = 70)`,
  `create unique index device_key on device (key_x)`,
  `create index device_person on device (person) where person is not null`,
  `create index device_serial on device (serial, os_user) where serial is not null`,

  // What many devices have alike is stored once, by its hash in the wire's form: an item without its first sight, which differs on every device.
  // Without a body: a row that was parked, and still counts for the head.
  `create table item_body (
    id bigint generated always as identity primary key,
    hash text collate "C" not null unique,
    kind text,
    key text collate "C" not null,
    body jsonb,
    unused_since timestamptz
  )`,
  `create index item_body_key on item_body (key)`,
  `create index item_body_identity on item_body (((body->'identity'->>'kind') || ':' || (body->'identity'->>'name'))) where kind = 'mcp'`,
  // One row a device, for a row an item costs 200 bytes with its indexes and this 16; and a check-in reads and writes one row instead of forty.
  // items: ids of item_body; first_seen: milliseconds since 1970, as many.
  `create table device_inventory (
    device uuid primary key,
    items bigint[] not null,
    first_seen bigint[] not null,
    check (cardinality(items) = cardinality(first_seen))
  )`,
  // Who has it. Put in its place a half megabyte at a time: a check-in that changes something writes a ninth of the log then, and one in
  // some hundreds waits 20 ms for it.
  `create index device_inventory_items on device_inventory using gin (items) with (gin_pending_list_limit = 512)`,
  // The same, one row an item: for what looks over the fleet.
  `create view device_item as
    select i.device, h.item, to_timestamp(h.first_seen / 1000.0) as first_seen
    from device_inventory i cross join lateral unnest(i.items, i.first_seen) as h (item, first_seen)`,
  // Parts of a full check-in until the last has come.
  `create table staged_item (
    device uuid not null,
    snapshot uuid not null,
    part integer not null,
    first_seen timestamptz,
    key text collate "C" not null,
    hash text collate "C" not null,
    primary key (device, key)
  )`,
  `create table staged_part (device uuid not null, snapshot uuid not null, part integer not null, staged_at timestamptz not null, primary key (device, snapshot, part))`,

  `create table usage (
    device uuid not null,
    day date not null,
    item text collate "C" not null,
    run_s integer not null,
    front_s integer not null,
    launches integer not null,
    primary key (device, day, item)
  ) partition by range (day)`,

  `create table request (
    device uuid not null,
    id uuid not null,
    item text not null,
    item_name text not null,
    identity text,
    tier text,
    data_class text,
    until timestamptz,
    reason text not null,
    added text,
    state text not null check (state in ('open', 'approved', 'denied', 'needs-info', 'withdrawn', 'expired')),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    received_at timestamptz not null,
    due_at timestamptz,
    version integer not null default 1,
    primary key (device, id)
  )`,
  // One id names one request; on a distributed database this index goes, and the check before the insert stays.
  `create unique index request_id on request (id)`,
  `create index request_state on request (state, received_at)`,
  `create table decision (
    no bigint generated always as identity,
    device uuid not null,
    id uuid not null,
    request uuid not null,
    state text not null check (state in ('approved', 'denied', 'needs-info', 'open', 'expired')),
    scope text not null,
    reason text,
    tiers jsonb,
    data_classes jsonb,
    until timestamptz,
    at timestamptz not null,
    due_at timestamptz,
    decided_by text not null,
    primary key (device, id)
  )`,
  `create index decision_no on decision (device, no)`,
  `create index decision_request on decision (request)`,

  `create table grant_row (
    device uuid not null,
    id uuid not null,
    tool text,
    mcp text,
    tiers jsonb,
    status text not null,
    data_classes jsonb,
    expires_at timestamptz not null,
    reason text not null,
    request uuid,
    decision uuid,
    granted_by text not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    primary key (device, id)
  )`,
  `create index grant_row_expiry on grant_row (expires_at) where revoked_at is null`,
  // The signed list of one device, as it leaves.
  `create table device_grants (device uuid primary key, key_set_rev bigint not null, rev bigint not null, jws text not null, signed_at timestamptz not null)`,

  `create table key_set (rev bigint primary key, jws text not null, hash text not null, at timestamptz not null)`,
  `create table policy_draft (
    id uuid primary key,
    title text not null,
    text text not null,
    version integer not null default 1,
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    simulated_version integer,
    simulated_at timestamptz,
    simulation jsonb
  )`,
  `create table policy_published (
    key_set_rev bigint not null,
    rev bigint not null,
    jws text not null,
    text text not null,
    hash text not null,
    published_by text not null,
    published_at timestamptz not null,
    primary key (key_set_rev, rev)
  )`,

  `create table evidence_row (
    device uuid not null,
    chain integer not null,
    seq bigint not null,
    received date not null,
    time timestamptz not null,
    kind text,
    item text,
    decision text,
    hash text not null,
    row jsonb not null,
    primary key (device, chain, seq, received)
  ) partition by range (received)`,

  `create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    alarm boolean not null default false,
    device uuid,
    subject text,
    detail jsonb not null default '{}'
  )`,
  `create index audit_device on audit (device, id) where device is not null`,
  `create index audit_action on audit (action, id)`,
  `create function audit_is_kept() returns trigger language plpgsql as $$
  begin
    if tg_op = 'DELETE' and current_setting('muster.retention', true) = 'on' then return old; end if;
    raise exception 'rows of audit are never changed, and only retention removes them';
  end $$`,
  `create trigger audit_is_kept before update or delete on audit for each row execute function audit_is_kept()`,

  `create table enrol_secret (
    id uuid primary key,
    hash text not null unique,
    label text not null,
    quota integer,
    used integer not null default 0,
    approval boolean not null default false,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz
  )`,
  `create table token (
    id uuid primary key,
    hash text not null unique,
    label text not null,
    role text not null check (role in ('viewer', 'approver', 'policy-admin', 'owner')),
    scopes jsonb,
    person text,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used date
  )`,

  `create table group_row (id uuid primary key, name text not null unique, created_at timestamptz not null)`,
  // One of the two is set: a device, or a person and with them all their devices.
  `create table group_member (group_id uuid not null, device uuid, person text, check ((device is null) <> (person is null)))`,
  `create unique index group_member_device on group_member (group_id, device) where device is not null`,
  `create unique index group_member_person on group_member (group_id, person) where person is not null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}
