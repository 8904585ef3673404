/** A request's body, read and unpacked within its bounds: never more is held than the bound and one piece. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
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
  if (encoding === 'identity') return parsed(bytes);
  const little = bytes.length <= AT_ONCE.packed ? unzippedAtOnce(bytes, most) : null;
  if (little) return parsed(little);
  // Few at once, from what is packed to what is read: a small body may become a thousand times as large, and a waiting one is still small.
  return inTurn(async () => parsed(await unzipped(bytes, most)));
}

/** A body of a few changes is unpacked on this thread: the way to another one and back costs more. What turns out to be larger takes that way. */
const AT_ONCE = { packed: 8 * 1024, unpacked: 128 * 1024 } as const;

function unzippedAtOnce(bytes: Buffer, most: number): Buffer | null {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.min(AT_ONCE.unpacked, most) });
  } catch {
    return null;
  }
}

/** Bodies that are unpacked by other threads at once. */
const UNPACKING = 4;
let unpacking = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (unpacking >= UNPACKING) await new Promise<void>((resolve) => waiting.push(resolve));
  else unpacking++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else unpacking--;
  }
}

function parsed(plain: Buffer): unknown {
  if (plain.length > SURELY_QUICK && !isQuick(plain))
    throw new Problem('not-understood', { detail: 'It is nested too deep, or has too many parts.' });
  try {
    return JSON.parse(utf8.decode(plain));
  } catch {
    throw new Problem('not-json');
  }
}

/** Bytes that no form of JSON makes slow to read. */
const SURELY_QUICK = 64 * 1024;
/** A check-in is nested six deep, and its 8 MiB of items have a tenth of these brackets, colons and commas. */
const DEEPEST = 64;
const PARTS = 1_000_000;

/** Whether it is read in a moment: eight million brackets take the parser, and everybody who waits for it, seconds. Text in quotes doesn't count. */
function isQuick(bytes: Buffer): boolean {
  let depth = 0;
  let parts = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) quoted = false;
    } else if (byte === QUOTE) quoted = true;
    else if (byte === BRACKET || byte === BRACE) {
      if (++depth > DEEPEST || ++parts > PARTS) return false;
    } else if (byte === END_BRACKET || byte === END_BRACE) depth--;
    else if ((byte === COMMA || byte === COLON) && ++parts > PARTS) return false;
  }
  return true;
}

const [QUOTE, BACKSLASH, BRACKET, END_BRACKET, BRACE, END_BRACE, COMMA, COLON] = Buffer.from('"\\[]{},:');

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
