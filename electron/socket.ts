/** A socket as an RPC channel: the same few lines for the agent, the command line and main. */
import type { Socket } from 'node:net';
import type { Channel } from './rpc.ts';

/**
 * A peer that has stopped reading may not fill our memory: beyond this many unread bytes the connection ends, and the peer
 * gets the full state again when it comes back.
 */
const MAX_UNREAD = 128 * 1024 * 1024;

/** Wraps a connected (or connecting) socket. An error is a close: whoever needs the reason listens to the socket's own `error`. */
export function socketChannel(socket: Socket): Channel {
  // Decoded here and not a chunk at a time: a chunk may end inside a character.
  socket.setEncoding('utf8');
  // Without a listener an ECONNRESET would end the process; `close` always follows.
  socket.on('error', () => {});
  return {
    send: (chunk) => {
      if (!socket.writable) return;
      socket.write(chunk);
      if (socket.writableLength > MAX_UNREAD) socket.destroy();
    },
    receive: (onChunk, onClose) => {
      socket.on('data', (chunk) => onChunk(String(chunk)));
      if (socket.destroyed) queueMicrotask(onClose);
      else socket.once('close', onClose);
    },
    close: () => socket.end(),
  };
}
