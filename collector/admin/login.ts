/** `muster-admin login`: the organization's own account instead of a token, confirmed in any browser; the session goes into the token's file. */
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiError } from './client.ts';
import { type Command, UsageError } from './command.ts';
import { printable } from './table.ts';

export const login: Command = {
  usage: ['login --token-file FILE'],
  does: 'signs in with the organization’s account, where the collector knows it; the other commands then take FILE',
  words: 0,
  open: true,
  async run(api, _words, options, tell) {
    const file = options['token-file'];
    if (typeof file !== 'string') throw new UsageError('Name with --token-file the file that the session is written to.');
    const { body: begun } = await api.call('POST', '/sign-in/terminal', {});
    const { code, userCode, address, everyS, expiresInS } = begun as {
      code: string;
      userCode: string;
      address: string;
      everyS: number;
      expiresInS: number;
    };
    tell(`Open ${printable(address)} in a browser and confirm the code ${printable(userCode)}.`);
    for (const until = Date.now() + expiresInS * 1000; Date.now() < until; ) {
      // As often as the issuer asks for, and no oftener.
      await wait(Math.max(1, everyS) * 1000);
      const { status, body } = await api.call('POST', '/sign-in/terminal/session', { code });
      if (status === 202) continue;
      const { token, ...who } = body;
      keep(file, String(token));
      return {
        json: who,
        text: `Signed in as ${printable(who['person'])} (${printable(who['role'])}) until ${printable(who['expiresAt'])}.`,
      };
    }
    throw new ApiError('not-confirmed', 0, 'Nobody confirmed the code in time; run it again.');
  },
};

export const logout: Command = {
  usage: ['logout --token-file FILE'],
  does: 'ends the session',
  words: 0,
  async run(api) {
    await api.call('POST', '/sign-out', {});
    return { json: { signedOut: true }, text: 'Signed out.' };
  },
};

/** For this account alone from its first byte on. */
function keep(file: string, token: string): void {
  const part = `${file}.${process.pid}`;
  try {
    writeFileSync(part, `${token}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(part, file);
  } catch (error) {
    throw new UsageError(`${file} can’t be written (${(error as NodeJS.ErrnoException).code}); name a file that you may write.`);
  }
}
