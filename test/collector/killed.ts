/** Kills a collector at chosen moments of check-ins that carry a bit of everything, and says of each what was lost, doubled or torn. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { deviceKey } from '../../agent/device-key.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { createLog } from '../../collector/log.ts';
import { startCollector } from '../../collector/start.ts';
import { deviceIn } from '../agent/sync-device.ts';

/** `answer`: the answer is on its way, and nobody gets it. */
export type Moment = { readonly when: 'before' | 'after' | 'answer'; readonly what: string };
export type Killed = {
  /** By what it was: `before 3`. */
  readonly wrong: readonly string[];
  /** At how many of the moments the collector died. */
  readonly killed: number;
};

const child = fileURLToPath(new URL('./kill-child.ts', import.meta.url));
const DAY = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
const said = (moment: Moment) => `${moment.when} ${moment.what}`.trim();

/** Moments are taken from `next` until it gives none; it is told whether the collector died at the one before. `databaseUrl` is of an empty PostgreSQL database. */
export async function killCollector(
  databaseUrl: string,
  folder: string,
  next: (diedBefore: boolean | null) => Moment | null,
): Promise<Killed> {
  /** Where the wire leads, and whether its end is to be cut when an answer comes. */
  let leads: { readonly port: number; readonly cut: ChildProcess | null } = { port: 0, cut: null };
  const wire = net.createServer((socket) => {
    const { port, cut } = leads;
    const onward = net.connect(port, '127.0.0.1');
    socket.pipe(onward);
    onward.on('data', (chunk: Buffer) => {
      if (cut) {
        cut.kill('SIGKILL');
        socket.destroy();
      } else socket.write(chunk);
    });
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(wire.address() as AddressInfo).port}`;
  const limits = { address: { rate: 10_000, burst: 10_000 }, all: { rate: 10_000, burst: 10_000 } };
  const steady = await startCollector({
    where: { url: databaseUrl, connections: 2 },
    ...{ log: createLog(() => {}), tenant: 'acme', port: 0, publicUrl: url, limits },
  });
  const steadyPort = Number(new URL(steady.url).port);
  leads = { port: steadyPort, cut: null };

  const one = await deviceIn(path.join(folder, 'killed'), { url, secret: steady.first?.enrolSecret ?? '' });
  const evidence = createEvidence({
    ...{ store: one.store, dataDir: one.dataDir, device: one.device, key: () => deviceKey(one.dataDir), now: () => new Date() },
    ...{ userNames: () => 'hash' as const, names: one.names, onBehind: () => {}, onBroken: () => {} },
  });
  one.put('t0', '0');
  await one.sync.syncNow();

  const { db } = steady.context;
  const wrong: string[] = [];
  let killed = 0;
  let round = 0;
  let died: boolean | null = null;
  const starting = (moment: Moment) => {
    const process_ = spawn(process.execPath, [child, databaseUrl, url, moment.when, moment.what], { stdio: ['ignore', 'pipe', 'ignore'] });
    const port = new Promise<number>((resolve, reject) => {
      process_.stdout.once('data', (line) => resolve(Number(new URL(String(line).trim()).port)));
      process_.once('exit', () => reject(new Error(`The collector to be killed (${said(moment)}) did not start.`)));
    });
    return { process: process_, port, ended: once(process_, 'exit') as Promise<[number | null, string | null]> };
  };
  try {
    for (let moment = next(null); moment !== null; moment = next(died)) {
      round++;
      const { process: dying, port, ended } = starting(moment);
      leads = { port: await port, cut: moment.when === 'answer' ? dying : null };
      one.put(`t${round % 7}`, String(round));
      if (round % 5 === 0) one.tools.delete(`t${(round + 3) % 7}`);
      one.ask(`t${round}`);
      one.store.addUsage([{ day: DAY, tool: `t${round}`, runS: round, frontS: 0, launches: 1 }]);
      evidence.write((note) => note({ kind: 'seen', item: `t${round}`, decision: 'unreviewed' }));
      await one.sync.syncNow().catch(() => {
        // What comes of it is looked at below.
      });
      // One that did not meet its moment has answered, and lives.
      died = await Promise.race([
        ended.then(([, signal]) => signal === 'SIGKILL'),
        one.store.sync.waiting().length === 0 ? false : ended.then(() => true),
      ]);
      if (died) killed++;
      dying.kill('SIGKILL');
      await ended;

      leads = { port: steadyPort, cut: null };
      await one.sync.syncNow();
      const row = await db.selectFrom('device').select(['head', 'item_count']).where('id', '=', one.id).executeTakeFirst();
      const requests = await db.selectFrom('request').select('id').where('device', '=', one.id).orderBy('id').execute();
      const rows = await db.selectFrom('evidence_row').select(['seq', 'hash']).where('device', '=', one.id).orderBy('seq').execute();
      const alarms = await db.selectFrom('audit').select('action').where('device', '=', one.id).where('alarm', '=', true).execute();
      const checks: [string, unknown, unknown][] = [
        ['head', [row?.head, row?.item_count], [one.head(), one.tools.size]],
        [
          'requests',
          requests.map(({ id }) => id),
          one.store
            .requests()
            .map(({ id }) => id)
            .sort(),
        ],
        ['record', rows.map(({ seq, hash }) => [Number(seq), hash]), [...one.store.evidenceRows.all()].map(({ seq, hash }) => [seq, hash])],
        ['alarms', alarms, []],
        ['waiting', one.store.sync.waiting().length, 0],
      ];
      for (const [name, is, ought] of checks)
        if (JSON.stringify(is) !== JSON.stringify(ought))
          wrong.push(`${said(moment)}: ${name} ${JSON.stringify(is)?.slice(0, 300)}, not ${JSON.stringify(ought)?.slice(0, 300)}`);
    }
  } finally {
    one.close();
    wire.close();
    await steady.stop();
  }
  return { wrong, killed };
}
