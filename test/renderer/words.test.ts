/** The words and orders of the window, as pure functions: laws by property, wording by table. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { toolStanding } from '../../electron/attention.ts';
import type { DataClass, Tool, VerdictStatus } from '../../electron/contract.ts';
import { serverGroups } from '../../electron/same-server.ts';
import { parseRoute, serverLink, toolLink } from '../../renderer/route.ts';
import { counts, grouped, matches, namesText, needs } from '../../renderer/words/list.ts';
import {
  alsoText,
  clientName,
  clientsText,
  commandLine,
  identityText,
  riskPosts,
  riskText,
  sumText,
  unaskedText,
} from '../../renderer/words/mcp.ts';
import { plain, plainLines } from '../../renderer/words/plain.ts';
import { glyph, word } from '../../renderer/words/status.ts';
import { ago, asOf, lastDay, onDay, since, type today } from '../../renderer/words/time.ts';
import { approvedEntry, dataText, evidenceWords, kindOrder, kindWord, planText } from '../../renderer/words/tool.ts';
import { noPolicy, policy, server, tool, verdict } from './harness/samples.ts';

const statuses: readonly VerdictStatus[] = [
  'approved',
  'conditional',
  'wrong-tier',
  'tier-unknown',
  'pending',
  'tolerated',
  'unreviewed',
  'prohibited',
  'expired',
];
const anyTool: fc.Arbitrary<Tool> = fc
  .record({
    id: fc.string({ minLength: 1, maxLength: 8 }),
    name: fc.string({ maxLength: 12 }),
    category: fc.constantFrom('chat', 'coding-cli', 'agent', 'never-heard-of', ''),
    confidence: fc.constantFrom('certain' as const, 'likely' as const, 'possible' as const),
    status: fc.constantFrom(...statuses),
  })
  .map(({ id, name, category, confidence, status }) => tool(id, name, category, { confidence, verdict: verdict(status) }));
const anyTools = fc.uniqueArray(anyTool, { selector: ({ id }) => id, maxLength: 30 });

describe('text from outside', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are what this test is about.
  const dangerous = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

  it('never holds a character that hides, moves the cursor or turns the direction', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => !dangerous.test(plain(text))));
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => !dangerous.test(plainLines(text).replaceAll(/[\n\t]/g, ''))),
    );
  });

  it('is the same text where nothing is hidden, and stays so', () => {
    for (const text of ['Claude Code', 'مساعد', '日本語', 'naïve “quotes”', '👩‍💻 pair']) expect(plain(text)).toBe(text);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => plain(plain(text)) === plain(text)));
  });

  it('says which character it was', () => {
    expect(plain('a\u202Eb\u0000')).toBe('a‹U+202E›b‹U+0000›');
    expect(plain('tag\u{e0041}')).toBe('tag‹U+E0041›');
    expect(plainLines('one\r\ntwo\tthree\u0007')).toBe('one\ntwo\tthree‹U+0007›');
  });
});

describe('times', () => {
  const now = new Date(2026, 10, 22, 14, 30);
  const earlier = (ms: number) => new Date(now.getTime() - ms).toISOString();
  const at = (year: number, month: number, day: number, hour: number, minute: number) =>
    new Date(year, month - 1, day, hour, minute).toISOString();

  it.each([
    [earlier(0), 'just now'],
    [earlier(59_000), 'just now'],
    [earlier(60_000), '1 minute ago'],
    [earlier(6 * 60_000), '6 minutes ago'],
    [earlier(3 * 3_600_000), '3 hours ago'],
    [at(2026, 11, 22, 0, 1), '14 hours ago'],
    [at(2026, 11, 21, 9, 0), 'yesterday'],
    [at(2026, 11, 12, 9, 0), '10 days ago'],
    [at(2026, 4, 30, 9, 0), 'on 30 April'],
    [at(2025, 4, 30, 9, 0), 'on 30 April 2025'],
    [earlier(-3_600_000), 'just now'],
  ])('%s is %s', (iso, text) => expect(ago(iso, now)).toBe(text));

  it('stand alone without “on”, and as a clock', () => {
    expect(since(at(2026, 4, 30, 9, 0), now)).toBe('30 April');
    expect(asOf(at(2026, 11, 22, 9, 12), now)).toBe('09:12');
    expect(asOf(at(2026, 11, 21, 9, 12), now)).toBe('yesterday at 09:12');
    expect(onDay('2026-04-30', now)).toBe('30 April');
  });

  it.each(['Pacific/Auckland', 'Europe/Berlin', 'America/Los_Angeles'])(
    'name the day on which something ends alike in %s',
    async (zone) => {
      const before = process.env['TZ'];
      process.env['TZ'] = zone;
      vi.resetModules();
      try {
        const there: { lastDay: typeof lastDay; today: typeof today } = await import('../../renderer/words/time.ts');
        expect(there.lastDay('2027-01-31T23:59:59.000Z', now)).toBe('31 January 2027');
        expect(there.lastDay('2027-01-31', now)).toBe('31 January 2027');
        // What the field offers first is a day that has not ended.
        for (const hour of [1, 12, 23]) expect(there.today(new Date(Date.UTC(2026, 10, 22, hour)))).toBe('2026-11-22');
      } finally {
        if (before === undefined) delete process.env['TZ'];
        else process.env['TZ'] = before;
      }
    },
  );

  it('are nothing where there is no time, whatever the text', () => {
    for (const bad of [null, '', 'tomorrow', '2026-99-99T00:00:00Z'])
      for (const f of [ago, since, asOf, onDay, lastDay]) expect(f(bad, now)).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => ago(text, now) === null || typeof ago(text, now) === 'string'));
  });
});

describe('a verdict', () => {
  const now = new Date(2026, 10, 22);
  it('is an exception only where an approval ends', () => {
    expect(word(verdict('approved', { until: '2026-12-01' }), now)).toBe('Exception until 1 December');
    expect(glyph(verdict('conditional', { until: '2026-12-01' }))).toBe('exception');
    expect(word(verdict('pending', { until: '2026-12-01' }), now)).toBe('Request pending');
    expect(word(verdict('expired', { until: '2026-03-03' }), now)).toBe('Ended on 3 March');
  });
  it('has a word and a glyph for each status', () => {
    for (const status of statuses) {
      expect(word(verdict(status), now)).not.toBe('');
      expect(glyph(verdict(status))).toBeTruthy();
    }
  });
});

describe('the list', () => {
  it('has every tool once, and every row under its kind', () => {
    fc.assert(
      fc.property(anyTools, (tools) => {
        const rows = grouped(tools, 'all', '').flatMap((group) => group.tools);
        expect(rows.map(({ id }) => id).sort()).toEqual(tools.map(({ id }) => id).sort());
        const kinds = grouped(tools, 'all', '').map(({ kind }) => kind);
        expect(new Set(kinds).size).toBe(kinds.length);
      }),
    );
  });

  it('has as many rows in a filter as its chip says', () => {
    fc.assert(
      fc.property(anyTools, (tools) => {
        const count = counts(tools);
        for (const filter of ['all', 'needs', 'waiting', 'fine'] as const)
          expect(grouped(tools, filter, '').flatMap((group) => group.tools).length).toBe(count[filter]);
        expect(count.needs + count.waiting + count.fine).toBe(count.all);
      }),
    );
  });

  it('has one card for each tool that needs somebody, and several unreviewed ones in one', () => {
    fc.assert(
      fc.property(anyTools, (tools) => {
        const cards = needs(tools);
        expect(cards.flatMap((card) => card.tools.map(({ id }) => id)).sort()).toEqual(
          tools
            .filter((one) => toolStanding(one) === 'needs')
            .map(({ id }) => id)
            .sort(),
        );
        expect(cards.filter(({ status }) => status === 'unreviewed').length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is found by every word, in any order, without accents or case', () => {
    const one = tool('le-chat', 'Le Chat Café', 'chat', { vendor: 'Mistral' });
    for (const find of ['chat', 'CAFE', 'mistral le', '  ', 'café']) expect(matches(one, find)).toBe(true);
    expect(matches(one, 'chat openai')).toBe(false);
  });

  it('puts known kinds in their order and unknown ones last, by their own name', () => {
    expect(kindWord('never-heard-of')).toBe('Never heard of');
    expect(kindWord('')).toBe('Other');
    expect(kindOrder('never-heard-of')).toBeGreaterThan(kindOrder('productivity'));
  });

  it('names three and counts the others', () => {
    expect(namesText(['A', 'B'])).toBe('A, B');
    expect(namesText(['A', 'B', 'C', 'D', 'E'])).toBe('A, B, C and 2 more');
  });
});

describe('what may go in', () => {
  const classes: readonly DataClass[] = policy.dataClasses;
  it.each([
    ['approved', ['public', 'internal'], 'Public, internal'],
    ['approved', ['public', 'internal', 'code', 'confidential'], 'All classes'],
    ['conditional', ['public', 'internal', 'code'], 'All but confidential'],
    ['approved', [], 'Not limited here'],
    ['unreviewed', [], 'Not decided'],
    ['prohibited', ['public'], 'None'],
    ['approved', ['public', 'gone-class'], 'Public, gone-class'],
  ] as const)('%s with %j', (status, ids, text) => expect(dataText({ status, dataClasses: ids }, classes)).toBe(text));

  it('never says that more may go in than the verdict names', () => {
    fc.assert(
      fc.property(fc.subarray(classes.map(({ id }) => id)), fc.constantFrom(...statuses), (ids, status) => {
        const text = dataText({ status, dataClasses: ids }, classes);
        if (text === 'All classes') expect(ids.length).toBe(classes.length);
        if (text.startsWith('All but')) expect(ids.length).toBe(classes.length - 1);
      }),
    );
  });
});

describe('plans and evidence', () => {
  it('names the plan, or says that it isn’t known, or that there is none', () => {
    const tiers = [{ id: 'pro', name: 'Pro', trains: 'no' as const }];
    const account = (tier: string | null) => ({
      tier,
      organization: null,
      personal: null,
      source: '',
      home: '~',
      verdict: verdict('approved'),
    });
    expect(planText({ tiers: [], accounts: [] })).toBeNull();
    expect(planText({ tiers, accounts: [] })).toBe('Not known');
    expect(planText({ tiers, accounts: [account('pro'), account('pro'), account(null), account('team-plus')] })).toBe(
      'Pro, Not known, Team plus',
    );
  });

  it('says how Muster knows', () => {
    expect(evidenceWords({ kind: 'process', path: '~/x', pid: 7, manager: 'npm', name: '@a/b' })).toEqual({
      sentence: 'A program of its npm package is running',
      details: ['@a/b', '~/x', 'Process 7'],
      strength: 3,
    });
    expect(evidenceWords({ kind: 'process', path: '~/x' }).sentence).toBe('Its program was seen running');
    expect(evidenceWords({ kind: 'package', path: null, manager: 'pypi', name: 'aider-chat', version: '0.9' })).toMatchObject({
      sentence: 'Its Python package is installed',
      details: ['aider-chat 0.9'],
    });
    expect(evidenceWords({ kind: 'config', path: '~/.x' }).strength).toBe(1);
  });

  it('takes a tool’s own approval before its family’s', () => {
    const family = { ...policy.approved[1], tool: 'claude', name: 'Claude family' } as (typeof policy.approved)[number];
    const both = { ...policy, approved: [family, ...policy.approved] };
    expect(approvedEntry({ id: 'claude-code', family: 'claude' }, both)?.name).toBe('Claude Code');
    expect(approvedEntry({ id: 'claude-desktop', family: 'claude' }, both)?.name).toBe('Claude family');
    expect(approvedEntry({ id: 'claude-desktop', family: null }, noPolicy)).toBeNull();
  });
});

describe('an MCP server', () => {
  it('shows where its arguments end', () => {
    expect(commandLine(server('x', { command: 'npx', args: ['-y', 'two words', '', 'a"b'] }))).toBe('npx -y "two words" "" "a\\"b"');
    expect(commandLine(server('x', { command: null }))).toBeNull();
  });
  it('says when the next start may run something else', () => {
    const of = (kind: 'npm' | 'remote' | 'script', version: string | null, pinned: boolean) =>
      identityText({ identity: { kind, name: 'a', version, launchHash: '' }, pinned });
    expect(of('npm', null, false)).toMatchObject({ version: null, change: expect.stringMatching(/^Not pinned/) });
    expect(of('npm', '1.2.0', true)).toMatchObject({ version: 'Version 1.2.0', change: null });
    expect(of('remote', null, false).change).toMatch(/may change/);
    expect(of('script', null, false).change).toBeNull();
  });
  it('says which tools run unasked', () => {
    expect(unaskedText('all')).toBe('All of its tools');
    expect(unaskedText(['read', 'write'])).toBe('read, write');
    expect(unaskedText([])).toBeNull();
  });

  it('names the tools that have a server set up, and what it is called elsewhere', () => {
    const at = (client: string, name: string, present = true) => server('files', { id: `${client}${name}`, client, name, present });
    const one = at('cursor', 'files');
    const group = (...places: ReturnType<typeof at>[]) =>
      serverGroups([one, ...places])[0] as NonNullable<ReturnType<typeof serverGroups>[0]>;
    expect(clientsText(group(), [])).toBe('Cursor');
    expect(clientsText(group(at('vscode', 'files'), at('codex', 'x'), at('zed', 'x', false)), [])).toBe('Codex, Cursor and 1 more');
    expect(alsoText(group(), one, [])).toBeNull();
    expect(alsoText(group(at('vscode', 'files')), one, [])).toBe('also in VS Code');
    expect(alsoText(group(at('vscode', 'fs')), one, [])).toBe('also in VS Code, called fs there');
  });

  it('says how findings add up to the score', () => {
    const risk = (score: number, ...points: (number | undefined)[]) => ({
      score,
      level: 'high' as const,
      findings: points.map((each) => ({
        ...{ id: 'x', severity: 'high' as const, message: '', advice: '', refs: [] },
        ...(each === undefined ? {} : { points: each }),
      })),
    });
    expect(sumText(risk(0))).toBeNull();
    expect(sumText(risk(64, 64))).toBeNull();
    expect(sumText(risk(67, 64, 3))).toBe('The worst finding makes 64, the other adds 3: 67 of 100.');
    expect(sumText(risk(73, 64, 6, 3))).toBe('The worst finding makes 64, the others add 6 + 3: 73 of 100.');
    expect(sumText(risk(89, 64, 20, 20))).toBe(
      'The worst finding makes 64, the others add 20 + 20; 89 is the most for findings of this severity.',
    );
    expect(sumText(risk(67, 64, undefined))).toBeNull();
  });
  it('names its client as found here, or readably', () => {
    expect(clientName('claude-code', [tool('claude-code', 'Claude Code', 'coding-cli')])).toBe('Claude Code');
    expect(clientName('vscode', [])).toBe('VS Code');
    expect(clientName('gemini-cli', [])).toBe('Gemini CLI');
  });
  it('has posts for any risk at all, and all ten only for all of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (score) => {
        const on = riskPosts(score);
        expect(on === 0).toBe(score === 0);
        expect(on === 10).toBe(score === 100);
      }),
    );
    expect(riskText({ score: 34, level: 'medium' })).toBe('34 of 100, medium');
  });
});

describe('an address', () => {
  it('comes back as the page that it was made for, whatever the id', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (id) => {
        fc.pre(id.isWellFormed());
        expect(parseRoute(toolLink(id))).toEqual({ view: 'tool', id });
        expect(parseRoute(serverLink(id))).toEqual({ view: 'servers', id });
      }),
    );
  });
  it('that names no page is Home', () => {
    for (const hash of ['', '#', '#nowhere', '#tool', '#tool/', '#tool/%', '#__proto__', '#constructor'])
      expect(parseRoute(hash)).toEqual({ view: 'home' });
    fc.assert(fc.property(fc.string(), (hash) => typeof parseRoute(hash).view === 'string'));
  });
});
