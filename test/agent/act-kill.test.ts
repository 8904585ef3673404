/** Killed while a server is switched off or on. The bench does the same before every step. */
import { expect, it } from 'vitest';
import { killWhileActing } from '../bench/act-kill.ts';

/** Evenly spread, with the first and the last. */
const some = (all: readonly number[]) => [0, 0.5, 1].map((part) => all[Math.round(part * (all.length - 1))] ?? 1);

it.each(['off', 'on'] as const)(
  'killed while it switches %s, it is done or not done, and can be taken back',
  async (task) => {
    const { steps, ...rest } = await killWhileActing(task, some);
    expect(steps).toBeGreaterThan(10);
    expect(rest).toEqual({ killed: 3, done: expect.any(Number), notDone: expect.any(Number), wrong: [] });
    expect(Math.min(rest.done, rest.notDone)).toBeGreaterThan(0);
  },
  120_000,
);
