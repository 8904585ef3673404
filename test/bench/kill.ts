/** Kills a writing process at random moments, again and again over one database: it must always open, hold what was acknowledged, and prove its record. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readMigrations } from '../../agent/assets.ts';
import { readDeviceKey } from '../../agent/device-key.ts';
import { verifyChain } from '../../agent/evidence/chain.ts';
import { readHead } from '../../agent/evidence/head-file.ts';
import { openOrRebuild, type Store } from '../../agent/store/store.ts';

const child = fileURLToPath(new URL('../agent/store-child.ts', import.meta.url));

export type Killed = {
  readonly rounds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly rebuilt: number;
  /** How often the record of decisions was not whole, or said something else of a request than the request itself. */
  readonly broken: number;
};

/**
 * `rounds` kills, each after a random number of acknowledged requests and then at a random microsecond. `acknowledged` counts the requests whose
 * storing was told to us, `lost` those of them that were gone afterwards, `rebuilt` how often the file was found damaged: both must be 0.
 */
export async function killWhileWriting(rounds: number): Promise<Killed> {
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
      const broken = isRecordWhole(folder, opened.store) ? 0 : 1;
      opened.store.close();
      const lost = [...acknowledged].filter((id) => !there.has(id)).length;
      if (lost > 0 || opened.rebuilt || broken > 0) return { rounds: round + 1, acknowledged: acknowledged.size, lost, rebuilt, broken };
    }
    return { rounds, acknowledged: acknowledged.size, lost: 0, rebuilt, broken: 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the chain proves itself, and its last word on each request is the state that the request has: neither was written without the other. */
function isRecordWhole(folder: string, store: Store): boolean {
  const key = readDeviceKey(folder);
  const rows = [...store.evidenceRows.all()];
  const verified = verifyChain(rows, readHead(folder, key), key && ((bytes, signature) => key.verify(bytes, signature)));
  const said = new Map(rows.flatMap(({ kind, detail, decision }) => (kind === 'request' ? [[JSON.parse(detail).request, decision]] : [])));
  const states = new Map(store.requests().map(({ id, state }) => [id, state]));
  return verified.ok && rows.length > 0 && [...said].every(([id, state]) => states.get(id) === state);
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
    else if ((said as { rebuilt: unknown; broken: unknown }).rebuilt !== null || (said as { broken: unknown }).broken !== null)
      failure = line;
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
