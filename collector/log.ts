/** The collector's log: one JSON object a line. Names of events, routes, codes, counts and times; no host, person, reason or address. */

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;
export type Log = { info(event: string, fields?: LogFields): void; error(event: string, error: unknown, fields?: LogFields): void };

/** `write` gets a line with its end. An error leaves its name, code and place in the code: its own text may quote what was being read. */
export function createLog(write: (line: string) => void, now: () => Date = () => new Date()): Log {
  const line = (level: string, event: string, fields: LogFields) =>
    write(`${JSON.stringify({ time: now().toISOString(), level, event, ...fields })}\n`);
  return {
    info: (event, fields = {}) => line('info', event, fields),
    error: (event, error, fields = {}) => line('error', event, { ...fields, error: nameOf(error) }),
  };
}

const TOGETHER_MS = 100;
const TOGETHER_CHARS = 64 * 1024;

/**
 * Passes lines on together, a tenth of a second late at the most: one call of the system for each check-in would cost more than making its line. What
 * is left goes when the process ends; `kill -9` takes the last tenth of a second with it. `write` must have written when it returns.
 */
export function writeTogether(write: (text: string) => void): (line: string) => void {
  let waiting = '';
  let timer: NodeJS.Timeout | null = null;
  const flush = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    const text = waiting;
    waiting = '';
    if (text !== '') write(text);
  };
  process.once('exit', flush);
  return (line) => {
    waiting += line;
    if (waiting.length >= TOGETHER_CHARS) flush();
    else timer ??= setTimeout(flush, TOGETHER_MS).unref();
  };
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  const place = /([\w.-]+\.[mc]?[jt]s:\d+)/.exec((error.stack ?? '').replace(error.message, ''))?.[1];
  const cause = error.cause instanceof Error ? ` (${nameOf(error.cause)})` : '';
  return `${error.name}${code}${place ? ` at ${place}` : ''}${cause}`;
}
