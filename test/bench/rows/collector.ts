/** How many check-ins a collector takes over PostgreSQL, with the simulated fleet on the same machine, and how large its database is. */
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runFleet } from '../../../collector/load/fleet.ts';
import { startPostgres } from '../../collector/postgres.ts';
import { type Row, text } from '../bench.ts';

/** As PostgreSQL counts. */
const GB = 2 ** 30;
/** Check-ins a second that are asked for: the bar, and as much more as chance takes away in half a minute. */
const RATE = 515;

export const row: Row = {
  id: 'collector',
  about:
    'check-ins over PostgreSQL by its socket, fleet on the same machine: 90 % unchanged, 9 % with three changed tools, 1 % full, a grant signed each second; --long: 100,000 devices',
  needs: ['postgres'],
  limitS: { short: 300, long: 2400 },
  async run(bench) {
    // PostgreSQL runs under another account, and its folder lies in this run's own.
    chmodSync(tmpdir(), 0o711);
    const cluster = await startPostgres({ durable: true, settings: { shared_buffers: '512MB', max_wal_size: '4GB' } });
    bench.defer(() => cluster.end());
    const devices = bench.long ? 100_000 : 5000;
    const { played, target, costMs } = await runFleet({
      scenario: 'steady',
      devices,
      rate: RATE,
      seconds: bench.long ? 120 : 30,
      seed: 1,
      databaseUrl: await cluster.database('socket'),
      folder: path.join(bench.folder('fleet'), 'database'),
      target: null,
      signal: bench.signal,
      databaseMs: () => cluster.processorMs(),
      say: bench.say,
    });
    const { numbers } = played;
    const all = (costMs.collector ?? 0) + (costMs.database ?? 0) + costMs.fleet;
    const bytes = target?.databaseBytes ?? 0;
    const failed = Object.values(numbers.codes).reduce((sum, count) => sum + count, 0);
    return [
      {
        what: `collector over PostgreSQL, ${devices} devices: check-ins at ${RATE} a second`,
        measured: `${numbers.perSecond}/s, p99 ${text(numbers.p99Ms, 'ms')} (p50 ${text(numbers.p50Ms, 'ms')}), ${failed} refused, ${numbers['skipped']} not sent, ${target?.signed ?? 0} grants signed; processor time of one: collector ${costMs.collector} + PostgreSQL ${costMs.database} + fleet ${costMs.fleet} = ${text(all, 'ms')}`,
        bar: '≥ 500/s, p99 ≤ 100 ms',
        met: numbers.perSecond >= 500 && numbers.p99Ms <= 100 && (target?.signed ?? 0) > 0,
        numbers: {
          devices,
          perSecond: numbers.perSecond,
          p50Ms: numbers.p50Ms,
          p99Ms: numbers.p99Ms,
          failed,
          skipped: Number(numbers['skipped']),
          signed: target?.signed ?? 0,
          collectorMs: costMs.collector ?? 0,
          databaseMs: costMs.database ?? 0,
          fleetMs: costMs.fleet,
        },
      },
      {
        what: `collector’s database, ${devices} devices × 40 tools`,
        measured: `${text(bytes / 1e6, 'MB')}: ${Object.entries(target?.rows ?? {})
          .map(([table, count]) => `${table} ${count}`)
          .join(', ')}; ${target?.updates?.hot ?? 0} of ${target?.updates?.all ?? 0} updates of device touched no index`,
        bar: bench.long ? '≤ 1 GB' : null,
        met: bench.long ? bytes <= GB : null,
        numbers: { bytes },
      },
    ];
  },
};
