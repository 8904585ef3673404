/** Fills the machine with idle processes, so that a figure is one of a machine with as many as it says. Linux only. */
import { realOs } from '../../agent/observe/os.ts';
import { createProcessObserver } from '../../agent/observe/processes/processes.ts';
import type { Bench } from './bench.ts';

/** How many processes there are, as the product counts them: /proc also lists the kernel's own and the dead that nobody has waited for. */
export async function countProcesses(): Promise<number> {
  const observer = await createProcessObserver(realOs(), { homes: [] });
  return (await observer.look()).total;
}

/** Starts idle processes until there are `total` on the machine; resolves with how many there are then. They go with the row, or after an hour. */
export async function crowd(bench: Bench, total: number): Promise<number> {
  const missing = total - (await countProcesses());
  // One shell starts them and becomes one of them, the leader of their group.
  const script = 'i=1; while [ $i -lt "$0" ]; do sleep 3600 & i=$((i+1)); done; echo ready; exec sleep 3600';
  if (missing > 0) {
    const shell = bench.start(['/bin/sh', '-c', script, String(missing)], { PATH: process.env['PATH'] });
    await new Promise((resolve, reject) => {
      shell.once('exit', () =>
        reject(new Error(`/bin/sh could not start ${missing} processes; raise the limit of processes (ulimit -u).`)),
      );
      shell.stdout?.once('data', resolve);
    });
  }
  return countProcesses();
}
