/** The collector that a fleet is let loose on, as a process of its own, so that what it costs and what the fleet costs are apart. Started by main.ts. */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { sql } from 'kysely';
import { openDatabase } from '../database.ts';
import { createLog, writeTogether } from '../log.ts';
import { type StartedSigner, startSigner } from '../signer/start.ts';
import { type Collector, startCollector } from '../start.ts';
import { makeEnrolSecret } from '../store/secrets.ts';
import { makeTenant } from '../store/tenant.ts';
import { type Deciding, decide, type Published, publish } from './deciding.ts';
import { fill } from './fill.ts';

export type Order = {
  readonly seed: number;
  readonly devices: number;
  readonly url: string | null;
  readonly folder: string;
  readonly fill: boolean;
  /** How many requests are approved a second, each with a signature. */
  readonly decisions: number;
  /** Places of the enrolment secret; null: any number. */
  readonly quota: number | null;
  /** What it told when it was ready the first time: it begins again where it was. */
  readonly again: Extract<Told, { kind: 'ready' }> | null;
};
export type Told =
  | { readonly kind: 'said'; readonly line: string }
  | { readonly kind: 'ready'; readonly url: string; readonly secret: string; readonly engine: string; readonly published: Published }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'state'; readonly state: TargetState };

export type TargetState = {
  readonly databaseBytes: number;
  /** The signer's too. */
  readonly processorMs: number;
  /** Lists of grants that were signed for a decision. */
  readonly signed: number;
  readonly rssBytes: number;
  readonly rows: Readonly<Record<string, number>>;
  /** By what they are about. */
  readonly alarms: Readonly<Record<string, number>>;
  /** Updates of `device`, and how many of them touched no index; null where the database doesn't count. */
  readonly updates: { readonly all: number; readonly hot: number } | null;
};

const tell = (told: Told) => void process.send?.(told);

async function begin({ seed, devices, url, folder, fill: filled, decisions, quota, again }: Order): Promise<Running> {
  const where = { url: url ?? undefined, folder };
  if (filled && !again) {
    const opened = await openDatabase(where);
    await makeTenant(opened.db, 'fleet', new Date());
    await fill(opened.db, seed, devices, new Date(), (line) => tell({ kind: 'said', line }));
    // As it would have been done in the days that this took in truth.
    await sql`vacuum analyze`.execute(opened.db);
    // A server that has run for a while uses the files of its log again; a new one stops to make each, unless there were some to clear away.
    if (opened.engine === 'postgresql') await sql`checkpoint`.execute(opened.db).catch(() => {});
    await opened.close();
  }
  // A log is part of what a check-in costs.
  const file = openSync(`${folder}.log`, 'a', 0o600);
  const together = writeTogether((text) => writeSync(file, text));
  const log = createLog((line) => {
    together(line);
    if (line.includes('"level":"error"')) process.stderr.write(line);
  });
  const signer = await startSigner(`${folder}-signer`, 'fleet');
  const port = again ? Number(new URL(again.url).port) : 0;
  // The fleet stands in for a balancer, so that each device has an address of its own.
  const collector = await startCollector({ where, log, tenant: 'fleet', trustProxy: 'loopback', signer: signer.signer, port });
  const ready = again ?? (await firstOf(collector, quota));
  const deciding = decisions > 0 ? decide(collector, seed, devices, decisions, (line) => tell({ kind: 'said', line })) : null;
  tell(ready);
  return { collector, signer, deciding };
}

async function firstOf(collector: Collector, quota: number | null): Promise<Extract<Told, { kind: 'ready' }>> {
  const { secret } = await makeEnrolSecret(collector.context.db, { label: 'fleet', quota }, new Date());
  return { kind: 'ready', url: collector.url, secret, engine: collector.context.database.engine, published: await publish(collector) };
}

type Running = { readonly collector: Collector; readonly signer: StartedSigner; readonly deciding: Deciding | null };

/** Of another process, where `/proc` tells; its ticks are hundredths of a second. */
function processorMs(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

async function stateOf({ collector, signer, deciding }: Running): Promise<TargetState> {
  const { db, database } = collector.context;
  const { rows: size } = await sql<{ bytes: number }>`select pg_database_size(current_database()) as bytes`.execute(db);
  const count = async (table: 'device' | 'device_inventory' | 'item_body' | 'audit') => {
    const row = await db
      .selectFrom(table)
      .select((on) => on.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    return Number(row.rows);
  };
  const tables = ['device', 'device_inventory', 'item_body', 'audit'] as const;
  const rows = Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await count(table)] as const)));
  const { rows: counted } = await sql<{ all: number; hot: number }>`
    select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables where relname = 'device'`.execute(db);
  const { rows: alarms } = await sql<{ action: string; count: number }>`
    select action, count(*)::int as count from audit where alarm group by action`.execute(db);
  const { user, system } = process.cpuUsage();
  return {
    alarms: Object.fromEntries(alarms.map(({ action, count }) => [action, count])),
    databaseBytes: Number(size[0]?.bytes ?? 0),
    processorMs: Math.round((user + system) / 1000) + processorMs(signer.pid()),
    signed: deciding?.signed() ?? 0,
    rssBytes: process.memoryUsage.rss(),
    rows,
    updates: database.engine === 'postgresql' && counted[0] ? { all: Number(counted[0].all), hot: Number(counted[0].hot) } : null,
  };
}

let running: Running | null = null;
process.on('message', (message: Order | 'state') => {
  const failed = (error: unknown) =>
    tell({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  if (message === 'state') {
    if (running) stateOf(running).then((state) => tell({ kind: 'state', state }), failed);
    return;
  }
  begin(message).then((begun) => {
    running = begun;
  }, failed);
});
// Its master is gone, however that ended.
process.on('disconnect', () => {
  void end().finally(() => process.exit(0));
});

async function end(): Promise<void> {
  await running?.deciding?.stop();
  await running?.collector.stop();
  await running?.signer.stop();
}
