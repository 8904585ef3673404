/**
 * Finds a few members of one map in a large text of JSON, and leaves the rest as bytes. A browser's settings are megabytes of which some lines matter here: as
 * values they would cost forty times their size in memory where somebody has made them for that, and what isn't needed had better never be text.
 */

/**
 * The members of the map at the keys `at` whose key `wants` wants, each as the bytes of its value, which may be no JSON; `absent` where there is no
 * map; null where the text is broken on the way there. Of a key that is there twice the last counts. One pass for each step of `at`.
 */
export function membersAt(
  bytes: Buffer,
  at: readonly string[],
  wants: (key: string) => boolean,
): ReadonlyMap<string, Buffer> | 'absent' | null {
  try {
    let here = start(bytes);
    for (const key of at) {
      if (bytes[here] !== open) return here === start(bytes) ? null : 'absent';
      let found = -1;
      eachMember(bytes, here, (name, value) => {
        if (name === key) found = value;
      });
      if (found < 0) return 'absent';
      here = found;
    }
    if (bytes[here] !== open) return 'absent';
    const members = new Map<string, Buffer>();
    eachMember(bytes, here, (name, value, end) => {
      if (members.size < maximumMembers && wants(name)) members.set(name, bytes.subarray(value, end));
    });
    return members;
  } catch (error) {
    if (error instanceof Broken) return null;
    throw error;
  }
}

/** More of what is wanted than anybody has. */
const maximumMembers = 10_000;
const [open, close, quote, backslash, colon, comma] = [...Buffer.from('{}"\\:,')] as [number, number, number, number, number, number];
const [openList, closeList] = [...Buffer.from('[]')] as [number, number];

class Broken extends Error {}

function eachMember(bytes: Buffer, map: number, take: (name: string, value: number, end: number) => void): void {
  let at = space(bytes, map + 1);
  if (bytes[at] === close) return;
  for (;;) {
    if (bytes[at] !== quote) throw new Broken();
    const nameEnd = stringEnd(bytes, at);
    const name = nameOf(bytes, at, nameEnd);
    at = space(bytes, nameEnd);
    if (bytes[at] !== colon) throw new Broken();
    const value = space(bytes, at + 1);
    const end = valueEnd(bytes, value);
    take(name, value, end);
    at = space(bytes, end);
    if (bytes[at] === close) return;
    if (bytes[at] !== comma) throw new Broken();
    at = space(bytes, at + 1);
  }
}

/** Longer ones are no key that anybody asks for. */
function nameOf(bytes: Buffer, from: number, end: number): string {
  if (end - from > 300) return '';
  const plain = bytes.toString('utf8', from + 1, end - 1);
  if (!plain.includes('\\')) return plain;
  try {
    return String(JSON.parse(`"${plain}"`));
  } catch {
    throw new Broken();
  }
}

/** Where the value that begins here ends: brackets are counted, and whether they pair is left to whoever parses the value. */
function valueEnd(bytes: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < bytes.length; ) {
    const byte = bytes[at];
    if (byte === quote) {
      at = stringEnd(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (byte === open || byte === openList) depth++;
    else if (byte === close || byte === closeList) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && byte === comma) return at;
    at++;
  }
  throw new Broken();
}

function stringEnd(bytes: Buffer, from: number): number {
  for (let at = from; ; ) {
    at = bytes.indexOf(quote, at + 1);
    if (at < 0) throw new Broken();
    let slashes = 0;
    while (bytes[at - 1 - slashes] === backslash) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function space(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13); byte = bytes[at]) at++;
  return at;
}

/** After a mark of the byte order, which Windows' programs write. */
function start(bytes: Buffer): number {
  return space(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
}
