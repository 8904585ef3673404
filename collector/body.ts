/** A request's body, read and unpacked within its bounds: never more is held than the bound and one piece. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BOUNDS } from '../agent/wire.ts';
import { Problem } from './problem.ts';

const unzip = promisify(gunzip);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The bytes as sent; throws a `Problem` at the first byte beyond the bound. The stream stays open, so that the answer can leave. */
export async function readBytes(stream: Readable, announced: string | undefined, most: number = BOUNDS.body): Promise<Buffer> {
  const tooLarge = () => new Problem('too-large', most < BOUNDS.body ? { detail: `Here it is at most ${most} bytes.` } : {});
  if (announced !== undefined && Number(announced) > most) throw tooLarge();
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const done = () => {
      stream.off('data', take);
      stream.off('end', end);
      stream.off('error', cut);
      stream.off('close', cut);
    };
    const fail = (error: unknown) => {
      done();
      reject(error);
    };
    const take = (piece: Buffer) => {
      size += piece.length;
      if (size > most) {
        // No more is read, and the sender can't send more than the connection's buffers take.
        stream.pause();
        fail(tooLarge());
      } else pieces.push(piece);
    };
    const end = () => {
      done();
      resolve(pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces, size));
    };
    // Before its end: the sender is gone, and nobody waits for the answer.
    const cut = () => fail(new Problem('too-slow'));
    stream.on('data', take).on('end', end).on('error', cut).on('close', cut);
  });
}

/** The JSON value of a body, unpacked where its headers say so. Throws a `Problem`. */
export async function unpack(bytes: Buffer, headers: IncomingMessage['headers'], most: number = BOUNDS.unpacked): Promise<unknown> {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') throw new Problem('wrong-encoding');
  const plain = encoding === 'gzip' ? await unzipped(bytes, most) : bytes;
  try {
    return JSON.parse(utf8.decode(plain));
  } catch {
    throw new Problem('not-json');
  }
}

async function unzipped(bytes: Buffer, most: number): Promise<Buffer> {
  try {
    return await unzip(bytes, { maxOutputLength: most });
  } catch (error) {
    const tooLarge = error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new Problem(
      tooLarge ? 'unpacks-too-large' : 'not-unpacked',
      most < BOUNDS.unpacked ? { detail: `Here it is at most ${most} bytes.` } : {},
    );
  }
}
