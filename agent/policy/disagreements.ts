/** What a policy's form alone can't say: references inside it that lead nowhere, names that the catalog must know, rules that contradict themselves. */
import { near } from './near.ts';
import type { KnownTools, Policy } from './policy.ts';
import type { Where } from './source.ts';

/** Returns what makes the policy unusable, and adds what is only worth a look to `warnings`. */
export function disagreements(policy: Policy, where: Where, warnings: string[], known?: KnownTools): string[] {
  const issues: string[] = [];
  const all = [
    ...policy.tools.map((value, index) => ({ value, path: ['tools', index] as PropertyKey[] })),
    ...policy.mcp.rules.map((value, index) => ({ value, path: ['mcp', 'rules', index] as PropertyKey[] })),
  ];
  const unique = (kind: string, items: readonly { id: string; path: readonly PropertyKey[] }[]) => {
    const seen = new Set<string>();
    for (const item of items) {
      if (seen.has(item.id)) issues.push(`${where([...item.path, 'id'])}: another ${kind} has the id “${item.id}” too; give each its own.`);
      seen.add(item.id);
    }
    return seen;
  };
  unique(
    'rule',
    all.map(({ value, path }) => ({ id: value.id, path })),
  );
  const classes = unique(
    'data class',
    policy.dataClasses.map((value, index) => ({ id: value.id, path: ['dataClasses', index] })),
  );
  const clauses = unique(
    'clause',
    policy.clauses.map((value, index) => ({ id: value.id, path: ['clauses', index] })),
  );

  for (const { value, path } of all) {
    for (const name of value.dataClasses ?? []) {
      if (!classes.has(name))
        issues.push(
          `${where([...path, 'dataClasses'])}: there is no data class “${name}”; add it to dataClasses or use ${choices([...classes])}.`,
        );
    }
    if (value.clause !== undefined && !clauses.has(value.clause)) {
      warnings.push(`${where([...path, 'clause'])}: there is no clause “${value.clause}”, so nobody can read it; add it to clauses.`);
    }
    if (value.action !== undefined && value.status !== 'prohibited' && value.status !== 'unreviewed') {
      issues.push(
        `${where([...path, 'action'])}: ${value.action} would stop what the same rule says is ${value.status}; make it prohibited or remove the action.`,
      );
    }
    if ('tool' in value && known) issues.push(...unknownNames(value, path, where, known));
  }
  return issues;
}

function unknownNames(rule: Policy['tools'][number], path: readonly PropertyKey[], where: Where, known: KnownTools): string[] {
  if (!known.tool(rule.tool)) {
    // A family may have the id of one of its tools.
    const [nearest, ...others] = near(rule.tool, [...new Set(known.ids ?? [])]);
    const also = others.length > 0 ? `, or perhaps ${others.join(' or ')}` : '';
    const remedy = nearest === undefined ? 'use an id that “muster scan” shows' : `the nearest is ${nearest}${also}`;
    return [`${where([...path, 'tool'])}: the catalog has no tool or family “${rule.tool}”; ${remedy}.`];
  }
  const tiers = known.tiers(rule.tool);
  if (tiers === null && rule.tiers !== undefined) {
    return [
      `${where([...path, 'tiers'])}: the catalog knows no tiers of ${rule.tool}, so nothing would ever match; remove tiers, or use account.`,
    ];
  }
  return (rule.tiers ?? [])
    .filter((tier) => !tiers?.includes(tier))
    .map((tier) => {
      const [meant] = near(tier, tiers ?? []);
      const remedy = `${meant === undefined ? 'use' : `the nearest is ${meant} of`} ${choices(tiers ?? [])}`;
      return `${where([...path, 'tiers'])}: ${rule.tool} has no tier “${tier}”; ${remedy}.`;
    });
}

function choices(list: readonly string[]): string {
  return list.length ? list.join(', ') : 'none, for there are none';
}
