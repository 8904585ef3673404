/** What has changed since the record was last written: verdicts, the policy and its mode, grants. Pure; what is as it was gives no entry. */
import { createHash } from 'node:crypto';
import type { McpServer, Mode, Tool, Verdict } from '../../electron/contract.ts';
import type { EvidenceEntry } from '../evidence.ts';
import type { Grant } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';

/** How things stand now. Items that are gone keep the verdict they had. */
export type Standing = {
  /** What the record says of what a server is, by the server’s id: it leaves this computer as it is. */
  readonly tell: (server: string) => Readonly<{ identity: string; version: string | null; launchHash: string }>;
  readonly tools: readonly Pick<Tool, 'id' | 'present' | 'verdict' | 'accounts'>[];
  readonly servers: readonly Pick<McpServer, 'id' | 'name' | 'client' | 'scope' | 'present' | 'verdict'>[];
  readonly policy: Policy | null;
  readonly grants: readonly Grant[];
  readonly now: Date;
};

export type Changes = {
  /** In the order of cause and effect: the policy, its mode, grants, then what they did to each item. */
  readonly entries: readonly EvidenceEntry[];
  /** What to remember with them; null forgets. */
  readonly known: ReadonlyMap<string, string | null>;
};

type KnownPolicy = readonly [rev: number | null, hash: string | null];
type KnownVerdict = readonly [status: string, rule: string | null, mode: Mode];
type KnownGrant = readonly [status: string, until: string, state: 'current' | 'ended'];

/** Without a policy the mode is `warn`. */
const NO_POLICY_MODE: Mode = 'warn';

export function changesSince(before: ReadonlyMap<string, string>, standing: Standing): Changes {
  const entries: EvidenceEntry[] = [];
  const known = new Map<string, string | null>();
  const rev = standing.policy?.rev ?? null;
  const note = (entry: EvidenceEntry) => entries.push({ policyRev: rev, ...entry });
  /** The value as it was, where it differs from `now`; undefined where nothing is known of it yet, null where it is as it was. */
  const changed = <T extends readonly unknown[]>(key: string, now: T): T | null | undefined => {
    const text = JSON.stringify(now);
    const was = before.get(key);
    if (was === text) return null;
    known.set(key, text);
    return was === undefined ? undefined : parsed<T>(was);
  };

  policyAndMode(standing.policy, before, changed, note);
  const isGrant = grants(standing, before, changed, note, (key) => known.set(key, null));

  const item = (key: string, name: string, verdict: Verdict, tell: () => Readonly<Record<string, unknown>>) => {
    const { status, rule, mode } = verdict;
    const was = changed<KnownVerdict>(key, [status, rule, mode]);
    if (was === null) return;
    const detail = tell();
    if (was === undefined) note({ kind: 'seen', item: name, decision: status, rule, detail: { ...detail, mode } });
    else {
      const [wasStatus, wasRule, wasMode] = was;
      const more = { ...(wasRule === rule ? {} : { wasRule }), ...(wasMode === mode ? {} : { wasMode }) };
      note({ kind: 'verdict', item: name, was: wasStatus, decision: status, rule, detail: { ...detail, mode, ...more } });
    }
    const had = was?.[1] ?? null;
    if (had !== rule && had !== null && isGrant(had)) note({ kind: 'exception', item: name, was: 'in use', decision: 'over', rule: had });
    if (had !== rule && rule !== null && isGrant(rule)) note({ kind: 'exception', item: name, decision: 'in use', rule });
  };
  for (const { id, present, verdict, accounts } of standing.tools) {
    const tiers = [...new Set(accounts.flatMap(({ tier }) => tier ?? []))].sort();
    if (present) item(`tool:${id}`, id, verdict, () => (tiers.length > 0 ? { tiers } : {}));
  }
  for (const { id, name, client, scope, present, verdict } of standing.servers) {
    if (present) item(`server:${id}`, `mcp:${name}`, verdict, () => ({ client, scope, ...standing.tell(id) }));
  }
  return { entries, known };
}

type Changed = <T extends readonly unknown[]>(key: string, now: T) => T | null | undefined;
type Note = (entry: EvidenceEntry) => void;

function policyAndMode(policy: Policy | null, before: ReadonlyMap<string, string>, changed: Changed, note: Note): void {
  // That there is no policy yet is no news.
  if (policy === null && !before.has('policy')) return;
  const hash = policy === null ? null : createHash('sha256').update(JSON.stringify(policy)).digest('hex');
  const was = changed<KnownPolicy>('policy', [policy?.rev ?? null, hash]);
  if (was !== null) {
    const named = (rev: number | null | undefined) => (rev == null ? 'none' : `rev ${rev}`);
    note({ kind: 'policy', was: named(was?.[0]), decision: named(policy?.rev), detail: { hash, wasHash: was?.[1] ?? null } });
  }
  const mode = policy?.mode ?? NO_POLICY_MODE;
  const wasMode = changed<readonly [Mode]>('mode', [mode]);
  if (wasMode !== null && (wasMode?.[0] ?? NO_POLICY_MODE) !== mode) {
    note({ kind: 'mode', was: wasMode?.[0] ?? NO_POLICY_MODE, decision: mode });
  }
}

const GRANT = 'grant:';

/** Returns whether a rule's id is a grant's, of now or of before. */
function grants(
  { grants: all, now }: Standing,
  before: ReadonlyMap<string, string>,
  changed: Changed,
  note: Note,
  forget: (key: string) => void,
): (rule: string) => boolean {
  const current = new Set<string>();
  for (const grant of all) {
    current.add(grant.id);
    const { id, status, expiresAt, tiers, requestId } = grant;
    const state = Date.parse(expiresAt) > now.getTime() ? 'current' : 'ended';
    const was = changed<KnownGrant>(GRANT + id, [status, expiresAt, state]);
    if (was === null) continue;
    const item = grant.tool ?? `mcp:${grant.mcp ?? ''}`;
    const more = { ...(tiers ? { tiers } : {}), ...(requestId === undefined ? {} : { request: requestId }) };
    const wasState = was === undefined ? null : was[2] === 'ended' ? 'ended' : was[0];
    note({
      kind: 'grant',
      item,
      was: wasState,
      decision: state === 'ended' ? 'ended' : status,
      rule: id,
      detail: { until: expiresAt, ...more },
    });
  }
  for (const [key, value] of before) {
    if (!key.startsWith(GRANT) || current.has(key.slice(GRANT.length))) continue;
    forget(key);
    const was = parsed<KnownGrant>(value);
    if (was?.[2] !== 'ended') note({ kind: 'grant', was: was?.[0] ?? null, decision: 'withdrawn', rule: key.slice(GRANT.length) });
  }
  return (rule) => current.has(rule) || before.has(GRANT + rule);
}

/** What was remembered may be of a rebuilt database; undefined where it can't be read. */
function parsed<T extends readonly unknown[]>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as unknown as T) : undefined;
  } catch {
    return undefined;
  }
}
