/**
 * What the organization says about one tool or one MCP server: item × policy × grants × now → verdict. Pure and total.
 *
 * The most specific word wins: a grant, then a rule for the item with a condition (tier, account; for a server versions or risk), then one
 * without, then the same for its family (for a server: an address with `*`, its publisher, then risk alone), then the stance. Among equals the
 * stricter wins. `words.ts` collects the words, `sentences.ts` tells the verdict; all three are functions of values, and the collector takes them whole.
 */
import type { McpIdentity, Mode, Risk, Verdict, VerdictStatus } from '../../electron/contract.ts';
import type { Policy } from './policy.ts';
import { anotherVersion, anyVersion, changedLaunch, day, narrowed, plain } from './sentences.ts';
import { allows, approves, grantsFor, rulesFor, shown, stanceOn, type Word } from './words.ts';

export type Item =
  | {
      readonly kind: 'tool';
      readonly tool: string;
      readonly family: string | null;
      /** Null: could not be read. */
      readonly tier: string | null;
      readonly account: 'company' | 'personal' | 'unknown';
      /** What the vendor calls its tiers, by id; an id that is missing is shown as it is. */
      readonly tierNames?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'mcp';
      readonly name: string;
      readonly identity: McpIdentity;
      /** What else a grant may call the identity: as it is told to others, where it is a path here. Null or absent: nothing. */
      readonly toldAs?: string | null;
      readonly url: string | null;
      /** As in `McpServer`; absent: nobody. */
      readonly publisher?: string | null;
      /** How it is started, so that a change since an approval can be named. */
      readonly command?: string | null;
      readonly args?: readonly string[];
      readonly risk: Risk;
      /** What a rule that pins the launch approved here before; absent or null where none did. */
      readonly approved?: ApprovedLaunch | null;
    };

/** What an entry starts or calls, as it is shown: without secrets. */
export type Started = {
  readonly identity: Pick<McpIdentity, 'kind' | 'name' | 'version'>;
  readonly command: string | null;
  readonly args: readonly string[];
  readonly url: string | null;
};

/** The launch that a rule with `pin: "launch"` approved, by that rule's id; `started` null or absent: only the hash was kept. */
export type ApprovedLaunch = { readonly rule: string; readonly launchHash: string; readonly started?: Started | null };

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

/** `open` says whether a request for the item is open. Never throws on a parsed policy. */
export function decide(item: Item, policy: Policy | null, grants: readonly Grant[], open: boolean, now: Date): Verdict {
  const { current, ended } = grantsFor(item, grants, policy, now);
  const words = [...current, ...(policy ? rulesFor(item, policy) : [])];
  const base = stanceOn(item, policy);
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
    return stricter ? anyVersion(stricter) : plain(winner, policy);
  }
  const missed = passed.find(({ status, versions }) => versions !== null && approves(status));
  if (missed && (winner ?? base).status !== 'prohibited') return anotherVersion(missed);
  return plain(winner ?? base, policy);
}

/** Whether this verdict is an approval by a rule that pins the launch: then it is of the launch as it was, and of no other. */
export function isPinned({ status, rule }: Pick<Verdict, 'status' | 'rule'>, policy: Policy | null): boolean {
  return approves(status) && rule !== null && policy?.mcp.rules.find(({ id }) => id === rule)?.pin === 'launch';
}

/** How a server is started, to be kept with an approval. */
export function startedBy({ identity: { kind, name, version }, command, args, url }: StartedParts): Started {
  return { identity: { kind, name, version }, command: command ?? null, args: args ?? [], url };
}
type StartedParts = Pick<Item & { kind: 'mcp' }, 'identity' | 'command' | 'args' | 'url'>;

function sameLaunch(item: Item & { kind: 'mcp' }, verdict: Verdict, policy: Policy | null): Verdict {
  const { approved, identity } = item;
  if (!approved || approved.rule !== verdict.rule || approved.launchHash === identity.launchHash || !isPinned(verdict, policy))
    return verdict;
  return changedLaunch(verdict, approved.started ?? null, item.command === undefined ? null : startedBy(item));
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
