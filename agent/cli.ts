#!/usr/bin/env node
/** The executable `muster`: finds the command, reads its options, and turns whatever happens into one line and an exit code. */
import { parseArgs } from 'node:util';
import { type Command, EXIT, exitOf, type Group, type Invocation, type Listed, UsageError } from './commands/command.ts';
import { jsonLine, plainLines } from './commands/table.ts';
import { failureOf } from './failure.ts';
import { realOs } from './observe/os.ts';
import { print, whenPrinted } from './print.ts';
import { version } from './version.ts';

/** Loaded when named: a short command doesn't pay for the others. */
const COMMANDS: Group['verbs'] = {
  scan: { summary: 'look at everything once, record it and print the inventory', load: () => import('./commands/scan.ts') },
  status: { summary: 'print the inventory as stored; look at nothing, create nothing', load: () => import('./commands/status.ts') },
  watch: { summary: 'be the agent, in the foreground, until SIGTERM', load: () => import('./commands/watch.ts') },
  request: { summary: 'ask IT to approve a tool or an MCP server', load: () => import('./commands/request.ts') },
  requests: { summary: 'list my requests, withdraw one, answer a question about one', load: () => import('./commands/requests.ts') },
  policy: { summary: 'show, check, try, draft and sign what may be used', load: () => import('./commands/policy.ts') },
  evidence: { summary: 'check the record of what was decided and done, or write it out', load: () => import('./commands/evidence.ts') },
  enroll: { summary: 'join a collector', load: () => import('./commands/enroll.ts') },
  sync: { summary: 'check in with the collector now, or show what would leave', load: () => import('./commands/sync.ts') },
  doctor: { summary: 'check each thing outside that Muster depends on', load: () => import('./commands/doctor.ts') },
};

const GLOBAL = {
  json: { type: 'boolean' },
  data: { type: 'string' },
  home: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
  // Stands for the managed settings in development and tests; a packaged one refuses it, and no help text names it.
  managed: { type: 'string' },
} as const;

const GLOBAL_HELP = [
  '  --json        print JSON instead of a table',
  '  --data DIR    where the database lives (default: the platform’s application-data folder)',
  '  --home DIR    whose files to look at; repeatable (default: yours)',
  '  -h, --help    this text',
].join('\n');

function listOf(commands: Group['verbs']): string[] {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
}

function overview(): string {
  return [
    'Muster takes stock of the AI tools on this computer.',
    '',
    'Usage: muster COMMAND [options]',
    '',
    ...listOf(COMMANDS),
    '',
    'Every command takes',
    GLOBAL_HELP,
    '',
    '“muster COMMAND --help” tells more. Exit codes: 0 done · 1 done, and --fail-on found something · 2 usage · 3 the collector',
    '· 4 the database · 5 checked, and the answer is no · 70 a bug.',
    '',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    print(overview());
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  if (name === '--version' || name === 'version') {
    print(`${version}\n`);
    return EXIT.done;
  }
  const listed = find(COMMANDS, name);
  if (!listed) throw new UsageError(`There is no command “${name.slice(0, 40)}”; “muster help” lists them.`);
  const { command } = await listed.load();
  return 'verbs' in command ? ofGroup(name, command, rest) : ofCommand(name, command, rest);
}

function find(commands: Group['verbs'], name: string): Listed | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined;
}

async function ofGroup(name: string, { about, verbs }: Group, [verb, ...rest]: readonly string[]): Promise<number> {
  if (verb === '--help' || verb === '-h') {
    const help = [about, '', ...listOf(verbs), '', `“muster ${name} ${Object.keys(verbs)[0]} --help” tells more of one.`];
    print(`${help.join('\n')}\n`);
    return EXIT.done;
  }
  const known = Object.keys(verbs).join(', ');
  if (verb === undefined || verb.startsWith('-')) throw new UsageError(`Say first what to do: muster ${name} and one of ${known}.`);
  const listed = find(verbs, verb);
  if (!listed) throw new UsageError(`“${name}” can ${known}, not “${verb.slice(0, 40)}”.`);
  const { command } = await listed.load();
  return 'verbs' in command ? ofGroup(`${name} ${verb}`, command, rest) : ofCommand(`${name} ${verb}`, command, rest);
}

async function ofCommand(name: string, command: Command, rest: readonly string[]): Promise<number> {
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...rest], options: { ...GLOBAL, ...command.options }, allowPositionals: true, strict: true });
  } catch (error) {
    // The library's sentence names the option, never its value; its second sentence is about quoting.
    const sentence = (error as Error).message.split(/\.\s/)[0];
    throw new UsageError(`${sentence}; “muster ${name} --help” lists the options.`);
  }
  const { values, positionals } = parsed;
  if (values['help']) {
    print(`${command.usage}\n\nIt also takes\n${GLOBAL_HELP}\n`);
    return EXIT.done;
  }
  for (const [named, value] of Object.entries(values)) {
    if (value === '') throw new UsageError(`--${named} is empty; “muster ${name} --help” says what belongs there.`);
  }
  const json = values['json'] === true;
  const os = realOs();
  const invocation: Invocation = {
    os,
    version,
    values,
    positionals,
    json,
    data: typeof values['data'] === 'string' ? values['data'] : null,
    home: Array.isArray(values['home']) ? values['home'].map(String) : [],
    answer: (value, text) => print(json ? `${jsonLine(value)}\n` : `${plainLines(text()).trimEnd()}\n`),
  };
  const code = await command.run(invocation);
  if (command.endsAtOnce) whenPrinted(() => process.exit(code));
  return code;
}

function fail(error: unknown): void {
  const failure = failureOf(error);
  if (process.argv.includes('--json')) print(`${jsonLine({ error: failure })}\n`);
  else process.stderr.write(`muster: ${plainLines(failure.message)}\n`);
  process.exitCode = exitOf[failure.code];
}

// Node itself would print the error's text, which may quote what was being read, and end with 1, which says that --fail-on found something.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
}, fail);
