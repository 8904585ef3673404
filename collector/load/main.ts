/** `npm run fleet`: simulated devices with real keys and the real protocol, deterministic by seed, against a collector on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Report, runFleet } from './fleet.ts';
import { read, UsageError, usage } from './options.ts';
import { SCENARIOS } from './scenarios.ts';

function text({ scenario, devices, engine, played, target, costMs, filledSeconds }: Report): string {
  const lines = [
    `${scenario}: ${SCENARIOS[scenario].about}`,
    `  ${devices} devices, ${engine}, ready after ${filledSeconds.toFixed(1)} s`,
    ...played.lines,
  ];
  if (target) {
    const rows = Object.entries(target.rows).map(([table, count]) => `${table} ${count}`);
    lines.push(`  database ${(target.databaseBytes / 1e6).toFixed(1)} MB: ${rows.join(', ')}`);
    const alarms = Object.entries(target.alarms).map(([action, count]) => `${action} ${count}`);
    if (alarms.length > 0) lines.push(`  alarms: ${alarms.join(', ')}`);
    if (target.updates) lines.push(`  updates of device ${target.updates.all}, without touching an index ${target.updates.hot}`);
    lines.push(`  collector: ${(target.processorShare * 100).toFixed(0)} % of a core, ${(target.rssBytes / 1e6).toFixed(0)} MB`);
  }
  lines.push(`  processor time of one that was answered: collector ${costMs.collector ?? '?'} ms, fleet ${costMs.fleet} ms`);
  return lines.join('\n');
}

/** The exit code. */
async function main(): Promise<number> {
  const options = read(process.argv.slice(2), process.env);
  if (options === 'help') {
    process.stdout.write(usage());
    return 0;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-fleet-'));
  const say = (line: string) => void process.stderr.write(`fleet: ${line}\n`);
  let report: Report;
  try {
    report = await runFleet({ ...options, folder: path.join(folder, 'database'), signal: interrupted.signal, say });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
  process.stdout.write(`${options.json ? JSON.stringify(report, null, 2) : text(report)}\n`);
  return report.played.numbers.ok > 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`fleet: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof UsageError ? 2 : 70);
  },
);
