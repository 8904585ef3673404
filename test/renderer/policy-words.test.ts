/** The words for the policy, for what Muster does by itself, for places and accounts, and for settings: laws by property, wording by table. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Addon, PolicyInForce, Setting } from '../../electron/contract.ts';
import { accountText, dataTerms, sourceText } from '../../renderer/words/account.ts';
import { actionText, asksNow, countdown, diffLines } from '../../renderer/words/action.ts';
import { addonGroups, listensText, modelRows, pagesText, profilesText, programText, sizeText } from '../../renderer/words/place.ts';
import {
  assurancePairs,
  backingOf,
  grantWord,
  mayAct,
  mayAskLonger,
  modeText,
  refusedText,
  trustText,
} from '../../renderer/words/policy.ts';
import { settingRow } from '../../renderer/words/setting.ts';
import { toolGlyph, toolWord } from '../../renderer/words/status.ts';
import { action, extension, governed, noPolicy, settings, tool, verdict } from './harness/samples.ts';

const now = new Date('2030-11-22T09:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString();

describe('what Muster does by itself', () => {
  it('counts down in minutes, and in the last one in seconds', () => {
    const said: [number, string][] = [
      [0, 'now'],
      [-5, 'now'],
      [0.2, 'in one second'],
      [60, 'in 60 seconds'],
      [60.5, 'in 2 minutes'],
      [3600, 'in 60 minutes'],
      [7000, 'in 2 hours'],
      [5000, 'in an hour'],
    ];
    for (const [seconds, words] of said) expect(countdown(later(seconds), now), words).toBe(words);
    expect(countdown(null, now)).toBeNull();
    expect(countdown('soon', now)).toBeNull();
  });

  it('says each state in one sentence that names the thing and where it is', () => {
    const waiting = action('waiting', { endsAt: later(45) });
    expect(actionText(waiting, 'Cursor', now)).toBe('Muster switches filesystem in Cursor off in 45 seconds.');
    expect(actionText({ ...waiting, kind: 'end-process', itemName: 'DeepSeek' }, null, now)).toBe('Muster ends DeepSeek in 45 seconds.');
    for (const state of ['would', 'waiting', 'done', 'undone', 'failed', 'refused'] as const)
      for (const kind of ['disable-entry', 'end-process'] as const) {
        const said = actionText(action(state, { kind, itemName: 'a\u202eb' }), null, now);
        expect(said).toMatch(/^[A-Z].*\.$/);
        expect(said).toContain('a‹U+202E›b');
      }
    expect(asksNow(action('done', { mayUndo: true }))).toBe(true);
    for (const state of ['would', 'refused', 'undone', 'done'] as const) expect(asksNow(action(state)), state).toBe(false);
  });

  it('shows a difference from which both texts can be had back', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (before, wanted) => {
        const shown = diffLines(before, wanted);
        const of = (...kinds: string[]) => shown.filter(({ kind }) => kinds.includes(kind)).map(({ text }) => text);
        expect(of('same', 'removed')).toEqual(before);
        expect(of('same', 'added')).toEqual(wanted);
      }),
    );
    expect(diffLines(['x'], ['x']).map(({ kind }) => kind)).toEqual(['same']);
  });
});

describe('the policy', () => {
  const allow = (value: string): Setting[] => [{ name: 'allowActions', value, source: 'managed', from: 'f', overrides: [] }];

  it('says of its mode only what is true on this computer', () => {
    expect(mayAct(undefined)).toBeNull();
    expect(mayAct(allow('none'))).toBe(false);
    expect(mayAct(allow('disable-entry'))).toBe(true);
    const promises = /switches nothing off|only tells you/;
    for (const mode of ['monitor', 'warn', 'enforce'] as const) {
      expect(modeText({ mode }, allow('none'))).toMatch(promises);
      expect(modeText({ mode }, allow('end-process'))).not.toMatch(promises);
      expect(modeText({ mode }, undefined)).not.toMatch(promises);
    }
  });

  it('says what backs a clause: Muster, people, both, or nobody; and nothing where it isn’t told', () => {
    const clause = { id: '1', title: 'T', text: 'W' };
    const by = (more: object) => backingOf({ ...clause, ...more }).map((one) => one.by);
    expect(by({})).toEqual([]);
    expect(by({ controls: [] })).toEqual(['Nobody yet']);
    expect(by({ controls: [], byPeople: 'The desk' })).toEqual(['People']);
    expect(by({ controls: ['verdict'], byPeople: 'The desk' })).toEqual(['Muster', 'People']);
    const all = backingOf({ ...clause, controls: ['verdict', 'request', 'notice', 'mcp-gate', 'process-gate', 'evidence', 'acknowledge'] });
    expect(all[0]?.text.match(/\./g)).toHaveLength(7);
  });

  it('says whether it is proven, since when, and what was turned away', () => {
    const said = (more: Partial<NonNullable<PolicyInForce['trust']>>) => {
      const { trust } = governed;
      if (!trust) throw new Error('The sample has no trust.');
      const dates = { issuedAt: '2030-11-01T00:00:00Z', acceptedAt: '2030-11-03T00:00:00Z', expiresAt: '2031-02-01T00:00:00Z' };
      return trustText({ ...governed, trust: { ...trust, ...dates, ...more } }, now);
    };
    expect(said({})).toEqual({
      word: 'Signed',
      text: 'Proven by keys that IT has put on this computer. Issued on 1 November. Here since 3 November. A newer one is due by 1 February 2031.',
    });
    expect(said({ roots: 'pinned' }).text).toContain('kept when this computer joined');
    expect(said({ state: 'expired' }).text).toContain('This one holds until it comes.');
    expect(said({ state: 'withdrawn' }).text).toContain('withdrawn since');
    expect(said({ state: 'none', issuedAt: null, acceptedAt: null }).word).toBe('Nothing proven yet');
    expect(trustText(noPolicy, now).text).toMatch(/^Nobody signed it/);
    expect(refusedText(noPolicy, now)).toBeNull();
    expect(refusedText(governed, new Date())).toMatch(/^A policy that came on .* was turned away\. Its revision 11 is older/);
  });

  it('names the end of an exception, and offers to ask for longer in its last two weeks and after', () => {
    const grant = (days: number, more: object = {}) => ({
      status: 'approved' as const,
      standing: 'current' as const,
      until: later(days * 86_400),
      ...more,
    });
    expect(grantWord(grant(30), now)).toBe('Until 22 December');
    expect(grantWord(grant(5, { standing: 'ending' }), now)).toBe('Ends on 27 November');
    expect(grantWord(grant(-1, { standing: 'ended' }), now)).toBe('Ended on 21 November');
    expect(grantWord(grant(30, { status: 'prohibited' }), now)).toBe('Not allowed until 22 December');
    expect([-1, 13.9, 14.1].map((days) => mayAskLonger(grant(days), now))).toEqual([true, true, false]);
    expect(mayAskLonger(grant(1, { status: 'prohibited' }), now)).toBe(false);
  });

  it('tells only what was said of what was checked', () => {
    expect(assurancePairs(undefined)).toEqual([]);
    expect(assurancePairs({ dpa: false })).toEqual([['Agreement about data', 'There is none']]);
    expect(assurancePairs(extension.verdict.assurance).map(([name]) => name)).toEqual([
      'Training',
      'Agreement about data',
      'Where data is kept',
      'Looked at by',
    ]);
  });
});

describe('places and what belongs to a tool', () => {
  it('says which program has an extension, whether it is on, and in which profiles', () => {
    expect(programText({})).toBeNull();
    expect(programText({ program: 'Zed' })).toBe('In Zed');
    expect([true, false, null].map((enabled) => programText({ program: 'Chrome', enabled }))).toEqual([
      'In Chrome, on',
      'In Chrome, off',
      'In Chrome, not known whether it is on',
    ]);
    expect(profilesText({ profiles: [{ name: 'Default', enabled: true }] })).toBeNull();
    const profiles = Array.from({ length: 8 }, (_, at) => ({ name: `P${at}`, enabled: at === 0 ? null : at % 2 === 0 }));
    expect(profilesText({ profiles })).toBe('Profiles: P0 not known, P1 off, P2 on, P3 off, P4 on, P5 off and 2 more');
  });

  it('says which pages an extension may read, the widest first', () => {
    const pages = (...permissions: string[]) => pagesText({ surface: 'browser-extension', permissions });
    expect(pages()).toBe('It may read no page unasked');
    for (const all of ['<all_urls>', '*://*/*', 'https://*/*'])
      expect(pages('https://a.example/*', all)).toBe('It may read and change every page that you open');
    expect(pages('https://*.github.com/*', 'http://github.com/*', '*://mail.example.com/*')).toBe(
      'It may read and change pages of github.com, mail.example.com',
    );
    expect(pagesText({ surface: 'ide-extension', permissions: ['<all_urls>'] })).toBeNull();
    fc.assert(fc.property(fc.string(), (pattern) => (pages(pattern) ?? '').length > 0));
  });

  it('says that others can reach a server as soon as one port is open', () => {
    expect(listensText({})).toBeNull();
    expect(listensText({ listens: [{ port: 11434, reach: 'loopback' }] })).toEqual({
      text: 'Only programs on this computer reach it, on port 11434',
      open: false,
    });
    const both = [
      { port: 8080, reach: 'network' as const },
      { port: 1, reach: 'loopback' as const },
      { port: 80, reach: 'network' as const },
      { port: 80, reach: 'network' as const },
    ];
    expect(listensText({ listens: both })).toEqual({ text: 'Other computers can reach it, on ports 80, 8080', open: true });
  });

  it('groups what an agent was given, loses nothing, and puts first what runs by itself', () => {
    const kinds: Addon['kind'][] = ['skill', 'hook', 'plugin', 'subagent', 'command', 'instructions'];
    const anyAddon = fc.record({
      kind: fc.constantFrom(...kinds),
      name: fc.constantFrom('a', 'b', 'c10', 'c9'),
      scope: fc.constantFrom('user' as const, 'project' as const),
      path: fc.constantFrom('~/x', '~/y'),
      home: fc.constant(null),
      project: fc.constant(null),
    });
    fc.assert(
      fc.property(fc.array(anyAddon), (addons) => {
        const shown = addonGroups(addons).flatMap(({ title, items }) =>
          items.flatMap(({ name, where, paths }) => paths.map((p) => [title, name, where, p].join())),
        );
        expect(new Set(shown).size).toBe(shown.length);
        expect(shown.length).toBe(new Set(addons.map(({ kind, name, scope, path }) => [kind, name, scope, path].join())).size);
      }),
    );
    const of = (kind: Addon['kind']): Addon => ({ kind, name: 'n', scope: 'user', path: 'p', home: null, project: null });
    expect(addonGroups(kinds.map(of))[0]?.title).toMatch(/^Hooks/);
  });

  it('says sizes as disks are sold', () => {
    const said = [0, 999, 1000, 9_949, 274_302_450, 2_019_393_189, 18_556_688_896, 999_600_000, 5e15].map(sizeText);
    expect(said).toEqual(['0 bytes', '999 bytes', '1.0 kB', '9.9 kB', '274 MB', '2.0 GB', '19 GB', '1.0 GB', '5000 TB']);
    expect([Number.NaN, -1].map(sizeText)).toEqual(['size not known', 'size not known']);
    expect(
      modelRows([
        { name: 'a', bytes: 1, path: '' },
        { name: 'b', bytes: 2, path: '' },
      ]).map(({ name }) => name),
    ).toEqual(['b', 'a']);
  });

  it('shows a trace as a trace, unless the tool isn’t allowed or is asked for', () => {
    const trace = (status: Parameters<typeof verdict>[0]) => tool('t', 'T', 'chat', { confidence: 'possible', verdict: verdict(status) });
    expect(toolWord(trace('unreviewed'), now)).toBe('Possible');
    expect(toolGlyph(trace('approved'))).toBe('possible');
    expect(toolWord(trace('prohibited'), now)).toBe('Not allowed');
    expect(toolWord(trace('pending'), now)).toBe('Request pending');
    expect(toolGlyph(tool('t', 'T', 'chat'))).toBe('unreviewed');
  });
});

describe('accounts and plans', () => {
  it('names the plan, and whose account it is only where that is known', () => {
    expect(extension.accounts.map((account) => accountText(account, extension.tiers))).toEqual([
      'Pro, a personal account',
      'Business, an account of Acme',
      'Plan not known, and whose account it is isn’t known',
    ]);
  });

  it('says together what holds for several plans, with where it is said', () => {
    expect(dataTerms(extension)).toMatchObject([
      { plans: ['Free', 'Pro'], trains: 'Trains on it unless you opt out', sources: ['https://www.example.com/story/what-is-trained-on/'] },
      { plans: ['Business'], terms: null, sources: ['https://docs.example.com/business/data'] },
      { plans: ['Enterprise'], trains: 'Training isn’t stated', sources: [] },
    ]);
    expect(sourceText('https://www.example.com/story/')).toBe('example.com/story');
  });
});

describe('settings', () => {
  it('says who has set what, in words, and what that overrode', () => {
    const rows = Object.fromEntries(settings.map((one) => [one.name, settingRow(one)]));
    expect(rows['pollSeconds']).toMatchObject({
      value: 'Every 15 seconds',
      byText: 'Set by IT',
      instead: 'Instead of: Every 5 seconds (set by you)',
    });
    expect(rows['lookMinutes']).toMatchObject({ value: 'Every 15 minutes', byText: 'As it came', instead: null });
    expect(rows['allowActions']?.value).toBe('Switch an MCP server off, end a program');
    expect(rows['collect']?.value).toBe('How long a tool was used, your user name in clear');
    expect(rows['policyRootKeys']?.value).toBe('One key');
    expect(rows['enrollSecret']?.value).toBe('Set, and shown to nobody');
  });

  it('shows a setting of a newer agent by its own name, and any value without failing', () => {
    const any = (name: string, value: string) => settingRow({ name, value, source: 'user', from: null, overrides: [] });
    expect(any('somethingNew', 'x')).toMatchObject({ name: 'somethingNew', value: 'x' });
    expect(any('toString', 'x').name).toBe('toString');
    const names = settings.map(({ name }) => name);
    fc.assert(fc.property(fc.constantFrom(...names), fc.string(), (name, value) => typeof any(name, value).value === 'string'));
  });
});
