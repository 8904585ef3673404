/** Joins a window's message port to a socket connection, without knowing what they say to each other. */
import type { Socket } from 'node:net';
import { socketChannel } from '../socket.ts';

/** The part of Electron's `MessagePortMain` that is used. */
export type Port = {
  on(event: 'message', listener: (message: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start(): void;
  postMessage(message: string): void;
  close(): void;
};

/** Text goes both ways until either end closes, and then the other one is closed too. */
export function join(port: Port, socket: Socket): void {
  const channel = socketChannel(socket);
  let open = true;
  port.on('message', ({ data }) => {
    if (typeof data === 'string') channel.send(data);
  });
  port.on('close', () => {
    open = false;
    channel.close();
  });
  channel.receive(
    (chunk) => {
      if (open) port.postMessage(chunk);
    },
    () => {
      if (open) port.close();
      open = false;
    },
  );
  port.start();
}
