/** A process that is killed while it writes loses nothing that it had acknowledged. The bench does the same with more rounds. */
import { expect, it } from 'vitest';
import { killWhileWriting } from '../bench/kill.ts';

it('opens after every kill -9, holds every acknowledged request, and proves its record', async () => {
  const { acknowledged, ...rest } = await killWhileWriting(12);
  expect(rest).toEqual({ rounds: 12, lost: 0, rebuilt: 0, broken: 0 });
  expect(acknowledged).toBeGreaterThan(12);
}, 120_000);
