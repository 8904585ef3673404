/** One agent kept running: real child processes and sockets; only the clock is ours. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentEvents, AgentLink } from '../../electron/contract.ts';
import { type AgentProcess, pause, readReady, superviseAgent } from '../../electron/main/agent-process.ts';
import { connect } from '../../electron/rpc.ts';
import { socketChannel } from '../../electron/socket.ts';
import { fakeClock } from '../fakes.ts';

const AGENT = path.join(import.meta.dirname, '../fixtures/main/agent.mjs');
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Setup = { lives?: readonly string[]; command?: readonly [string, ...string[]] };

/** An agent under supervision that lives as `lives` say, and every state of the link so far. */
function supervised({ lives = ['serve'], command }: Setup) {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-main-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const plan = path.join(folder, 'plan.json');
  writeFileSync(plan, JSON.stringify({ lives }));
  const clock = fakeClock();
  const links: AgentLink[] = [];
  let ups = 0;
  let wake = () => {};
  const agent: AgentProcess = superviseAgent({
    command: command ?? [process.execPath, AGENT, plan, path.join(folder, 's'), 'watch', '--supervised'],
    clock,
    random: () => 0.5,
    onLink: (link) => {
      links.push(link);
      wake();
    },
    onUp: (socket) => {
      ups++;
      socket.resume();
    },
  });
  cleanups.push(() => agent.stop());
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const born = () =>
    readFileSync(`${plan}.lives`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { pid: number; args: string[] });
  const state = () => links.at(-1)?.state;
  return { agent, clock, links, until, state, born, ups: () => ups, folder };
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('superviseAgent', () => {
  it('starts the agent, connects, and ends it with the application', async () => {
    const { agent, until, state, born, links, ups } = supervised({});
    await until(() => state() === 'up');
    expect(links.map((link) => link.state)).toEqual(['starting', 'up']);
    expect(ups()).toBe(1);
    const [first] = born();
    expect(first?.args).toEqual(['watch', '--supervised']);

    const socket = agent.connect();
    if (!socket) throw new Error('no connection');
    const connection = connect<{ scan(): Promise<unknown> }, AgentEvents>(socketChannel(socket), ['scan']);
    expect(await connection.api.scan()).toBe(null);

    await agent.stop();
    expect(alive(first?.pid ?? 0)).toBe(false);
    await connection.closed;
    expect(agent.connect()).toBe(null);
  });

  it('starts it again after a kill, says when, and connects anew', async () => {
    const { agent, clock, until, state, born, links, ups } = supervised({});
    await until(() => state() === 'up');
    process.kill(born()[0]?.pid ?? 0, 'SIGKILL');
    await until(() => links.at(-1)?.retryAt != null);
    expect(links.at(-1)).toEqual({ state: 'restarting', detail: 'The agent was ended by SIGKILL.', retryAt: '2026-11-22T09:00:01.000Z' });
    expect(agent.connect()).toBe(null);
    await clock.advance(1000);
    await until(() => state() === 'up');
    expect(ups()).toBe(2);
    expect(born()).toHaveLength(2);
  });

  it('waits longer each time, and shorter again after a minute of health', async () => {
    const { clock, until, state, links, born } = supervised({ lives: ['exit:70:boom', 'exit:70', 'exit:70', 'serve', 'exit:70'] });
    const waits: number[] = [];
    for (let times = 0; times < 3; times++) {
      await until(() => links.at(-1)?.retryAt != null);
      const ms = Date.parse(links.at(-1)?.retryAt ?? '') - clock.now().getTime();
      waits.push(ms);
      await clock.advance(ms);
    }
    expect(waits).toEqual([1000, 2000, 4000]);
    expect(links.find((link) => link.retryAt)?.detail).toBe('The agent ended with exit code 70: boom');
    await until(() => state() === 'up');
    await clock.advance(60_000);
    process.kill(born().at(-1)?.pid ?? 0, 'SIGKILL');
    await until(() => links.at(-1)?.retryAt != null);
    expect(Date.parse(links.at(-1)?.retryAt ?? '') - clock.now().getTime()).toBe(1000);
  });

  it.each([
    ['exit:4:The database is newer than this Muster; update Muster.', 4],
    ['exit:2:unknown option', 2],
  ])('gives up on %s until a minute has passed or somebody asks', async (step) => {
    const { agent, until, state, links, born } = supervised({ lives: [step, 'serve'] });
    await until(() => state() === 'failed');
    expect(links.at(-1)?.retryAt).toBe('2026-11-22T09:01:00.000Z');
    expect(links.at(-1)?.detail).toContain(step.split(':')[2]);
    agent.restart();
    await until(() => state() === 'up');
    expect(born()).toHaveLength(2);
  });

  it('says so when the executable is missing', async () => {
    const { state, until, links } = supervised({ command: ['/nowhere/muster', 'watch'] });
    await until(() => state() === 'failed');
    expect(links.at(-1)?.detail).toBe('The agent can’t be started (/nowhere/muster: it is missing); install Muster again.');
  });

  it('ends one that is never ready, and one that does not listen', async () => {
    const { agent, clock, until, state, links, born } = supervised({ lives: ['silent', 'deaf'] });
    await clock.advance(60_000);
    await until(() => links.at(-1)?.retryAt != null);
    expect(links.at(-1)?.detail).toBe('The agent was not ready within 60 seconds and was ended.');
    await clock.advance(1000);
    await until(() => state() === 'up');
    const deaf = born()[1]?.pid ?? 0;
    const stopped = agent.stop();
    await clock.advance(4999);
    expect(alive(deaf)).toBe(true);
    await clock.advance(1);
    await stopped;
    expect(alive(deaf)).toBe(false);
  });

  it('restarts a running one when asked, without a pause', async () => {
    const { agent, until, state, born, ups } = supervised({});
    await until(() => state() === 'up');
    agent.restart();
    await until(() => ups() === 2);
    expect(state()).toBe('up');
    expect(alive(born()[0]?.pid ?? 0)).toBe(false);
  });

  it('uses an agent that is there already, leaves it alone, and takes over when it ends', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'muster-other-'));
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    const other = createServer().listen(path.join(folder, 's'));
    await once(other, 'listening');
    const { clock, until, state, links, ups } = supervised({ lives: [`existing:${path.join(folder, 's')}`, 'serve'] });
    const [socket] = (await once(other, 'connection')) as [import('node:net').Socket];
    await until(() => state() === 'up');
    socket.destroy();
    other.close();
    await until(() => links.at(-1)?.retryAt != null);
    await clock.advance(1000);
    await until(() => ups() === 2);
  });
});

describe('pause', () => {
  it('grows to a minute, a fifth more or less, and never past it', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        const ms = pause(failures, () => random);
        expect(ms).toBeGreaterThanOrEqual(800);
        expect(ms).toBeLessThanOrEqual(60_000);
        expect(pause(failures + 1, () => random)).toBeGreaterThanOrEqual(ms);
      }),
    );
    expect([0, 1, 2, 5, 6, 100].map((failures) => pause(failures, () => 0.5))).toEqual([1000, 2000, 4000, 32_000, 60_000, 60_000]);
  });
});

describe('readReady', () => {
  it('takes the agreed line and no other', () => {
    expect(readReady('{"ready":true,"socket":"/s","pid":1}')).toEqual({ socket: '/s', existing: false });
    expect(readReady('{"ready":true,"socket":"/s","existing":true}')).toEqual({ socket: '/s', existing: true });
    for (const line of ['', 'ready', 'null', '[]', '{"ready":1,"socket":"/s"}', '{"ready":true}', '{"ready":true,"socket":""}']) {
      expect(readReady(line)).toBe(null);
    }
    fc.assert(fc.property(fc.string(), (line) => void readReady(line)));
    fc.assert(fc.property(fc.json(), (line) => void readReady(line)));
  });
});
