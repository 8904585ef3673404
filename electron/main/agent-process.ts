/**
 * Keeps one agent running: spawns its executable, waits until it is ready, connects, and starts it again with growing pauses when it ends.
 *
 * The agent's side of the agreement: `watch --supervised` prints one JSON line when it can be reached (`{"ready":true,"socket":…}`), with
 * `"existing":true` where another agent already owns the data folder (this one then ends with 0); it ends when its standard input closes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect as connectSocket, type Socket } from 'node:net';
import type { AgentLink } from '../contract.ts';
import type { Channel } from '../rpc.ts';

/** Time as this file needs it; tests pass their own. `wait` resolves after `ms` or when `signal` aborts, and never rejects. */
export type Clock = { now(): Date; wait(ms: number, signal: AbortSignal): Promise<void> };

const systemClock: Clock = {
  now: () => new Date(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    }),
};

export type AgentProcess = {
  link(): AgentLink;
  /** A new connection to the agent that is up now, owned by whoever asked; null while there is none. */
  connect(): Socket | null;
  /** Starts the agent anew now: the running one is ended first, a pause is cut short. */
  restart(): void;
  /** Ends the agent (not one that was there before us) and resolves when it is gone. */
  stop(): Promise<void>;
};

/** Exit codes of the agent that the same attempt a second later won't mend: wrong usage, and a database that can't be used. */
const HOPELESS = new Set([2, 4]);
const HOPELESS_PAUSE = 60_000;
const LONGEST_PAUSE = 60_000;
/** After this long without trouble the next pause is short again. */
const HEALTHY = 60_000;
/** Setting aside and rebuilding a large database takes a while; more than this is a hang. */
const READY_WITHIN = 60_000;
const END_WITHIN = 5_000;

/** The pause before try `failures + 1`, in milliseconds: 1 s, 2 s, 4 s … a minute, a fifth more or less so that many computers don't act as one. */
export function pause(failures: number, random: () => number): number {
  const base = Math.min(LONGEST_PAUSE, 1000 * 2 ** Math.min(failures, 6));
  return Math.min(LONGEST_PAUSE, Math.round(base * (0.8 + 0.4 * random())));
}

type Ready = { readonly socket: string; readonly existing: boolean };

/** The agent's first line, or null when it is something else. */
export function readReady(line: string): Ready | null {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('ready' in value) || value.ready !== true) return null;
    if (!('socket' in value) || typeof value.socket !== 'string' || value.socket === '') return null;
    return { socket: value.socket, existing: 'existing' in value && value.existing === true };
  } catch {
    return null;
  }
}

type End = { readonly detail: string; readonly hopeless: boolean };

export function superviseAgent(options: {
  /** The program and its arguments; started without a shell. */
  readonly command: readonly [string, ...string[]];
  readonly clock?: Clock;
  readonly random?: () => number;
  /** Called at every change, also with the first state. */
  onLink(link: AgentLink): void;
  /** Called with main's own connection each time that the agent is up. */
  onUp(socket: Socket): void;
  /** Called for each life of the agent with its standard input and output, over which it may ask for the network (`--through-parent`). */
  onChannel?(channel: Channel): void;
  /** What the agent says on its standard error, a chunk at a time. */
  onStderr?(text: string): void;
}): AgentProcess {
  const { command, clock = systemClock, random = Math.random } = options;
  const [file, ...args] = command;
  const ending = new AbortController();
  /** Aborted by `restart`: ends the pause or the run that is under way. */
  let round = new AbortController();
  let address: string | null = null;
  let link: AgentLink = { state: 'starting', detail: null, retryAt: null };
  const tell = (next: AgentLink) => {
    link = next;
    options.onLink(next);
  };

  /** One life of the agent, from its start to its end. Never rejects: its end is an answer. */
  async function live(signal: AbortSignal): Promise<End> {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    const end = new AbortController();
    let lastWords = '';
    let exited: End | null = null;
    const exit = new Promise<End>((resolve) => {
      const over = (how: End) => {
        exited = how;
        resolve(how);
        end.abort();
      };
      child.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'ENOENT' ? 'it is missing' : (error.code ?? 'it was refused');
        over({ detail: `The agent can’t be started (${file}: ${why}); install Muster again.`, hopeless: true });
      });
      // `close` and not `exit`: by then its last words on standard error have arrived.
      child.once('close', (code, killedBy) => over(ended(code, killedBy, lastWords)));
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2000);
      options.onStderr?.(text);
    });
    // The agent may be gone before it has read anything: that is its end and no error of ours.
    child.stdin?.on('error', () => {});

    options.onChannel?.(channelOf(child));
    const until = AbortSignal.any([signal, end.signal]);
    const ready = await firstReady(child, clock, until);
    if (!ready) {
      const tooLate = exited === null && !signal.aborted;
      const last = await retire(child, exit, () => exited !== null);
      return tooLate ? { detail: `The agent was not ready within ${READY_WITHIN / 1000} seconds and was ended.`, hopeless: false } : last;
    }

    const socket = connectSocket(ready.socket);
    const over = AbortSignal.any(ready.existing ? [signal] : [signal, end.signal]);
    const lost = await new Promise<string | null>((resolve) => {
      let reason = 'The connection to the agent ended.';
      socket.once('error', (error: NodeJS.ErrnoException) => {
        reason = `The connection to the agent failed (${error.code ?? error.message}).`;
      });
      socket.once('close', () => resolve(reason));
      socket.once('connect', () => {
        address = ready.socket;
        tell({ state: 'up', detail: null, retryAt: null });
        options.onUp(socket);
      });
      if (over.aborted) resolve(null);
      else over.addEventListener('abort', () => resolve(null));
    });
    address = null;
    socket.destroy();
    if (ready.existing) return { detail: lost ?? 'The agent is started again.', hopeless: false };
    return retire(child, exit, () => exited !== null);
  }

  /** Ends the agent in good order, by closing its standard input; by force when it doesn't listen. */
  async function retire(child: ChildProcess, exit: Promise<End>, gone: () => boolean): Promise<End> {
    if (gone()) return exit;
    child.stdin?.end();
    const patience = new AbortController();
    await Promise.race([exit, clock.wait(END_WITHIN, patience.signal)]);
    patience.abort();
    if (!gone()) child.kill('SIGKILL');
    return exit;
  }

  async function supervise(): Promise<void> {
    let failures = 0;
    let last: string | null = null;
    while (!ending.signal.aborted) {
      round = new AbortController();
      const { signal } = round;
      tell({ state: last === null ? 'starting' : 'restarting', detail: last, retryAt: null });
      const startedAt = clock.now().getTime();
      const { detail, hopeless } = await live(AbortSignal.any([signal, ending.signal]));
      if (ending.signal.aborted) return;
      last = detail;
      if (signal.aborted) {
        // Asked for: no pause, and the count starts anew.
        failures = 0;
        continue;
      }
      if (clock.now().getTime() - startedAt >= HEALTHY) failures = 0;
      const ms = hopeless ? HOPELESS_PAUSE : pause(failures++, random);
      tell({ state: hopeless ? 'failed' : 'restarting', detail, retryAt: new Date(clock.now().getTime() + ms).toISOString() });
      await clock.wait(ms, AbortSignal.any([signal, ending.signal]));
      if (signal.aborted) failures = 0;
    }
  }

  const done = supervise();
  return {
    link: () => link,
    connect: () => (address === null ? null : connectSocket(address)),
    restart: () => round.abort(),
    stop: () => {
      ending.abort();
      return done;
    },
  };
}

/** The agent's standard output and input. Never closed from here: that would end the agent. */
function channelOf(child: ChildProcess): Channel {
  return {
    send: (chunk) => {
      if (child.stdin?.writable) child.stdin.write(chunk);
    },
    receive: (onChunk, onClose) => {
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => onChunk(chunk));
      child.once('close', onClose);
    },
    close: () => {},
  };
}

/** Resolves with the ready line, or null when the agent ended, was to end, or took too long. */
async function firstReady(child: ChildProcess, clock: Clock, until: AbortSignal): Promise<Ready | null> {
  const found = new AbortController();
  let ready: Ready | null = null;
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    // Read on after the line was found, or a talkative agent would block on a full pipe.
    if (ready || text.length > 65_536) return;
    text += chunk;
    const whole = text.split('\n').slice(0, -1);
    ready = whole.map(readReady).find((line) => line !== null) ?? null;
    if (ready) found.abort();
  });
  await clock.wait(READY_WITHIN, AbortSignal.any([until, found.signal]));
  return ready;
}

/** The agent's end in words. Its own last line says more than the code where there is one; the agent writes no secret there. */
function ended(code: number | null, killedBy: NodeJS.Signals | null, lastWords: string): End {
  const said = lastWords.trim().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
  const how = killedBy ? `was ended by ${killedBy}` : `ended with exit code ${code}`;
  return { detail: said ? `The agent ${how}: ${said}` : `The agent ${how}.`, hopeless: code !== null && HOPELESS.has(code) };
}
