/** `muster requests`: my requests and their answers; withdraw one, or answer what IT asked. */
import { openSession, storedRequests } from '../session.ts';
import { type Command, EXIT, option, UsageError } from './command.ts';
import { table } from './table.ts';

export const command: Command = {
  usage: [
    'Usage: muster requests',
    '       muster requests withdraw ID',
    '       muster requests answer ID --text TEXT',
    '',
    'Lists your requests with their state, takes one back, or answers a question about one.',
  ].join('\n'),
  options: { text: { type: 'string' } },
  async run(invocation) {
    const [verb, id, ...more] = invocation.positionals;
    if (verb === undefined) {
      const requests = await storedRequests(invocation);
      const rows = requests.map(({ id: at, itemName, tier, state, createdAt, answer }) => [
        at,
        itemName,
        tier ?? '–',
        state,
        createdAt.slice(0, 10),
        answer ?? '',
      ]);
      const text =
        rows.length > 0
          ? table(['Request', 'For', 'Tier', 'State', 'Asked on', 'Answer'], rows)
          : 'You have asked for nothing yet; “muster request TOOL --reason TEXT” does.';
      invocation.answer(requests, () => text);
      return EXIT.done;
    }
    if (verb !== 'withdraw' && verb !== 'answer') throw new UsageError(`“requests” can withdraw and answer, not “${verb.slice(0, 40)}”.`);
    if (id === undefined || more.length > 0) throw new UsageError(`Name one request: muster requests ${verb} ID.`);
    const text = option(invocation, 'text');
    if (verb === 'answer' && text === null) throw new UsageError('An answer needs words: muster requests answer ID --text TEXT.');
    const session = await openSession(invocation);
    try {
      const request = verb === 'withdraw' ? await session.api.withdraw(id) : await session.api.answer(id, text ?? '');
      invocation.answer(request, () => `The request for ${request.itemName} is ${request.state} now.`);
      return EXIT.done;
    } finally {
      session.close();
    }
  },
};
