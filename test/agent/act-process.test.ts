/** Ending programs: real processes, of which the agent sees only those that a test has started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createEnding } from '../../agent/act/end-process.ts';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import type { ProcessObservation } from '../../agent/observe/observation.ts';
import { linuxProcesses } from '../../agent/observe/processes/linux.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { endLater, temporary, until, write } from './muster.ts';

const catalog = loadCatalog();
const scratch = temporary('act-process');
let machines = 0;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A process table with nothing in it but what the test starts; time passes when the test says so, and real processes end when they do. */
function machine() {
  const root = path.join(scratch, String(machines++));
  const home = path.join(root, 'home/ada');
  write(path.join(root, 'proc/loadavg'), '0 0 0 1/1 1');
  fs.mkdirSync(home, { recursive: true });
  const os = fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 0, home } });
  const clock = fakeClock();
  const folder = path.join(home, '.npm-global/lib/node_modules/opencommit');
  write(path.join(folder, 'package.json'), { name: 'opencommit', version: '1.0.0' });
  const show = ({ pid }: ChildProcess) => fs.symlinkSync(`/proc/${pid}`, path.join(root, 'proc', String(pid)));
  /** A program of that package; `body` runs before it says that it is up. */
  const run = async (body: string, file = path.join(folder, `out-${Math.random()}.cjs`)) => {
    write(file, `${body}\nsetInterval(() => {}, 1000);\nconsole.log('up');\n`);
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    endLater(child);
    if (child.stdout) await once(child.stdout, 'data');
    show(child);
    return child;
  };
  const isUp = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null;
  const look = async () => {
    const observer = linuxProcesses(os, [{ home, uid: os.user.uid }]);
    return (await observer.look()).appeared;
  };
  /** Lets time pass until the work is over. */
  const passing = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const done = work.finally(() => {
      over = true;
    });
    done.catch(() => {});
    await until(async () => {
      await clock.advance(250);
      return over;
    }, 'the work was over');
    return done;
  };
  return { root, home, os, clock, run, isUp, look, passing };
}

// The table that the agent sees is made of links into Linux’s own.
describe.runIf(process.platform === 'linux')('a program that may not run', () => {
  const RULE = { id: 't1', tool: 'opencommit', status: 'prohibited', mode: 'enforce', action: 'end-process' };

  it('is ended after a countdown, and when it comes back after another', async () => {
    const it = machine();
    const data = path.join(it.root, 'data');
    const store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
    ends.push(async () => store.close());
    const problems = createProblems();
    write(path.join(data, 'policy.json'), { schema: 'muster.policy/1', rev: 1, tools: [RULE] });
    const agent = startAgent({
      ...{ os: it.os, clock: it.clock, catalog, store, problems, dataDir: data, version: '0', homes: [it.home] },
      policyFile: createPolicyFile(path.join(data, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
      device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
      settings: { pollSeconds: 15, lookMinutes: 1440, allowActions: ['end-process'] },
      log: () => {},
    });
    const [first, second] = [await it.run(''), await it.run("process.on('SIGTERM', () => {});")];
    const other = await it.run('', path.join(it.home, 'opencommit.cjs'));
    const stop = new AbortController();
    const done = agent.watch(stop.signal);
    ends.unshift(async () => {
      stop.abort();
      await it.clock.advance(0);
      await done;
    });
    const actions = () => agent.snapshot().actions ?? [];
    await until(async () => {
      await it.clock.advance(0);
      return actions().length > 0;
    }, 'the countdown began');
    expect(actions()).toMatchObject([
      { kind: 'end-process', state: 'waiting', item: 'opencommit', mayKeep: false, mayUndo: false, server: null },
    ]);
    await it.clock.advance(58_000);
    expect([first, second].every(it.isUp)).toBe(true);
    await until(async () => {
      await it.clock.advance(250);
      return actions()[0]?.state === 'done';
    }, 'it was done');
    // They are gone from the table a little before this process is told how.
    await until(() => first.signalCode !== null && second.signalCode !== null, 'both have ended');
    expect([first.signalCode, second.signalCode]).toEqual(['SIGTERM', 'SIGKILL']);
    expect(it.isUp(other)).toBe(true);
    const again = await it.run('');
    const back = it.clock.now().getTime();
    await until(async () => {
      await it.clock.advance(1000);
      return !it.isUp(again);
    }, 'it was ended again');
    expect(it.clock.now().getTime() - back).toBeGreaterThanOrEqual(60_000);
    const rows = [...store.evidenceRows.all()].filter(({ kind }) => kind === 'action');
    expect(rows.slice(0, 2).map(({ decision, item }) => `${decision} ${item}`)).toEqual(['waiting opencommit', 'done opencommit']);
    expect(JSON.parse(rows[1]?.detail ?? '')).toMatchObject({ ended: 2, left: 0, by: 'countdown' });
  });

  it('is not the program that has its number now', async () => {
    const it = machine();
    const child = await it.run("process.on('SIGTERM', () => {});");
    let looks = 0;
    // From the second look on it seems to have started at another time.
    const look = async () => (await it.look()).map((one) => (looks++ > 0 ? { ...one, startedAt: `${one.startedAt}0` } : one));
    const ending = createEnding({ ...it, look, signal: new AbortController().signal });
    expect(await it.passing(ending.end(({ pid }) => pid === child.pid))).toEqual({ ended: 1, left: [] });
    await it.clock.advance(30_000);
    expect(it.isUp(child)).toBe(true);
  });

  it.each<[string, (child: ChildProcess) => { self?: number; change?: Partial<ProcessObservation> }, string]>([
    ['Muster itself', ({ pid }) => ({ self: pid ?? 0 }), 'Muster runs under it'],
    ['what Muster runs under', ({ pid }) => ({ self: 9_999_999, change: { pid: pid ?? 0 } }), 'Muster runs under it'],
    ['another account’s', () => ({ change: { owner: 'other' } }), 'it runs for another account'],
    ['the system’s', () => ({ change: { owner: 'system' } }), 'it runs for another account'],
  ])('is left alone where it is %s', async (_, how, why) => {
    const it = machine();
    const child = await it.run('');
    const { self = 9_999_999, change = {} } = how(child);
    const look = async () => {
      const seen = (await it.look()).map((one) => ({ ...one, ...change }));
      return [...seen, ...seen.slice(0, 1).map((one) => ({ ...one, pid: 9_999_999, parent: child.pid ?? 0, startedAt: 'x' }))];
    };
    const ending = createEnding({ ...it, look, signal: new AbortController().signal, self });
    expect(await it.passing(ending.end(({ pid }) => pid === child.pid))).toEqual({ ended: 0, left: [why] });
    expect(it.isUp(child)).toBe(true);
  });
});
