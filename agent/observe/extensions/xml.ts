/**
 * The few elements near the top of a manifest in XML that say what it is of, and nothing else of it. No document is built and no entity of the
 * file's own is ever expanded; every step goes forward.
 */

/** `depth` is 0 for the root. `text` is what stands before the first element inside. */
export type Element = {
  readonly name: string;
  readonly depth: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly text: string;
};

/** A manifest has its identity near its beginning; menus and actions follow, by the thousand. */
const maximumElements = 5000;
const maximumText = 500;

/** The elements down to `depth`, in their order. Never throws: what is broken ends the list. */
export function* elements(xml: string, depth: number): Generator<Element> {
  let level = 0;
  let at = 0;
  for (let count = 0; count < maximumElements; ) {
    const open = xml.indexOf('<', at);
    if (open < 0) return;
    const skipped = ended(xml, open);
    if (skipped !== null) {
      if (skipped < 0) return;
      at = skipped;
      continue;
    }
    const close = tagEnd(xml, open);
    if (close < 0) return;
    at = close + 1;
    if (xml[open + 1] === '/') {
      if (--level <= 0) return;
      continue;
    }
    count++;
    const empty = xml[close - 1] === '/';
    const tag = xml.slice(open + 1, Math.min(empty ? close - 1 : close, open + 4000));
    const name = /^[A-Za-z_][\w:.-]{0,100}/.exec(tag)?.[0];
    if (name === undefined) return;
    if (level <= depth) yield { name, depth: level, attributes: attributesOf(tag), text: empty ? '' : textAt(xml, at) };
    if (!empty) level++;
    else if (level === 0) return;
  }
}

/** Where a comment, an instruction, a declaration or quoted text that begins here ends; null for an element, -1 for none. */
function ended(xml: string, open: number): number | null {
  for (const [start, end] of [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ] as const) {
    if (!xml.startsWith(start, open)) continue;
    const at = xml.indexOf(end, open + start.length);
    return at < 0 ? -1 : at + end.length;
  }
  if (xml[open + 1] !== '!') return null;
  // A document type may hold declarations of its own, in brackets.
  const bracket = xml.indexOf('[', open);
  const close = xml.indexOf('>', open);
  if (bracket < 0 || close < bracket) return close < 0 ? -1 : close + 1;
  const end = /\]\s{0,100}>/g;
  end.lastIndex = bracket;
  return end.exec(xml) ? end.lastIndex : -1;
}

/** The `>` of a tag: one in a quoted attribute isn't it. */
function tagEnd(xml: string, open: number): number {
  let quote = '';
  for (let at = open + 1; at < xml.length; at++) {
    const char = xml[at] as string;
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return at;
  }
  return -1;
}

function attributesOf(tag: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', double, single] of tag.matchAll(
    /\s([A-Za-z_][\w:.-]{0,100})\s{0,20}=\s{0,20}(?:"([^"]{0,1000})"|'([^']{0,1000})')/g,
  )) {
    if (!found.has(name)) found.set(name, unescaped(double ?? single ?? ''));
  }
  return found;
}

function textAt(xml: string, at: number): string {
  const end = xml.indexOf('<', at);
  if (xml.startsWith('<![CDATA[', end)) {
    const close = xml.indexOf(']]>', end);
    if (close >= 0 && xml.slice(at, end).trim() === '') return xml.slice(end + 9, Math.min(close, end + 9 + maximumText)).trim();
  }
  return unescaped(xml.slice(at, Math.min(end < 0 ? xml.length : end, at + maximumText))).trim();
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}
