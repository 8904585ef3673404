/** What can be risky about a server entry, as a table of rules over what configuration alone shows, and the score that they add up to. Pure. */
import type { Finding, McpIdentity, McpScope, Risk, Severity } from '../../electron/contract.ts';
import type { ParsedServer } from './parse.ts';
import { BLANK } from './secrets.ts';
import { targetOf } from './target.ts';
import { isElevator, isPlainLine, isShell, programName, unwrap } from './unwrap.ts';

export type Assessed = ParsedServer & { readonly identity: McpIdentity; readonly scope: McpScope; readonly client: string };

/** One rule. `test` answers with what the message may say about this server (`''` for nothing more), or null where the rule doesn't apply. */
export type Rule = {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly test: (server: Assessed) => string | null;
  readonly advice: string;
  /** OWASP MCP Top 10 (`MCP…`), OWASP Agentic (`ASI…`), MITRE ATLAS (`T…`). */
  readonly refs: readonly string[];
};

export const rules: readonly Rule[] = [
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
    id: 'plaintext-secret',
    title: 'A secret stands in the config file in plain text',
    severity: 'high',
    test: (server) => {
      const found = server.launch.values.filter(
        ({ kind, position }) => kind === 'known-shape' || kind === 'telling-name' || (kind === 'random' && position !== 'arg'),
      );
      const places = [...new Set(found.map(({ name, position }) => (name === '' || name === BLANK ? position : name)))].sort();
      return found.length === 0 ? null : places.slice(0, 5).join(', ');
    },
    advice: 'Replace the value with a reference (an environment variable or the keychain), and renew the secret: it has been on disk.',
    refs: ['MCP01', 'ASI03', 'T0055'],
  },
  {
    id: 'cleartext-remote',
    title: 'The connection to the server is not encrypted',
    severity: 'high',
    test: (server) => {
      const addresses = server.url === null ? server.args : [server.url];
      const host = addresses.map(cleartextHost).find((found) => found !== null);
      return host ?? null;
    },
    advice: 'Use https:// or wss://.',
    refs: ['MCP07'],
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
    id: 'all-interfaces',
    title: 'The server listens on every network interface',
    severity: 'high',
    test: (server) => {
      const texts = [...server.args, ...Object.values(server.launch.env)];
      return texts.some((text) => /(?:^|[\s=/@:])(?:0\.0\.0\.0|\[::\])(?::\d+|[/\s:]|$)/.test(text)) ? '' : null;
    },
    advice: 'Bind it to 127.0.0.1.',
    refs: ['MCP07'],
  },
  {
    id: 'unpinned-package',
    title: 'Each start may fetch another version',
    severity: 'medium',
    test: (server) => {
      const { kind, name, version, fetched } = targetOf(server);
      // An image is another rule's matter: a tag is less than a pin and more than nothing.
      return fetched && kind !== 'oci' && version === null ? name : null;
    },
    advice: 'Name an exact version of the package (name@1.2.3, or name==1.2.3 for Python).',
    refs: ['MCP04', 'ASI04', 'T0109'],
  },
];

const order: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
const floors: Readonly<Record<Severity, number>> = { low: 10, medium: 34, high: 64, critical: 92 };
const ceilings: Readonly<Record<Severity, number>> = { low: 29, medium: 59, high: 89, critical: 100 };
const weights: Readonly<Record<Severity, number>> = { low: 1, medium: 3, high: 6, critical: 8 };

/**
 * The score of a set of findings, 0–100, higher is worse: the floor of the worst severity (low 10, medium 34, high 64, critical 92), plus for each further
 * finding its weight (1, 3, 6, 8), never past the worst one's band (29, 59, 89, 100). So the worst finding alone decides the level, more findings raise
 * the score within it, and the order in which they are found means nothing.
 */
export function scoreOf(severities: readonly Severity[]): { score: number; level: Risk['level'] } {
  const worst = order.findLast((severity) => severities.includes(severity));
  if (!worst) return { score: 0, level: 'none' };
  const sum = severities.reduce((total, severity) => total + weights[severity], 0) - weights[worst];
  return { score: Math.min(ceilings[worst], floors[worst] + sum), level: worst };
}

/** Everything that the table says about a server, worst first. */
export function assess(server: Assessed): Risk {
  const findings = rules
    .flatMap(({ id, title, severity, test, advice, refs }): Finding[] => {
      const found = test(server);
      return found === null ? [] : [{ id, severity, message: found === '' ? `${title}.` : `${title}: ${found}.`, advice, refs }];
    })
    .sort((a, b) => order.indexOf(b.severity) - order.indexOf(a.severity) || (a.id < b.id ? -1 : 1));
  return { ...scoreOf(findings.map(({ severity }) => severity)), findings };
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

function cleartextHost(text: string): string | null {
  const host = /(?:^|[\s=])(?:http|ws):\/\/(\[[^\]]*\]|[^/:\s]*)/i.exec(text)?.[1];
  if (host === undefined || host === '') return null;
  const loopback = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[(?:::1|::ffff:127.*)\]|0\.0\.0\.0|\[::\]|host\.docker\.internal)$/i;
  return loopback.test(host) || /^(?:\$|%|\{|…)/.test(host) ? null : host;
}

function inlineCode(server: Assessed): string | null {
  if (server.command === null) return null;
  const [command = '', ...args] = unwrap([server.command, ...server.args]);
  const name = programName(command).toLowerCase();
  if (args.length === 0 && /\s/.test(command) && !isPlainLine(command)) return 'a shell line as the command';
  if (isShell(name))
    return args.some((arg) => /^-[a-z]*c$|^-(?:command|encodedcommand|enc|e)$/i.test(arg)) ? `${name} with a line of commands` : null;
  // What `cmd /c` left behind is one line for cmd.exe, which knows & and | too.
  const throughCmd = programName(server.command).toLowerCase() === 'cmd';
  if (throughCmd && args.some((arg) => /^(?:&&?|\|\|?|>)$/.test(arg))) return 'cmd with a line of commands';
  const flags = Object.hasOwn(inlineFlags, name) ? inlineFlags[name] : /^python3?(?:\.\d+)?$/.test(name) ? /^-c$/ : undefined;
  const plain = args.findIndex((arg) => !arg.startsWith('-'));
  const before = plain < 0 ? args : args.slice(0, plain);
  return flags && before.some((arg) => flags.test(arg)) ? `${name} with code on its command line` : null;
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
