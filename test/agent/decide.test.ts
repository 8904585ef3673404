/** The laws of deciding, each stated for any policy, and one row for each status. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide, type Grant, type Item, STRICTNESS, startedBy } from '../../agent/policy/decide.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import { parseVersion } from '../../agent/policy/version.ts';
import type { Verdict } from '../../electron/contract.ts';

const NOW = new Date('2026-11-22T09:00:00.000Z');
const LATER = '2027-04-30T00:00:00.000Z';
const EARLIER = '2026-03-01T00:00:00.000Z';

function policyOf(raw: object): Policy {
  const parsed = parsePolicy(JSON.stringify({ schema: 'muster.policy/1', rev: 1, ...raw }));
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  return parsed.policy;
}

const tool = (over: Partial<Item & { kind: 'tool' }> = {}): Item => ({
  kind: 'tool',
  tool: 'copilot-cli',
  family: 'github-copilot',
  tier: 'business',
  account: 'company',
  ...over,
});
const server = (over: Partial<Item & { kind: 'mcp' }> = {}): Item & { kind: 'mcp' } => ({
  kind: 'mcp',
  name: 'files',
  identity: { kind: 'npm', name: '@acme/files', version: '1.4.0', launchHash: 'sha256:0' },
  url: null,
  risk: { score: 0, level: 'none', findings: [] },
  ...over,
});
const remote = (url: string) => server({ url, identity: { kind: 'remote', name: url, version: null, launchHash: 'sha256:1' } });
const granted = (over: Partial<Grant> = {}): Grant => ({
  id: 'g1',
  tool: 'copilot-cli',
  status: 'approved',
  expiresAt: LATER,
  reason: 'Pilot',
  ...over,
});
const rank = (verdict: Verdict) => STRICTNESS.indexOf(verdict.status);

describe('each status', () => {
  const text = readFileSync(new URL('../fixtures/policy/acme.json', import.meta.url), 'utf8');
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  const { policy: acme } = parsed;
  const other = { tool: 'other', family: null };
  const byAccount = policyOf({
    tools: [
      { id: 'work', tool: 'copilot-cli', account: 'company', status: 'approved' },
      { id: 'own', tool: 'copilot-cli', account: 'personal', status: 'prohibited' },
      { id: 'fun', tool: 'hobby', account: 'personal', status: 'approved' },
    ],
  });
  const ofAcme = policyOf({
    mcp: {
      rules: [
        { id: 'p1', match: { publisher: '@acme' }, status: 'approved' },
        { id: 'p2', match: { publisher: 'github.com/other' }, status: 'prohibited' },
      ],
    },
  });

  type Row = [status: string, item: Item, policy: Policy | null, grants: Grant[], open: boolean, expected: Partial<Verdict>];
  const rows: Row[] = [
    [
      'approved',
      tool({ tool: 'ollama', family: null }),
      acme,
      [],
      false,
      { rule: 't3', reason: 'You may use it.', until: null, mode: 'monitor' },
    ],
    [
      'approved',
      tool(other),
      acme,
      [granted({ tool: 'other' })],
      false,
      { rule: 'g1', until: LATER, reason: 'You may use it until 30 April 2027.' },
    ],
    [
      'conditional',
      tool(),
      acme,
      [],
      false,
      {
        rule: 't1',
        clause: '2',
        dataClasses: ['public', 'internal'],
        conditions: 'Only in company repositories.',
        reason: 'You may use it with Public and Internal: Only in company repositories.',
      },
    ],
    [
      'wrong-tier',
      tool({ tier: 'free', account: 'personal', tierNames: { business: 'Business', free: 'Free' } }),
      acme,
      [],
      false,
      {
        rule: 't1',
        clause: '2',
        reason: 'Approved only on Business or enterprise, with an account of Acme, and this is Free; switch or ask for approval.',
      },
    ],
    ['wrong-tier', tool({ account: 'personal' }), acme, [], false, { rule: 't1' }],
    ['tier-unknown', tool({ tier: null, account: 'unknown' }), acme, [], false, { rule: 't1', clause: '2' }],
    ['pending', tool(other), acme, [], true, { reason: 'You have asked for it, and Acme IT has not answered yet.' }],
    [
      'tolerated',
      tool({ tool: 'grammarly', family: null }),
      acme,
      [],
      false,
      { rule: 't4', reason: 'Not recommended, and not stopped; Public only.' },
    ],
    [
      'unreviewed',
      tool(other),
      acme,
      [],
      false,
      {
        rule: null,
        clause: null,
        mode: 'monitor',
        reason: 'Nobody at Acme has looked at it yet; ask for approval or use an approved one.',
      },
    ],
    ['unreviewed', tool({ tool: 'dia', family: null }), acme, [], false, { rule: 't6', mode: 'warn' }],
    ['unreviewed', tool(), null, [], false, { rule: null, mode: 'warn', reason: 'Nobody has looked at it yet; ask for approval.' }],
    [
      'prohibited',
      tool({ tool: 'deepseek', family: null }),
      acme,
      [],
      true,
      { rule: 't2', clause: '2', mode: 'enforce', reason: 'Acme decided against it; use an approved one instead.' },
    ],
    [
      'prohibited',
      tool({ tool: 'otter', family: null }),
      acme,
      [],
      false,
      { reason: 'Acme decided against it: It records people who did not agree.' },
    ],
    [
      'expired',
      tool(other),
      acme,
      [granted({ tool: 'other', expiresAt: EARLIER })],
      false,
      { rule: null, reason: 'Your approval ended on 1 March 2026; ask again or use an approved one.' },
    ],
    // What ended was for a tier that this account is not on: it has nothing to do with it.
    [
      'unreviewed',
      tool({ ...other, tier: 'free' }),
      acme,
      [granted({ tool: 'other', tiers: ['business'], expiresAt: EARLIER })],
      false,
      { rule: null },
    ],
    [
      'approved',
      server({ identity: { kind: 'npm', name: '@modelcontextprotocol/server-filesystem', version: '2025.8.21', launchHash: '' } }),
      acme,
      [],
      false,
      { rule: 'm1' },
    ],
    [
      'unreviewed',
      server({ identity: { kind: 'npm', name: '@modelcontextprotocol/server-filesystem', version: '0.6.2', launchHash: '' } }),
      acme,
      [],
      false,
      { rule: 'm1', reason: 'Approved in the versions >=2025.0.0 only, and this is another; change the version or ask for approval.' },
    ],
    [
      'unreviewed',
      server({ identity: { kind: 'npm', name: '@modelcontextprotocol/server-filesystem', version: null, launchHash: '' } }),
      acme,
      [],
      false,
      {
        reason:
          'Approved in the versions >=2025.0.0 only, and this one is not pinned to a version; change the version or ask for approval.',
      },
    ],
    ['approved', remote('https://MCP.sentry.dev/mcp'), acme, [], false, { rule: 'm2' }],
    ['unreviewed', remote('https://mcp.sentry.dev.evil.example/mcp'), acme, [], false, { rule: null }],
    [
      'conditional',
      server({ identity: { kind: 'pypi', name: 'mcp-server-git', version: null, launchHash: '' } }),
      acme,
      [],
      false,
      { rule: 'm4', reason: 'You may use it: Only on copies of repositories.' },
    ],
    [
      'unreviewed',
      server({ identity: { kind: 'npm', name: 'mcp-server-git', version: null, launchHash: '' } }),
      acme,
      [],
      false,
      { rule: null },
    ],
    ['prohibited', server({ risk: { score: 95, level: 'critical', findings: [] } }), acme, [], true, { rule: 'm3', mode: 'enforce' }],
    ['approved', server(), acme, [granted({ tool: undefined as never, mcp: 'npm:@acme/files' })], false, { rule: 'g1' }],
    ['unreviewed', server(), acme, [granted({ tool: undefined as never, mcp: 'files' })], false, { rule: null }],
    [
      'wrong-tier',
      tool({ account: 'personal' }),
      acme,
      [],
      false,
      {
        reason:
          'Approved only on business or enterprise, with an account of Acme, and this is a personal account; switch or ask for approval.',
        assurance: { training: 'no', dpa: true, residency: 'EU', reviewedBy: 'Legal, 2026-10' },
        reviewBy: '2027-02-01',
      },
    ],
    [
      'tier-unknown',
      tool({ tier: null, tierNames: { enterprise: 'Enterprise' } }),
      acme,
      [],
      false,
      {
        reason:
          'Approved only on business or Enterprise, with an account of Acme, and which account this is could not be read; check it or ask for approval.',
      },
    ],
    ['prohibited', tool({ account: 'personal' }), byAccount, [], false, { rule: 'own' }],
    ['approved', tool({ account: 'company' }), byAccount, [], false, { rule: 'work' }],
    [
      'tier-unknown',
      tool({ account: 'unknown' }),
      byAccount,
      [],
      false,
      { reason: 'Approved only with a work account, and which account this is could not be read; check it or ask for approval.' },
    ],
    [
      'wrong-tier',
      tool({ tool: 'hobby', account: 'company' }),
      byAccount,
      [],
      false,
      { reason: 'Approved only with a personal account, and this is a work account; switch or ask for approval.' },
    ],
    ['approved', server({ publisher: '@acme' }), ofAcme, [], false, { rule: 'p1' }],
    ['approved', server({ publisher: '@Acme' }), ofAcme, [], false, { rule: 'p1' }],
    ['unreviewed', server({ publisher: '@acme-evil' }), ofAcme, [], false, { rule: null }],
    ['unreviewed', server({ publisher: null }), ofAcme, [], false, { rule: null }],
    ['unreviewed', server(), ofAcme, [], false, { rule: null }],
    [
      'prohibited',
      server({ publisher: 'github.com/other', identity: { kind: 'go', name: 'github.com/other/x', version: null, launchHash: '' } }),
      ofAcme,
      [],
      false,
      { rule: 'p2' },
    ],
    ['expired', server(), acme, [granted({ tool: undefined as never, mcp: '@acme/files', expiresAt: EARLIER })], false, { rule: null }],
  ];
  it.each(rows)('%s (%#)', (status, item, policy, grants, open, expected) => {
    expect(decide(item, policy, grants, open, NOW)).toMatchObject({ status, ...expected });
  });

  it('has a row for every status', () => {
    expect(new Set(rows.map(([status]) => status))).toEqual(new Set(STRICTNESS));
  });
});

describe('tiers that hang together', () => {
  const status = (tools: object[], item: Partial<Item & { kind: 'tool' }>, more: object = {}, grants: Grant[] = []) =>
    decide(tool(item), policyOf({ tools, ...more }), grants, false, NOW).status;
  const approveBusiness = { id: 'a', tool: 'copilot-cli', tiers: ['business'], status: 'approved' };

  it('lets an entry with a condition speak before its family', () => {
    const family = { id: 'b', tool: 'github-copilot', status: 'approved' };
    expect(status([approveBusiness, family], { tier: 'free' })).toBe('wrong-tier');
    expect(status([approveBusiness, { ...family, status: 'prohibited' }], { tier: 'free' })).toBe('prohibited');
    expect(status([family], { tier: 'free' })).toBe('approved');
  });
  it('lets a rule without a condition speak for every other tier', () => {
    expect(status([approveBusiness, { id: 'b', tool: 'copilot-cli', status: 'tolerated' }], { tier: 'free' })).toBe('tolerated');
    expect(status([approveBusiness, { id: 'b', tool: 'copilot-cli', status: 'prohibited' }], { tier: 'free' })).toBe('prohibited');
    expect(status([approveBusiness, { id: 'b', tool: 'copilot-cli', status: 'prohibited' }], { tier: null })).toBe('tier-unknown');
  });
  it('is sure only where every tier has the same answer', () => {
    const approved = { id: 'b', tool: 'copilot-cli', status: 'approved' };
    const freeNot = { id: 'c', tool: 'copilot-cli', tiers: ['free'], status: 'prohibited' };
    const freePublic = { id: 'c', tool: 'copilot-cli', tiers: ['free'], status: 'approved', dataClasses: ['public'] };
    const more = { dataClasses: [{ id: 'public', label: 'Public' }] };
    expect(status([approved, freeNot], { tier: null })).toBe('tier-unknown');
    expect(status([approved, freeNot], { tier: 'business' })).toBe('approved');
    expect(status([approved, freePublic], { tier: null }, more)).toBe('tier-unknown');
    expect(status([freeNot], { tier: null })).toBe('unreviewed');
  });
  it('tells whom a grant for another tier is for', () => {
    expect(status([], { tier: 'free' }, {}, [granted({ tiers: ['business'] })])).toBe('wrong-tier');
    expect(status([], { tier: null }, {}, [granted({ tiers: ['business'] })])).toBe('tier-unknown');
    expect(status([], { tier: 'free' }, { stance: 'prohibited' }, [granted({ tiers: ['business'] })])).toBe('prohibited');
  });
});

// ── Any policy ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const TIERS = ['free', 'pro', 'business'];
const CLASSES = ['public', 'internal', 'confidential'];
const statuses = fc.constantFrom('approved', 'conditional', 'tolerated', 'unreviewed', 'prohibited');
const subset = (of: readonly string[]) => fc.option(fc.uniqueArray(fc.constantFrom(...of), { minLength: 1 }), { nil: undefined });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const modes = optional(fc.constantFrom('monitor', 'warn', 'enforce'));
const targets = fc.constantFrom('copilot-cli', 'github-copilot', 'elsewhere');

const toolRule = fc.record({
  tool: targets,
  status: statuses,
  tiers: subset(TIERS),
  account: optional(fc.constantFrom('company', 'personal')),
  dataClasses: subset(CLASSES),
  conditions: optional(fc.constantFrom('Only at work!', 'Never with customers')),
  mode: modes,
  reason: optional(fc.constant('It trains on what goes in')),
  assurance: optional(fc.constantFrom({}, { training: 'no', dpa: true })),
  reviewBy: optional(fc.constantFrom('2026-01-01', '2028-01-01')),
});
const matches = fc.oneof(
  fc.record({
    npm: fc.constantFrom('@acme/files', 'other'),
    versions: optional(fc.constantFrom('>=1.2.0', '<1', '^1.4', '1.x || 3.x', '*')),
  }),
  fc.record({ url: fc.constantFrom('https://mcp.acme.example/*', 'https://*.acme.example/a*b', 'https://mcp.acme.example/a') }),
  fc.record({ publisher: fc.constantFrom('@acme', 'github.com/acme') }),
);
const risks = fc.constantFrom('low', 'medium', 'high', 'critical');
const serverRule = fc.oneof(
  fc.record({ match: matches, status: statuses, dataClasses: subset(CLASSES), mode: modes }),
  fc.record({
    match: fc.oneof(
      fc.record({ riskAtLeast: risks }),
      fc.tuple(matches, risks).map(([match, riskAtLeast]) => ({ ...match, riskAtLeast })),
    ),
    status: fc.constantFrom('unreviewed', 'prohibited'),
    mode: modes,
  }),
);
const numbered = (letter: string) => (rules: object[]) => rules.map((rule, index) => ({ id: `${letter}${index}`, ...rule }));
const stances = fc.constantFrom('unreviewed', 'tolerated', 'prohibited');
const rawPolicy = fc.record({
  organization: optional(fc.constant({ name: 'Acme' })),
  stance: stances,
  mode: fc.constantFrom('monitor', 'warn', 'enforce'),
  dataClasses: fc.constant(CLASSES.map((id) => ({ id, label: id }))),
  tools: fc.array(toolRule, { maxLength: 6 }).map(numbered('t')),
  mcp: fc.record({ stance: stances, rules: fc.array(serverRule, { maxLength: 6 }).map(numbered('m')) }),
});
type Raw = typeof rawPolicy extends fc.Arbitrary<infer T> ? T : never;
const anyGrant = fc.record({
  tool: optional(targets),
  mcp: optional(fc.constantFrom('@acme/files', 'npm:@acme/files', 'other')),
  tiers: subset(TIERS),
  status: fc.constantFrom('approved', 'conditional', 'prohibited', 'tolerated'),
  dataClasses: subset([...CLASSES, 'gone']),
  expiresAt: fc.constantFrom(LATER, EARLIER, '2028-01-01', 'not a date', NOW.toISOString()),
  reason: fc.constant('Pilot'),
});
const anyGrants = fc.array(anyGrant, { maxLength: 4 }).map(numbered('g')) as unknown as fc.Arbitrary<Grant[]>;
const anyTool = fc.record({
  kind: fc.constant('tool' as const),
  tool: fc.constant('copilot-cli'),
  family: fc.constantFrom('github-copilot', null),
  tier: fc.constantFrom(...TIERS, 'enterprise', null),
  account: fc.constantFrom('company', 'personal', 'unknown'),
});
const anyServer = fc.record({
  kind: fc.constant('mcp' as const),
  name: fc.constant('files'),
  identity: fc.record({
    kind: fc.constantFrom('npm', 'remote', 'unknown'),
    name: fc.constant('@acme/files'),
    version: fc.constantFrom('1.4.0', '0.9.0-beta.1', 'latest', null),
    launchHash: fc.constant(''),
  }),
  publisher: fc.constantFrom(null, '@acme', 'other'),
  url: fc.constantFrom(null, 'https://mcp.acme.example/axxb', 'https://mcp.acme.example', 'https://mcp.acme.example/a', 'nonsense'),
  risk: fc.constantFrom('none', 'medium', 'critical').map((level) => ({ score: 0, level, findings: [] })),
});
const anyItem = fc.oneof(anyTool, anyServer) as fc.Arbitrary<Item>;
const RUNS = { numRuns: 500 };

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
  }
  return value;
}
const withRule = (raw: Raw, list: 'tools' | 'mcp', rule: object): Raw =>
  list === 'tools'
    ? ({ ...raw, tools: [...raw.tools, { id: 'added', ...rule }] } as Raw)
    : ({ ...raw, mcp: { ...raw.mcp, rules: [...raw.mcp.rules, { id: 'added', ...rule }] } } as Raw);

describe('any policy', () => {
  it('always gets an answer in one calm sentence, and the same one again', () => {
    fc.assert(
      fc.property(anyItem, fc.option(rawPolicy), anyGrants, fc.boolean(), (item, raw, grants, open) => {
        const policy = frozen(raw && policyOf(raw));
        const verdict = decide(frozen(item), policy, frozen(grants), open, NOW);
        expect(STRICTNESS).toContain(verdict.status);
        expect(verdict.reason).toMatch(/^[A-Z][^!\n]*\.$/);
        expect(decide(structuredClone(item), structuredClone(policy), structuredClone(grants), open, new Date(NOW))).toEqual(verdict);
      }),
      RUNS,
    );
  });

  it('does not depend on the order of rules and grants', () => {
    const shuffled = rawPolicy.chain((raw) =>
      fc.tuple(
        fc.constant(raw),
        fc.shuffledSubarray(raw.tools, { minLength: raw.tools.length }),
        fc.shuffledSubarray(raw.mcp.rules, { minLength: raw.mcp.rules.length }),
      ),
    );
    fc.assert(
      fc.property(anyItem, shuffled, anyGrants, fc.boolean(), (item, [raw, tools, rules], grants, open) => {
        const other = { ...raw, tools, mcp: { ...raw.mcp, rules } };
        expect(decide(item, policyOf(other), [...grants].reverse(), open, NOW)).toEqual(decide(item, policyOf(raw), grants, open, NOW));
      }),
      RUNS,
    );
  });

  it('is never loosened by one prohibition more', () => {
    const addition = fc.oneof(
      fc.record({
        to: fc.constant('tools' as const),
        rule: fc.record({
          tool: targets,
          status: fc.constant('prohibited'),
          tiers: subset(TIERS),
          account: optional(fc.constantFrom('company', 'personal')),
        }),
      }),
      fc.record({
        to: fc.constant('mcp' as const),
        rule: fc.record({ match: fc.oneof(matches, fc.record({ riskAtLeast: risks })), status: fc.constant('prohibited') }),
      }),
      fc.record({ to: fc.constant('grants' as const), rule: anyGrant.map((grant) => ({ ...grant, status: 'prohibited' })) }),
    );
    fc.assert(
      fc.property(anyItem, rawPolicy, anyGrants, fc.boolean(), addition, (item, raw, grants, open, { to, rule }) => {
        const before = decide(item, policyOf(raw), grants, open, NOW);
        const after =
          to === 'grants'
            ? decide(item, policyOf(raw), [...grants, { id: 'added', ...rule } as unknown as Grant], open, NOW)
            : decide(item, policyOf(withRule(raw, to, rule)), grants, open, NOW);
        expect(rank(after), `${before.status} became ${after.status}`).toBeGreaterThanOrEqual(rank(before));
      }),
      { numRuns: 1500 },
    );
  });

  it('changes nothing but the word when a grant has ended', () => {
    const ended = fc
      .array(anyGrant, { minLength: 1, maxLength: 3 })
      .map((grants) => grants.map((grant, index) => ({ ...grant, id: `e${index}`, expiresAt: EARLIER }))) as unknown as fc.Arbitrary<
      Grant[]
    >;
    let changed = 0;
    fc.assert(
      fc.property(anyItem, fc.option(rawPolicy), anyGrants, ended, (item, raw, grants, old) => {
        const running = grants.filter(({ expiresAt }) => Date.parse(expiresAt) > NOW.getTime());
        const policy = raw && policyOf(raw);
        const without = decide(item, policy, running, false, NOW);
        const having = decide(item, policy, [...running, ...old], false, NOW);
        expect({ ...having, status: '', reason: '' }).toEqual({ ...without, status: '', reason: '' });
        if (having.status === without.status) expect(having).toEqual(without);
        else {
          changed++;
          expect(having.status).toBe('expired');
          expect(['unreviewed', 'wrong-tier', 'tier-unknown']).toContain(without.status);
        }
      }),
      RUNS,
    );
    expect(changed).toBeGreaterThan(0);
  });

  it('shows a request only in place of a status that asks for one', () => {
    fc.assert(
      fc.property(anyItem, fc.option(rawPolicy), anyGrants, (item, raw, grants) => {
        const policy = raw && policyOf(raw);
        const closed = decide(item, policy, grants, false, NOW);
        const open = decide(item, policy, grants, true, NOW);
        if (['unreviewed', 'wrong-tier', 'tier-unknown', 'expired'].includes(closed.status)) {
          expect(open).toEqual({ ...closed, status: 'pending', reason: open.reason });
        } else expect(open).toEqual(closed);
      }),
      RUNS,
    );
  });
});

/** Each step of the line, from the most specific, as words that fit `tool()` and `server()`. */
const toolLine = [
  (status: string) => ({ grant: { tool: 'copilot-cli', tiers: ['business'], status } }),
  (status: string) => ({ grant: { tool: 'copilot-cli', status } }),
  (status: string) => ({ grant: { tool: 'github-copilot', status } }),
  (status: string) => ({ rule: { tool: 'copilot-cli', tiers: ['business'], status } }),
  (status: string) => ({ rule: { tool: 'copilot-cli', status } }),
  (status: string) => ({ rule: { tool: 'github-copilot', account: 'company', status } }),
  (status: string) => ({ rule: { tool: 'github-copilot', status } }),
];
const serverLine = [
  (status: string) => ({ grant: { mcp: '@acme/files', status } }),
  (status: string) => ({ rule: { match: { npm: '@acme/files', versions: '^1.2' }, status } }),
  (status: string) => ({ rule: { match: { npm: '@acme/files' }, status } }),
  (status: string) => ({ rule: { match: { url: 'https://mcp.acme.example/*' }, status } }),
  (status: string) => ({ rule: { match: { publisher: '@acme' }, status } }),
  (status: string) => ({ rule: { match: { riskAtLeast: 'low' }, status: status === 'prohibited' ? status : 'unreviewed' } }),
];

describe.each([
  ['tools', toolLine, tool()],
  ['mcp', serverLine, server({ url: 'https://mcp.acme.example/x', publisher: '@acme', risk: { score: 5, level: 'low', findings: [] } })],
] as const)('the line of %s', (list, line, item) => {
  const said = fc.array(fc.record({ step: fc.nat(line.length - 1), status: fc.constantFrom('approved', 'tolerated', 'prohibited') }), {
    minLength: 1,
    maxLength: 6,
  });
  const verdictOf = (all: { step: number; status: string }[]) => {
    const words = all.map(
      ({ step, status }, index) => ({ id: `${step}-${index}`, ...line[step]?.(status) }) as { id: string; grant?: object; rule?: object },
    );
    const rules = words.filter(({ rule }) => rule).map(({ id, rule }) => ({ id, ...rule }));
    const grants = words
      .filter(({ grant }) => grant)
      .map(({ id, grant }) => ({ id, expiresAt: LATER, reason: '', ...grant }) as unknown as Grant);
    return decide(item, policyOf(list === 'tools' ? { tools: rules } : { mcp: { rules } }), grants, false, NOW);
  };

  it('is decided by its most specific word', () => {
    fc.assert(
      fc.property(said, (all) => {
        const first = Math.min(...all.map(({ step }) => step));
        expect(verdictOf(all).rule?.split('-')[0]).toBe(String(first));
        expect(verdictOf(all).status).toBe(verdictOf(all.filter(({ step }) => step === first)).status);
      }),
    );
  });
  it('is decided by the strictest among equals', () => {
    fc.assert(
      fc.property(said, (all) => {
        const same = all.map((word) => ({ ...word, step: all[0]?.step ?? 0 }));
        expect(rank(verdictOf(same))).toBe(Math.max(...same.map((word) => rank(verdictOf([word])))));
      }),
    );
  });
});

describe('versions', () => {
  it.each([
    ['>=1.2.3', ['1.2.3', '1.10.0', 'v2'], ['1.2.2', '1.2.3-beta.1']],
    ['<2', ['1.99.99'], ['2.0.0', '2.0.0-beta']],
    ['1.x', ['1.0.0', '1.9'], ['2.0.0', '0.9', '2.0.0-rc.1']],
    ['1.2', ['1.2.0', '1.2.9'], ['1.3.0']],
    ['1.2.3', ['1.2.3', '1.2.3+build'], ['1.2.4', '1.2.3-rc1']],
    ['^1.2.3', ['1.2.3', '1.9.0'], ['1.2.2', '2.0.0']],
    ['^0.2.3', ['0.2.9'], ['0.3.0']],
    ['^0.0.3', ['0.0.3'], ['0.0.4']],
    ['~1.2.3', ['1.2.9'], ['1.3.0']],
    ['~1', ['1.9'], ['2.0']],
    ['>1.2', ['1.3.0'], ['1.2.9']],
    ['<=1.2', ['1.2.9'], ['1.3.0']],
    ['>= 1.0, < 1.5', ['1.4.9'], ['1.5', '0.9']],
    ['==2.0.*', ['2.0.7'], ['2.1']],
    ['==2.0', ['2.0', '2.0.0'], ['2.0.1', '2.0rc1']],
    ['<1 || >=3', ['0.9', '3'], ['2']],
    ['*', ['0.0.1', '9'], []],
  ])('%s', (versions, inside, outside) => {
    const policy = policyOf({ mcp: { rules: [{ id: 'm', match: { npm: '@acme/files', versions }, status: 'approved' }] } });
    const statusOf = (version: string) =>
      decide(server({ identity: { kind: 'npm', name: '@acme/files', version, launchHash: '' } }), policy, [], false, NOW).status;
    for (const version of inside) expect([version, statusOf(version)]).toEqual([version, 'approved']);
    for (const version of outside) expect([version, statusOf(version)]).toEqual([version, 'unreviewed']);
  });

  it('reads a version or says that it is none', () => {
    for (const text of ['latest', 'sha256:abc', '^1.2', '', '1..2', 'x', '1.2.3.4.5.6.7.8', '9'.repeat(40)])
      expect(parseVersion(text)).toBeNull();
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => void parseVersion(text)));
  });

  it('does not let an unpinned package past a prohibited range', () => {
    const rules = [
      { id: 'm1', match: { npm: '@acme/files' }, status: 'approved' },
      { id: 'm2', match: { npm: '@acme/files', versions: '<1.3' }, status: 'prohibited' },
    ];
    const at = (version: string | null) =>
      decide(
        server({ identity: { kind: 'npm', name: '@acme/files', version, launchHash: '' } }),
        policyOf({ mcp: { rules } }),
        [],
        false,
        NOW,
      ).status;
    expect([at('1.4.0'), at('1.2.0'), at(null)]).toEqual(['approved', 'prohibited', 'unreviewed']);
  });
});

describe('what was approved, and is another now', () => {
  const policy = policyOf({ mcp: { rules: [{ id: 'm', match: { publisher: '@acme' }, status: 'approved', pin: 'launch' }] } });
  const before = server({ publisher: '@acme', command: 'npx', args: ['@acme/files@1.4.0'] });
  const having = (over: Partial<Item & { kind: 'mcp' }>, identity: Partial<typeof before.identity> = {}) =>
    decide(
      {
        ...before,
        ...over,
        identity: { ...before.identity, launchHash: 'sha256:other', ...identity },
        approved: { rule: 'm', launchHash: before.identity.launchHash, started: startedBy(before) },
      },
      policy,
      [],
      false,
      NOW,
    );
  it.each<[what: string, verdict: () => Verdict, says: string]>([
    ['package', () => having({}, { name: '@acme/shell' }), 'It was “@acme/files” when it was approved, and is “@acme/shell” now'],
    ['version', () => having({}, { version: '1.5.0' }), 'It was version “1.4.0” when it was approved, and is version “1.5.0” now'],
    ['pin', () => having({}, { version: null }), 'It was version “1.4.0” when it was approved, and is no fixed version now'],
    ['address', () => having({ url: 'https://a.example/' }), 'Its address was none when it was approved, and is “https://a.example/” now'],
    ['command', () => having({ command: 'bunx' }), 'Its command was “npx” when it was approved, and is “bunx” now'],
    ['arguments', () => having({ args: ['@acme/files@1.4.0', '/'] }), 'Its arguments have changed since it was approved'],
    ['variable', () => having({}), 'A variable or the folder that it starts with has changed since it was approved'],
  ])('is told by its %s', (_, verdict, says) => {
    expect(verdict()).toMatchObject({ status: 'unreviewed', rule: 'm', reason: `${says}; change it back or ask for approval again.` });
  });

  it('is told in general where only the hash was kept', () => {
    const item = { ...before, approved: { rule: 'm', launchHash: 'sha256:other' } };
    expect(decide(item, policy, [], false, NOW).reason).toMatch(/^What it starts or calls has changed since/);
  });

  it('takes no text from outside over into the sentence that could act there', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(hostile, hostile, (name, command) => {
        const { reason } = having({ command, url: name }, { name, version: command });
        expect(reason).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
        expect([...reason].length).toBeLessThan(300);
      }),
      { numRuns: 50 },
    );
  });
});
