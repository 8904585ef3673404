/** `muster enroll`: joins a collector by hand, where no managed settings do. */
import { readSmall } from '../observe/read.ts';
import { openSession } from '../session.ts';
import { type Command, EXIT, type Invocation, option, takesNoWords, UsageError } from './command.ts';

const MAX_BYTES = 64 * 1024;

function fileOf(invocation: Invocation, name: string): string | null {
  const file = option(invocation, name);
  if (file === null) return null;
  const read = readSmall(file, MAX_BYTES);
  if (read.ok) return read.bytes.toString('utf8').trim();
  throw new UsageError(
    `--${name} ${file} can’t be read (${read.why === 'absent' ? 'there is no such file' : read.detail}); name a file of yours.`,
  );
}

export const command: Command = {
  usage: [
    'Usage: muster enroll --url URL --secret-file FILE [--root-key FILE]',
    '',
    'Joins this computer to a collector. Ends with 3 where it refuses or can’t be reached.',
    '',
    '  --url URL           the collector’s address: https, or http on this computer itself',
    '  --secret-file FILE  holds the enrolment secret; it is handed to the collector and kept nowhere',
    '  --root-key FILE     holds the root keys with which the policy is proven; without it those that the collector tells are pinned',
  ].join('\n'),
  options: { url: { type: 'string' }, 'secret-file': { type: 'string' }, 'root-key': { type: 'string' } },
  async run(invocation) {
    takesNoWords('enroll', invocation);
    const url = option(invocation, 'url');
    if (url === null) throw new UsageError('Name the collector: muster enroll --url URL --secret-file FILE.');
    const secret = fileOf(invocation, 'secret-file');
    if (secret === null) throw new UsageError('The secret comes from a file, so that no list of processes shows it: --secret-file FILE.');
    if (secret.length < 16 || secret.length > 200)
      throw new UsageError('The file of --secret-file holds no enrolment secret: one has 16 to 200 characters.');
    const rootKeys = fileOf(invocation, 'root-key');
    const session = await openSession(invocation);
    try {
      const status = await session.api.enroll({ url, secret, ...(rootKeys === null ? {} : { rootKeys }) });
      invocation.answer(status, () =>
        status.state === 'pending'
          ? `${status.collector} knows this computer now; an administrator has to approve it.`
          : `This computer belongs to ${status.collector} now; “muster sync” checks in at once.`,
      );
      return EXIT.done;
    } finally {
      session.close();
    }
  },
};
