/** Measures one poll of the process table with nothing new against one call of ps-list, both at about 1,000 processes and in one run. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { realOs } from '../../agent/observe/os.ts';
import { createProcessObserver } from '../../agent/observe/processes/processes.ts';

type Cost = { readonly cpu: number; readonly wall: number };

const wanted = 1000;
const rounds = 10;
/** The kernel counts processor time in these steps for children, so several calls are measured together. */
const msPerTick = 10;

/**
 * Milliseconds of processor and wall time for one poll and one ps-list call (its child's time counted in), and how many times cheaper the
 * poll's processor time is. `processes` is how many there were. Linux only. Idle processes are started up to 1,000 and ended afterwards.
 */
export async function benchPoll(): Promise<{ processes: number; oursMs: Cost; psListMs: Cost; ratio: number }> {
  const observer = await createProcessObserver(realOs(), { homes: [{ home: '/root', uid: 0 }] });
  const { default: psList } = await import('ps-list');
  // What is there is counted by the observer: /proc also lists the dead that nobody has waited for yet.
  const idle = await startIdle(wanted - (await observer.look()).total);
  try {
    // The first look reads what is new, the second reads it once more; and an agent has long run its code often enough to be compiled.
    for (let look = 0; look < 20; look++) await observer.look();
    await psList();
    let ours: Cost = { cpu: 0, wall: 0 };
    let theirs: Cost = { cpu: 0, wall: 0 };
    let processes = 0;
    for (let round = 0; round < rounds; round++) {
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
  } finally {
    idle.end();
  }
}

/** One shell starts them and becomes one of them, the leader of their process group, so that all can be ended together. They end by themselves after ten minutes. */
async function startIdle(count: number): Promise<{ end(): void }> {
  const script = 'i=0; while [ $i -lt "$0" ]; do sleep 600 & i=$((i+1)); done; echo ready; exec sleep 600';
  const shell = spawn('/bin/sh', ['-c', script, String(Math.max(0, count))], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  await new Promise((resolve, reject) => {
    shell.once('error', reject);
    shell.once('exit', () => reject(new Error(`/bin/sh could not start ${count} processes; raise the limit of processes (ulimit -u).`)));
    shell.stdout.once('data', resolve);
  });
  return {
    end() {
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGKILL');
    },
  };
}

async function own(work: () => Promise<void>): Promise<Cost> {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: (user + system) / 1000, wall: performance.now() - wall };
}

async function withChildren(work: () => Promise<void>): Promise<Cost> {
  const before = childrenMs();
  const { cpu, wall } = await own(work);
  return { cpu: cpu + childrenMs() - before, wall };
}

/** Processor time of the children that have ended and been waited for: cutime and cstime of proc_pid_stat(5). */
function childrenMs(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * msPerTick;
}

const add = (a: Cost, b: Cost): Cost => ({ cpu: a.cpu + b.cpu, wall: a.wall + b.wall });
