/** Lets a test say what it needs of the machine: where that is missing, the test is skipped and its name says why. */
import { describe, it } from 'vitest';
import { type CapabilityId, missingCapabilities } from '../build/capabilities.mjs';

/** `npm test` has looked already; a run of vitest alone looks for itself. */
const missing = new Set<string>(process.env['MUSTER_MISSING']?.split(',') ?? missingCapabilities());

/**
 * `describe` and `it` for tests that need all of `ids` (rows of build/capabilities.mjs): `needs('display', 'panel').describe('the tray', …)`.
 * `missing` is what is not here. The words in brackets are what `npm test` counts.
 */
export function needs(...ids: CapabilityId[]): {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => unknown, timeout?: number) => void;
  readonly missing: readonly CapabilityId[];
} {
  const absent = ids.filter((id) => missing.has(id));
  const because = ` [needs ${absent.join(', ')}]`;
  return {
    describe: (name, body) => (absent.length > 0 ? describe.skip(name + because, body) : describe(name, body)),
    it: (name, body, timeout) =>
      absent.length > 0 ? it.skip(name + because, () => {}) : it(name, async () => void (await body()), timeout),
    missing: absent,
  };
}
