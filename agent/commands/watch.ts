/** `muster watch`: the agent itself, in the foreground, until it is told to end. */
import { DataFolderError, prepareDataDir } from '../data-folder.ts';
import { listen, reach, socketPath } from '../local.ts';
import { takeLock } from '../lock.ts';
import { createLog } from '../log.ts';
import { dataDirOf, homesOf, openLocal, systemClock } from '../session.ts';
import { type Command, EXIT, UsageError } from './command.ts';

const LOCK_WAIT_MS = 10_000;

export const command: Command = {
  usage: [
    'Usage: muster watch [--supervised]',
    '',
    'Looks once, then watches processes and config files until SIGTERM or Ctrl-C. Other commands of the same data folder talk to it.',
    '',
    '  --supervised  end when standard input closes; print one line of JSON when ready',
  ].join('\n'),
  options: { supervised: { type: 'boolean' } },
  async run(invocation) {
    if (invocation.positionals.length > 0)
      throw new UsageError(`“watch” takes no ${invocation.positionals[0]}; “muster watch --help” lists its options.`);
    const supervised = invocation.values['supervised'] === true;
    const dataDir = dataDirOf(invocation);
    homesOf(invocation);
    prepareDataDir(dataDir, invocation.os);
    const until = Date.now() + LOCK_WAIT_MS;
    let lock = takeLock(dataDir);
    while (!lock) {
      const other = await reach(dataDir);
      other?.close();
      if (other && supervised) {
        invocation.print(JSON.stringify({ ready: true, socket: socketPath(dataDir), existing: true }));
        return EXIT.done;
      }
      if (other)
        throw new DataFolderError(
          'database',
          `An agent runs already for ${dataDir}; end it first, or name another folder with --data DIR.`,
          dataDir,
        );
      if (Date.now() > until)
        throw new DataFolderError(
          'database',
          `Another Muster works in ${dataDir} and doesn’t answer; end it, or try again in a minute.`,
          dataDir,
        );
      await systemClock.wait(50, new AbortController().signal);
      lock = takeLock(dataDir);
    }
    try {
      const log = createLog(dataDir);
      const local = openLocal(invocation, dataDir, (what, error) => log.error(what, error));
      const ending = new AbortController();
      const stop = () => ending.abort();
      process.once('SIGTERM', stop);
      process.once('SIGINT', stop);
      process.once('SIGHUP', stop);
      if (supervised) {
        process.stdin.on('end', stop).on('error', stop).on('close', stop);
        process.stdin.resume();
      }
      const socket = await listen(dataDir, local.agent, ending.signal, stop);
      log.info('started', `version ${invocation.version}`);
      if (supervised) invocation.print(JSON.stringify({ ready: true, socket, pid: process.pid }));
      else if (invocation.json) invocation.print(JSON.stringify({ ready: true, socket, pid: process.pid }));
      else invocation.print(`Muster watches; its data is in ${dataDir}. Ctrl-C ends it.`);
      await local.agent.watch(ending.signal);
      local.close();
      log.info('ended', 'in good order');
      process.stdin.pause();
      return EXIT.done;
    } finally {
      lock.release();
    }
  },
};
