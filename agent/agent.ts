/** The agent: the one place where observers, catalog, policy and store meet, and the only writer of what is true. */
import type { AgentApi, ApprovalRequest, Device, Inventory, ScanOptions, Setting, Snapshot } from '../electron/contract.ts';
import type { Catalog } from '../native-catalog/catalog.ts';
import { createActing } from './acting.ts';
import { createApprovals } from './approvals.ts';
import { keepWithin } from './bounds.ts';
import { deviceKey } from './device-key.ts';
import { headFile } from './evidence/head-file.ts';
import { createEvidence, type EvidenceLog, type Note, narrower } from './evidence.ts';
import { createHealth } from './health.ts';
import { createHomes } from './homes.ts';
import { createLooks } from './looks.ts';
import { every } from './observe/every.ts';
import type { Clock } from './observe/observation.ts';
import type { Os } from './observe/os.ts';
import type { Policy } from './policy/policy.ts';
import type { PolicySource, SignedPolicySource } from './policy/policy-source.ts';
import type { Problems } from './problems.ts';
import type { Decision } from './requests.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store/store.ts';
import { createStream } from './stream.ts';
import { createSync, type Sync, type SyncParts } from './sync.ts';
import { createTelling } from './telling.ts';
import { createVerdicts } from './verdicts.ts';

export type AgentParts = {
  readonly os: Os;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly store: Store;
  readonly problems: Problems;
  readonly device: Device;
  readonly dataDir: string;
  readonly version: string;
  /** Absolute home folders whose files are looked at. */
  readonly homes: readonly string[];
  readonly policyFile: PolicySource & Partial<Pick<SignedPolicySource, 'accept' | 'noteServerTime'>>;
  /** May change while the agent runs, whenever `policyFile` is reloaded. */
  readonly settings: Settings;
  /** The settings with where each comes from, for the window. */
  readonly settingsShown?: () => readonly Setting[];
  /** How and when the collector is reached, where not by this system's own network and at the usual times. */
  readonly network?: Pick<SyncParts, 'post' | 'random' | 'online'>;
  /** Unexpected failures, by the name of what failed; never content. */
  readonly log: (what: string, error: unknown) => void;
};

export type Agent = {
  readonly api: Omit<AgentApi, 'stop'>;
  /** The full state now. */
  snapshot(): Snapshot;
  /** What would be said of everything that is stored, were this the policy in force. Changes nothing. */
  under(policy: Policy | null): Pick<Snapshot, 'tools' | 'mcpServers'>;
  /** The record of what was decided and done; whoever acts writes into it with what was done. */
  readonly evidence: EvidenceLog;
  /** Takes in what IT decided about a request; null where it changes nothing. Safe to repeat. Throws a `DatabaseError`. */
  applyDecision(decision: Decision): ApprovalRequest | null;
  /** The bodies of the next check-in, as they would leave; changes nothing. */
  readonly preview: Sync['preview'];
  /** Gives the full state at once and whole slices after, until the signal aborts. */
  subscribe(onChanged: (slices: Partial<Snapshot>) => void, signal: AbortSignal): void;
  /** The first look, then polling and watching until the signal aborts; resolves when all is written. */
  watch(signal: AbortSignal): Promise<void>;
};

const USAGE_FLUSH_MS = 5 * 60_000;
const LONGEST_WAIT_MS = 60_000;
/** Where the policy doesn't say for how long. */
const RETENTION_DAYS = 400;
const EVERYTHING = 'everything';
const CONFIGS = 'changes of config files';

/** Puts the parts together; observes nothing yet. */
export function startAgent(parts: AgentParts): Agent {
  const { clock, catalog, store, problems, device, policyFile } = parts;
  const startedAt = clock.now().toISOString();
  const homes = createHomes(parts.os.user.home, parts.homes);
  const { show } = homes;
  const looks = createLooks({ ...parts, homes, ownHomes: parts.homes, onSource: () => stream.publish('sources') });
  const userNames = () => narrower(policyFile.current().policy?.collect?.username, parts.settings.collect?.username);
  const { names } = createTelling({ ...parts, userNames });
  const verdicts = createVerdicts({ ...parts, homes, looks, names });
  /** The look under way, or the last of those that wait; `plain` when it is over the agent's own homes and policy. */
  let looking: { plain: boolean; done: Promise<Inventory> } | null = null;

  const stream = createStream({
    agent: () => ({ version: parts.version, pid: process.pid, startedAt, dataDir: show(parts.dataDir) }),
    device: () => device,
    look: () => ({ state: looking ? 'looking' : 'idle', ...store.lastLook() }),
    tools: () => verdicts.tools(),
    mcpServers: () => verdicts.servers(),
    requests: () => store.requests(),
    problems: () => problems.list(),
    policy: verdicts.inForce,
    sources: () => looks.sources(),
    told: () => store.told(),
    settings: () => parts.settingsShown?.(),
    actions: () => acting.shown(),
    sync: () => sync().status(),
  });

  const { failed, worked, isWriteDue } = createHealth({ clock, problems, log: parts.log, onChange: () => stream.publish('problems') });

  const evidence = createEvidence({
    ...{ store, device, dataDir: parts.dataDir, now: verdicts.now, key: () => deviceKey(parts.dataDir) },
    userNames,
    names,
    onBehind: (error) => parts.log('evidence head', error),
    onBroken: (what) => problems.raise({ code: 'evidence-broken', path: headFile(parts.dataDir), detail: what }),
  });
  /** What changed since the record was last written: rows, and how things stand with them. Inside the transaction of the rows. */
  const settle = (note: Note, { entries, known } = verdicts.changes()) => {
    for (const entry of entries) note(entry);
    store.evidenceRows.know(known);
  };
  const record = (items?: Parameters<typeof verdicts.changes>[0]) => {
    const changes = verdicts.changes(items);
    // Either compares the record with its signed head first.
    if (changes.known.size > 0) evidence.write((note) => settle(note, changes));
    else evidence.open();
  };
  const approvals = createApprovals({ store, catalog, evidence, settle, now: verdicts.now, policy: () => policyFile.current().policy });
  const onActions = () => stream.publish('actions', 'problems');
  const acting = createActing({ ...parts, homes, looks, verdicts, evidence, onChange: onActions });
  /** When a grant or a request next ends by itself, or needs a notice that it will. */
  const soonest = () => Math.min(...[verdicts.nextChange(), approvals.nextLapse()].map((at) => at?.getTime() ?? Number.POSITIVE_INFINITY));

  async function scan(options: ScanOptions = {}): Promise<Inventory> {
    const policy = options.policy ? policyFile.parse(options.policy.text, options.policy.path) : (await policyFile.reload()).policy;
    const began = clock.now();
    const { partial } = await looks.whole(options.homes);
    // It has read and written every config file too.
    if (!options.homes) worked(EVERYTHING, CONFIGS);
    verdicts.pinLaunches();
    approvals.lapse();
    const items = { tools: verdicts.tools(), servers: verdicts.servers() };
    record(items);
    keepWithin({ store, evidence }, policyFile.current().policy?.retentionDays ?? RETENTION_DAYS);
    return {
      schema: 'muster.inventory/1',
      device,
      startedAt: began.toISOString(),
      durationMs: clock.now().getTime() - began.getTime(),
      partial,
      tools: options.policy ? verdicts.tools(policy) : items.tools,
      mcpServers: options.policy ? verdicts.servers(policy) : items.servers,
      problems: problems.list(),
    };
  }

  const asked = <T>(answer: T): T => {
    stream.publish('requests', 'tools', 'mcpServers', 'policy');
    return answer;
  };
  const onTrust = () => {
    verdicts.pinLaunches();
    record();
    stream.publish();
  };
  let made: Sync | null = null;
  /** Made when it is first needed: a scan never is on the network, and the protocol's schemas take time to build. */
  const sync = () => {
    made ??= createSync({
      ...{ ...parts, ...parts.network, names, userNames, onTrust, tools: verdicts.tools },
      applyDecision: (decision) => void asked(approvals.applyDecision(decision)),
      onChange: () => stream.publish('sync'),
    });
    return made;
  };
  /** What somebody asks for goes at once. */
  const askedIt = <T>(answer: T): T => {
    sync().soon();
    return asked(answer);
  };

  const api: Agent['api'] = {
    // Two who ask for a plain look at once get the same one; any other waits for its turn.
    scan(options) {
      const plain = !options?.homes && !options?.policy;
      if (plain && looking?.plain) return looking.done;
      const run = async () => {
        stream.publish('look');
        return scan(options);
      };
      const look = { plain, done: (looking?.done ?? Promise.resolve()).then(run, run) };
      look.done = look.done.finally(() => {
        if (looking === look) looking = null;
        stream.publish();
      });
      looking = look;
      return look.done;
    },
    request: async (input) => askedIt(approvals.request(input)),
    withdraw: async (id) => askedIt(approvals.withdraw(id)),
    answer: async (id, text) => askedIt(approvals.answer(id, text)),
    acknowledge: async (version) => asked(approvals.acknowledge(version)),
    actNow: async (id) => acting.actNow(id),
    keepForToday: async (id) => acting.keepForToday(id),
    undo: async (id) => acting.undo(id),
    syncNow: async () => sync().syncNow(),
    sentPayloads: async () => sync().sentPayloads(),
    enroll: async (how) => sync().enroll(how),
    async told(items) {
      // Kept for ever, so only what can be told of is kept.
      const ends = new Set(verdicts.inForce().grants?.flatMap(({ id }) => [`grant-ending:${id}`, `grant-ended:${id}`]));
      const kept = items.filter((item) => item === 'inventory' || item === 'first-run' || catalog.entries.has(item) || ends.has(item));
      store.tell([...new Set(kept)], clock.now());
      stream.publish('told');
    },
  };

  return {
    api,
    snapshot: stream.snapshot,
    evidence,
    applyDecision: (decision) => asked(approvals.applyDecision(decision)),
    under: (policy) => ({ tools: verdicts.tools(policy), mcpServers: verdicts.servers(policy) }),
    preview: () => sync().preview(),
    subscribe: stream.subscribe,
    async watch(signal) {
      // Told to end before it began: no loop would ever run.
      if (signal.aborted) return;
      const loop = (name: string, ms: number | (() => number), look: () => Promise<void> | void, jitter = 0) =>
        every(clock, { name, ms, jitter, signal, onError: failed(name) }, async () => {
          await look();
          worked(name);
        });

      const first = Promise.withResolvers<void>();
      const whole = loop(
        EVERYTHING,
        () => parts.settings.lookMinutes * 60_000,
        async () => void (await api.scan().finally(first.resolve)),
        0.1,
      );
      // Told to end before it began, there is no first look.
      await Promise.race([first.promise, whole.done]);
      const configured = () => {
        verdicts.pinLaunches();
        record();
        stream.publish('mcpServers', 'tools', 'problems');
        void acts.now();
      };
      const untilAction = () => {
        const at = acting.next()?.getTime() ?? Number.POSITIVE_INFINITY;
        return Math.min(Math.max(at - clock.now().getTime(), 1), LONGEST_WAIT_MS);
      };
      // Only an agent that stays acts by itself: a command would be over before its countdown.
      const acts = loop('what Muster does by itself', untilAction, async () => {
        acting.consider();
        await acting.due(signal);
      });
      await looks.watchConfigs(signal, configured, failed(CONFIGS));
      let nextEnd = 0;
      // Not one long timer: a computer that slept would be late by as long as it slept.
      const untilNext = () => Math.min(Math.max(nextEnd - verdicts.now().getTime(), 1), LONGEST_WAIT_MS);
      const ends = loop('what ends by itself', untilNext, () => {
        const due = verdicts.now().getTime() >= nextEnd;
        if (due) {
          approvals.lapse();
          record();
        }
        nextEnd = soonest();
        if (due) {
          stream.publish();
          void acts.now();
        }
      });
      const poll = loop(
        'processes',
        () => parts.settings.pollSeconds * 1000,
        async () => {
          if (policyFile.changed()) {
            await policyFile.reload();
            verdicts.pinLaunches();
            record();
            stream.publish();
            void ends.now();
            void acts.now();
          }
          if (isWriteDue()) void whole.now();
          const { changed, fresh } = await looks.poll();
          if (changed) {
            stream.publish('tools', 'mcpServers');
            void acts.now();
          }
          // Started for the first time, it was probably installed just now: where and in which version is known by a whole look.
          if (fresh) void whole.now();
        },
      );
      const flush = loop('usage', USAGE_FLUSH_MS, looks.flushUsage);
      await Promise.all([whole.done, poll.done, flush.done, ends.done, acts.done, sync().run(signal)]);
      // A look that a client asked for may still be writing.
      await looking?.done.catch(() => {});
      try {
        looks.flushUsage();
      } catch (error) {
        failed('usage')(error);
      }
    },
  };
}
