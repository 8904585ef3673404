/** Before a policy is used: what is worth a look, what really backs each clause, and that editors' schema is the form that is read. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policySchema } from '../../agent/commands/policy/schema.ts';
import { type Action, BACKERS, BUILT_ACTIONS, backing } from '../../agent/policy/backing.ts';
import { checkPolicy } from '../../agent/policy/check.ts';
import { near } from '../../agent/policy/near.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import { reviewsDue } from '../../agent/policy/reviews.ts';

const NOW = new Date('2026-11-22T09:00:00.000Z');
const ALL = new Set<Action>(['disable-entry', 'end-process']);
const NONE = new Set<Action>();
const known = {
  ids: ['github-copilot', 'ollama'],
  tool: (id: string) => ['github-copilot', 'ollama'].includes(id),
  tiers: (id: string) => (id === 'github-copilot' ? ['free', 'business'] : null),
  trains: (id: string) =>
    id === 'github-copilot'
      ? [
          { name: 'Free', trains: 'opt-out' },
          { name: 'Business', trains: 'no' },
        ]
      : [],
};
const text = (raw: object) => JSON.stringify({ schema: 'muster.policy/1', rev: 1, ...raw }, null, 2);
const policyOf = (raw: object): Policy => {
  const parsed = parsePolicy(text(raw));
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  return parsed.policy;
};
const check = (raw: object, built = ALL, allowed = ALL) => checkPolicy(text(raw), known, { built, allowed }, NOW);
const clause = (more: object) => ({ clauses: [{ id: '1', title: 'T', text: 'Words.', ...more }] });
const gateRule = { id: 'm', match: { riskAtLeast: 'critical' }, status: 'prohibited', action: 'disable-entry' };
const endRule = { id: 't', tool: 'ollama', status: 'prohibited', action: 'end-process' };

describe('what backs a clause', () => {
  it.each<[backer: string, policy: object, built: Set<Action>, allowed: Set<Action>, real: boolean, why: RegExp]>([
    ['verdict', {}, NONE, NONE, true, /status with its reason/],
    ['request', {}, NONE, NONE, true, /asks for it/],
    ['evidence', { mode: 'monitor' }, NONE, NONE, true, /record/],
    ['notice', { mode: 'warn' }, NONE, NONE, true, /the mode is warn/],
    ['notice', { mode: 'enforce' }, NONE, NONE, true, /the mode is enforce/],
    ['notice', { mode: 'monitor' }, NONE, NONE, false, /in the mode monitor the employee is told nothing; set the mode/],
    [
      'notice',
      { mode: 'monitor', tools: [{ id: 'a', tool: 'ollama', status: 'prohibited', mode: 'warn' }] },
      NONE,
      NONE,
      true,
      /1 of the rules/,
    ],
    ['acknowledge', {}, NONE, NONE, false, /add acknowledge with a version/],
    ['acknowledge', { acknowledge: { version: '2026-11' } }, NONE, NONE, true, /version 2026-11/],
    [
      'mcp-gate',
      { mode: 'enforce', mcp: { rules: [gateRule] } },
      ALL,
      ALL,
      true,
      /^one rule of the mode enforce has the action disable-entry$/,
    ],
    ['mcp-gate', { mode: 'warn', mcp: { rules: [{ ...gateRule, mode: 'enforce' }] } }, ALL, ALL, true, /one rule/],
    [
      'mcp-gate',
      { mode: 'warn', mcp: { rules: [gateRule] } },
      ALL,
      ALL,
      false,
      /no rule has the mode enforce and the action disable-entry/,
    ],
    ['mcp-gate', { mode: 'enforce', mcp: { rules: [{ ...gateRule, mode: 'warn' }] } }, ALL, ALL, false, /no rule has/],
    ['mcp-gate', { mode: 'enforce', tools: [endRule] }, ALL, ALL, false, /no rule has/],
    [
      'mcp-gate',
      { mode: 'enforce', mcp: { rules: [gateRule] } },
      ALL,
      new Set<Action>(['end-process']),
      false,
      /settings here don’t allow disable-entry/,
    ],
    [
      'mcp-gate',
      { mode: 'enforce', mcp: { rules: [gateRule] } },
      NONE,
      ALL,
      false,
      /this version of Muster can’t switch an MCP server off/,
    ],
    ['process-gate', { mode: 'enforce', tools: [endRule] }, ALL, ALL, true, /one rule of the mode enforce has the action end-process/],
    ['process-gate', { mode: 'monitor', tools: [endRule] }, ALL, ALL, false, /no rule has the mode enforce and the action end-process/],
    ['process-gate', { mode: 'enforce', tools: [endRule] }, NONE, ALL, false, /can’t end a program by itself/],
    ['hope', {}, ALL, ALL, false, /Muster has nothing of that name; use verdict, request, notice/],
  ])('%s (%#)', (backer, raw, built, allowed, real, why) => {
    const [backed] = backing(policyOf({ ...clause({ backedBy: [backer] }), ...raw }), { built, allowed });
    expect(backed?.controls).toEqual([{ name: backer, real, why: expect.stringMatching(why) }]);
    expect(backed?.standing).toBe(real ? 'controls' : 'wish');
  });

  it('is people where people are all there is, and they are named', () => {
    const { clauses, warnings } = check(clause({ backedBy: [], byPeople: 'The desk, every quarter' }));
    expect(clauses).toEqual([expect.objectContaining({ standing: 'people', byPeople: 'The desk, every quarter', controls: [] })]);
    expect(warnings).toEqual([]);
  });

  it('is reported as a wish where it is nothing, and that is no refusal', () => {
    for (const more of [{}, { backedBy: [] }, { backedBy: ['notice'] }]) {
      const { ok, warnings } = check({ mode: 'monitor', ...clause(more) });
      expect(ok).toBe(true);
      expect(warnings.at(-1)).toMatch(
        /^line \d+, clauses\[0\]: nothing backs this clause, so it is a wish; add a control, or say in byPeople/,
      );
    }
  });

  it('names each control that is not real beside those that are', () => {
    const { warnings, clauses } = check({ mode: 'monitor', ...clause({ backedBy: ['verdict', 'notice', 'mcp-gate'] }) });
    expect(clauses[0]?.standing).toBe('controls');
    expect(warnings).toEqual([
      expect.stringMatching(/^line \d+, clauses\[0\]\.backedBy: notice backs nothing, for in the mode monitor/),
      expect.stringMatching(/^line \d+, clauses\[0\]\.backedBy: mcp-gate backs nothing, for no rule/),
    ]);
  });

  it('knows every control of the design by name, and says one sentence of each', () => {
    const backed = backing(policyOf(clause({ backedBy: [...BACKERS] })), { built: ALL, allowed: ALL });
    expect(backed[0]?.controls.map(({ name }) => name)).toEqual(BACKERS);
    for (const { why } of backed[0]?.controls ?? []) expect(why).toMatch(/^[^.\n]+$/);
  });

  it('claims no action that this build can’t carry out, and no less', () => {
    const folder = fileURLToPath(new URL('../../agent/act', import.meta.url));
    const built = ['disable-entry', 'end-process'].filter((action) => existsSync(path.join(folder, `${action}.ts`)));
    expect([...BUILT_ACTIONS].sort(), 'BUILT_ACTIONS in agent/policy/backing.ts names what agent/act/ carries out').toEqual(built);
  });
});

describe('what is worth a look', () => {
  const rule = { id: 'a', tool: 'github-copilot', status: 'approved', tiers: ['business'] };
  it.each<[name: string, raw: object, said: RegExp]>([
    ['an end before its beginning', { issuedAt: '2027-01-01', expiresAt: '2026-01-01' }, /expiresAt: it would end before it was issued/],
    ['an end that has passed', { expiresAt: '2026-11-01' }, /expiresAt: it has ended on 2026-11-01; give it a later end\.$/],
    ['a review that was due', { tools: [{ ...rule, reviewBy: '2026-11-21' }] }, /tools\[0\]\.reviewBy: the review was due on 2026-11-21/],
    [
      'a review of a server',
      { mcp: { rules: [{ ...gateRule, mode: 'enforce', reviewBy: '2026-01-01' }] } },
      /mcp\.rules\[0\]\.reviewBy: the review/,
    ],
    [
      'an action that never acts',
      { mode: 'warn', tools: [endRule] },
      /tools\[0\]\.action: it acts only in the mode enforce, and here that is warn/,
    ],
    [
      'enforcement without an action',
      { tools: [{ ...rule, status: 'prohibited', mode: 'enforce' }] },
      /tools\[0\]\.mode: enforce does nothing more than warn/,
    ],
    [
      'every tier of what trains',
      { tools: [{ id: 'a', tool: 'github-copilot', status: 'approved' }] },
      /trains on what goes into Free \(unless somebody opts out\); name the tiers\.$/,
    ],
    [
      'the same subject twice',
      { tools: [rule, { ...rule, id: 'b', status: 'prohibited' }] },
      /tools\[1\]: the rule a is about the same, and of the two the stricter counts/,
    ],
    [
      'the same match twice',
      {
        mcp: {
          rules: [
            { ...gateRule, mode: 'enforce' },
            { ...gateRule, id: 'n', mode: 'enforce' },
          ],
        },
      },
      /mcp\.rules\[1\]: the rule m is about the same/,
    ],
    [
      'accounts without domains',
      { tools: [{ ...rule, account: 'company' }] },
      /tools\[0\]\.account: whose an account is can only be guessed/,
    ],
    ['a clause that nobody can read', { tools: [{ ...rule, clause: '9' }] }, /there is no clause “9”/],
  ])('is %s', (_, raw, said) => {
    const { ok, warnings } = check(raw);
    expect(ok).toBe(true);
    expect(warnings).toContainEqual(expect.stringMatching(said));
    for (const warning of warnings) expect(warning).toMatch(/^line \d+, [^\n]+\.$/);
  });

  it('is nothing where nothing is', () => {
    const rules = [{ ...rule, account: 'company', reviewBy: '2026-11-22' }, endRule];
    const organization = { name: 'Acme', accountDomains: ['acme.example'] };
    expect(check({ mode: 'enforce', organization, tools: rules, mcp: { rules: [gateRule] } })).toMatchObject({
      ok: true,
      issues: [],
      warnings: [],
    });
  });

  it('is told of any policy without an exception', () => {
    const value = fc.constantFrom('monitor', 'enforce', 'prohibited', '2020-01-01', '', 'ollama', 1, null, [], ['notice'], {});
    const some = fc.dictionary(fc.constantFrom('id', 'tool', 'status', 'mode', 'action', 'reviewBy', 'backedBy', 'title', 'text'), value);
    const anyPolicy = fc.record({ mode: value, tools: fc.array(some), clauses: fc.array(some), mcp: fc.record({ rules: fc.array(some) }) });
    fc.assert(
      fc.property(anyPolicy, (raw) => void check(raw)),
      { numRuns: 150 },
    );
  });
});

describe('reviews', () => {
  it('are due once their day is over, the earliest first', () => {
    const at = (reviewBy: string, id: string) => ({ id, tool: 'x', status: 'approved', reviewBy });
    const policy = policyOf({
      tools: [at('2026-11-22', 'today'), at('2026-11-21', 'a'), at('2026-01-01', 'b'), { id: 'never', tool: 'x', status: 'approved' }],
      mcp: { rules: [{ ...gateRule, reviewBy: '2025-01-01' }] },
    });
    expect(reviewsDue(policy, NOW).map(({ rule, tool }) => [rule, tool])).toEqual([
      ['m', null],
      ['b', 'x'],
      ['a', 'x'],
    ]);
  });
});

describe('near names', () => {
  const names = ['claude-code', 'claude-desktop', 'codex', 'cursor', 'cursor-cli', 'github-copilot', 'ollama'];
  it.each([
    ['cluade-code', ['claude-code']],
    ['claude', ['claude-code', 'claude-desktop']],
    ['CURSOR', ['cursor', 'cursor-cli']],
    ['copilot', ['github-copilot']],
    ['ollamma', ['ollama']],
    ['zzz', []],
    ['', []],
  ])('of %s', (word, expected) => expect(near(word, names)).toEqual(expected));

  it('are at most three of those that there are', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }), (word, list) => {
        const found = near(word, list);
        expect(found.length).toBeLessThanOrEqual(3);
        expect(list).toEqual(expect.arrayContaining(found));
      }),
    );
  });
});

it('the schema for editors is the form that is read', () => {
  const file = new URL('../../agent/policy/policy.schema.json', import.meta.url);
  const remedy = 'write it anew: npm run -s muster -- policy schema > agent/policy/policy.schema.json, then npm run format';
  expect(JSON.parse(readFileSync(file, 'utf8')), remedy).toEqual(JSON.parse(JSON.stringify(policySchema())));
});
