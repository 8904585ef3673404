/** One run of a simulated fleet: starts the collector it is let loose on, or takes one that runs, plays a scenario, and says what both of them did. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { createSender } from './sender.ts';
import type { Played } from './stage.ts';
import type { Order, TargetState, Told } from './target.ts';

export type FleetOptions = {
  readonly scenario: Scenario;
  readonly devices: number;
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  /** An empty PostgreSQL; null: an embedded database in `folder`. */
  readonly databaseUrl: string | null;
  readonly folder: string;
  /** A collector that runs already, on loopback; its devices enrol as any would. */
  readonly target: { readonly url: string; readonly secret: string } | null;
  readonly signal: AbortSignal;
  /** Processor time that the database has used so far, in ms, where somebody can tell. */
  readonly databaseMs?: () => number;
  say(line: string): void;
};

export type Report = {
  readonly scenario: Scenario;
  readonly devices: number;
  readonly engine: string;
  readonly played: Played;
  /** Null for a collector that ran already. `processorShare` of one core, while the scenario was played. */
  readonly target: (TargetState & { readonly processorShare: number }) | null;
  /** Processor time for each request that was answered well, in ms; what only somebody else can tell is null. */
  readonly costMs: { readonly collector: number | null; readonly database: number | null; readonly fleet: number };
  readonly filledSeconds: number;
};

/** Throws where the target can't be used, with the reason. */
export async function runFleet(options: FleetOptions): Promise<Report> {
  const { scenario, devices, rate, seconds, seed, signal, say } = options;
  const began = performance.now();
  const target = options.target ? null : await startTarget(options);
  const { url, secret } = options.target ?? target?.ready ?? { url: '', secret: '' };
  const filledSeconds = (performance.now() - began) / 1000;
  const sender = createSender(url);
  try {
    const stage = { seed, devices, rate, seconds, secret, published: target?.ready.published, sender, collector: target, signal, say };
    if (options.target && SCENARIOS[scenario].filled) {
      say(`enrolling ${devices} devices`);
      await SCENARIOS.enrol.play(stage);
    }
    const before = await target?.state();
    const at = performance.now();
    const own = process.cpuUsage();
    const database = options.databaseMs?.();
    const played = await SCENARIOS[scenario].play(stage);
    const wall = performance.now() - at;
    const { user, system } = process.cpuUsage(own);
    const each = (ms: number) => Math.round((ms / Math.max(1, played.numbers.ok)) * 100) / 100;
    const databaseMs = database === undefined ? null : (options.databaseMs?.() ?? 0) - database;
    const after = await target?.state();
    const share = before && after ? (after.processorMs - before.processorMs) / wall : 0;
    return {
      scenario,
      devices,
      engine: target?.ready.engine ?? 'unknown',
      played,
      target: after ? { ...after, processorShare: share } : null,
      costMs: {
        collector: before && after ? each(after.processorMs - before.processorMs) : null,
        database: databaseMs === null ? null : each(databaseMs),
        fleet: each((user + system) / 1000),
      },
      filledSeconds,
    };
  } finally {
    sender.close();
    await target?.stop();
  }
}

/** Approved a second, each with a signature: what a fleet of a hundred thousand never asks for. */
const DECISIONS = 1;

/** Places of the enrolment secret are as many as the devices, so that one too many is refused. */
async function startTarget({ scenario, devices, seed, databaseUrl, folder, signal, say }: FleetOptions) {
  const { filled } = SCENARIOS[scenario];
  const order = {
    seed,
    devices,
    url: databaseUrl,
    folder,
    fill: filled,
    decisions: filled ? DECISIONS : 0,
    quota: filled ? null : devices,
  };
  let child = launch(say);
  const end = () => child.end();
  signal.addEventListener('abort', end, { once: true });
  const stop = async () => {
    signal.removeEventListener('abort', end);
    await child.stop();
  };
  try {
    const ready = await child.ask({ ...order, again: null }, 'ready');
    return {
      ready,
      stop,
      state: async (): Promise<TargetState> => (await child.ask('state', 'state')).state,
      /** At once, without an end of anything. */
      kill: () => child.kill(),
      begin: async (): Promise<void> => {
        child = launch(say);
        await child.ask({ ...order, again: ready }, 'ready');
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch(say: (line: string) => void) {
  const child: ChildProcess = fork(fileURLToPath(new URL('./target.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const end = () => void (child.connected && child.disconnect());
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    end,
    /** The next word of a kind; what it says on the way is passed on. */
    ask: <K extends Told['kind']>(question: Order | 'state', kind: K) =>
      new Promise<Extract<Told, { kind: K }>>((resolve, reject) => {
        const done = () => {
          child.off('message', listen);
          child.off('exit', gone);
        };
        const gone = () => {
          done();
          reject(new Error('The collector ended.'));
        };
        const listen = (told: Told) => {
          if (told.kind === 'said') return say(told.line);
          done();
          if (told.kind === kind) resolve(told as Extract<Told, { kind: K }>);
          else reject(new Error(told.kind === 'failed' ? told.message : `The collector said ${told.kind}.`));
        };
        child.on('message', listen);
        child.once('exit', gone);
        child.send(question, (error) => error && gone());
      }),
    async kill() {
      child.kill('SIGKILL');
      await ended();
    },
    async stop() {
      const exited = ended();
      end();
      await exited;
    },
  };
}
