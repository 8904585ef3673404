/**
 * The check-ins: when, with whom, and how it went. The only part of the agent that reaches the network, and it changes nothing on this computer but what
 * the collector decided and signed: one that can't be reached costs a line of status.
 */
import { networkInterfaces } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { AgentApi, SentPayload, SyncStatus, Tool } from '../electron/contract.ts';
import type { AgentParts } from './agent.ts';
import { deviceKey, keyName, readDeviceKey } from './device-key.ts';
import type { UserNames } from './evidence.ts';
import { collecting } from './policy/collect.ts';
import { publicKeys } from './policy/documents.ts';
import { pinRootKeys, readRootKeys } from './policy/root-keys.ts';
import { type Decision, Refusal } from './requests.ts';
import { readSetting } from './settings/keys.ts';
import { DatabaseError } from './sqlite.ts';
import type { SyncState } from './store/sync-rows.ts';
import type { Now } from './sync/compose.ts';
import { createExchange, Trouble } from './sync/exchange.ts';
import { toItems, toRequest } from './sync/items.ts';
import { addressOf, joinedStamp, type Membership, membership, readJoined, writeJoined } from './sync/joined.ts';
import type { Names } from './sync/names.ts';
import type { Post } from './sync/post.ts';
import { floorOf, type Random, waitAfter, waitAtStart, waitOnReturn } from './sync/schedule.ts';
import { readSerial } from './sync/serial.ts';
import { localDay } from './usage.ts';
import type { CheckIn, Enrolment } from './wire.ts';

export type SyncParts = Pick<
  AgentParts,
  'os' | 'clock' | 'store' | 'device' | 'dataDir' | 'version' | 'settings' | 'policyFile' | 'log'
> & {
  /** How things are called outside of this computer, as they are at this moment. */
  readonly names: () => Names;
  readonly tools: () => readonly Tool[];
  readonly userNames: () => UserNames;
  readonly applyDecision: (decision: Decision) => void;
  /** Other documents are in force now. */
  readonly onTrust: () => void;
  readonly onChange: () => void;
  /** This system's own network unless another is given. */
  readonly post?: Post;
  readonly random?: Random;
  /** Whether there is any network to reach somebody else by. */
  readonly online?: () => boolean;
};

export type Sync = Pick<AgentApi, 'syncNow' | 'sentPayloads' | 'enroll'> & {
  status(): SyncStatus;
  /** Somebody here has done something that the collector should know soon. */
  soon(): void;
  /** The bodies of the next check-in, as they would leave; changes nothing. */
  preview(): CheckIn[];
  /** Checks in at its times until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
};

/** Not one long timer: a computer that slept would be late by as long as it slept. */
const LONGEST_WAIT_MS = 60_000;
const OFFLINE_LOOK_MS = 15_000;
/** More than this beyond a wait, and the computer slept: its network comes back now, with everybody else's. */
const SLEPT_MS = 90_000;
/** Use of yesterday is still being written for a moment after midnight. */
const DAY_ENDS_MS = 10 * 60_000;
const USAGE_DAYS = 30;
const DAY_MS = 86_400_000;
/** What a window shows of one check-in. */
const SHOWN_CHARS = 256 * 1024;

export function createSync(parts: SyncParts): Sync {
  const { clock, store, device, dataDir, settings, policyFile, random = Math.random } = parts;
  const never = new AbortController().signal;
  let ending: AbortSignal = never;
  let wake = new AbortController();
  let due = Number.POSITIVE_INFINITY;
  /** Before this the collector doesn't want to be asked. */
  let notBefore = 0;
  let inARow = { kind: 'failed', count: 0 };
  let trouble: Pick<SyncStatus, 'state' | 'detail'> | null = null;
  let post: Post | null = parts.post ?? null;
  /** What the loop knows of who its collector is; another is somebody's doing. */
  let known = '';

  const nowMs = () => clock.now().getTime();
  const member = (): Membership | null => membership(settings, readJoined(dataDir), keyName(dataDir));
  const standing = (whose: Membership | null) => `${whose?.url} ${joinedStamp(dataDir)}`;
  const isHere = (url: string) => /^http:/.test(url);
  const online = parts.online ?? (() => Object.values(networkInterfaces()).some((all) => all?.some(({ internal }) => !internal)));

  const exchange = createExchange({
    rows: store.sync,
    device: device.id,
    key: () => deviceKey(dataDir),
    post: async (sending, signal) => {
      // Loaded when it is first needed: most commands never are on the network.
      post ??= (await import('./sync/direct-post.ts')).directPost(parts.os.env);
      return post(sending, signal);
    },
    now: () => clock.now(),
    gather,
    takeDocuments: async (documents) => {
      await policyFile.accept?.(documents);
      parts.onTrust();
    },
    takeDecision: ({ request, state, reason, at }) => {
      // The others say by when somebody means to answer, and are not shown.
      if (state === 'approved' || state === 'denied' || state === 'needs-info') parts.applyDecision({ request, state, answer: reason, at });
    },
    noteTime: (at) => policyFile.noteServerTime?.(at),
  });

  function gather(state: SyncState): Now {
    const policy = policyFile.current().policy;
    const may = collecting(policy, settings.collect);
    const servers = store.servers();
    const names = parts.names();
    const inventory = { tools: parts.tools(), servers, accounts: store.accounts(), approved: store.approvedLaunches() };
    const last = store.evidenceRows.last();
    const at = clock.now();
    const ended = localDay(new Date(at.getTime() - DAY_ENDS_MS));
    const since = state.usage ?? localDay(new Date(at.getTime() - USAGE_DAYS * DAY_MS));
    const usage = may.usage ? store.usage(since) : [];
    const user = parts.userNames();
    return {
      ...toItems(inventory, names),
      held: store.sync.held(),
      told: store.sync.told(),
      requests: store.requests().flatMap((request) => toRequest(request, servers, names) ?? []),
      usage: usage.filter(({ day }) => day < ended).map(({ tool, ...row }) => ({ ...row, item: `tool:${tool}` })),
      evidence: last && { count: last.seq, head: last.hash, rows: [...firstOf(store.evidenceRows.all({ after: state.evidence }), 600)] },
      trust: trustNow(),
      agent: {
        ...{ version: parts.version, platform: device.platform, hostname: names.host(device.hostname).slice(0, 300) },
        ...(user === 'none' ? {} : { user: user === 'plain' ? device.user.slice(0, 300) : names.account(device.user) }),
      },
    };
  }

  function trustNow(): Now['trust'] {
    const trust = policyFile.trust?.() ?? null;
    if (trust === null) return { keySet: null, policy: null, grants: null, applied: { rev: null, status: 'none' } };
    const marks = new Map(store.trusted().map(({ kind, mark }) => [kind, mark]));
    const held = (kind: 'policy' | 'grants') => {
      const mark = trust.revs[kind] === null ? undefined : marks.get(kind);
      return mark ? { keySetRev: mark.keySetRev, rev: mark.rev } : null;
    };
    const { applied } = trust;
    const said =
      applied === null
        ? ({ rev: trust.revs.policy, status: trust.revs.policy === null ? 'none' : 'ok' } as const)
        : applied.error === null
          ? ({ rev: applied.rev, status: 'ok' } as const)
          : ({ rev: applied.rev, status: 'refused', error: `${applied.error.code}: ${applied.error.reason}`.slice(0, 500) } as const);
    return { keySet: trust.revs.keySet, policy: held('policy'), grants: held('grants'), applied: said };
  }

  const about = async (secret: string): Promise<Omit<Enrolment, 'proto' | 'id' | 'key'>> => {
    const serial = await readSerial(parts.os);
    const user = parts.userNames();
    // The names need it from now on.
    deviceKey(dataDir);
    const names = parts.names();
    return {
      secret,
      platform: device.platform,
      hostname: names.host(device.hostname).slice(0, 300),
      user: user === 'none' ? '' : user === 'plain' ? device.user.slice(0, 300) : names.account(device.user),
      ...(settings.tenant === undefined ? {} : { tenant: settings.tenant }),
      ...(settings.person === undefined ? {} : { person: settings.person }),
      ...(serial === null ? {} : { serial }),
    };
  };

  async function join(url: string, secret: string, rootKeys: Parameters<typeof pinRootKeys>[1] | null): Promise<void> {
    const { joined, answer } = await exchange.enroll(url, await about(secret), ending);
    const pinned = rootKeys ?? (readRootKeys(dataDir).keys === null ? answer.rootKeys : []);
    // Before the collector is known: a policy that comes with the first check-in is proven or not taken.
    if (pinned.length > 0 && settings.policyRootKeys === undefined) pinRootKeys(dataDir, pinned, clock.now());
    await policyFile.reload();
    writeJoined(dataDir, joined);
  }

  /** How long ago the person last did something that still waits for an answer. */
  function openFor(): number | null {
    const open = store.requests().filter(({ state }) => state === 'open');
    return open.length === 0 ? null : Math.max(0, nowMs() - Math.max(...open.map(({ updatedAt }) => Date.parse(updatedAt))));
  }

  async function checkIn(): Promise<void> {
    // A key that can't be read just now is no reason to join anew.
    const whose = membership(settings, readJoined(dataDir), readDeviceKey(dataDir)?.thumbprint ?? null);
    if (whose === null)
      throw new Refusal('collector', 'This computer belongs to no collector; “muster enroll” or the managed settings name one.');
    if (nowMs() < notBefore) {
      throw new Refusal(
        'collector',
        `The collector asked to be left alone for ${spoken(notBefore - nowMs())}; Muster asks it again by itself.`,
      );
    }
    try {
      if (whose.joined === null) {
        if (whose.secret === null)
          throw new Trouble('refused', 'no-secret', 'This computer has not joined its collector, and no enrolment secret is set.');
        await join(whose.url, whose.secret, null);
        known = standing(whose);
      }
      const nextCheckInS = await exchange.round(whose, ending);
      const joined = readJoined(dataDir);
      if (joined?.state === 'pending') {
        writeJoined(dataDir, { ...joined, state: 'active' });
        known = standing(whose);
      }
      inARow = { kind: 'failed', count: 0 };
      trouble = null;
      due = nowMs() + waitAfter({ kind: 'done', nextCheckInS }, openFor(), random);
    } catch (error) {
      if (ending.aborted) throw new Refusal('collector', 'The agent is ending.');
      const known = error instanceof Trouble || error instanceof DatabaseError;
      if (!known) parts.log('check-in', error);
      const { kind, code, message, retryAfterS } =
        error instanceof Trouble
          ? error
          : ({
              kind: 'failed',
              code: 'failed',
              message: known ? error.message : 'The check-in failed; Muster tries again by itself.',
              retryAfterS: null,
            } as const);
      const isPending = code === 'device-pending';
      inARow = { kind, count: inARow.kind === kind ? inARow.count + 1 : 1 };
      trouble = { state: isPending ? 'pending' : kind === 'refused' ? 'refused' : 'unreachable', detail: message };
      notBefore = nowMs() + floorOf(retryAfterS);
      const outcome = isPending ? ({ kind: 'done', nextCheckInS: null } as const) : ({ kind, count: inARow.count, retryAfterS } as const);
      due = Math.max(notBefore, nowMs() + waitAfter(outcome, null, random));
      throw new Refusal('collector', message);
    } finally {
      parts.onChange();
    }
  }

  /** One at a time; who asks while one is under way gets the next. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => {});
    return mine;
  };

  const status = (): SyncStatus => {
    let whose: Membership | null;
    try {
      whose = member();
    } catch (error) {
      // Another account may read the inventory, and not who this computer is.
      if (!(error instanceof DatabaseError)) throw error;
      return { state: 'off', collector: null, lastAt: null, nextAt: null, detail: error.message };
    }
    if (whose === null) return { state: 'off', collector: null, lastAt: null, nextAt: null, detail: null };
    const state = store.sync.state();
    const lastAt = state?.collector.startsWith(`${whose.url} `) ? state.lastAt : null;
    const nextAt = Number.isFinite(due) ? new Date(due).toISOString() : null;
    const how = trouble ?? {
      state: whose.joined === null ? 'joining' : whose.joined.state === 'pending' ? 'pending' : 'ok',
      detail: null,
    };
    return { ...how, collector: whose.url, lastAt, nextAt };
  };

  return {
    status,
    soon() {
      due = Math.min(due, Math.max(nowMs(), notBefore));
      wake.abort();
    },
    async syncNow() {
      await inTurn(checkIn);
      wake.abort();
      return status();
    },
    async sentPayloads() {
      return store.sync.sent().map(({ seq, madeAt, body, packed, answered }): SentPayload => {
        const text = (packed ? gunzipSync(body) : body).toString('utf8');
        return { seq, at: madeAt, bytes: body.byteLength, answered, body: text.slice(0, SHOWN_CHARS), isCut: text.length > SHOWN_CHARS };
      });
    },
    preview: () => exchange.preview(readDeviceKey(dataDir) === null ? null : member()),
    enroll: ({ url, secret, rootKeys }) =>
      inTurn(async () => {
        const read = readSetting('collectorUrl', url, false);
        if (!read.ok) throw new Refusal('usage', `The address ${read.issue.replace(/^collectorUrl: /, '')}.`);
        const address = addressOf(url);
        if (settings.collectorUrl !== undefined && addressOf(settings.collectorUrl) !== address) {
          throw new Refusal(
            'wrong-state',
            `This computer’s administrator has set its collector, ${settings.collectorUrl}; it joins no other.`,
          );
        }
        const keys = rootKeys === undefined ? null : publicKeys().safeParse(rootKeys);
        if (keys?.success === false)
          throw new Refusal('usage', 'The root keys are no list of Ed25519 public keys; “muster policy keygen” makes one.');
        try {
          await join(address, secret, keys?.data ?? null);
        } catch (error) {
          if (error instanceof Trouble) throw new Refusal('collector', error.message);
          throw error;
        }
        wake.abort();
        return status();
      }),
    async run(signal) {
      ending = signal;
      const onAbort = () => wake.abort();
      signal.addEventListener('abort', onAbort);
      let isOffline = false;
      while (!signal.aborted) {
        wake = new AbortController();
        const whose = member();
        const stamp = standing(whose);
        if (stamp !== known) {
          // Another collector, or the first one; one that somebody has joined just now by hand is asked at once.
          const byHand = known !== '' && whose?.joined != null;
          known = stamp;
          const last = store.sync.state()?.lastAt ?? null;
          due =
            whose === null
              ? Number.POSITIVE_INFINITY
              : nowMs() + (byHand ? 0 : waitAtStart(last === null ? null : nowMs() - Date.parse(last), random));
          trouble = null;
          notBefore = 0;
          parts.onChange();
        }
        const cut = whose !== null && !isHere(whose.url) && !online();
        if (cut !== isOffline) {
          isOffline = cut;
          trouble = cut ? { state: 'offline', detail: 'There is no network just now.' } : null;
          if (!cut) due = nowMs() + waitOnReturn(random);
          parts.onChange();
        }
        if (!isOffline && nowMs() >= due) {
          due = Number.POSITIVE_INFINITY;
          await inTurn(checkIn).catch(() => {
            // It is told in the status, and `due` says when it is tried again.
          });
          continue;
        }
        const wait = isOffline ? OFFLINE_LOOK_MS : Math.min(LONGEST_WAIT_MS, Math.max(due - nowMs(), 1));
        const before = nowMs();
        await clock.wait(wait, wake.signal);
        if (nowMs() - before > wait + SLEPT_MS && Number.isFinite(due)) due = Math.max(due, nowMs() + waitOnReturn(random));
      }
      signal.removeEventListener('abort', onAbort);
      await turn;
    },
  };
}

/** `7 minutes`, `2 hours`: never less than there is. */
function spoken(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000));
  const [count, unit] = minutes < 120 ? [minutes, 'minute'] : [Math.ceil(minutes / 60), 'hour'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function* firstOf<T>(values: Iterable<T>, most: number): Generator<T> {
  let count = 0;
  for (const value of values) {
    if (count++ === most) return;
    yield value;
  }
}
