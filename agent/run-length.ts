/** Tells V8 for how long this process runs: a look that is over soon, or an agent that waits nearly all of its life. */
import { setFlagsFromString } from 'node:v8';

/**
 * For a look (V8 13.6, Node 24; measured by the bench's scan, `test/bench/README.md`).
 *
 * Compiling once more for speed pays after more than a look takes: patterns are made native only when they match much, functions only when they are called
 * tens of thousands of times. Loops that run really long (a hostile file) are still compiled.
 *
 * Room for young objects grows in larger steps, so that it is gone through less often; and old ones are searched when they have filled their share,
 * which a look of a usual computer never comes to, and not some time before.
 */
const SHORT = [
  'invocation-count-for-maglev=20000',
  'invocation-count-for-turbofan=100000',
  'regexp-tier-up-ticks=20',
  'no-regexp-peephole-optimization',
  'semi-space-growth-factor=4',
  'incremental-marking-soft-trigger=100',
];

/** For an agent: room for young objects stays as it is at the start, or some 10 MB would be kept for a look's sake. */
const LONG = ['semi-space-growth-factor=1'];

const set = (flags: readonly string[]) => {
  for (const flag of flags) setFlagsFromString(`--${flag}`);
};

/** For commands that look once and end. Call it once everything is loaded: V8 takes no stored code afterwards. */
export const expectShortRun = () => set(SHORT);

/** For a process that stays. */
export const expectLongRun = () => set(LONG);
