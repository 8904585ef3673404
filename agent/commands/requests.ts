/** `muster requests`: my requests and their answers; withdraw one, or answer what IT asked. */

import type { ApprovalRequest } from '../../electron/contract.ts';
import { dueAt, isOpen } from '../requests.ts';
import { openSession, storedRequests } from '../session.ts';
import { type Command, EXIT, option, UsageError } from './command.ts';
import { table } from './table.ts';

export const command: Command = {
  usage: [
    'Usage: muster requests',
    '       muster requests withdraw ID',
    '       muster requests answer ID --text TEXT',
    '',
    'Lists your requests with their state, their age and the day when an open one ends by itself; takes one back; answers a question about one.',
  ].join('\n'),
  options: { text: { type: 'string' } },
  async run(invocation) {
    const [verb, id, ...more] = invocation.positionals;
    if (verb === undefined) {
      const requests = await storedRequests(invocation);
      const now = new Date();
      const shown = requests.map((request) => ({ ...request, ...times(request, now) }));
      const rows = shown.map(({ id: at, itemName, tier, state, ageDays, due, answer, why }) => [
        at,
        itemName,
        tier ?? '–',
        state,
        ageDays === 0 ? 'today' : ageDays === 1 ? '1 day ago' : `${ageDays} days ago`,
        due?.slice(0, 10) ?? '–',
        answer ?? why ?? '',
      ]);
      const text =
        rows.length > 0
          ? table(['Request', 'For', 'Tier', 'State', 'Asked', 'Ends by itself', 'Answer'], rows)
          : 'You have asked for nothing yet; “muster request TOOL --reason TEXT” does.';
      invocation.answer(shown, () => text);
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

const DAY_MS = 86_400_000;

/** `due` is null once nothing is waited for. */
function times(request: ApprovalRequest, now: Date): { ageDays: number; due: string | null } {
  return {
    ageDays: Math.max(0, Math.floor((now.getTime() - Date.parse(request.createdAt)) / DAY_MS)),
    due: isOpen(request.state) ? dueAt(request).toISOString() : null,
  };
}
