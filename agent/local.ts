/** The one door to a running agent on this computer: the lock that makes it the only one, and the socket that every local client uses. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AgentApi, AgentEvents } from '../electron/contract.ts';
import { type Connection, connect, serve } from '../electron/rpc.ts';
import { socketChannel } from '../electron/socket.ts';
import type { Agent } from './agent.ts';

/** Every call of `AgentApi`; the compiler says when one is missing. */
const METHODS = Object.keys({ scan: 0, request: 0, withdraw: 0, answer: 0, told: 0, stop: 0 } satisfies Record<
  keyof AgentApi,
  0
>) as (keyof AgentApi)[];

/** macOS allows 104 bytes for a socket's path, Linux 108, both with the closing zero. */
const MAX_SOCKET_PATH = 100;

/**
 * Where the agent of a data folder listens. A named pipe on Windows; else `agent.sock` in the folder, or, where that path is too long, a
 * short name in a folder of this account's under the temporary folder.
 */
export function socketPath(dataDir: string): string {
  const digest = createHash('sha256').update(path.resolve(dataDir)).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\muster-${digest}`;
  const beside = path.join(path.resolve(dataDir), 'agent.sock');
  return Buffer.byteLength(beside) <= MAX_SOCKET_PATH ? beside : path.join(tmpdir(), `muster-${process.getuid?.()}`, digest);
}

/** The folder of a short socket name must be this account's alone: another account could have made it first. */
function prepareShortFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid } = lstatSync(folder);
  if (uid !== process.getuid?.())
    throw new Error(`The folder ${folder} belongs to another account; remove it, or use a data folder with a shorter path.`);
  chmodSync(folder, 0o700);
}

/** Serves every client until the signal aborts. The caller holds the lock, so a socket that is there already is a dead agent's. */
export function listen(dataDir: string, agent: Agent, signal: AbortSignal, stop: () => void): Promise<string> {
  const at = socketPath(dataDir);
  if (process.platform !== 'win32') {
    if (path.dirname(at) !== path.resolve(dataDir)) prepareShortFolder(path.dirname(at));
    rmSync(at, { force: true });
  }
  const clients = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    clients.add(socket);
    const gone = new AbortController();
    socket.on('close', () => {
      clients.delete(socket);
      gone.abort();
    });
    const api: AgentApi = {
      ...agent.api,
      stop: async () => {
        setImmediate(stop);
      },
    };
    const { emit } = serve<AgentApi, AgentEvents>(socketChannel(socket), api, METHODS);
    agent.subscribe((slices) => emit('changed', slices), gone.signal);
  });
  signal.addEventListener('abort', () => {
    server.close();
    for (const client of clients) client.end();
    if (process.platform !== 'win32') rmSync(at, { force: true });
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    // The socket is made with this mask: there is no moment in which another account could connect.
    const mask = process.platform === 'win32' ? null : process.umask(0o077);
    server.listen(at, () => resolve(at));
    if (mask !== null) process.umask(mask);
  });
}

/** A connection to the agent of this data folder, or null when none listens. */
export function reach(dataDir: string): Promise<Connection<AgentApi, AgentEvents> | null> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath(dataDir));
    socket.once('error', () => resolve(null));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(connect<AgentApi, AgentEvents>(socketChannel(socket), METHODS));
    });
  });
}
