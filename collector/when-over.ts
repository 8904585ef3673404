/** Calls back when a request is over, however it ends: answered, given up by its sender before or after its body came, or cut off behind another on its connection. */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What waits for the end of a connection; one listener a connection, however many requests follow each other on it. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** `work` is called once. */
export function whenOver({ raw: { socket } }: Pick<FastifyRequest, 'raw'>, { raw }: Pick<FastifyReply, 'raw'>, work: () => void): void {
  const held = waiting.get(socket) ?? listen(socket);
  const once = () => {
    if (held.delete(once)) work();
  };
  held.add(once);
  // An answer that waits behind another has no connection yet, and would never hear of its end.
  raw.once('close', once);
}

function listen(socket: Socket): Set<() => void> {
  const held = new Set<() => void>();
  waiting.set(socket, held);
  socket.once('close', () => {
    for (const each of held) each();
  });
  return held;
}
