/** `muster sync`: one check-in now; or exactly what it would say, and nothing is sent. */

import { refuseOthers } from '../data-folder.ts';
import { dataDirOf, openSession, withStored } from '../session.ts';
import { type Command, EXIT, takesNoWords } from './command.ts';

export const command: Command = {
  usage: [
    'Usage: muster sync [--print]',
    '',
    'Checks in with the collector now. Ends with 3 where the collector refused or could not be reached; nothing changes on this computer then.',
    '',
    '  --print  show exactly what would leave this computer, and send nothing',
  ].join('\n'),
  options: { print: { type: 'boolean' } },
  async run(invocation) {
    takesNoWords('sync', invocation);
    if (invocation.values['print'] === true) {
      refuseOthers(dataDirOf(invocation), invocation.os);
      const bodies = (await withStored(invocation, ({ agent }) => agent.preview())) ?? [];
      invocation.answer(bodies, () =>
        bodies.length === 0
          ? 'Nothing: there was no look yet; “muster scan” makes one.'
          : bodies.map((body) => JSON.stringify(body, null, 2)).join('\n'),
      );
      return EXIT.done;
    }
    const session = await openSession(invocation);
    try {
      const status = await session.api.syncNow();
      invocation.answer(status, () => `${status.collector} has acknowledged everything.`);
      return EXIT.done;
    } finally {
      session.close();
    }
  },
};
