/** Which rules the policy's owner meant to look at again by now. Pure; a day that has passed ends nothing and approves nothing. */
import type { Policy } from './policy.ts';
import { day } from './sentences.ts';

export type ReviewDue = {
  readonly rule: string;
  /** The tool or family; null for a rule about MCP servers. */
  readonly tool: string | null;
  /** `2027-02-01` */
  readonly reviewBy: string;
  readonly path: readonly PropertyKey[];
};

/** Earliest first. A review is due once its day is over in UTC. */
export function reviewsDue(policy: Policy, now: Date): ReviewDue[] {
  const today = now.toISOString().slice(0, 10);
  const rules = [
    ...policy.tools.map(({ id, tool, reviewBy }, index) => ({ rule: id, tool, reviewBy, path: ['tools', index] })),
    ...policy.mcp.rules.map(({ id, reviewBy }, index) => ({ rule: id, tool: null, reviewBy, path: ['mcp', 'rules', index] })),
  ];
  return rules
    .flatMap(({ reviewBy, ...rule }) => (reviewBy !== undefined && reviewBy < today ? [{ ...rule, reviewBy }] : []))
    .sort((a, b) => (a.reviewBy < b.reviewBy ? -1 : a.reviewBy > b.reviewBy ? 1 : 0));
}

/** The rules whose review is overdue, as part of a sentence: “Ollama (due on 1 February 2027) and two other rules”; null where none is. */
export function overdueReviews(policy: Policy, nameOf: (tool: string) => string, now: Date): string | null {
  const [first, ...others] = reviewsDue(policy, now);
  if (!first) return null;
  const what = first.tool === null ? `the rule ${first.rule}` : nameOf(first.tool);
  const more = others.length === 0 ? '' : others.length === 1 ? ' and one other rule' : ` and ${others.length} other rules`;
  return `${what} (due on ${day(first.reviewBy)})${more}`;
}
