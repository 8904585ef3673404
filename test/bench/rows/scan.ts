/** `muster scan` from exec of the bundled executable to its exit: wall and processor time, and the most memory that it held. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Inventory } from '../../../electron/contract.ts';
import { type Bench, endGroup, type Figure, quantile, type Row, text } from '../bench.ts';
import { crowd } from '../crowd.ts';
import { startDisplay } from '../desktop.ts';
import { environment, furnish } from '../home.ts';
import type { MeasuredRuns } from '../measured-run.ts';

const program = fileURLToPath(new URL('../measured-run.ts', import.meta.url));
const runs = 15;

export const row: Row = {
  id: 'scan',
  about: 'muster scan, cold: no data folder, no running agent; 60 configs, 500 processes',
  needs: [],
  limitS: { short: 120, long: 120 },
  async run(bench) {
    const home = bench.folder('home');
    const made = furnish(home, 60);
    const processes = await crowd(bench, 500);
    const scan = (data: string, env: NodeJS.ProcessEnv = {}) =>
      measured(bench, [bench.muster, 'scan', '--json', '--home', home, '--data', data], environment(home, env));

    const cold = await scan(path.join(bench.folder('cold'), '{run}'));
    check(cold, made);
    const again = await scan(bench.folder('again'));
    check(again, made);
    const figures = [
      ...figuresOf('scan, cold', cold, { processes, configs: made.places.length, servers: made.servers }),
      informative('scan into a database that is there', again),
    ];
    const display = startDisplay(bench);
    if (display)
      figures.push(
        informative(
          'scan, cold, with a display to ask',
          await scan(path.join(bench.folder('display'), '{run}'), { DISPLAY: await display }),
        ),
      );
    return figures;
  },
};

/** An empty scan would be a fast one: what was planted must be in the answer. */
function check({ stdout }: MeasuredRuns, made: ReturnType<typeof furnish>): void {
  const { tools, mcpServers, problems } = JSON.parse(stdout) as Inventory;
  if (mcpServers.length < made.servers || tools.length < made.tools)
    throw new Error(
      `The scan found ${mcpServers.length} of ${made.servers} servers and ${tools.length} of ${made.tools} tools (${problems.map(({ code }) => code).join(', ')}).`,
    );
}

function figuresOf(what: string, { wallMs, cpuMs, peakMb }: MeasuredRuns, more: Readonly<Record<string, number>>): Figure[] {
  const [best, median, worst, cpu] = [quantile(wallMs, 0), quantile(wallMs, 0.5), quantile(wallMs, 1), quantile(cpuMs, 0.5)];
  return [
    {
      what: `${what}: wall`,
      measured: `median of ${wallMs.length}: ${text(median, 'ms')} (best ${text(best, 'ms')}, worst ${text(worst, 'ms')}; CPU ${text(cpu, 'ms')})`,
      bar: '≤ 400 ms',
      met: median <= 400,
      numbers: { bestMs: best, medianMs: median, worstMs: worst, cpuMedianMs: cpu, ...more },
    },
    { what: `${what}: peak memory`, measured: text(peakMb, 'MB'), bar: '≤ 130 MB', met: peakMb <= 130, numbers: { peakMb } },
  ];
}

function informative(what: string, { wallMs, cpuMs, peakMb }: MeasuredRuns): Figure {
  const [median, worst, cpu] = [quantile(wallMs, 0.5), quantile(wallMs, 1), quantile(cpuMs, 0.5)];
  return {
    what,
    measured: `${text(median, 'ms')} (worst ${text(worst, 'ms')}; CPU ${text(cpu, 'ms')}; peak ${text(peakMb, 'MB')})`,
    bar: null,
    met: null,
    numbers: { medianMs: median, worstMs: worst, cpuMedianMs: cpu, peakMb },
  };
}

/** In a process of its own: see `measured-run.ts`. */
async function measured(bench: Bench, command: readonly string[], env: NodeJS.ProcessEnv): Promise<MeasuredRuns> {
  const child = spawn(process.execPath, [program, JSON.stringify({ command, runs })], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid !== undefined) bench.defer(() => endGroup(pid));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`The measured runs ended with ${code}.`);
  return JSON.parse(out);
}
