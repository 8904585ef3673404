/** `muster policy acknowledge`: the employee has read the policy in force; it is recorded as evidence. */
import { openSession, storedSnapshot } from '../../session.ts';
import { type Command, EXIT, UsageError } from '../command.ts';

export const command: Command = {
  usage: [
    'Usage: muster policy acknowledge [VERSION]',
    '',
    'Records that you have read the policy in force (“muster policy show” prints it). Without VERSION, the one in force; with it, refused where',
    'another one is in force by now.',
  ].join('\n'),
  options: {},
  async run(invocation) {
    const [named, ...more] = invocation.positionals;
    if (more.length > 0) throw new UsageError('Name one version at most: muster policy acknowledge VERSION.');
    const policy = (await storedSnapshot(invocation))?.policy;
    const whose = policy?.organization ? `${policy.organization}’s policy` : 'the policy';
    const wanted = named ?? policy?.acknowledge?.version;
    if (wanted === undefined)
      throw new UsageError('No policy in force asks to be acknowledged; “muster policy show” prints what is in force.');
    const session = await openSession(invocation);
    try {
      const done = await session.api.acknowledge(wanted);
      invocation.answer(done, () => `You have acknowledged version ${done.version} of ${whose}, on ${done.acknowledgedAt.slice(0, 10)}.`);
      return EXIT.done;
    } finally {
      session.close();
    }
  },
};
