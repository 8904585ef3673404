/** The window's copy of the state: whole before it is shown, merged by slices, kept while the agent is away. */
import { describe, expect, it } from 'vitest';
import type { AgentLink, Snapshot } from '../../electron/contract.ts';
import { snapshotStore } from '../../renderer/use-snapshot.ts';
import { ordinary } from './harness/samples.ts';

const up: AgentLink = { state: 'up', detail: null, retryAt: null };
const restarting: AgentLink = { state: 'restarting', detail: 'It ended.', retryAt: null };

function made(first: Promise<AgentLink> = new Promise(() => {})) {
  let change: (slices: Partial<Snapshot>) => void = () => {};
  let link: (link: AgentLink) => void = () => {};
  let now = new Date('2026-11-22T09:12:00.000Z');
  const store = snapshotStore(
    {
      onChanged: (handler) => {
        change = handler;
        return () => {};
      },
    },
    {
      onLink: (handler) => {
        link = handler;
        return () => {};
      },
      link: () => first,
    },
    () => now,
  );
  return {
    store,
    change: (slices: Partial<Snapshot>) => change(slices),
    link: (next: AgentLink) => link(next),
    later: (iso: string) => {
      now = new Date(iso);
    },
  };
}

describe('the copy of the state', () => {
  it('is shown only when every slice is there', () => {
    const { store, change } = made();
    const { tools, ...rest } = ordinary();
    change(rest);
    expect(store.get().snapshot).toBeNull();
    change({ tools });
    expect(store.get().snapshot?.tools).toBe(tools);
  });

  it('replaces what a later frame brings and keeps the rest', () => {
    const { store, change } = made();
    const whole = ordinary();
    change(whole);
    change({ tools: [] });
    expect(store.get().snapshot).toEqual({ ...whole, tools: [] });
  });

  it('stays while the agent is away, with the time since when', () => {
    const { store, change, link, later } = made();
    change(ordinary());
    link(up);
    expect(store.get().staleSince).toBeNull();
    link(restarting);
    later('2026-11-22T09:30:00.000Z');
    link({ ...restarting, retryAt: '2026-11-22T09:31:00.000Z' });
    expect(store.get()).toMatchObject({ staleSince: '2026-11-22T09:12:00.000Z', link: { retryAt: '2026-11-22T09:31:00.000Z' } });
    expect(store.get().snapshot?.tools.length).toBeGreaterThan(0);
    link(up);
    expect(store.get().staleSince).toBeNull();
  });

  it('is out of date by nothing while there is nothing', () => {
    const { store, link } = made();
    link(restarting);
    expect(store.get().staleSince).toBeNull();
  });

  it('believes what was pushed rather than an older answer', async () => {
    let answer: (link: AgentLink) => void = () => {};
    const first = new Promise<AgentLink>((resolve) => {
      answer = resolve;
    });
    const { store, link } = made(first);
    link(up);
    answer(restarting);
    await first;
    expect(store.get().link).toEqual(up);
  });

  it('takes the first answer where nothing was pushed, and survives a refusal', async () => {
    const answered = Promise.resolve(up);
    const { store } = made(answered);
    await answered;
    await Promise.resolve();
    expect(store.get().link).toEqual(up);
    const refused = Promise.reject(new Error('no'));
    const other = made(refused);
    await refused.catch(() => {});
    expect(other.store.get().link.state).toBe('starting');
  });

  it('tells its listeners until they leave', () => {
    const { store, change } = made();
    let told = 0;
    const leave = store.subscribe(() => told++);
    change(ordinary());
    leave();
    change({ tools: [] });
    expect(told).toBe(1);
  });
});
