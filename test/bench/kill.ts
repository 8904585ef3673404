/** Kills a writing process at random moments, again and again over one database: it must always open, and hold what was acknowledged. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readMigrations } from '../../agent/assets.ts';
import { openOrRebuild } from '../../agent/store/store.ts';

const child = fileURLToPath(new URL('../agent/store-child.ts', import.meta.url));

/**
 * `rounds` kills, each after a random number of acknowledged requests and then at a random microsecond. `acknowledged` counts the requests whose
 * storing was told to us, `lost` those of them that were gone afterwards, `rebuilt` how often the file was found damaged: both must be 0.
 */
export async function killWhileWriting(rounds: number): Promise<{ rounds: number; acknowledged: number; lost: number; rebuilt: number }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-kill-'));
  const file = path.join(folder, 'muster.db');
  const acknowledged = new Set<string>();
  let rebuilt = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      for (const id of await writeUntilKilled(file, Math.floor(Math.random() * 40))) acknowledged.add(id);
      const opened = openOrRebuild(file, { migrations: readMigrations(), now: new Date() });
      if (opened.rebuilt) rebuilt++;
      const there = new Set(opened.store.requests().map(({ id }) => id));
      opened.store.close();
      const lost = [...acknowledged].filter((id) => !there.has(id)).length;
      if (lost > 0 || opened.rebuilt) return { rounds: round + 1, acknowledged: acknowledged.size, lost, rebuilt };
    }
    return { rounds, acknowledged: acknowledged.size, lost: 0, rebuilt };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Kills after `after` acknowledged requests plus up to 3 ms of whatever the child is doing then; what it wrote to the pipe still counts. */
async function writeUntilKilled(file: string, after: number): Promise<string[]> {
  const writer = spawn(process.execPath, [child, 'write', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ids: string[] = [];
  let failure: string | null = null;
  const moment = Math.random() * 3;
  for await (const line of createInterface(writer.stdout)) {
    const said: unknown = JSON.parse(line);
    if (typeof said === 'string') ids.push(said);
    else if ((said as { rebuilt: unknown }).rebuilt !== null) failure = line;
    if (ids.length === after + 1 && !writer.killed) {
      const until = performance.now() + moment;
      while (performance.now() < until);
      writer.kill('SIGKILL');
    }
  }
  if (failure !== null || ids.length <= after)
    throw new Error(`The writer ended by itself (${failure ?? `after ${ids.length} requests`}).`);
  return ids;
}
