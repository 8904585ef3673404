/** Rules about how a server is started: with which rights, through what, from where, and with what put into it. Pure. */
import { targetOf } from '../target.ts';
import { isElevator, isPlainLine, isShell, launchLine, programName } from '../unwrap.ts';
import type { Assessed, Rule } from './rule.ts';

export const launchRules: readonly Rule[] = [
  {
    id: 'elevated',
    title: 'The server runs with administrator rights',
    severity: 'critical',
    test: (server) => {
      const name = line(server).map(programName).find(isElevator);
      return name === undefined ? null : `started through ${name}`;
    },
    advice: 'Run it as the ordinary user; give it the one file or port that it needs instead.',
    refs: ['MCP02', 'MCP05', 'ASI03'],
  },
  {
    id: 'fetch-and-run',
    title: 'The entry downloads a program and runs it at once',
    severity: 'critical',
    test: (server) => (server.command === null || inlineCode(server) === null ? null : downloadsAndRuns(wholeLine(server))),
    advice: 'Install a released version by a package manager, and name that version in the entry.',
    refs: ['MCP04', 'MCP05', 'ASI05'],
  },
  {
    id: 'shell-inline',
    title: 'The entry runs a shell line or inline code',
    severity: 'high',
    test: inlineCode,
    advice: 'Put the command and its arguments into the entry directly, or the code into a file that can be reviewed.',
    refs: ['MCP05', 'ASI05'],
  },
  {
    id: 'code-injection',
    title: 'A variable loads code into the server that its command line does not show',
    severity: 'high',
    test: (server) => Object.entries(server.launch.env).find(([name, value]) => loadsCode(name.toUpperCase(), value))?.[0] ?? null,
    advice: 'Take the variable out, or load the code by the command line, where it can be seen.',
    refs: ['MCP05', 'ASI05'],
  },
  {
    id: 'temp-path',
    title: 'The server runs from a temporary folder',
    severity: 'high',
    test: (server) => {
      const found = programPaths(server).find(isTemporary);
      return found === undefined ? null : found;
    },
    advice: 'Move it into a folder that only its owner can write and nothing empties.',
    refs: ['MCP04', 'MCP05'],
  },
  {
    id: 'writable-program',
    title: 'Another account can replace what runs',
    severity: 'high',
    test: ({ facts }) => whoElse(facts?.program, 'it'),
    advice: 'Take the right to write from everybody but the owner (chmod go-w), for the file and for its folder.',
    refs: ['MCP04', 'MCP05'],
  },
  {
    id: 'broad-runtime',
    title: "The runtime's own limits are taken off",
    severity: 'medium',
    test: (server) => {
      const [command = '', ...args] = launchLine(server);
      if (programName(command) !== 'deno') return null;
      const own = args.slice(0, args.length - targetOf(server).rest.length);
      return own.find((arg) => /^(?:-A|--allow-all|-R|-W|--allow-(?:read|write|run|ffi))$/.test(arg)) ?? null;
    },
    advice: 'Name the folders, hosts and programs that it needs: --allow-read=FOLDER, --allow-net=HOST.',
    refs: ['MCP02', 'ASI05'],
  },
  {
    id: 'browser-no-sandbox',
    title: "The server's browser runs without its sandbox",
    severity: 'high',
    test: (server) =>
      server.args.some((arg) => /(?:^|[\s="'])--(?:no-sandbox|disable-setuid-sandbox)(?:$|[\s"',=])/.test(arg)) ? '' : null,
    advice: 'Drop --no-sandbox; run it as an ordinary user, for whom the sandbox works.',
    refs: ['ASI05', 'MCP05'],
  },
];

/** Who but the owner may write, in words; null where nobody. */
export function whoElse(
  fact: { readonly othersWrite: 'file' | 'folder' | null; readonly foreignOwner: boolean } | null | undefined,
  what: string,
): string | null {
  if (!fact) return null;
  if (fact.foreignOwner) return `${what} belongs to another account`;
  if (fact.othersWrite === null) return null;
  return fact.othersWrite === 'file' ? 'everybody may write the file' : 'everybody may write its folder';
}

function line(server: Assessed): readonly string[] {
  return server.command === null ? [] : [...server.command.split(/\s+/), ...(server.args[0] === undefined ? [] : wordsOfShell(server))];
}

/** What a shell that the entry starts would run first. */
function wordsOfShell(server: Assessed): readonly string[] {
  const [head = ''] = (server.command ?? '').split(/\s+/);
  const name = programName(head).toLowerCase();
  if (name === 'cmd' || name === 'env') return server.args.slice(0, 3);
  if (!isShell(name)) return [];
  return server.args.flatMap((arg) => arg.split(/[;&|\s]+/));
}

/** Why an entry counts as a shell line or inline code, in words; null where it doesn't. */
function inlineCode(server: Assessed): string | null {
  if (server.command === null) return null;
  const [command = '', ...args] = launchLine(server);
  const name = programName(command).toLowerCase();
  if (args.length === 0 && /\s/.test(command) && !isPlainLine(command)) return 'a shell line as the command';
  if (isShell(name)) {
    // What follows the script's name is the script's own.
    const before = flagsBefore(args);
    return before.some((arg) => /^-[a-z]*c$|^-(?:command|encodedcommand|enc|e)$/i.test(arg)) ? `${name} with a line of commands` : null;
  }
  // What `cmd /c` left behind is one line for cmd.exe, which knows & and | too.
  const throughCmd = programName(server.command).toLowerCase() === 'cmd';
  if (throughCmd && args.some((arg) => /^(?:&&?|\|\|?|>)$/.test(arg))) return 'cmd with a line of commands';
  const flags = Object.hasOwn(inlineFlags, name) ? inlineFlags[name] : /^python3?(?:\.\d+)?$/.test(name) ? /^-c$/ : undefined;
  return flags && flagsBefore(args).some((arg) => flags.test(arg)) ? `${name} with code on its command line` : null;
}

function flagsBefore(args: readonly string[]): readonly string[] {
  const plain = args.findIndex((arg) => !arg.startsWith('-'));
  return plain < 0 ? args : args.slice(0, plain);
}

const inlineFlags: Readonly<Record<string, RegExp>> = {
  node: /^(?:-e|-p|-pe|--eval(?:=.*)?|--print(?:=.*)?)$/s,
  nodejs: /^(?:-e|-p|-pe|--eval(?:=.*)?|--print(?:=.*)?)$/s,
  bun: /^(?:-e|-p|--eval(?:=.*)?|--print(?:=.*)?)$/s,
  ruby: /^-e$/,
  perl: /^-[a-z]*[eE]$/,
  php: /^-r$/,
  py: /^-c$/,
  osascript: /^-e$/,
};

function wholeLine(server: Assessed): string {
  return [server.command ?? '', ...server.args].join(' ');
}

/**
 * Whether a line of commands fetches something from the network and runs what it fetched: into a shell, an interpreter or `eval`, or into a file that the
 * same line runs. Answers with the name of what fetches. Linear in the line; also used for hooks of agents.
 */
export function downloadsAndRuns(text: string): string | null {
  const fetcher =
    /(?:^|[\s;&|("'`$])(curl|wget|iwr|irm|invoke-webrequest|invoke-restmethod|fetch|urlopen|requests\.get|bitsadmin|certutil)\b/i.exec(
      text.slice(0, 8000),
    );
  const named = fetcher?.[1]?.toLowerCase();
  if (fetcher === null || named === undefined)
    return /urllib|urlopen|downloadstring/i.test(text) && /\b(?:exec|eval|iex)\b/i.test(text) ? 'a download' : null;
  const from = text.slice(fetcher.index, fetcher.index + 8000);
  const shell =
    '(?:sudo\\s+(?:-\\w+\\s+)*)?(?:env\\s+)?(?:/(?:usr/)?bin/)?(?:ba|z|da|k|fi)?sh|python[\\d.]*|node|ruby|perl|php|iex|invoke-expression|pwsh|powershell';
  if (new RegExp(`\\|\\s*(?:${shell})(?:\\s|$|["')])`, 'i').test(from)) return named;
  const before = text.slice(Math.max(0, fetcher.index - 200), fetcher.index + 1);
  if (new RegExp(`(?:${shell}|\\.|source|eval|exec)\\s+(?:-c\\s+)?["']?(?:<\\(|\\$\\(|\`)\\s*$`, 'i').test(before)) return named;
  if (/\b(?:iex|invoke-expression|eval|exec)\b[\s("'$]*\(?[^;|&]{0,80}$/i.test(before) && !/\bexec\s+(?:node|python)/i.test(before))
    return named;
  // Saved under a name, and that name started later in the line.
  const saved = /(?:\s-o\s*|\s--output[=\s]|\s-outfile\s+|\s-O\s+|>\s*)["']?([^\s"';&|]+)/i.exec(from)?.[1];
  if (saved === undefined || saved === '-' || saved.length < 2) return null;
  const after = from.slice(from.indexOf(saved) + saved.length);
  const at = saved.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const started = new RegExp(
    `(?:[;&|]\\s*|\\b(?:${shell})\\s+|chmod\\s+\\S+\\s+|exec\\s+|\\.\\s+)["']?(?:\\./)?${at}(?:["'\\s;&|]|$)`,
    'i',
  );
  return started.test(after) ? named : null;
}

function loadsCode(name: string, value: string): boolean {
  if (value.trim() === '') return false;
  if (/^(?:LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|PYTHONSTARTUP|BASH_ENV)$/.test(name)) return true;
  if (name === 'NODE_OPTIONS') return /(?:^|\s)(?:-r|--require|--import|--(?:experimental-)?loader)(?:[\s=]|$)/.test(value);
  if (name === 'PERL5OPT') return /(?:^|\s)-[Mm]/.test(value);
  if (name === 'RUBYOPT') return /(?:^|\s)-r/.test(value);
  return name === 'JAVA_TOOL_OPTIONS' && /-(?:javaagent|agentpath|agentlib)/.test(value);
}

/**
 * Where what runs lies, as far as the entry says: the program and the script as they are written, the script below the entry's working folder, and that
 * folder where only a project's tool is named (`uv --directory`).
 */
export function programPaths(server: Pick<Assessed, 'command' | 'args' | 'url' | 'launch'>): string[] {
  if (server.command === null) return [];
  const { kind, name } = targetOf(server);
  const [command = '', ...args] = launchLine(server);
  const paths = [command, ...(kind === 'script' || kind === 'npm' || kind === 'pypi' ? [name] : [])].filter((text) => /[\\/]/.test(text));
  if (kind !== 'script' || name === 'inline code' || /^(?:[\\/~$%]|[A-Za-z]:)/.test(name)) return paths;
  const folder = folderOf(args) ?? server.launch.cwd;
  return folder === null ? paths : [...paths, `${folder.replace(/[\\/]+$/, '')}/${name}`];
}

/** The folder in which a launcher is told to work. */
function folderOf(args: readonly string[]): string | null {
  for (const [at, arg] of args.entries()) {
    if (/^--(?:directory|project|cwd|prefix)$/.test(arg)) return args[at + 1] ?? null;
    const glued = /^--(?:directory|project|cwd|prefix)=(.+)$/s.exec(arg)?.[1];
    if (glued !== undefined) return glued;
  }
  return null;
}

/** Folders that everybody may write or that are emptied: the system's, and those of `TEMP`. A `tmp` in somebody's own home is none. */
function isTemporary(path: string): boolean {
  const text = path.replaceAll('\\', '/');
  return (
    /^(?:\/private)?\/(?:tmp|var\/tmp|var\/folders)\//.test(text) ||
    text.startsWith('/dev/shm/') ||
    /^(?:%(?:TEMP|TMP)%|\$\{?(?:env:)?(?:TMPDIR|TEMP|TMP)\}?)\//i.test(text) ||
    /\/AppData\/Local\/Temp\//i.test(text) ||
    /^(?:[A-Za-z]:\/Windows\/Temp|%LOCALAPPDATA%\/Temp)\//i.test(text)
  );
}
