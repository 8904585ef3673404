/** The network of whoever started this agent, asked for over standard input and output: in the app that is Chromium's. */
import type { NetworkApi } from '../../electron/contract.ts';
import { connect } from '../../electron/rpc.ts';
import { type Post, Unreachable } from './post.ts';

/** Longer than whoever carries it out waits by itself. */
const TIMEOUT_MS = 40_000;

/** Takes both streams for itself, but for lines that are no frames of it. */
export function parentPost(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Post {
  const { api } = connect<NetworkApi, object>(
    {
      send: (chunk) => void output.write(chunk),
      receive: (onChunk, onClose) => {
        input.setEncoding('utf8');
        input.on('data', (chunk) => onChunk(String(chunk)));
        input.on('end', onClose);
      },
      close: () => {},
    },
    ['post'],
  );
  return async ({ url, headers, body }, signal) => {
    const ended = new Promise<never>((_resolve, reject) => {
      const ending = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      ending.addEventListener('abort', () => reject(new Unreachable('no answer in time')));
    });
    const answered = api.post({ url, headers, body: Buffer.from(body).toString('base64') }).catch((error: unknown) => {
      throw new Unreachable(error instanceof Error ? error.message.slice(0, 100) : 'failed');
    });
    const answer = await Promise.race([answered, ended]);
    return { status: answer.status, headers: answer.headers, body: Buffer.from(answer.body, 'base64') };
  };
}
