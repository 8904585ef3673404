/**
 * A property list, XML or binary, → a value, for what macOS keeps as preferences. The observer of applications has a smaller reader of its own: it
 * reads hundreds of files and wants a few strings of each.
 */

/** Deeper, or with more values, than any list of preferences that a person has. */
const maximumDepth = 100;
const maximumValues = 200_000;

/** Dates become `Date`, data becomes null: no reader of ours has a use for bytes. Throws an `Error` without any content for what is no list. */
export function parsePlist(bytes: Uint8Array): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.subarray(0, 6).toString('latin1') === 'bplist' ? fromBinary(buffer) : fromXml(buffer.toString('utf8'));
}

const broken = () => new Error('not a property list');

type Open = { readonly kind: 'dict' | 'array'; readonly map: Record<string, unknown>; readonly list: unknown[]; key: string | null };

function fromXml(text: string): unknown {
  const stack: Open[] = [];
  let values = 0;
  let result: unknown;
  let done = false;
  const put = (value: unknown) => {
    if (++values > maximumValues) throw broken();
    const top = stack.at(-1);
    if (!top) {
      result = value;
      done = true;
    } else if (top.kind === 'array') top.list.push(value);
    else {
      if (top.key === null) throw broken();
      Object.defineProperty(top.map, top.key, { value, enumerable: true, configurable: true, writable: true });
      top.key = null;
    }
  };
  const tags = /<!--[\s\S]*?-->|<(\/?)(dict|array|key|string|integer|real|true|false|date|data)\s*(\/?)>/g;
  for (let tag = tags.exec(text); tag && !done; tag = tags.exec(text)) {
    const [, close, name, empty] = tag;
    if (name === undefined) continue;
    if (name === 'dict' || name === 'array') {
      if (close) {
        const top = stack.pop();
        if (top?.kind !== name) throw broken();
        put(top.kind === 'dict' ? top.map : top.list);
      } else if (empty) put(name === 'dict' ? {} : []);
      else {
        if (stack.length >= maximumDepth) throw broken();
        stack.push({ kind: name, map: {}, list: [], key: null });
      }
      continue;
    }
    if (close) continue;
    let inner = '';
    if (!empty) {
      const end = text.indexOf(`</${name}`, tags.lastIndex);
      if (end < 0) throw broken();
      inner = text.slice(tags.lastIndex, end);
      tags.lastIndex = end;
    }
    const top = stack.at(-1);
    if (name === 'key') {
      if (top?.kind !== 'dict') throw broken();
      top.key = unescaped(inner);
    } else if (name === 'string') put(unescaped(inner));
    else if (name === 'integer' || name === 'real') put(Number(inner.trim()));
    else if (name === 'date') put(new Date(inner.trim()));
    else put(name === 'data' ? null : name === 'true');
  }
  if (!done) throw broken();
  return result;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(
    /<!\[CDATA\[([\s\S]*?)\]\]>|&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g,
    (whole, raw, decimal, hexadecimal, name) => {
      if (raw !== undefined) return raw;
      if (name !== undefined) return entities[name] ?? whole;
      const point = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
      return point <= 0x10ffff ? String.fromCodePoint(point) : '';
    },
  );
}

/** Apple's `bplist00`: objects, then a table of their offsets, then a trailer of 32 bytes. Reading outside of the buffer throws, as it should. */
function fromBinary(bytes: Buffer): unknown {
  const trailer = bytes.length - 32;
  const offsetSize = bytes.readUInt8(trailer + 6);
  const referenceSize = bytes.readUInt8(trailer + 7);
  const table = Number(bytes.readBigUInt64BE(trailer + 24));
  const reference = (at: number) => bytes.readUIntBE(at, referenceSize);
  let values = 0;

  function read(object: number, depth: number): unknown {
    // Lists may hold each other, or one a thousand times: depth and count end both.
    if (depth > maximumDepth || ++values > maximumValues) throw broken();
    const at = bytes.readUIntBE(table + object * offsetSize, offsetSize);
    const marker = bytes.readUInt8(at);
    const kind = marker >> 4;
    if (kind === 0x0) return marker === 0x8 ? false : marker === 0x9 ? true : null;
    if (kind === 0x1) return integer(at + 1, 2 ** (marker & 0xf));
    if (kind === 0x2) return (marker & 0xf) === 2 ? bytes.readFloatBE(at + 1) : bytes.readDoubleBE(at + 1);
    if (kind === 0x3) return new Date((bytes.readDoubleBE(at + 1) + 978_307_200) * 1000);
    let count = marker & 0xf;
    let start = at + 1;
    if (count === 0xf) {
      const width = 2 ** (bytes.readUInt8(at + 1) & 0xf);
      count = integer(at + 2, width);
      start = at + 2 + width;
    }
    if (count > bytes.length) throw broken();
    if (kind === 0x5) return bytes.toString('latin1', start, start + count);
    if (kind === 0x6) {
      const copy = Buffer.from(bytes.subarray(start, start + count * 2));
      if (copy.length !== count * 2) throw broken();
      return copy.swap16().toString('utf16le');
    }
    if (kind === 0xa || kind === 0xc) {
      return Array.from({ length: count }, (_, index) => read(reference(start + index * referenceSize), depth + 1));
    }
    if (kind !== 0xd) return null;
    const map: Record<string, unknown> = {};
    for (let index = 0; index < count; index++) {
      const key = read(reference(start + index * referenceSize), depth + 1);
      const value = read(reference(start + (count + index) * referenceSize), depth + 1);
      if (typeof key === 'string') Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
    }
    return map;
  }

  function integer(at: number, width: number): number {
    if (width === 8) return Number(bytes.readBigInt64BE(at));
    if (width === 16) return Number(bytes.readBigInt64BE(at + 8));
    return bytes.readUIntBE(at, width);
  }

  return read(Number(bytes.readBigUInt64BE(trailer + 16)), 0);
}
