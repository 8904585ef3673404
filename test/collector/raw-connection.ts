/** Bytes over TCP as no client library would send them, and the answer read back: for tests of what a hostile sender gets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export type RawAnswer = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Of the body; undefined where it is no JSON. */
  readonly json: Record<string, unknown> | undefined;
  /** Whether the other side ended the connection before it was asked to. */
  readonly closed: boolean;
};

export type RawConnection = {
  readonly socket: Socket;
  write(bytes: string | Uint8Array): void;
  /** The first whole answer; status 0 where the connection ended without one. */
  answer(): Promise<RawAnswer>;
  closed(): Promise<void>;
};

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let said = Buffer.alloc(0);
  let ended = false;
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const each of waiting) each();
  };
  socket.on('data', (chunk) => {
    said = Buffer.concat([said, chunk]);
    tell();
  });
  // A refusal in the middle of what is written breaks the pipe; the answer is what counts.
  socket.on('error', () => {});
  const over = once(socket, 'close').then(() => {
    ended = true;
    tell();
  });
  await once(socket, 'connect');
  return {
    socket,
    write: (bytes) => void (socket.writable && socket.write(bytes)),
    answer: () =>
      new Promise((resolve) => {
        const look = () => {
          const read = whole(said, ended);
          if (!read) return;
          waiting.delete(look);
          resolve({ ...read, closed: ended });
        };
        waiting.add(look);
        look();
      }),
    closed: () => over,
  };
}

function whole(said: Buffer, ended: boolean): Omit<RawAnswer, 'closed'> | null {
  const text = said.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return ended ? { status: 0, headers: new Map(), json: undefined } : null;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0);
  if (status === 100) return whole(said.subarray(end + 4), ended);
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const length = Number(headers.get('content-length') ?? 0);
  const body = said.subarray(end + 4);
  if (body.length < length && !ended) return null;
  return { status, headers, json: parsed(body.subarray(0, length).toString('utf8')) };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
