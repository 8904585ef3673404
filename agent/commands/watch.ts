/** `muster watch`: the agent itself, in the foreground, until it is told to end. */
import { DataFolderError, prepareDataDir } from '../data-folder.ts';
import { listen, socketPath } from '../local.ts';
import { createLog } from '../log.ts';
import { stream } from '../print.ts';
import { expectLongRun } from '../run-length.ts';
import { dataDirOf, homesOf, lockOrAgent, openLocal } from '../session.ts';
import { parentPost } from '../sync/parent-post.ts';
import { type Command, EXIT, takesNoWords } from './command.ts';

export const command: Command = {
  usage: [
    'Usage: muster watch [--supervised]',
    '',
    'Looks once, then watches processes and config files until SIGTERM or Ctrl-C. Other commands of the same data folder talk to it.',
    '',
    '  --supervised  end when standard input closes; print one line of JSON when ready',
    '  --through-parent  with --supervised: reach the collector through whoever started it, by lines of JSON on standard input and output',
  ].join('\n'),
  options: { supervised: { type: 'boolean' }, 'through-parent': { type: 'boolean' } },
  async run(invocation) {
    takesNoWords('watch', invocation);
    expectLongRun();
    const supervised = invocation.values['supervised'] === true;
    const dataDir = dataDirOf(invocation);
    homesOf(invocation);
    prepareDataDir(dataDir, invocation.os);
    const { lock, other } = await lockOrAgent(dataDir);
    if (other) {
      other.close();
      if (!supervised) {
        const remedy = 'end it first, or name another folder with --data DIR';
        throw new DataFolderError('database', `An agent runs already for ${dataDir}; ${remedy}.`, dataDir);
      }
      const ready = { ready: true, socket: socketPath(dataDir), existing: true };
      invocation.answer(ready, () => JSON.stringify(ready));
      return EXIT.done;
    }
    try {
      const log = createLog(dataDir);
      const network = supervised && invocation.values['through-parent'] === true ? { post: parentPost(process.stdin, stream()) } : {};
      const local = await openLocal(invocation, dataDir, log.error, network);
      const ending = new AbortController();
      const stop = () => ending.abort();
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
      if (supervised) {
        process.stdin.on('end', stop).on('error', stop).on('close', stop);
        process.stdin.resume();
      }
      try {
        const socket = await listen(dataDir, local.agent, { signal: ending.signal, stop, log: log.error });
        log.info('started', `version ${invocation.version}`);
        const ready = { ready: true, socket, pid: process.pid };
        // Whoever supervises reads this line, with or without --json.
        invocation.answer(ready, () => (supervised ? JSON.stringify(ready) : `Muster watches; its data is in ${dataDir}. Ctrl-C ends it.`));
        await local.agent.watch(ending.signal);
      } finally {
        // However it ends: an open socket or standard input would keep the process, without its lock.
        ending.abort();
        process.stdin.pause();
        local.close();
      }
      log.info('ended', 'in good order');
      return EXIT.done;
    } finally {
      lock.release();
    }
  },
};
