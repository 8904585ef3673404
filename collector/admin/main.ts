/** `muster-admin` (`npm run -s admin -- …`): what an administrator does daily, from a terminal, over the admin API. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ApiError, apiAt } from './client.ts';
import { COMMANDS, type Options, UsageError } from './commands.ts';

const USAGE = [
  'Usage: muster-admin COMMAND [--url URL] [--token-file FILE] [--json]',
  '',
  ...Object.values(COMMANDS).map(({ usage, does }) => `  ${usage}\n      ${does}`),
  '',
  '  --url URL          the collector (default: MUSTER_ADMIN_URL, else http://127.0.0.1:8787)',
  '  --token-file FILE  a file with the token, instead of MUSTER_ADMIN_TOKEN',
  '  --json             the answer as JSON',
].join('\n');

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...{ url: text, 'token-file': text, json: flag, help: flag, state: text, overdue: flag, reason: text, scope: text, tiers: text },
  ...{ 'data-classes': text, until: text, 'if-version': text, draft: text, title: text, person: text, silent: flag, find: text },
  ...{ quota: text, approval: flag, role: text, scopes: text },
} as const;

/** Never from the command line, where other accounts could read it. */
function tokenOf(options: Options): string {
  const file = options['token-file'];
  if (typeof file === 'string') {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      throw new UsageError(`${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name the file with the token.`);
    }
  }
  const token = process.env['MUSTER_ADMIN_TOKEN']?.trim();
  if (!token) throw new UsageError('Give the token in MUSTER_ADMIN_TOKEN or with --token-file FILE.');
  return token;
}

function urlOf(options: Options): string {
  const url = String(options['url'] ?? process.env['MUSTER_ADMIN_URL'] ?? 'http://127.0.0.1:8787');
  if (!/^https:\/\/[^/\s?#@]+|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/.test(url))
    throw new UsageError(`${url} is no address that a token may be sent to; give it as https://collector.acme.example.`);
  return url;
}

/** Codes as `design/cli.md` has them: 2 usage, 3 refused or unreachable, 5 checked and the answer is no. */
const NO = new Set(['policy-invalid', 'not-simulated']);

async function main(args: string[]): Promise<number> {
  let json = args.includes('--json');
  try {
    let parsed: { values: Options; positionals: string[] };
    try {
      parsed = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    } catch (error) {
      throw new UsageError(`${(error as Error).message.split('. ')[0]}.`);
    }
    const { values, positionals } = parsed;
    json = values['json'] === true;
    const [name, ...words] = positionals;
    if (values['help'] || name === undefined) {
      process.stdout.write(`${USAGE}\n`);
      return name === undefined && !values['help'] ? 2 : 0;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command)
      throw new UsageError(`There is no command ${JSON.stringify(name)}; the commands are ${Object.keys(COMMANDS).join(', ')}.`);
    const output = await command.run(apiAt(urlOf(values), tokenOf(values)), words, values);
    process.stdout.write(`${json ? JSON.stringify(output.json, null, 2) : output.text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof ApiError)) throw error;
    const code = error instanceof ApiError ? error.code : 'usage';
    if (json) process.stdout.write(`${JSON.stringify({ error: { code, message: error.message } })}\n`);
    process.stderr.write(`muster-admin: ${error.message}\n`);
    return error instanceof UsageError ? 2 : NO.has(code) ? 5 : 3;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`muster-admin: a bug (${(error as Error)?.name}: ${(error as Error)?.message}); report this line.\n`);
  process.exitCode = 70;
}
