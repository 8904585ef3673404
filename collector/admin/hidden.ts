/** Asks a question at the terminal whose answer is not shown. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** The question goes to standard error, for standard output belongs to the answer of the command. Resolves with '' at the end of input or at Ctrl-C. */
export async function askHidden(question: string): Promise<string> {
  // What is typed would be written here.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('close', () => resolve(''));
      lines.question('').then((answer) => resolve(answer.trim()), reject);
    });
  } finally {
    process.stderr.write('\n');
    lines.close();
  }
}
