/** A first policy from what was seen: every tool and every nameable server as a proposal, the starter's clauses, and the mode that only records. Pure. */
import type { z } from 'zod';
import type { McpServer, Tool } from '../../../electron/contract.ts';
import type { Policy } from '../policy.ts';
import { STARTER_CLASSES, starterPolicy } from './starter.ts';

type Written = z.input<typeof Policy>;
type ToolRule = NonNullable<Written['tools']>[number];
type McpRule = NonNullable<NonNullable<Written['mcp']>['rules']>[number];

export type Seen = {
  readonly tools: readonly Tool[];
  readonly mcpServers: readonly McpServer[];
  /** Ids of the tools that were used in the last 30 days. */
  readonly used: ReadonlySet<string>;
};

export type Draft = {
  readonly policy: Written;
  /** What no rule can name, one sentence each; for the reader of the file. */
  readonly leftOut: readonly string[];
};

/** `seen` null: nothing but the starter. `today` as `2026-11-22`. */
export function draftPolicy(seen: Seen | null, today: string): Draft {
  const policy = starterPolicy(today);
  if (seen === null) return { policy, leftOut: [] };
  const { rules, leftOut } = serverRules(seen.mcpServers.filter(({ present }) => present));
  return { policy: { ...policy, tools: toolRules(seen), mcp: { ...policy.mcp, rules } }, leftOut };
}

/** One rule for a tool; for a product of which several tools are here, one for the product. A mere trace makes no rule. */
function toolRules({ tools, used }: Seen): ToolRule[] {
  const here = tools.filter(({ present, confidence }) => present && confidence !== 'possible');
  const ofFamily = Map.groupBy(here, ({ family }) => family);
  const subjects = Map.groupBy(here, ({ id, family }) => (family !== null && (ofFamily.get(family)?.length ?? 0) > 1 ? family : id));
  return [...subjects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([tool, members], index): ToolRule => {
      const accounts = members.flatMap((member) => member.accounts);
      const known = new Map(members.flatMap((member) => member.tiers.map((tier) => [tier.id, tier])));
      const tiers = [...new Set(accounts.flatMap(({ tier }) => (tier !== null && known.has(tier) ? [tier] : [])))].sort();
      const isUsed = members.some(({ id }) => used.has(id));
      const names = members.map(({ name }) => name).join(', ');
      const training = tiers.flatMap((id) => {
        const { name, trains } = known.get(id) ?? {};
        return trains === 'yes' || trains === 'opt-out'
          ? [`${name} trains on what goes in${trains === 'yes' ? '' : ' unless somebody opts out'}`]
          : [];
      });
      const said = [
        `${names}, ${isUsed ? 'used in the last 30 days' : 'here, and not used in the last 30 days'}`,
        tiers.length > 0 ? `seen on ${tiers.map((id) => known.get(id)?.name ?? id).join(', ')}` : 'the tier could not be read',
        ...(accounts.some(({ personal }) => personal === true) ? ['also with a personal account'] : []),
        ...training,
      ];
      return {
        id: `t${index + 1}`,
        tool,
        ...(tiers.length > 0 ? { tiers } : {}),
        // What people work with is not stopped by the day the stance gets stricter; it is limited to what is public until somebody has decided.
        ...(isUsed
          ? { status: 'tolerated' as const, dataClasses: [STARTER_CLASSES[0]?.id ?? 'public'] }
          : { status: 'unreviewed' as const }),
        clause: '2',
        note: `Proposed: ${said.join('; ')}.`,
      };
    });
}

const REGISTRIES: ReadonlySet<string> = new Set(['npm', 'pypi', 'oci', 'go']);

function serverRules(servers: readonly McpServer[]): { rules: McpRule[]; leftOut: string[] } {
  const byMatch = new Map<string, { match: McpRule['match']; servers: McpServer[] }>();
  const leftOut = new Map<string, string>();
  for (const server of servers) {
    const match = matchOf(server);
    if (match === null) {
      const what = WHAT[server.identity.kind] ?? 'started in a way';
      leftOut.set(
        `${server.client}\0${server.name}`,
        `${server.name} in ${server.client} is ${what} that no rule can name; the stance decides about it.`,
      );
      continue;
    }
    const key = JSON.stringify(match);
    const same = byMatch.get(key);
    if (same) same.servers.push(server);
    else byMatch.set(key, { match, servers: [server] });
  }
  const rules = [...byMatch]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { match, servers: same }], index): McpRule => {
      const worst = same.reduce((highest, { risk }) => Math.max(highest, risk.score), 0);
      const said = [
        `in ${[...new Set(same.map(({ client }) => client))].sort().join(', ')}`,
        ...(worst > 0 ? [`risk ${worst} of 100`] : []),
        ...(same.some(({ pinned }) => !pinned) ? ['not fixed to a version'] : []),
        ...(same.some(({ secretNames }) => secretNames.length > 0) ? ['uses secrets'] : []),
      ];
      return { id: `m${index + 1}`, match, status: 'unreviewed', clause: '5', note: `Proposed: ${said.join('; ')}.` };
    });
  rules.push({
    id: 'critical-risk',
    match: { riskAtLeast: 'critical' },
    status: 'prohibited',
    reason: 'What its settings allow is too dangerous as it is; ask for a safer way',
    clause: '5',
    note: 'For every server that no rule above names. It records until its mode is warn or enforce.',
  });
  return { rules, leftOut: [...leftOut.values()].sort() };
}

const WHAT: Readonly<Record<string, string>> = {
  script: 'a script of this computer',
  binary: 'a program of this computer',
  remote: 'at an address',
};

/** What a rule can name it by: its package, or the host of its address. */
function matchOf({ identity: { kind, name }, url }: McpServer): McpRule['match'] | null {
  if (REGISTRIES.has(kind)) return name.length <= 100 && name !== '' ? { [kind]: name } : null;
  const [origin] = (kind === 'remote' && url !== null && /^https?:\/\/[^*/?#@\s…]+/.exec(url)) || [];
  return origin === undefined ? null : { url: `${origin}/*` };
}
