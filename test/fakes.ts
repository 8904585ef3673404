/** The only fakes of the test suite: the operating system's identity, and time. Everything else in a test is real. */
import path from 'node:path';
import type { Clock } from '../agent/observe/observation.ts';
import type { Os } from '../agent/observe/os.ts';

/** An operating system whose system places lie under `root` (a temporary folder) and whose programs answer from `programs`. */
export function fakeOs(
  options: Partial<Omit<Os, 'at' | 'run'>> & { root: string; programs?: (file: string, args: readonly string[]) => string | Error },
): Os {
  const { root, programs, ...rest } = options;
  return {
    platform: 'linux',
    arch: 'x64',
    env: {},
    user: { name: 'ada', uid: 1000, home: path.join(root, 'home/ada') },
    hostname: 'test-machine',
    at: (systemPath) => path.join(root, systemPath),
    run: async (file, args) => {
      const answer = programs?.(file, args) ?? new Error(`${file}: not found`);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...rest,
  };
}

/**
 * Time that passes only when a test says so. `advance` runs what falls due, in order, and lets promises settle between. With `patienceMs` (real
 * time) it lets work that reads files end, too: until as many wait for the clock again as ever did.
 */
export function fakeClock(
  start = '2026-11-22T09:00:00.000Z',
  patienceMs = 0,
): Clock & { advance(ms: number): Promise<void>; waiting(): number } {
  let now = Date.parse(start);
  let waiting: { at: number; resolve(): void }[] = [];
  let most = 0;
  const settle = async () => {
    const until = Date.now() + patienceMs;
    for (let turn = 0; turn < 20 || (waiting.length < most && Date.now() < until); turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return {
    now: () => new Date(now),
    /** How many wait for this clock. */
    waiting: () => waiting.length,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const entry = { at: now + ms, resolve };
        waiting.push(entry);
        most = Math.max(most, waiting.length);
        signal.addEventListener('abort', () => {
          waiting = waiting.filter((other) => other !== entry);
          resolve();
        });
      }),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const due = waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        waiting = waiting.filter((entry) => entry !== due);
        now = due.at;
        due.resolve();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}

/**
 * Electron's two ends of its messages: `main` is what `ipcMain` is to the shell, `page` what `ipcRenderer` is to the preload. What the page
 * sends comes from `sender`, which a test may replace to be somebody else.
 */
export function fakeIpc(sender: { id: number; url: string; parent?: unknown } | null) {
  type Listener = (event: never, ...args: unknown[]) => unknown;
  const handled = new Map<string, Listener>();
  const inMain = new Map<string, Listener[]>();
  const inPage = new Map<string, Listener[]>();
  const add = (all: Map<string, Listener[]>, channel: string, listener: Listener) =>
    all.set(channel, [...(all.get(channel) ?? []), listener]);
  const ipc = {
    sender,
    event: () => ({
      sender: { id: ipc.sender?.id ?? 0 },
      senderFrame: ipc.sender && { url: ipc.sender.url, parent: ipc.sender.parent ?? null },
    }),
    main: {
      handle: (channel: string, listener: Listener) => void handled.set(channel, listener),
      on: (channel: string, listener: Listener) => void add(inMain, channel, listener),
    },
    page: {
      invoke: async (channel: string, ...args: unknown[]) => {
        const listener = handled.get(channel);
        if (!listener) throw new Error(`No handler registered for '${channel}'`);
        return listener(ipc.event() as never, ...args);
      },
      send: (channel: string, ...args: unknown[]) => {
        for (const listener of inMain.get(channel) ?? []) listener(ipc.event() as never, ...args);
      },
      on: (channel: string, listener: Listener) => void add(inPage, channel, listener),
    },
    /** What `webContents.send` and `webContents.postMessage` do. */
    toPage: (channel: string, ports: readonly unknown[], ...args: unknown[]) => {
      for (const listener of inPage.get(channel) ?? []) listener({ ports } as never, ...args);
    },
  };
  return ipc;
}
