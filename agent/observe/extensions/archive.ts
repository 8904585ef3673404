/**
 * Reads one small file out of an archive (a plugin's `.jar`): its list of contents and that file, never more than a few megabytes of either.
 *
 * Written for this because a library for archives makes an object of each of the thousands of files in a jar, which took 6 ms a jar, and a whole scan has
 * 400 ms. Here the list is walked as bytes, forward only, and nothing but the one file is unpacked.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, inflateRawSync } from 'node:zlib';

/** `absent`: the archive has no such file, or there is no archive. `detail` is the reason, never content. */
export type Member = { state: 'read'; bytes: Buffer } | { state: 'absent' } | { state: 'refused'; detail: string };

/** The list of the largest plugin's contents is some megabytes. */
const maximumList = 8 * 1024 * 1024;
/** The record at the end, with the longest comment that may follow it. */
const maximumEnd = 22 + 0xffff;
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const signature = { end: 0x06054b50, entry: 0x02014b50, file: 0x04034b50 };

/** The file `name` in the archive at `path`, of at most `maximumBytes` when unpacked. Never throws, and never waits for another program. */
export function readMember(path: string, name: string, maximumBytes: number): Member {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, flags);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { state: 'refused', detail: 'it is no regular file' };
    return find(pieceReader(descriptor, stats.size), stats.size, Buffer.from(name), maximumBytes);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT') return { state: 'absent' };
    // A number in it leads out of it, or its bytes don't unpack.
    return { state: 'refused', detail: /^E[A-Z]+$/.test(code) ? code : 'it isn’t a whole archive' };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

type Pieces = (at: number, length: number) => Buffer;

/** Reads exactly what is asked for, or throws. */
function pieceReader(descriptor: number, size: number): Pieces {
  return (at, length) => {
    if (at < 0 || at + length > size) throw new RangeError('outside of the archive');
    const bytes = Buffer.allocUnsafe(length);
    if (readSync(descriptor, bytes, 0, length, at) !== length) throw new RangeError('the archive became shorter');
    return bytes;
  };
}

function find(piece: Pieces, size: number, name: Buffer, maximumBytes: number): Member {
  const tail = piece(Math.max(0, size - maximumEnd), Math.min(size, maximumEnd));
  const end = endOf(tail);
  const [listSize, listAt] = [tail.readUInt32LE(end + 12), tail.readUInt32LE(end + 16)];
  // All ones stand for the larger form, which an archive of a plugin doesn't need.
  if (listAt === 0xffffffff || listSize > maximumList) return { state: 'refused', detail: 'it is larger than a plugin’s archive' };
  const tailAt = size - tail.length;
  const list = listAt >= tailAt ? tail.subarray(listAt - tailAt, listAt - tailAt + listSize) : piece(listAt, listSize);
  if (list.length !== listSize) throw new RangeError('the list is cut');
  for (let at = 0; at < listSize; ) {
    if (list.readUInt32LE(at) !== signature.entry) throw new RangeError('no entry');
    const nameAt = at + 46;
    const nameLength = list.readUInt16LE(at + 28);
    if (nameLength === name.length && name.equals(list.subarray(nameAt, nameAt + nameLength))) {
      return unpack(piece, list.subarray(at, nameAt), maximumBytes);
    }
    at = nameAt + nameLength + list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
  }
  return { state: 'absent' };
}

/** Where the record at the end begins: the last place whose comment reaches exactly to the end. */
function endOf(tail: Buffer): number {
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail[at] === 0x50 && tail.readUInt32LE(at) === signature.end && at + 22 + tail.readUInt16LE(at + 20) === tail.length) return at;
  }
  throw new RangeError('no end');
}

function unpack(piece: Pieces, entry: Buffer, maximumBytes: number): Member {
  const [method, checksum, packed, unpacked] = [
    entry.readUInt16LE(10),
    entry.readUInt32LE(16),
    entry.readUInt32LE(20),
    entry.readUInt32LE(24),
  ];
  if (Math.max(packed, unpacked) > maximumBytes) {
    return { state: 'refused', detail: `what it says of itself is larger than ${maximumBytes} bytes` };
  }
  const at = entry.readUInt32LE(42);
  const head = piece(at, 30);
  if (head.readUInt32LE(0) !== signature.file || (entry.readUInt16LE(8) & 1) !== 0) throw new RangeError('no file');
  const raw = piece(at + 30 + head.readUInt16LE(26) + head.readUInt16LE(28), packed);
  if (method !== 0 && method !== 8) throw new RangeError('packed in another way');
  const bytes = method === 0 ? raw : inflateRawSync(raw, { maxOutputLength: Math.max(1, unpacked) });
  if (bytes.length !== unpacked || crc32(bytes) !== checksum) throw new RangeError('damaged');
  return { state: 'read', bytes };
}
