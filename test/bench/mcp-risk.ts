/** How well the risk rules tell: precision and recall of each rule on the labelled servers. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { assess, rules } from '../../agent/mcp/risks.ts';
import { Publishers } from '../../native-catalog/schema.ts';
import { assessed, readLabels } from './mcp-labels.ts';

export type RuleScore = {
  readonly rule: string;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  /** 1 where nothing was found. */
  readonly precision: number;
  /** 1 where there was nothing to find. */
  readonly recall: number;
  /** The labels on which the rule is wrong, as `id: found` or `id: missed`. */
  readonly wrong: readonly string[];
};

/** The catalog's publishers, as the product has them. */
export function readPublishers(): Publishers {
  return Publishers.parse(JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../native-catalog/publishers.json'), 'utf8')));
}

/** Runs every rule over every label. */
export function benchRisk(): RuleScore[] {
  const known = readPublishers();
  const answers = readLabels().map((label) => ({
    label,
    found: new Set(assess(assessed(label), known).findings.map(({ id }) => id)),
  }));
  return rules.map(({ id: rule }) => {
    const of = (wanted: boolean, got: boolean) =>
      answers
        .filter(({ label, found }) => Object.hasOwn(label.risks, rule) === wanted && found.has(rule) === got)
        .map(({ label }) => label.id);
    const truePositives = of(true, true).length;
    const [found, missed] = [of(false, true), of(true, false)];
    return {
      rule,
      truePositives,
      falsePositives: found.length,
      falseNegatives: missed.length,
      precision: truePositives + found.length === 0 ? 1 : truePositives / (truePositives + found.length),
      recall: truePositives + missed.length === 0 ? 1 : truePositives / (truePositives + missed.length),
      wrong: [...found.map((id) => `${id}: found`), ...missed.map((id) => `${id}: missed`)],
    };
  });
}
