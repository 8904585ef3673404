/** The policy document: what is accepted, what is refused, and that a refusal names the line, the field and the remedy. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../agent/policy/policy.ts';

const acme = readFileSync(new URL('../fixtures/policy/acme.json', import.meta.url), 'utf8');
const known = {
  ids: ['github-copilot', 'deepseek', 'ollama', 'grammarly', 'otter', 'dia'],
  tool: (id: string) => ['github-copilot', 'deepseek', 'ollama', 'grammarly', 'otter', 'dia'].includes(id),
  tiers: (id: string) => (id === 'github-copilot' ? ['free', 'pro', 'business', 'enterprise'] : null),
};
const issuesOf = (raw: object | string) => {
  const parsed = parsePolicy(typeof raw === 'string' ? raw : JSON.stringify({ schema: 'muster.policy/1', rev: 1, ...raw }, null, 2), known);
  return parsed.ok ? [] : parsed.issues;
};

describe('a policy', () => {
  it('is read with comments', () => {
    const parsed = parsePolicy(acme, known);
    expect(parsed).toMatchObject({ ok: true, policy: { rev: 42, mode: 'monitor', organization: { name: 'Acme' } } });
    expect(parsed.ok && parsed.warnings).toEqual([]);
  });

  it('needs no more than its form and its revision', () => {
    expect(parsePolicy('{"schema":"muster.policy/1","rev":1}')).toMatchObject({
      ok: true,
      warnings: [],
      policy: { stance: 'unreviewed', mode: 'warn', tools: [], dataClasses: [], clauses: [], mcp: { stance: 'unreviewed', rules: [] } },
    });
  });

  it('leaves out a field it does not know, with a warning', () => {
    const parsed = parsePolicy('\uFEFF{"schema":"muster.policy/1",\n"rev":1,\n"moode":"enforce","organization":{"name":"A","mail":"x"}}');
    expect(parsed).toMatchObject({ ok: true, policy: { mode: 'warn', organization: { name: 'A' } } });
    expect(parsed.ok && parsed.warnings).toEqual([
      'line 3, organization.mail: this field is not known here and is left out; correct its name or remove it.',
      'line 3, moode: this field is not known here and is left out; correct its name or remove it.',
    ]);
  });
});

const rule = { id: 'a', tool: 'ollama', status: 'approved' };
const server = (match: object, more: object = {}) => ({ mcp: { rules: [{ id: 'a', match, status: 'approved', ...more }] } });

describe('a refusal', () => {
  it.each<[name: string, raw: object | string, ...expected: RegExp[]]>([
    [
      'another form',
      { schema: 'muster.policy/2' },
      /^line 2, schema: “muster.policy\/2” is not one of muster.policy\/1; use one of those\.$/,
    ],
    ['no revision', '{"schema":"muster.policy/1"}', /^line 1, rev: is missing; add it/],
    [
      'a misspelled condition',
      { tools: [{ ...rule, tier: ['pro'] }] },
      /tools\[0\]\.tier: this field is not known; correct its name or remove it\.$/,
    ],
    ['a misspelled match', server({ npm: 'x', version: '1' }), /mcp\.rules\[0\]\.match\.version: this field is not known/],
    [
      'an unknown status',
      { tools: [{ ...rule, status: 'allowed' }] },
      /tools\[0\]\.status: “allowed” is not one of approved, conditional, tolerated/,
    ],
    [
      'an unknown tool',
      { tools: [{ ...rule, tool: 'olama' }] },
      /tools\[0\]\.tool: the catalog has no tool or family “olama”; the nearest is ollama\.$/,
    ],
    ['a tool like no other', { tools: [{ ...rule, tool: 'zzz' }] }, /no tool or family “zzz”; use an id that “muster scan” shows\.$/],
    [
      'an unknown tier',
      { tools: [{ ...rule, tool: 'github-copilot', tiers: ['busines'] }] },
      /github-copilot has no tier “busines”; the nearest is business of free, pro, business, enterprise\.$/,
    ],
    [
      'help that no window would open',
      { organization: { name: 'A', helpUrl: 'http://help.acme.example/' } },
      /organization\.helpUrl: “http:\/\/help.acme.example\/” does not fit here \(an address that begins with https:/,
    ],
    ['help with a password in it', { organization: { name: 'A', helpUrl: 'https://a:b@acme.example/' } }, /organization\.helpUrl: /],
    [
      'tiers of a tool that has none',
      { tools: [{ ...rule, tiers: ['pro'] }] },
      /tools\[0\]\.tiers: the catalog knows no tiers of ollama, so nothing would ever match; remove tiers, or use account\.$/,
    ],
    [
      'an action on what is approved',
      { tools: [{ ...rule, action: 'end-process' }] },
      /tools\[0\]\.action: end-process would stop what the same rule says is approved; make it prohibited or remove the action\.$/,
    ],
    ['a made-up assurance', { tools: [{ ...rule, assurance: { gdpr: true } }] }, /assurance\.gdpr: this field is not known/],
    ['an assurance of another form', { tools: [{ ...rule, assurance: { training: 'maybe' } }] }, /“maybe” is not one of yes, no, opt-out/],
    ['a publisher of another form', server({ publisher: 'https://acme.example/' }), /match\.publisher: .*write it as Muster shows it/],
    ['versions of a publisher', server({ publisher: '@acme', versions: '1' }), /has versions and no package/],
    ['no tiers', { tools: [{ ...rule, tiers: [] }] }, /tools\[0\]\.tiers: /],
    ['an unknown data class', { tools: [{ ...rule, dataClasses: ['secret'] }] }, /there is no data class “secret”; add it to dataClasses/],
    ['one id twice', { tools: [rule, rule] }, /tools\[1\]\.id: another rule has the id “a” too; give each its own\.$/],
    ['a match of nothing', server({}), /mcp\.rules\[0\]\.match: names nothing; give npm, pypi, oci, go, url, publisher or riskAtLeast\.$/],
    ['a match of two', server({ npm: 'x', pypi: 'x' }), /names npm and pypi; make one rule of each\.$/],
    ['an approval by risk', server({ riskAtLeast: 'high' }), /status: a rule with riskAtLeast can only be prohibited or unreviewed/],
    ['versions of nothing', server({ url: 'https://a.example/', versions: '1' }), /has versions and no package/],
    ['a hyphen range', server({ npm: 'x', versions: '1.0 - 2.0' }), /match\.versions: “1\.0 - 2\.0” is not understood: write 1\.2\.3/],
    ['a range of words', server({ npm: 'x', versions: 'latest' }), /“latest” is not understood/],
    ['an address that matches anybody', server({ url: 'https://acme.example*' }), /match\.url: write scheme, host and path/],
    ['an address of every host', server({ url: 'https://*/mcp' }), /match\.url: write scheme, host and path/],
    ['an address with a query', server({ url: 'https://acme.example/?a=*' }), /match\.url: write scheme, host and path/],
    [
      'a command in place of an action',
      { tools: [{ ...rule, action: 'rm -rf /' }] },
      /tools\[0\]\.action: “rm -rf \/” is not one of end-process/,
    ],
    ['a property twice', '{"schema":"muster.policy/1",\n"rev":1,\n"rev":2}', /^line 3: “rev” stands here twice; keep one of them\.$/],
    ['broken JSON', '{"schema":"muster.policy/1",\n"rev" 1}', /^line 2: colon expected; correct it so that it is JSON\.$/],
    ['nothing', '', /^The policy is empty; correct it so that it is JSON\.$/],
    ['what is no JSON at all', 'hello', /^line 1: invalid symbol; correct it so that it is JSON\.$/],
    ['a list', '[]', /^line 1, the whole policy: this does not fit here \(it has to be an object, in \{ \}\); correct it\.$/],
    [
      'a day that there is not',
      { tools: [{ ...rule, reviewBy: '2027-02-30' }] },
      /reviewBy: “2027-02-30” does not fit here \(it has to be a day that there is, as in 2027-02-28\); correct it\.$/,
    ],
    ['a list', '[]', /^line 1, the whole policy: /],
    [
      'a __proto__',
      { tools: [JSON.parse('{"id":"a","tool":"ollama","status":"approved","__proto__":{"tiers":["x"]}}')] },
      /__proto__: this field is not known/,
    ],
    ['too deep', `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`, /^line 1: nested deeper than any policy; remove what is too much\.$/],
    ['too long', ' '.repeat(2_000_001), /^The policy has 2000001 characters; 2000000 is the most, so shorten it\.$/],
  ])('of %s', (_, raw, expected) => {
    expect(issuesOf(raw)).toContainEqual(expect.stringMatching(expected));
  });

  it('never becomes an exception, whatever the text', () => {
    const mutated = fc
      .tuple(fc.nat(acme.length), fc.nat(40), fc.string({ maxLength: 20 }))
      .map(([at, length, put]) => acme.slice(0, at) + put + acme.slice(at + length));
    fc.assert(
      fc.property(fc.oneof(mutated, fc.json(), fc.string()), (text) => {
        const parsed = parsePolicy(text, known);
        for (const said of parsed.ok ? parsed.warnings : parsed.issues) expect(said).toMatch(/^(line \d+|The policy).+\.$/s);
        if (!parsed.ok) expect(parsed.issues.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes no longer than the text is long', () => {
    const began = process.cpuUsage();
    for (const text of [`{"a":"${'"'.repeat(200_000)}`, '/*'.repeat(200_000), '"\\'.repeat(200_000), '[{'.repeat(200_000)])
      parsePolicy(text);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(5000);
  });
});
