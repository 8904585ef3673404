/** `muster scan`: every observer once, recorded, and the inventory printed. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expectShortRun } from '../run-length.ts';
import { openSession } from '../session.ts';
import { type Command, EXIT, type Invocation, option, takesNoWords, UsageError } from './command.ts';
import { FAIL_ON, type FailOn, found, inventoryText } from './inventory-text.ts';

function failOn(invocation: Invocation): FailOn | null {
  const level = option(invocation, 'fail-on');
  if (level === null) return null;
  const known = FAIL_ON.find((other) => other === level);
  if (!known) throw new UsageError(`--fail-on knows no level “${level}”; it takes ${FAIL_ON.join(', ')}.`);
  return known;
}

function policy(invocation: Invocation): { path: string; text: string } | null {
  const file = option(invocation, 'policy');
  if (file === null) return null;
  try {
    return { path: path.resolve(file), text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw new UsageError(
      `The policy file ${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name a policy file that this account may read.`,
    );
  }
}

export const command: Command = {
  usage: [
    'Usage: muster scan [--policy FILE] [--fail-on LEVEL]',
    '',
    'Looks at everything once, records what it saw and prints it. No tool is started and nothing leaves this computer.',
    '',
    '  --policy FILE    use this policy for the verdicts of this answer',
    `  --fail-on LEVEL  exit with 1 when something is found: ${FAIL_ON.join(', ')}`,
  ].join('\n'),
  options: { policy: { type: 'string' }, 'fail-on': { type: 'string' } },
  // Left to itself Node first waits for what V8 compiles on other threads, which nobody needs any more.
  endsAtOnce: true,
  async run(invocation) {
    takesNoWords('scan', invocation);
    const level = failOn(invocation);
    const given = policy(invocation);
    expectShortRun();
    const session = await openSession(invocation);
    try {
      const homes = invocation.home.map((home) => path.resolve(home));
      // Called with nothing, an agent that is looking already answers with that look.
      const inventory = await (homes.length > 0 || given
        ? session.api.scan({ ...(homes.length > 0 ? { homes } : {}), ...(given ? { policy: given } : {}) })
        : session.api.scan());
      invocation.answer(inventory, () => inventoryText(inventory, inventory.startedAt));
      return level !== null && found(inventory, level) ? EXIT.found : EXIT.done;
    } finally {
      session.close();
    }
  },
};
