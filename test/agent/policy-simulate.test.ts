/** What a draft would change: compared item by item, weighed by use, and honest about what matches nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../agent/policy/decide.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import { type Answers, simulate, type UsageTotal } from '../../agent/policy/simulate.ts';
import type { Account, McpServer, Tool, Verdict } from '../../electron/contract.ts';

const NOW = new Date('2026-11-22T09:00:00.000Z');
const COUNTED = { since: '2026-10-24', days: 30 };
const policyOf = (raw: object): Policy => {
  const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', rev: 1, ...raw }));
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  return parsed.policy;
};

type Here = { tool: string; family?: string; tiers?: (string | null)[]; present?: boolean };
type There = { name: string; npm?: string; version?: string | null; present?: boolean };

/** The inventory as the agent would answer it under a policy. */
function under(policy: Policy | null, tools: readonly Here[], servers: readonly There[] = []): Answers {
  const of = (id: string, family: string | null, tier: string | null): Verdict =>
    decide({ kind: 'tool', tool: id, family, tier, account: 'unknown' }, policy, [], false, NOW);
  return {
    tools: tools.map(({ tool: id, family = null, tiers = [], present = true }): Tool => {
      const accounts = tiers.map(
        (tier): Account => ({ tier, organization: null, personal: null, source: '~/x', home: '~', verdict: of(id, family, tier) }),
      );
      const base = { id, family, name: id.toUpperCase(), vendor: '', category: 'chat', confidence: 'certain', present } as const;
      const lists = { surfaces: [], places: [], evidence: [], tiers: [], accounts };
      return {
        ...base,
        ...lists,
        running: false,
        firstSeen: '',
        lastSeen: '',
        note: null,
        verdict: accounts[0]?.verdict ?? of(id, family, null),
      };
    }),
    mcpServers: servers.map(({ name, npm = name, version = null, present = true }): McpServer => {
      const identity = { kind: 'npm', name: npm, version, launchHash: 'sha256:0' } as const;
      const risk = { score: 0, level: 'none', findings: [] } as const;
      const verdict = decide({ kind: 'mcp', name, identity, url: null, publisher: null, risk }, policy, [], false, NOW);
      const where = { client: 'cursor', scope: 'user', project: null, configPath: '~/x', home: '~', enabled: true } as const;
      const start = { transport: 'stdio', command: 'npx', args: [], url: null, publisher: null, pinned: false } as const;
      const rest = { autoApproved: [], reach: [], uncertain: false, secretNames: [], running: false, firstSeen: '', lastSeen: '' };
      return { id: `id-${name}`, name, ...where, ...start, ...rest, present, identity, risk, verdict };
    }),
  };
}
const used = (tool: string, frontS: number, runS: number, day = '2026-11-01'): UsageTotal => ({ tool, frontS, runS, day });
const run = (
  draft: Policy,
  tools: readonly Here[],
  servers: readonly There[] = [],
  usage: readonly UsageTotal[] = [],
  before: Policy | null = null,
) => simulate(under(before, tools, servers), under(draft, tools, servers), draft, usage, COUNTED);

const draft = policyOf({
  dataClasses: [
    { id: 'public', label: 'Public' },
    { id: 'internal', label: 'Internal' },
  ],
  tools: [
    { id: 't1', tool: 'chat', status: 'approved', dataClasses: ['public'] },
    { id: 't2', tool: 'cli', status: 'prohibited', mode: 'enforce', action: 'end-process' },
    { id: 't3', tool: 'gone', status: 'prohibited' },
    { id: 't4', tool: 'suite', tiers: ['business'], status: 'approved' },
  ],
  mcp: {
    rules: [
      { id: 'm1', match: { npm: 'files', versions: '>=2' }, status: 'approved' },
      { id: 'm2', match: { npm: 'nowhere' }, status: 'approved' },
      { id: 'm3', match: { riskAtLeast: 'critical' }, status: 'prohibited' },
    ],
  },
});
const here: Here[] = [{ tool: 'chat' }, { tool: 'cli' }, { tool: 'other' }, { tool: 'editor', family: 'suite', tiers: ['free'] }];

describe('a simulation', () => {
  it('tells from what to what, by which rule, with which data, and what would be stopped', () => {
    const { tools } = run(draft, here);
    const by = new Map(tools.map((one) => [one.tool, one]));
    expect(by.get('chat')).toMatchObject({
      changed: true,
      from: { status: 'unreviewed' },
      to: { status: 'conditional', rule: 't1', dataClasses: ['public'] },
      action: null,
    });
    expect(by.get('cli')).toMatchObject({ changed: true, to: { status: 'prohibited', mode: 'enforce' }, action: 'end-process' });
    expect(by.get('other')).toMatchObject({ changed: false, from: { status: 'unreviewed' }, to: { status: 'unreviewed', rule: null } });
    expect(by.get('editor')).toMatchObject({
      to: { status: 'wrong-tier', rule: 't4' },
      accounts: [{ tier: 'free', from: 'unreviewed', to: 'wrong-tier' }],
    });
  });

  it('counts other data under the same status as a change', () => {
    const wider = policyOf({
      ...JSON.parse(JSON.stringify({ dataClasses: draft.dataClasses })),
      tools: [{ id: 'x', tool: 'chat', status: 'approved', dataClasses: ['public', 'internal'] }],
    });
    const [chat] = run(wider, [{ tool: 'chat' }], [], [], draft).tools;
    expect(chat).toMatchObject({
      changed: true,
      from: { status: 'conditional' },
      to: { status: 'conditional', dataClasses: ['public', 'internal'] },
    });
  });

  it('weighs by the time in front, and what is never in front by how long it ran', () => {
    const usage = [
      used('chat', 600, 9000),
      used('chat', 300, 0, '2026-11-02'),
      used('other', 100, 100),
      used('cli', 0, 50),
      used('daemon', 0, 150),
    ];
    const { tools, changedUse, unused } = run(draft, here, [], usage);
    const use = new Map(tools.map((one) => [one.tool, one.use]));
    expect(use.get('chat')).toEqual({ by: 'front', seconds: 900, days: 2, share: 0.9 });
    expect(use.get('other')).toEqual({ by: 'front', seconds: 100, days: 1, share: 0.1 });
    expect(use.get('cli')).toEqual({ by: 'run', seconds: 50, days: 1, share: 0.25 });
    expect(use.get('editor')).toBeNull();
    expect(changedUse).toEqual({ front: 0.9, run: 0.25 });
    expect(unused.tools).toEqual([{ tool: 'editor', name: 'EDITOR' }]);
  });

  it('has no share where nothing was counted', () => {
    expect(run(draft, here, [], [used('chat', 0, 0)]).changedUse).toEqual({ front: null, run: null });
    expect(run(draft, here, [], [used('cli', 0, 5)]).changedUse).toEqual({ front: null, run: 1 });
  });

  it('names the rules that apply to nothing here, and whether their subject is here in another way', () => {
    const servers = [
      { name: 'files', version: '1.0.0' },
      { name: 'left', npm: 'nowhere', present: false },
    ];
    expect(run(draft, here, servers).unused.rules).toEqual([
      { rule: 't3', about: 'gone', why: 'absent' },
      { rule: 't4', about: 'suite', why: 'other' },
      { rule: 'm1', about: 'files', why: 'other' },
      { rule: 'm2', about: 'nowhere', why: 'absent' },
      { rule: 'm3', about: 'risk critical or worse', why: 'absent' },
    ]);
    const fitting = run(draft, [{ tool: 'editor', family: 'suite', tiers: [null] }], [{ name: 'files', version: null }]).unused.rules;
    expect(
      fitting.map(({ rule }) => rule),
      'what could not be read may be what it is about',
    ).toEqual(['t1', 't2', 't3', 'm2', 'm3']);
  });

  it('leaves out what is gone, and puts what changes first', () => {
    const { tools, mcpServers } = run(
      draft,
      [{ tool: 'other' }, { tool: 'cli', present: false }, { tool: 'chat' }],
      [{ name: 'files', version: '2.1.0' }],
    );
    expect(tools.map(({ tool }) => tool)).toEqual(['chat', 'other']);
    expect(mcpServers).toMatchObject([{ id: 'id-files', client: 'cursor', changed: true, to: { status: 'approved', rule: 'm1' } }]);
  });

  it('changes nothing where the draft is what is in force; shares add up to one', () => {
    const status = fc.constantFrom('approved', 'tolerated', 'unreviewed', 'prohibited');
    const rules = fc.array(
      fc.record({
        tool: fc.constantFrom('chat', 'cli', 'suite', 'gone'),
        status,
        tiers: fc.option(fc.constant(['business']), { nil: undefined }),
      }),
      { maxLength: 6 },
    );
    const seconds = fc.nat(100_000);
    const anyUsage = fc.array(
      fc.record({
        tool: fc.constantFrom('chat', 'cli', 'other', 'past'),
        day: fc.constantFrom('2026-11-01', '2026-11-02'),
        frontS: seconds,
        runS: seconds,
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(rules, anyUsage, (all, usage) => {
        const policy = policyOf({ tools: all.map((rule, index) => ({ id: `r${index}`, ...rule })) });
        const same = run(policy, here, [{ name: 'files' }], usage, policy);
        expect([...same.tools, ...same.mcpServers].filter(({ changed }) => changed)).toEqual([]);
        expect([same.changedUse.front ?? 0, same.changedUse.run ?? 0]).toEqual([0, 0]);

        const other = run(policy, [...here, { tool: 'past' }], [], usage);
        for (const by of ['front', 'run'] as const) {
          const counted = other.tools.filter(({ use }) => use?.by === by);
          if (counted.length > 0) expect(counted.reduce((sum, { use }) => sum + (use?.share ?? 0), 0)).toBeCloseTo(1);
          expect(other.changedUse[by] ?? 0).toBeLessThanOrEqual(1.000001);
        }
        const decided = new Set(other.tools.flatMap(({ to }) => to.rule ?? []));
        for (const { rule, why } of other.unused.rules) if (why === 'absent') expect(decided.has(rule)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
