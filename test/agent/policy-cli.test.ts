/** `muster policy` as people and scripts use it: the real command, over a home with a tool and MCP servers in it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { BUILT_ACTIONS } from '../../agent/policy/backing.ts';
import type { PolicyCheck } from '../../agent/policy/check.ts';
import type { Simulation } from '../../agent/policy/simulate.ts';
import { openStore } from '../../agent/store/store.ts';
import { localDay } from '../../agent/usage.ts';
import type { Inventory } from '../../electron/contract.ts';
import { asked, muster, temporary, write } from './muster.ts';

const home = temporary('policy-cli');
const data = path.join(home, '.local/share/muster');
const token = randomBytes(20).toString('hex');
const acme = new URL('../fixtures/policy/acme.json', import.meta.url).pathname;
const policy = {
  schema: 'muster.policy/1',
  rev: 7,
  organization: { name: 'Acme', contact: 'desk@acme.example' },
  dataClasses: [{ id: 'public', label: 'Public', examples: 'The website' }],
  tools: [{ id: 't1', tool: 'ollama', status: 'approved', dataClasses: ['public'], reviewBy: '2026-02-01' }],
  clauses: [{ id: '1', title: 'Scope', text: `${'These words are read by people. '.repeat(8)}`, byPeople: 'The desk, every quarter' }],
  acknowledge: { version: '2026-11', required: true },
};

beforeAll(async () => {
  const packages = path.join(home, '.npm-global/lib/node_modules/@anthropic-ai/claude-code/package.json');
  write(packages, { name: '@anthropic-ai/claude-code', version: '2.1.0' });
  write(path.join(home, '.npmrc'), `prefix=${home}/.npm-global\n`);
  write(path.join(home, '.cursor/mcp.json'), {
    mcpServers: {
      files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem@2025.8.21', '/srv'], env: { ACME_TOKEN: token } },
      sentry: { url: `https://mcp.sentry.dev/mcp?key=${token}` },
    },
  });
  const { code, out, err } = await muster(home, ['scan']);
  if (code !== 0) throw new Error(out + err);
  const store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
  store.addUsage([{ day: localDay(new Date()), tool: 'claude-code', runS: 7200, frontS: 0, launches: 1 }]);
  store.close();
}, 60_000);

describe('policy check', () => {
  it('says that a policy holds, and what backs its clauses', async () => {
    const { code, out } = await muster(home, ['policy', 'check', acme]);
    expect([code, out.split('\n')[0]]).toEqual([0, expect.stringMatching(/^This policy holds/)]);
    expect(out).toMatch(/^2 +Approved and prohibited tools +controls +verdict, request$/m);
  });

  it('refuses with the line, the field and the remedy, and the exit code of a no', async () => {
    const broken = write(
      path.join(home, 'broken.json'),
      `{"schema":"muster.policy/1","rev":1,\n"tools":[{"id":"a","tool":"olama","status":"approved"}]}`,
    );
    const json = await muster(home, ['policy', 'check', broken, '--json']);
    const said = expect.stringMatching(/^line 2, tools\[0\]\.tool: .*“olama”; the nearest is ollama/);
    expect([json.code, JSON.parse(json.out)]).toEqual([
      5,
      { schema: 'muster.policy-check/1', file: broken, ok: false, issues: [said], warnings: [], clauses: [] },
    ]);
  });
});

it.each<[args: string[], said: RegExp]>([
  [['policy'], /Say first what to do: muster policy and one of show, check, simulate, draft, acknowledge/],
  [['policy', 'chekc', 'x'], /“policy” can show, .*, not “chekc”/],
  [['policy', 'simulate', 'a', 'b'], /Name one file/],
  [['policy', 'check', '/nowhere.json'], /\/nowhere\.json can’t be read \(ENOENT\)/],
  [['policy', 'draft', 'x'], /“policy draft” takes no “x”/],
])('muster %j is refused as wrongly called', async (args, said) => {
  const { code, out, err } = await muster(home, args);
  expect([code, out + err]).toEqual([2, expect.stringMatching(said)]);
});

describe('policy draft', () => {
  const file = path.join(home, 'draft.jsonc');
  it('writes what was seen into a file that holds, and never over one', async () => {
    const { code, out } = await muster(home, ['policy', 'draft', '--out', file]);
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^Wrote .+draft\.jsonc\. It proposes one tool and two MCP servers; “muster policy check/),
    ]);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/"tool": "claude-code", .*"status": "tolerated"/);
    expect(text).toContain('"match": { "npm": "@modelcontextprotocol/server-filesystem" }');
    expect(text).toContain('"match": { "url": "https://mcp.sentry.dev/*" }');
    expect(text).not.toContain(token.slice(0, 12));

    const again = await muster(home, ['policy', 'draft', '--out', file]);
    expect([again.code, again.err]).toEqual([
      2,
      expect.stringMatching(/draft\.jsonc is there already; name another file, or remove it first\./),
    ]);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('is the starter where nothing was looked at, and makes nothing', async () => {
    const empty = path.join(home, 'empty');
    const { code, out } = await muster(home, ['policy', 'draft', '--data', empty]);
    expect([code, out]).toEqual([0, expect.stringMatching(/with nothing seen yet[\s\S]*"tools": \[\]/)]);
    expect(existsSync(empty)).toBe(false);
  });
});

describe('policy simulate', () => {
  it('says what would change, for which share of use, and changes nothing', async () => {
    const draft = write(path.join(home, 'try.json'), {
      schema: 'muster.policy/1',
      rev: 8,
      mode: 'enforce',
      tools: [{ id: 'c', tool: 'claude-code', status: 'prohibited', action: 'end-process' }],
      mcp: { rules: [{ id: 'm', match: { publisher: '@modelcontextprotocol' }, status: 'approved' }] },
    });
    const { code, out } = await muster(home, ['policy', 'simulate', draft]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^The one AI tool and one of the two MCP servers here would change; that is 100 % of the time that tools without a window ran/,
    );
    expect(out).toMatch(/^The mode would go from warn to enforce/m);
    expect(out).toMatch(/^Claude Code +Not reviewed yet +Not allowed +– +2 h running, 100 % +c$/m);
    expect(out).toMatch(/^Would be stopped, .*: Claude Code \(end-process\)\.$/m);
  });

  it('refuses a draft that does not hold, and has nothing to compare before a look', async () => {
    const broken = write(path.join(home, 'broken.json'), '{');
    const refused = await muster(home, ['policy', 'simulate', broken]);
    expect([refused.code, refused.err]).toEqual([5, expect.stringMatching(/^muster: The policy .+broken\.json is not valid: line 1/)]);
    const nothing = await asked<Simulation & { baseline: null }>(home, ['policy', 'simulate', acme, '--data', path.join(home, 'empty')]);
    expect(nothing).toMatchObject({ schema: 'muster.policy-simulation/1', days: 30, tools: [], mcpServers: [], baseline: null });
  });
});

describe('policy show and acknowledge', () => {
  it('prints what is in force, and records that it was read', async () => {
    write(path.join(data, 'policy.json'), policy);
    const before = await muster(home, ['policy', 'show']);
    expect(before.out).toMatch(/^Acme’s policy, revision 7, in the mode warn: .+ It comes from ~\/\.local\/share\/muster\/policy\.json\./);
    expect(before.out).toMatch(/nobody signed/);
    expect(before.out).toMatch(/You are asked to acknowledge version 2026-11/);
    expect(before.out).toMatch(/^Ollama +any +Approved +Public +–$/m);
    expect(
      Math.max(
        ...before.out
          .split('\n')
          .slice(-6)
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(100);

    const other = await muster(home, ['policy', 'acknowledge', '2025-01']);
    expect([other.code, other.err]).toEqual([2, expect.stringMatching(/2025-01/)]);
    expect(await asked(home, ['policy', 'acknowledge'])).toMatchObject({
      version: '2026-11',
      acknowledgedAt: expect.stringMatching(/^\d{4}-/),
    });
    expect((await muster(home, ['policy', 'show'])).out).toMatch(/You acknowledged version 2026-11 on \d+ \w+ \d{4}\./);
  });

  it('names a broken file that nothing good stands behind, before the first look and after it', async () => {
    const fresh = path.join(home, 'fresh');
    const show = () => muster(home, ['policy', 'show', '--data', fresh]);
    const file = write(path.join(fresh, 'policy.json'), '{"schema": "muster.policy/1", "rev": "seven"}');
    chmodSync(fresh, 0o700);
    const named = /^! The policy file ~\/fresh\/policy\.json is not valid: .*rev.*; .+ needs to correct/;
    expect((await show()).out).toMatch(new RegExp(`${named.source}[\\s\\S]+Muster has not looked`));
    expect((await muster(home, ['scan', '--data', fresh])).code).toBe(0);
    expect((await show()).out).toMatch(new RegExp(`${named.source}[\\s\\S]+No policy is in force`));
    expect(await asked(home, ['policy', 'show', '--data', fresh])).toMatchObject({
      rev: null,
      problems: [{ code: 'policy-invalid', path: '~/fresh/policy.json' }],
    });
    rmSync(file);
    expect(await asked(home, ['policy', 'show', '--data', fresh])).not.toHaveProperty('problems');
  });

  it('tells of a review that is overdue, and lets the rule stand', async () => {
    const { problems } = await asked<Inventory>(home, ['status']);
    expect(problems).toMatchObject([
      { code: 'review-due', message: 'The policy’s own review of Ollama (due on 1 February 2026) is overdue; what it says still holds.' },
    ]);
  });

  it('knows from the managed settings what may act here', async () => {
    const gated = write(path.join(home, 'gated.json'), {
      ...{ schema: 'muster.policy/1', rev: 1, mode: 'enforce' },
      mcp: { rules: [{ id: 'm', match: { riskAtLeast: 'critical' }, status: 'prohibited', action: 'disable-entry' }] },
      clauses: [{ id: '5', title: 'MCP servers', text: 'Words.', backedBy: ['mcp-gate'] }],
    });
    const managed = write(path.join(home, 'managed.json'), { allowActions: ['disable-entry'] });
    const ask = async (...more: string[]) => (await asked<PolicyCheck>(home, ['policy', 'check', gated, ...more])).clauses[0]?.controls[0];
    const isBuilt = BUILT_ACTIONS.has('disable-entry');
    expect(await ask('--managed', managed)).toMatchObject({ name: 'mcp-gate', real: isBuilt });
  });
});
