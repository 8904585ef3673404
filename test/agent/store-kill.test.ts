/** A process that is killed while it writes loses nothing that it had acknowledged. The bench does the same with more rounds. */
import { expect, it } from 'vitest';
import { killWhileWriting } from '../bench/kill.ts';

it('opens after every kill -9 and holds every acknowledged request', async () => {
  const { acknowledged, ...rest } = await killWhileWriting(20);
  expect(rest).toEqual({ rounds: 20, lost: 0, rebuilt: 0 });
  expect(acknowledged).toBeGreaterThan(20);
}, 120_000);
