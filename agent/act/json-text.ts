/** Changes to the text of JSON, JSON with comments, and JSON5: one reader of where things stand, for JSON5 holds the other two. */
import type { Plain, Step, TextEditor } from './edit.ts';

type Node = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'map'; readonly children: readonly Child[] }
  | { readonly kind: 'list'; readonly children: readonly Child[] }
  | { readonly kind: 'value' }
);
/** A property with its key, or an item; `start` is the key's. */
type Child = { readonly key: Step; readonly start: number; readonly node: Node };
type Holder = Node & { readonly children: readonly Child[] };

export const jsonText: TextEditor = {
  set(text, at, key, value) {
    if (text.trim() === '' && at.length === 0) return JSON.stringify({ [key]: value }, null, 2) + lineEnd(text);
    const map = find(read(text), at);
    if (map?.kind !== 'map') return null;
    const child = map.children.findLast((one) => one.key === key);
    if (child) return splice(text, child.node.start, child.node.end, JSON.stringify(value));
    return insertFirst(text, map, (compact) => `${JSON.stringify(key)}:${compact ? '' : ' '}${JSON.stringify(value)}`);
  },
  add(text, at, value: Plain) {
    const list = find(read(text), at);
    return list?.kind === 'list' ? insertFirst(text, list, () => JSON.stringify(value)) : null;
  },
  remove(text, at) {
    const holder = find(read(text), at.slice(0, -1));
    if (!isHolder(holder)) return null;
    const index = holder.children.findLastIndex(({ key }) => key === at.at(-1));
    const child = holder.children[index];
    return child ? removeChild(text, holder, index, child) : null;
  },
};

function isHolder(node: Node | null | undefined): node is Holder {
  return node?.kind === 'map' || node?.kind === 'list';
}

function splice(text: string, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

function find(node: Node | null, at: readonly Step[]): Node | null {
  return at.reduce<Node | null>(
    (here, step) => (isHolder(here) ? (here.children.findLast(({ key }) => key === step)?.node ?? null) : null),
    node,
  );
}

const lineEnd = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');
/** From the beginning of its line. */
const lineBefore = (text: string, at: number) => text.slice(text.lastIndexOf('\n', at - 1) + 1, at);

/** Before the first child, so that no comma and no comment behind the last one matter. */
function insertFirst(text: string, holder: Holder, write: (compact: boolean) => string): string {
  const [first] = holder.children;
  if (first) {
    const before = lineBefore(text, first.start);
    const ownLine = before.trim() === '' && first.start - before.length > holder.start;
    const compact = !ownLine && !/\s/.test(text.slice(holder.start + 1, first.node.end));
    const between = ownLine ? lineEnd(text) + before : compact ? '' : ' ';
    return splice(text, first.start, first.start, `${write(compact)},${between}`);
  }
  const outer = /^[ \t]*/.exec(lineBefore(text, holder.start))?.[0] ?? '';
  const inside = text.slice(holder.start + 1, holder.end - 1);
  // Compact where the whole file is, and in a list that stands on one line.
  if (!text.trimEnd().includes('\n')) return splice(text, holder.start + 1, holder.start + 1, write(true));
  const unit = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  ';
  const close = inside.trim() === '' ? lineEnd(text) + outer : '';
  const end = inside.trim() === '' ? holder.end - 1 : holder.start + 1;
  return splice(text, holder.start + 1, end, lineEnd(text) + outer + unit + write(false) + close);
}

/** With its comma, or the one before it where it is the last; whole lines go where nothing else stands on them. */
function removeChild(text: string, holder: Holder, index: number, { start, node }: Child): string {
  const { end } = node;
  const next = holder.children[index + 1];
  const own = commaFrom(text, end, next ? next.start : holder.end - 1);
  const previous = holder.children[index - 1];
  const cuts: [number, number][] = [];
  if (own !== null) {
    const gap = text.slice(end, own).trim() === '';
    if (gap) cuts.push([start, own + 1]);
    else cuts.push([start, end], [own, own + 1]);
  } else {
    cuts.push([start, end]);
    const before = previous ? commaFrom(text, previous.node.end, start) : null;
    if (before !== null) cuts.push([before, before + 1]);
  }
  let result = text;
  for (const [from, to] of cuts.sort((a, b) => b[0] - a[0])) result = cut(result, from, to, from === start);
  return result;
}

function cut(text: string, from: number, to: number, whole: boolean): string {
  if (!whole) return splice(text, from, to, '');
  const before = lineBefore(text, from);
  const rest = /^[ \t]*(\r?\n)?/.exec(text.slice(to))?.[0] ?? '';
  if (before.trim() === '' && from - before.length > 0 && rest.endsWith('\n'))
    return splice(text, from - before.length, to + rest.length, '');
  const space = /^[ \t]*/.exec(rest)?.[0] ?? '';
  return splice(text, from, to + (space.length === rest.length ? space.length : 0), '');
}

/** Where the comma between two places is, past comments; null where there is none. */
function commaFrom(text: string, from: number, to: number): number | null {
  const at = skip(text, from);
  return at < to && text[at] === ',' ? at : null;
}

/** Past white space and comments. */
function skip(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && /[\s\ufeff]/.test(text[at] ?? '')) at++;
    if (text.startsWith('//', at)) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      at = end < 0 ? text.length : end + 2;
    } else return at;
  }
}

/** The text is known to be readable and not too deep; what this reads otherwise than a parser is found by comparing what was said. */
function read(text: string): Node {
  return readNode(text, skip(text, 0));
}

function readNode(text: string, start: number): Node {
  const open = text[start];
  if (open !== '{' && open !== '[') return { kind: 'value', start, end: endOfToken(text, start) };
  const kind = open === '{' ? 'map' : 'list';
  const close = open === '{' ? '}' : ']';
  const children: Child[] = [];
  let at = skip(text, start + 1);
  while (text[at] !== close) {
    if (at >= text.length) throw new Error('the text ends inside of a map or list');
    const from = at;
    let key: Step = children.length;
    if (kind === 'map') {
      const end = endOfToken(text, at);
      key = keyOf(text.slice(at, end));
      at = skip(text, end);
      if (text[at] !== ':') throw new Error('a key without a value');
      at = skip(text, at + 1);
    }
    const node = readNode(text, at);
    children.push({ key, start: from, node });
    at = skip(text, node.end);
    if (text[at] === ',') at = skip(text, at + 1);
    else if (text[at] !== close) throw new Error('neither a comma nor an end');
  }
  return { kind, start, end: at + 1, children };
}

function endOfToken(text: string, start: number): number {
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    let at = start;
    while (at < text.length && !/[\s,:{}[\]/"']/.test(text[at] ?? '')) at++;
    if (at === start) throw new Error('nothing where something must be');
    return at;
  }
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at + 1;
  }
  throw new Error('a text without an end');
}

/** A key of JSON5 in single quotes, or with an escape that JSON doesn't have, is read as far as JSON goes; what differs isn't found, or found out. */
function keyOf(token: string): string {
  if (token.startsWith('"')) return JSON.parse(token) as string;
  if (token.startsWith("'")) return JSON.parse(`"${token.slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`) as string;
  return token;
}
