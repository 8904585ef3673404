/** Tells V8 that this process is over soon. */
import { setFlagsFromString } from 'node:v8';

/**
 * How often a function must have been called before it is compiled once more, for speed: ten times V8's own numbers (13.6, Node 24). A look is over
 * before that pays, and the compiler's threads compete with it: measured, a fifth of a scan's processor time. What runs really long (a hostile
 * file) is still compiled.
 */
const LATER = {
  'invocation-count-for-maglev': 4000,
  'invocation-count-for-maglev-osr': 1000,
  'invocation-count-for-turbofan': 30_000,
  'invocation-count-for-osr': 5000,
};

/** For commands that look once and end; never for an agent that stays. Call it once everything is loaded: afterwards V8 takes no
 * stored code. */
export function expectShortRun(): void {
  for (const [flag, count] of Object.entries(LATER)) setFlagsFromString(`--${flag}=${count}`);
}
