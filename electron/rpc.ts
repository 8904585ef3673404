/**
 * One RPC over anything that carries text: a socket in the agent and the command line, a `MessagePort` in a window.
 *
 * Frames are JSON, one a line: `{id,call,args}` asks, `{id,value}` or `{id,error}` answers, `{event,value}` tells. Chunks may cut a line
 * anywhere, so whoever pipes bytes between two ends need not know what they say.
 */

/** A two-way channel of text chunks. */
export type Channel = {
  send(chunk: string): void;
  /** Called once, before anything arrives. */
  receive(onChunk: (chunk: string) => void, onClose: () => void): void;
  close(): void;
};

type Method = (...args: never[]) => Promise<unknown>;
type Api<T> = { readonly [K in keyof T]: T[K] extends Method ? T[K] : never };

/** An error that keeps its `code` on the way across. */
export class RpcError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
  }
}

/** A line longer than this is no honest frame: the channel is closed. An inventory of thousands of rows stays far below. */
const MAX_LINE = 64 * 1024 * 1024;

/** Cuts chunks into lines. Only what is new is searched: a long line in small chunks costs its length, not its square. */
function lines(onLine: (line: string) => void, tooLong: () => void): (chunk: string) => void {
  let parts: string[] = [];
  let length = 0;
  let over = false;
  const keep = (part: string) => {
    parts.push(part);
    length += part.length;
    if (length <= MAX_LINE) return;
    over = true;
    parts = [];
    tooLong();
  };
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0 && !over; end = chunk.indexOf('\n', start)) {
      keep(chunk.slice(start, end));
      start = end + 1;
      const line = parts.length === 1 ? (parts[0] ?? '') : parts.join('');
      parts = [];
      length = 0;
      if (line) onLine(line);
    }
    if (start < chunk.length && !over) keep(chunk.slice(start));
  };
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** One end that answers. `methods` names what may be called: nothing inherited, nothing else. */
export function serve<T extends Api<T>, E>(
  channel: Channel,
  api: T,
  methods: readonly (keyof T & string)[],
): { emit<K extends keyof E & string>(event: K, value: E[K]): void } {
  const known = new Set<string>(methods);
  const answer = async (id: unknown, call: string, args: unknown[]) => {
    if (!known.has(call))
      throw new RpcError('usage', `The agent has no call named “${call}”; this program and the agent are of different versions.`);
    const value = await (api[call as keyof T] as unknown as (...a: unknown[]) => Promise<unknown>)(...args);
    // Written here, so that a value JSON can't carry is an answer with an error and not a caller who waits for ever.
    return `${JSON.stringify({ id, value })}\n`;
  };
  channel.receive(
    lines(
      (line) => {
        const frame = parse(line);
        if (!frame || typeof frame['call'] !== 'string') return;
        const id = frame['id'];
        const args = Array.isArray(frame['args']) ? frame['args'] : [];
        answer(id, frame['call'], args).then(
          (reply) => channel.send(reply),
          (error: unknown) => {
            const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'bug';
            const message = error instanceof Error ? error.message : String(error);
            channel.send(`${JSON.stringify({ id, error: { code, message } })}\n`);
          },
        );
      },
      () => channel.close(),
    ),
    () => {},
  );
  return { emit: (event, value) => channel.send(`${JSON.stringify({ event, value })}\n`) };
}

export type Connection<T, E> = {
  readonly api: T;
  /** Later handlers replace nothing: all are called. */
  on<K extends keyof E & string>(event: K, handler: (value: E[K]) => void): void;
  /** Resolves when the channel has closed; calls under way reject with `code: 'closed'`. */
  readonly closed: Promise<void>;
  close(): void;
};

/** The end that asks. `methods` spells the calls out, so that a typo is found by the compiler and not by a user. */
export function connect<T extends Api<T>, E>(channel: Channel, methods: readonly (keyof T & string)[]): Connection<T, E> {
  let next = 1;
  let open = true;
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const handlers = new Map<string, ((value: never) => void)[]>();
  let markClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    markClosed = resolve;
  });
  const end = () => {
    if (!open) return;
    open = false;
    for (const { reject } of waiting.values()) reject(new RpcError('closed', 'The connection to the agent ended before it answered.'));
    waiting.clear();
    markClosed();
  };
  channel.receive(
    lines(
      (line) => {
        const frame = parse(line);
        if (!frame) return;
        if (typeof frame['event'] === 'string') {
          for (const handler of handlers.get(frame['event']) ?? []) handler(frame['value'] as never);
          return;
        }
        const call = waiting.get(frame['id'] as number);
        if (!call) return;
        waiting.delete(frame['id'] as number);
        const error = frame['error'] as { code?: unknown; message?: unknown } | undefined;
        if (error) call.reject(new RpcError(String(error.code), String(error.message)));
        else call.resolve(frame['value']);
      },
      () => {
        channel.close();
        end();
      },
    ),
    end,
  );
  // An empty line is no frame: it says that this end may write, and not only read (see `agent/local.ts`).
  channel.send('\n');
  const api = Object.fromEntries(
    methods.map((name) => [
      name,
      (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          if (!open) {
            reject(new RpcError('closed', 'The agent is not connected.'));
            return;
          }
          const id = next++;
          waiting.set(id, { resolve, reject });
          channel.send(`${JSON.stringify({ id, call: name, args })}\n`);
        }),
    ]),
  ) as unknown as T;
  return {
    api,
    on: (event, handler) => {
      handlers.set(event, [...(handlers.get(event) ?? []), handler as (value: never) => void]);
    },
    closed,
    close: () => {
      channel.close();
      end();
    },
  };
}
