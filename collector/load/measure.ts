/** Counts what was sent and how long it took, and says how evenly times are spread. Pure. */

export type Tally = {
  add(kind: string, ms: number, code: string | null): void;
  lines(seconds: number): string[];
  numbers(seconds: number): Numbers;
};

export type Numbers = {
  readonly sent: number;
  readonly ok: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly codes: Readonly<Record<string, number>>;
};

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Latencies of those that were answered well; everything else is counted by its code. */
export function createTally(): Tally {
  const times = new Map<string, number[]>();
  const codes = new Map<string, number>();
  let sent = 0;
  const latencies = () => [...times.values()].flat();
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    add(kind, ms, code) {
      sent++;
      if (code !== null) codes.set(code, (codes.get(code) ?? 0) + 1);
      else {
        const known = times.get(kind);
        if (known) known.push(ms);
        else times.set(kind, [ms]);
      }
    },
    numbers(seconds) {
      const all = latencies();
      return {
        sent,
        ok: all.length,
        perSecond: round(all.length / seconds),
        p50Ms: round(quantile(all, 0.5)),
        p90Ms: round(quantile(all, 0.9)),
        p99Ms: round(quantile(all, 0.99)),
        maxMs: round(quantile(all, 1)),
        codes: Object.fromEntries(codes),
      };
    },
    lines(seconds) {
      const row = (name: string, values: readonly number[]) =>
        `  ${name.padEnd(12)} ${String(values.length).padStart(8)}  ${(values.length / seconds).toFixed(1).padStart(8)}/s  p50 ${quantile(values, 0.5).toFixed(1)}  p90 ${quantile(values, 0.9).toFixed(1)}  p99 ${quantile(values, 0.99).toFixed(1)}  max ${quantile(values, 1).toFixed(1)} ms`;
      return [
        row('answered', latencies()),
        ...(times.size > 1 ? [...times].map(([kind, values]) => row(kind, values)) : []),
        ...[...codes].sort(([, a], [, b]) => b - a).map(([code, count]) => `  ${code.padEnd(24)} ${count}`),
      ];
    },
  };
}

export type Spread = {
  /** The largest distance between how these times and uniform ones add up (Kolmogorov–Smirnov): 0 is even, 1 is all at once. */
  readonly distance: number;
  /** What `distance` of as many truly uniform times exceeds once in a hundred. */
  readonly chance: number;
  /** The fullest of the buckets over their mean. */
  readonly peak: number;
};

/** How evenly `times` lie between `from` and `to`. */
export function spreadOf(times: readonly number[], from: number, to: number, buckets: number): Spread {
  const sorted = Float64Array.from(times).sort();
  const counts = new Array<number>(buckets).fill(0);
  let distance = 0;
  for (const [at, time] of sorted.entries()) {
    const share = Math.min(1, Math.max(0, (time - from) / (to - from)));
    distance = Math.max(distance, (at + 1) / sorted.length - share, share - at / sorted.length);
    const bucket = Math.min(buckets - 1, Math.floor(share * buckets));
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return { distance, chance: 1.63 / Math.sqrt(sorted.length), peak: Math.max(...counts) / (sorted.length / buckets) };
}
