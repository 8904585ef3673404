/** A drafted policy: it holds whatever was seen, proposes only what was seen, and the starter in it makes no wish. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, backing } from '../../agent/policy/backing.ts';
import { checkPolicy } from '../../agent/policy/check.ts';
import { decide } from '../../agent/policy/decide.ts';
import { draftPolicy, type Seen } from '../../agent/policy/draft/draft.ts';
import { STARTER_CLAUSES } from '../../agent/policy/draft/starter.ts';
import { writeDraft } from '../../agent/policy/draft/write.ts';
import { type Policy, parsePolicy } from '../../agent/policy/policy.ts';
import { knownTools, loadCatalog } from '../../agent/session.ts';
import type { Account, McpServer, Tool, Verdict } from '../../electron/contract.ts';

const NOW = new Date('2026-11-22T09:00:00.000Z');
const TODAY = '2026-11-22';
const catalog = loadCatalog();
const known = knownTools(catalog);
const NOTHING = { built: new Set<Action>(), allowed: new Set<Action>() };

const verdict: Verdict = {
  status: 'unreviewed',
  reason: 'Nobody has looked at it yet.',
  rule: null,
  clause: null,
  dataClasses: [],
  conditions: null,
  until: null,
  mode: 'warn',
};
const account = (tier: string | null, personal: boolean | null): Account => ({
  tier,
  organization: null,
  personal,
  source: '~/x',
  home: '~',
  verdict,
});
const tool = (id: string, over: Partial<Tool> = {}): Tool => {
  const family = catalog.entries.get(id)?.family ?? null;
  const tiers = ((family && catalog.families.get(family)?.tiers) || []).map(({ id: tier, name, trains }) => ({ id: tier, name, trains }));
  return {
    id,
    family,
    name: catalog.entries.get(id)?.name ?? id,
    vendor: '',
    category: 'chat',
    confidence: 'certain',
    present: true,
    running: false,
    firstSeen: '',
    lastSeen: '',
    surfaces: [],
    places: [],
    evidence: [],
    accounts: [],
    tiers,
    note: null,
    verdict,
    ...over,
  };
};
const server = (name: string, identity: Partial<McpServer['identity']>, over: Partial<McpServer> = {}): McpServer => ({
  id: name,
  client: 'cursor',
  name,
  scope: 'user',
  project: null,
  configPath: '~/.cursor/mcp.json',
  home: '~',
  enabled: true,
  transport: 'stdio',
  command: 'npx',
  args: [],
  url: null,
  publisher: null,
  pinned: false,
  autoApproved: [],
  reach: [],
  uncertain: false,
  secretNames: [],
  running: false,
  present: true,
  firstSeen: '',
  lastSeen: '',
  identity: { kind: 'npm', name, version: null, launchHash: 'sha256:0', ...identity },
  risk: { score: 0, level: 'none', findings: [] },
  verdict,
  ...over,
});
const seen = (over: Partial<Seen>): Seen => ({ tools: [], mcpServers: [], used: new Set(), ...over });
const read = (from: Seen | null): Policy => {
  const parsed = parsePolicy(writeDraft(draftPolicy(from, TODAY), ['A head.']), known);
  if (!parsed.ok) throw new Error(parsed.issues.join('\n'));
  expect(parsed.warnings).toEqual([]);
  return parsed.policy;
};

describe('the starter', () => {
  const policy = read(null);
  it('has the eight sections, each backed by what is real in its mode or by people who are named', () => {
    expect(policy.clauses.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    const clauses = backing(policy, NOTHING);
    expect(clauses.filter(({ standing }) => standing === 'wish')).toEqual([]);
    expect(clauses.flatMap(({ controls }) => controls).filter(({ real }) => !real)).toEqual([]);
    for (const { standing, byPeople } of clauses) if (standing === 'people') expect(byPeople).toMatch(/each|every|within/);
  });

  it('leaves nothing to mend but whose it is', () => {
    const text = writeDraft(draftPolicy(null, TODAY), []);
    const { ok, warnings } = checkPolicy(text, known, NOTHING, NOW);
    expect(ok).toBe(true);
    expect(warnings).toEqual([
      expect.stringMatching(/organization\.name: this is the draft’s own text; put your organization’s name\.$/),
      expect.stringMatching(/organization\.contact: this is the draft’s own text; say whom people write to\.$/),
    ]);
  });

  it('is short and in plain words', () => {
    const text = STARTER_CLAUSES.map((clause) => clause.text).join(' ');
    expect(text.split(/\s+/).length).toBeLessThan(650);
    expect(text).not.toMatch(/violation|rogue|shadow|detected|complian|risk user|shall|herein|pursuant|please|!/i);
    for (const clause of STARTER_CLAUSES)
      for (const sentence of clause.text.split(/(?<=[.:;])\s/)) expect(sentence.split(' ').length).toBeLessThan(40);
  });

  it('stands in docs/ as the command prints it', () => {
    const docs = parsePolicy(readFileSync(new URL('../../docs/starter-policy.jsonc', import.meta.url), 'utf8'), known);
    const remedy = 'write it anew: npm run -s muster -- policy draft --starter > docs/starter-policy.jsonc, then npm run format';
    expect(docs.ok && { ...docs.policy, acknowledge: null }, remedy).toEqual({ ...policy, acknowledge: null });
  });
});

describe('a draft', () => {
  it('proposes each tool with the tiers that were seen, and goes on allowing what is used with public data', () => {
    const cursor = tool('cursor', { accounts: [account('pro', true), account(null, null)] });
    const policy = read(seen({ tools: [cursor, tool('ollama')], used: new Set(['cursor']) }));
    expect(policy.mode).toBe('monitor');
    expect(policy.tools).toMatchObject([
      { id: 't1', tool: 'cursor', tiers: ['pro'], status: 'tolerated', dataClasses: ['public'], clause: '2' },
      { id: 't2', tool: 'ollama', status: 'unreviewed', clause: '2' },
    ]);
    expect(policy.tools[0]?.note).toMatch(/^Proposed: Cursor, used in the last 30 days; seen on .+; also with a personal account/);
    expect(policy.tools[1]?.tiers).toBeUndefined();
    expect(policy.tools[1]?.note).toMatch(/not used in the last 30 days; the tier could not be read/);
  });

  it('makes one rule of a product that is here in several tools', () => {
    const policy = read(seen({ tools: [tool('claude-code'), tool('claude-desktop'), tool('cursor')] }));
    expect(policy.tools.map((rule) => rule.tool)).toEqual(['claude', 'cursor']);
  });

  it('leaves out what is gone, and what is a mere trace', () => {
    const tools = [tool('cursor', { present: false }), tool('ollama', { confidence: 'possible' })];
    expect(read(seen({ tools, mcpServers: [server('x', {}, { present: false })] }))).toMatchObject({
      tools: [],
      mcp: { rules: [{ id: 'critical-risk' }] },
    });
  });

  it('names servers by what they are, once each, and says which can’t be named', () => {
    const mcpServers = [
      server('a', { name: '@acme/files' }, { secretNames: ['TOKEN'], risk: { score: 34, level: 'medium', findings: [] } }),
      server('b', { name: '@acme/files' }, { id: 'b2', client: 'claude-code' }),
      server('c', { kind: 'remote', name: 'mcp.acme.example/x' }, { url: 'https://mcp.acme.example/x', transport: 'http' }),
      server('d', { kind: 'script', name: '/srv/x.py' }),
      server('e', { kind: 'remote', name: 'ws' }, { url: 'ws://mcp.acme.example/x', transport: 'ws' }),
    ];
    const { policy, leftOut } = draftPolicy(seen({ mcpServers }), TODAY);
    expect(policy.mcp?.rules?.map(({ match, note }) => [match, note])).toEqual([
      [{ npm: '@acme/files' }, 'Proposed: in claude-code, cursor; risk 34 of 100; not fixed to a version; uses secrets.'],
      [{ url: 'https://mcp.acme.example/*' }, 'Proposed: in cursor; not fixed to a version.'],
      [{ riskAtLeast: 'critical' }, expect.anything()],
    ]);
    expect(leftOut).toEqual([
      'd in cursor is a script of this computer that no rule can name; the stance decides about it.',
      'e in cursor is at an address that no rule can name; the stance decides about it.',
    ]);
    expect(read(seen({ mcpServers })).mcp.rules).toHaveLength(3);
  });

  it('holds whatever was seen, and its rules are about just that', () => {
    const ids = fc.constantFrom(...catalog.entries.keys());
    const anyTool = fc
      .tuple(ids, fc.constantFrom('certain', 'likely', 'possible'), fc.boolean(), fc.nat(9), fc.option(fc.boolean()))
      .map(([id, confidence, present, tier, personal]) => {
        const base = tool(id, { confidence, present });
        return { ...base, accounts: tier > 5 ? [] : [account(base.tiers[tier]?.id ?? null, personal)] };
      });
    const name = fc.oneof(
      fc.string({ maxLength: 150 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('@acme/files', '*', ''),
    );
    const anyServer = fc
      .tuple(name, name, fc.constantFrom('npm', 'pypi', 'oci', 'go', 'remote', 'script', 'binary', 'unknown'), fc.option(name), fc.nat(99))
      .map(([id, of, kind, url, score]) =>
        server(id, { kind, name: of }, { url: url === null ? null : `https://${url}`, risk: { score, level: 'low', findings: [] } }),
      );
    fc.assert(
      fc.property(fc.array(anyTool, { maxLength: 6 }), fc.array(anyServer, { maxLength: 6 }), (found, mcpServers) => {
        const tools = [...new Map(found.map((one) => [one.id, one])).values()];
        const policy = read(seen({ tools, mcpServers, used: new Set(tools.slice(0, 2).map(({ id }) => id)) }));
        for (const { id, family, present, confidence, accounts } of tools) {
          const item = { kind: 'tool', tool: id, family, tier: accounts[0]?.tier ?? null, account: 'unknown' } as const;
          const said = decide(item, policy, [], false, NOW);
          expect(['tolerated', 'unreviewed']).toContain(said.status);
          if (present && confidence !== 'possible' && accounts[0]?.tier != null) expect(said.rule).not.toBeNull();
        }
      }),
      { numRuns: 50 },
    );
  });

  it('lets no text from outside out of its string or its comment', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('*/', '//', '"}]', '\n"mode": "enforce",', '\u202e', '\u2028x'),
    );
    fc.assert(
      fc.property(hostile, hostile, (name, client) => {
        const text = writeDraft(
          draftPolicy(seen({ mcpServers: [server(name, { kind: 'script' }, { client }), server('x', { name })] }), TODAY),
          [name],
        );
        expect(text).not.toMatch(/[\p{Cf}\u2028\u2029]|(?!\n)\p{Cc}/u);
        const parsed = parsePolicy(text);
        expect(parsed.ok && parsed.policy.mode).toBe('monitor');
      }),
      { numRuns: 100 },
    );
  });
});
