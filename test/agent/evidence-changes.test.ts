/** What counts as a change: every difference once, nothing that is as it was, in whatever order things happen. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changesSince, type Standing } from '../../agent/evidence/changes.ts';
import type { Grant } from '../../agent/policy/decide.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import type { Verdict } from '../../electron/contract.ts';

const policies: readonly (Policy | null)[] = [
  null,
  ...[{ rev: 1 }, { rev: 1, stance: 'tolerated' }, { rev: 2, mode: 'enforce' }].map((policy) => {
    const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', ...policy }));
    if (!parsed.ok) throw new Error(parsed.issues.join());
    return parsed.policy;
  }),
];

const verdict = fc.record({
  status: fc.constantFrom<Verdict['status']>('approved', 'unreviewed', 'prohibited'),
  rule: fc.constantFrom(null, 'r1', 'g1'),
  mode: fc.constantFrom<Verdict['mode']>('monitor', 'warn'),
});
const full = (said: Pick<Verdict, 'status' | 'rule' | 'mode'>): Verdict => ({
  ...{ reason: '', clause: null, dataClasses: [], conditions: null, until: null },
  ...said,
});
const NOW = Date.parse('2026-11-22T09:00:00.000Z');

const standing: fc.Arbitrary<Standing> = fc
  .record({
    tools: fc.uniqueArray(fc.record({ id: fc.constantFrom('a', 'b'), present: fc.boolean(), verdict }), { selector: ({ id }) => id }),
    servers: fc.uniqueArray(fc.record({ id: fc.constantFrom('s', 't'), present: fc.boolean(), verdict }), { selector: ({ id }) => id }),
    policy: fc.constantFrom(...policies),
    grants: fc.uniqueArray(fc.record({ id: fc.constantFrom('g1', 'g2'), hours: fc.integer({ min: -2, max: 2 }) }), {
      selector: ({ id }) => id,
    }),
  })
  .map(({ tools, servers, policy, grants }) => ({
    policy,
    tools: tools.map((tool) => ({ ...tool, verdict: full(tool.verdict), accounts: [] })),
    servers: servers.map((server) => ({
      ...{ ...server, verdict: full(server.verdict), name: 'files', client: 'cursor', scope: 'user' as const },
    })),
    tell: () => ({ identity: 'npm:@acme/files', version: null, launchHash: 'sha256:x' }),
    grants: grants.map(({ id, hours }): Grant => {
      const expiresAt = new Date(NOW + hours * 3_600_000).toISOString();
      return { id, tool: 'a', status: 'approved', expiresAt, reason: '' };
    }),
    now: new Date(NOW),
  }));

it('gives each change once, from what it was to what it is, and remembers all that it gave', () => {
  let given = 0;
  fc.assert(
    fc.property(fc.array(standing, { maxLength: 8 }), (steps) => {
      const known = new Map<string, string>();
      /** What the entries alone say of each thing: it must always be how things stand. */
      const told = new Map<string, string | null>();
      const apply = (step: Standing) => {
        const changes = changesSince(known, step);
        for (const [key, value] of changes.known) {
          if (value === null) known.delete(key);
          else known.set(key, value);
        }
        return changes.entries;
      };
      for (const step of steps) {
        const entries = apply(step);
        given += entries.length;
        for (const { kind, item, was = null, decision = null, rule } of entries) {
          if (kind === 'policy' || kind === 'mode' || (kind === 'verdict' && item !== 'mcp:files')) {
            const before = told.get(`${kind}${item}`);
            if (before !== undefined) expect(was).toBe(before);
          }
          if (kind === 'seen' || kind === 'verdict') told.set(`verdict${item}`, decision);
          else told.set(`${kind}${kind === 'grant' ? rule : item}`, decision);
        }
        expect(apply(step), 'nothing has changed since').toEqual([]);
        for (const { id, present, verdict: said } of step.tools) if (present) expect(told.get(`verdict${id}`)).toBe(said.status);
        if (told.has('modeundefined')) expect(told.get('modeundefined')).toBe(step.policy?.mode ?? 'warn');
        for (const { id, expiresAt } of step.grants) {
          expect(told.get(`grant${id}`)).toBe(Date.parse(expiresAt) > NOW ? 'approved' : 'ended');
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(given).toBeGreaterThan(1000);
});
