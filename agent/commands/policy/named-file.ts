/** The one file that a verb of `muster policy` is called with. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Invocation, UsageError } from '../command.ts';

/** Its absolute path and its text; throws a `UsageError` where none is named or it can't be read. */
export function namedFile(verb: string, { positionals: [file, ...more] }: Pick<Invocation, 'positionals'>): { file: string; text: string } {
  if (file === undefined || more.length > 0) throw new UsageError(`Name one file: muster policy ${verb} FILE.`);
  try {
    return { file: path.resolve(file), text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new UsageError(
      `The policy file ${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name a policy file that this account may read.`,
    );
  }
}
