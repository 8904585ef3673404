/** Main's copy of what the agent knows: over a real socket, through the death of an agent, and nothing told twice. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentApi, AgentEvents, Snapshot } from '../../electron/contract.ts';
import type { Notice } from '../../electron/main/notify.ts';
import { watcher } from '../../electron/main/watcher.ts';
import { serve } from '../../electron/rpc.ts';
import { socketChannel } from '../../electron/socket.ts';
import { FIRST, snapshot, tool } from './snapshots.ts';

const LATER = '2026-11-22T10:00:00.000Z';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function watched() {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-watch-'));
  const server = createServer().listen(path.join(folder, 's'));
  cleanups.push(
    () => rmSync(folder, { recursive: true }),
    () => server.close(),
  );
  await once(server, 'listening');
  const notices: Notice[] = [];
  const states: Snapshot[] = [];
  const told: (readonly string[])[] = [];
  let wake = () => {};
  const until = async (condition: () => boolean) => {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const note = <T>(list: T[], item: T) => {
    list.push(item);
    wake();
  };
  let scans = 0;
  const main = watcher({ changed: (state) => note(states, state), show: (notice) => note(notices, notice) });
  /** A life of the agent that main follows. */
  const life = async () => {
    const here = dial(path.join(folder, 's'));
    const [there] = (await once(server, 'connection')) as [Socket];
    cleanups.push(
      () => here.destroy(),
      () => there.destroy(),
    );
    const api: Pick<AgentApi, 'scan' | 'told'> = {
      scan: () => {
        scans++;
        wake();
        return new Promise(() => {});
      },
      told: async (items) => note(told, items),
    };
    const end = serve<typeof api, AgentEvents>(socketChannel(there), api, ['scan', 'told']);
    main.follow(here);
    return {
      emit: (slices: Partial<Snapshot>) => end.emit('changed', slices),
      die: async () => {
        there.destroy();
        // Not `once`, which would take the error of what was still on its way for its own.
        await new Promise((resolve) => here.once('close', resolve));
      },
    };
  };
  return { main, life, until, notices, states, told, scans: () => scans };
}

describe('watcher', () => {
  it('takes the full state first, then slices, and asks for a look', async () => {
    const { main, life, until, states, scans } = await watched();
    expect(main.snapshot()).toBe(null);
    main.scan();
    const agent = await life();
    agent.emit(snapshot([tool('a', 'approved')]));
    agent.emit({ tools: [tool('b', 'approved')] });
    await until(() => states.length === 2);
    expect(main.snapshot()).toEqual(snapshot([tool('b', 'approved')]));
    main.scan();
    await until(() => scans() === 1);
  });

  it('keeps what it has when an agent of another version speaks', async () => {
    const { main, life, until, states } = await watched();
    const other = await life();
    other.emit({ tools: [tool('x', 'unreviewed')] });
    other.emit({ tools: 5, problems: null } as unknown as Partial<Snapshot>);
    await other.die();
    const agent = await life();
    agent.emit(snapshot([]));
    await until(() => states.length === 1);
    expect(main.snapshot()).toEqual(snapshot([]));
  });

  it('says a thing once, also when the agent dies before it has remembered', async () => {
    const { life, until, notices, states, told } = await watched();
    const first = await life();
    first.emit(snapshot([tool('a', 'unreviewed')], { told: {} }));
    await until(() => told.length === 1);
    expect(notices.map((notice) => notice.items)).toEqual([['inventory']]);
    // The answer to `told` may be a while on its way: a change in between says nothing again.
    first.emit({ tools: [tool('a', 'unreviewed'), tool('b', 'unreviewed', { firstSeen: LATER })] });
    await until(() => told.length === 2);
    expect(notices[1]?.tool).toBe('b');
    await first.die();

    const second = await life();
    const forgetful = snapshot([tool('a', 'unreviewed'), tool('b', 'unreviewed', { firstSeen: LATER })], { told: { inventory: FIRST } });
    second.emit(forgetful);
    await until(() => told.length === 3);
    expect(told).toEqual([['inventory'], ['b'], ['b']]);
    second.emit({ look: { ...forgetful.look, at: LATER } });
    await until(() => states.at(-1)?.look.at === LATER);
    expect(notices).toHaveLength(2);
  });
});
