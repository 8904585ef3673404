/** `muster evidence export`: the record's rows as CSV or JSON lines, to standard output or a file. */
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type ExportFormat, exported } from '../../evidence/export.ts';
import { stream } from '../../print.ts';
import { guarded } from '../../sqlite.ts';
import { type Command, EXIT, type Invocation, option, takesNoWords, UsageError } from '../command.ts';
import { withStoredRecord } from './stored-record.ts';

/** Few enough to hold, many enough that writing is not what takes the time. */
const CHUNK = 64 * 1024;

export const command: Command = {
  usage: [
    'Usage: muster evidence export --format csv|jsonl [--since DATE] [--out FILE]',
    '',
    'Writes the rows in their order. Each line of JSON holds all that its hash is over (RFC 8785, SHA-256, without the hash itself).',
    '',
    '  --format F     csv (RFC 4180; cells that a table program would run stand behind an apostrophe) or jsonl',
    '  --since DATE   the first day, as 2026-11-22 (UTC), or a whole time',
    '  --out FILE     a new file, for its owner alone; without it, standard output',
  ].join('\n'),
  options: { format: { type: 'string' }, since: { type: 'string' }, out: { type: 'string' } },
  async run(invocation) {
    takesNoWords('evidence export', invocation);
    const format = formatOf(invocation);
    const since = sinceOf(invocation);
    const out = option(invocation, 'out');
    return withStoredRecord(invocation, async ({ rows }) => {
      const lines = exported(rows(since), format);
      if (out === null) {
        const printed = stream();
        for (const chunk of chunks(lines)) if (!printed.write(chunk)) await once(printed, 'drain');
        return EXIT.done;
      }
      const file = path.resolve(out);
      const count = writeNew(file, lines) - (format === 'csv' ? 1 : 0);
      invocation.answer({ schema: 'muster.evidence-export/1', file, format, rows: count }, () => `${count} rows are in ${file} now.`);
      return EXIT.done;
    });
  },
};

function formatOf(invocation: Invocation): ExportFormat {
  const format = option(invocation, 'format');
  if (format === 'csv' || format === 'jsonl') return format;
  throw new UsageError('Say in which form: muster evidence export --format csv, or --format jsonl.');
}

/** As rows have it. */
function sinceOf(invocation: Invocation): string {
  const since = option(invocation, 'since');
  if (since === null) return '';
  const day = /^\d{4}-\d{2}-\d{2}$/.test(since);
  const whole = /^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(since);
  const time = new Date(day ? `${since}T00:00:00.000Z` : whole ? since : Number.NaN);
  if (Number.isNaN(time.getTime())) throw new UsageError(`“${since.slice(0, 40)}” is no date; write it as 2026-11-22.`);
  return time.toISOString();
}

function* chunks(lines: Iterable<string>): Generator<string> {
  let chunk = '';
  for (const line of lines) {
    chunk += line;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk) yield chunk;
}

/** Returns how many lines it wrote; what could not be written whole is taken away again. Throws a `UsageError` or a `DatabaseError`. */
function writeNew(file: string, lines: Iterable<string>): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'is there already; name a new one' : `can’t be made (${code}); name another`;
    throw new UsageError(`The file ${file} ${why}.`);
  }
  let count = 0;
  let whole = false;
  try {
    guarded(file, () => {
      for (const chunk of chunks(counted())) writeSync(descriptor, chunk);
    });
    whole = true;
  } finally {
    closeSync(descriptor);
    if (!whole) rmSync(file, { force: true });
  }
  return count;

  function* counted(): Generator<string> {
    for (const line of lines) {
      count++;
      yield line;
    }
  }
}
