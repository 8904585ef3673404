/** Measures one poll of the process table with nothing new against one call of ps-list, both at about 1,000 processes and in one run. */
import { realOs } from '../../agent/observe/os.ts';
import { createProcessObserver } from '../../agent/observe/processes/processes.ts';
import type { Bench } from './bench.ts';
import { crowd } from './crowd.ts';
import { cpuMs } from './proc.ts';

type Cost = { readonly cpu: number; readonly wall: number };

const wanted = 1000;
/** The kernel counts processor time of children in steps of 10 ms, so several calls are measured together. */
const rounds = 10;

/**
 * Milliseconds of processor and wall time for one poll and one ps-list call (its child's time counted in), and how many times cheaper the
 * poll's processor time is. `processes` is how many there were. Linux only. Idle processes are started up to 1,000 and ended with the row.
 */
export async function benchPoll(bench: Bench): Promise<{ processes: number; oursMs: Cost; psListMs: Cost; ratio: number }> {
  const observer = await createProcessObserver(realOs(), { homes: [{ home: '/root', uid: 0 }] });
  const { default: psList } = await import('ps-list');
  await crowd(bench, wanted);
  // The first look reads what is new, the second reads it once more; and an agent has long run its code often enough to be compiled.
  for (let look = 0; look < 20; look++) await observer.look();
  await psList();
  let ours: Cost = { cpu: 0, wall: 0 };
  let theirs: Cost = { cpu: 0, wall: 0 };
  let processes = 0;
  for (let round = 0; round < rounds; round++) {
    bench.signal.throwIfAborted();
    const poll = async () => {
      const { total } = await observer.look();
      processes = total;
    };
    ours = add(ours, await own(poll));
    theirs = add(theirs, await withChildren(async () => void (await psList())));
  }
  const oursMs = { cpu: ours.cpu / rounds, wall: ours.wall / rounds };
  const psListMs = { cpu: theirs.cpu / rounds, wall: theirs.wall / rounds };
  return { processes, oursMs, psListMs, ratio: psListMs.cpu / oursMs.cpu };
}

async function own(work: () => Promise<void>): Promise<Cost> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall: performance.now() - wall };
}

async function withChildren(work: () => Promise<void>): Promise<Cost> {
  const before = cpuMs('self').children;
  const { cpu, wall } = await own(work);
  return { cpu: cpu + cpuMs('self').children - before, wall };
}

const add = (a: Cost, b: Cost): Cost => ({ cpu: a.cpu + b.cpu, wall: a.wall + b.wall });
