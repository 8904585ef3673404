/** Times as people say them: “6 minutes ago”, “09:12”, “30 April”. Input is ISO 8601; a text that is no time gives `null`. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long' });
const dayYearFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

function parse(iso: string | null): Date | null {
  if (iso === null) return null;
  // A bare day is meant as that day here, not as its midnight in UTC.
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(iso);
  const date = day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])) : new Date(iso);
  return Number.isNaN(date.getTime()) ? null : date;
}

function daysBetween(earlier: Date, later: Date): number {
  const midnight = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((midnight(later) - midnight(earlier)) / DAY);
}

const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;

/** “just now”, “6 minutes ago”, “yesterday”, “12 days ago”, then “on 3 March”. A time ahead of `now` (a clock was set back) is “just now”. */
export function ago(iso: string | null, now: Date): string | null {
  const text = since(iso, now);
  return text === onDay(iso, now) && text !== null ? `on ${text}` : text;
}

/** The same standing alone, as in a table: “3 March” without “on”. */
export function since(iso: string | null, now: Date): string | null {
  const date = parse(iso);
  if (!date) return null;
  const passed = now.getTime() - date.getTime();
  if (passed < MINUTE) return 'just now';
  if (passed < HOUR) return `${count(Math.floor(passed / MINUTE), 'minute')} ago`;
  const days = daysBetween(date, now);
  if (days === 0 || passed < 6 * HOUR) return `${count(Math.floor(passed / HOUR), 'hour')} ago`;
  if (days === 1) return 'yesterday';
  if (days < 14) return `${days} days ago`;
  return onDay(iso, now);
}

/** “09:12” today, “yesterday at 09:12”, “3 March at 09:12” before. */
export function asOf(iso: string | null, now: Date): string | null {
  const date = parse(iso);
  if (!date) return null;
  const clock = clockFormat.format(date);
  const days = daysBetween(date, now);
  if (days === 0) return clock;
  return days === 1 ? `yesterday at ${clock}` : `${onDay(iso, now)} at ${clock}`;
}

/** “30 April”, with the year where it isn't this one. */
export function onDay(iso: string | null, now: Date): string | null {
  const date = parse(iso);
  if (!date) return null;
  return (date.getFullYear() === now.getFullYear() ? dayFormat : dayYearFormat).format(date);
}

/**
 * The day on which something ends: the last second of a day in UTC, which east of Greenwich is the next one by the clock on the wall. The day is
 * named that was asked for, and that the agent's sentences name.
 */
export function lastDay(iso: string | null, now: Date): string | null {
  const date = parse(iso);
  return date && onDay(iso?.length === 10 ? iso : date.toISOString().slice(0, 10), now);
}

/** The first day that a date field may take: today where days end, in UTC. */
export function today(now: Date): string {
  return now.toISOString().slice(0, 10);
}
