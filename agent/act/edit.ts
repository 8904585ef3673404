/**
 * One small change to the text of a config file, proven: what comes out says the same as before but for that change. The texts are worked on by one
 * file a format; whatever they get wrong is found here, by reading both, and is refused.
 */
import { isDeepStrictEqual } from 'node:util';
import { decode, type Format, isMap, own } from '../mcp/text.ts';
import { jsonText } from './json-text.ts';
import { tomlText } from './toml-text.ts';
import { yamlText } from './yaml-text.ts';

/** A key of a map, or the number of an item in a list. */
export type Step = string | number;
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

export type Edit =
  /** Gives the map at `at` the key, or another value for it. */
  | { readonly do: 'set'; readonly at: readonly Step[]; readonly key: string; readonly value: Plain }
  /** Takes a key out of its map, or an item out of its list. */
  | { readonly do: 'remove'; readonly at: readonly Step[] }
  /** Gives the list at `at` one more item: the first, because nothing before it must be understood for that. */
  | { readonly do: 'add'; readonly at: readonly Step[]; readonly value: Plain };

/** Each answers with the new text, or null where it can't do that here. `text` has no byte order mark. May throw: that is null too. */
export type TextEditor = {
  set(text: string, at: readonly Step[], key: string, value: Plain): string | null;
  remove(text: string, at: readonly Step[]): string | null;
  add(text: string, at: readonly Step[], value: Plain): string | null;
};

const EDITORS: Partial<Record<Format, TextEditor>> = {
  json: jsonText,
  jsonc: jsonText,
  json5: jsonText,
  toml: tomlText,
  yaml: yamlText,
};

export type Edited = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly why: string };

/**
 * The bytes with the edits made, one after another; comments, order, indentation, line ends and a byte order mark stay. `why` ends a sentence about
 * the file, and quotes nothing of it. Never throws.
 */
export function edited(format: Format, bytes: Uint8Array, edits: readonly Edit[]): Edited {
  const editor = EDITORS[format];
  if (!editor) return { ok: false, why: 'it is in a format that Muster doesn’t write' };
  const before = decode(format, bytes);
  if (!before.ok) return { ok: false, why: before.detail };
  let text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  text = text.slice(mark.length);
  let wanted: unknown = before.value;
  for (const edit of edits) {
    const next = tried(() => changedText(editor, text, edit));
    if (next === null) return { ok: false, why: UNUSUAL };
    text = next;
    wanted = changedValue(wanted, edit);
  }
  const result = Buffer.from(mark + text);
  const after = decode(format, result);
  if (!after.ok || wanted === undefined || !isSame(format, after.value, wanted)) return { ok: false, why: UNUSUAL };
  return { ok: true, bytes: result };
}

const UNUSUAL = 'it is written in a way that Muster can’t change with certainty';

function tried<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

function changedText(editor: TextEditor, text: string, edit: Edit): string | null {
  if (edit.do === 'set') return editor.set(text, edit.at, edit.key, edit.value);
  return edit.do === 'remove' ? editor.remove(text, edit.at) : editor.add(text, edit.at, edit.value);
}

/** The same change to what the text says; undefined where there is no such place. Changes nothing that it is given. */
export function changedValue(value: unknown, edit: Edit): unknown {
  if (edit.do === 'set') {
    return within(value ?? {}, edit.at, (map) => (isMap(map) ? withKey(map, edit.key, edit.value) : undefined));
  }
  if (edit.do === 'add') return within(value, edit.at, (list) => (Array.isArray(list) ? [edit.value, ...list] : undefined));
  const last = edit.at.at(-1);
  return within(value, edit.at.slice(0, -1), (holder) => {
    if (Array.isArray(holder)) return typeof last === 'number' && last in holder ? holder.toSpliced(last, 1) : undefined;
    if (!isMap(holder) || typeof last !== 'string' || !Object.hasOwn(holder, last)) return undefined;
    return entries(Object.entries(holder).filter(([key]) => key !== last));
  });
}

function within(value: unknown, at: readonly Step[], change: (found: unknown) => unknown): unknown {
  const [step, ...rest] = at;
  if (step === undefined) return change(value);
  const inner = valueAt(value, [step]);
  if (inner === undefined) return undefined;
  const made = within(inner, rest, change);
  if (made === undefined) return undefined;
  return Array.isArray(value) ? value.with(Number(step), made) : withKey(value as Record<string, unknown>, String(step), made);
}

/** Where the steps lead; undefined where they lead nowhere. */
export function valueAt(value: unknown, at: readonly Step[]): unknown {
  return at.reduce<unknown>(
    (here, step) => (typeof step === 'number' ? (Array.isArray(here) ? here[step] : undefined) : own(here, step)),
    value,
  );
}

/** A key may be called `__proto__`. */
function entries(pairs: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(pairs);
}

function withKey(map: Record<string, unknown>, key: string, value: unknown): Record<string, unknown> {
  const known = Object.hasOwn(map, key);
  return entries(known ? Object.entries(map).map(([k, v]) => [k, k === key ? value : v]) : [...Object.entries(map), [key, value]]);
}

/** As two readings are compared. In TOML a table or list that has become empty isn't written any more. */
function isSame(format: Format, a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(bare(a, format === 'toml'), bare(b, format === 'toml'));
}

function bare(value: unknown, dropEmpty: boolean): unknown {
  if (Array.isArray(value)) return value.map((inner) => bare(inner, dropEmpty));
  if (!isMap(value)) return value;
  const kept = Object.entries(value).map(([key, inner]) => [key, bare(inner, dropEmpty)] as const);
  return entries(dropEmpty ? kept.filter(([, inner]) => !isEmpty(inner)) : kept);
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}
