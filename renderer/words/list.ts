/** Which tools stand where on Home: what needs the employee, the groups of the table, and what a filter leaves. */
import { type Standing, toolStanding } from '../../electron/attention.ts';
import type { Tool, VerdictStatus } from '../../electron/contract.ts';
import { kindOrder, kindWord } from './tool.ts';

export type Filter = 'all' | Standing;

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true });
export const byName = (a: Pick<Tool, 'name' | 'id'>, b: Pick<Tool, 'name' | 'id'>): number =>
  collator.compare(a.name, b.name) || collator.compare(a.id, b.id);

export function counts(tools: readonly Pick<Tool, 'verdict' | 'confidence'>[]): Readonly<Record<Filter, number>> {
  const of = (wanted: Standing) => tools.filter((tool) => toolStanding(tool) === wanted).length;
  return { all: tools.length, needs: of('needs'), waiting: of('waiting'), fine: of('fine') };
}

// Case, accents and width don't count when somebody looks for a name.
const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** Every word of `find` has to be in one of the texts. */
export function found(texts: readonly string[], find: string): boolean {
  const hay = fold(texts.join(' '));
  return fold(find)
    .split(/\s+/)
    .every((part) => hay.includes(part));
}

/** Every word of `find` has to be in the name, the vendor or the id. */
export function matches(tool: Pick<Tool, 'id' | 'name' | 'vendor'>, find: string): boolean {
  return found([tool.name, tool.vendor, tool.id], find);
}

export type Group = { readonly kind: string; readonly tools: readonly Tool[] };

/** The rows of the table: by kind, then by name. Kinds with nothing left are not there. */
export function grouped(tools: readonly Tool[], filter: Filter, find: string): readonly Group[] {
  const left = tools.filter((tool) => (filter === 'all' || toolStanding(tool) === filter) && matches(tool, find));
  const kinds = [...new Set(left.map(({ category }) => category))].sort((a, b) => kindOrder(a) - kindOrder(b) || collator.compare(a, b));
  return kinds.map((category) => ({
    kind: kindWord(category),
    tools: left.filter((tool) => tool.category === category).sort(byName),
  }));
}

// What asks most of the employee comes first.
const cardOrder: readonly VerdictStatus[] = ['wrong-tier', 'prohibited', 'expired', 'tier-unknown', 'unreviewed'];
// One sentence and one step serve all tools of these; the others each have a reason of their own.
const together: readonly VerdictStatus[] = ['unreviewed', 'tier-unknown'];

export type Need = { readonly status: VerdictStatus; readonly tools: readonly Tool[] };

/** The cards of “needs you”. */
export function needs(tools: readonly Tool[]): readonly Need[] {
  const asking = tools.filter((tool) => toolStanding(tool) === 'needs').sort(byName);
  const place = (status: VerdictStatus) => (cardOrder.includes(status) ? cardOrder.indexOf(status) : cardOrder.length);
  const statuses = [...new Set(asking.map(({ verdict }) => verdict.status))].sort((a, b) => place(a) - place(b));
  return statuses.flatMap((status): Need[] => {
    const of = asking.filter(({ verdict }) => verdict.status === status);
    return together.includes(status) ? [{ status, tools: of }] : of.map((tool) => ({ status, tools: [tool] }));
  });
}

/** “Cursor, LM Studio and 4 more” */
export function namesText(names: readonly string[], most = 3): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}
