/** `muster-admin` (`npm run -s admin -- …`): what an administrator does daily, from a terminal, over the admin API. */
import { commandLine } from './command-line.ts';
import { askHidden } from './hidden.ts';

try {
  process.exitCode = await commandLine(process.argv.slice(2), {
    environment: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    ask: process.stdin.isTTY ? askHidden : null,
  });
} catch (error) {
  process.stderr.write(`muster-admin: a bug (${(error as Error)?.name}: ${(error as Error)?.message}); report this line.\n`);
  process.exitCode = 70;
}
