/** What Muster does by itself, in words: what happens and when, what changes, and what the employee can do about it. */
import type { Action } from '../../electron/contract.ts';
import { plain } from './plain.ts';
import { asOf } from './time.ts';

/** “in 3 minutes”, the last minute in seconds; null where there is no end. An end that has passed is “now”. */
export function countdown(endsAt: string | null, now: Date): string | null {
  if (endsAt === null) return null;
  const seconds = Math.ceil((new Date(endsAt).getTime() - now.getTime()) / 1000);
  if (Number.isNaN(seconds)) return null;
  if (seconds <= 0) return 'now';
  if (seconds <= 60) return seconds === 1 ? 'in one second' : `in ${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 60) return `in ${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours === 1 ? 'in an hour' : `in ${hours} hours`;
}

/** What is said of it in one sentence. `client`: the tool whose entry it is. */
export function actionText(action: Action, client: string | null, now: Date): string {
  const { kind, state, endsAt, updatedAt } = action;
  const name = plain(action.itemName);
  const what = client === null ? name : `${name} in ${client}`;
  const at = asOf(updatedAt, now);
  const when = countdown(endsAt, now);
  const entry = kind === 'disable-entry';
  switch (state) {
    case 'waiting':
      return entry ? `Muster switches ${what} off${when ? ` ${when}` : ''}.` : `Muster ends ${what}${when ? ` ${when}` : ''}.`;
    case 'done':
      return entry ? `Muster has switched ${what} off, at ${at}.` : `Muster has ended ${what}, at ${at}.`;
    case 'undone':
      return entry ? `You took it back: ${what} is on again.` : `You took it back: ${what} may run again.`;
    case 'failed':
      return entry ? `Muster couldn’t switch ${what} off. It tries again.` : `Muster couldn’t end ${what}. It tries again.`;
    case 'refused':
      return entry ? `Muster leaves ${what} as it is set up.` : `Muster leaves ${what} alone.`;
    case 'would':
      return entry ? `Under this rule ${what} would be switched off.` : `Under this rule ${what} would be ended.`;
  }
}

export const nowLabel = (kind: Action['kind']): string => (kind === 'disable-entry' ? 'Turn off now' : 'End it now');

/** Those that the employee can do something about, or has to know of at once: what waits, what failed, and what can be taken back. */
export const asksNow = ({ state, mayUndo }: Pick<Action, 'state' | 'mayUndo'>): boolean =>
  state === 'waiting' || state === 'failed' || (state === 'done' && mayUndo);

export type DiffLine = { readonly kind: 'same' | 'removed' | 'added'; readonly text: string };

/** What differs between two short texts: the lines that both begin and end with stay once, all between is taken out and put in. */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const lines = (kind: DiffLine['kind'], of: readonly string[]) => of.map((text) => ({ kind, text }));
  return [
    ...lines('same', before.slice(0, start)),
    ...lines('removed', before.slice(start, before.length - end)),
    ...lines('added', after.slice(start, after.length - end)),
    ...lines('same', before.slice(before.length - end)),
  ];
}
