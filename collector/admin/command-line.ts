/** The command line of `muster-admin`: its words and options, where the token comes from, and the exit codes. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ApiError, apiAt } from './client.ts';
import { type Command, type Options, UsageError } from './command.ts';
import { COMMANDS } from './commands.ts';

const COMMON = [
  '  --url URL          the collector (default: MUSTER_ADMIN_URL, else http://127.0.0.1:8787)',
  '  --token-file FILE  a file with the token; else MUSTER_ADMIN_TOKEN, else it is asked for',
  '  --json             the answer as JSON',
  '',
  'Exit codes: 0 done · 2 usage · 3 the collector refused or could not be reached · 5 the policy is not valid or was not simulated · 70 a bug',
];
const about = ({ usage, does }: Pick<Command, 'usage' | 'does'>) => [...usage.map((form) => `  ${form}`), `      ${does}`];
const USAGE = [
  'Usage: muster-admin COMMAND [--url URL] [--token-file FILE] [--json]',
  '',
  ...Object.values(COMMANDS).flatMap(about),
  '',
  ...COMMON,
].join('\n');

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const OPTIONS = {
  ...{ url: text, 'token-file': text, json: flag, help: flag, state: text, overdue: flag, reason: text, scope: text, tiers: text },
  ...{ 'data-classes': text, until: text, 'if-version': text, draft: text, title: text, person: text, silent: flag, find: text },
  ...{ quota: text, approval: flag, role: text, scopes: text, due: text },
} as const;
/** What every command takes. */
const EVERYWHERE = new Set(['url', 'token-file', 'json', 'help']);

/** Never from the command line, where other accounts could read it. */
async function tokenOf(options: Options, { environment, ask }: Terminal): Promise<string> {
  const file = options['token-file'];
  const given = typeof file === 'string' ? inFile(file) : environment['MUSTER_ADMIN_TOKEN']?.trim() || ((await ask?.('Token: ')) ?? '');
  if (!given) throw new UsageError('Give the token with --token-file FILE or in MUSTER_ADMIN_TOKEN.');
  if (!/^[\w-]+$/.test(given)) throw new UsageError('What was given is no token; a token is one word that begins with mst_.');
  return given;
}

function inFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`${file} can’t be read (${(error as NodeJS.ErrnoException).code}); name the file with the token.`);
  }
}

function urlOf(options: Options, { environment }: Terminal): string {
  const url = String(options['url'] ?? environment['MUSTER_ADMIN_URL'] ?? 'http://127.0.0.1:8787');
  if (!/^https:\/\/[^/\s?#@]+|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/|$)/.test(url))
    throw new UsageError(`${url} is no address that a token may be sent to; give it as https://collector.acme.example.`);
  return url;
}

/** Codes as `design/cli.md` has them: 2 usage, 3 refused or unreachable, 5 checked and the answer is no. */
const NO = new Set(['policy-invalid', 'not-simulated']);

export type Terminal = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
  /** Asks somebody without showing what is typed; null where nobody sits there. */
  readonly ask: ((question: string) => Promise<string>) | null;
};

/** Resolves with the exit code; rejects with what is a bug. */
export async function commandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  let json = args.includes('--json');
  try {
    let parsed: { values: Options; positionals: string[] };
    try {
      parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    } catch (error) {
      throw new UsageError(`${(error as Error).message.split('. ')[0]}.`);
    }
    const { values, positionals } = parsed;
    json = values['json'] === true;
    const [name, ...words] = positionals;
    if (name === undefined) {
      (values['help'] ? out : err)(`${USAGE}\n`);
      return values['help'] ? 0 : 2;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command)
      throw new UsageError(`There is no command ${JSON.stringify(name)}; the commands are ${Object.keys(COMMANDS).join(', ')}.`);
    if (values['help']) {
      out(`Usage: muster-admin …\n${[...about(command), '', ...COMMON].join('\n')}\n`);
      return 0;
    }
    const taken = new Set(command.usage.flatMap((form) => [...form.matchAll(/--([a-z-]+)/g)].map(([, option]) => option)));
    const strange = Object.keys(values).find((option) => !EVERYWHERE.has(option) && !taken.has(option));
    if (strange !== undefined) throw new UsageError(`${name} takes no --${strange}; see muster-admin ${name} --help.`);
    if (words.length > command.words)
      throw new UsageError(`${name} takes at most ${command.words} words; put one with spaces into quotation marks.`);
    const api = apiAt(urlOf(values, terminal), command.open ? null : await tokenOf(values, terminal));
    const output = await command.run(api, words, values, (line) => err(`${line}\n`));
    out(`${json ? JSON.stringify(output.json, null, 2) : output.text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof ApiError)) throw error;
    const code = error instanceof ApiError ? error.code : 'usage';
    if (json) out(`${JSON.stringify({ error: { code, message: error.message } })}\n`);
    err(`muster-admin: ${error.message}\n`);
    return error instanceof UsageError ? 2 : NO.has(code) ? 5 : 3;
  }
}
