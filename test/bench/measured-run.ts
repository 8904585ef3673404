/**
 * Runs a command again and again and prints what each run cost, as JSON: `node measured-run.ts '{"command":[…],"runs":10}'`; `{run}` in an
 * argument becomes the number of the run.
 *
 * A program of its own, because the system tells the peak memory and the processor time of children only in sum over all that were waited for.
 */
import { spawnSync } from 'node:child_process';
import koffi from 'koffi';

export type MeasuredRuns = {
  /** From exec to exit, in ms, one a run. */
  readonly wallMs: readonly number[];
  readonly cpuMs: readonly number[];
  /** Of the largest run. */
  readonly peakMb: number;
  /** Of the last run. */
  readonly stdout: string;
};

/** RUSAGE_CHILDREN of getrusage(2); the structure is two `timeval`s, then `ru_maxrss` in KiB (Linux), all 64-bit. */
const children = -1;
const getrusage = koffi.load('libc.so.6').func('int getrusage(int who, void *usage)');

function usage(): { cpuMs: number; peakMb: number } {
  const bytes = Buffer.alloc(144);
  getrusage(children, bytes);
  const field = (at: number) => Number(bytes.readBigInt64LE(at * 8));
  return { cpuMs: (field(0) + field(2)) * 1000 + (field(1) + field(3)) / 1000, peakMb: field(4) / 1024 };
}

const { command, runs } = JSON.parse(process.argv[2] ?? '{}') as { command: string[]; runs: number };
const wallMs: number[] = [];
const cpuMs: number[] = [];
let stdout = '';
for (let run = 0; run < runs; run++) {
  const [file = '', ...args] = command.map((part) => part.replaceAll('{run}', String(run)));
  const [before, began] = [usage(), performance.now()];
  const ran = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 30_000, killSignal: 'SIGKILL' });
  wallMs.push(performance.now() - began);
  cpuMs.push(usage().cpuMs - before.cpuMs);
  if (ran.status !== 0) throw new Error(`${file} ended with ${ran.status ?? ran.signal}: ${ran.stderr.slice(-500)}`);
  stdout = ran.stdout;
}
process.stdout.write(JSON.stringify({ wallMs, cpuMs, peakMb: usage().peakMb, stdout } satisfies MeasuredRuns));
