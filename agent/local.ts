/** The one door to a running agent on this computer: the socket that every local client uses. What comes through it is checked here. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import type { AgentApi, AgentEvents, Snapshot } from '../electron/contract.ts';
import { type Connection, connect, RpcError, serve } from '../electron/rpc.ts';
import { socketChannel } from '../electron/socket.ts';
import type { Agent } from './agent.ts';
import { DataFolderError } from './data-folder.ts';
import { failureOf } from './failure.ts';
import { later } from './later.ts';

/** Far more than any id, name or day; what is too long for its own purpose is refused with a sentence in `requests.ts`. */
const shortText = later(() => z.string().max(1000));
const longText = later(() => z.string().max(50_000));
const folder = later(() => shortText().refine((text) => path.isAbsolute(text)));
const optional = later(() => shortText().nullish());

/** What each call of `AgentApi` is made with; the compiler says when a call is missing. */
const ARGUMENTS = {
  scan: later(() =>
    z.tuple([
      z
        .object({
          homes: z.array(folder()).min(1).max(1000).optional(),
          policy: z.object({ path: z.string(), text: z.string() }).optional(),
        })
        .nullish(),
    ]),
  ),
  request: later(() =>
    z.tuple([z.object({ item: shortText(), reason: longText(), tier: optional(), dataClass: optional(), until: optional() })]),
  ),
  withdraw: later(() => z.tuple([shortText()])),
  answer: later(() => z.tuple([shortText(), longText()])),
  acknowledge: later(() => z.tuple([shortText()])),
  actNow: later(() => z.tuple([shortText()])),
  keepForToday: later(() => z.tuple([shortText()])),
  undo: later(() => z.tuple([shortText()])),
  told: later(() => z.tuple([z.array(shortText()).max(10_000)])),
  syncNow: later(() => z.tuple([])),
  sentPayloads: later(() => z.tuple([])),
  enroll: later(() => z.tuple([z.object({ url: z.string().max(2000), secret: z.string().max(200), rootKeys: longText().optional() })])),
  stop: later(() => z.tuple([])),
} satisfies Record<keyof AgentApi, () => z.ZodType>;
const METHODS = Object.keys(ARGUMENTS) as (keyof AgentApi)[];

/** macOS allows 104 bytes for a socket's path, Linux 108, both with the closing zero. */
const MAX_SOCKET_PATH = 100;

/** An agent tells its whole state to whoever connects and says something; one that hasn't after this long hangs or is stopped. */
const ANSWER_MS = 10_000;

/**
 * Where the agent of a data folder listens. A named pipe on Windows; else `agent.sock` in the folder, or, where that path is too long, a
 * short name in a folder of this account's in /tmp (not TMPDIR, which a desktop session and a terminal needn't have in common).
 */
export function socketPath(dataDir: string): string {
  const digest = createHash('sha256').update(path.resolve(dataDir)).digest('hex').slice(0, 24);
  if (process.platform === 'win32') return `\\\\.\\pipe\\muster-${digest}`;
  const beside = path.join(path.resolve(dataDir), 'agent.sock');
  return Buffer.byteLength(beside) <= MAX_SOCKET_PATH ? beside : path.join('/tmp', `muster-${process.getuid?.()}`, digest);
}

/** The folder of a short socket name must be this account's alone: another account could have made it first. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

const isShort = (at: string, dataDir: string) => process.platform !== 'win32' && path.dirname(at) !== path.resolve(dataDir);

function prepareSocket(at: string, dataDir: string): void {
  if (isShort(at, dataDir)) {
    const folder = path.dirname(at);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) {
      const remedy = 'remove it, or name a data folder with a shorter path with --data DIR';
      throw new DataFolderError('database', `The folder ${folder} for the agent’s socket belongs to another account; ${remedy}.`, folder);
    }
    chmodSync(folder, 0o700);
  }
  // The caller holds the lock, so what is there is a dead agent's.
  if (process.platform !== 'win32') rmSync(at, { force: true });
}

/**
 * Serves every client until the signal aborts; resolves with the socket's path once it listens. The caller holds the lock. `stop` is called
 * when a client asks the agent to end. Throws a `DataFolderError`.
 */
export async function listen(
  dataDir: string,
  agent: Agent,
  options: { signal: AbortSignal; stop(): void; log(what: string, error: unknown): void },
): Promise<string> {
  const { signal, stop, log } = options;
  const at = socketPath(dataDir);
  /** Who asks is told a sentence and a code: the text of an unexpected error may quote what was being read. */
  const called = async (call: keyof AgentApi, args: readonly unknown[]): Promise<unknown> => {
    const read = ARGUMENTS[call]().safeParse(args);
    if (!read.success) {
      throw new RpcError('usage', `The agent was asked to “${call}” in a way it doesn’t know; install one version of Muster everywhere.`);
    }
    // The store is closed as soon as the agent has ended, and a client may still write until its end of the line is.
    if (signal.aborted) throw new RpcError('closed', 'The agent is ending.');
    if (call === 'stop') return void setImmediate(stop);
    try {
      return await (agent.api[call] as (...checked: unknown[]) => Promise<unknown>)(...read.data.map((value) => value ?? undefined));
    } catch (error) {
      const { code, message } = failureOf(error);
      if (code === 'bug') log(call, error);
      throw new RpcError(code, message);
    }
  };
  const api = Object.fromEntries(METHODS.map((call) => [call, (...args: unknown[]) => called(call, args)])) as unknown as AgentApi;

  const clients = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    clients.add(socket);
    const gone = new AbortController();
    socket.on('close', () => {
      clients.delete(socket);
      gone.abort();
    });
    const { emit } = serve<AgentApi, AgentEvents>(socketChannel(socket), api, METHODS);
    // Only whoever has written is told anything: Windows lets every account, of other computers too, open a pipe such as this one for reading.
    socket.once('data', () => {
      try {
        agent.subscribe((slices) => emit('changed', slices), gone.signal);
      } catch (error) {
        // The state can't be read just now (the database is damaged): the client comes back by itself.
        log('connection', error);
        socket.destroy();
      }
    });
  });
  signal.addEventListener('abort', () => {
    const isOurSocket = server.listening && process.platform !== 'win32';
    server.close();
    for (const client of clients) {
      // What was answered goes out first; nothing more is read.
      client.destroySoon();
      // One that never closes its end may not keep this process.
      client.unref();
    }
    if (isOurSocket) rmSync(at, { force: true });
  });
  try {
    prepareSocket(at, dataDir);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      // The socket is made with this mask: there is no moment in which another account could connect.
      const mask = process.platform === 'win32' ? null : process.umask(0o077);
      server.listen(at, resolve);
      if (mask !== null) process.umask(mask);
    });
  } catch (error) {
    if (error instanceof DataFolderError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new DataFolderError(
      'database',
      `The agent’s socket ${at} can’t be made (${code}); clear what is in its place, and try again.`,
      at,
    );
  }
  // The mask has left only its owner's bits; a socket has no use for the last of them.
  if (process.platform !== 'win32') chmodSync(at, 0o600);
  return at;
}

/** A connection to a running agent, and its whole state as it was then. */
export type Reached = Connection<AgentApi, AgentEvents> & { readonly state: Snapshot };

/** The agent of this data folder, or null when none listens (or it is just ending). Throws a `DataFolderError` when it listens and says nothing. */
export function reach(dataDir: string): Promise<Reached | null> {
  const at = socketPath(dataDir);
  if (isShort(at, dataDir) && !isOurs(path.dirname(at))) return Promise.resolve(null);
  // Most commands meet no agent, and Node's network takes longer to load than this question.
  if (process.platform !== 'win32' && !existsSync(at)) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const socket = net.connect(at);
    const silent = setTimeout(() => {
      const remedy = 'end that process, and try again';
      reject(
        new DataFolderError('database', `The agent of ${dataDir} has not answered for ${ANSWER_MS / 1000} seconds; ${remedy}.`, dataDir),
      );
      socket.destroy();
    }, ANSWER_MS);
    const connection = connect<AgentApi, AgentEvents>(socketChannel(socket), METHODS);
    // The whole state is the first thing that an agent says.
    connection.on('changed', (slices) => {
      clearTimeout(silent);
      resolve({ ...connection, state: slices as Snapshot });
    });
    connection.closed.then(() => {
      clearTimeout(silent);
      resolve(null);
    });
  });
}
