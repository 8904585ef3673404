/** Accounts and plans in words: whose account it is, and what the vendor does with data on each plan. */
import type { Account, Tier, Tool } from '../../electron/contract.ts';
import { tierName, trainsWord } from './tool.ts';

/** “Team, an account of Acme”, “Pro, a personal account”, “Plan not known, a work account”. */
export function accountText({ tier, organization, personal }: Account, tiers: readonly Tier[]): string {
  const plan = tier === null ? 'Plan not known' : tierName(tiers, tier);
  const whose =
    personal === true
      ? 'a personal account'
      : organization !== null
        ? `an account of ${organization}`
        : personal === false
          ? 'a company account'
          : 'and whose account it is isn’t known';
  return `${plan}, ${whose}`;
}

/** An address as people read it aloud: without its scheme and its last slash. */
export const sourceText = (address: string): string => address.replace(/^https?:\/\/(?:www\.)?/, '').replace(/\/$/, '');

export type DataTerms = {
  readonly plans: readonly string[];
  readonly trains: string;
  readonly terms: string | null;
  /** Where that is said: one or two addresses. */
  readonly sources: readonly string[];
};

/** What the vendor does with data, plans of which the same is said together, in the vendor's order. */
export function dataTerms({ tiers }: Pick<Tool, 'tiers'>): readonly DataTerms[] {
  const groups = Map.groupBy(tiers, ({ trains, source, terms }) => JSON.stringify([trains, source ?? null, terms?.text, terms?.source]));
  return [...groups.values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const sources = [first.source, first.terms?.source].filter((one) => typeof one === 'string');
    return [
      {
        plans: same.map(({ name }) => name),
        trains: trainsWord[first.trains],
        terms: first.terms?.text ?? null,
        sources: [...new Set(sources)],
      },
    ];
  });
}
