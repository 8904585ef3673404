/**
 * Strings of the outermost dictionary of a property list, XML or binary, and nothing else of it.
 *
 * Written for this because a whole XML parser costs 4 ms a file and 50 ms to load (a Mac has some hundred applications, and the whole scan
 * 400 ms), and because a binary list whose arrays hold each other makes a general reader run for ever; here every step goes forward.
 */

/** The values of the `wanted` keys that are strings; empty where the file is none that can be understood. Never throws. */
export function plistStrings(bytes: Buffer, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  if (bytes.subarray(0, 6).toString('latin1') === 'bplist') return fromBinary(bytes, wanted);
  return fromXml(bytes.toString('utf8'), wanted);
}

function fromXml(text: string, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let depth = 0;
  let key: string | null = null;
  let at = 0;
  for (;;) {
    const open = text.indexOf('<', at);
    if (open < 0) return found;
    if (text.startsWith('<!--', open)) {
      const end = text.indexOf('-->', open + 4);
      if (end < 0) return found;
      at = end + 3;
      continue;
    }
    const close = text.indexOf('>', open);
    if (close < 0) return found;
    at = close + 1;
    const tag = /^\/?[a-z]+/.exec(text.slice(open + 1, Math.min(close, open + 12)))?.[0];
    const empty = text[close - 1] === '/';
    if (tag === 'dict' || tag === 'array') {
      if (!empty) depth++;
      key = null;
    } else if (tag === '/dict' || tag === '/array') {
      // The outermost dictionary has ended, and what may follow it is not of it.
      if (--depth <= 0) return found;
    } else if (depth === 1 && !empty && (tag === 'key' || tag === 'string')) {
      const end = text.indexOf('</', at);
      if (end < 0) return found;
      const value = unescaped(text.slice(at, Math.min(end, at + 2000)));
      at = end;
      if (tag === 'key') key = wanted.has(value) ? value : null;
      else if (key !== null && !found.has(key)) found.set(key, value);
    }
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, decimal, hexadecimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : '';
  });
}

/** Apple's `bplist00`: objects, then a table of their offsets, then a trailer of 32 bytes that says where the table is. */
function fromBinary(bytes: Buffer, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  try {
    const trailer = bytes.length - 32;
    const offsetSize = bytes.readUInt8(trailer + 6);
    const referenceSize = bytes.readUInt8(trailer + 7);
    const table = Number(bytes.readBigUInt64BE(trailer + 24));
    const offsetOf = (object: number) => bytes.readUIntBE(table + object * offsetSize, offsetSize);
    const top = sized(bytes, offsetOf(Number(bytes.readBigUInt64BE(trailer + 16))));
    if (top.kind !== dictionary) return found;
    for (let index = 0; index < Math.min(top.count, maxKeys) && found.size < wanted.size; index++) {
      const reference = (of: number) => offsetOf(bytes.readUIntBE(top.start + of * referenceSize, referenceSize));
      const key = stringAt(bytes, reference(index));
      if (key === null || !wanted.has(key) || found.has(key)) continue;
      const value = stringAt(bytes, reference(top.count + index));
      if (value !== null) found.set(key, value);
    }
  } catch {
    // A Buffer refuses to be read outside of itself: the file is cut or damaged, and what was read before stands.
  }
  return found;
}

/** No bundle's list has nearly as many; a damaged count could ask for a billion. */
const maxKeys = 10_000;

const ascii = 0x5;
const utf16 = 0x6;
const dictionary = 0xd;

/** An object's marker: what it is, how many of them, and where they start. A count of 15 stands for a whole number that follows. */
function sized(bytes: Buffer, at: number): { kind: number; count: number; start: number } {
  const marker = bytes.readUInt8(at);
  const count = marker & 0xf;
  if (count !== 0xf) return { kind: marker >> 4, count, start: at + 1 };
  const width = 2 ** (bytes.readUInt8(at + 1) & 0xf);
  return { kind: marker >> 4, count: bytes.readUIntBE(at + 2, width), start: at + 2 + width };
}

function stringAt(bytes: Buffer, at: number): string | null {
  const { kind, count, start } = sized(bytes, at);
  const length = Math.min(count, 2000);
  if (kind === ascii) return bytes.toString('latin1', start, start + length);
  if (kind === utf16)
    return Buffer.from(bytes.subarray(start, start + length * 2))
      .swap16()
      .toString('utf16le');
  return null;
}
