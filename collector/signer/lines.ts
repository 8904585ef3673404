/** JSON lines on a socket, for both ends: each line once it is whole, and the end of whoever sends one that is too long. */
import type { Socket } from 'node:net';
import { BOUNDS } from './protocol.ts';

/** `take` gets the parsed value of a line; a line that is no JSON or too long ends the connection. */
export function readLines(socket: Socket, take: (value: unknown) => void): void {
  let parts: string[] = [];
  let length = 0;
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    let rest = chunk;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = parts.join('') + rest.slice(0, end);
      parts = [];
      length = 0;
      rest = rest.slice(end + 1);
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        socket.destroy();
        return;
      }
      take(value);
    }
    parts.push(rest);
    length += rest.length;
    if (length > BOUNDS.line) socket.destroy();
  });
}

export function writeLine(socket: Socket, value: unknown): void {
  socket.write(`${JSON.stringify(value)}\n`);
}
