/**
 * What a draft of a policy would change on this computer: two answers over the same recorded inventory, the one in force and the draft's, compared and
 * weighed by use. Pure.
 */
import type { Account, McpServer, Tool, Verdict, VerdictStatus } from '../../electron/contract.ts';
import type { Action } from './backing.ts';
import type { Item } from './decide.ts';
import type { Policy } from './policy.ts';
import { type Fit, rulesFor } from './words.ts';

export type Answers = { readonly tools: readonly Tool[]; readonly mcpServers: readonly McpServer[] };

export type Side = Pick<Verdict, 'status' | 'rule' | 'mode' | 'dataClasses' | 'reason'>;

/** Seconds of the days counted. `by`: in front, or for what has no window of its own, running; `share` is of all use counted that way, 0–1. */
export type Use = { readonly by: 'front' | 'run'; readonly seconds: number; readonly days: number; readonly share: number };

type Change = {
  readonly from: Side;
  readonly to: Side;
  /** Whether the status or the data classes differ. */
  readonly changed: boolean;
  /** What the draft would do by itself, where the managed settings allow that. */
  readonly action: Action | null;
};
export type ToolChange = Change & {
  readonly tool: string;
  readonly name: string;
  readonly use: Use | null;
  readonly accounts: readonly { readonly tier: string | null; readonly from: VerdictStatus; readonly to: VerdictStatus }[];
};
export type ServerChange = Change & { readonly id: string; readonly client: string; readonly name: string };

export type Simulation = {
  readonly schema: 'muster.policy-simulation/1';
  /** The days of use that were counted: the first one, and how many. */
  readonly since: string;
  readonly days: number;
  readonly tools: readonly ToolChange[];
  readonly mcpServers: readonly ServerChange[];
  /** The share of use of the tools that change, 0–1, by how it is counted; null where nothing was counted that way. */
  readonly changedUse: { readonly front: number | null; readonly run: number | null };
  readonly unused: {
    /** Rules of the draft that apply to nothing here: `absent`, or `other` where what they name is here on another tier, account or version. */
    readonly rules: readonly { readonly rule: string; readonly about: string; readonly why: 'absent' | 'other' }[];
    /** Tools that are here and were not used on the days counted. */
    readonly tools: readonly { readonly tool: string; readonly name: string }[];
  };
};

export type UsageTotal = { readonly day: string; readonly tool: string; readonly runS: number; readonly frontS: number };

export function simulate(
  before: Answers,
  after: Answers,
  draft: Policy,
  usage: readonly UsageTotal[],
  counted: { readonly since: string; readonly days: number },
): Simulation {
  const uses = usesOf(usage);
  const toolsBefore = new Map(before.tools.map((tool) => [tool.id, tool]));
  const serversBefore = new Map(before.mcpServers.map((server) => [server.id, server]));
  const tools = after.tools
    .filter(({ present }) => present)
    .map((now): ToolChange => {
      const was = toolsBefore.get(now.id) ?? now;
      return {
        tool: now.id,
        name: now.name,
        ...changeOf(was.verdict, now.verdict, draft),
        use: uses.get(now.id) ?? null,
        accounts: now.accounts.map(({ tier, verdict }, index) => ({
          tier,
          from: was.accounts[index]?.verdict.status ?? was.verdict.status,
          to: verdict.status,
        })),
      };
    })
    .sort((a, b) => Number(b.changed) - Number(a.changed) || (b.use?.seconds ?? 0) - (a.use?.seconds ?? 0) || order(a.name, b.name));
  const mcpServers = after.mcpServers
    .filter(({ present }) => present)
    .map((now): ServerChange => {
      const was = serversBefore.get(now.id) ?? now;
      return { id: now.id, client: now.client, name: now.name, ...changeOf(was.verdict, now.verdict, draft) };
    })
    .sort((a, b) => Number(b.changed) - Number(a.changed) || order(a.client, b.client) || order(a.name, b.name));
  return {
    schema: 'muster.policy-simulation/1',
    ...counted,
    tools,
    mcpServers,
    changedUse: { front: changedShare(tools, uses, 'front'), run: changedShare(tools, uses, 'run') },
    unused: {
      rules: unusedRules(after, draft),
      tools: tools.flatMap(({ tool, name, use }) => (use === null ? [{ tool, name }] : [])),
    },
  };
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function changeOf(from: Verdict, to: Verdict, draft: Policy): Change {
  const same = from.dataClasses.length === to.dataClasses.length && from.dataClasses.every((id) => to.dataClasses.includes(id));
  const rule = to.rule === null ? undefined : [...draft.tools, ...draft.mcp.rules].find(({ id }) => id === to.rule);
  const acts = to.mode === 'enforce' && rule?.status === to.status ? (rule.action ?? null) : null;
  return { from: side(from), to: side(to), changed: from.status !== to.status || !same, action: acts };
}

function side({ status, rule, mode, dataClasses, reason }: Verdict): Side {
  return { status, rule, mode, dataClasses, reason };
}

/** A tool that is ever in front is weighed by that; the others (command lines, servers) among themselves by how long they ran. */
function usesOf(usage: readonly UsageTotal[]): Map<string, Use> {
  const totals = new Map<string, { frontS: number; runS: number; days: Set<string> }>();
  for (const { tool, day, frontS, runS } of usage) {
    const total = totals.get(tool) ?? { frontS: 0, runS: 0, days: new Set<string>() };
    total.frontS += frontS;
    total.runS += runS;
    if (frontS > 0 || runS > 0) total.days.add(day);
    totals.set(tool, total);
  }
  const measured = [...totals].flatMap(([tool, { frontS, runS, days }]) => {
    if (frontS <= 0 && runS <= 0) return [];
    return [{ tool, by: frontS > 0 ? ('front' as const) : ('run' as const), seconds: frontS > 0 ? frontS : runS, days: days.size }];
  });
  const sum = (by: Use['by']) => measured.reduce((all, one) => (one.by === by ? all + one.seconds : all), 0);
  const sums = { front: sum('front'), run: sum('run') };
  return new Map(measured.map(({ tool, ...use }) => [tool, { ...use, share: use.seconds / sums[use.by] }]));
}

function changedShare(tools: readonly ToolChange[], uses: ReadonlyMap<string, Use>, by: Use['by']): number | null {
  if (![...uses.values()].some((use) => use.by === by)) return null;
  return tools.reduce((share, { changed, use }) => (changed && use?.by === by ? share + use.share : share), 0);
}

function unusedRules({ tools, mcpServers }: Answers, draft: Policy): Simulation['unused']['rules'] {
  const items: Item[] = [
    ...tools.filter(({ present }) => present).flatMap(itemsOf),
    ...mcpServers.filter(({ present }) => present).map((server): Item => ({ kind: 'mcp', ...server })),
  ];
  const best = new Map<string, Fit>();
  for (const { id, fit } of items.flatMap((item) => rulesFor(item, draft))) {
    if (id !== null && (fit !== 'no' || !best.has(id))) best.set(id, fit);
  }
  const rules = [
    ...draft.tools.map(({ id, tool }) => ({ rule: id, about: tool, named: true })),
    ...draft.mcp.rules.map(({ id, match: { versions: _, riskAtLeast, ...target } }) => {
      const [name] = Object.values(target);
      return { rule: id, about: name ?? `risk ${riskAtLeast} or worse`, named: name !== undefined };
    }),
  ];
  return rules.flatMap(({ rule, about, named }) => {
    const fit = best.get(rule);
    if (fit === 'yes' || fit === 'unknown') return [];
    return [{ rule, about, why: fit === 'no' && named ? ('other' as const) : ('absent' as const) }];
  });
}

function itemsOf({ id, family, accounts }: Tool): Item[] {
  const kind = ({ personal }: Account) => (personal === null ? 'unknown' : personal ? 'personal' : 'company');
  if (accounts.length === 0) return [{ kind: 'tool', tool: id, family, tier: null, account: 'unknown' }];
  return accounts.map((account): Item => ({ kind: 'tool', tool: id, family, tier: account.tier, account: kind(account) }));
}
