/** How findings add up to a score: one formula, for servers and for tools. Pure. */
import type { Finding, Risk, Severity } from '../../electron/contract.ts';

/** From mild to bad. */
const severities: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

const floors: Readonly<Record<Severity, number>> = { low: 10, medium: 33, high: 64, critical: 92 };
const ceilings: Readonly<Record<Severity, number>> = { low: 29, medium: 59, high: 89, critical: 100 };
const weights: Readonly<Record<Severity, number>> = { low: 1, medium: 3, high: 6, critical: 8 };

/**
 * The score of a set of findings, 0–100, higher is worse: the floor of the worst severity (low 10, medium 33, high 64, critical 92), plus for each further
 * finding its weight (1, 3, 6, 8), never past the worst one's band (29, 59, 89, 100). So the worst finding alone decides the level, more findings raise
 * the score within it, and the order in which they are found means nothing.
 */
export function scoreOf(found: readonly Severity[]): { score: number; level: Risk['level'] } {
  const worst = severities.findLast((severity) => found.includes(severity));
  if (!worst) return { score: 0, level: 'none' };
  const sum = found.reduce((total, severity) => total + weights[severity], 0) - weights[worst];
  return { score: Math.min(ceilings[worst], floors[worst] + sum), level: worst };
}

/**
 * Findings as they are shown and what they add up to: each one once, worst first, with its share of the score. The first of the worst brings its
 * floor, every other its weight. The same for any order and for any number of repetitions.
 */
export function riskOf(found: readonly Omit<Finding, 'points'>[]): Risk {
  const once = new Map(found.map((finding) => [`${finding.id}\0${finding.severity}\0${finding.message}`, finding]));
  const sorted = [...once.values()].sort(byWorst);
  return {
    ...scoreOf(sorted.map(({ severity }) => severity)),
    findings: sorted.map((finding, at): Finding => ({ ...finding, points: (at === 0 ? floors : weights)[finding.severity] })),
  };
}

/** Worst first, then by id and message. */
function byWorst(a: Pick<Finding, 'id' | 'severity' | 'message'>, b: Pick<Finding, 'id' | 'severity' | 'message'>): number {
  const [mine, theirs] = [`${a.id}\0${a.message}`, `${b.id}\0${b.message}`];
  return severities.indexOf(b.severity) - severities.indexOf(a.severity) || (mine < theirs ? -1 : mine > theirs ? 1 : 0);
}
