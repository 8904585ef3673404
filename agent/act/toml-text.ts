/** Changes to the text of TOML: statements with their full paths, found by a small reader of its outer form. */
import { stringify } from 'smol-toml';
import type { Plain, Step, TextEditor } from './edit.ts';

/** A header or a `key = value`; `start` to `end` are whole lines. */
type Statement = {
  readonly kind: 'table' | 'item' | 'value';
  readonly path: readonly Step[];
  readonly start: number;
  readonly end: number;
  /** Of the value. */
  readonly from: number;
  readonly to: number;
};

export const tomlText: TextEditor = {
  set(text, at, key, value) {
    const all = read(text);
    const end = lineEnd(text);
    const known = all.find(({ kind, path }) => kind === 'value' && isSame(path, [...at, key]));
    if (known) return isSimple(value) ? splice(text, known.from, known.to, literal(value)) : null;
    if (isSimple(value)) {
      const line = `${word(key)} = ${literal(value)}`;
      const header = all.find(({ kind, path }) => kind !== 'value' && isSame(path, at));
      if (header) {
        const lead = leadOf(text, all[all.indexOf(header) + 1], header);
        const broken = text.slice(header.start, header.end).endsWith('\n') ? '' : end;
        return splice(text, header.end, header.end, `${broken}${lead}${line}${end}`);
      }
      const inline = all.find(({ kind, path }) => kind === 'value' && isSame(path, at));
      if (inline) {
        if (text[inline.from] !== '{') return null;
        const isEmpty = text.slice(inline.from + 1, inline.to - 1).trim() === '';
        return splice(text, inline.from + 1, inline.from + 1, ` ${line}${isEmpty ? ' ' : ','}`);
      }
      const below = all.find(({ path }) => startsWith(path, at));
      if (below) {
        // Only its own tables are there, or keys with dots: a table may be named after those below it.
        if (below.kind === 'table' && at.every((step) => typeof step === 'string')) {
          return splice(text, below.start, below.start, `[${at.map(word).join('.')}]${end}${line}${end}${end}`);
        }
        return below.kind === 'value' ? splice(text, below.start, below.start, dotted(text, below, at, line) + end) : null;
      }
    }
    if (!at.every((step) => typeof step === 'string')) return null;
    const nested = [...at].reverse().reduce<Plain>((inner, step) => ({ [step]: inner }), { [key]: value });
    const gap = text === '' || /\n\r?\n$/.test(text) ? '' : text.endsWith('\n') ? end : end + end;
    return (
      text +
      gap +
      stringify(nested as Record<string, unknown>)
        .trimEnd()
        .replaceAll('\n', end) +
      end
    );
  },
  add(text, at, value) {
    const list = read(text).find(({ kind, path }) => kind === 'value' && isSame(path, at));
    if (!list || text[list.from] !== '[' || !isSimple(value)) return null;
    const isEmpty = text.slice(list.from + 1, list.to - 1).trim() === '';
    return splice(text, list.from + 1, list.from + 1, `${literal(value)}${isEmpty ? '' : ', '}`);
  },
  remove(text, at) {
    const gone = read(text).filter(({ path }) => startsWith(path, at));
    if (gone.length === 0) return removeItem(text, at);
    return gone.reduceRight((rest, { start, end }) => splice(rest, start, end, ''), text);
  },
};

/** One text out of a list on one line. */
function removeItem(text: string, at: readonly Step[]): string | null {
  const list = read(text).find(({ kind, path }) => kind === 'value' && isSame(path, at.slice(0, -1)));
  const index = at.at(-1);
  if (!list || text[list.from] !== '[' || typeof index !== 'number') return null;
  const items: [number, number][] = [];
  let from = skipSpace(text, list.from + 1);
  while (from < list.to - 1) {
    const to = endOfValue(text, from, ',]');
    items.push([from, from + text.slice(from, to).trimEnd().length]);
    if (text[to] !== ',') break;
    from = skipSpace(text, to + 1);
  }
  const item = items[index];
  if (!item) return null;
  const next = items[index + 1];
  const previous = items[index - 1];
  if (next) return splice(text, item[0], next[0], '');
  return previous ? splice(text, previous[1], item[1], '') : splice(text, item[0], item[1], '');
}

const splice = (text: string, start: number, end: number, by: string) => text.slice(0, start) + by + text.slice(end);
const lineEnd = (text: string) => (text.includes('\r\n') ? '\r\n' : '\n');
const isSimple = (value: Plain): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);
const literal = (value: string | number | boolean) => stringify({ v: value }).trim().slice(4);
const word = (key: Step) => (/^[A-Za-z0-9_-]+$/.test(String(key)) ? String(key) : literal(String(key)));
const startsWith = (path: readonly Step[], at: readonly Step[]) => at.every((step, index) => path[index] === step);
const isSame = (path: readonly Step[], at: readonly Step[]) => path.length === at.length && startsWith(path, at);

/** As far in as the first key below the header stands. */
function leadOf(text: string, next: Statement | undefined, header: Statement): string {
  const line = next?.kind === 'value' ? next : header;
  return /^[ \t]*/.exec(text.slice(line.start, line.end))?.[0] ?? '';
}

/** `a.b.command = …` says where it stands by itself; so does the new key before it. */
function dotted(text: string, below: Statement, at: readonly Step[], line: string): string {
  const written = keys(text, skipBlank(text, below.start));
  const inside = below.path.length - written.path.length;
  const lead = at.slice(inside).map(word);
  return `${leadOf(text, below, below)}${[...lead, line].join('.')}`;
}

/** Throws for what it doesn't know. */
function read(text: string): Statement[] {
  const found: Statement[] = [];
  const lists = new Map<string, number>();
  let table: readonly Step[] = [];
  let at = 0;
  /** With the number of the item, where a header leads through a list of tables. */
  const numbered = (path: readonly Step[]): Step[] => {
    const full: Step[] = [];
    for (const step of path) {
      full.push(step);
      const count = lists.get(JSON.stringify(full));
      if (count !== undefined) full.push(count - 1);
    }
    return full;
  };
  while (at < text.length) {
    const start = at;
    const first = skipBlank(text, at);
    if (first >= text.length || text[first] === '\n' || text[first] === '\r' || text[first] === '#') {
      at = nextLine(text, first);
      continue;
    }
    if (text[first] === '[') {
      const isItem = text[first + 1] === '[';
      const { path, end } = keys(text, skipBlank(text, first + (isItem ? 2 : 1)));
      const close = isItem ? ']]' : ']';
      if (!text.startsWith(close, end)) throw new Error('a header without an end');
      if (isItem) {
        const holder = numbered(path.slice(0, -1));
        const key = JSON.stringify([...holder, path.at(-1)]);
        const count = lists.get(key) ?? 0;
        lists.set(key, count + 1);
        table = [...holder, path.at(-1) ?? '', count];
      } else table = numbered(path);
      at = restOfLine(text, end + close.length);
      found.push({ kind: isItem ? 'item' : 'table', path: table, start, end: at, from: first, to: end });
      continue;
    }
    const { path, end } = keys(text, first);
    if (text[end] !== '=') throw new Error('a key without a value');
    const from = skipBlank(text, end + 1);
    const to = endOfValue(text, from, '');
    const value = from + text.slice(from, to).trimEnd().length;
    at = restOfLine(text, to);
    found.push({ kind: 'value', path: [...table, ...path], start, end: at, from, to: value });
  }
  return found;
}

const skipBlank = (text: string, from: number) => {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
};

/** White space, line ends and comments inside of a list. */
function skipSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    while (at < text.length && /\s/.test(text[at] ?? '')) at++;
    if (text[at] !== '#') return at;
    at = nextLine(text, at);
  }
}

function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

function restOfLine(text: string, from: number): number {
  const rest = text.slice(from, nextLine(text, from));
  if (!/^[ \t]*(#[^\n]*)?\r?\n?$/.test(rest)) throw new Error('something behind a statement');
  return from + rest.length;
}

/** `a."b c".'d'`, up to what follows it. */
function keys(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = from;
  for (;;) {
    const quote = text[at];
    if (quote === '"' || quote === "'") {
      const end = endOfString(text, at);
      path.push(quote === '"' ? unescaped(text.slice(at, end)) : text.slice(at + 1, end - 1));
      at = end;
    } else {
      const bare = /^[A-Za-z0-9_-]+/.exec(text.slice(at, at + 300))?.[0];
      if (bare === undefined) throw new Error('no key');
      path.push(bare);
      at += bare.length;
    }
    at = skipBlank(text, at);
    if (text[at] !== '.') return { path, end: at };
    at = skipBlank(text, at + 1);
  }
}

function unescaped(token: string): string {
  // `\U0001F600` and `\e` are TOML's own.
  return JSON.parse(
    token.replaceAll(/\\U([0-9A-Fa-f]{8})/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16))),
  ) as string;
}

function endOfString(text: string, from: number): number {
  const quote = text[from] ?? '';
  const long = quote.repeat(3);
  const isLong = text.startsWith(long, from);
  const close = isLong ? long : quote;
  for (let at = from + close.length; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text.startsWith(close, at)) {
      let end = at + close.length;
      // A long one may end with two quotes of its own before the three.
      while (isLong && text[end] === quote) end++;
      return end;
    } else if (!isLong && text[at] === '\n') break;
  }
  throw new Error('a text without an end');
}

/** Up to a line's end outside of every bracket, a comment, or one of `stops`. */
function endOfValue(text: string, from: number, stops: string): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === '"' || char === "'") {
      at = endOfString(text, at);
      continue;
    }
    if (char === '#') {
      if (depth === 0) return at;
      at = nextLine(text, at);
      continue;
    }
    if (depth === 0 && (char === '\n' || stops.includes(char))) return at;
    if (char === '[' || char === '{') depth++;
    if (char === ']' || char === '}') depth--;
    at++;
  }
  return at;
}
