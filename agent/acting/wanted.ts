/** What the policy wants done by itself now: the entries and programs that a rule with an action stops. Pure. */
import type { ActionKind } from '../../electron/contract.ts';
import type { Policy } from '../policy/policy.ts';
import type { Verdicts } from '../verdicts.ts';
import type { Want } from './rows.ts';

/** `runs` says whether a program is there that is certainly the tool. */
export function wanted(policy: Policy | null, verdicts: Pick<Verdicts, 'tools' | 'servers'>, runs: (tool: string) => boolean): Want[] {
  if (!policy) return [];
  const { rev } = policy;
  // A rule that allows something under a condition may name an action too; where the condition is missed, that is the verdict's matter alone.
  const stops = ({ status, action }: { status: string; action?: ActionKind | undefined }) =>
    action !== undefined && (status === 'prohibited' || status === 'unreviewed');
  const ofServers = new Map(policy.mcp.rules.filter(stops).map((rule) => [rule.id, rule]));
  const ofTools = new Map(policy.tools.filter(stops).map((rule) => [rule.id, rule]));
  const servers = ofServers.size === 0 ? [] : verdicts.servers();
  const tools = ofTools.size === 0 ? [] : verdicts.tools();
  return [
    ...servers.flatMap(({ id, name, present, enabled, identity, verdict }): Want[] => {
      const { rule, mode, reason, status } = verdict;
      if (rule === null || ofServers.get(rule)?.status !== status || !present || !enabled) return [];
      return [
        {
          ...{ kind: 'disable-entry', item: `mcp:${name}`, rule },
          itemName: name,
          server: id,
          mode,
          reason,
          rev,
          launch: identity.launchHash,
        },
      ];
    }),
    ...tools.flatMap(({ id, name, running, verdict }): Want[] => {
      const { rule, mode, reason, status } = verdict;
      if (rule === null || ofTools.get(rule)?.status !== status || !running || !runs(id)) return [];
      return [{ ...{ kind: 'end-process', item: id, rule }, itemName: name, server: null, mode, reason, rev, launch: null }];
    }),
  ];
}
