/**
 * `npm run bench [-- ROW… --long]`: measures what design/bars.md promises, on this machine, and prints each figure beside its bar.
 *
 * Never a test: figures depend on the machine and on what else it does, so each table says how busy it was. JSON goes to bench-results/.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CAPABILITIES, missingCapabilities } from '../../build/capabilities.mjs';
import { electronRuntime } from '../../build/electron-runtime.mjs';
import { executable } from '../../build/executable.mjs';
import { type Figure, openBench, type Row } from './bench.ts';
import { machineTicks } from './proc.ts';
import { row as actKill } from './rows/act-kill.ts';
import { row as app } from './rows/app.ts';
import { row as collector } from './rows/collector.ts';
import { row as collectorKill } from './rows/collector-kill.ts';
import { row as decoys } from './rows/decoys.ts';
import { row as extensions } from './rows/extensions.ts';
import { row as fuzz } from './rows/fuzz.ts';
import { row as idle } from './rows/idle.ts';
import { row as kill } from './rows/kill.ts';
import { saved, started } from './rows/live.ts';
import { row as poll } from './rows/poll.ts';
import { row as pure } from './rows/pure.ts';
import { row as risk } from './rows/risk.ts';
import { row as scan } from './rows/scan.ts';
import { row as swap } from './rows/swap.ts';
import { row as window } from './rows/window.ts';

const ROWS: readonly Row[] = [
  scan,
  poll,
  started,
  saved,
  window,
  idle,
  app,
  kill,
  swap,
  actKill,
  fuzz,
  decoys,
  risk,
  pure,
  extensions,
  collector,
  collectorKill,
];
const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);
const load = () => loadavg()[0] ?? 0;

/** `stolen`: share of the processors' time that the host gave to others while the row was measured; null where the system doesn't tell. */
type Measured = Figure & { readonly row: string; readonly load: number; readonly stolen: number | null };

function usage(): string {
  return ['Usage: npm run bench [-- ROW… --long]', '', ...ROWS.map(({ id, about }) => `  ${id.padEnd(8)} ${about}`)].join('\n');
}

function verdict({ met }: Figure): string {
  return met === null ? '' : met ? 'met' : 'MISSED';
}

/** Measures one row, and ends whatever it started. What goes wrong is a figure too. */
async function measure(row: Row, options: { muster: string; long: boolean; signal: AbortSignal }): Promise<Measured[]> {
  const before = load();
  const stolen = process.platform === 'linux' ? stolenFromNow() : () => null;
  const failed = (measured: string, met: boolean | null): Figure => ({ what: row.about, measured, bar: null, met, numbers: {} });
  const missing = missingCapabilities().filter((id) => row.needs.includes(id));
  const unmeasured = missing.map((id) => `${id} is missing (${CAPABILITIES[id].install})`);
  if (process.platform !== 'linux') unmeasured.push('the bench reads /proc, so it measures on Linux only');
  if (unmeasured.length > 0)
    return [{ ...failed(`not measured here: ${unmeasured.join('; ')}`, null), row: row.id, load: before, stolen: null }];
  const limit = AbortSignal.timeout(row.limitS[options.long ? 'long' : 'short'] * 1000);
  const signal = AbortSignal.any([options.signal, limit]);
  const bench = openBench({ ...options, signal, say });
  const ended = new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  let figures: readonly Figure[];
  try {
    figures = await Promise.race([row.run(bench), ended]);
  } catch (error) {
    if (options.signal.aborted) throw error;
    figures = [failed(limit.aborted ? `not done after ${row.limitS[options.long ? 'long' : 'short']} s` : String(error), false)];
  } finally {
    bench.end();
  }
  const aside = { load: Math.max(before, load()), stolen: stolen() };
  return figures.map((figure) => ({ ...figure, row: row.id, ...aside }));
}

function stolenFromNow(): () => number {
  const before = machineTicks();
  return () => {
    const now = machineTicks();
    return (now.stolen - before.stolen) / Math.max(1, now.all - before.all);
  };
}

const percent = (share: number | null) => (share === null ? '' : `${(share * 100).toFixed(1)} %`);

function table(measured: readonly Measured[]): string {
  const lines = measured.map((each) => [
    each.row,
    each.what,
    each.measured,
    each.bar ?? '',
    verdict(each),
    each.load.toFixed(1),
    percent(each.stolen),
  ]);
  return [['row', 'what', 'measured', 'bar', '', 'load', 'stolen'], ['---', '---', '---', '---', '---', '---', '---'], ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const long = args.includes('--long');
  const wanted = args.filter((arg) => arg !== '--long');
  const unknown = wanted.find((arg) => !ROWS.some(({ id }) => id === arg));
  if (unknown !== undefined) {
    say(`there is no row ${JSON.stringify(unknown)}.\n${usage()}`);
    return unknown === '--help' || unknown === 'help' ? 0 : 2;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort(new Error(`Ended by ${signal}.`)));
  // Everything temporary, of this program and of those that it starts, lies in one folder, so that nothing stays behind.
  const work = mkdtempSync(path.join(tmpdir(), 'muster-bench-'));
  process.env['TMPDIR'] = work;
  const measured: Measured[] = [];
  const machine = {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    electron: electronRuntime(root)?.version ?? null,
  };
  try {
    say('making the executable …');
    const made = path.dirname(await executable());
    cpSync(made, path.join(work, 'muster'), { recursive: true });
    const muster = path.join(work, 'muster', 'muster');
    for (const row of ROWS.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
      say(`${row.id}: ${row.about} …`);
      const figures = await measure(row, { muster, long, signal: interrupted.signal });
      for (const figure of figures) say(`  ${figure.what}: ${figure.measured}${figure.bar ? ` (${figure.bar}: ${verdict(figure)})` : ''}`);
      measured.push(...figures);
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    say(String(error));
  } finally {
    rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  if (measured.length > 0) report(measured, machine, long);
  if (interrupted.signal.aborted) return 130;
  return measured.some(({ met }) => met === false) ? 1 : 0;
}

function report(measured: readonly Measured[], machine: Readonly<Record<string, unknown>>, long: boolean): void {
  const folder = path.join(root, 'bench-results');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${String(machine['date']).replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify({ machine, long, revision: revision(), measured }, null, 2)}\n`);
  console.log(`\n${table(measured)}\n`);
  const { date, cores, processor, memoryGb, node, electron } = machine;
  console.log(
    `${date} · ${cores} × ${processor} · ${memoryGb} GB · Node ${node} · Electron ${electron ?? 'none'}${long ? ' · --long' : ''}`,
  );
  console.log(
    '“load” is the load average of the last minute at its highest around the row; above the number of cores, wall times are inflated. ' +
      '“stolen” is what the host gave of the processors to other guests meanwhile; from 2 % on, the slowest hundredth says more of them than of us.',
  );
  console.log(path.relative(root, file));
}

/** Which state of the repository was measured; null outside a clone. */
function revision(): string | null {
  try {
    const head = readFileSync(path.join(root, '.git', 'HEAD'), 'utf8').trim();
    return head.startsWith('ref: ') ? readFileSync(path.join(root, '.git', head.slice(5)), 'utf8').trim() : head;
  } catch {
    return null;
  }
}

// Rows may have been left waiting for something that no longer comes.
main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(70);
  },
);
