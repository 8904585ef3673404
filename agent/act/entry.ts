/** Where one MCP server stands in its client's files, how it is switched off there, and how it is switched on again. Reads, and writes nothing. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { McpFile } from '../config-rows.ts';
import { dialectOf } from '../mcp/dialects.ts';
import { parseServers } from '../mcp/parse.ts';
import { BLANK, blankText } from '../mcp/secrets.ts';
import { decode, type Format, isMap, own } from '../mcp/text.ts';
import type { Os } from '../observe/os.ts';
import { resolvePlace } from '../observe/paths.ts';
import { type Edit, type Plain, type Step, valueAt } from './edit.ts';

/** Where in a file, as far as it may be written down: names as they are shown. */
export type EntryPlace = {
  readonly client: string;
  readonly format: Format;
  readonly at: readonly string[];
  readonly also?: readonly (readonly string[])[] | undefined;
  readonly name: string;
  /** The project that the file itself names for the entry, as it is shown; null for none. */
  readonly project: string | null;
};

/** `key`: the entry says so itself; `list`: its name stands in a list of the client's; `removed`: the entry is out of the file. */
export type Way =
  | { readonly by: 'key'; readonly key: string; readonly value: boolean; readonly before: boolean | null }
  | { readonly by: 'list'; readonly at: readonly string[]; readonly from: 'top' | 'beside'; readonly made: boolean }
  /** A list of names in another file of the user's own; `<project>` among the keys is the project's folder. */
  | { readonly by: 'elsewhere'; readonly at: readonly string[]; readonly format: Format; readonly made: boolean }
  | { readonly by: 'removed' };

/** The file that changes, with links unresolved, and how. */
export type Target = { readonly path: string; readonly place: EntryPlace; readonly way: Way };
export type Show = (path: string) => string;
type Refused = { readonly ok: false; readonly why: string };

/** What is switched off, and where; or why Muster leaves it alone (ends a sentence about the file). Reads the catalog's words alone. */
export function targetOf(
  os: Os,
  file: McpFile,
  server: { name: string; project: string | null },
  show: Show,
): { ok: true; target: Target } | Refused {
  const { place } = file;
  const { scope, format, client, at, also } = place;
  const entry: EntryPlace = {
    client,
    format,
    at,
    ...(also ? { also } : {}),
    name: server.name,
    project: at.includes('*') ? server.project : null,
  };
  const elsewhere = ownList(os, file);
  if (elsewhere) {
    const project = file.project === null ? entry.project : show(file.project);
    return { ok: true, target: { path: elsewhere.path, place: { ...entry, project }, way: elsewhere.way } };
  }
  if (file.project !== null) return { ok: false, why: 'it lies in a project and is everybody’s who works on that' };
  if (scope === 'managed' || scope === 'system') return { ok: false, why: 'it belongs to the whole computer and its administrators' };
  if (scope === 'plugin') return { ok: false, why: 'it came with a plugin, whose next update would bring it back' };
  if (place.sqlite || format === 'plist') return { ok: false, why: 'it is in a format that Muster doesn’t write' };
  if (place.one) return { ok: false, why: 'the server is the whole of what the file says' };
  if (place.uncertain) return { ok: false, why: 'it is not certain that its tool reads it' };
  const { turnOff } = place;
  const way: Way =
    turnOff === undefined
      ? { by: 'removed' }
      : 'key' in turnOff
        ? { by: 'key', key: turnOff.key, value: turnOff.value, before: null }
        : { by: 'list', at: turnOff.list, from: turnOff.from, made: false };
  return { ok: true, target: { path: file.path, place: entry, way } };
}

/**
 * The user's own file in which the client lists what it leaves out of this one: the first that is there. Claude Code moves what stands in
 * `disabledMcpjsonServers` into the project, where no undo would reach it; its catalog entry names the list that stays where it is.
 */
function ownList(os: Os, file: McpFile): { path: string; way: Way & { by: 'elsewhere' } } | null {
  if (file.home === null) return null;
  for (const rule of file.place.switches ?? []) {
    const written = rule.path[os.platform] ?? '';
    if (rule.means !== 'list' || /^<project>/.test(written) || written.includes('*')) continue;
    const moved = rule.movedBy ? resolvePlace(rule.movedBy.path, os, file.home) : null;
    const at = moved !== null && existsSync(moved) ? moved : resolvePlace(written, os, file.home);
    if (at === null || !existsSync(at)) continue;
    return { path: path.resolve(at), way: { by: 'elsewhere', at: rule.at, format: rule.format, made: false } };
  }
  return null;
}

/** The edits that switch the entry off in these bytes, and the way as it will be remembered. `why` ends a sentence about the file. */
export function offEdits(
  { place, way }: Pick<Target, 'place' | 'way'>,
  bytes: Uint8Array,
  show: Show,
): { ok: true; edits: Edit[]; way: Way } | Refused {
  const decoded = decode(formatOf(place, way), bytes);
  if (!decoded.ok) return { ok: false, why: decoded.detail };
  if (way.by === 'elsewhere') {
    // A name that was blanked isn't the one that its tool knows.
    const keys = place.name.includes(BLANK) ? null : keysIn(decoded.value, way.at, place.project, show);
    const added = keys && addName(decoded.value, keys, place.name);
    return added ? { ok: true, edits: added.edits, way: { ...way, made: added.made } } : { ok: false, why: 'it has no place for that' };
  }
  const found = entriesNamed(decoded.value, place, show);
  const [entry, other] = found;
  if (!entry) return { ok: false, why: 'the entry is not in it any more' };
  if (other) return { ok: false, why: 'it has several entries of that name' };
  if (way.by === 'removed') return { ok: true, edits: [{ do: 'remove', at: entry.at }], way };
  if (way.by === 'key') {
    const value = valueAt(decoded.value, entry.at);
    if (!isMap(value)) return { ok: false, why: 'the entry is not written as usual' };
    const before = own(value, way.key);
    if (before !== undefined && typeof before !== 'boolean') return { ok: false, why: 'the entry is not written as usual' };
    return { ok: true, edits: [{ do: 'set', at: entry.at, key: way.key, value: way.value }], way: { ...way, before: before ?? null } };
  }
  const added = addName(decoded.value, listOf(way, entry.at), entry.name);
  return added ? { ok: true, edits: added.edits, way: { ...way, made: added.made } } : { ok: false, why: 'it has no place for that' };
}

/**
 * The edits that switch it on again in bytes that others have changed since; none where it is on. `before` is the file as it was, for an entry that
 * was taken out.
 */
export function onEdits(
  { place, way }: Pick<Target, 'place' | 'way'>,
  bytes: Uint8Array,
  before: Uint8Array | null,
  show: Show,
): { ok: true; edits: Edit[] } | Refused {
  const decoded = decode(formatOf(place, way), bytes);
  if (!decoded.ok) return { ok: false, why: decoded.detail };
  const { value } = decoded;
  if (way.by === 'elsewhere')
    return { ok: true, edits: dropName(value, keysIn(value, way.at, place.project, show) ?? [], place.name, way.made) };
  const [entry] = entriesNamed(value, place, show);
  if (way.by === 'key') {
    if (!entry || own(valueAt(value, entry.at), way.key) !== way.value) return { ok: true, edits: [] };
    if (way.before !== null) return { ok: true, edits: [{ do: 'set', at: entry.at, key: way.key, value: way.before }] };
    return { ok: true, edits: [{ do: 'remove', at: [...entry.at, way.key] }] };
  }
  if (way.by === 'list') {
    const holder = entry ? listOf(way, entry.at) : way.from === 'top' ? way.at : null;
    return { ok: true, edits: holder ? dropName(value, holder, entry?.name ?? place.name, way.made) : [] };
  }
  if (entry) return { ok: true, edits: [] };
  const was = before ? decode(place.format, before) : null;
  const [old] = was?.ok ? entriesNamed(was.value, place, show) : [];
  if (!was?.ok || !old) return { ok: false, why: 'the copy of what it was is gone' };
  const put = putBack(value, old.at, valueAt(was.value, old.at));
  return put ? { ok: true, edits: [put] } : { ok: false, why: 'the place where the entry stood is gone' };
}

/** Whether the bytes leave the entry out or switched off. Null where they can't be understood. */
export function isOff({ place, way }: Pick<Target, 'place' | 'way'>, bytes: Uint8Array, show: Show): boolean | null {
  if (way.by === 'elsewhere') {
    const decoded = decode(way.format, bytes);
    if (!decoded.ok) return null;
    const keys = keysIn(decoded.value, way.at, place.project, show);
    const list = keys && valueAt(decoded.value, keys);
    return Array.isArray(list) && list.includes(place.name);
  }
  const read = parseServers(place, bytes);
  if (!read.ok) return null;
  const same = read.servers.filter(
    ({ name, project }) => name === place.name && (place.project === null || (project !== null && show(project) === place.project)),
  );
  return !same.some(({ enabled }) => enabled);
}

const formatOf = (place: EntryPlace, way: Way): Format => (way.by === 'elsewhere' ? way.format : place.format);

/** Every entry of that name: as `parse.ts` finds them. `name` is as it is written. */
function entriesNamed(top: unknown, place: EntryPlace, show: Show): { at: Step[]; name: string }[] {
  const paths = [place.at, ...(place.also ?? [])];
  const expanded = paths.filter((keys) => keys.length > 0).flatMap((keys) => expand(top, keys, place.project, show));
  const holders = expanded.length > 0 || paths.every((keys) => keys.length > 0) ? expanded : [[]];
  const fields = dialectOf(place.client).name;
  return holders.flatMap((at) => {
    const servers = valueAt(top, at);
    const named: [Step, string][] = Array.isArray(servers)
      ? servers.map((entry, index) => [
          index,
          fields.map((field) => own(entry, field)).find((one) => typeof one === 'string') ?? String(index + 1),
        ])
      : Object.keys(isMap(servers) ? servers : {}).map((key) => [key, key]);
    return named.filter(([, name]) => blankText(name.slice(0, 300)) === place.name).map(([step, name]) => ({ at: [...at, step], name }));
  });
}

function expand(top: unknown, keys: readonly string[], project: string | null, show: Show): Step[][] {
  let found: Step[][] = [[]];
  for (const key of keys) {
    found = found.flatMap((at): Step[][] => {
      const here = valueAt(top, at);
      if (key !== '*') return own(here, key) === undefined ? [] : [[...at, key]];
      const steps: Step[] = Array.isArray(here) ? here.map((_, index) => index) : isMap(here) ? Object.keys(here) : [];
      return steps.filter((step) => project === null || show(String(step)) === project).map((step) => [...at, step]);
    });
  }
  return found;
}

/** A project's folder is written down as it is shown, and stands in the file in full; null where the file doesn't know it. */
function keysIn(top: unknown, keys: readonly string[], project: string | null, show: Show): string[] | null {
  const found: string[] = [];
  for (const key of keys) {
    const here = valueAt(top, found);
    const written = key !== '<project>' ? key : isMap(here) ? Object.keys(here).find((one) => show(one) === project) : undefined;
    if (written === undefined) return null;
    found.push(written);
  }
  return found;
}

const listOf = (way: Way & { by: 'list' }, entry: readonly Step[]): Step[] =>
  way.from === 'top' ? [...way.at] : [...entry.slice(0, -2), ...way.at];

/** `made`: the list wasn't there. */
function addName(top: unknown, at: readonly Step[], name: string): { edits: Edit[]; made: boolean } | null {
  const list = valueAt(top, at);
  if (Array.isArray(list)) return { edits: list.includes(name) ? [] : [{ do: 'add', at, value: name }], made: false };
  if (list !== undefined) return null;
  const depth = at.findIndex((_, index) => valueAt(top, at.slice(0, index + 1)) === undefined);
  const [key, ...inner] = at.slice(depth);
  const holder = valueAt(top, at.slice(0, depth));
  if (typeof key !== 'string' || !(isMap(holder) || (depth === 0 && holder === null))) return null;
  const value = inner.reduceRight<Plain>((made, step) => ({ [String(step)]: made }), [name]);
  return { edits: [{ do: 'set', at: at.slice(0, depth), key, value }], made: true };
}

function dropName(top: unknown, at: readonly Step[], name: string, made: boolean): Edit[] {
  const list = valueAt(top, at);
  const index = Array.isArray(list) ? list.indexOf(name) : -1;
  if (!Array.isArray(list) || index < 0) return [];
  return [{ do: 'remove', at: made && list.length === 1 ? at : [...at, index] }];
}

function putBack(top: unknown, at: readonly Step[], value: unknown): Edit | null {
  const [holder, last] = [valueAt(top, at.slice(0, -1)), at.at(-1)];
  const plain = value as Extract<Edit, { do: 'set' }>['value'];
  if (Array.isArray(holder)) return { do: 'add', at: at.slice(0, -1), value: plain };
  if (isMap(holder)) return { do: 'set', at: at.slice(0, -1), key: String(last), value: plain };
  // The map went with its last entry.
  const above = at.slice(0, -2);
  const key = at.at(-2);
  if (holder !== undefined || typeof key !== 'string' || !isMap(valueAt(top, above)) || typeof last !== 'string') return null;
  return { do: 'set', at: above, key, value: { [last]: plain } };
}

/** What differs, in words: names and the switch, never what else the entry says. */
export function previewOf({ place, way }: Pick<Target, 'place' | 'way'>): { before: string[]; after: string[] } {
  const { name } = place;
  if (way.by === 'removed') return { before: [name], after: [] };
  if (way.by === 'key')
    return { before: way.before === null ? [name] : [name, `  ${way.key}: ${way.before}`], after: [name, `  ${way.key}: ${way.value}`] };
  const keys = way.at.map((key) => (key === '<project>' ? (place.project ?? key) : key));
  return { before: [], after: [`${keys.join(' → ')}: ${name}`] };
}
