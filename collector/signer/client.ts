/** The collector's end of the signer's socket: connects when something is asked, and again after the signer was away. */
import { connect, type Socket } from 'node:net';
import type { z } from 'zod';
import { readLines, writeLine } from './lines.ts';
import { Identity, Reply, Signed, SignedGrants, type Signer, SignerError } from './protocol.ts';

/** Signing thousands of lists takes a few seconds; a signer that says nothing for this long hangs. */
const PATIENCE_MS = 30_000;

export type SignerClient = Signer & { close(): void };

const away = () => new SignerError('unreachable', 'The signer does not answer; see that it runs, then try again.');

type Waiting = { resolve(value: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout };

/** `socketPath`: where the signer listens, now or later. */
export function signerAt(socketPath: string): SignerClient {
  const waiting = new Map<number, Waiting>();
  let next = 1;
  let socket: Socket | null = null;

  const drop = (which: Socket) => {
    if (socket !== which) return;
    socket = null;
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(away());
    }
    waiting.clear();
  };

  const connected = (): Socket => {
    if (socket) return socket;
    const made = connect(socketPath);
    socket = made;
    made.unref();
    made.on('error', () => drop(made));
    made.on('close', () => drop(made));
    readLines(made, (value) => {
      const reply = Reply.safeParse(value);
      if (!reply.success) return void made.destroy();
      const asked = waiting.get(reply.data.id);
      if (!asked) return;
      waiting.delete(reply.data.id);
      clearTimeout(asked.timer);
      if ('refused' in reply.data) asked.reject(new SignerError(reply.data.refused.code as SignerError['code'], reply.data.refused.reason));
      else asked.resolve(reply.data.value);
    });
    return made;
  };

  const ask = async <T>(question: Record<string, unknown>, shape: z.ZodType<T>): Promise<T> => {
    const id = next++;
    const value = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(away());
      }, PATIENCE_MS);
      waiting.set(id, { resolve, reject, timer });
      writeLine(connected(), { id, ...question });
    });
    return shape.parse(value);
  };

  return {
    identity: () => ask({ do: 'identity' }, Identity),
    policy: (text, after) => ask({ do: 'policy', text, after }, Signed),
    grants: (lists) => ask({ do: 'grants', lists }, SignedGrants),
    close() {
      socket?.destroy();
    },
  };
}
