/** Processes and the window in front on Windows: how a command line is split, how the kernel's table is read, and what is made of both. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { win32Foreground } from '../../agent/observe/foreground/win32.ts';
import { win32Processes } from '../../agent/observe/processes/win32.ts';
import { accountOf, readTable, type Win32Api, type Win32Detail, type Win32Process } from '../../agent/observe/processes/win32-api.ts';
import { splitCommandLine } from '../../agent/observe/processes/win32-command-line.ts';
import { fakeOs } from '../fakes.ts';

describe('a Windows command line', () => {
  // As documented for CommandLineToArgvW; 200,000 random lines gave the same as Wine's own.
  it.each([
    ['', []],
    ['a.exe', ['a.exe']],
    ['"C:\\Program Files\\nodejs\\node.exe" cli.js', ['C:\\Program Files\\nodejs\\node.exe', 'cli.js']],
    ['a.exe  b\t c ', ['a.exe', 'b', 'c']],
    ['a.exe "b c" d', ['a.exe', 'b c', 'd']],
    ['a.exe "b\\"c"', ['a.exe', 'b"c']],
    ['a.exe b\\\\c', ['a.exe', 'b\\\\c']],
    ['a.exe "b\\\\" c', ['a.exe', 'b\\', 'c']],
    ['a.exe b\\\\\\"c', ['a.exe', 'b\\"c']],
    ['a.exe ""', ['a.exe', '']],
    ['a.exe "a""b"', ['a.exe', 'a"b']],
    ['a.exe b"c d"e', ['a.exe', 'bc de']],
    ['"a\\" b', ['a\\', 'b']],
    ['"unclosed b', ['unclosed b']],
    [' a', ['', 'a']],
  ] as const)('%j', (line, args) => {
    expect(splitCommandLine(line)).toEqual(args);
  });

  it('gives back every argument that was quoted for it', () => {
    const quote = (argument: string) => `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
    const argument = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '\\', ' ', 'a', '\t') }));
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 5 }), (args) => {
        expect(splitCommandLine(['a.exe', ...args.map(quote)].join(' '))).toEqual(['a.exe', ...args]);
      }),
      { numRuns: 1000 },
    );
  });
});

/** A SYSTEM_PROCESS_INFORMATION table as the kernel lays it out, with `threads` bytes behind each entry. */
function table(processes: readonly Win32Process[], threads = 160): Buffer {
  const entries = processes.map(({ pid, parent, created }, index) => {
    const entry = Buffer.alloc(256 + threads);
    entry.writeUInt32LE(index === processes.length - 1 ? 0 : entry.length, 0);
    entry.writeBigUInt64LE(BigInt(created), 32);
    entry.writeBigUInt64LE(BigInt(pid), 80);
    entry.writeBigUInt64LE(BigInt(parent), 88);
    return entry;
  });
  return Buffer.concat([...entries, Buffer.alloc(512)]);
}

describe('the kernel’s table of processes', () => {
  const process = fc.record({
    pid: fc.integer({ min: 1, max: 2 ** 31 }),
    parent: fc.nat(),
    created: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
  });

  it('is read whole, without the idle process', () => {
    fc.assert(
      fc.property(fc.array(process, { minLength: 1 }), fc.integer({ min: 0, max: 64 }), (processes, threads) => {
        const idle = { pid: 0, parent: 0, created: '0' };
        expect(readTable(table([idle, ...processes], threads * 8))).toEqual(processes);
      }),
    );
  });

  it('ends the reading wherever it is cut or broken', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => void readTable(Buffer.from(bytes))));
    expect(readTable(Buffer.alloc(0))).toEqual([]);
  });
});

/** Windows as the observer is given it: a table and what each process says of itself. */
function windows(
  processes: Record<number, { parent?: number; created: string } & Partial<Win32Detail>>,
  front: { pid: number; title: string } | null = null,
) {
  const opened: number[] = [];
  const api: Win32Api = {
    list: () => Object.entries(processes).map(([pid, { parent = 4, created }]) => ({ pid: Number(pid), parent, created })),
    detail: (pid) => {
      opened.push(pid);
      const { exe = null, commandLine = null, owner = 'system' } = processes[pid] ?? {};
      return { exe, commandLine, owner };
    },
    foreground: (withTitle) => front && { pid: front.pid, title: withTitle ? front.title : null },
  };
  return { api, opened };
}
const os = fakeOs({ root: '/', platform: 'win32', user: { name: 'ada', uid: null, home: 'C:\\Users\\ada' } });
const homes = [{ home: 'C:\\Users\\ada', uid: null }];
const node = { exe: 'C:\\Program Files\\nodejs\\node.exe', owner: 'self' as const };

describe('processes on Windows', () => {
  it('tells the whole of a process, and little of one that it may not open', async () => {
    const { api } = windows({
      4: { created: '1' },
      8: { parent: 4, created: '2', ...node, commandLine: '"C:\\Program Files\\nodejs\\node.exe" -r x "D:\\a b\\cli.js" --stdio' },
      12: { parent: 8, created: '3', ...node, exe: 'C:\\Python\\python.exe', commandLine: 'python -m mcp_server_git' },
      16: { parent: 8, created: '4', ...node, commandLine: 'node server.js' },
      20: { created: '5', ...node, owner: 'other', commandLine: 'node server.js' },
    });
    const { appeared, total } = await (await win32Processes(os, homes, api)).look();
    expect(total).toBe(5);
    const nothing = { kind: 'process', bundleId: null, module: null, script: null };
    expect(appeared).toMatchObject([
      { ...nothing, pid: 4, startedAt: '1', exe: null, args: [], home: null, owner: 'system' },
      {
        ...nothing,
        pid: 8,
        parent: 4,
        exe: node.exe,
        args: [node.exe, '-r', 'x', 'D:\\a b\\cli.js', '--stdio'],
        home: 'C:\\Users\\ada',
        owner: 'self',
      },
      { ...nothing, pid: 12, module: 'mcp_server_git' },
      { ...nothing, pid: 16, args: ['node', 'server.js'] },
      { ...nothing, pid: 20, home: null, owner: 'other' },
    ]);
  });

  it('opens only what is new, and once more what gave nothing', async () => {
    const processes: Parameters<typeof windows>[0] = { 4: { created: '1', ...node, commandLine: 'node' }, 8: { created: '2' } };
    const { api, opened } = windows(processes);
    const observer = await win32Processes(os, homes, api);
    await observer.look();
    processes[8] = { created: '2', ...node, commandLine: 'node x' };
    const { appeared, changed, gone } = await observer.look();
    expect([appeared, changed.map(({ args }) => args), gone]).toEqual([[], [['node', 'x']], []]);
    await observer.look();
    expect(opened).toEqual([4, 8, 8]);
    processes[4] = { created: '9', ...node, commandLine: 'node y' };
    delete processes[8];
    const last = await observer.look();
    expect(last.appeared.map(({ pid, startedAt }) => [pid, startedAt])).toEqual([[4, '9']]);
    expect(last.gone).toEqual([
      { pid: 4, startedAt: '1' },
      { pid: 8, startedAt: '2' },
    ]);
    observer.forget();
    expect((await observer.look()).appeared.length).toBe(1);
  });

  it('knows at every look exactly the processes of the table', async () => {
    const state = fc.dictionary(fc.integer({ min: 1, max: 9 }).map(String), fc.integer({ min: 1, max: 3 }).map(String), { maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(state, { maxLength: 8 }), async (states) => {
        const processes: Record<number, { created: string }> = {};
        const observer = await win32Processes(os, homes, windows(processes).api);
        const running = new Set<string>();
        for (const now of states) {
          for (const pid of Object.keys(processes)) delete processes[Number(pid)];
          for (const [pid, created] of Object.entries(now)) processes[Number(pid)] = { created };
          const { appeared, gone, total } = await observer.look();
          for (const { pid, startedAt } of gone) expect(running.delete(`${pid}@${startedAt}`)).toBe(true);
          for (const { pid, startedAt } of appeared) running.add(`${pid}@${startedAt}`);
          expect([...running].sort()).toEqual(
            Object.entries(now)
              .map(([pid, created]) => `${pid}@${created}`)
              .sort(),
          );
          expect(total).toBe(running.size);
        }
      }),
    );
  });
});

it('tells people from the system by the security identifier', () => {
  const ada = '010500000000000515000000aabbccddaabbccddaabbccdde9030000';
  expect(accountOf(ada, ada)).toBe('self');
  expect(accountOf(ada.replace('e903', 'ea03'), ada)).toBe('other');
  expect(accountOf('010500000000000c01000000aabbccddaabbccddaabbccddaabbccdd', ada)).toBe('other');
  // LocalSystem (S-1-5-18), a service's own account (S-1-5-80-…), and one that Windows doesn't tell.
  expect(accountOf('010100000000000512000000', ada)).toBe('system');
  expect(accountOf('010600000000000550000000aabbccddaabbccddaabbccddaabbccddaabbccdd', ada)).toBe('system');
  expect(accountOf(null, null)).toBe('system');
});

describe('the window in front on Windows', () => {
  const exe = 'C:\\Users\\ada\\AppData\\Local\\Claude\\claude.exe';
  it('names its program, and its title only where that may be matched', async () => {
    const { api } = windows({ 8: { created: '1', exe } }, { pid: 8, title: 'Private words' });
    const window = { kind: 'window', pid: 8, exe, bundleId: null, appName: 'claude.exe' };
    expect(await (await win32Foreground(true, api)).look()).toEqual({ ...window, title: 'Private words' });
    expect(await (await win32Foreground(false, api)).look()).toEqual({ ...window, title: null });
  });

  it('is none on a locked screen', async () => {
    expect(await (await win32Foreground(true, windows({}).api)).look()).toBeNull();
  });
});
