/** What an agent costs while nothing happens: processor time with its children's, memory, and whether it stays silent and writes nothing. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { missingCapabilities } from '../../../build/capabilities.mjs';
import { type Bench, type Figure, type Row, text } from '../bench.ts';
import { crowd } from '../crowd.ts';
import { startDisplay } from '../desktop.ts';
import { environment, furnish } from '../home.ts';
import { cpuMs, peakRssMb, rssMb, tree, writtenBytes } from '../proc.ts';
import { type Client, startWatching } from '../watching.ts';

const run = promisify(execFile);
const shortS = 120;
const longS = 600;

export const row: Row = {
  id: 'idle',
  about: `an agent with nothing to do: 15 s polls, 60 places watched, 500 processes; ${shortS / 60} min (--long: ${longS / 60})`,
  needs: [],
  limitS: { short: shortS + 90, long: longS + 90 },
  async run(bench) {
    await crowd(bench, 500);
    const seconds = bench.long ? longS : shortS;
    // Both at once: an agent of a server that nobody looks at, and one of a desktop with the application's own connection.
    const alone = await idle(bench, {}, false);
    const agents: [string, Idle][] = [['no display, no client', alone]];
    const missing = missingCapabilities();
    if (!(['display', 'window-info', 'window-manager'] as const).some((id) => missing.includes(id))) {
      const display = await startDisplay(bench);
      const env = { DISPLAY: display ?? undefined };
      await windowInFront(bench, env);
      agents.push(['X11, one client', await idle(bench, env)]);
    }
    // The looks after the first: compiled code, grown heap.
    await bench.wait(20_000);
    for (const [, agent] of agents) agent.begin();
    const until = performance.now() + seconds * 1000;
    while (performance.now() < until) {
      await bench.wait(Math.min(1000, Math.max(1, until - performance.now())));
      for (const [, agent] of agents) agent.sample();
    }
    return agents.flatMap(([name, agent]) => agent.figures(name, seconds));
  },
};

/** A window manager and a window that says which process it is of, as most do. */
async function windowInFront(bench: Bench, more: NodeJS.ProcessEnv): Promise<void> {
  const env = { ...environment(bench.folder('desktop')), ...more };
  // Without a PATH it finds no program to set a background with, and none to complain of that in a window of its own.
  bench.start([onPath('fluxbox'), '-no-toolbar'], { ...env, PATH: '' }, { quiet: true });
  const window = bench.start(['xev', '-name', 'in front'], env, { quiet: true });
  const xprop = async (...args: string[]) => (await run('xprop', args, { env, timeout: 5000 })).stdout;
  const active = async () => /window id # (0x[0-9a-f]+)/.exec(await xprop('-root', '_NET_ACTIVE_WINDOW'))?.[1] ?? '0';
  for (let tries = 0; Number(await active()) === 0; tries++) {
    if (tries > 100) throw new Error('No window came to the front within ten seconds.');
    await bench.wait(100);
  }
  await xprop('-id', await active(), '-f', '_NET_WM_PID', '32c', '-set', '_NET_WM_PID', String(window.pid));
  await xprop('-id', await active(), '-f', 'WM_CLASS', '8s', '-set', 'WM_CLASS', 'xev');
}

function onPath(name: string): string {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file)) ?? name;
}

type Idle = { begin(): void; sample(): void; figures(name: string, seconds: number): Figure[] };

async function idle(bench: Bench, env: NodeJS.ProcessEnv, keepClient = true): Promise<Idle> {
  const home = bench.folder('home');
  furnish(home, 60);
  const data = path.join(bench.folder('data'), 'd');
  const { pid, connect } = await startWatching(bench, { home, data, env: environment(home, env) });
  const client: Client = await connect();
  await client.until('the first look', ({ look }) => look.at !== null && look.state === 'idle', 20_000);
  if (!keepClient) client.close();
  let before = { own: 0, children: 0, frames: 0, written: 0 };
  let most = 0;
  const reading = () => ({ ...cpuMs(pid), frames: client.frames(), written: writtenBytes(pid) });
  return {
    begin() {
      before = reading();
    },
    sample() {
      most = Math.max(
        most,
        tree(pid).reduce((sum, each) => sum + rssMb(each), 0),
      );
    },
    figures(name, seconds) {
      const after = reading();
      const [own, children] = [after.own - before.own, after.children - before.children];
      const share = (own + children) / 10 / seconds;
      const frames = after.frames - before.frames;
      const written = after.written - before.written;
      return [
        {
          what: `agent idle (${name}): CPU of one core over ${seconds / 60} min`,
          measured: `${share.toFixed(3)} % (own ${own} ms, children ${children} ms; ${frames} frames sent, ${written} B written)`,
          bar: '≤ 0.3 %',
          met: share <= 0.3,
          numbers: { share, ownMs: own, childrenMs: children, seconds, frames, writtenBytes: written },
        },
        {
          what: `agent idle (${name}): resident memory`,
          measured: `${text(most, 'MB')} at most (with its children; peak since start ${text(peakRssMb(pid), 'MB')})`,
          bar: '≤ 95 MB',
          met: most <= 95,
          numbers: { rssMb: most, peakSinceStartMb: peakRssMb(pid) },
        },
      ];
    },
  };
}
