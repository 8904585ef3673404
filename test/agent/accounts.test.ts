/** With which account a tool is signed in: every probe of the catalog against files as the vendors write them, and against everything else. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createAccountObserver } from '../../agent/observe/accounts.ts';
import type { AccountFact } from '../../agent/observe/observation.ts';
import { accountKind } from '../../agent/policy/account-kind.ts';
import { loadCatalog } from '../../agent/session.ts';
import type { Platform } from '../../electron/contract.ts';
import { fakeOs } from '../fakes.ts';
import { fixture, jwt, type Kind, plantAccount, probesOf, writeFile } from './account-fixtures.ts';
import { createPlanting } from './planting.ts';

const scratch = fs.mkdtempSync(path.join(tmpdir(), 'muster-accounts-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const probes = probesOf(loadCatalog());
const named = (name: string) => probes.find((one) => one.name === name) as (typeof probes)[number];

function computer(platform: Platform = 'linux', uid = process.getuid?.() ?? 0) {
  const root = fs.mkdtempSync(path.join(scratch, 'root-'));
  const home = path.join(root, 'home/ada');
  fs.mkdirSync(home, { recursive: true });
  const os = fakeOs({ root, platform, user: { name: 'ada', uid: platform === 'win32' ? null : uid, home } });
  return { root, home, os };
}

/** A computer with one file of one probe, and what is said of it. */
function say(name: string, value: unknown, look = computer()) {
  const file = path.join(
    look.home,
    (named(name).probe.path[look.os.platform] ?? '').replace('~/', '').replace('$XDG_CONFIG_HOME', '.config'),
  );
  if (typeof value === 'string' || Buffer.isBuffer(value)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, value);
  } else if (value !== undefined) writeFile(file, value);
  const observer = createAccountObserver(look.os, { homes: [look.home], probes: [named(name)] });
  return { ...look, file, observer, ...observer.look() };
}

type Said = Pick<AccountFact, 'tier' | 'organization' | 'domain' | 'personal' | 'builtInto'>;
const said = (tier: string | null, domain: string | null, personal: boolean | null, organization: string | null = null): Said => ({
  ...{ tier, organization, domain, personal },
});
/** Null: nobody is signed in. */
const EXPECTED: Readonly<Record<string, Readonly<Record<Kind, Said | null>>>> = {
  'claude-code': { personal: said('max', 'gmail.com', true), company: said('team', 'eu.acme.example', false, 'Acme Ltd') },
  codex: { personal: said('plus', 'outlook.com', true), company: said('business', 'acme.example', false) },
  cursor: { personal: said('hobby', 'gmail.com', true), company: said('enterprise', 'acme.example', false) },
  'devin-desktop': { personal: said('pro', null, true), company: said('teams', null, false) },
  'devin-desktop.1': { personal: said('free', null, true), company: said('enterprise', null, false) },
  'github-copilot': {
    personal: { ...said('free', null, true), builtInto: 'VS Code' },
    company: { ...said('business', null, false), builtInto: 'VS Code' },
  },
  'github-copilot.1': {
    personal: { ...said('pro-plus', null, true), builtInto: 'VS Code Insiders' },
    company: { ...said('enterprise', null, false), builtInto: 'VS Code Insiders' },
  },
  'gemini-cli': { personal: said(null, 'gmail.com', null), company: said(null, 'acme.example', null) },
  'copilot-cli': { personal: said(null, null, null), company: said(null, null, null) },
  kiro: { personal: said(null, null, null), company: said(null, null, null) },
  'qwen-code': { personal: said(null, null, null), company: said(null, null, null) },
  // A person's own account leaves no such file, so there is nothing to say of it.
  droid: { personal: null, company: said(null, null, false) },
};

describe('every probe of the catalog', () => {
  it('has what a personal and a company account leave, and is expected to say something', () => {
    expect(probes.length).toBeGreaterThanOrEqual(12);
    expect(probes.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
    for (const [name, { personal, company }] of Object.entries(EXPECTED)) {
      expect([name, fixture(name, 'personal') !== null, fixture(name, 'company') !== null]).toEqual([
        name,
        personal !== null,
        company !== null,
      ]);
    }
  });

  it('means tiers of its family, by names in lower case', () => {
    for (const { name, family, probe } of probes) {
      for (const [plan, tier] of Object.entries(probe.tier?.is ?? {})) {
        expect([name, plan, family?.tiers.some(({ id }) => id === tier)]).toEqual([name, plan.toLowerCase(), true]);
      }
    }
  });

  it.each(
    (['linux', 'darwin', 'win32'] as const).flatMap((platform) =>
      (['personal', 'company'] as const).map((kind) => [platform, kind] as const),
    ),
  )('on %s says the plan of a %s account, and nothing that is secret or names a person', (platform, kind) => {
    const planting = createPlanting();
    for (const probed of probes) {
      const { home, os } = computer(platform);
      const source = plantAccount(os, home, probed, kind, planting);
      const look = createAccountObserver(os, { homes: [home], probes: [probed] }).look();
      const expected = EXPECTED[probed.name]?.[kind];
      expect(look.troubles).toEqual([]);
      expect(look.incomplete).toEqual([]);
      expect([probed.name, look.facts]).toEqual([
        probed.name,
        expected ? [{ tool: probed.tool, ...expected, source, home, uncertain: probed.probe.uncertain === true }] : [],
      ]);
      if (source !== null) expect(planting.found(fs.readFileSync(source)).length).toBeGreaterThan(probed.name === 'qwen-code' ? -1 : 0);
      expect(planting.found(Buffer.from(JSON.stringify(look)))).toEqual([]);
    }
    expect(planting.all.size).toBeGreaterThan(20);
  });
});

describe('what a file may say', () => {
  const claude = (oauthAccount: unknown) => say('claude-code', { oauthAccount }).facts[0];

  it.each([
    ['no account', {}],
    ['an empty one', { oauthAccount: {} }],
    ['null', { oauthAccount: null }],
    ['a list', []],
    ['nothing at all', ''],
  ])('%s: nobody is signed in', (_name, value) => {
    const look = say('claude-code', value);
    expect([look.facts, look.troubles, look.incomplete]).toEqual([[], [], []]);
  });

  it('says an unknown tier of an unknown plan, of one that is no text, and of one that an object inherits', () => {
    for (const organizationType of [
      'claude_galaxy',
      7,
      { claude_pro: true },
      ['claude_pro'],
      null,
      'constructor',
      '__proto__',
      'x'.repeat(1e5),
    ]) {
      expect(claude({ emailAddress: 'a@acme.example', organizationType })).toMatchObject({
        tier: null,
        personal: null,
        domain: 'acme.example',
      });
    }
    expect(claude({ organizationType: ' Claude_PRO ' })?.tier).toBe('pro');
  });

  it.each([
    ['an address', 'ada@Acme.Example', 'acme.example'],
    ['one with a quoted @', '"a@b"@acme.example', null],
    ['one in another script', 'ada@müller.example', 'müller.example'],
    ['no address', 'ada', null],
    ['an address without a name', '@acme.example', null],
    ['a host of one word', 'ada@localhost', null],
    ['more than an address', 'ada@acme.example sk-ant-api03-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', null],
    ['a key behind the @', 'ada@ghp_0123456789abcdefghijABCDEFGHIJ012345.example', null],
    ['a number', 7, null],
    ['a very long one', `${'a'.repeat(400)}@acme.example`, null],
  ])('takes of %s only the domain', (_name, emailAddress, domain) => {
    expect(claude({ emailAddress, organizationType: 'claude_team' })?.domain ?? null).toBe(domain);
  });

  it.each([
    ['a plain name', 'Acme Ltd', 'Acme Ltd'],
    ['a name with an address in it', "ada@acme.example's Organization", null],
    ['a person’s own', "Ada's Individual Org", null],
    ['one on two lines', 'Acme\n\u001b[31mLtd', 'Acme [31mLtd'],
    ['a key', 'sk-ant-api03-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z', null],
    ['a list', ['Acme'], null],
    ['an endless one', 'A'.repeat(5000), null],
  ])('takes %s as the organization as far as it may', (_name, organizationName, organization) => {
    expect(claude({ organizationName, organizationType: 'claude_team' })?.organization).toBe(organization);
    // A person's own plan has no organization, whatever the file calls it.
    expect(claude({ organizationName, organizationType: 'claude_pro' })?.organization).toBeNull();
  });

  it.each([
    ['no token', {}],
    ['a number', { tokens: { id_token: 7 } }],
    ['one part', { tokens: { id_token: 'abc' } }],
    ['five parts (it is encrypted)', { tokens: { id_token: 'a.b.c.d.e' } }],
    ['letters that are not base64url', { tokens: { id_token: 'a.#!.c' } }],
    ['claims that are no JSON', { tokens: { id_token: jwt('{"x":', 's') } }],
    ['claims that are a list', { tokens: { id_token: jwt([1], 's') } }],
    ['claims without end', { tokens: { id_token: jwt({ x: 'y'.repeat(100_000) }, 's') } }],
    ['claims as deep as a well', { tokens: { id_token: jwt('['.repeat(20_000), 's') } }],
  ])('Codex with %s: nobody is known, and nothing is told', (_name, value) => {
    const look = say('codex', { auth_mode: 'chatgpt', ...value });
    expect([look.facts, look.troubles]).toEqual([[], []]);
  });

  it('takes of several accounts of Devin only what they all say', () => {
    const rows = (...plans: string[]) => ({
      '@@rows': Object.fromEntries(plans.map((planName, at) => [`windsurf.reactSettings.cachedPlanInfoData:user-${at}`, { planName }])),
    });
    expect(say('devin-desktop', rows('Pro', 'Pro')).facts[0]?.tier).toBe('pro');
    expect(say('devin-desktop', rows('Pro', 'Teams')).facts[0]?.tier).toBeNull();
    expect(say('devin-desktop', rows('Pro', 'Teams', 'Teams')).facts[0]?.tier).toBeNull();
  });

  it('leaves Windsurf’s file alone where Devin’s is there, and reads it where not', () => {
    const { os, home } = computer();
    const planting = createPlanting();
    const both = [named('devin-desktop'), named('devin-desktop.1')];
    const observer = createAccountObserver(os, { homes: [home], probes: both });
    plantAccount(os, home, both[1] as (typeof both)[0], 'company', planting);
    expect(observer.look().facts.map(({ tier }) => tier)).toEqual(['enterprise']);
    plantAccount(os, home, both[0] as (typeof both)[0], 'personal', planting);
    expect(observer.look().facts.map(({ tier }) => tier)).toEqual(['pro']);
  });

  it('takes GitHub’s number for nobody where it says so, and for an unknown plan where there is none yet', () => {
    const setup = (value: unknown) => say('github-copilot', { '@@rows': { 'chat.setupContext': value } }).facts;
    expect(setup({ entitlement: 1, installed: true })).toEqual([]);
    expect(setup({ installed: true })).toEqual([]);
    for (const entitlement of [2, 3, 4, 10, 99]) expect(setup({ entitlement })[0]).toMatchObject({ tier: null, personal: null });
  });
});

describe('files that are none of that', () => {
  const token = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';

  it('tells one that is no JSON, and quotes nothing of it', () => {
    const look = say('claude-code', `{"oauthAccount": {"accessToken": ${token} }}`);
    expect(look.facts).toEqual([]);
    expect(look.troubles).toEqual([{ code: 'config-unreadable', path: look.file, detail: "line 1 isn't JSON" }]);
    expect(look.incomplete).toEqual([look.file]);
    expect(JSON.stringify(look.troubles)).not.toContain(token.slice(4));
  });

  it.each([
    ['deeper than any config', '['.repeat(5000), 'config-unreadable'],
    ['larger than any config', Buffer.alloc(9 * 1024 * 1024, 0x20), 'config-refused'],
    ['not text', Buffer.from([0xff, 0xfe, 0x00, 0xd8]), 'config-unreadable'],
  ])('tells one that is %s', (_name, content, code) => {
    const look = say('claude-code', content);
    expect(look.troubles.map((trouble) => trouble.code)).toEqual([code]);
    expect(look.incomplete).toEqual([look.file]);
  });

  it.each([
    ['a folder', (file: string) => fs.mkdirSync(file), 'config-refused'],
    ['a link that leads round', (file: string) => fs.symlinkSync(file, file), 'config-refused'],
    ['a link to nothing', (file: string) => fs.symlinkSync('/nowhere/at/all', file), null],
    ['a device', (file: string) => fs.symlinkSync('/dev/zero', file), 'config-refused'],
  ])('goes on past %s', (_name, make, code) => {
    const { os, home } = computer();
    make(path.join(home, '.claude.json'));
    fs.mkdirSync(path.join(home, '.gemini'));
    fs.writeFileSync(path.join(home, '.gemini/google_accounts.json'), '{"active":"a@acme.example"}');
    const look = createAccountObserver(os, { homes: [home], probes: [named('claude-code'), named('gemini-cli')] }).look();
    expect(look.troubles.map((trouble) => trouble.code)).toEqual(code === null ? [] : [code]);
    expect(look.facts.map(({ tool }) => tool)).toEqual(['gemini-cli']);
  });

  it.each([
    ['text that is no database', (file: string) => fs.writeFileSync(file, 'SQLite? no'.repeat(200)), null],
    [
      'a damaged one',
      (file: string) => {
        writeFile(file, fixture('cursor', 'personal'));
        fs.writeFileSync(file, fs.readFileSync(file).fill(0x5a, 100));
      },
      'config-refused',
    ],
    ['one with other tables', (file: string) => new Sqlite(file).exec('CREATE TABLE other (x)').close(), null],
    [
      'a view that never ends',
      (file: string) =>
        new Sqlite(file)
          .exec(
            'CREATE VIEW ItemTable AS WITH RECURSIVE r(key) AS (VALUES(1) UNION ALL SELECT key + 1 FROM r) SELECT key, key AS value FROM r',
          )
          .close(),
      null,
    ],
    [
      'a value of megabytes',
      (file: string) => writeFile(file, { '@@rows': { 'cursorAuth/cachedEmail': 'x'.repeat(5 * 1024 * 1024) } }),
      'config-refused',
    ],
  ])('goes on past %s in the place of a state database', (_name, make, code) => {
    const { os, home } = computer();
    const file = path.join(home, '.config/Cursor/User/globalStorage/state.vscdb');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    make(file);
    const look = createAccountObserver(os, { homes: [home], probes: [named('cursor')] }).look();
    expect([look.facts, look.troubles.map((trouble) => trouble.code)]).toEqual([[], code === null ? [] : [code]]);
    expect(fs.readdirSync(path.dirname(file))).toEqual(['state.vscdb']);
  });

  it('keeps for known what a database says that is being written just now, and reads it when it may', () => {
    const { os, home, file, observer, facts } = say('cursor', fixture('cursor', 'company'));
    expect(facts[0]?.tier).toBe('enterprise');
    const writer = new Sqlite(file);
    writer.exec("BEGIN EXCLUSIVE; UPDATE ItemTable SET value = 'pro' WHERE key = 'cursorAuth/stripeMembershipType'");
    const fresh = createAccountObserver(os, { homes: [home], probes: [named('cursor')] });
    expect(fresh.look()).toEqual({ facts: [], troubles: [], incomplete: [file] });
    writer.exec('COMMIT');
    writer.close();
    expect(fresh.look().facts[0]?.tier).toBe('pro');
    expect(observer.look().facts[0]?.tier).toBe('pro');
  });

  it('reads nothing in a home that isn’t the caller’s, nor another person’s file', () => {
    const uid = process.getuid?.() ?? 0;
    const look = say('gemini-cli', { active: 'a@acme.example' }, computer('linux', uid + 1));
    expect(look).toMatchObject({ facts: [], troubles: [{ code: 'home-not-owned', path: look.home }], incomplete: [look.home] });
  });

  it('opens nothing where macOS would ask', () => {
    const { os, home } = computer('darwin');
    fs.mkdirSync(path.join(home, 'Documents'));
    fs.writeFileSync(path.join(home, 'Documents/claude.json'), '{"oauthAccount":{"organizationType":"claude_pro"}}');
    fs.symlinkSync(path.join(home, 'Documents/claude.json'), path.join(home, '.claude.json'));
    const look = createAccountObserver(os, { homes: [home], probes: [named('claude-code')] }).look();
    expect([look.facts, look.troubles.map(({ code }) => code)]).toEqual([[], ['not-looked-at']]);
  });

  it('sees a change, a sign-out and a removal at the next look', () => {
    const { file, observer, facts } = say('claude-code', { oauthAccount: { organizationType: 'claude_pro' } });
    expect(facts[0]?.tier).toBe('pro');
    writeFile(file, { oauthAccount: { organizationType: 'claude_enterprise' } });
    expect(observer.look().facts[0]?.tier).toBe('enterprise');
    writeFile(file, { other: true });
    expect(observer.look().facts).toEqual([]);
    fs.rmSync(file);
    expect(observer.look()).toEqual({ facts: [], troubles: [], incomplete: [] });
  });

  it('follows CODEX_HOME beside the usual folder', () => {
    const { os, home } = computer();
    const moved = path.join(home, 'elsewhere');
    writeFile(path.join(moved, 'auth.json'), {
      tokens: { id_token: jwt({ 'https://api.openai.com/auth': { chatgpt_plan_type: 'edu' } }, 's') },
    });
    const look = createAccountObserver({ ...os, env: { CODEX_HOME: moved } }, { homes: [home], probes: [named('codex')] }).look();
    expect(look.facts).toMatchObject([{ tier: 'edu', personal: false, source: path.join(moved, 'auth.json') }]);
  });

  it('never throws, and says only tiers, one-line names and domains, whatever a file holds', () => {
    const { os, home } = computer();
    const file = path.join(home, '.claude.json');
    const observer = createAccountObserver(os, { homes: [home], probes: [named('claude-code')] });
    const account = fc.record(
      {
        emailAddress: fc.oneof(fc.emailAddress(), fc.string(), fc.jsonValue()),
        organizationType: fc.oneof(fc.constantFrom('claude_pro', 'claude_team'), fc.jsonValue()),
        organizationName: fc.oneof(fc.string(), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.record({ oauthAccount: fc.oneof(account, fc.jsonValue()) }), fc.jsonValue()), (value) => {
        fs.writeFileSync(file, JSON.stringify(value));
        for (const { tier, organization, domain, personal } of observer.look().facts) {
          expect([null, 'pro', 'team']).toContain(tier);
          expect([null, true, false]).toContain(personal);
          if (organization !== null) expect(organization).toMatch(/^[^\p{Cc}@]{1,100}$/u);
          if (domain !== null) expect(domain).toMatch(/^[^@\s]{1,253}\.[^@\s.]{2,63}$/u);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('whose account it is', () => {
  const domains = ['acme.example', '@Acme.Test'];
  it.each([
    [{ domain: 'acme.example', personal: null }, domains, 'company'],
    [{ domain: 'eu.acme.example', personal: null }, domains, 'company'],
    [{ domain: 'acme.test', personal: true }, domains, 'company'],
    [{ domain: 'notacme.example', personal: false }, domains, 'personal'],
    [{ domain: 'acme.example.evil.example', personal: false }, domains, 'personal'],
    [{ domain: null, personal: true }, domains, 'personal'],
    // Some organization's plan, and nothing says whose.
    [{ domain: null, personal: false }, domains, 'unknown'],
    [{ domain: null, personal: null }, domains, 'unknown'],
    [{ domain: 'acme.example', personal: false }, [], 'company'],
    [{ domain: 'acme.example', personal: true }, [], 'personal'],
    [{ domain: 'acme.example', personal: null }, [], 'unknown'],
    [{ domain: 'gmail.com', personal: null }, [], 'personal'],
    [{ domain: 'gmail.com', personal: false }, [], 'company'],
    [{ domain: null, personal: null }, ['', ' . '], 'unknown'],
  ] as const)('%j with %j is %s', (fact, list, kind) => {
    expect(accountKind(fact, list)).toBe(kind);
  });

  it('is never the company’s by a domain that isn’t listed', () => {
    const host = fc.domain();
    fc.assert(
      fc.property(host, fc.array(host, { minLength: 1, maxLength: 4 }), fc.constantFrom(true, false, null), (domain, list, personal) => {
        const listed = list.some((one) => domain === one.toLowerCase() || domain.endsWith(`.${one.toLowerCase()}`));
        expect(accountKind({ domain, personal }, list)).toBe(listed ? 'company' : 'personal');
      }),
    );
  });
});
