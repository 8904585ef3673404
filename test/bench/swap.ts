/** Kills a process that swaps policies at random moments: after each start the old or the new one is in force, whole, and the floor never falls. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isWhole, organization } from '../agent/signed.ts';

const child = fileURLToPath(new URL('../agent/swap-child.ts', import.meta.url));

export type Swapped = {
  readonly swaps: number;
  readonly kills: number;
  /** Kills after which the policy of the last swap that was told of was in force, and after which the one that had begun was. */
  readonly old: number;
  readonly next: number;
  /** What must not be: in force is neither, or half; the floor is lower than before or than what was told of; a start that complains. */
  readonly broken: number;
  readonly lowered: number;
  readonly complaints: number;
};

type Started = { rebuilt: boolean; rev: number; policy: unknown; trust: { policy: number | null }; problems: string[] };

/** At least `kills` kills and `swaps` swaps; `signal` ends it early. */
export async function swapWhileKilled(swaps: number, kills: number, signal?: AbortSignal): Promise<Swapped> {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-swap-'));
  const dataDir = path.join(folder, 'data');
  const keys = path.join(folder, 'keys.json');
  mkdirSync(dataDir);
  const { root, online } = await organization();
  writeFileSync(keys, JSON.stringify({ root, online }), { mode: 0o600 });
  const floorRev = () => {
    const file = path.join(dataDir, 'trust-floor.json');
    return existsSync(file) ? ((JSON.parse(readFileSync(file, 'utf8')) as { policy: { rev: number } | null }).policy?.rev ?? 0) : 0;
  };
  const result = { swaps: 0, kills: 0, old: 0, next: 0, broken: 0, lowered: 0, complaints: 0 };
  let told = 0;
  let floor = 0;
  const each = Math.ceil(swaps / kills);
  try {
    while ((result.swaps < swaps || result.kills < kills) && !signal?.aborted) {
      // Every tenth is killed while it starts.
      const after = result.kills % 10 === 9 ? -1 : Math.floor(each * (0.5 + Math.random()));
      const { started, revs } = await swapUntilKilled(dataDir, keys, after);
      if (started) {
        if (result.kills > 0) {
          if (started.rev === told) result.old++;
          else if (started.rev === told + 1) result.next++;
          else result.broken++;
        }
        if (started.rev > 0 && !isWhole(started.policy, started.rev)) result.broken++;
        if (started.rebuilt || started.problems.length > 0) result.complaints++;
        told = Math.max(told, started.rev);
      }
      result.swaps += revs.length;
      result.kills++;
      told = Math.max(told, ...revs);
      const now = floorRev();
      if (now < floor || now < told) result.lowered++;
      floor = now;
      if (result.broken + result.lowered + result.complaints > 0) break;
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills after `after` more swaps that were told of, and up to 6 ms of whatever it does then; with `after` -1 at a random moment of its start. */
async function swapUntilKilled(dataDir: string, keys: string, after: number): Promise<{ started: Started | null; revs: number[] }> {
  const running = spawn(process.execPath, [child, dataDir, keys, '1000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Starting is mostly reading our own files; a second start finds them compiled.
    env: { ...process.env, NODE_COMPILE_CACHE: path.join(path.dirname(keys), 'compiled') },
  });
  let started: Started | null = null;
  const revs: number[] = [];
  const moment = Math.random() * 6;
  let timer: NodeJS.Timeout | null = null;
  if (after < 0) timer = setTimeout(() => running.kill('SIGKILL'), 150 + Math.random() * 350);
  for await (const line of createInterface(running.stdout)) {
    const said: unknown = JSON.parse(line);
    if (typeof said === 'number') revs.push(said);
    else started = said as Started;
    if (after >= 0 && revs.length > after && !running.killed) {
      const until = performance.now() + moment;
      while (performance.now() < until);
      running.kill('SIGKILL');
    }
  }
  if (timer) clearTimeout(timer);
  if (!running.killed) throw new Error(`The swapping process ended by itself, after ${revs.length} swaps.`);
  return { started, revs };
}
