/** The verdict that a word makes, with the one sentence that tells it to the employee. Pure. */
import type { Verdict, VerdictStatus } from '../../electron/contract.ts';
import type { Item, Started } from './decide.ts';
import type { Policy } from './policy.ts';
import { approves, shown, type Word } from './words.ts';

/** The verdict of the word that decides. */
export function plain(word: Word, policy: Policy | null): Verdict {
  const status = shown(word);
  const { dataClasses, conditions, until } = word;
  return { ...signed(word), status, reason: sentence(word, status, policy), dataClasses, conditions, until };
}

/** An approval for other accounts than this one: by `word`, and whatever else in `passed` approves under a condition. */
export function narrowed(
  status: 'tier-unknown' | 'wrong-tier',
  word: Word,
  passed: readonly Word[],
  item: Item & { kind: 'tool' },
  policy: Policy | null,
): Verdict {
  const tierName = (id: string) => item.tierNames?.[id] ?? id;
  const able = passed.filter((other) => approves(other.status));
  const tiers = [...new Set(able.flatMap((other) => other.tiers))].sort();
  const accounts = new Set(able.flatMap(({ account }) => account ?? []));
  const company = policy?.organization ? `an account of ${policy.organization.name}` : 'a work account';
  const only = [
    ...(tiers.length ? [`on ${list(tiers.map(tierName), 'or')}`] : []),
    ...(accounts.size === 1 ? [`with ${accounts.has('company') ? company : 'a personal account'}`] : []),
  ].join(', ');
  const scope = only ? `Approved only ${only}` : 'Approved on some plans only';
  const account = item.account === 'unknown' ? 'another account' : item.account === 'personal' ? 'a personal account' : company;
  const here = item.tier !== null && tiers.length > 0 && !tiers.includes(item.tier) ? tierName(item.tier) : account;
  const reason =
    status === 'tier-unknown'
      ? `${scope}, and which account this is could not be read; check it or ask for approval.`
      : `${scope}, and this is ${here}; switch or ask for approval.`;
  return without(word, status, reason);
}

/** Approved in some versions only, and this isn't one of them, or nobody can say. */
export function anotherVersion(word: Word): Verdict {
  const why = word.fit === 'unknown' ? 'this one is not pinned to a version' : 'this is another';
  const reason = `Approved in the versions ${word.versions} only, and ${why}; change the version or ask for approval.`;
  return without(word, 'unreviewed', reason);
}

/** The policy says different things of different versions, and which one starts is not fixed. */
export function anyVersion(word: Word): Verdict {
  const reason = 'Its version is not pinned, and the policy treats versions differently; pin one or ask for approval.';
  return without(word, 'unreviewed', reason);
}

/** Another launch than the one that was approved. `was` is null where only its hash was kept. */
export function changedLaunch(verdict: Verdict, was: Started | null, is: Started | null): Verdict {
  const what = was && is ? difference(was, is) : 'What it starts or calls has changed since it was approved';
  const reason = `${what}; change it back or ask for approval again.`;
  return { ...verdict, status: 'unreviewed', reason, dataClasses: [], conditions: null, until: null };
}

/** The first thing that differs, from what it is to how it is started. */
function difference(was: Started, is: Started): string {
  const [before, now] = [was.identity, is.identity];
  if (before.kind !== now.kind || before.name !== now.name) {
    return `It was ${quoted(before.name)} when it was approved, and is ${quoted(now.name)} now`;
  }
  if (before.version !== now.version) {
    const version = (text: string | null) => (text === null ? 'no fixed version' : `version ${quoted(text)}`);
    return `It was ${version(before.version)} when it was approved, and is ${version(now.version)} now`;
  }
  if (was.url !== is.url) return `Its address was ${quoted(was.url)} when it was approved, and is ${quoted(is.url)} now`;
  if (was.command !== is.command) return `Its command was ${quoted(was.command)} when it was approved, and is ${quoted(is.command)} now`;
  if (was.args.length !== is.args.length || was.args.some((arg, index) => arg !== is.args[index])) {
    return 'Its arguments have changed since it was approved';
  }
  return 'A variable or the folder that it starts with has changed since it was approved';
}

/** Text from a config file inside a sentence: short, on one line, and never the end of it. */
function quoted(text: string | null): string {
  if (text === null) return 'none';
  const characters = [...text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·')];
  return `“${characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : characters.join('')}”`;
}

/** What a verdict takes from the word behind it, whatever it says. */
function signed({ id: rule, clause, mode, assurance, reviewBy }: Word) {
  return { rule, clause, mode, ...(assurance === null ? {} : { assurance }), ...(reviewBy === null ? {} : { reviewBy }) };
}

function without(word: Word, status: VerdictStatus, reason: string): Verdict {
  return { ...signed(word), status, reason, dataClasses: [], conditions: null, until: null };
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
      if (!policy) return 'Nobody has looked at it yet; ask for approval.';
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
export function day(time: string | number): string {
  const date = new Date(time);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}
