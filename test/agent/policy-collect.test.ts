/** Collection is only ever narrowed: by the policy, and by the managed settings. */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { collecting } from '../../agent/policy/collect.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import { machine } from './machine.ts';

const FIELDS = ['usage', 'matchTitles', 'projectPaths'] as const;
const said = fc.option(fc.boolean(), { nil: undefined });
const collect = fc.record({ usage: said, matchTitles: said, projectPaths: said });
const policyOf = (words: object | null): Policy | null => {
  if (words === null) return null;
  const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', rev: 1, collect: words }));
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  return parsed.policy;
};

it('is what this build does where nobody says anything', () => {
  expect(collecting(null, undefined)).toEqual({ usage: true, matchTitles: false, projectPaths: true });
});

it('is never more than without those who narrow it', () => {
  fc.assert(
    fc.property(fc.option(collect), fc.option(collect, { nil: undefined }), (policy, managed) => {
      const both = collecting(policyOf(policy), managed);
      for (const field of FIELDS) {
        if (policy?.[field] === false || managed?.[field] === false) expect(both[field]).toBe(false);
        if (both[field]) expect(collecting(policyOf(policy), undefined)[field], `the managed settings widened ${field}`).toBe(true);
      }
      // Titles are the one thing that the policy has to ask for.
      expect(both.matchTitles).toBe(policy?.matchTitles === true && managed?.matchTitles !== false);
    }),
  );
});

it.each([
  [true, true],
  [false, false],
])('writes use down only where the policy lets it (usage %s)', async (usage, isKept) => {
  const { root, clock, agent, store, runs } = machine();
  fs.writeFileSync(path.join(root, 'policy.json'), JSON.stringify({ schema: 'muster.policy/1', rev: 1, collect: { usage } }));
  runs(71, ['/opt/gptme/bin/gptme'], '/opt/gptme/bin/gptme');
  const ending = new AbortController();
  const watching = agent.watch(ending.signal);
  await vi.waitFor(() => expect(agent.snapshot().look.at).not.toBeNull());
  const from = clock.now().getTime();
  await vi.waitFor(
    async () => {
      if (clock.now().getTime() - from < 400_000) await clock.advance(5000);
      expect(clock.now().getTime() - from).toBeGreaterThanOrEqual(400_000);
    },
    { timeout: 10_000, interval: 1 },
  );
  ending.abort();
  await watching;
  expect(agent.snapshot().tools.map(({ id }) => id)).toEqual(['gptme']);
  expect(store.usage('2000-01-01').some(({ tool, runS }) => tool === 'gptme' && runS > 0)).toBe(isKept);
});
