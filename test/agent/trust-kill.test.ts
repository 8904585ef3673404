/** A process that is killed while it swaps policies leaves the old or the new one in force, whole. The bench does the same with 10,000 swaps. */
import { expect, it } from 'vitest';
import { swapWhileKilled } from '../bench/swap.ts';

it('has the old or the new policy in force after every kill -9, and never a lower floor', async () => {
  const { swaps, kills, old, next, ...wrong } = await swapWhileKilled(20, 5);
  expect(wrong).toEqual({ broken: 0, lowered: 0, complaints: 0 });
  expect([swaps >= 20, kills >= 5, old + next >= 3]).toEqual([true, true, true]);
}, 120_000);
