/** Reads one small file out of an archive (a plugin's `.jar`): its list of contents and that file, never more than a few megabytes of either. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl';

/** `absent`: the archive has no such file. `refused` is the reason, never content. */
export type Member = { state: 'read'; bytes: Buffer } | { state: 'absent' } | { state: 'refused'; detail: string };

/** The list of a large plugin's contents is some hundred kilobytes. */
const maximumEntries = 50_000;
const maximumListed = 8 * 1024 * 1024;
const pieceSize = 64 * 1024;
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** The file `name` in the archive `file`, of at most `maximumBytes` when unpacked. Never rejects, and never waits for another program. */
export async function readMember(file: string, name: string, maximumBytes: number): Promise<Member> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, flags);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { state: 'refused', detail: 'it is no regular file' };
    return await fromOpen(descriptor, stats.size, name, maximumBytes);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return { state: 'absent' };
    // The library's sentences quote names in the archive.
    return { state: 'refused', detail: typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : 'it isn’t a whole archive' };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function fromOpen(descriptor: number, size: number, name: string, maximumBytes: number): Promise<Member> {
  return new Promise((resolve, reject) => {
    const options = { lazyEntries: true, autoClose: false, decodeStrings: true } as const;
    fromRandomAccessReader(new Pieces(descriptor, size), size, options, (error, archive) => {
      if (error) return reject(error);
      let entries = 0;
      archive.on('error', reject);
      archive.on('end', () => resolve({ state: 'absent' }));
      archive.on('entry', (entry: Entry) => {
        if (entry.fileName === name) unpack(archive, entry, maximumBytes).then(resolve, reject);
        else if (++entries > maximumEntries) resolve({ state: 'refused', detail: `it has more than ${maximumEntries} files` });
        else archive.readEntry();
      });
      archive.readEntry();
    });
  });
}

function unpack(archive: ZipFile, entry: Entry, maximumBytes: number): Promise<Member> {
  const { uncompressedSize, compressedSize } = entry;
  if (Math.max(uncompressedSize, compressedSize) > maximumBytes) {
    return Promise.resolve({ state: 'refused', detail: `what it says of itself is larger than ${maximumBytes} bytes` });
  }
  return new Promise((resolve, reject) => {
    archive.openReadStream(entry, (error, stream) => {
      if (error) return reject(error);
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => void parts.push(part));
      stream.on('error', reject);
      // The library ends the stream with an error when more comes than the entry says.
      stream.on('end', () => resolve({ state: 'read', bytes: Buffer.concat(parts) }));
    });
  });
}

/**
 * The library asks for the list of contents in two small reads a file. Here the end of the archive, where the list is, is read in few pieces, and each
 * answer comes from memory. A class, because the library wants one.
 */
class Pieces extends RandomAccessReader {
  readonly #descriptor: number;
  readonly #size: number;
  readonly #pieces = new Map<number, Buffer>();

  constructor(descriptor: number, size: number) {
    super();
    this.#descriptor = descriptor;
    this.#size = size;
  }

  #piece(index: number): Buffer {
    const known = this.#pieces.get(index);
    if (known) return known;
    if (this.#pieces.size * pieceSize > maximumListed) throw new Error('too much is asked for');
    const bytes = Buffer.alloc(Math.max(0, Math.min(pieceSize, this.#size - index * pieceSize)));
    if (readSync(this.#descriptor, bytes, 0, bytes.length, index * pieceSize) !== bytes.length) throw new Error('it became shorter');
    this.#pieces.set(index, bytes);
    return bytes;
  }

  #copy(target: Buffer, offset: number, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const from = this.#piece(Math.floor((position + done) / pieceSize));
      const start = (position + done) % pieceSize;
      const end = Math.min(from.length, start + length - done);
      if (end <= start) throw new Error('it is too short');
      done += from.copy(target, offset + done, start, end);
    }
  }

  override read(target: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void): void {
    let failure: Error | null = null;
    try {
      this.#copy(target, offset, length, position);
    } catch (error) {
      failure = error as Error;
    }
    process.nextTick(done, failure);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const stream = new PassThrough();
    try {
      const bytes = Buffer.alloc(end - start);
      this.#copy(bytes, 0, bytes.length, start);
      stream.end(bytes);
    } catch (error) {
      process.nextTick(() => stream.destroy(error as Error));
    }
    return stream;
  }
}
