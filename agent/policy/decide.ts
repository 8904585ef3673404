/**
 * What the organization says about one tool or one MCP server: item × policy × grants × now → verdict. Pure and total.
 *
 * The most specific word wins: a grant, then a rule for the item with a condition (tier, account; for a server versions or risk), then one
 * without, then the same for its family (for a server: an address with `*`, then risk alone), then the stance. Among equals the stricter wins.
 *
 * One file, longer than others: who says something (words), which word wins, and the sentence that tells it are one thought, and the collector
 * takes it whole.
 */
import type { McpIdentity, Mode, Risk, Verdict, VerdictStatus } from '../../electron/contract.ts';
import type { Policy } from './policy.ts';
import type { VersionSet } from './versions.ts';

export type Item =
  | {
      readonly kind: 'tool';
      readonly tool: string;
      readonly family: string | null;
      /** Null: could not be read. */
      readonly tier: string | null;
      readonly account: 'company' | 'personal' | 'unknown';
    }
  | {
      readonly kind: 'mcp';
      readonly name: string;
      readonly identity: McpIdentity;
      readonly url: string | null;
      readonly risk: Risk;
      /** What a rule that pins the launch approved here before; absent or null where none did. */
      readonly approved?: ApprovedLaunch | null;
    };

/** The launch that a rule with `pin: "launch"` approved, by that rule's id. */
export type ApprovedLaunch = { readonly rule: string; readonly launchHash: string };

/** What is granted to this device. `tool` is an entry or a family; `mcp` is an identity: its name, or its kind and name as `npm:@acme/files`. */
export type Grant = {
  readonly id: string;
  readonly tool?: string;
  /** Never the name in a config file: whoever writes that file could take an approved one. */
  readonly mcp?: string;
  readonly tiers?: readonly string[];
  readonly status: 'approved' | 'conditional' | 'prohibited' | 'tolerated';
  readonly dataClasses?: readonly string[];
  readonly expiresAt: string;
  readonly reason: string;
  readonly requestId?: string;
};

/** From the freest to the strictest; a tool's verdict is the strictest of its accounts. */
export const STRICTNESS: readonly VerdictStatus[] = [
  'approved',
  'conditional',
  'tolerated',
  'pending',
  'tier-unknown',
  'wrong-tier',
  'unreviewed',
  'expired',
  'prohibited',
];

/** Does the word apply to this item? `unknown`: that hangs on something that could not be read. */
type Fit = 'yes' | 'no' | 'unknown';

/** One word of the policy about the item, whoever says it. A lower `layer` is more specific. */
type Word = {
  readonly from: 'grant' | 'rule' | 'stance';
  readonly id: string | null;
  readonly layer: number;
  readonly fit: Fit;
  readonly status: 'approved' | 'conditional' | 'tolerated' | 'unreviewed' | 'prohibited';
  readonly tiers: readonly string[];
  readonly company: boolean;
  readonly versions: string | null;
  readonly dataClasses: readonly string[];
  readonly conditions: string | null;
  readonly clause: string | null;
  readonly because: string | null;
  readonly until: string | null;
  readonly mode: Mode;
};

const NO_POLICY_REASON = 'Nobody has looked at it yet; ask for approval.';

/** `open` says whether a request for the item is open. Never throws on a parsed policy. */
export function decide(item: Item, policy: Policy | null, grants: readonly Grant[], open: boolean, now: Date): Verdict {
  const { current, ended } = grantsFor(item, grants, policy, now);
  const words = [...current, ...(policy ? rulesFor(item, policy) : [])];
  const base = stance(item, policy);
  const found = item.kind === 'tool' ? forTool(item, words, base, policy) : sameLaunch(item, forServer(words, base, policy), policy);

  // An ended grant changes the word and nothing else; it says nothing where the tool may be used, or may not be used, for other reasons.
  const asks = found.status === 'unreviewed' || found.status === 'wrong-tier' || found.status === 'tier-unknown';
  const last = ended.reduce((latest, { until }) => Math.max(latest, Date.parse(until ?? '')), 0);
  const verdict: Verdict =
    asks && last > 0
      ? { ...found, status: 'expired', reason: `Your approval ended on ${day(last)}; ask again or use an approved one.` }
      : found;

  if (open && (asks || verdict.status === 'expired')) {
    const who = policy?.organization ? `${policy.organization.name} IT` : 'IT';
    return { ...verdict, status: 'pending', reason: `You have asked for it, and ${who} has not answered yet.` };
  }
  return verdict;
}

function forTool(item: Item & { kind: 'tool' }, words: readonly Word[], base: Word, policy: Policy | null): Verdict {
  const { winner, passed } = resolve(words, base);
  const unsure = passed.find(({ fit, status }) => fit === 'unknown' && approves(status));
  const missed = passed.find(({ fit, status }) => fit === 'no' && approves(status));

  if (winner && allows(winner.status)) {
    const stricter = passed.find((word) => word.fit === 'unknown' && narrows(word, winner));
    return stricter ? narrowed('tier-unknown', stricter, passed, item, policy) : plain(winner, policy);
  }
  if (unsure) return narrowed('tier-unknown', unsure, passed, item, policy);
  if (missed && winner?.status !== 'prohibited') return narrowed('wrong-tier', missed, passed, item, policy);
  return plain(winner ?? base, policy);
}

function forServer(words: readonly Word[], base: Word, policy: Policy | null): Verdict {
  const { winner, passed } = resolve(words, base);
  if (winner && allows(winner.status)) {
    const stricter = passed.find((word) => word.fit === 'unknown' && narrows(word, winner));
    return stricter
      ? unsuitable(stricter, 'Its version is not pinned, and the policy treats versions differently; pin one or ask for approval.')
      : plain(winner, policy);
  }
  const missed = passed.find(({ status, versions }) => versions !== null && approves(status));
  if (missed && (winner ?? base).status !== 'prohibited') {
    const why = missed.fit === 'unknown' ? 'this one is not pinned to a version' : 'this is another';
    return unsuitable(missed, `Approved in the versions ${missed.versions} only, and ${why}; change the version or ask for approval.`);
  }
  return plain(winner ?? base, policy);
}

/** Whether this verdict is an approval by a rule that pins the launch: then it is of the launch as it was, and of no other. */
export function isPinned({ status, rule }: Pick<Verdict, 'status' | 'rule'>, policy: Policy | null): boolean {
  return approves(status) && rule !== null && policy?.mcp.rules.find(({ id }) => id === rule)?.pin === 'launch';
}

function sameLaunch({ approved, identity }: Item & { kind: 'mcp' }, verdict: Verdict, policy: Policy | null): Verdict {
  if (!approved || approved.rule !== verdict.rule || approved.launchHash === identity.launchHash || !isPinned(verdict, policy))
    return verdict;
  const reason = 'What it starts or calls has changed since it was approved; change it back or ask for approval again.';
  return { ...verdict, status: 'unreviewed', reason, dataClasses: [], conditions: null, until: null };
}

/**
 * The word that decides, and those that stand before it in line and don't fit or may not fit. A rule that approves this very item under a
 * condition has said what it is about: below it only a prohibition counts, and without one there is no winner.
 */
function resolve(words: readonly Word[], base: Word): { winner: Word | null; passed: readonly Word[] } {
  const layers = [...new Set(words.map(({ layer }) => layer))].sort((a, b) => a - b);
  const passed: Word[] = [];
  let settledBy: number | null = null;
  for (const layer of layers) {
    const here = words.filter((word) => word.layer === layer).sort(stricterFirst);
    passed.push(...here.filter(({ fit }) => fit !== 'yes'));
    const winner = here.find(({ fit }) => fit === 'yes');
    // The two layers of one subject (with a condition, without) are neighbours: 2n and 2n + 1.
    const blocked = settledBy !== null && layer >> 1 !== settledBy >> 1;
    if (winner && (!blocked || winner.status === 'prohibited')) return { winner, passed };
    if (settledBy === null && here.some(({ from, fit, status }) => from === 'rule' && fit !== 'yes' && approves(status))) settledBy = layer;
  }
  return { winner: settledBy === null ? base : null, passed };
}

function approves(status: VerdictStatus): boolean {
  return status === 'approved' || status === 'conditional';
}

function allows(status: VerdictStatus): boolean {
  return approves(status) || status === 'tolerated';
}

/** What is shown: an approval with something to keep to is a conditional one. */
function shown({ status, conditions, dataClasses }: Word): VerdictStatus {
  return status === 'approved' && (conditions !== null || dataClasses.length > 0) ? 'conditional' : status;
}

function rank(word: Word): number {
  return STRICTNESS.indexOf(shown(word));
}

/** Whether `word` allows less than `winner`: a stricter status, or fewer kinds of data. */
function narrows(word: Word, winner: Word): boolean {
  if (rank(word) !== rank(winner)) return rank(word) > rank(winner);
  if (word.dataClasses.length === 0) return false;
  return winner.dataClasses.length === 0 || winner.dataClasses.some((id) => !word.dataClasses.includes(id));
}

const MODES: readonly Mode[] = ['monitor', 'warn', 'enforce'];

/** A total order, so that the order in which rules were written never matters: the last steps only make ties fall the same way. */
function stricterFirst(a: Word, b: Word): number {
  const classes = (word: Word) => (word.dataClasses.length === 0 ? Number.POSITIVE_INFINITY : word.dataClasses.length);
  const ends = (word: Word) => (word.until === null ? Number.POSITIVE_INFINITY : Date.parse(word.until));
  return (
    rank(b) - rank(a) ||
    compare(classes(a), classes(b)) ||
    compare(a.conditions === null ? 1 : 0, b.conditions === null ? 1 : 0) ||
    MODES.indexOf(b.mode) - MODES.indexOf(a.mode) ||
    // Of two equal grants the one that ends later is the one that says when the verdict ends.
    compare(ends(b), ends(a)) ||
    compare(a.id ?? '', b.id ?? '') ||
    compare(JSON.stringify(a), JSON.stringify(b))
  );
}

function compare<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// ── Who says something about the item ────────────────────────────────────────────────────────────────────────────────────────────────────

function stance(item: Item, policy: Policy | null): Word {
  const status = (item.kind === 'tool' ? policy?.stance : policy?.mcp.stance) ?? 'unreviewed';
  return { ...SILENT, from: 'stance', status, mode: policy?.mode ?? 'warn' };
}

const SILENT: Word = {
  from: 'stance',
  id: null,
  layer: 99,
  fit: 'yes',
  status: 'unreviewed',
  tiers: [],
  company: false,
  versions: null,
  dataClasses: [],
  conditions: null,
  clause: null,
  because: null,
  until: null,
  mode: 'warn',
};

/** Layers 0–3: a grant for the item, with and without tiers, then one for its family. */
function grantsFor(item: Item, grants: readonly Grant[], policy: Policy | null, now: Date): { current: Word[]; ended: Word[] } {
  const current: Word[] = [];
  const ended: Word[] = [];
  for (const grant of grants) {
    const family = item.kind === 'tool' && grant.tool !== item.tool;
    const about =
      item.kind === 'tool'
        ? grant.tool === item.tool || (item.family !== null && grant.tool === item.family)
        : grant.mcp !== undefined && (grant.mcp === item.identity.name || grant.mcp === `${item.identity.kind}:${item.identity.name}`);
    if (!about) continue;
    const word: Word = {
      ...SILENT,
      from: 'grant',
      id: grant.id,
      layer: (family ? 2 : 0) + (grant.tiers ? 0 : 1),
      fit: item.kind === 'tool' ? among(grant.tiers, item.tier) : 'yes',
      status: grant.status,
      tiers: grant.tiers ?? [],
      dataClasses: grant.dataClasses ?? [],
      because: grant.reason,
      until: grant.expiresAt,
      mode: policy?.mode ?? 'warn',
    };
    if (Date.parse(grant.expiresAt) > now.getTime()) current.push(word);
    else if (word.fit !== 'no' && allows(word.status) && !Number.isNaN(Date.parse(grant.expiresAt))) ended.push(word);
  }
  return { current, ended };
}

function rulesFor(item: Item, policy: Policy): Word[] {
  const words: Word[] = [];
  if (item.kind === 'tool') {
    for (const rule of policy.tools) {
      const own = rule.tool === item.tool;
      if (!own && (item.family === null || rule.tool !== item.family)) continue;
      const narrow = rule.tiers !== undefined || rule.account !== undefined;
      const account =
        rule.account === undefined ? 'yes' : item.account === 'unknown' ? 'unknown' : item.account === rule.account ? 'yes' : 'no';
      const fit = both(among(rule.tiers, item.tier), account);
      const more = { tiers: rule.tiers ?? [], company: rule.account === 'company', versions: null };
      words.push({ ...fromRule(rule, policy), ...more, layer: (own ? 4 : 6) + (narrow ? 0 : 1), fit });
    }
    return words;
  }
  for (const rule of policy.mcp.rules) {
    const { versions, riskAtLeast } = rule.match;
    const target = names(rule.match, item);
    if (target === null) continue;
    const risk: Fit = riskAtLeast === undefined || LEVELS.indexOf(item.risk.level) >= LEVELS.indexOf(riskAtLeast) ? 'yes' : 'no';
    const fit = both(risk, versions === undefined ? 'yes' : inVersions(item.identity.version, versions));
    const narrow = versions !== undefined || (riskAtLeast !== undefined && target < 8);
    words.push({
      ...fromRule(rule, policy),
      tiers: [],
      company: false,
      versions: versions?.text ?? null,
      layer: target + (narrow ? 0 : 1),
      fit,
    });
  }
  return words;
}

const LEVELS: readonly Risk['level'][] = ['none', 'low', 'medium', 'high', 'critical'];

function fromRule(rule: Policy['tools'][number] | Policy['mcp']['rules'][number], policy: Policy) {
  return {
    from: 'rule',
    id: rule.id,
    status: rule.status,
    dataClasses: rule.dataClasses ?? [],
    conditions: rule.conditions ?? null,
    clause: rule.clause ?? null,
    because: rule.reason ?? null,
    until: null,
    mode: rule.mode ?? policy.mode,
  } as const;
}

/** The layer of what a rule names of a server (4 this package or address, 6 addresses with `*`, 8 nothing but a risk), or null: another one. */
function names(match: Policy['mcp']['rules'][number]['match'], item: Item & { kind: 'mcp' }): number | null {
  const { kind, name } = item.identity;
  const wanted = match.npm ?? match.pypi ?? match.oci ?? match.go;
  if (wanted !== undefined) {
    const registry = match.npm !== undefined ? 'npm' : match.pypi !== undefined ? 'pypi' : match.oci !== undefined ? 'oci' : 'go';
    const same = registry === 'pypi' ? pypiName(wanted) === pypiName(name) : wanted === name;
    return kind === registry && same ? 4 : null;
  }
  if (match.url !== undefined) return item.url !== null && likeUrl(item.url, match.url) ? (match.url.includes('*') ? 6 : 4) : null;
  return 8;
}

/** PEP 503: `My_Server` and `my-server` are one project. */
function pypiName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

function among(list: readonly string[] | undefined, value: string | null): Fit {
  if (list === undefined) return 'yes';
  return value === null ? 'unknown' : list.includes(value) ? 'yes' : 'no';
}

function both(a: Fit, b: Fit): Fit {
  return a === 'no' || b === 'no' ? 'no' : a === 'unknown' || b === 'unknown' ? 'unknown' : 'yes';
}

/** `*` is any text in the path and any labels in the host, where `parsePolicy` allows it only as the first label. Linear in both lengths. */
function likeUrl(url: string, pattern: string): boolean {
  const [origin, rest] = splitUrl(url);
  const [wantedOrigin, wantedRest] = splitUrl(pattern);
  return like(origin, wantedOrigin) && like(rest, wantedRest);
}

function splitUrl(url: string): [origin: string, rest: string] {
  const slash = url.indexOf('/', url.indexOf('://') + 3);
  return slash < 0 ? [url.toLowerCase(), '/'] : [url.slice(0, slash).toLowerCase(), url.slice(slash)];
}

function like(text: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...others] = parts;
  const end = others.pop();
  if (end === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - end.length >= at && text.endsWith(end);
}

// ── Versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Version = { readonly numbers: readonly number[]; readonly pre: string | null };

const VERSION =
  /^v?(\d{1,9}(?:\.\d{1,9}){0,5})(?:-([0-9a-z.-]+)|[.]?((?:a|b|c|rc|alpha|beta|pre|preview|dev)\.?\d*))?(?:\.post\d+)?(?:\+[0-9a-z.-]*)?$/i;

/**
 * `1.2.3`, `v2`, `1.4.0-beta.1`, `2.0rc1`; null for a tag, a range or a hash. A part after `-` makes it earlier than the same without, also where
 * an image's tag means something else by it; what follows `+`, and `.post1`, is left out of the comparison.
 */
export function parseVersion(text: string): Version | null {
  const [, digits, dashed, pre] = (text.length <= 100 && VERSION.exec(text)) || [];
  return digits === undefined ? null : { numbers: digits.split('.').map(Number), pre: (dashed ?? pre)?.toLowerCase() ?? null };
}

function inVersions(version: string | null, { any }: VersionSet): Fit {
  const found = version === null ? null : parseVersion(version);
  if (!found) return 'unknown';
  const holds = any.some((all) =>
    all.every(({ op, version: bound }) => {
      const order = compareVersions(found, bound);
      return op === '<' ? order < 0 : op === '<=' ? order <= 0 : op === '>' ? order > 0 : op === '>=' ? order >= 0 : order === 0;
    }),
  );
  return holds ? 'yes' : 'no';
}

function compareVersions(a: Version, b: Version): number {
  for (let part = 0; part < Math.max(a.numbers.length, b.numbers.length); part++) {
    const difference = (a.numbers[part] ?? 0) - (b.numbers[part] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.pre === null || b.pre === null) return (a.pre === null ? 1 : 0) - (b.pre === null ? 1 : 0);
  const left = a.pre.split('.');
  const right = b.pre.split('.');
  for (let part = 0; part < Math.max(left.length, right.length); part++) {
    const [x, y] = [left[part], right[part]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const [m, n] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    return m && n ? Number(x) - Number(y) : m !== n ? (m ? -1 : 1) : compare(x, y);
  }
  return 0;
}

// ── What the employee reads ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

function plain(word: Word, policy: Policy | null): Verdict {
  const { id: rule, clause, dataClasses, conditions, until, mode } = word;
  const status = shown(word);
  return { status, reason: sentence(word, status, policy), rule, clause, dataClasses, conditions, until, mode };
}

function narrowed(
  status: 'tier-unknown' | 'wrong-tier',
  word: Word,
  passed: readonly Word[],
  item: Item & { kind: 'tool' },
  policy: Policy | null,
): Verdict {
  const able = passed.filter((other) => approves(other.status));
  const tiers = [...new Set(able.flatMap((other) => other.tiers))].sort();
  const account = policy?.organization ? `an account of ${policy.organization.name}` : 'a work account';
  const only = [
    ...(tiers.length ? [`on ${list(tiers, 'or')}`] : []),
    ...(able.some((other) => other.company) ? [`with ${account}`] : []),
  ].join(', ');
  const scope = only ? `Approved only ${only}` : 'Approved on some plans only';
  const here = item.tier !== null && tiers.length > 0 && !tiers.includes(item.tier) ? item.tier : 'another account';
  const { id: rule, clause, mode } = word;
  const reason =
    status === 'tier-unknown'
      ? `${scope}, and which account this is could not be read; check it or ask for approval.`
      : `${scope}, and this is ${here}; switch or ask for approval.`;
  return { status, reason, rule, clause, dataClasses: [], conditions: null, until: null, mode };
}

function unsuitable({ id: rule, clause, mode }: Word, reason: string): Verdict {
  return { status: 'unreviewed', reason, rule, clause, dataClasses: [], conditions: null, until: null, mode };
}

function sentence(word: Word, status: VerdictStatus, policy: Policy | null): string {
  const classes = word.dataClasses.map((id) => policy?.dataClasses.find((one) => one.id === id)?.label ?? id);
  const data = classes.length ? ` with ${list(classes, 'and')}` : '';
  const until = word.until === null ? '' : ` until ${day(word.until)}`;
  const known = policy?.organization?.name;
  const organization = known ?? 'Your organization';
  switch (status) {
    case 'approved':
      return `You may use it${until}.`;
    case 'conditional':
      return word.conditions === null ? `You may use it${data}${until}.` : `You may use it${data}${until}: ${asSentence(word.conditions)}`;
    case 'tolerated':
      return `Not recommended, and not stopped${until}${classes.length ? `; ${list(classes, 'and')} only` : ''}.`;
    case 'prohibited':
      if (word.because !== null) return `${organization} decided against it: ${asSentence(word.because)}`;
      return word.from === 'stance'
        ? `${organization} allows only what is on its list; ask for approval or use an approved one.`
        : `${organization} decided against it; use an approved one instead.`;
    default:
      if (!policy) return NO_POLICY_REASON;
      return `Nobody${known ? ` at ${known}` : ''} has looked at it yet; ask for approval or use an approved one.`;
  }
}

function asSentence(text: string): string {
  return `${text.trim().replace(/[.!\s]+$/, '')}.`;
}

function list(words: readonly string[], join: 'and' | 'or'): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${join} ${words.at(-1)}`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** “30 April 2027”, in UTC: the same on every computer. */
function day(time: string | number): string {
  const date = new Date(time);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
