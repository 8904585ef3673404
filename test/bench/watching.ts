/** A running agent as an open client sees it: the bundled executable's `watch`, and one connection to its socket. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { reach } from '../../agent/local.ts';
import type { Snapshot } from '../../electron/contract.ts';
import type { Bench } from './bench.ts';

export type Client = {
  /** Resolves as soon as the state fulfils it, with `performance.now()` of the frame that made it so; rejects after `limitMs`. */
  until(what: string, holds: (state: Snapshot) => boolean, limitMs: number): Promise<number>;
  state(): Snapshot;
  /** Frames received so far. */
  frames(): number;
  close(): void;
};

export type Watching = { readonly pid: number; readonly connect: () => Promise<Client> };

/** Starts an agent over `home`; resolves when it can be reached. `settings` as in `settings.json`. */
export async function startWatching(
  bench: Bench,
  options: { home: string; data: string; settings?: object; env: NodeJS.ProcessEnv },
): Promise<Watching> {
  const { home, data, settings, env } = options;
  mkdirSync(data, { recursive: true });
  if (settings) writeFileSync(path.join(data, 'settings.json'), JSON.stringify(settings));
  const child = bench.start([bench.muster, 'watch', '--supervised', '--data', data, '--home', home], env);
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = (said + chunk).slice(-500);
  });
  const ready = await new Promise<{ pid: number }>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`The agent ended with ${code} before it was ready: ${said.trim()}`)));
    if (child.stdout) createInterface(child.stdout).once('line', (line) => resolve(JSON.parse(line)));
  });
  return { pid: ready.pid, connect: () => connectTo(bench, data) };
}

async function connectTo(bench: Bench, data: string): Promise<Client> {
  const connection = await reach(data);
  if (!connection) throw new Error('The agent said that it is ready and can’t be reached.');
  bench.defer(connection.close);
  let { state } = connection;
  let at = performance.now();
  let frames = 0;
  const waiting = new Set<() => void>();
  connection.on('changed', (slices) => {
    at = performance.now();
    frames++;
    state = { ...state, ...slices };
    for (const look of waiting) look();
  });
  const now = () => state;
  return {
    state: now,
    frames: () => frames,
    close: connection.close,
    until: (what, holds, limitMs) =>
      new Promise((resolve, reject) => {
        if (holds(now())) return resolve(at);
        const end = (settle: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          settle();
        };
        const look = () => holds(now()) && end(() => resolve(at));
        const timer = setTimeout(() => end(() => reject(new Error(`${what}: not within ${limitMs} ms.`))), limitMs);
        bench.signal.addEventListener('abort', () => end(() => reject(bench.signal.reason)), { once: true });
        waiting.add(look);
      }),
  };
}
