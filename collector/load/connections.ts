/**
 * Kept connections over which posts go to a collector on loopback: as much of HTTP/1.1 as it answers in. The fleet shares the machine with what it
 * measures, and a whole client costs more than the devices that it stands for.
 */
import { connect, type Socket } from 'node:net';

export type Answer = {
  readonly status: number;
  readonly body: Buffer /** Seconds, as the answer says; null: nothing. */;
  readonly retryAfterS: number | null;
};

export type Connections = {
  /** `head`: what goes before the length and the empty line, each line with its end. Rejects with an error that has a `code`. */
  post(head: string, body: Buffer): Promise<Answer>;
  close(): void;
};

type Post = { readonly head: string; readonly body: Buffer; resolve(answer: Answer): void; reject(error: unknown): void };

const PATIENCE_MS = 30_000;
const END_OF_HEAD = '\r\n\r\n';

const failure = (code: string) => Object.assign(new Error('The connection ended before the answer.'), { code });

/** At most `most` at once; what comes meanwhile waits for its turn. Without `keepAlive` each post has a connection of its own. */
export function createConnections(host: string, port: number, { most, keepAlive }: { most: number; keepAlive: boolean }): Connections {
  const idle: Connection[] = [];
  const open = new Set<Connection>();
  /** A set gives back what has been in it for longest, at whatever length. */
  const waiting = new Set<Post>();

  const next = () => {
    const [post] = waiting;
    if (post) waiting.delete(post);
    return post;
  };

  function give(post: Post): void {
    const connection = idle.pop();
    if (connection) connection.send(post);
    else if (open.size < most) made().send(post);
    else waiting.add(post);
  }

  function made(): Connection {
    const connection = connectionTo(host, port, keepAlive, {
      free() {
        const post = next();
        if (post) connection.send(post);
        else idle.push(connection);
      },
      gone() {
        open.delete(connection);
        const at = idle.indexOf(connection);
        if (at >= 0) idle.splice(at, 1);
        const post = next();
        if (post) give(post);
      },
    });
    open.add(connection);
    return connection;
  }

  return {
    post: (head, body) => new Promise((resolve, reject) => give({ head, body, resolve, reject })),
    close() {
      for (let post = next(); post; post = next()) post.reject(failure('closed'));
      for (const connection of open) connection.end();
    },
  };
}

type Connection = { send(post: Post): void; end(): void };

function connectionTo(host: string, port: number, keepAlive: boolean, told: { free(): void; gone(): void }): Connection {
  const socket: Socket = connect({ host, port, noDelay: true });
  let current: Post | null = null;
  let received: Buffer = Buffer.alloc(0);
  const fail = (error: Error) => {
    current?.reject(error);
    current = null;
    socket.destroy();
  };
  socket.setTimeout(PATIENCE_MS, () => current && fail(failure('no-answer')));
  socket.on('error', fail);
  socket.on('close', () => {
    fail(failure('ECONNRESET'));
    told.gone();
  });
  socket.on('data', (piece) => {
    // Said to nobody: the collector ends a connection that was idle for long.
    if (!current) return void socket.destroy();
    received = received.length === 0 ? piece : Buffer.concat([received, piece]);
    const answer = read(received);
    if (!answer) return;
    received = Buffer.alloc(0);
    const { resolve } = current;
    current = null;
    resolve(answer);
    if (keepAlive && !answer.last) told.free();
    else socket.destroy();
  });
  return {
    send(post) {
      current = post;
      const close = keepAlive ? '' : 'Connection: close\r\n';
      // One piece, and so one packet.
      socket.write(
        Buffer.concat([Buffer.from(`${post.head}${close}Content-Length: ${post.body.length}${END_OF_HEAD}`, 'latin1'), post.body]),
      );
    },
    end: () => socket.destroy(),
  };
}

/** Null: not all of it has come. The collector always says how long its answer is. */
function read(bytes: Buffer): (Answer & { readonly last: boolean }) | null {
  const end = bytes.indexOf(END_OF_HEAD);
  if (end < 0) return null;
  const head = bytes.toString('latin1', 0, end);
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  const from = end + END_OF_HEAD.length;
  if (bytes.length < from + length) return null;
  const later = /\r\nretry-after: (\d+)/i.exec(head)?.[1];
  const retryAfterS = later === undefined ? null : Number(later);
  return {
    status: Number(head.slice(9, 12)),
    body: bytes.subarray(from, from + length),
    retryAfterS,
    last: /\r\nconnection: close/i.test(head),
  };
}
