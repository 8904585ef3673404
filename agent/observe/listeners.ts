/**
 * Programs of this computer that wait for TCP connections: the port, who can reach it, and whose process it is where the system says so. Nothing is
 * connected to. A local model server is found so; whether a process is one is the catalog's question.
 *
 * Not seen: what listens inside a container's, a virtual machine's or another network namespace of its own, and sockets of UDP.
 */
import type { ListenerObservation } from './observation.ts';
import type { Os } from './os.ts';

/** `unavailable` is a sentence where the system gives no list; then there are no observations, and nothing may be declared gone. */
export type ListenerLook = { readonly observations: readonly ListenerObservation[]; readonly unavailable: string | null };

export type ListenerObserver = {
  /**
   * Looks once; sorted by port. What other people's accounts listen on is left out. Calls must not overlap. With `among`, where it costs time to know
   * whose a socket is, only sockets of these processes and on these ports are sure to have one.
   */
  look(among?: Among): Promise<ListenerLook>;
};
export type Among = { readonly pids: ReadonlySet<number>; readonly ports: ReadonlySet<number> };

/** One listening socket as a platform's reader gives it. */
export type Listening = Omit<ListenerObservation, 'kind'>;
export type ReadListening = (among?: Among) => Promise<readonly Listening[]>;

/** The observer for the platform of `os`. Only that platform's file, and what it needs, is loaded, at the first look. */
export function createListenerObserver(os: Os): ListenerObserver {
  let reader: Promise<ReadListening> | undefined;
  return {
    async look(among) {
      reader ??= onPlatform(os);
      try {
        const read = await reader;
        return { observations: merged(await read(among)), unavailable: null };
      } catch (error) {
        reader = undefined;
        return { observations: [], unavailable: `Which programs wait for connections can’t be seen (${reason(error)}).` };
      }
    },
  };
}

async function onPlatform(os: Os): Promise<ReadListening> {
  if (os.platform === 'linux') return (await import('./listeners/linux.ts')).linuxListening(os);
  if (os.platform === 'darwin') return (await import('./listeners/darwin.ts')).darwinListening(os);
  return (await import('./listeners/win32.ts')).win32Listening(os);
}

/** A server listens once for IPv4 and once for IPv6, and some on each address: one port of one process is one, reachable as its widest socket is. */
function merged(sockets: readonly Listening[]): ListenerObservation[] {
  const found = new Map<string, ListenerObservation>();
  for (const socket of sockets) {
    const key = `${socket.port} ${socket.pid}`;
    const known = found.get(key);
    if (!known) found.set(key, { kind: 'listener', ...socket });
    else if (socket.reach === 'network') found.set(key, { ...known, reach: 'network' });
  }
  return [...found.values()].sort((a, b) => a.port - b.port || (a.pid ?? 0) - (b.pid ?? 0));
}

/** A code or a sentence of our own; what a program printed isn't repeated. */
function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (typeof code === 'string') return code;
  return typeof code === 'number' ? `exit code ${code}` : error instanceof Error ? error.name : 'unknown error';
}
