/** `muster request`: asks IT to approve a tool or an MCP server. */
import { openSession } from '../session.ts';
import { type Command, EXIT, option, UsageError } from './command.ts';

export const command: Command = {
  usage: [
    'Usage: muster request TOOL|mcp:NAME --reason TEXT [--tier ID] [--data-class ID] [--until DATE]',
    '',
    'Asks for approval. One request stays open for a tool and tier; “muster requests” shows what became of it.',
    '',
    '  --reason TEXT     what you need it for; IT reads it',
    '  --tier ID         the licence tier you would use',
    '  --data-class ID   the most sensitive data that would go in',
    '  --until DATE      the last day you need it, as 2027-01-31',
  ].join('\n'),
  options: { reason: { type: 'string' }, tier: { type: 'string' }, 'data-class': { type: 'string' }, until: { type: 'string' } },
  async run(invocation) {
    const [item, ...more] = invocation.positionals;
    if (item === undefined || more.length > 0) throw new UsageError('Name one tool or mcp:NAME: muster request TOOL --reason TEXT.');
    const reason = option(invocation, 'reason');
    if (reason === null) throw new UsageError('A request needs a reason: muster request TOOL --reason TEXT.');
    const session = await openSession(invocation);
    try {
      const request = await session.api.request({
        item,
        reason,
        tier: option(invocation, 'tier'),
        dataClass: option(invocation, 'data-class'),
        until: option(invocation, 'until'),
      });
      invocation.answer(request, () => `Asked for ${request.itemName}; the request is ${request.id}.`);
      return EXIT.done;
    } finally {
      session.close();
    }
  },
};
