/** When to tell the employee something, as a pure function of two states: what was known, and what is known now. */
import { capital, countWord, dayWord, groups, mustAcknowledge, stateSentence, statusWord, toolStanding } from '../attention.ts';
import type { Action, ApprovalRequest, GrantInForce, RequestState, Snapshot, Tool, View } from '../contract.ts';
import { plainText } from './tray.ts';

export type Notice = {
  readonly title: string;
  readonly body: string;
  /** Where a click leads. */
  readonly view: View;
  readonly tool: string | null;
  /** What to remember as told: `inventory`, or tools' ids. */
  readonly items: readonly string[];
};

const NAMED = 3;

/**
 * At most one notice about tools, one about answers and one about approvals that end. Tools: the first inventory is one notice with a count;
 * afterwards one for what is new and needs the employee and for what the policy or an account has changed, however much that is. A rule that
 * only records (`monitor`) tells nothing. `after.told` must hold what was shown already.
 */
export function notices(before: Snapshot | null, after: Snapshot): Notice[] {
  const answers = before ? aboutAnswers(before.requests, after.requests) : null;
  return [withReading(aboutTools(before, after), before, after), answers, aboutGrants(after), aboutActions(before, after)].filter(
    (notice) => notice !== null,
  );
}

/** Nothing happens without notice: what has begun to count down, before anything else, and what was done. */
function aboutActions(before: Snapshot | null, after: Snapshot): Notice | null {
  const known = new Map((before?.actions ?? []).map((action) => [action.id, action.state]));
  const turned = (state: Action['state']) => (after.actions ?? []).filter((one) => one.state === state && known.get(one.id) !== state);
  const [waiting, done] = [turned('waiting'), before ? turned('done') : []];
  const told = waiting.length > 0 ? waiting : done;
  const [first, ...others] = told;
  if (!first) return null;
  const base = { view: first.kind === 'end-process' ? 'home' : 'servers', tool: null, items: [] } as const;
  const names = list(told.map(({ itemName }) => itemName));
  if (others.length > 0) {
    return waiting.length > 0
      ? {
          ...base,
          title: `Muster stops ${countWord(told.length)} things soon`,
          body: `${names}: your policy doesn’t allow them. Open Muster to see when.`,
        }
      : { ...base, title: `Muster stopped ${countWord(told.length)} things`, body: `${names}. Your policy doesn’t allow them.` };
  }
  const name = plainText(first.itemName, 40);
  const reason = plainText(first.reason, 160);
  if (first.kind === 'end-process') {
    return waiting.length > 0
      ? { ...base, title: `Muster closes ${name} in a minute`, body: `${reason} Save your work.`, tool: first.item }
      : { ...base, title: `Muster closed ${name}`, body: reason, tool: first.item };
  }
  return waiting.length > 0
    ? {
        ...base,
        title: `Muster turns the MCP server ${name} off in a minute`,
        body: `${reason} You can keep it for today, or take it back.`,
      }
    : { ...base, title: `Muster turned the MCP server ${name} off`, body: `${reason} You can take it back in Muster.` };
}

/** A policy that has come to be read is told together with what it changes. */
function withReading(tools: Notice | null, before: Snapshot | null, after: Snapshot): Notice | null {
  const asked = after.policy.acknowledge;
  if (!before || !asked || after.policy.mode === 'monitor' || !mustAcknowledge(after.policy)) return tools;
  if (before.policy.acknowledge?.version === asked.version && mustAcknowledge(before.policy)) return tools;
  if (tools) return { ...tools, body: `${tools.body} The policy asks to be read.`, view: 'policy', tool: null };
  const body = `Read version ${plainText(asked.version, 40)} in Muster, and say that you have.`;
  return { title: 'The policy asks to be read', body, view: 'policy', tool: null, items: [] };
}

function aboutTools(before: Snapshot | null, after: Snapshot): Notice | null {
  const { look, tools, told } = after;
  const { firstAt } = look;
  if (firstAt === null) return null;
  const spoken = (tool: Tool) => tool.present && tool.verdict.mode !== 'monitor';
  const isNew = (tool: Tool) => Date.parse(tool.firstSeen) > Date.parse(firstAt);
  // Once in its life: stricter than once a day, and a reminder would need a rule of its own.
  const isTold = (item: string) => Object.hasOwn(told, item);
  const news = tools.filter((tool) => spoken(tool) && isNew(tool) && toolStanding(tool) === 'needs' && !isTold(tool.id));

  if (!isTold('inventory')) {
    if (!tools.some(spoken)) return null;
    const { needs, waiting, fine } = groups(tools);
    const total = needs.length + waiting.length + fine.length;
    return {
      title: total === 1 ? 'Muster found one AI tool' : `Muster found ${countWord(total)} AI tools`,
      body: stateSentence({ tools, look }),
      view: 'home',
      tool: null,
      items: ['inventory', ...news.map((tool) => tool.id)],
    };
  }
  const changed = before ? changedTools(before, after).filter((tool) => !news.includes(tool)) : [];
  if (changed.length > 0) return aboutChanges(before, after, changed, news);
  const [first, ...others] = news;
  if (!first) return null;
  const items = news.map((tool) => tool.id);
  if (others.length === 0) {
    return {
      title: `${plainText(first.name, 40)} is new on this computer`,
      body: plainText(`${statusWord[first.verdict.status]}. ${first.verdict.reason}`, 200),
      view: 'home',
      tool: first.id,
      items,
    };
  }
  return {
    title: `${capital(countWord(news.length))} AI tools are new on this computer`,
    body: `${list(news.map((tool) => tool.name))} need something from you.`,
    view: 'home',
    tool: null,
    items,
  };
}

/** What stands otherwise than before, and not because the employee asked for it, withdrew that, or is told of an answer anyway. */
function changedTools(before: Snapshot, after: Snapshot): Tool[] {
  const known = new Map(before.tools.map((tool) => [tool.id, tool]));
  const answers = new Set(newlyAnswered(before.requests, after.requests).map(({ item }) => item));
  const ended = new Set(newlyEnded(after).map(({ item }) => item));
  return after.tools.filter((tool) => {
    const was = known.get(tool.id);
    if (!was?.present || !tool.present || tool.verdict.mode === 'monitor' || answers.has(tool.id)) return false;
    if (ended.has(tool.id) || (tool.family !== null && ended.has(tool.family))) return false;
    const [from, to] = [was.verdict.status, tool.verdict.status];
    // What was only recorded until now, and needs something, has never been told.
    if (from === to) return was.verdict.mode === 'monitor' && toolStanding(tool) === 'needs';
    if (to === 'pending' || (from === 'pending' && toolStanding(tool) === 'needs')) return false;
    return toolStanding(was) !== toolStanding(tool) || statusWord[from] !== statusWord[to];
  });
}

function aboutChanges(before: Snapshot | null, after: Snapshot, changed: readonly Tool[], news: readonly Tool[]): Notice {
  const byPolicy = before !== null && before.policy.rev !== after.policy.rev;
  const all = [...changed, ...news];
  const needs = all.filter((tool) => toolStanding(tool) === 'needs');
  const base = { view: 'home', items: news.map((tool) => tool.id) } as const;
  const [first, ...others] = all;
  if (first && others.length === 0) {
    const title = byPolicy
      ? `The policy has changed for ${plainText(first.name, 40)}`
      : `What holds for ${plainText(first.name, 40)} has changed`;
    return { ...base, title, body: plainText(`${statusWord[first.verdict.status]}. ${first.verdict.reason}`, 200), tool: first.id };
  }
  const what = `${capital(countWord(all.length))} of your AI tools`;
  return {
    ...base,
    title: byPolicy ? 'The policy has changed' : 'What holds for some of your AI tools has changed',
    body:
      needs.length > 0
        ? `${what} stand differently now; ${list(needs.map((tool) => tool.name))} ${needs.length === 1 ? 'needs' : 'need'} something from you.`
        : `${what} stand differently now; nothing is needed from you.`,
    tool: null,
  };
}

const approving: ReadonlySet<GrantInForce['status']> = new Set(['approved', 'conditional', 'tolerated']);

const WEEK_MS = 7 * 86_400_000;

/** Approvals whose end has not been told: also one that came while nothing ran, and none that is long over. */
function newlyEnded({ policy, told, look }: Snapshot): GrantInForce[] {
  if (policy.mode === 'monitor') return [];
  return (policy.grants ?? []).filter(({ id, standing, status, until }) => {
    const age = Date.parse(look.at ?? until) - Date.parse(until);
    return standing === 'ended' && approving.has(status) && age < WEEK_MS && !Object.hasOwn(told, `grant-ended:${id}`);
  });
}

/** An approval that ends is told a week before, and when it has ended; each once in its life. */
function aboutGrants(after: Snapshot): Notice | null {
  if (after.policy.mode === 'monitor') return null;
  const ended = newlyEnded(after);
  const isTold = ({ id }: GrantInForce) => Object.hasOwn(after.told, `grant-ending:${id}`);
  const ending = (after.policy.grants ?? []).filter(
    (grant) => grant.standing === 'ending' && approving.has(grant.status) && !isTold(grant),
  );
  const [first, ...others] = [...ended, ...ending];
  if (!first) return null;
  const base = { view: 'approved', tool: null, items: [...ended, ...ending].map(({ id, standing }) => `grant-${standing}:${id}`) } as const;
  if (others.length > 0) {
    const says = ({ itemName, standing, until }: GrantInForce) =>
      `${plainText(itemName, 40)}${standing === 'ended' ? '' : ` on ${dayWord(until)}`}`;
    const [gone, soon] = [ended, ending].map((grants) => listed(grants.map(says)));
    const body = [gone && `Ended: ${gone}.`, soon && `Ending soon: ${soon}.`].filter(Boolean).join(' ');
    return { ...base, title: `${capital(countWord(others.length + 1))} of your approvals end`, body: plainText(body, 300) };
  }
  const name = plainText(first.itemName, 40);
  if (first.standing === 'ended') {
    return {
      ...base,
      title: `Your approval of ${name} has ended`,
      body: 'What the policy says without it holds again. Ask again if you still need it.',
    };
  }
  return {
    ...base,
    title: `Your approval of ${name} ends on ${dayWord(first.until)}`,
    body: 'Ask again before then if you still need it.',
  };
}

const answered: ReadonlySet<RequestState> = new Set(['approved', 'denied', 'needs-info']);

function newlyAnswered(before: readonly ApprovalRequest[], after: readonly ApprovalRequest[]): ApprovalRequest[] {
  const known = new Map(before.map((request) => [request.id, request.state]));
  return after.filter((request) => {
    const was = known.get(request.id);
    return was !== undefined && was !== request.state && answered.has(request.state);
  });
}

function aboutAnswers(before: readonly ApprovalRequest[], after: readonly ApprovalRequest[]): Notice | null {
  const [first, ...others] = newlyAnswered(before, after);
  if (!first) return null;
  const base = { view: 'requests', tool: null, items: [] } as const;
  if (others.length > 0) {
    const names = [first, ...others].map((request) => request.itemName);
    return { ...base, title: `${capital(countWord(names.length))} of your requests were answered`, body: `${list(names)}.` };
  }
  const name = plainText(first.itemName, 40);
  const said = first.answer ? plainText(first.answer, 200) : null;
  if (first.state === 'approved') return { ...base, title: `${name} is approved`, body: said ?? 'You may use it as you asked.' };
  if (first.state === 'denied')
    return { ...base, title: `${name} isn’t approved`, body: said ?? 'Your request was read, and the answer is no.' };
  return { ...base, title: `A question about ${name}`, body: said ?? 'IT needs to know more before it can answer your request.' };
}

/** “A, B and C”, or “A, B, C and two more”. */
function list(names: readonly string[]): string {
  return listed(names.map((name) => plainText(name, 40)));
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMED);
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${countWord(more)} more`] : shown;
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
