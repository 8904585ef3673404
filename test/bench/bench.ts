/** What a row of the bench is, and the scope it works in: whatever it starts there ends with it, also when the bench is interrupted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CapabilityId } from '../../build/capabilities.mjs';

/** One line of the table. `met` is null where there is no bar to hold it against; `numbers` go into the JSON. */
export type Figure = {
  readonly what: string;
  readonly measured: string;
  readonly bar: string | null;
  readonly met: boolean | null;
  readonly numbers: Readonly<Record<string, number | string | boolean>>;
};

export type Row = {
  readonly id: string;
  readonly about: string;
  /** What the machine must have; without it the row says so and is not measured. */
  readonly needs: readonly CapabilityId[];
  /** After this the row is ended and counts as missed. */
  readonly limitS: { readonly short: number; readonly long: number };
  run(bench: Bench): Promise<readonly Figure[]>;
};

export type Bench = {
  readonly signal: AbortSignal;
  /** The full length of what takes minutes. */
  readonly long: boolean;
  /** The bundled executable, in a folder of this run's own: nobody else maps its file or replaces it meanwhile. */
  readonly muster: string;
  say(line: string): void;
  /** A new empty folder that goes with the row. */
  folder(name: string): string;
  /**
   * A program in a process group of its own, which is killed with the row. Its standard input is a pipe that stays open; its outputs are pipes that
   * somebody must read, or, when `quiet`, go nowhere: a program with a full pipe stands still, and with a display in its hand so does all of it.
   */
  start(command: readonly string[], env: NodeJS.ProcessEnv, options?: { quiet?: boolean }): ChildProcess;
  /** Called when the row ends, last first. */
  defer(end: () => void): void;
  /** Resolves after `ms`; rejects when the row is ended. */
  wait(ms: number): Promise<void>;
};

export function openBench(options: {
  muster: string;
  long: boolean;
  signal: AbortSignal;
  say(line: string): void;
}): Bench & { end(): void } {
  const { signal } = options;
  const ends: (() => void)[] = [];
  const defer = (end: () => void) => void ends.push(end);
  return {
    ...options,
    defer,
    folder(name) {
      const folder = mkdtempSync(path.join(tmpdir(), `${name}-`));
      defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
      mkdirSync(folder, { recursive: true });
      return folder;
    },
    start([file = '', ...args], env, { quiet = false } = {}) {
      const out = quiet ? 'ignore' : 'pipe';
      const child = spawn(file, args, { env, detached: true, stdio: ['pipe', out, out] });
      child.stdin?.on('error', () => {});
      child.on('error', () => {});
      const { pid } = child;
      if (pid !== undefined) defer(() => endGroup(pid));
      return child;
    },
    wait: (ms) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const timer = setTimeout(() => {
          signal.removeEventListener('abort', stop);
          resolve();
        }, ms);
        const stop = () => {
          clearTimeout(timer);
          reject(signal.reason);
        };
        signal.addEventListener('abort', stop, { once: true });
      }),
    end() {
      for (const end of ends.splice(0).reverse()) end();
    },
  };
}

/** Ends a process and all of its group; one that has ended already is fine. */
export function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The value below which `share` (0 to 1) of the values lie; NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** `12.3 ms`: as many digits as say something. */
export function text(value: number, unit: string): string {
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${unit}`;
}

const STEPS = [25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000];

/** How latencies spread: four quantiles for the table, and how many of them lie in each step for the JSON. */
export function spread(values: readonly number[]): { readonly words: string; readonly numbers: Readonly<Record<string, number>> } {
  const [p50, p90, p99, worst] = [0.5, 0.9, 0.99, 1].map((share) => quantile(values, share)) as [number, number, number, number];
  const steps = [...STEPS, Number.POSITIVE_INFINITY].map((to, at) => {
    const from = STEPS[at - 1] ?? 0;
    return [
      to === Number.POSITIVE_INFINITY ? `over${from}Ms` : `upTo${to}Ms`,
      values.filter((ms) => ms > from && ms <= to).length,
    ] as const;
  });
  return {
    words: `p99 of ${values.length}: ${text(p99, 'ms')} (p50 ${text(p50, 'ms')}, p90 ${text(p90, 'ms')}, max ${text(worst, 'ms')})`,
    numbers: { count: values.length, p50Ms: p50, p90Ms: p90, p99Ms: p99, maxMs: worst, ...Object.fromEntries(steps) },
  };
}
