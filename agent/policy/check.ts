/** Everything that can be said of a policy's text before it is used: what makes it unusable, what is worth a look, and what backs each clause. */
import { type BackedClause, backing, type Means } from './backing.ts';
import { PLACEHOLDER } from './draft/starter.ts';
import { type KnownTools, type Policy, parsePolicy } from './policy.ts';
import { reviewsDue } from './reviews.ts';
import type { Where } from './source.ts';

export type PolicyCheck = {
  readonly ok: boolean;
  /** What would make it refused: line, field and remedy, one sentence each. */
  readonly issues: readonly string[];
  /** What does not keep it from being used. */
  readonly warnings: readonly string[];
  readonly clauses: readonly BackedClause[];
  readonly policy: Policy | null;
};

/** What the catalog knows beyond names: which of a tool's tiers train on what goes in. */
export type Catalogued = KnownTools & { trains?(id: string): readonly { readonly name: string; readonly trains: string }[] };

/** Never throws. `now` decides which dates have passed. */
export function checkPolicy(text: string, known: Catalogued, means: Means, now: Date): PolicyCheck {
  const parsed = parsePolicy(text, known);
  if (!parsed.ok) return { ok: false, issues: parsed.issues, warnings: [], clauses: [], policy: null };
  const { policy, where } = parsed;
  const clauses = backing(policy, means);
  const warnings = [
    ...parsed.warnings,
    ...times(policy, where, now),
    ...organization(policy, where),
    ...actions(policy, where),
    ...everyTier(policy, where, known),
    ...sameSubject(policy, where),
    ...controls(clauses, where),
  ];
  return { ok: true, issues: [], warnings, clauses, policy };
}

function times(policy: Policy, where: Where, now: Date): string[] {
  const { issuedAt, expiresAt } = policy;
  const found: string[] = [];
  if (issuedAt !== undefined && expiresAt !== undefined && Date.parse(expiresAt) <= Date.parse(issuedAt)) {
    found.push(`${where(['expiresAt'])}: it would end before it was issued; correct one of the two.`);
  } else if (expiresAt !== undefined && Date.parse(expiresAt) <= now.getTime()) {
    found.push(`${where(['expiresAt'])}: it has ended on ${expiresAt.slice(0, 10)}; give it a later end.`);
  }
  for (const { path, reviewBy } of reviewsDue(policy, now)) {
    found.push(`${where([...path, 'reviewBy'])}: the review was due on ${reviewBy}; look at the rule again and set the next date.`);
  }
  return found;
}

function organization(policy: Policy, where: Where): string[] {
  const found: string[] = [];
  const { name, contact, accountDomains } = policy.organization ?? {};
  if (name === PLACEHOLDER.name)
    found.push(`${where(['organization', 'name'])}: this is the draft’s own text; put your organization’s name.`);
  if (contact === PLACEHOLDER.contact)
    found.push(`${where(['organization', 'contact'])}: this is the draft’s own text; say whom people write to.`);
  const byAccount = policy.tools.findIndex(({ account }) => account !== undefined);
  if (byAccount >= 0 && (accountDomains ?? []).length === 0) {
    const at = where(['tools', byAccount, 'account']);
    found.push(
      `${at}: whose an account is can only be guessed from its plan; add the domains of your addresses to organization.accountDomains.`,
    );
  }
  return found;
}

function actions(policy: Policy, where: Where): string[] {
  const found: string[] = [];
  const look = (rule: Policy['tools'][number] | Policy['mcp']['rules'][number], path: readonly PropertyKey[]) => {
    const mode = rule.mode ?? policy.mode;
    if (rule.action !== undefined && mode !== 'enforce') {
      found.push(
        `${where([...path, 'action'])}: it acts only in the mode enforce, and here that is ${mode}; change the mode when it is time to act.`,
      );
    }
    if (rule.mode === 'enforce' && rule.action === undefined && rule.status === 'prohibited') {
      found.push(`${where([...path, 'mode'])}: enforce does nothing more than warn without an action; add one, or make it warn.`);
    }
  };
  for (const [index, rule] of policy.tools.entries()) look(rule, ['tools', index]);
  for (const [index, rule] of policy.mcp.rules.entries()) look(rule, ['mcp', 'rules', index]);
  return found;
}

/** The tier is the control: an approval of every tier approves the free one, which may train on what goes in. */
function everyTier(policy: Policy, where: Where, known: Catalogued): string[] {
  return policy.tools.flatMap((rule, index) => {
    if ((rule.status !== 'approved' && rule.status !== 'conditional') || rule.tiers !== undefined) return [];
    const training = (known.trains?.(rule.tool) ?? []).filter(({ trains }) => trains === 'yes' || trains === 'opt-out');
    if (training.length === 0) return [];
    const names = training.map(({ name, trains }) => `${name} (${trains === 'yes' ? 'always' : 'unless somebody opts out'})`).join(', ');
    return [`${where(['tools', index])}: this approves every tier, and the vendor trains on what goes into ${names}; name the tiers.`];
  });
}

/** Two rules that are about the very same: only one of them ever says anything. */
function sameSubject(policy: Policy, where: Where): string[] {
  const seen = new Map<string, string>();
  const found: string[] = [];
  const look = (subject: unknown, id: string, path: readonly PropertyKey[]) => {
    const key = JSON.stringify(subject);
    const before = seen.get(key);
    if (before === undefined) seen.set(key, id);
    else found.push(`${where(path)}: the rule ${before} is about the same, and of the two the stricter counts; keep one of them.`);
  };
  for (const [index, { id, tool, tiers, account }] of policy.tools.entries()) {
    look(['tool', tool, [...(tiers ?? [])].sort(), account ?? null], id, ['tools', index]);
  }
  for (const [index, { id, match }] of policy.mcp.rules.entries()) {
    look(['mcp', Object.entries(match).sort()], id, ['mcp', 'rules', index]);
  }
  return found;
}

function controls(clauses: readonly BackedClause[], where: Where): string[] {
  return clauses.flatMap((clause, index) => [
    ...clause.controls
      .filter(({ real }) => !real)
      .map(({ name, why }) => `${where(['clauses', index, 'backedBy'])}: ${name} backs nothing, for ${why}.`),
    ...(clause.standing === 'wish'
      ? [
          `${where(['clauses', index])}: nothing backs this clause, so it is a wish; add a control, or say in byPeople who sees to it and how often.`,
        ]
      : []),
  ]);
}
