/** A policy is put to the test before it counts: it must have an answer for everything that is on this computer. */
import { decide, type Item } from './decide.ts';
import type { Policy } from './policy.ts';

/** Why it can't be used here, without a word of its content; null where it can. */
export function tryPolicy(policy: Policy, items: readonly Item[], now: Date): string | null {
  for (const item of items) {
    try {
      decide(item, policy, [], false, now);
    } catch (error) {
      const what = item.kind === 'tool' ? item.tool : `the MCP server ${item.name}`;
      return `no verdict on ${what} can be reached (${error instanceof Error ? error.name : 'unknown'})`;
    }
  }
  return null;
}
