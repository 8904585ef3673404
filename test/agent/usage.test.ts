/** Use is counted as totals a day: seconds running, seconds in front, launches; never more than the time that passed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProcessObservation } from '../../agent/observe/observation.ts';
import { createUsage, localDay, type UsageRow } from '../../agent/usage.ts';

const MINUTE = 60_000;
const at = (ms: number) => new Date(Date.parse('2026-11-22T10:00:00Z') + ms);
const proc = (pid: number, exe: string, parent = 1): ProcessObservation => ({
  kind: 'process',
  pid,
  parent,
  startedAt: `s${pid}`,
  exe,
  args: [exe],
  script: null,
  module: null,
  bundleId: null,
  home: null,
  owner: 'self',
});
const toolOf = (process: ProcessObservation) => (process.exe?.startsWith('/tool/') ? process.exe.slice(6) : null);
const look = (appeared: ProcessObservation[], gone: ProcessObservation[] = []) => ({ appeared, changed: [], gone, total: 0 });
const rowsOf = (usage: ReturnType<typeof createUsage>) => {
  let rows: UsageRow[] = [];
  usage.flush((all) => {
    rows = all;
  });
  return rows;
};

describe('use of tools', () => {
  it('counts the time between looks for what runs and for what is in front', () => {
    const usage = createUsage({ longestGapMs: MINUTE });
    usage.apply(look([proc(1, '/tool/a'), proc(2, '/bin/ls')]), toolOf, at(0));
    usage.pass(null, at(0));
    usage.pass('a', at(15_000));
    usage.pass(null, at(30_000));
    expect(rowsOf(usage)).toEqual([{ day: localDay(at(0)), tool: 'a', runS: 30, frontS: 15, launches: 0 }]);
  });

  it('counts a launch for a new process, and none for a child of the same tool or for what ran before', () => {
    const usage = createUsage({ longestGapMs: MINUTE });
    usage.apply(look([proc(1, '/tool/a')]), toolOf, at(0));
    usage.apply(look([proc(10, '/tool/b'), proc(11, '/tool/b', 10), proc(12, '/tool/a', 1), proc(13, '/tool/a', 99)]), toolOf, at(1000));
    expect(rowsOf(usage).map(({ tool, launches }) => [tool, launches])).toEqual([
      ['b', 1],
      ['a', 1],
    ]);
  });

  it('takes a sleeping computer for no use', () => {
    const usage = createUsage({ longestGapMs: MINUTE });
    usage.apply(look([proc(1, '/tool/a')]), toolOf, at(0));
    usage.pass('a', at(0));
    usage.pass('a', at(8 * 60 * MINUTE));
    expect(rowsOf(usage)).toEqual([]);
  });

  it('keeps the totals when they could not be written', () => {
    const usage = createUsage({ longestGapMs: MINUTE });
    usage.apply(look([proc(1, '/tool/a')]), toolOf, at(0));
    usage.pass(null, at(0));
    usage.pass(null, at(20_000));
    expect(() =>
      usage.flush(() => {
        throw new Error('disk full');
      }),
    ).toThrow('disk full');
    expect(rowsOf(usage)[0]?.runS).toBe(20);
  });

  it('never counts more than the time that passed, whatever comes and goes', () => {
    const step = fc.record({
      ms: fc.integer({ min: 0, max: 2 * MINUTE }),
      pid: fc.integer({ min: 1, max: 5 }),
      tool: fc.constantFrom('/tool/a', '/tool/b', '/bin/ls'),
      gone: fc.boolean(),
      front: fc.constantFrom('a', 'b', null),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const usage = createUsage({ longestGapMs: MINUTE });
        let now = 0;
        usage.pass(null, at(now));
        for (const { ms, pid, tool, gone, front } of steps) {
          now += ms;
          const process = proc(pid, tool);
          usage.apply(gone ? look([], [process]) : look([process]), toolOf, at(now));
          usage.pass(front, at(now));
        }
        const totals = Map.groupBy(rowsOf(usage), ({ tool }) => tool);
        for (const rows of totals.values()) {
          expect(rows.reduce((sum, { runS }) => sum + runS, 0)).toBeLessThanOrEqual(now / 1000 + rows.length);
          expect(rows.reduce((sum, { frontS }) => sum + frontS, 0)).toBeLessThanOrEqual(now / 1000 + rows.length);
        }
      }),
    );
  });
});
