/** Who says something about an item: each grant and rule that is about it, as one word of a form that can be compared. Pure. */
import type { Assurance, Mode, Risk, VerdictStatus } from '../../electron/contract.ts';
import type { Grant, Item } from './decide.ts';
import type { Policy } from './policy.ts';
import { compareVersions, parseVersion } from './version.ts';
import type { VersionSet } from './versions.ts';

/** Does the word apply to this item? `unknown`: that hangs on something that could not be read. */
export type Fit = 'yes' | 'no' | 'unknown';

/** One word of the policy about the item, whoever says it. A lower `layer` is more specific. */
export type Word = {
  readonly from: 'grant' | 'rule' | 'stance';
  readonly id: string | null;
  readonly layer: number;
  readonly fit: Fit;
  readonly status: 'approved' | 'conditional' | 'tolerated' | 'unreviewed' | 'prohibited';
  readonly tiers: readonly string[];
  readonly account: 'company' | 'personal' | null;
  readonly versions: string | null;
  readonly dataClasses: readonly string[];
  readonly conditions: string | null;
  readonly clause: string | null;
  readonly because: string | null;
  readonly until: string | null;
  readonly mode: Mode;
  readonly assurance: Assurance | null;
  readonly reviewBy: string | null;
};

const SILENT: Word = {
  from: 'stance',
  id: null,
  layer: 99,
  fit: 'yes',
  status: 'unreviewed',
  tiers: [],
  account: null,
  versions: null,
  dataClasses: [],
  conditions: null,
  clause: null,
  because: null,
  until: null,
  mode: 'warn',
  assurance: null,
  reviewBy: null,
};

type ToolRule = Policy['tools'][number];
type McpRule = Policy['mcp']['rules'][number];

/**
 * From the most specific: 0–3 grants (the item, its family), 4–5 rules for the item itself, 6–7 for its family or for addresses with `*`,
 * 8–9 for its publisher, 10–11 for a risk alone. Of each two the first has a condition: a tier, an account, versions, a risk beside a name.
 */
const LAYER = { grant: 0, grantOfFamily: 2, item: 4, wider: 6, publisher: 8, risk: 10 } as const;

export function stanceOn(item: Item, policy: Policy | null): Word {
  const status = (item.kind === 'tool' ? policy?.stance : policy?.mcp.stance) ?? 'unreviewed';
  return { ...SILENT, status, mode: policy?.mode ?? 'warn' };
}

/** The grants that are about the item: those that hold, and those that have ended and allowed something. */
export function grantsFor(item: Item, grants: readonly Grant[], policy: Policy | null, now: Date): { current: Word[]; ended: Word[] } {
  const current: Word[] = [];
  const ended: Word[] = [];
  for (const grant of grants) {
    const family = item.kind === 'tool' && grant.tool !== item.tool;
    const about =
      item.kind === 'tool'
        ? grant.tool === item.tool || (item.family !== null && grant.tool === item.family)
        : grant.mcp !== undefined && isNamed(grant.mcp, item);
    if (!about) continue;
    const word: Word = {
      ...SILENT,
      from: 'grant',
      id: grant.id,
      layer: (family ? LAYER.grantOfFamily : LAYER.grant) + (grant.tiers ? 0 : 1),
      fit: item.kind === 'tool' ? among(grant.tiers, item.tier) : 'yes',
      status: grant.status,
      tiers: grant.tiers ?? [],
      dataClasses: grant.dataClasses ?? [],
      because: grant.reason,
      until: grant.expiresAt,
      mode: policy?.mode ?? 'warn',
    };
    const end = Date.parse(grant.expiresAt);
    if (end > now.getTime()) current.push(word);
    else if (word.fit !== 'no' && word.status !== 'prohibited' && !Number.isNaN(end)) ended.push(word);
  }
  return { current, ended };
}

/** Whether it is how the collector was told of a server: by a hash, in the place of a path or a name. */
export function isHashed(mcp: string): boolean {
  return /\b(?:hidden|project):/.test(mcp);
}

/** Where the hashed form is known a server can't take it for its own name: whoever writes the file could name one so. */
function isNamed(mcp: string, { identity: { kind, name }, toldAs }: Item & { kind: 'mcp' }): boolean {
  if (toldAs !== undefined && isHashed(mcp)) return mcp === toldAs;
  return mcp === name || mcp === `${kind}:${name}`;
}

/** The rules that are about the item, with whether they apply to it. */
export function rulesFor(item: Item, policy: Policy): Word[] {
  const words: Word[] = [];
  if (item.kind === 'tool') {
    for (const rule of policy.tools) {
      const word = toolWord(rule, item, policy);
      if (word) words.push(word);
    }
  } else {
    for (const rule of policy.mcp.rules) {
      const word = serverWord(rule, item, policy);
      if (word) words.push(word);
    }
  }
  return words;
}

function toolWord(rule: ToolRule, item: Item & { kind: 'tool' }, policy: Policy): Word | null {
  const own = rule.tool === item.tool;
  if (!own && (item.family === null || rule.tool !== item.family)) return null;
  const account =
    rule.account === undefined ? 'yes' : item.account === 'unknown' ? 'unknown' : item.account === rule.account ? 'yes' : 'no';
  return {
    ...said(rule, policy),
    tiers: rule.tiers ?? [],
    account: rule.account ?? null,
    versions: null,
    layer: (own ? LAYER.item : LAYER.wider) + (rule.tiers !== undefined || rule.account !== undefined ? 0 : 1),
    fit: both(among(rule.tiers, item.tier), account),
  };
}

function serverWord(rule: McpRule, item: Item & { kind: 'mcp' }, policy: Policy): Word | null {
  const { versions, riskAtLeast } = rule.match;
  const target = named(rule.match, item);
  if (target === null) return null;
  const risk: Fit = riskAtLeast === undefined || LEVELS.indexOf(item.risk.level) >= LEVELS.indexOf(riskAtLeast) ? 'yes' : 'no';
  return {
    ...said(rule, policy),
    tiers: [],
    account: null,
    versions: versions?.text ?? null,
    layer: target + (versions !== undefined || (riskAtLeast !== undefined && target < LAYER.risk) ? 0 : 1),
    fit: both(risk, versions === undefined ? 'yes' : inVersions(item.identity.version, versions)),
  };
}

function said(rule: ToolRule | McpRule, policy: Policy) {
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
    assurance: assured(rule.assurance),
    reviewBy: rule.reviewBy ?? null,
  } as const;
}

/** Without the fields that nobody filled in. */
function assured(assurance: ToolRule['assurance']): Assurance | null {
  if (assurance === undefined) return null;
  return Object.fromEntries(Object.entries(assurance).filter(([, value]) => value !== undefined));
}

const LEVELS: readonly Risk['level'][] = ['none', 'low', 'medium', 'high', 'critical'];
const REGISTRIES = ['npm', 'pypi', 'oci', 'go'] as const;

/** The layer of what a rule names of a server, or null: another one. */
function named(match: McpRule['match'], item: Item & { kind: 'mcp' }): number | null {
  for (const registry of REGISTRIES) {
    const wanted = match[registry];
    if (wanted === undefined) continue;
    const { kind, name } = item.identity;
    const same = registry === 'pypi' ? pypiName(wanted) === pypiName(name) : wanted === name;
    return kind === registry && same ? LAYER.item : null;
  }
  if (match.url !== undefined) {
    if (item.url === null || !likeUrl(item.url, match.url)) return null;
    return match.url.includes('*') ? LAYER.wider : LAYER.item;
  }
  if (match.publisher !== undefined) return item.publisher?.toLowerCase() === match.publisher.toLowerCase() ? LAYER.publisher : null;
  return LAYER.risk;
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

export function approves(status: VerdictStatus): boolean {
  return status === 'approved' || status === 'conditional';
}

export function allows(status: VerdictStatus): boolean {
  return approves(status) || status === 'tolerated';
}

/** What is shown: an approval with something to keep to is a conditional one. */
export function shown({ status, conditions, dataClasses }: Word): VerdictStatus {
  return status === 'approved' && (conditions !== null || dataClasses.length > 0) ? 'conditional' : status;
}
