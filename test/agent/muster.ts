/** Runs the real command line for a test: in a home of its own, with a small environment, and a watching agent that is ended again. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, inject } from 'vitest';
import type { AgentApi, AgentEvents, Snapshot } from '../../electron/contract.ts';
import { type Connection, connect } from '../../electron/rpc.ts';
import { socketChannel } from '../../electron/socket.ts';

/** The sources in one file, made once for the whole run. */
const CLI = inject('musterCli');
/** A second start finds it compiled. */
const cacheOf = (uid = process.getuid?.()) => path.join(tmpdir(), `muster-test-compiled-${uid ?? ''}`);
const METHODS = [
  'scan',
  'request',
  'withdraw',
  'answer',
  'acknowledge',
  'actNow',
  'keepForToday',
  'undo',
  'told',
  'syncNow',
  'sentPayloads',
  'enroll',
  'stop',
] as const;

export type Ran = { code: number | null; out: string; err: string };
type Options = { env?: Record<string, string>; uid?: number; home?: string | null };

const left: (() => void)[] = [];
afterAll(() => {
  for (const clean of left.reverse()) {
    try {
      clean();
    } catch {
      // One folder that stays (a disk is still mounted on it) is no reason to leave the others.
    }
  }
});

/** A temporary folder that goes with the test file. */
export function temporary(name: string): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), `muster-${name}-`)));
  left.push(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Ends a process when the test file is over, however it went. */
export function endLater(child: ChildProcess): void {
  left.push(() => void (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')));
}

export function write(file: string, content: string | Buffer | object, mode?: number): string {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(
    file,
    typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content),
    mode === undefined ? {} : { mode },
  );
  if (mode !== undefined) fs.chmodSync(file, mode);
  return file;
}

/** Starts `muster` with these words; `home` null leaves HOME out. The variables of the test run itself don't reach it. */
export function start(
  home: string | null,
  args: readonly string[],
  { env = {}, uid }: Options = {},
): ChildProcess & { done: Promise<Ran> } {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: '/usr/bin:/bin', NODE_COMPILE_CACHE: cacheOf(uid), ...(home === null ? {} : { HOME: home }), ...env },
    cwd: tmpdir(),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  endLater(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    err += chunk;
  });
  const done = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return Object.assign(child, { done });
}

/** Runs it to its end. Standard input is closed at once. */
export async function muster(home: string | null, args: readonly string[], options: Options = {}): Promise<Ran> {
  const child = start(home, args, options);
  child.stdin?.end();
  return child.done;
}

/** The answer as JSON; throws with what was said instead. */
export async function asked<T>(home: string | null, args: readonly string[], options: Options = {}): Promise<T> {
  const { code, out, err } = await muster(home, [...args, '--json'], options);
  if (code !== 0) throw new Error(`muster ${args.join(' ')} ended with ${code}: ${out}${err}`);
  return JSON.parse(out) as T;
}

/** Resolves as soon as `holds` is true, asked again with every turn of the loop and at most 20 ms apart. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It never came to be that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export type Watching = ChildProcess & { done: Promise<Ran>; socket: string };

/** A supervised `muster watch` that has said it is ready. */
export async function watching(home: string, args: readonly string[] = [], options: Options = {}): Promise<Watching> {
  const child = start(home, ['watch', '--supervised', ...args], options);
  const ready = await new Promise<{ ready: true; socket: string }>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))));
    });
    child.done.then(({ code, out, err }) => reject(new Error(`The agent ended with ${code}: ${out}${err}`)), reject);
  });
  return Object.assign(child, { socket: ready.socket });
}

export type Client = Connection<AgentApi, AgentEvents> & { state(): Snapshot; raw(): string; frames: Partial<Snapshot>[] };

/** A connection as a window has it: the state as the stream tells it, and every byte that came. */
export async function client(socketPath: string): Promise<Client> {
  const socket = net.connect(socketPath);
  let raw = '';
  const connection = connect<AgentApi, AgentEvents>(socketChannel(socket), METHODS);
  socket.on('data', (chunk) => {
    raw += chunk;
  });
  const frames: Partial<Snapshot>[] = [];
  let state: Snapshot | undefined;
  connection.on('changed', (slices) => {
    frames.push(slices);
    state = { ...(state as Snapshot), ...slices };
  });
  left.push(() => connection.close());
  await until(() => state !== undefined, 'the agent told its state');
  return { ...connection, state: () => state as Snapshot, raw: () => raw, frames };
}
