/** Standard output of commands. */
import { writeSync } from 'node:fs';
import { EXIT } from './commands/command.ts';

let streamed: NodeJS.WriteStream | null = null;

/** Node's stream, for what is long or waits for its reader. Somebody who reads only the first lines (`muster scan | head`) is no error. */
export function stream(): NodeJS.WriteStream {
  streamed ??= process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(exitOf(error)));
  return streamed;
}

/**
 * Prints at once where the system allows it: most commands print one text, and loading Node's streams for it takes longer than printing it. On Windows
 * only the stream knows how a terminal takes letters.
 */
export function print(text: string): void {
  if (streamed || process.platform === 'win32') {
    stream().write(text);
    return;
  }
  const bytes = Buffer.from(text);
  let at = 0;
  try {
    while (at < bytes.length) at += writeSync(1, bytes, at);
  } catch (error) {
    // Somebody else made the pipe one that never waits, and its reader is behind.
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') stream().write(bytes.subarray(at));
    else process.exit(exitOf(error as NodeJS.ErrnoException));
  }
}

/** Calls back when what was printed is out. */
export function whenPrinted(then: () => void): void {
  if (streamed) streamed.write('', then);
  else then();
}

function exitOf({ code }: NodeJS.ErrnoException): number {
  return code === 'EPIPE' ? EXIT.done : EXIT.database;
}
