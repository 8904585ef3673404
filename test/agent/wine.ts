/**
 * A Windows for a test: a fresh prefix of Wine with a home, into which files and registry keys are planted, and the bundled agent run by a real node.exe as
 * it runs in a package: data and native parts beside the program.
 *
 * The bundle isn't injected into node.exe, because that alone takes 20 s; a loader answers `node:sea` from files instead.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCatalog, readMigrations } from '../../agent/assets.ts';
import { bundle } from '../../build/bundle.mjs';
import { windowsKoffi, windowsNode } from '../../build/windows-node.mjs';

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

export type Started = { readonly child: ChildProcess; out(): string; readonly done: Promise<Ran> };

export type Windows = {
  /** The name of the user, and of the folder in `C:\\users`: Wine takes it from the account that runs it. */
  readonly user: string;
  /** The path on this computer of a file of drive C, written with `/`. */
  at(file: string): string;
  /** Writes a file of the home (`AppData/Roaming/…`); anything but a text or bytes as JSON. */
  plant(file: string, content: string | Buffer | object): void;
  /** Imports keys: names of values → text, or in a list what stands behind the `=` of a .reg file. */
  register(keys: Readonly<Record<string, Readonly<Record<string, string | readonly [written: string]>>>>): void;
  /** Runs `muster` to its end. */
  muster(...args: string[]): Promise<Ran>;
  startMuster(...args: string[]): Started;
  /** Runs a script with the same node.exe. */
  node(script: string, ...args: string[]): Promise<Ran>;
  /** Starts any program of drive C (`users/ada/x.exe`); its standard input stays open until the end, and what it says goes to `out()`. */
  start(program: string, args?: readonly string[]): Started;
  /** Ends everything that was started. */
  endPrograms(): Promise<void>;
  /** The same, and removes the prefix. */
  end(): Promise<void>;
};

/** `process.execPath` is node.exe under the program's name, so that what lies beside the program is found as in a package. */
const LOADER = `
const { readFileSync } = require('node:fs');
const asset = (name, encoding) => readFileSync(__dirname + '/' + name, encoding);
const sea = { isSea: () => true, getAsset: asset, getRawAsset: asset };
const text = asset('muster.cjs', 'utf8').replace(/^#!.*/, '');
const run = require('node:vm').runInThisContext('(function (exports, require, module, __filename, __dirname) {' + text + '\\n})');
run(exports, Object.assign((name) => (name === 'node:sea' ? sea : require(name)), require), module, process.execPath, __dirname);
`;

/** Seconds. Wine's own start is about five of them. */
export async function windows(): Promise<Windows> {
  const prefix = mkdtempSync(path.join(tmpdir(), 'muster-wine-'));
  const env = { PATH: process.env['PATH'], HOME: prefix, WINEPREFIX: prefix, WINEDEBUG: '-all' };
  const at = (file: string) => path.join(prefix, 'drive_c', file);
  const wine = (...args: string[]) => execFileSync('wine', args, { env, stdio: 'ignore', timeout: 120_000 });
  const children: ChildProcess[] = [];
  const ends: Promise<Ran>[] = [];
  let runs = 0;
  let user = '';

  const write = (file: string, content: string | Buffer) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  };

  const startWith = (stdin: 'pipe' | 'ignore', program: string, args: readonly string[]): Started => {
    // A pipe of this computer is none to Node there, so that what it says goes into files.
    const [out, err] = ['out', 'err'].map((name) => path.join(prefix, `${++runs}.${name}`)) as [string, string];
    const [outFile, errFile] = [openSync(out, 'w'), openSync(err, 'w')];
    const child = spawn('wine', [`C:\\${program.replaceAll('/', '\\')}`, ...args], { env, stdio: [stdin, outFile, errFile] });
    for (const file of [outFile, errFile]) closeSync(file);
    children.push(child);
    const done = new Promise<Ran>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, out: readFileSync(out, 'utf8'), err: readFileSync(err, 'utf8') }));
    });
    ends.push(done);
    return { child, out: () => readFileSync(out, 'utf8'), done };
  };

  // A pipe of this computer is no standard input to Node there, either.
  const node = (...args: string[]) => startWith('ignore', 'muster/muster.exe', args);
  const startMuster = (...args: string[]) => node('C:\\muster\\loader.cjs', ...args);

  async function endPrograms() {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await Promise.allSettled(ends);
  }

  try {
    mkdirSync(at('muster'), { recursive: true });
    const packed = bundle({ parts: ['agent'], out: at('muster') });
    wine('wineboot', '-i');
    wine('winecfg', '-v', 'win10');
    await packed;
    const sqlite = path.dirname(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
    copyFileSync(path.join(sqlite, 'prebuilds/win32-x64.node'), at('muster/better_sqlite3.node'));
    copyFileSync(windowsKoffi(), at('muster/koffi.node'));
    copyFileSync(windowsNode(), at('muster/muster.exe'));
    writeFileSync(at('muster/loader.cjs'), LOADER);
    writeFileSync(at('muster/catalog.json'), JSON.stringify(readCatalog()));
    const migrations = readMigrations().map(({ version, name, sql }) => [`${String(version).padStart(4, '0')}-${name}.sql`, sql]);
    writeFileSync(at('muster/migrations.json'), JSON.stringify(Object.fromEntries(migrations)));
    user = readdirSync(at('users')).find((name) => name !== 'Public') ?? '';
  } catch (error) {
    rmSync(prefix, { recursive: true, force: true });
    throw error;
  }

  return {
    user,
    at,
    plant: (file, content) =>
      write(
        at(`users/${user}/${file}`),
        typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content, null, 2),
      ),
    register(keys) {
      const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
      const lines = Object.entries(keys).flatMap(([key, values]) => [
        `[${key}]`,
        ...Object.entries(values).map(([name, value]) => `${quoted(name)}=${typeof value === 'string' ? quoted(value) : value[0]}`),
        '',
      ]);
      const text = ['Windows Registry Editor Version 5.00', '', ...lines].join('\r\n');
      writeFileSync(at('keys.reg'), Buffer.from(`\uFEFF${text}`, 'utf16le'));
      wine('reg', 'import', 'C:\\keys.reg');
    },
    muster: (...args) => startMuster(...args).done,
    startMuster,
    node: (script, ...args) => node(script, ...args).done,
    start: (program, args = []) => startWith('pipe', program, args),
    endPrograms,
    async end() {
      // Wine goes on in the background for a while, and writes when it ends.
      for (const how of ['-k', '-w']) spawnSync('wineserver', [how], { env, stdio: 'ignore' });
      await endPrograms();
      rmSync(prefix, { recursive: true, force: true });
    },
  };
}
