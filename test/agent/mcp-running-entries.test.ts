/** Which entries run is kept from look to look, and follows what starts, ends and changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRunningEntries, launches } from '../../agent/mcp/running.ts';
import type { ProcessObservation } from '../../agent/observe/observation.ts';

describe('which entries run, from look to look', () => {
  const process = (pid: number, ...args: string[]): ProcessObservation => ({
    ...{
      kind: 'process',
      pid,
      parent: 1,
      startedAt: String(pid),
      exe: '/usr/bin/node',
      args,
      module: null,
      bundleId: null,
      home: '/home/ada',
      owner: 'self',
    },
    script: args[1] ?? null,
  });
  const entry = (id: string, ...args: string[]) => ({ id, command: 'node', args, url: null });

  test('one that starts, one that ends, one of two, and entries that change', () => {
    const running = createRunningEntries();
    const [a, b] = [process(1, 'node', '/srv/a.js'), process(2, 'node', '/srv/b.js')];
    running.set([entry('a', '/srv/a.js'), entry('b', '/srv/b.js'), entry('a2', '/srv/a.js')], [a]);
    expect(running.ids()).toEqual(['a', 'a2']);
    running.apply({ appeared: [b], gone: [] });
    expect(running.ids()).toEqual(['a', 'a2', 'b']);
    running.apply({ appeared: [process(3, 'node', '/srv/a.js')], gone: [a] });
    expect(running.ids()).toEqual(['a', 'a2', 'b']);
    running.apply({
      appeared: [],
      gone: [
        { pid: 3, startedAt: '3' },
        { pid: 2, startedAt: 'another' },
      ],
    });
    expect(running.ids()).toEqual(['b']);
    running.set([entry('c', '/srv/b.js')], [b]);
    expect(running.ids()).toEqual(['c']);
  });

  test('law: after any changes it says what a fresh look would', () => {
    const files = ['/srv/a.js', '/srv/b.js', '/srv/c.js'];
    const step = fc.oneof(
      fc.record({ set: fc.uniqueArray(fc.tuple(fc.nat(5), fc.constantFrom(...files)), { selector: ([id]) => id, maxLength: 30 }) }),
      fc.record({ appeared: fc.tuple(fc.nat(4), fc.constantFrom(...files)) }),
      fc.record({ gone: fc.nat(4) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const running = createRunningEntries();
        const live = new Map<number, ProcessObservation>();
        let entries: ReturnType<typeof entry>[] = [];
        for (const each of steps) {
          if ('set' in each) {
            entries = each.set.map(([id, file]) => entry(String(id), file));
            running.set(entries, live.values());
          } else if ('appeared' in each) {
            const [pid, file] = each.appeared;
            const seen = process(pid, 'node', file);
            live.set(pid, seen);
            running.apply({ appeared: [seen], gone: [] });
          } else {
            live.delete(each.gone);
            running.apply({ appeared: [], gone: [process(each.gone)] });
          }
          const fresh = entries.filter((one) => [...live.values()].some((seen) => launches(one, seen)));
          expect(running.ids()).toEqual(fresh.map(({ id }) => id).sort());
        }
      }),
    );
  });

  test('a process that executes something else is no longer its entry', () => {
    const running = createRunningEntries();
    running.set([entry('a', '/srv/a.js')], [process(1, 'node', '/srv/a.js')]);
    running.apply({ appeared: [process(1, 'node', '/srv/other.js')], gone: [] });
    expect(running.ids()).toEqual([]);
  });
});
