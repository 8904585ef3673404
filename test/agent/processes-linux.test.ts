/** The reader of /proc: laws over a process table made of files, and the real one with real processes that appear, execute again, rename themselves and end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { ProcessObservation } from '../../agent/observe/observation.ts';
import { realOs } from '../../agent/observe/os.ts';
import { parseStat, splitCommandLine } from '../../agent/observe/processes/linux.ts';
import { createProcessObserver, type ProcessLook } from '../../agent/observe/processes/processes.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';

const scratch = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'muster-processes-')));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

type Row = {
  pid: number;
  start: number;
  parent?: number;
  args?: readonly string[];
  exe?: string;
  cwd?: string;
  state?: string;
  flags?: number;
  /** Another program in the same process has another. */
  image?: number;
  uid?: number;
};

let tables = 0;
/** A /proc of files. A process is written aside and moved in, so that its folder has an inode of its own, as the kernel's have. */
function processTable(): { root: string; put(row: Row): void; overwrite(row: Row): void; remove(pid: number): void } {
  const root = path.join(scratch, `table-${tables++}`);
  fs.mkdirSync(path.join(root, 'proc', 'sys'), { recursive: true });
  fs.writeFileSync(path.join(root, 'proc', 'loadavg'), '0 0 0 1/1 1');
  const folder = (pid: number) => path.join(root, 'proc', String(pid));
  const stat = ({ pid, start, parent = 1, state = 'S', flags = 0, image = 1 }: Row) => {
    const fields = Array.from({ length: 52 }, () => '0');
    Object.assign(fields, {
      0: String(pid),
      1: '(a ) b\n()',
      2: state,
      3: String(parent),
      8: String(flags),
      21: String(start),
      27: String(image),
    });
    return fields.join(' ');
  };
  const write = (to: string, row: Row) => {
    fs.writeFileSync(path.join(to, 'stat'), stat(row));
    fs.writeFileSync(path.join(to, 'cmdline'), (row.args ?? []).map((argument) => `${argument}\0`).join(''));
  };
  return {
    root,
    put(row) {
      const aside = path.join(root, `new-${row.pid}`);
      fs.mkdirSync(aside);
      write(aside, row);
      fs.writeFileSync(path.join(aside, 'status'), `Name:\tx\nUid:\t${row.uid ?? 1000}\t0\t0\t0\n`);
      if (row.exe) fs.symlinkSync(row.exe, path.join(aside, 'exe'));
      if (row.cwd) fs.symlinkSync(row.cwd, path.join(aside, 'cwd'));
      // Moved aside before it is removed: while it is still there, the new folder can't be given its inode.
      const old = path.join(root, 'old');
      if (fs.existsSync(folder(row.pid))) fs.renameSync(folder(row.pid), old);
      fs.renameSync(aside, folder(row.pid));
      fs.rmSync(old, { recursive: true, force: true });
    },
    overwrite: (row) => write(folder(row.pid), row),
    remove: (pid) => fs.rmSync(folder(pid), { recursive: true }),
  };
}

/** As root the status file is asked whose a process is; else the owner of its folder is, who is whoever runs the tests. */
const isRoot = process.getuid?.() === 0;
const ada = { home: '/home/ada', uid: isRoot ? 1000 : (process.getuid?.() ?? 1000) };
const observe = (root: string) => createProcessObserver(fakeOs({ root }), { homes: [ada, { home: '/home/second', uid: ada.uid }] });

describe('a process table of files', () => {
  it('tells the whole of a process', async () => {
    const table = processTable();
    const work = path.join(scratch, 'work');
    fs.mkdirSync(path.join(work, 'lib'), { recursive: true });
    fs.writeFileSync(path.join(work, 'lib/cli.js'), '');
    fs.symlinkSync('lib/cli.js', path.join(work, 'gemini'));
    table.put({ pid: 7, start: 70, parent: 3, exe: '/usr/bin/node', args: ['node', '-r', './x.js', 'gemini', '', '--debug'], cwd: work });
    expect(await (await observe(table.root)).look()).toEqual({
      appeared: [
        {
          kind: 'process',
          pid: 7,
          parent: 3,
          startedAt: '70',
          exe: '/usr/bin/node',
          args: ['node', '-r', './x.js', 'gemini', '', '--debug'],
          script: path.join(work, 'lib/cli.js'),
          module: null,
          bundleId: null,
          home: '/home/ada',
          owner: 'self',
        },
      ],
      changed: [],
      gone: [],
      total: 1,
    } satisfies ProcessLook);
  });

  it('leaves a script that it cannot resolve absolute, and one in no folder or behind a descriptor unknown', async () => {
    const table = processTable();
    table.put({ pid: 1, start: 1, exe: '/usr/bin/node', args: ['node', '../gone.js'], cwd: '/nowhere/at/all' });
    table.put({ pid: 2, start: 1, exe: '/usr/bin/node', args: ['node', 'gone.js'] });
    table.put({ pid: 3, start: 1, exe: '/usr/bin/bash', args: ['bash', '/dev/fd/63'], cwd: '/' });
    table.put({ pid: 4, start: 1, exe: '/usr/bin/python3.11', args: ['python', '-m', 'aider'], cwd: '/' });
    table.put({ pid: 5, start: 1, exe: '/usr/bin/node', args: ['node', 'loop/x.js'], cwd: scratch });
    fs.symlinkSync('loop', path.join(scratch, 'loop'));
    const { appeared } = await (await observe(table.root)).look();
    expect(appeared.map(({ script, module }) => script ?? module)).toEqual([
      '/nowhere/at/gone.js',
      null,
      null,
      'aider',
      `${scratch}/loop/x.js`,
    ]);
  });

  it('drops the mark of a replaced file, and keeps a name that really ends so', async () => {
    const table = processTable();
    const odd = path.join(scratch, 'odd (deleted)');
    fs.writeFileSync(odd, '');
    table.put({ pid: 1, start: 1, exe: '/opt/claude/claude (deleted)', args: ['claude'] });
    table.put({ pid: 2, start: 1, exe: odd, args: ['odd'] });
    const { appeared } = await (await observe(table.root)).look();
    expect(appeared.map(({ exe }) => exe)).toEqual(['/opt/claude/claude', odd]);
  });

  it('counts neither the kernel’s threads nor the dead', async () => {
    const table = processTable();
    table.put({ pid: 1, start: 1, args: ['init'] });
    table.put({ pid: 2, start: 1, flags: 0x0020_8040 });
    table.put({ pid: 3, start: 1, state: 'Z' });
    const observer = await observe(table.root);
    expect(await observer.look()).toMatchObject({ appeared: [{ pid: 1, exe: null }], total: 1 });
    table.remove(2);
    table.put({ pid: 3, start: 2, state: 'Z' });
    expect(await observer.look()).toEqual({ appeared: [], changed: [], gone: [], total: 1 });
    table.overwrite({ pid: 1, start: 1, state: 'Z' });
    for (let look = 0; look < 16; look++) {
      const { gone } = await observer.look();
      if (gone.length > 0) return expect(gone).toEqual([{ pid: 1, startedAt: '1' }]);
    }
    expect.unreachable('a dead process was never noticed');
  });

  it('notices a reused pid at the next look', async () => {
    const table = processTable();
    table.put({ pid: 9, start: 1, args: ['old'] });
    const observer = await observe(table.root);
    for (let look = 0; look < 5; look++) await observer.look();
    table.put({ pid: 9, start: 2, args: ['new'] });
    const look = await observer.look();
    expect([look.gone, look.appeared.map(({ args }) => args), look.changed]).toEqual([[{ pid: 9, startedAt: '1' }], [['new']], []]);
  });

  it('does not take a new folder for a new process: the start decides', async () => {
    const table = processTable();
    table.put({ pid: 9, start: 1, args: ['same'] });
    const observer = await observe(table.root);
    await observer.look();
    await observer.look();
    table.put({ pid: 9, start: 1, args: ['same'] });
    expect(await observer.look()).toEqual({ appeared: [], changed: [], gone: [], total: 1 });
  });

  it('begins again after forget', async () => {
    const table = processTable();
    table.put({ pid: 9, start: 1, args: ['x'] });
    const observer = await observe(table.root);
    await observer.look();
    observer.forget();
    expect((await observer.look()).appeared.length).toBe(1);
  });

  it('says which process list it cannot read, and goes on when it can', async () => {
    const table = processTable();
    table.put({ pid: 9, start: 1, args: ['x'] });
    const observer = await observe(table.root);
    await observer.look();
    fs.renameSync(path.join(table.root, 'proc'), path.join(table.root, 'away'));
    await expect(observer.look()).rejects.toThrow(
      `The process list can't be read at ${table.root}/proc (ENOENT); mount the proc file system there.`,
    );
    fs.renameSync(path.join(table.root, 'away'), path.join(table.root, 'proc'));
    expect(await observer.look()).toEqual({ appeared: [], changed: [], gone: [], total: 1 });
  });

  it('takes the home and the owner from the user of the process', async () => {
    const table = processTable();
    for (const [index, uid] of [1000, 0, 998, 65_534, 61_184, 1001, 100_000].entries()) table.put({ pid: index + 1, start: 1, uid });
    const { appeared } = await (await observe(table.root)).look();
    const others = isRoot ? ['system', 'system', 'system', 'system', 'other', 'other'].map((owner) => [null, owner]) : [];
    const mine = ['/home/ada', 'self'];
    expect(appeared.map(({ home, owner }) => [home, owner])).toEqual(isRoot ? [mine, ...others] : Array(7).fill(mine));
  });

  it('knows at every look exactly the processes of the table, and after sixteen quiet ones what each executes', async () => {
    const state = fc.dictionary(
      fc.integer({ min: 1, max: 9 }).map(String),
      fc.record({ start: fc.integer({ min: 1, max: 3 }), image: fc.integer({ min: 1, max: 3 }) }),
      { maxKeys: 6 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 8 }), async (states) => {
        const table = processTable();
        const observer = await observe(table.root);
        const running = new Map<string, ProcessObservation>();
        const key = ({ pid, startedAt }: { pid: number; startedAt: string }) => `${pid}@${startedAt}`;
        const look = async () => {
          const { appeared, changed, gone, total } = await observer.look();
          for (const process of gone) expect(running.delete(key(process))).toBe(true);
          for (const process of appeared) {
            expect(running.has(key(process))).toBe(false);
            running.set(key(process), process);
          }
          for (const process of changed) {
            expect(running.get(key(process))?.args).not.toEqual(process.args);
            running.set(key(process), process);
          }
          expect(total).toBe(running.size);
        };
        let before: (typeof states)[number] = {};
        for (const now of states) {
          for (const pid of Object.keys(before)) if (!now[pid]) table.remove(Number(pid));
          for (const [pid, { start, image }] of Object.entries(now)) {
            const row: Row = { pid: Number(pid), start, image, args: ['program', String(image)] };
            const old = before[pid];
            if (old?.start === start) table.overwrite(row);
            else table.put(row);
          }
          before = now;
          await look();
          expect([...running.keys()].sort()).toEqual(
            Object.entries(now)
              .map(([pid, { start }]) => `${pid}@${start}`)
              .sort(),
          );
        }
        for (let quiet = 0; quiet < 16; quiet++) await look();
        expect([...running.values()].map(({ pid, args }) => [String(pid), args[1]]).sort()).toEqual(
          Object.entries(before)
            .map(([pid, { image }]) => [pid, String(image)])
            .sort(),
        );
        fs.rmSync(table.root, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  it('reads whatever a stat or a command line holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const stat = parseStat(text);
        if (stat) expect(stat.startedAt).toMatch(/^\d+$/);
        const args = splitCommandLine(text);
        expect(args.at(-1)).not.toBe('');
        expect(args.join('\0')).toBe(text.replace(/\0+$/, ''));
      }),
    );
    expect(parseStat('')).toBeNull();
    expect(parseStat('1 (x) S 0')).toBeNull();
  });
});

// Elsewhere there is no /proc to read.
describe.runIf(process.platform === 'linux')('the real process table', () => {
  const os = realOs();
  const homes = [{ home: '/home/me', uid: userInfo().uid }];
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const script = path.join(scratch, 'tool.js');
  fs.writeFileSync(
    script,
    `process.stdin.on('data', (text) => { process.title = String(text).trim(); process.stdout.write('renamed'); });
     process.stdout.write('ready');`,
  );
  const link = path.join(scratch, 'bin-tool');
  fs.symlinkSync(script, link);

  async function start(
    file: string,
    args: readonly string[],
    options: { cwd?: string; ready?: boolean } = {},
  ): Promise<ChildProcess & { pid: number }> {
    const child = spawn(file, args, { cwd: options.cwd, stdio: ['pipe', 'pipe', 'ignore'] });
    children.push(child);
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      if (options.ready === false) child.once('spawn', resolve);
      else child.stdout.once('data', resolve);
    });
    return child as ChildProcess & { pid: number };
  }
  const tell = (child: ChildProcess, text: string) =>
    new Promise((resolve) => {
      child.stdout?.once('data', resolve);
      child.stdin?.write(text);
    });
  const end = (child: ChildProcess) =>
    new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill('SIGKILL');
    });
  const of = (processes: readonly ProcessObservation[], child: { pid: number }) => processes.find(({ pid }) => pid === child.pid);

  it('sees a process appear and go, with its script, parent and home', async () => {
    const observer = await createProcessObserver(os, { homes });
    const first = await observer.look();
    expect(of(first.appeared, process)?.exe).toBe(fs.realpathSync(process.execPath));
    expect(first.total).toBe(first.appeared.length);
    const child = await start(process.execPath, ['--no-warnings', 'bin-tool', '--flag', 'two words'], { cwd: scratch });
    const second = await observer.look();
    expect(of(second.appeared, child)).toMatchObject({
      parent: process.pid,
      exe: fs.realpathSync(process.execPath),
      args: [process.execPath, '--no-warnings', 'bin-tool', '--flag', 'two words'],
      script,
      home: '/home/me',
    });
    const third = await observer.look();
    expect([of(third.appeared, child), of(third.changed, child)]).toEqual([undefined, undefined]);
    await end(child);
    expect((await observer.look()).gone).toContainEqual({ pid: child.pid, startedAt: of(second.appeared, child)?.startedAt });
  });

  it('sees at the second sighting that the process has executed something else', async () => {
    const child = await start('/bin/sh', ['-c', `echo ready; read line; exec "$0" "$1"`, process.execPath, link]);
    const observer = await createProcessObserver(os, { homes });
    expect(of((await observer.look()).appeared, child)).toMatchObject({ script: null, args: expect.arrayContaining(['-c']) });
    await tell(child, 'go\n');
    const { appeared, changed, gone } = await observer.look();
    expect(of(changed, child)).toMatchObject({ exe: fs.realpathSync(process.execPath), script });
    expect([of(appeared, child), gone.find(({ pid }) => pid === child.pid)]).toEqual([undefined, undefined]);
  });

  it('sees within sixteen looks that an old process has executed something else', async () => {
    const child = await start('/bin/sh', ['-c', `echo ready; read line; exec "$0" "$1"`, process.execPath, link]);
    const observer = await createProcessObserver(os, { homes });
    for (let look = 0; look < 3; look++) await observer.look();
    await tell(child, 'go\n');
    const seen: ProcessObservation[] = [];
    for (let look = 0; look < 16; look++) seen.push(...(await observer.look()).changed.filter(({ pid }) => pid === child.pid));
    expect(seen).toMatchObject([{ script }]);
  });

  it('keeps the script of a program that renames itself', async () => {
    const child = await start(process.execPath, [link]);
    const observer = await createProcessObserver(os, { homes });
    expect(of((await observer.look()).appeared, child)?.script).toBe(script);
    await tell(child, 'gemini');
    expect(splitCommandLine(fs.readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'))).toEqual(['gemini']);
    for (let look = 0; look < 17; look++) expect(of((await observer.look()).changed, child)).toBeUndefined();
  });

  it('does not report a dead process that nobody has waited for', async () => {
    const parent = await start('/bin/sh', ['-c', 'sleep 0 & echo ready; exec sleep 1000']);
    const dead = await vi.waitFor(() => {
      const pid = Number(fs.readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8'));
      expect(parseStat(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state).toBe('Z');
      return pid;
    });
    const observer = await createProcessObserver(os, { homes });
    const { appeared } = await observer.look();
    expect([of(appeared, parent)?.args[0], of(appeared, { pid: dead })]).toEqual(['sleep', undefined]);
  });

  it('cuts a huge command line', async () => {
    const child = await start(process.execPath, [link, ...Array.from({ length: 10 }, () => 'x'.repeat(100_000))]);
    const seen = of((await (await createProcessObserver(os, { homes })).look()).appeared, child);
    expect(seen?.script).toBe(script);
    expect(seen?.args.join('\0').length).toBe(64 * 1024);
  });

  const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((file) => fs.existsSync(file));
  needs('python').it('names the module that Python runs', async () => {
    fs.writeFileSync(path.join(scratch, 'mcp_thing.py'), 'print("ready", flush=True)\ninput()\n');
    const child = await start(python ?? '', ['-um', 'mcp_thing', 'x'], { cwd: scratch });
    expect(of((await (await createProcessObserver(os, { homes })).look()).appeared, child)).toMatchObject({
      module: 'mcp_thing',
      script: null,
    });
  });

  it('names another user’s process without its program and home', () => {
    // As root everything is readable, so the look is made by a process of the user "nobody".
    const root = process.getuid?.() === 0;
    const observe = fileURLToPath(new URL('../../agent/observe', import.meta.url));
    const code = `
      import { realOs } from '${observe}/os.ts';
      import { createProcessObserver } from '${observe}/processes/processes.ts';
      const observer = await createProcessObserver(realOs(), { homes: [{ home: '/h', uid: process.getuid() }] });
      const { appeared } = await observer.look();
      for (let look = 0; look < 16; look++) await observer.look();
      const pick = (pid) => { const { exe, home, owner, args } = appeared.find((seen) => seen.pid === pid); return { exe, home, owner, args: args.length }; };
      process.stdout.write(JSON.stringify([pick(1), pick(process.pid)]));`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(root ? { uid: 65534, gid: 65534 } : {}),
    });
    const [other, own] = JSON.parse(output.toString());
    expect(other).toMatchObject({ exe: null, home: null, owner: 'system' });
    expect(other.args).toBeGreaterThan(0);
    expect(own).toMatchObject({ exe: fs.realpathSync(process.execPath), home: '/h', owner: 'self' });
  });
});
