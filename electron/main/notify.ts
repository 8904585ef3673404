/** When to tell the employee something, as a pure function of two states: what was known, and what is known now. */
import { capital, countWord, groups, stateSentence, statusWord, toolStanding } from '../attention.ts';
import type { ApprovalRequest, RequestState, Snapshot, Tool, View } from '../contract.ts';
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
 * At most one notice about tools and one about answers. Tools: the first inventory is one notice with a count; afterwards one for what was
 * seen for the first time and needs the employee, however many there are. A rule that only records (`monitor`) tells nothing.
 * `after.told` must hold what was shown already.
 */
export function notices(before: Snapshot | null, after: Snapshot): Notice[] {
  const found: Notice[] = [];
  const tools = aboutTools(after);
  if (tools) found.push(tools);
  const answers = before ? aboutAnswers(before.requests, after.requests) : null;
  if (answers) found.push(answers);
  return found;
}

function aboutTools({ look, tools, told }: Snapshot): Notice | null {
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

const answered: ReadonlySet<RequestState> = new Set(['approved', 'denied', 'needs-info']);

function aboutAnswers(before: readonly ApprovalRequest[], after: readonly ApprovalRequest[]): Notice | null {
  const known = new Map(before.map((request) => [request.id, request.state]));
  const [first, ...others] = after.filter((request) => {
    const was = known.get(request.id);
    return was !== undefined && was !== request.state && answered.has(request.state);
  });
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
  const shown = names.slice(0, NAMED).map((name) => plainText(name, 40));
  const more = names.length - shown.length;
  const parts = more > 0 ? [...shown, `${countWord(more)} more`] : shown;
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
