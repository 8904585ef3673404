/**
 * Reads the MCP servers out of a client's config file. Values of secrets are held here, in memory, while a file is read, and go no further: what leaves
 * has names, kinds and blanked text only.
 */
import path from 'node:path';
import type { McpTransport } from '../../electron/contract.ts';
import type { Trouble } from '../observe/observation.ts';
import { blankArgs } from './args.ts';
import { type Dialect, dialectOf, transportNamed } from './dialects.ts';
import { type Launch, launchEnv } from './launch.ts';
import { BLANK, blankName, blankText, isTellingName, kindOfValue, type NamedValue, sanitizeUrl, valuesOfUrl } from './secrets.ts';
import { decode, type Format, isMap, lookUp, own } from './text.ts';

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
  /** OAuth scopes that the entry itself asks for, where the client has a field for them. */
  readonly scopes: readonly string[];
  readonly launch: Launch;
};

/** Whose file it is, and where in it the servers are; the catalog's schema says what each field means. */
export type ServersFile = {
  readonly client: string;
  readonly format: Format;
  readonly at: readonly string[];
  readonly also?: readonly (readonly string[])[] | undefined;
  readonly one?: { readonly name: readonly string[] } | undefined;
  readonly follow?: object | undefined;
  /** Names of servers that the client has switched off elsewhere; `*` is all of them. */
  readonly off?: readonly string[] | undefined;
};
/** `elsewhere` are the paths of other files, as this one writes them, that have the servers instead; only for a place that says `follow`. */
export type ServersRead =
  | { ok: true; servers: ParsedServer[]; troubles: Trouble[]; elsewhere: readonly string[] }
  | { ok: false; trouble: Trouble };

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
  if (decoded.empty) return { ok: true, servers: [], troubles: [], elsewhere: [] };
  if (!isMap(decoded.value)) return { ok: false, trouble: unreadable("it isn't an object with keys") };

  const dialect = dialectOf(file.client);
  const servers: ParsedServer[] = [];
  const troubles: Trouble[] = [];
  const elsewhere: string[] = [];
  for (const place of found(decoded.value, file)) {
    if (place.value === null || place.value === undefined) continue;
    if (file.follow && (typeof place.value === 'string' || isListOfTexts(place.value))) {
      elsewhere.push(...strings(place.value));
      continue;
    }
    const entries = file.one ? [single(decoded.value, file.one, place.value)] : listed(place.value, dialect);
    if (entries === null) {
      const trouble = unreadable(`"${file.at.join('.')}" in it isn't a map of servers`);
      if (place.star === null) return { ok: false, trouble };
      troubles.push(trouble);
      continue;
    }
    const inFile = switchesFor(dialect, decoded.value, place.parent);
    const on = (name: string) => !file.off?.some((one) => one === name || one === '*') && inFile(name);
    for (const [name, entry] of entries) {
      if (servers.length >= maximumServers) {
        troubles.push(unreadable(`it has more than ${maximumServers} servers; the rest was not looked at`));
        return { ok: true, servers, troubles, elsewhere };
      }
      if (place.loose && !isLikeServer(entry, dialect)) continue;
      if (isNoServer(entry, dialect)) continue;
      const server = readServer(name, entry, place.star, dialect, on);
      if (server) servers.push(server);
      else
        troubles.push({ ...unreadable(`the server "${blankText(name)}" has neither a command nor an address`), code: 'server-unreadable' });
    }
  }
  return { ok: true, servers, troubles, elsewhere };
}

type Found = ReturnType<typeof lookUp>[number] & { readonly loose: boolean };

/** Every place of servers in the file. With an empty key path among `also`, a file that has none of the others is itself the map: loosely, for it may hold more. */
function found(top: unknown, file: ServersFile): Found[] {
  const paths = [file.at, ...(file.also ?? [])];
  const named = paths.filter((at) => at.length > 0).flatMap((at) => lookUp(top, at));
  if (named.length > 0 || paths.every((at) => at.length > 0)) return named.map((one) => ({ ...one, loose: false }));
  return [{ value: top, parent: null, star: null, loose: true }];
}

function single(top: unknown, one: { readonly name: readonly string[] }, entry: unknown): [string, unknown] {
  return [text(lookUp(top, one.name)[0]?.value) ?? '1', entry];
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
}

function isLikeServer(entry: unknown, dialect: Dialect): boolean {
  return first(entry, [...dialect.command, ...dialect.url.map(([field]) => field)]) !== undefined;
}

function isNoServer(entry: unknown, dialect: Dialect): boolean {
  return Object.entries(dialect.noServer).some(([field, values]) => values.includes(text(own(entry, field)) ?? ''));
}

/** Absolute project folders that a client has recorded; null when the file can't be read. */
export function parseProjects(
  place: { format: Format; at: readonly string[]; also?: readonly (readonly string[])[] | undefined; take: 'keys' | 'values' },
  text: Uint8Array,
): string[] | null {
  const decoded = decode(place.format, text);
  if (!decoded.ok) return null;
  const places = [place.at, ...(place.also ?? [])].flatMap((at) => lookUp(decoded.value, at));
  const folders = places.flatMap(({ value }) => {
    if (typeof value === 'string') return place.take === 'values' ? [value] : [];
    if (Array.isArray(value)) return place.take === 'values' ? value : [];
    if (!isMap(value)) return [];
    return place.take === 'keys' ? Object.keys(value) : Object.values(value);
  });
  const plain = folders
    .map(folderOf)
    .filter((folder): folder is string => typeof folder === 'string' && folder.length < 4096 && !folder.includes('\0'));
  return [...new Set(plain.filter(isAbsolute))];
}

/** On any platform: a file may have been written on another one. */
function isAbsolute(folder: string): boolean {
  return path.posix.isAbsolute(folder) || /^(?:[A-Za-z]:[\\/]|\\\\)/.test(folder);
}

/** A `file://` address as the folder it means, a workspace's file as the folder it lies in; another machine's is none of ours. */
function folderOf(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[a-z][a-z0-9+.-]+:\/\//i.test(value)) return value;
  const named = /^file:\/\/(\/.*)$/is.exec(value)?.[1];
  if (named === undefined) return null;
  try {
    const posix = decodeURIComponent(named);
    const folder = /^\/[A-Za-z]:/.test(posix) ? posix.slice(1).replaceAll('/', '\\') : posix;
    return /\.code-workspace$/i.test(folder) ? folder.replace(/[/\\][^/\\]*$/, '') : folder;
  } catch {
    return null;
  }
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
  given: unknown,
  project: string | null,
  dialect: Dialect,
  on: (name: string) => boolean,
): ParsedServer | null {
  const entry = flat(given, dialect);
  if (entry === null) return null;
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
    // Where a client has the project's folder, a broken file may have anything.
    project: project === null || isAbsolute(project) ? project : blankText(project.slice(0, 300)),
    enabled: own(entry, 'disabled') !== true && !['enabled', 'isActive', 'active'].some((field) => own(entry, field) === false) && on(name),
    transport: remote ? (named && named !== 'stdio' ? named : (address?.means ?? byScheme(url))) : 'stdio',
    command: command ? blankLine(command) : null,
    args: command ? blankedArgs.args : [],
    url: remote ? url : null,
    secretNames: secretNames(values),
    autoApproved: autoApproved(entry, dialect),
    scopes: scopes(entry),
    launch: { cwd: cwd === null ? null : blankText(cwd), env: launchEnv(env), values },
  };
}

/** Some write the transport, or the command, as a map of its own: its fields are the entry's then. */
function flat(entry: unknown, { type, command }: Dialect): Record<string, unknown> | null {
  if (!isMap(entry)) return null;
  let whole = entry;
  for (const field of [...type, ...command]) {
    const inner = own(entry, field);
    // Zed called the program `path` in there.
    if (isMap(inner)) whole = { ...whole, [field]: own(inner, field) ?? own(inner, 'path') ?? null, ...without(inner, field) };
  }
  return whole;
}

function without(map: Record<string, unknown>, field: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => key !== field && key !== '__proto__'));
}

/** Names of tools only; anything else that a client may write there is left out. */
function autoApproved(entry: Record<string, unknown>, dialect: Dialect): readonly string[] | 'all' {
  const lists = dialect.autoApproved.map((field) => own(entry, field));
  const tools = own(entry, 'tools');
  const names = lists.flatMap((list) => (Array.isArray(list) ? strings(list) : []));
  // Codex names the way of each tool, and one for all.
  if (isMap(tools)) for (const [tool, how] of Object.entries(tools)) if (own(how, 'approval_mode') === 'approve') names.push(tool);
  if (names.includes('*') || lists.some((list) => list === true || list === '*')) return 'all';
  if (own(entry, 'default_tools_approval_mode') === 'approve') return 'all';
  if (own(entry, 'trust') === true) {
    const only = own(entry, 'includeTools');
    return Array.isArray(only) ? cleaned(strings(only)) : 'all';
  }
  return cleaned(names);
}

/** `oauth: {scopes}` of Gemini CLI and its like, `scopes` of Codex; a list, or one text with spaces. */
function scopes(entry: Record<string, unknown>): string[] {
  const asked = [own(own(entry, 'oauth'), 'scopes'), own(own(entry, 'oauth'), 'scope'), own(entry, 'scopes'), own(entry, 'oauth_scopes')];
  return cleaned(asked.flatMap((value) => strings(value).flatMap((one) => one.split(/[\s,]+/))).filter((one) => one !== ''));
}

function cleaned(names: readonly string[]): string[] {
  return [...new Set(names.slice(0, maximumArgs).map((name) => blankName(blankText(name.slice(0, 200)))))].sort();
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
