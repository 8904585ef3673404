/** Which tools are running and in front, and for how long: per-day totals, never a trace of when. */
import type { ProcessObservation } from './observe/observation.ts';
import type { ProcessLook } from './observe/processes/processes.ts';

export type UsageRow = { day: string; tool: string; runS: number; frontS: number; launches: number };

/** The local calendar day, `2026-11-22`. */
export function localDay(now: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

const keyOf = ({ pid, startedAt }: { pid: number; startedAt: string }) => `${pid}:${startedAt}`;

export type Usage = {
  /** Takes a look's changes over. `identify` says which tool a process belongs to, if any. */
  apply(look: ProcessLook, identify: (process: ProcessObservation) => string | null, now: Date): void;
  /** Adds the time since the last look to every running tool, and to the one in front. */
  pass(front: string | null, now: Date): void;
  /** Every process of the last look that Muster may look at; in memory only, and with what people typed. */
  processes(): Iterable<ProcessObservation>;
  running(): readonly { readonly tool: string; readonly process: ProcessObservation }[];
  /** Hands the totals since the last time to `write`, and forgets them once it has returned. */
  flush(write: (rows: UsageRow[]) => void): void;
};

/** `longestGapMs`: time that passes without a look beyond this (the computer slept) is nobody's use; asked at each look where it may change. */
export function createUsage({ longestGapMs }: { longestGapMs: number | (() => number) }): Usage {
  const all = new Map<string, ProcessObservation>();
  const tools = new Map<string, string>();
  const totals = new Map<string, UsageRow>();
  let last: Date | null = null;
  let first = true;

  const row = (tool: string, now: Date) => {
    const day = localDay(now);
    const key = `${day}\0${tool}`;
    let total = totals.get(key);
    if (!total) {
      total = { day, tool, runS: 0, frontS: 0, launches: 0 };
      totals.set(key, total);
    }
    return total;
  };

  return {
    apply(look, identify, now) {
      for (const gone of look.gone) {
        all.delete(keyOf(gone));
        tools.delete(keyOf(gone));
      }
      const fresh: { key: string; tool: string; parent: number }[] = [];
      const take = (process: ProcessObservation) => {
        const key = keyOf(process);
        const before = tools.get(key);
        const tool = identify(process);
        all.set(key, process);
        if (tool === null) tools.delete(key);
        else tools.set(key, tool);
        if (tool !== null && tool !== before) fresh.push({ key, tool, parent: process.parent });
      };
      look.appeared.forEach(take);
      look.changed.forEach(take);
      // What ran before Muster looked was launched some other day; a tool's own children are no launches of it.
      if (!first) {
        const byPid = new Map<number, string>();
        for (const [key, tool] of tools) byPid.set(Number(key.slice(0, key.indexOf(':'))), tool);
        for (const { tool, parent } of fresh) if (byPid.get(parent) !== tool) row(tool, now).launches++;
      }
      first = false;
    },
    pass(front, now) {
      const elapsed = last ? now.getTime() - last.getTime() : 0;
      last = now;
      if (elapsed <= 0 || elapsed > (typeof longestGapMs === 'number' ? longestGapMs : longestGapMs())) return;
      for (const tool of new Set(tools.values())) row(tool, now).runS += elapsed / 1000;
      if (front !== null) row(front, now).frontS += elapsed / 1000;
    },
    processes: () => all.values(),
    running: () =>
      [...tools].flatMap(([key, tool]) => {
        const process = all.get(key);
        return process ? [{ tool, process }] : [];
      }),
    flush(write) {
      write([...totals.values()].map((total) => ({ ...total, runS: Math.round(total.runS), frontS: Math.round(total.frontS) })));
      totals.clear();
    },
  };
}
