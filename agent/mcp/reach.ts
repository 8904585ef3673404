/** Says in words what a server entry may reach: folders, hosts, databases, a browser, a shell. Made from the entry alone; the server is never asked. Pure. */
import { isThisComputer } from './identity.ts';
import type { ParsedServer } from './parse.ts';
import { BLANK } from './secrets.ts';
import { targetOf } from './target.ts';
import { isElevator, programName } from './unwrap.ts';

/** Paths may be absolute or already written `~/…`. */
type Entry = Pick<ParsedServer, 'command' | 'args' | 'url' | 'secretNames'> & {
  readonly launch: Pick<ParsedServer['launch'], 'cwd' | 'env'>;
};

/** More than this is a list and no answer. */
const most = 12;

/** What a program is for, by the words of its name: the commonest servers say there what they open. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/playwright|puppeteer|selenium|chrome-devtools|browser(?!slist)|stagehand/, 'a web browser, and what it is signed in to'],
  [/desktop-commander|(?:^|[-_/.])(?:shell|terminal|commands?|bash|zsh|powershell|pwsh|iterm2?|tmux|exec)(?:$|[-_/.])/, 'your shell'],
  [/(?:^|[-_/.])ssh(?:$|[-_/.])/, 'computers that you may reach by SSH'],
  [/kubernetes|kubectl|(?:^|[-_/.])k8s|helm/, 'your Kubernetes clusters'],
  [/(?:^|[-_/.])docker(?:$|[-_/.])|portainer/, 'your containers'],
  [/(?:^|[-_/.])aws(?:$|[-_/.])|awslabs|amazon/, 'your AWS account'],
  [/(?:^|[-_/.])(?:gcp|gcloud)(?:$|[-_/.])|google-cloud/, 'your Google Cloud account'],
  [/(?:^|[-_/.])azure(?:$|[-_/.])/, 'your Azure account'],
  [/gmail|outlook|(?:^|[-_/.])(?:e?mail|imap)(?:$|[-_/.])|ms-365|office365/, 'your mail'],
  [
    /applescript|macos-automator|computer-use|(?:^|[-_/.])(?:desktop|keyboard|windows)-(?:control|automation|mcp)/,
    'your screen, keyboard and mouse',
  ],
  [/obsidian|(?:^|[-_/.])apple-notes/, 'your notes'],
];

/** Any of them: most names hold none, and one question is cheaper than eleven. */
const anyKind = new RegExp(kinds.map(([words]) => words.source).join('|'));

const databases: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  postgresql: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  mongodb: 'MongoDB',
  'mongodb+srv': 'MongoDB',
  redis: 'Redis',
  rediss: 'Redis',
  mssql: 'SQL Server',
  sqlserver: 'SQL Server',
  clickhouse: 'ClickHouse',
  neo4j: 'Neo4j',
  bolt: 'Neo4j',
  'neo4j+s': 'Neo4j',
  snowflake: 'Snowflake',
  amqp: 'RabbitMQ',
  amqps: 'RabbitMQ',
};

/**
 * What the entry may reach, most telling first, each a noun phrase without a full stop: `the folder ~/src`, `mcp.sentry.dev`, `a PostgreSQL database at
 * db.example`, `what GITHUB_TOKEN opens`. The last one of a program that runs uncontained says that it may open whatever the user may.
 */
export function reachOf(server: Entry): string[] {
  const found = new Set<string>();
  const target = targetOf(server);
  const line = server.command === null ? [] : [...server.command.split(/\s+/), ...server.args];
  const elevated = line.slice(0, 4).some((word) => isElevator(programName(word)));
  const contained = target.kind === 'oci' && !elevated;

  if (elevated) found.add('everything on this computer, as administrator');
  if (server.url !== null) found.add(place(hostOf(server.url), 'the address in its entry'));
  if (target.kind === 'oci') for (const reach of containerReach(server.args, target.name)) found.add(reach);
  const rest = target.kind === 'oci' ? [] : target.rest;
  for (const folder of rest.flatMap(pathsIn)) found.add(folder);
  for (const text of [...rest, ...(target.kind === 'oci' ? target.rest : []), ...reachableEnv(server.launch.env)]) {
    for (const host of addressesIn(text)) found.add(host);
  }
  const name = target.kind === 'remote' ? '' : `${target.name} ${target.program ?? ''}`.toLowerCase();
  const parts = name.split(' ').filter((part) => anyKind.test(part));
  for (const [words, reach] of kinds) if (parts.some((part) => words.test(part))) found.add(reach);
  for (const secret of server.secretNames) if (secret !== BLANK) found.add(`what ${secret} opens`);
  const listed = [...found].slice(0, most);
  if (found.size > most) listed.push(`${found.size - most} more that its arguments name`);
  if (server.command !== null && !elevated) {
    listed.push(contained ? 'the network, from inside its container' : 'all else that you may open, because it runs as you');
  }
  return isolated(server.args) ? listed.filter((reach) => reach !== 'the network, from inside its container') : listed;
}

function isolated(args: readonly string[]): boolean {
  return args.some((arg, at) => /^--net(?:work)?=none$/.test(arg) || (/^--net(?:work)?$/.test(arg) && args[at + 1] === 'none'));
}

/** The values of variables that say where something is, and not where this server listens or what it is loaded with. */
function reachableEnv(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const upper = name.toUpperCase();
    if (upper.endsWith('_BASE_URL') || upper === 'DOCKER_HOST') return [value];
    if (/^(?!(?:MCP|SERVER|BIND|HTTP|APP|LISTEN|FASTMCP|UVICORN)_)\w+_HOST$/.test(upper) && !upper.endsWith('BIND_HOST'))
      return [value.includes('://') || value === '' ? value : `host://${value}`];
    return [];
  });
}

function place(host: string | null, otherwise: string): string {
  if (host === null) return otherwise;
  return isThisComputer(host.replace(/:\d+$/, '')) ? `a program on this computer (${host})` : host;
}

function hostOf(address: string): string | null {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(address)?.[1] ?? '';
  return authority === '' || /[$%{…]/.test(authority) ? null : authority;
}

/** Hosts and databases that addresses in a text name. */
function addressesIn(text: string): string[] {
  const found: string[] = [];
  for (const [address, scheme = ''] of text.slice(0, 4000).matchAll(/([a-z][a-z0-9+.-]{1,20}):\/\/[^\s"'<>]+/gi)) {
    const kind = scheme.toLowerCase();
    const host = hostOf(address);
    if (Object.hasOwn(databases, kind)) found.push(`a ${databases[kind]} database${host ? ` at ${host}` : ''}`);
    else if (kind === 'sqlite' || kind === 'file') found.push(`the file ${address.replace(/^[a-z]+:\/\//i, '')}`);
    else if (host !== null && /^(?:https?|wss?|sse|host|tcp|ssh|ftp)$/.test(kind)) found.push(place(host, ''));
  }
  return found;
}

/** The folder or file that an argument is, or that stands behind its `=`. */
function pathsIn(arg: string): string[] {
  const value = /^--?[\w.-]+=(.*)$/s.exec(arg)?.[1] ?? arg;
  if (/:\/\//.test(value) || value.length > 1000) return [];
  const one = pathWords(value);
  return one === null ? [] : [one];
}

function pathWords(given: string): string | null {
  const path = given.length > 1 ? given.replace(/[/\\]+$/, '') : given;
  if (path === '/' || path === '' || /^[A-Za-z]:$/.test(path))
    return given === '' ? null : `every file on ${path === '/' ? 'this computer' : `drive ${path}`}`;
  if (
    /^(?:~|\$HOME|\$\{HOME\}|\$\{userHome\}|\$\{env:HOME\}|%USERPROFILE%|\/home\/[^/]+|\/Users\/[^/]+|[A-Za-z]:[\\/]Users[\\/][^\\/]+)$/.test(
      path,
    )
  )
    return 'your whole home folder';
  if (/^(?:\.|\$\{workspaceFolder(?:Basename)?\}|\$PWD|\$\{PWD\})$/.test(path)) return 'the folder that it is started in';
  if (!/^(?:~|\.{1,2}|\$HOME|\$\{\w[\w:]*\}|%\w+%)?[/\\][^/\\\s]|^[A-Za-z]:[\\/]/.test(path)) return null;
  if (/\.(?:db|sqlite3?|duckdb)$/i.test(path)) return `the database ${path}`;
  return /[^/\\.][^/\\]*\.[A-Za-z]\w{0,7}$/.test(path) ? `the file ${path}` : `the folder ${path}`;
}

/** What a container is given of the computer outside it. */
function containerReach(args: readonly string[], image: string): string[] {
  const found: string[] = [];
  for (const [at, arg] of args.entries()) {
    if (arg === image || arg.startsWith(`${image}:`) || arg.startsWith(`${image}@`)) break;
    const next = args[at + 1] ?? '';
    if (arg === '--privileged' || /^--pid(?:=|$)/.test(arg)) found.push('everything on this computer: its container is not kept apart');
    const network = /^--net(?:work)?(?:=(.*))?$/.exec(arg);
    if (network && (network[1] ?? next) === 'host') found.push('every service on this computer');
    const volume = /^(?:-v|--volume)$/.test(arg) ? next : /^(?:-v|--volume=)(.+)$/.exec(arg)?.[1];
    if (volume !== undefined)
      found.push(...mounted(/^([A-Za-z]:[\\/][^:]*|[^:]*)/.exec(volume)?.[1] ?? '', /:(?:[\w,]*,)?ro(?:,|$)/.test(volume)));
    const mount = arg === '--mount' ? next : /^--mount=(.+)$/.exec(arg)?.[1];
    const source = mount === undefined ? undefined : /(?:^|,)(?:src|source)=([^,]+)/.exec(mount)?.[1];
    if (source !== undefined) found.push(...mounted(source, /(?:^|,)(?:readonly|ro)(?:=true|=1)?(?:,|$)/.test(mount ?? '')));
  }
  return found;
}

function mounted(source: string, readOnly: boolean): string[] {
  if (/docker\.sock|podman\.sock|containerd\.sock/.test(source)) return ['every container, and through them this whole computer'];
  const words = pathWords(source);
  return words === null ? [] : [readOnly ? `${words} (read only)` : words];
}
