/** The days whose use counts when a policy is drafted or tried: the last 30, today among them. */
import { localDay } from '../../usage.ts';

const DAYS = 30;

export function countedDays(now: Date): { readonly since: string; readonly days: number } {
  const first = new Date(now);
  first.setDate(first.getDate() - (DAYS - 1));
  return { since: localDay(first), days: DAYS };
}
