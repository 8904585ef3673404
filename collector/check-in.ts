/** One check-in: what it changes of a device's state, and the answer. It knows nothing of HTTP; every step is safe to repeat. */
import { type CheckInAnswer, headOf } from '../agent/wire.ts';
import { type Alarm, contradiction, judge, type Tip } from './chain.ts';
import { Problem } from './problem.ts';
import { type Arrived, clean, type Held, type Parked } from './read-check-in.ts';
import type { Steps } from './steps.ts';
import { type AuditRow, audit, auditedSince } from './store/audit.ts';
import { type Db, type DeviceChanges, lockDevice, type Said, type Stepped, type Trx, updateDevice } from './store/devices.ts';
import { appendEvidence, hashesBetween } from './store/evidence.ts';
import {
  changeItems,
  clearStage,
  inventoryAfter,
  type KnownBodies,
  replaceItems,
  stagedParts,
  stagePart,
  storeBodies,
} from './store/items.ts';
import { decisionsAfter, putRequests } from './store/requests.ts';
import type { DeviceRow } from './store/schema.ts';
import { grantsOf, type Signed, type TrustDocuments } from './store/trust.ts';
import { putUsage } from './store/usage.ts';

export type CheckInParts = {
  readonly db: Db;
  readonly now: () => Date;
  readonly knownBodies: KnownBodies;
  readonly trust: TrustDocuments;
  readonly steps: Steps;
  /** Seconds until the next one, where nothing special is on; spread while many come at once, so a repeated answer may say another time. */
  readonly nextS: () => number;
};

export type Outcome = {
  readonly answer: CheckInAnswer;
  readonly took: 'unchanged' | 'changed' | 'replayed' | 'behind';
  readonly alarms: number;
};

/** A device that takes turns with its copy costs a full inventory each time; it is heard less often until somebody has looked. */
const CLONE_EVERY_S = 4 * 3600;

/**
 * Throws the `Problem`s `device-pending`, `device-revoked`, `unknown-device` and `seq-reused`; what a database throws passes as it is, and nothing
 * was changed then.
 */
export async function checkIn(parts: CheckInParts, device: string, arrived: Arrived): Promise<Outcome> {
  const { db, now } = parts;
  const at = now();
  // Before the transaction: an embedded database has one connection, and the transaction holds it.
  const signed = await parts.trust.current();
  await storeBodies(db, [...arrived.upsert, ...(arrived.snapshot?.items ?? [])], parts.knownBodies);
  const stepped = await asStep(parts, device, arrived, at);
  if (stepped) {
    const row = { ...stepped, ack_seq: arrived.seq, head: arrived.head, state: 'active', last_want: null, last_parked: null } as const;
    const took = arrived.base === arrived.head ? 'unchanged' : 'changed';
    return { answer: await answerOf(parts, signed, db, row, at, []), took, alarms: 0 };
  }
  const outcome = await db.transaction().execute((trx) => inTransaction(parts, signed, trx, device, arrived, at));
  if (outcome instanceof Problem) throw outcome;
  return outcome;
}

/** Null: it brings something else too, or what was held is not what it starts from; nothing was done, and only a transaction can tell. */
async function asStep({ db, knownBodies, steps }: CheckInParts, device: string, arrived: Arrived, at: Date): Promise<Stepped | null> {
  const { epoch, seq, base, head, upsert, remove, snapshot, usage, requests, parked, evidence, bodyHash } = arrived;
  if (base === null || snapshot || usage.length + requests.length + parked.length > 0 || (evidence?.rows.length ?? 0) > 0) return null;
  const changes = upsert.length + remove.length > 0;
  if (!changes && base !== head) return null;
  const inventory = changes ? await inventoryAfter(db, device, { remove, upsert }, { base, head }, knownBodies) : null;
  if (changes && !inventory) return null;
  return steps.write({ device, epoch, seq, base, head, inventory, bodyHash, at, evidence, said: said(arrived) });
}

/** A problem that is returned is committed; one that is thrown leaves nothing. */
async function inTransaction(
  parts: CheckInParts,
  signed: Signed,
  trx: Trx,
  device: string,
  arrived: Arrived,
  at: Date,
): Promise<Outcome | Problem> {
  const row = await lockDevice(trx, device);
  if (!row) throw new Problem('unknown-device');
  refuseInactive(row);
  const sameEpoch = row.epoch === arrived.epoch;
  const behind = async (ackSeq: number): Promise<Outcome> => ({
    answer: { ...(await answerOf(parts, signed, trx, row, at, [], 'full')), ackSeq },
    took: 'behind',
    alarms: 0,
  });
  // Late, nobody reads it; of a restored backup it says where to go on. The row stays as it is, so a device that is further on is not asked for anything.
  if (sameEpoch && arrived.seq < row.ack_seq) return behind(row.ack_seq);
  if (sameEpoch && arrived.seq === row.ack_seq) {
    if (row.last_body !== arrived.bodyHash) return reused(trx, row, at);
    const decisions = await decisionsAfter(trx, device, row.decisions_acked);
    return { answer: await answerOf(parts, signed, trx, row, at, decisions), took: 'replayed', alarms: 0 };
  }

  // What is held counts for the other epoch, and at or below this number it would acknowledge what was not taken.
  if (!sameEpoch && isFromBefore(row, arrived)) return behind(Math.max(row.ack_seq, arrived.seq + 1));

  const rows: AuditRow[] = [];
  const epoch = epochChanges(row, arrived, at, rows);
  const inventory = await takeInventory(trx, row, arrived, at, parts.knownBodies);
  await putUsage(trx, device, arrived.usage);
  const parked = [...arrived.parked, ...(await putRequests(trx, device, arrived.requests, at))].slice(0, 100);
  const evidence = await takeEvidence(trx, row, arrived, at, rows);
  await audit(trx, ...rows);

  const acked = sameEpoch ? row.decisions_sent : 0;
  const { trust, about } = said(arrived);
  const after = await updateDevice(trx, device, {
    ...trust,
    ...about,
    ...epoch,
    ...evidence,
    head: inventory.head,
    item_count: inventory.count,
    last_want: inventory.want === 'none' ? null : inventory.want,
    last_parked: parked.length === 0 ? null : JSON.stringify(parked),
    last_body: arrived.bodyHash,
    last_seen: at,
    ack_seq: arrived.seq,
    decisions_acked: acked,
    decisions_sent: row.decision_no,
  });
  const decisions = row.decision_no > acked ? await decisionsAfter(trx, device, acked) : [];
  return {
    answer: await answerOf(parts, signed, trx, after, at, decisions),
    took: 'changed',
    alarms: rows.filter(({ alarm }) => alarm).length,
  };
}

function refuseInactive({ state }: DeviceRow): void {
  if (state === 'pending') throw new Problem('device-pending', { retryAfter: 300 });
  if (state === 'revoked') throw new Problem('device-revoked', { retryAfter: 3600 });
}

/** A backup that was restored, or a power cut that took the last number away, uses a number twice once; copies of a whole computer at each check-in. */
const REUSES_OF_COPIES = 3;
const REUSES_WITHIN_MS = 24 * 3_600_000;

/** What is held is no longer believed: the next check-in is asked for everything. Committed, although the answer is a problem. */
async function reused(trx: Trx, { id: device, state }: DeviceRow, at: Date): Promise<Problem> {
  const action = 'check-in.seq-reused';
  const before = await auditedSince(trx, device, action, new Date(at.getTime() - REUSES_WITHIN_MS));
  const isCopied = state !== 'clone' && before + 1 >= REUSES_OF_COPIES;
  await updateDevice(trx, device, { head: null, ...(isCopied ? { state: 'clone' } : {}) });
  await audit(trx, { at, actor: 'device', action, device });
  if (isCopied) await audit(trx, { at, actor: 'device', action: 'device.clone', alarm: true, device });
  return new Problem('seq-reused');
}

function said({ trust, agent, dropped }: Arrived): Said {
  return {
    trust: trust && {
      have_key_set: trust.keySet,
      have_policy_key_set: trust.policy?.keySetRev ?? null,
      have_policy_rev: trust.policy?.rev ?? null,
      have_grants_key_set: trust.grants?.keySetRev ?? null,
      have_grants_rev: trust.grants?.rev ?? null,
      applied_rev: trust.applied.rev,
      applied_status: trust.applied.status,
      applied_error: trust.applied.error === undefined ? null : clean(trust.applied.error),
    },
    about: {
      ...(agent && { agent_version: clean(agent.version), platform: agent.platform }),
      ...(agent?.hostname !== undefined && { hostname: clean(agent.hostname) }),
      ...(agent?.user !== undefined && { os_user: clean(agent.user) }),
      ...(dropped && { dropped: JSON.stringify(dropped) }),
    },
  };
}

/** Of the database that has been rebuilt since, and only late: what a copy sends was signed after the other had its turn. */
function isFromBefore({ previous_epoch, epoch_at }: DeviceRow, { epoch, signedAt }: Arrived): boolean {
  return previous_epoch === epoch && epoch_at !== null && signedAt <= epoch_at;
}

/** A new epoch is a rebuilt database. One that was here before has come back: two copies take turns, or somebody restored a backup. */
function epochChanges(row: DeviceRow, { epoch, trust, signedAt }: Arrived, at: Date, rows: AuditRow[]): DeviceChanges {
  if (row.epoch === epoch) return {};
  // What a rebuilt database holds is not known until it says so.
  const forgotten: DeviceChanges = trust
    ? {}
    : { have_key_set: null, have_policy_key_set: null, have_policy_rev: null, have_grants_key_set: null, have_grants_rev: null };
  if (row.epoch === null) return { epoch, epoch_at: signedAt };
  const turns = row.previous_epoch === epoch;
  if (turns && row.state !== 'clone') rows.push({ at, actor: 'device', action: 'device.clone', alarm: true, device: row.id });
  if (!turns) rows.push({ at, actor: 'device', action: 'device.rebuilt', device: row.id });
  return { ...forgotten, epoch, epoch_at: signedAt, previous_epoch: row.epoch, ...(turns ? { state: 'clone' as const } : {}) };
}

type Inventory = { readonly head: string | null; readonly count: number; readonly want: CheckInAnswer['want'] };

async function takeInventory(trx: Trx, row: DeviceRow, arrived: Arrived, at: Date, known: KnownBodies): Promise<Inventory> {
  const device = row.id;
  const held: Inventory = { head: row.head, count: row.item_count, want: 'none' };
  const { snapshot, upsert, remove, base, head } = arrived;
  if (snapshot) {
    if (snapshot.part < snapshot.of) {
      await stagePart(trx, device, snapshot, at);
      return held;
    }
    const before = snapshot.of === 1 ? [] : await stagedParts(trx, device, snapshot.id, snapshot.of);
    if (snapshot.of > 1) await clearStage(trx, device);
    if (!before) return { ...held, want: 'full' };
    const items = lastOfEach([...before, ...snapshot.items]);
    // Compared before anything is written, so that what does not add up leaves what was held.
    if (headOf(items.map(({ hash }) => hash)) !== head) return { ...held, want: 'full' };
    await replaceItems(trx, device, items, known);
    return { head, count: items.length, want: 'none' };
  }
  if (row.head === null || base !== row.head) return { ...held, want: 'full' };
  if (upsert.length + remove.length === 0) return head === row.head ? held : { ...held, want: 'delta' };
  const count = await changeItems(trx, device, { remove, upsert }, head, known);
  return count === null ? { ...held, want: 'full' } : { head, count, want: 'none' };
}

function lastOfEach(items: readonly Held[]): Held[] {
  return [...new Map(items.map((item) => [item.key, item])).values()];
}

async function takeEvidence(trx: Trx, row: DeviceRow, { evidence, epoch }: Arrived, at: Date, rows: AuditRow[]): Promise<DeviceChanges> {
  if (!evidence) return {};
  const before: Tip = { chain: row.evidence_chain, count: row.evidence_count, head: row.evidence_head };
  const sent = evidence.rows;
  const tell = (alarms: readonly Alarm[]) => {
    for (const { code, seq, through } of alarms.slice(0, 20)) {
      const detail = { seq, ...(through === undefined ? {} : { through }), epoch };
      rows.push({ at, actor: 'device', action: `evidence.${code}`, alarm: true, device: row.id, detail });
    }
  };
  if (sent.length === 0) {
    const wrong = contradiction(before, evidence);
    if (!wrong) return {};
    tell([wrong]);
    // Its new telling is kept from its beginning, beside what was told before.
    return { evidence_chain: before.chain + 1, evidence_count: 0, evidence_head: null };
  }
  const numbers = sent.map(({ seq }) => seq);
  const held = await hashesBetween(trx, row.id, before.chain, Math.min(...numbers), Math.min(before.count, Math.max(...numbers)));
  const { append, tip, alarms } = judge(before, sent, held);
  await appendEvidence(trx, row.id, append, at);
  tell(alarms);
  return { evidence_chain: tip.chain, evidence_count: tip.count, evidence_head: tip.head };
}

type Answered = Stepped & Pick<DeviceRow, 'ack_seq' | 'head' | 'state' | 'last_want' | 'last_parked'>;

/** `row` as it stands now: a replayed check-in gets the same answer from it, with the time and the documents of now. */
async function answerOf(
  parts: CheckInParts,
  signed: Signed,
  db: Db | Trx,
  row: Answered,
  at: Date,
  decisions: CheckInAnswer['decisions'],
  want: CheckInAnswer['want'] = row.last_want ?? 'none',
): Promise<CheckInAnswer> {
  return {
    ackSeq: row.ack_seq,
    head: row.head,
    want,
    time: at.toISOString(),
    nextCheckInS: row.state === 'clone' ? CLONE_EVERY_S : parts.nextS(),
    trust: await trustFor(signed, row, db),
    decisions,
    ...(row.evidence_head === null ? {} : { evidence: { count: row.evidence_count, head: row.evidence_head } }),
    ...(row.last_parked === null ? {} : { parked: row.last_parked as Parked[] }),
  };
}

async function trustFor({ keySet, policy }: Signed, row: Stepped, db: Db | Trx): Promise<CheckInAnswer['trust']> {
  const newer = {
    ...(keySet && (row.have_key_set === null || keySet.rev > row.have_key_set) ? { keySet: keySet.jws } : {}),
    ...(policy && isNewer(policy.keySetRev, policy.rev, row.have_policy_key_set, row.have_policy_rev) ? { policy: policy.jws } : {}),
  };
  const hasGrants =
    row.grants_key_set !== null &&
    row.grants_rev !== null &&
    isNewer(row.grants_key_set, row.grants_rev, row.have_grants_key_set, row.have_grants_rev);
  const grants = hasGrants ? await grantsOf(db, row.id) : null;
  const documents = { ...newer, ...(grants === null ? {} : { grants }) };
  return Object.keys(documents).length === 0 ? 'current' : documents;
}

function isNewer(keySet: number, rev: number, haveKeySet: number | null, haveRev: number | null): boolean {
  if (haveKeySet === null || haveRev === null) return true;
  return keySet > haveKeySet || (keySet === haveKeySet && rev > haveRev);
}
