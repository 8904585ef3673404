/**
 * What the preload gives a window, without Electron's globals, so that it can be tested with a real message port: the agent's calls over the
 * port that main sends (a new one after each restart of the agent), and the shell's.
 */
import type { AgentApi, AgentEvents, AgentLink, Refusal, ShellApi, Snapshot, View, WindowAgent, WindowShell } from './contract.ts';
import { type Channel, type Connection, connect } from './rpc.ts';

/** The part of a `MessagePort` that is used. */
export type BridgePort = {
  postMessage(text: string): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  addEventListener(type: 'close', listener: () => void): void;
  close(): void;
};

/** The part of Electron's `ipcRenderer` that is used. */
export type BridgeIpc = {
  invoke(channel: string): Promise<unknown>;
  send(channel: string): void;
  on(channel: string, listener: (event: { ports: readonly BridgePort[] }, ...args: unknown[]) => void): void;
};

type Calls = Omit<WindowAgent, 'onChanged' | 'welcomed'> & Pick<AgentApi, 'told'>;

const calls = [
  'scan',
  'request',
  'withdraw',
  'answer',
  'acknowledge',
  'actNow',
  'keepForToday',
  'undo',
  'syncNow',
  'sentPayloads',
  'told',
] as const satisfies readonly (keyof Calls)[];

function portChannel(port: BridgePort): Channel {
  return {
    send: (chunk) => port.postMessage(chunk),
    receive: (onChunk, onClose) => {
      port.addEventListener('close', onClose);
      port.onmessage = ({ data }) => {
        if (typeof data === 'string') onChunk(data);
      };
    },
    close: () => port.close(),
  };
}

/** Handlers that belong to the page: what one of them throws is the page's matter and must not cut a frame of ours short. */
function handlers<Args extends readonly unknown[]>() {
  const all = new Set<(...args: Args) => void>();
  const call = (handler: (...args: Args) => void, args: Args) => {
    try {
      handler(...args);
    } catch (error) {
      console.error(error);
    }
  };
  return {
    count: () => all.size,
    call,
    tell: (...args: Args) => {
      for (const handler of [...all]) call(handler, args);
    },
    add: (handler: (...args: Args) => void) => {
      // Each subscription is its own, also for a handler that is given twice.
      const own = (...args: Args) => handler(...args);
      all.add(own);
      return () => {
        all.delete(own);
      };
    },
  };
}

/** Makes `window.agent` and `window.shell`, and asks main for the port. */
export function bridge(ipc: BridgeIpc): { readonly agent: WindowAgent; readonly shell: WindowShell } {
  let connection: Connection<Calls, AgentEvents> | null = null;
  let state: Partial<Snapshot> | null = null;
  let unseen: [View, string | null] | null = null;
  const changed = handlers<[Partial<Snapshot>]>();
  const links = handlers<[AgentLink]>();
  const shows = handlers<[View, string | null]>();

  ipc.on('agent-port', (event) => {
    const port = event.ports[0];
    if (!port) return;
    connection?.close();
    const mine = connect<Calls, AgentEvents>(portChannel(port), calls);
    connection = mine;
    let first = true;
    mine.on('changed', (slices) => {
      if (connection !== mine) return;
      // The first frame is the full state: what an earlier agent said is over.
      state = first ? slices : { ...state, ...slices };
      first = false;
      changed.tell(slices);
    });
    void mine.closed.then(() => {
      if (connection === mine) connection = null;
    });
  });
  ipc.on('link', (_event, link) => links.tell(link as AgentLink));
  ipc.on('show', (_event, view, tool) => {
    if (shows.count() === 0) unseen = [view as View, tool as string | null];
    else shows.tell(view as View, tool as string | null);
  });

  /** An `Error` loses its code on the way to the page, a plain object keeps it. */
  const refuse = (error: unknown): never => {
    const { code, message } = error as { code?: unknown; message?: unknown };
    throw { code: String(code ?? 'bug'), message: String(message ?? error) } as Refusal;
  };
  const ask = <T>(call: (api: Calls) => Promise<T>): Promise<T> => {
    if (!connection)
      return Promise.reject({ code: 'closed', message: 'The agent isn’t there just now; it is being started again.' } satisfies Refusal);
    return call(connection.api).catch(refuse);
  };

  const agent: WindowAgent = {
    scan: (options) => ask((api) => api.scan(options)),
    request: (input) => ask((api) => api.request(input)),
    withdraw: (id) => ask((api) => api.withdraw(id)),
    answer: (id, text) => ask((api) => api.answer(id, text)),
    acknowledge: (version) => ask((api) => api.acknowledge(version)),
    actNow: (id) => ask((api) => api.actNow(id)),
    keepForToday: (id) => ask((api) => api.keepForToday(id)),
    undo: (id) => ask((api) => api.undo(id)),
    syncNow: () => ask((api) => api.syncNow()),
    sentPayloads: () => ask((api) => api.sentPayloads()),
    // The one thing that a window may say it told: notifications are not silenced from here.
    welcomed: () => ask((api) => api.told(['first-run'])),
    onChanged: (handler) => {
      if (state) changed.call(handler, [state]);
      return changed.add(handler);
    },
  };
  const shell: WindowShell = {
    link: () => ipc.invoke('shell:link') as ReturnType<ShellApi['link']>,
    restartAgent: () => ipc.invoke('shell:restartAgent') as ReturnType<ShellApi['restartAgent']>,
    openHelp: () => ipc.invoke('shell:openHelp') as ReturnType<ShellApi['openHelp']>,
    about: () => ipc.invoke('shell:about') as ReturnType<ShellApi['about']>,
    onLink: (handler) => links.add(handler),
    onShow: (handler) => {
      const off = shows.add(handler);
      if (unseen) shows.call(handler, unseen);
      unseen = null;
      return off;
    },
  };
  ipc.send('port-wanted');
  return { agent, shell };
}
