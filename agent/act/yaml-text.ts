/** Changes to the text of YAML, by where the library says that each thing stands; what is written in an unusual way is left alone. */
import { createRequire } from 'node:module';
import type { Document, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import type { Step, TextEditor } from './edit.ts';

type Library = typeof import('yaml');
let library: Library | undefined;

/** Loaded when it is first needed; the bundler sees the first form, Node the second. */
function load(): Library {
  library ??= (typeof require === 'function' ? require('yaml') : createRequire(import.meta.url)('yaml')) as Library;
  return library;
}

export const yamlText: TextEditor = {
  set(text, at, key, value) {
    const document = read(text);
    const found = nodeAt(document, at);
    const line = `${word(key)}: ${JSON.stringify(value)}`;
    if (found === null && at.length === 0) return text + (text === '' || text.endsWith('\n') ? '' : lineEnd(text)) + line + lineEnd(text);
    if (!load().isMap(found)) return null;
    const pair = pairOf(found, key);
    if (pair) {
      const node = pair.value as Node | null;
      if (!load().isScalar(node) || !node.range || node.anchor) return null;
      return splice(text, node.range[0], node.range[1], JSON.stringify(value));
    }
    return insertFirst(text, found, line);
  },
  add(text, at, value) {
    const found = nodeAt(read(text), at);
    return load().isSeq(found) ? insertFirst(text, found, JSON.stringify(value)) : null;
  },
  remove(text, at) {
    const document = read(text);
    const holder = nodeAt(document, at.slice(0, -1));
    const last = at.at(-1);
    if (load().isMap(holder) && typeof last === 'string') {
      const pair = pairOf(holder, last);
      const key = pair?.key as Node | undefined;
      if (!pair || !key?.range) return null;
      const end = endOf(pair) ?? key.range[1];
      return removeLines(text, document, holder, at, lineStart(text, key.range[0]), key.range[0], end);
    }
    if (load().isSeq(holder) && typeof last === 'number') {
      const item = holder.items[last] as Node | undefined;
      if (!item?.range) return null;
      const start = lineStart(text, item.range[0]);
      // The item stands behind its dash.
      const dash = /^\s*-[ \t]+$/.exec(text.slice(start, item.range[0]));
      return dash ? removeLines(text, document, holder, at, start, start + dash[0].indexOf('-'), endOf(item) ?? item.range[1]) : null;
    }
    return null;
  },
};

const splice = (text: string, start: number, end: number, by: string) => text.slice(0, start) + by + text.slice(end);
const lineEnd = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');
const lineStart = (text: string, at: number) => text.lastIndexOf('\n', at - 1) + 1;
const word = (key: string) =>
  /^[A-Za-z_][\w-]*$/.test(key) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(key) ? key : JSON.stringify(key);

function read(text: string): Document.Parsed {
  return load().parseDocument(text, { uniqueKeys: false, merge: true, logLevel: 'silent' });
}

function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.findLast((pair) => {
    const node = pair.key;
    return load().isScalar(node) && String(node.value) === key;
  });
}

/** Null where nothing is, or what an alias stands for. */
function nodeAt(document: Document.Parsed, at: readonly Step[]): unknown {
  return at.reduce<unknown>((here, step) => {
    if (load().isMap(here)) return pairOf(here, String(step))?.value ?? null;
    return load().isSeq(here) && typeof step === 'number' ? (here.items[step] ?? null) : null;
  }, document.contents);
}

/** The end of the last thing in it that is written. */
function endOf(value: unknown): number | null {
  const { isMap, isSeq, isPair, isNode } = load();
  if (isPair(value)) return endOf(value.value) ?? endOf(value.key);
  if ((isMap(value) || isSeq(value)) && !value.flow) {
    return Math.max(...(value.items as unknown[]).map((item) => endOf(item) ?? 0), value.range?.[0] ?? 0) || null;
  }
  return isNode(value) ? (value.range?.[1] ?? null) : null;
}

function insertFirst(text: string, holder: YAMLMap | YAMLSeq, written: string): string | null {
  if (!holder.range) return null;
  const [start] = holder.range;
  if (holder.flow) {
    const isEmpty = holder.items.length === 0;
    return splice(text, start + 1, start + 1, isEmpty ? written : `${written}, `);
  }
  const [first] = holder.items as (Pair | Node)[];
  const at = load().isPair(first) ? ((first.key as Node).range?.[0] ?? null) : (first?.range?.[0] ?? null);
  if (at === null) return null;
  const before = text.slice(lineStart(text, at), at);
  if (load().isMap(holder)) {
    // Behind the dash of a list the keys stand as far in as the first.
    if (!/^[ \t]*(-[ \t]+)*$/.test(before)) return null;
    return splice(text, at, at, written + lineEnd(text) + before.replaceAll('-', ' '));
  }
  return /^[ \t]*-[ \t]+$/.test(before) ? splice(text, at, at, written + lineEnd(text) + before) : null;
}

/** Whole lines from `start` on; `from` is where the thing itself begins. What was the last of its kind leaves an empty map or list. */
function removeLines(
  text: string,
  document: Document.Parsed,
  holder: YAMLMap | YAMLSeq,
  at: readonly Step[],
  start: number,
  from: number,
  end: number,
): string | null {
  if (holder.flow || text.slice(start, from).trim() !== '') return null;
  const newline = text[end - 1] === '\n' ? end : text.indexOf('\n', end) + 1;
  const stop = newline <= 0 ? text.length : newline;
  if (!/^[ \t]*(#[^\n]*)?\r?\n?$/.test(text.slice(Math.min(end, stop), stop))) return null;
  const rest = splice(text, start, stop, '');
  if (holder.items.length > 1) return rest;
  const empty = load().isMap(holder) ? '{}' : '[]';
  const above = nodeAt(document, at.slice(0, -2));
  if (at.length < 2) return `${rest}${empty}${lineEnd(text)}`;
  const key = load().isMap(above) ? (pairOf(above, String(at.at(-2)))?.key as Node | undefined) : undefined;
  const colon = key?.range ? text.indexOf(':', key.range[1]) : -1;
  return colon < 0 || colon >= start ? null : splice(rest, colon + 1, colon + 1, ` ${empty}`);
}
