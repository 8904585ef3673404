/** What really backs each clause of a policy: what this build does, where the policy's modes and the managed settings let it. Pure. */
import type { Policy } from './policy.ts';

export const BACKERS = ['verdict', 'request', 'notice', 'mcp-gate', 'process-gate', 'evidence', 'acknowledge'] as const;
export type Backer = (typeof BACKERS)[number];
export type Action = 'disable-entry' | 'end-process';

/** The actions that this build can carry out; a test compares it with the files under `agent/act/`. */
export const BUILT_ACTIONS: ReadonlySet<Action> = new Set(['disable-entry', 'end-process']);

/** `allowed`: the actions that the managed settings of this computer allow. */
export type Means = { readonly built: ReadonlySet<Action>; readonly allowed: ReadonlySet<Action> };

export type BackedClause = {
  readonly id: string;
  readonly title: string;
  /** `controls`: at least one control is real. `people`: people alone back it, and it says who. `wish`: nothing backs it. */
  readonly standing: 'controls' | 'people' | 'wish';
  /** In the policy's order; `why` says what makes it real, or what is missing and the remedy. */
  readonly controls: readonly { readonly name: string; readonly real: boolean; readonly why: string }[];
  readonly byPeople: string | null;
  readonly maps: readonly string[];
};

/** One answer for each clause, in the policy's order. */
export function backing(policy: Policy, means: Means): BackedClause[] {
  return policy.clauses.map(({ id, title, backedBy = [], byPeople = null, maps = [] }) => {
    const controls = [...new Set(backedBy)].map((name) => ({ name, ...control(name, policy, means) }));
    const standing = controls.some(({ real }) => real) ? 'controls' : byPeople !== null ? 'people' : 'wish';
    return { id, title, standing, controls, byPeople, maps };
  });
}

type Answer = { readonly real: boolean; readonly why: string };
const real = (why: string): Answer => ({ real: true, why });
const missing = (why: string): Answer => ({ real: false, why });

export function isBacker(name: string): name is Backer {
  return BACKERS.some((known) => known === name);
}

function control(name: string, policy: Policy, means: Means): Answer {
  if (!isBacker(name)) return missing(`Muster has nothing of that name; use ${BACKERS.join(', ')}`);
  switch (name) {
    case 'verdict':
      return real('every tool and every MCP server has a status with its reason');
    case 'request':
      return real('whoever needs something else asks for it in Muster');
    case 'notice':
      return notice(policy);
    case 'mcp-gate':
      return gate('disable-entry', policy.mcp.rules, policy, means);
    case 'process-gate':
      return gate('end-process', policy.tools, policy, means);
    case 'evidence':
      return real('decisions are kept in a record whose rows are chained');
    case 'acknowledge':
      return policy.acknowledge
        ? real(`employees acknowledge version ${policy.acknowledge.version}`)
        : missing('the policy asks nobody to acknowledge it; add acknowledge with a version');
  }
}

function notice(policy: Policy): Answer {
  if (policy.mode !== 'monitor') return real(`the employee is told, for the mode is ${policy.mode}`);
  const told = [...policy.tools, ...policy.mcp.rules].filter(({ mode }) => mode !== undefined && mode !== 'monitor').length;
  if (told > 0) return real(`the employee is told where a rule’s own mode is warn or enforce (${told} of the rules)`);
  return missing('in the mode monitor the employee is told nothing; set the mode of the policy or of a rule to warn');
}

function gate(action: Action, rules: Policy['tools'] | Policy['mcp']['rules'], policy: Policy, { built, allowed }: Means): Answer {
  const acting = rules.filter((rule) => rule.action === action && (rule.mode ?? policy.mode) === 'enforce').length;
  if (!built.has(action))
    return missing(`this version of Muster can’t ${DOES[action]} by itself; leave it to people, or take a later version`);
  if (acting === 0) return missing(`no rule has the mode enforce and the action ${action}; add one, or leave this control out`);
  if (!allowed.has(action)) {
    return missing(`the managed settings here don’t allow ${action}; allow it there, where the policy is to hold`);
  }
  return real(`${acting === 1 ? 'one rule' : `${acting} rules`} of the mode enforce ${acting === 1 ? 'has' : 'have'} the action ${action}`);
}

const DOES: Readonly<Record<Action, string>> = { 'disable-entry': 'switch an MCP server off', 'end-process': 'end a program' };
