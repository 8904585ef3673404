/** `muster policy keygen`: a new pair of keys for signing, in a file that only its owner may read. */
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { thumbprint } from '../../policy/documents.ts';
import { keyText, newSigningKey, publicHalf } from '../../policy/signing.ts';
import { type Command, EXIT, option, takesNoWords, UsageError } from '../command.ts';

export const command: Command = {
  usage: [
    'Usage: muster policy keygen [--out FILE]',
    '',
    'Makes a pair of Ed25519 keys and prints the public one and its id. The root key signs key sets and is best kept off any network; a key that a',
    'key set names signs policies and grants.',
    '',
    '  --out FILE   where the pair is written, which must not be there yet (default: muster-key.json here)',
  ].join('\n'),
  options: { out: { type: 'string' } },
  async run(invocation) {
    takesNoWords('policy keygen', invocation);
    const file = path.resolve(option(invocation, 'out') ?? 'muster-key.json');
    const key = await newSigningKey();
    save(file, keyText(key));
    const publicKey = publicHalf(key);
    const id = thumbprint(publicKey);
    invocation.answer({ schema: 'muster.key/1', file, id, publicKey }, () =>
      [
        `Wrote ${file}; whoever has this file can sign, so keep it where nobody else can read it.`,
        `id      ${id}`,
        `public  ${JSON.stringify(publicKey)}`,
      ].join('\n'),
    );
    return EXIT.done;
  },
};

function save(file: string, text: string): void {
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    try {
      writeSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${file} is there already, and a key is never written over; name another file with --out.`);
    throw new UsageError(`${file} can’t be written (${code}); name a file in a folder of yours.`);
  }
}
