/** Tells V8 that this process is over soon. */
import { setFlagsFromString } from 'node:v8';

/**
 * How often something must have run before it is compiled once more, for speed: three times V8's own numbers for functions, twenty for patterns
 * (13.6, Node 24). A look is over before more pays, and the compiler's threads compete with it: measured, a sixth of a scan's processor time.
 * What runs really long (a hostile file) is still compiled.
 */
const LATER = { 'invocation-count-for-maglev': 1200, 'invocation-count-for-turbofan': 9000, 'regexp-tier-up-ticks': 20 };

/** For commands that look once and end; never for an agent that stays. Call it once everything is loaded: V8 takes no stored code afterwards. */
export function expectShortRun(): void {
  for (const [flag, count] of Object.entries(LATER)) setFlagsFromString(`--${flag}=${count}`);
}
