/** Three suites: everything that runs in Node, end-to-end tests that may run beside it, and the journeys that want the machine for themselves. */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { DearestFirst } from './test/dearest-first.ts';

/**
 * End-to-end tests that mostly wait (for the collector's next poll, for other programs), and measure no time of ours. None that says which tools run:
 * other tests start the same ones.
 */
const BESIDE = ['test/e2e/check-in.test.ts', 'test/e2e/real-tools-off.test.ts'];

// One more than there are processors where these are few: many tests wait for programs that they have started.
const maxWorkers = Math.max(3, availableParallelism() - 1);

export default defineConfig({
  test: {
    sequence: { sequencer: DearestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/e2e/**'],
          pool: 'forks',
          globalSetup: 'test/bundled-cli.ts',
          maxWorkers,
          sequence: { groupOrder: 0 },
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'e2e-beside',
          include: BESIDE,
          pool: 'forks',
          maxWorkers,
          sequence: { groupOrder: 0 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: BESIDE,
          pool: 'forks',
          fileParallelism: false,
          // After the others, with the machine to themselves.
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
