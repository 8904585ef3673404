/** Which entries run is kept from look to look, and follows what starts, ends and changes. */
import { describe, expect, test } from 'vitest';
import { createRunningEntries } from '../../agent/mcp/running.ts';
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

  test('a process that executes something else is no longer its entry', () => {
    const running = createRunningEntries();
    running.set([entry('a', '/srv/a.js')], [process(1, 'node', '/srv/a.js')]);
    running.apply({ appeared: [process(1, 'node', '/srv/other.js')], gone: [] });
    expect(running.ids()).toEqual([]);
  });
});
