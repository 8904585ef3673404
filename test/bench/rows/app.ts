/** What the whole application holds while it waits in the tray with no window, beside an empty Electron with a tray, one after the other. */
import { cpSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { reach } from '../../../agent/local.ts';
import { bundle } from '../../../build/bundle.mjs';
import { electronRuntime } from '../../../build/electron-runtime.mjs';
import { type Bench, endGroup, quantile, type Row, text } from '../bench.ts';
import { startBus, startDisplay } from '../desktop.ts';
import { environment, furnish } from '../home.ts';
import { pssMb, tree } from '../proc.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const icon = path.join(root, 'build', 'icons', 'tray', 'muster-calm-dark-22.png');
/** Memory still moves after the start: what is measured is what it comes to rest at. */
const steadyFor = 10;
const steadyWithin = 0.01;
const patience = 90;

export const row: Row = {
  id: 'app',
  about: 'the whole application in the tray, no window, beside an empty Electron with a tray; Xvfb and a session bus',
  needs: ['electron', 'electron-libraries', 'display', 'session-bus'],
  limitS: { short: 300, long: 300 },
  async run(bench) {
    const runtime = electronRuntime(root);
    const display = startDisplay(bench);
    if (!runtime || !display)
      throw new Error('There is no Electron and no display here; npm start fetches the one, the package xvfb brings the other.');
    await bundle({ parts: ['main', 'preload', 'renderer'] });
    // A copy of the runtime that nobody else runs: a page that is shared with another Electron would count for half.
    const copy = bench.folder('electron');
    cpSync(runtime.dist, copy, { recursive: true });
    const app = path.join(copy, 'resources', 'app');
    rmSync(app, { recursive: true, force: true });
    const home = bench.folder('home');
    furnish(home, 60);
    const runtimeDir = bench.folder('run');
    const env = environment(home, {
      DISPLAY: await display,
      DBUS_SESSION_BUS_ADDRESS: await startBus(bench),
      XDG_RUNTIME_DIR: runtimeDir,
      XDG_SESSION_TYPE: 'x11',
    });
    const run = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
      bench.start(
        [path.join(copy, 'electron'), ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...args],
        { ...env, ...more },
        { quiet: true },
      );

    mkdirSync(app, { recursive: true });
    writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'empty', main: 'main.cjs' }));
    writeFileSync(path.join(app, 'main.cjs'), emptyApp);
    const empty = await whole(bench, run([`--user-data-dir=${bench.folder('empty')}`]).pid ?? 0);

    rmSync(app, { recursive: true, force: true });
    symlinkSync(root, app, 'dir');
    const data = path.join(bench.folder('data'), 'd');
    const started = run(['--background', `--data=${data}`], { MUSTER_AGENT_COMMAND: JSON.stringify([bench.muster]) });
    await looked(bench, data);
    const ours = await whole(bench, started.pid ?? 0, bench.muster);

    const more = ours.total - empty.total;
    return [
      {
        what: `whole app idle in the tray, no window (Electron ${runtime.version}): PSS over an empty one`,
        measured: `${text(ours.total, 'MB')} − ${text(empty.total, 'MB')} = ${text(more, 'MB')} (agent ${text(ours.agent, 'MB')}; ${ours.processes} and ${empty.processes} processes)`,
        bar: '≤ 110 MB',
        met: more <= 110,
        numbers: { appMb: ours.total, agentMb: ours.agent, emptyMb: empty.total, moreMb: more, electron: runtime.version },
      },
    ];
  },
};

/** A tray, and nothing else; drawn by the processor like ours, so that the difference is what Muster adds. */
const emptyApp = `
const { app, Menu, Tray } = require('electron');
app.disableHardwareAcceleration();
app.whenReady().then(() => {
  global.tray = new Tray(${JSON.stringify(icon)});
  global.tray.setContextMenu(Menu.buildFromTemplate([{ label: 'Quit', click: () => app.quit() }]));
});
`;

/** Resolves when the application's agent has looked once. */
async function looked(bench: Bench, data: string): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const connection = await reach(data);
    const at = connection?.state.look.at ?? null;
    connection?.close();
    if (at !== null) return;
    await bench.wait(250);
  }
  throw new Error('The application has no agent that can be reached and has looked.');
}

/** Whether the process runs this very file. */
function isProgram(pid: number, file: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === file;
  } catch {
    return false;
  }
}

type Whole = { total: number; agent: number; processes: number };

/** The sum over the processes once it rests; ends them. */
async function whole(bench: Bench, pid: number, agent?: string): Promise<Whole> {
  const samples: number[] = [];
  for (let second = 0; second < patience; second++) {
    await bench.wait(1000);
    samples.push(pssMb(tree(pid)));
    const last = samples.slice(-steadyFor);
    if (second >= 2 * steadyFor && Math.max(...last) - Math.min(...last) <= steadyWithin * (last[0] ?? 0)) break;
  }
  const pids = tree(pid);
  const agents = agent === undefined ? [] : pids.filter((each) => isProgram(each, agent));
  const result = { total: quantile(samples.slice(-steadyFor), 0.5), agent: pssMb(agents), processes: pids.length };
  if (result.processes < 2) throw new Error('The application has ended by itself.');
  endGroup(pid);
  return result;
}
