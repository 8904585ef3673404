/** The application as it ships: packed once, then looked at as a file and started as a program, with an environment that wishes it ill. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, FuseVersion, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Inventory } from '../../electron/contract.ts';
import type { SelfTest } from '../../electron/main/self-test.ts';
import { needs } from '../capability.ts';
import { APPLICATION_NEEDS, installPackage, root, sandbox } from './application.ts';
import { type Desktop, startDesktop } from './desktop.ts';

type Run = { readonly code: number | null; readonly out: string; readonly err: string };

/** Runs a program to its end; what it says is kept apart by stream. */
function finish(child: ChildProcess): Promise<Run> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

/** The platform that a file's first bytes belong to; null where it is no program. */
function programOf(file: string): 'linux' | 'win32' | 'darwin' | null {
  const head = Buffer.alloc(4);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, head, 0, 4, 0);
  closeSync(descriptor);
  if (head.toString('latin1') === '\x7fELF') return 'linux';
  if (head.toString('latin1', 0, 2) === 'MZ') return 'win32';
  return ['feedface', 'feedfacf', 'cefaedfe', 'cffaedfe', 'cafebabe', 'bebafeca'].includes(head.toString('hex')) ? 'darwin' : null;
}

needs(...APPLICATION_NEEDS).describe('the packed application', () => {
  let work: string;
  let packed: string;
  let desktop: Desktop;

  beforeAll(async () => {
    work = mkdtempSync(path.join(os.tmpdir(), 'muster-packed-'));
    const { NODE_OPTIONS: _none, ...env } = process.env;
    const dist = await finish(
      spawn(process.execPath, [path.join(root, 'build/dist.mjs'), '--linux', 'dir', `-c.directories.output=${work}`], { cwd: root, env }),
    );
    expect(dist.code, dist.out + dist.err).toBe(0);
    packed = path.join(work, 'linux-unpacked');
    desktop = await startDesktop();
    installPackage(desktop, '@charmland/crush', { bin: 'crush', version: '0.96.1' });
  }, 400_000);
  afterAll(async () => {
    await desktop?.close();
    if (work) rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  });

  /** Starts a packed application with the self-test, and gives back what it found out about itself. */
  async function selfTest(
    folder: string,
    name: string,
    extra: { readonly args?: readonly string[]; readonly env?: Record<string, string> } = {},
  ) {
    const file = path.join(work, `${name}.json`);
    const args = [...sandbox, `--data=${path.join(work, name)}`, `--self-test=${file}`, ...(extra.args ?? [])];
    const run = await finish(spawn(path.join(folder, 'muster-app'), args, { cwd: desktop.home, env: { ...desktop.env, ...extra.env } }));
    expect(existsSync(file), `${name} ended with ${run.code} and wrote nothing: ${run.err}`).toBe(true);
    return { run, found: JSON.parse(readFileSync(file, 'utf8')) as SelfTest };
  }

  function expectWhole({ run, found }: Awaited<ReturnType<typeof selfTest>>): void {
    expect(found.failure).toBeNull();
    expect(run.code).toBe(0);
    expect(found.packaged).toBe(true);
    expect(found.tools).toContain('crush');
    expect(found.tools).toEqual(expect.arrayContaining([...found.expected]));
    expect(found.link.state).toBe('up');
    expect(Object.values(found.ways).every((way) => way === 'refused')).toBe(true);
    expect(Object.keys(found.ways).length).toBeGreaterThan(5);
    // The agent is ours: it ended with the application.
    expect(existsSync(`/proc/${found.agent?.pid}`)).toBe(false);
  }

  it('has every fuse as electron-builder.yml says, and says something about each', async () => {
    const wanted = [
      ...(readFileSync(path.join(root, 'electron-builder.yml'), 'utf8')
        .split('electronFuses:')[1]
        ?.split('\n\n')[0]
        ?.matchAll(/^ {2}(\w+): (true|false)$/gm) ?? []),
    ];
    const wire = await getCurrentFuseWire(path.join(packed, 'muster-app'));
    expect(wire.version).toBe(FuseVersion.V1);
    const states = Object.fromEntries(
      wanted.map(([, name = '', value]) => [
        name.charAt(0).toUpperCase() + name.slice(1),
        value === 'true' ? FuseState.ENABLE : FuseState.DISABLE,
      ]),
    );
    const fuse = (name: string) => wire[FuseV1Options[name as keyof typeof FuseV1Options]];
    expect(Object.fromEntries(Object.keys(states).map((name) => [name, fuse(name)]))).toEqual(states);
    // Those that this Electron has: a fuse that nobody decided about would be one that nobody closed.
    const there = Object.keys(FuseV1Options).filter(
      (name) => Number.isNaN(Number(name)) && fuse(name) !== undefined && fuse(name) !== FuseState.REMOVED,
    );
    expect(there.filter((name) => !(name in states))).toEqual([]);
    expect(there.length).toBeGreaterThan(5);
  });

  it('holds the bundles and nothing else: no sources, no tests, no packages, no program of another platform', () => {
    const inside = listPackage(path.join(packed, 'resources/app.asar'), { isPack: false }).map((file) => file.replaceAll('\\', '/'));
    const expected =
      /^\/(package\.json|dist|dist\/(main|preload)\.cjs|dist\/renderer(\/[^/]+\.(html|js|css|woff2|svg|png))?|dist\/icons(\/(app|tray)(\/[^/]+\.png)?)?)$/;
    expect(inside.filter((file) => !expected.test(file))).toEqual([]);
    for (const file of ['/dist/main.cjs', '/dist/preload.cjs', '/dist/renderer/index.html', '/dist/renderer/main.js'])
      expect(inside).toContain(file);

    const files = filesBelow(packed);
    expect(files.filter((file) => /\.(ts|tsx|mts|map)$|node_modules|\.test\./.test(file))).toEqual([]);
    expect(files.filter((file) => file.startsWith('resources/agent/')).sort()).toEqual([
      'resources/agent/better_sqlite3.node',
      'resources/agent/muster',
    ]);
    const programs = files.map((file) => [file, programOf(path.join(packed, file))] as const).filter(([, platform]) => platform !== null);
    expect(programs.filter(([, platform]) => platform !== 'linux')).toEqual([]);
    expect(programs.length).toBeGreaterThan(2);
  });

  it('shows a real inventory in its window, from its own agent', async () => {
    const result = await selfTest(packed, 'plain');
    expectWhole(result);
    expect(result.found.tray).toBe(true);
    expect(result.found.networkRequestsRefused).toBeGreaterThan(0);
  });

  it('obeys nobody’s environment: not as a Node, not for a debugger, not for a module or an agent of somebody else', async () => {
    const mark = path.join(work, 'somebody-was-here');
    const module = path.join(work, 'hostile.cjs');
    writeFileSync(module, `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`);
    const result = await selfTest(packed, 'hostile', {
      args: ['--inspect=0', '--inspect-brk=0'],
      env: {
        ELECTRON_RUN_AS_NODE: '1',
        NODE_OPTIONS: `--require ${module}`,
        MUSTER_AGENT_COMMAND: JSON.stringify(['/bin/false']),
        MUSTER_DATA: path.join(work, 'elsewhere'),
      },
    });
    expectWhole(result);
    expect(result.run.err).not.toMatch(/Debugger listening|inspector/i);
    expect(existsSync(mark)).toBe(false);
    expect(existsSync(path.join(work, 'elsewhere'))).toBe(false);
  });

  it('runs its archive, and no folder that somebody puts beside it', async () => {
    const copy = path.join(work, 'tampered');
    cpSync(packed, copy, { recursive: true, verbatimSymlinks: true });
    const mark = path.join(work, 'folder-was-loaded');
    const app = path.join(copy, 'resources/app');
    mkdirSync(app);
    writeFileSync(path.join(app, 'package.json'), '{"name":"other","main":"main.js"}');
    writeFileSync(
      path.join(app, 'main.js'),
      `require('node:fs').writeFileSync(${JSON.stringify(mark)}, ''); require('electron').app.exit(0);`,
    );
    expectWhole(await selfTest(copy, 'tampered-run'));
    // The archive is what Electron looks for first; without it, an open fuse would start the folder.
    renameSync(path.join(copy, 'resources/app.asar'), path.join(copy, 'resources/away.asar'));
    const run = await finish(spawn(path.join(copy, 'muster-app'), [...sandbox], { cwd: desktop.home, env: { ...desktop.env } }));
    expect(run.code, run.err).toBe(1);
    expect(existsSync(mark)).toBe(false);
    rmSync(copy, { recursive: true });
  });

  it('takes stock in a terminal, with no display and a hostile environment', async () => {
    const { DISPLAY: _display, DBUS_SESSION_BUS_ADDRESS: _bus, ...env } = desktop.env;
    const run = await finish(
      spawn(path.join(packed, 'resources/agent/muster'), ['scan', '--json', '--data', path.join(work, 'terminal')], {
        cwd: desktop.home,
        env: { ...env, NODE_OPTIONS: '--require /nope', NODE_PATH: '/nope', ELECTRON_RUN_AS_NODE: '1' },
      }),
    );
    expect(run.err).not.toMatch(/nope/);
    expect(run.code, run.err).toBe(0);
    const inventory = JSON.parse(run.out) as Inventory;
    expect(inventory.schema).toBe('muster.inventory/1');
    expect(inventory.tools.find(({ id }) => id === 'crush')?.places[0]?.version).toBe('0.96.1');
  });
});
