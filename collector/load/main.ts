/** `npm run fleet`: simulated devices with real keys and the real protocol, deterministic by seed, against a collector on loopback. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type FleetOptions, type Report, runFleet } from './fleet.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

const USAGE = `fleet [--devices N] [--rate R] [--seconds S] [--scenario NAME] [--seed N] [--json] [--url URL --secret-file FILE]
  --devices      how many (default 1000)
  --rate         requests a second (default 100)
  --seconds      how long (default 30)
  --scenario     ${Object.entries(SCENARIOS)
    .map(([name, { about }]) => `${name.padEnd(11)} ${about}`)
    .join('\n                 ')}
  --url          a collector that runs already, at an address of loopback; without it one is started
  --secret-file  with its enrolment secret
  DATABASE_URL names an empty PostgreSQL for the collector that is started; without it its database is embedded, in a folder that goes.
`;

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):\d+\/?$/;

/** The options, or what is wrong with them. */
function read(args: readonly string[]): (Omit<FleetOptions, 'signal' | 'say' | 'folder'> & { json: boolean }) | string {
  const options = {
    devices: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    scenario: { type: 'string' },
    seed: { type: 'string' },
    json: { type: 'boolean' },
    url: { type: 'string' },
    'secret-file': { type: 'string' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const number = (name: 'devices' | 'rate' | 'seconds' | 'seed', otherwise: number) =>
    values[name] === undefined ? otherwise : Number(values[name]);
  const [devices, rate, seconds, seed] = [number('devices', 1000), number('rate', 100), number('seconds', 30), number('seed', 1)];
  if (!Number.isInteger(devices) || devices < 1 || !(rate > 0) || !(seconds > 0) || !Number.isInteger(seed))
    return 'Give --devices and --seed as whole numbers, --rate and --seconds as numbers above zero.';
  const scenario = values.scenario ?? 'steady';
  if (!Object.hasOwn(SCENARIOS, scenario)) return `There is no scenario ${JSON.stringify(scenario)}.`;
  const { url, 'secret-file': file } = values;
  if ((url === undefined) !== (file === undefined)) return 'Give --url and --secret-file together.';
  if (url !== undefined && !LOOPBACK.test(url)) return 'A fleet is let loose on loopback only: give --url as http://127.0.0.1:PORT.';
  return {
    scenario: scenario as Scenario,
    devices,
    rate,
    seconds,
    seed,
    json: values.json ?? false,
    databaseUrl: process.env['DATABASE_URL'] ?? null,
    target: url !== undefined && file !== undefined ? { url: url.replace(/\/$/, ''), secret: readFileSync(file, 'utf8').trim() } : null,
  };
}

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

async function main(): Promise<number> {
  const options = read(process.argv.slice(2));
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n${USAGE}`);
    return 2;
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
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(70);
  },
);
