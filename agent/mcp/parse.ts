/**
 * Reads the MCP servers out of a client's config file. Values of secrets are held here, in memory, while a file is read, and go no further: what leaves
 * has names, kinds and blanked text only.
 */
import path from 'node:path';
import type { McpTransport } from '../../electron/contract.ts';
import type { Trouble } from '../observe/observation.ts';
import { blankArgs } from './args.ts';
import { type Dialect, dialectOf, transportNamed } from './dialects.ts';
import { BLANK, blankName, blankText, isTellingName, kindOfValue, type NamedValue, sanitizeUrl, valuesOfUrl } from './secrets.ts';
import { decode, type Format, isMap, lookUp, own } from './text.ts';

/** What decides what would run, beside the fields that are shown; holds no secret. */
export type Launch = {
  readonly cwd: string | null;
  /** Variables that change what a program does (`NODE_OPTIONS`, `*_BASE_URL`, …), their values blanked; sorted by name. */
  readonly env: Readonly<Record<string, string>>;
  /** Each value of the entry as a name and a kind. */
  readonly values: readonly NamedValue[];
};

export type ParsedServer = {
  readonly name: string;
  /** The project that the file itself names for this entry (local scope); null elsewhere. */
  readonly project: string | null;
  readonly enabled: boolean;
  readonly transport: McpTransport;
  readonly command: string | null;
  /** Secrets blanked. */
  readonly args: readonly string[];
  /** Scheme, host and path; secret-looking segments are `…`. */
  readonly url: string | null;
  /** Names of variables and headers whose value is, or refers to, a secret; sorted. */
  readonly secretNames: readonly string[];
  /** Names of the tools that the client runs without asking; `all` where it asks for none. */
  readonly autoApproved: readonly string[] | 'all';
  readonly launch: Launch;
};

export type ServersFile = { readonly client: string; readonly format: Format; readonly at: readonly string[] };
export type ServersRead = { ok: true; servers: ParsedServer[]; troubles: Trouble[] } | { ok: false; trouble: Trouble };

/** More than this in one file is no config that a person has. */
const maximumServers = 2000;
const maximumArgs = 500;

/**
 * The servers at `file.at` in the bytes of a config file. Never throws. A file that can't be read, or whose place of servers holds something else,
 * is a trouble (`config-unreadable`); a single entry that can't be understood is one in `troubles` (`server-unreadable`), and the others stand. A file of white space
 * only, or without that place, has no servers. The troubles' `path` is null: the caller knows the file.
 */
export function parseServers(file: ServersFile, text: Uint8Array): ServersRead {
  const decoded = decode(file.format, text);
  if (!decoded.ok) return { ok: false, trouble: unreadable(decoded.detail) };
  if (decoded.empty) return { ok: true, servers: [], troubles: [] };
  if (!isMap(decoded.value)) return { ok: false, trouble: unreadable("it isn't an object with keys") };

  const dialect = dialectOf(file.client);
  const servers: ParsedServer[] = [];
  const troubles: Trouble[] = [];
  for (const place of lookUp(decoded.value, file.at)) {
    if (place.value === null || place.value === undefined) continue;
    const entries = listed(place.value, dialect);
    if (entries === null) {
      const trouble = unreadable(`"${file.at.join('.')}" in it isn't a map of servers`);
      if (place.star === null) return { ok: false, trouble };
      troubles.push(trouble);
      continue;
    }
    const on = switchesFor(dialect, decoded.value, place.parent);
    for (const [name, entry] of entries) {
      if (servers.length >= maximumServers) {
        troubles.push(unreadable(`it has more than ${maximumServers} servers; the rest was not looked at`));
        return { ok: true, servers, troubles };
      }
      const server = readServer(name, entry, place.star, dialect, on);
      if (server) servers.push(server);
      else
        troubles.push({ ...unreadable(`the server "${blankText(name)}" has neither a command nor an address`), code: 'server-unreadable' });
    }
  }
  return { ok: true, servers, troubles };
}

/** Absolute project folders that a client has recorded; `[]` when the file can't be read. */
export function parseProjects(place: { format: Format; at: readonly string[]; take: 'keys' | 'values' }, text: Uint8Array): string[] {
  const decoded = decode(place.format, text);
  if (!decoded.ok) return [];
  const folders = lookUp(decoded.value, place.at).flatMap(({ value }) => {
    if (Array.isArray(value)) return place.take === 'values' ? value : [];
    if (!isMap(value)) return [];
    return place.take === 'keys' ? Object.keys(value) : Object.values(value);
  });
  const plain = folders.filter((folder): folder is string => typeof folder === 'string' && folder.length < 4096 && !folder.includes('\0'));
  return [...new Set(plain.filter((folder) => path.posix.isAbsolute(folder) || /^(?:[A-Za-z]:[\\/]|\\\\)/.test(folder)))];
}

function unreadable(detail: string): Trouble {
  return { code: 'config-unreadable', path: null, detail };
}

/** A map or a list of servers as pairs of name and entry; null for anything else. */
function listed(value: unknown, dialect: Dialect): [string, unknown][] | null {
  if (isMap(value)) return Object.entries(value);
  if (!Array.isArray(value)) return null;
  return value.map((entry: unknown, index) => [text(first(entry, dialect.name)) ?? String(index + 1), entry]);
}

function switchesFor(dialect: Dialect, top: unknown, beside: unknown): (name: string) => boolean {
  const lists = dialect.switches.flatMap((rule) => {
    const [found] = lookUp(rule.from === 'top' ? top : beside, rule.at);
    return Array.isArray(found?.value) ? [{ means: rule.means, names: new Set<unknown>(found.value) }] : [];
  });
  return (name) => lists.every(({ means, names }) => (means === 'off' ? !names.has(name) : names.has(name)));
}

function readServer(
  name: string,
  entry: unknown,
  project: string | null,
  dialect: Dialect,
  on: (name: string) => boolean,
): ParsedServer | null {
  if (!isMap(entry)) return null;
  const [program, ...leading] = strings(first(entry, dialect.command));
  const address = dialect.url.flatMap(([field, means]) => {
    const value = text(own(entry, field));
    return value === null ? [] : [{ value, means }];
  })[0];
  const typeWord = text(first(entry, dialect.type));
  const named = typeWord === null ? null : transportNamed(typeWord);
  const command = program?.trim() ?? null;
  if (!command && !address) return null;

  const values: NamedValue[] = [];
  const rawArgs = [...leading, ...strings(first(entry, dialect.args))].slice(0, maximumArgs);
  const blankedArgs = blankArgs(rawArgs);
  values.push(...blankedArgs.values);
  const env = pairs(first(entry, dialect.env));
  for (const [key, value] of env) values.push({ position: 'env', name: blankName(key), kind: kindOfValue(key, value) });
  for (const key of strings(first(entry, dialect.passedVariables)))
    values.push({ position: 'env', name: blankName(key), kind: 'reference' });
  const headers = pairs(first(entry, dialect.headers));
  for (const [key, value] of headers) values.push({ position: 'header', name: blankName(key), kind: kindOfValue(key, value) });
  for (const [key] of pairs(first(entry, dialect.headersFromVariables))) {
    values.push({ position: 'header', name: blankName(key), kind: 'reference' });
  }
  for (const field of dialect.secretVariable) {
    const variable = text(own(entry, field));
    if (variable !== null) values.push({ position: 'env', name: blankName(variable), kind: 'reference' });
  }
  const url = address ? sanitizeUrl(address.value) : null;
  if (address) values.push(...valuesOfUrl(address.value));

  const remote = !command;
  const cwd = text(first(entry, dialect.cwd));
  return {
    name: blankText(name.slice(0, 300)),
    project,
    enabled: own(entry, 'disabled') !== true && own(entry, 'enabled') !== false && own(entry, 'isActive') !== false && on(name),
    transport: remote ? (named && named !== 'stdio' ? named : (address?.means ?? byScheme(url))) : 'stdio',
    command: command ? blankLine(command) : null,
    args: command ? blankedArgs.args : [],
    url: remote ? url : null,
    secretNames: secretNames(values),
    autoApproved: autoApproved(entry),
    launch: { cwd: cwd === null ? null : blankText(cwd), env: launchEnv(env), values },
  };
}

function autoApproved(entry: unknown): readonly string[] | 'all' {
  const given = first(entry, ['autoApprove', 'alwaysAllow', 'autoApproved']);
  if (own(entry, 'trust') === true || given === true || given === '*') return 'all';
  const names = strings(given);
  return names.includes('*') ? 'all' : [...new Set(names.slice(0, maximumArgs).map((name) => blankName(blankText(name))))].sort();
}

function byScheme(url: string | null): McpTransport {
  return /^wss?:/.test(url ?? '') ? 'ws' : 'http';
}

/** Some people put the whole line into the command; it is blanked as the line that it is. */
function blankLine(command: string): string {
  return /\s/.test(command) ? (blankArgs([command]).args[0] ?? BLANK) : blankText(command);
}

function secretNames(values: readonly NamedValue[]): string[] {
  const names = values
    .filter(
      ({ position, name, kind }) =>
        (position === 'env' || position === 'header') &&
        name !== '' &&
        (kind === 'known-shape' ||
          kind === 'telling-name' ||
          kind === 'random' ||
          ((kind === 'reference' || kind === 'placeholder' || kind === 'empty') && isTellingName(name))),
    )
    .map(({ name }) => name);
  return [...new Set(names)].sort();
}

const launchNames = new Set(
  (
    'HOST BIND LISTEN PATH NODE_OPTIONS NODE_PATH NODE_TLS_REJECT_UNAUTHORIZED NODE_EXTRA_CA_CERTS LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT ' +
    'DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH PYTHONPATH PYTHONSTARTUP PYTHONHOME BASH_ENV ENV PERL5OPT RUBYOPT JAVA_TOOL_OPTIONS ' +
    'NPM_CONFIG_REGISTRY UV_INDEX_URL UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_INDEX PIP_INDEX_URL PIP_EXTRA_INDEX_URL GOPROXY ' +
    'HTTP_PROXY HTTPS_PROXY ALL_PROXY DOCKER_HOST SSH_AUTH_SOCK'
  ).split(' '),
);

function launchEnv(env: readonly [string, string][]): Record<string, string> {
  const kept = env.filter(([name]) => {
    const upper = name.toUpperCase();
    return launchNames.has(upper) || /^\w{1,60}_BASE_URL$/.test(upper) || /^\w{1,60}_(?:BIND_)?HOST$/.test(upper);
  });
  return Object.fromEntries(
    kept
      .map(([name, value]): [string, string] => [
        blankName(name),
        /:\/\//.test(value) && !/\s/.test(value) ? (sanitizeUrl(value) ?? '') : (blankArgs([value]).args[0] ?? BLANK),
      ])
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

function first(entry: unknown, fields: readonly string[]): unknown {
  for (const field of fields) {
    const value = own(entry, field);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function strings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(text).filter((item) => item !== null) : [];
}

/** A map, a list of `NAME=value`, or a list of `{name, value}`, as pairs. */
function pairs(value: unknown): [string, string][] {
  if (isMap(value)) {
    // `requestInit` of mcp.json files made for the TypeScript SDK holds the headers one level down.
    const inner = own(value, 'headers');
    const map = isMap(inner) ? inner : value;
    return Object.entries(map).map(([name, item]) => [
      name,
      text(item) ?? (item === null || item === undefined ? '' : JSON.stringify(item)),
    ]);
  }
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown): [string, string][] => {
    if (typeof item === 'string') {
      const at = item.search(/[=:]/);
      return at < 0 ? [[item, '']] : [[item.slice(0, at), item.slice(at + 1)]];
    }
    const name = text(first(item, ['name', 'key']));
    return name === null ? [] : [[name, text(own(item, 'value')) ?? '']];
  });
}
