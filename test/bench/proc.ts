/** Reads from /proc what processes cost: processor time, resident and proportional memory, of one or of a whole tree. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel gives processor time in steps of this many milliseconds. */
export const msPerTick = 10;

/** Ticks of all processors since the machine started, and how many of them the host gave to its other guests while this one had work to do. */
export function machineTicks(): { readonly all: number; readonly stolen: number } {
  const [, ...fields] = (/^cpu .*$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[0] ?? '').split(/ +/).map(Number);
  // What runs in guests of this machine is in the first two already.
  const ticks = fields.slice(0, 8);
  return { all: ticks.reduce((sum, each) => sum + each, 0), stolen: ticks[7] ?? 0 };
}

/** From /proc/<pid>/stat, without the two fields before its state; null where the process has ended. */
function stat(pid: number | 'self'): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Milliseconds of processor time of the process's own threads, and of its children that have ended and been waited for. */
export function cpuMs(pid: number | 'self'): { own: number; children: number } {
  const fields = stat(pid) ?? [];
  const ticks = (at: number) => Number(fields[at] ?? 0) * msPerTick;
  return { own: ticks(11) + ticks(12), children: ticks(13) + ticks(14) };
}

/** `pid` and everything that it started: its descendants, and whoever shares its session. */
export function tree(pid: number): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), fields: stat(Number(name)) }));
  const found = new Set([pid, ...all.filter(({ fields }) => Number(fields?.[3]) === pid).map((each) => each.pid)]);
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const each of all) if (found.has(Number(each.fields?.[1]))) found.add(each.pid);
  }
  return [...found];
}

function kilobytes(pid: number, file: string, field: string): number {
  try {
    const line = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'latin1'));
    return Number(line?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Megabytes (of 1024 × 1024 bytes) of memory that the process holds; its children's are their own. */
export const rssMb = (pid: number): number => kilobytes(pid, 'status', 'VmRSS') / 1024;
export const peakRssMb = (pid: number): number => kilobytes(pid, 'status', 'VmHWM') / 1024;
/** Each page divided by how many processes share it, so that a sum over processes counts it once. */
export const pssMb = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + kilobytes(pid, 'smaps_rollup', 'Pss'), 0) / 1024;

/** Bytes that the process has handed to the file system. */
export function writtenBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/io`, 'latin1');
  return Number(/^wchar: (\d+)/m.exec(text)?.[1] ?? 0);
}
