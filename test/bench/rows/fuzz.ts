/** Hostile configs: many mangled texts through the parser, and a home whose every config is hostile through the bundled executable. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Inventory } from '../../../electron/contract.ts';
import { type Bench, endGroup, type Figure, type Row, text } from '../bench.ts';
import { configPlaces, configText, environment, servers } from '../home.ts';
import type { Hostile } from '../hostile-parse.ts';

const program = fileURLToPath(new URL('../hostile-parse.ts', import.meta.url));
/** No word for this long is a hang: between two words there are 500 cases, or three of the largest files. */
const silenceS = 30;

export const row: Row = {
  id: 'fuzz',
  about: 'hostile configs: mangled texts (--long: ten times as many), and a home of FIFOs, loops, huge and broken files',
  needs: [],
  limitS: { short: 240, long: 1200 },
  run: async (bench) => [await texts(bench), hostileHome(bench)],
};

async function texts(bench: Bench): Promise<Figure> {
  const cases = bench.long ? 300_000 : 30_000;
  const seed = Math.floor(Math.random() * 2 ** 31);
  const child = bench.start([process.execPath, program, String(cases), String(seed)], { PATH: process.env['PATH'] });
  let result: Hostile | null = null;
  let hung = false;
  let watchdog = setTimeout(() => {}, 0);
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      hung = true;
      endGroup(child.pid ?? 0);
    }, silenceS * 1000);
  };
  alive();
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said = (said + chunk).slice(-1000);
  });
  if (child.stdout)
    createInterface(child.stdout).on('line', (line) => {
      alive();
      const value = JSON.parse(line);
      if ('cases' in value) result = value as Hostile;
    });
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(watchdog);
  const whole = result as Hostile | null;
  if (!whole && !hung) throw new Error(`The fuzz ended by itself (seed ${seed}): ${said.trim()}`);
  return {
    what: 'hostile config texts through the parser (JSON, JSONC, TOML)',
    measured: whole
      ? `${whole.cases} texts: ${whole.crashes.length} crashes, ${whole.refused} refused, ${whole.silent} without a reason; slowest ${text(whole.worstMs, 'ms')} (${whole.worst})`
      : `a hang of more than ${silenceS} s (seed ${seed})`,
    bar: '0 crashes, ≤ 1 s each',
    met: whole !== null && whole.crashes.length === 0 && whole.silent === 0 && whole.worstMs <= 1000,
    numbers: whole ? { ...whole, crashes: whole.crashes.join('; '), seed } : { hung: true, seed },
  };
}

/** `problem` is whether there is something to say of it: nothing is wrong with a file that is empty or not there. */
const KINDS: readonly { name: string; problem: boolean; make(file: string, good: string): void }[] = [
  { name: 'FIFO', problem: true, make: (file) => void execFileSync('mkfifo', [file]) },
  { name: 'link to itself', problem: true, make: (file) => symlinkSync(file, file) },
  { name: 'link to /dev/zero', problem: true, make: (file) => symlinkSync('/dev/zero', file) },
  { name: 'link to /dev/random', problem: true, make: (file) => symlinkSync('/dev/random', file) },
  { name: 'folder', problem: true, make: (file) => mkdirSync(file) },
  { name: 'nine megabytes', problem: true, make: (file, good) => writeFileSync(file, good + ' '.repeat(9 * 1024 * 1024)) },
  { name: 'eight megabytes of brackets', problem: true, make: (file) => writeFileSync(file, '['.repeat(8 * 1024 * 1024 - 1)) },
  { name: 'a hundred thousand levels', problem: true, make: (file) => writeFileSync(file, '{"a":'.repeat(100_000)) },
  { name: 'truncated', problem: true, make: (file, good) => writeFileSync(file, good.slice(0, -7)) },
  {
    name: 'binary',
    problem: true,
    make: (file) => writeFileSync(file, Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256))),
  },
  {
    name: 'invalid UTF-8',
    problem: true,
    make: (file, good) => writeFileSync(file, Buffer.concat([Buffer.from(good), Buffer.from([0xc3, 0x28, 0xff])])),
  },
  { name: 'another shape', problem: true, make: (file) => writeFileSync(file, '[1, 2, 3]') },
  { name: 'empty', problem: false, make: (file) => writeFileSync(file, '') },
  { name: 'link to nothing', problem: false, make: (file) => symlinkSync(`${file}.nothing`, file) },
];

function hostileHome(bench: Bench): Figure {
  const home = bench.folder('hostile');
  const { places, projects } = configPlaces(home, 60);
  const expected: string[] = [];
  places.forEach((each, at) => {
    mkdirSync(path.dirname(each.file), { recursive: true });
    const good = configText(each, servers(1, 's'), projects);
    rmSync(each.file, { force: true, recursive: true });
    // The list of projects must be readable, or there would be no projects to look at.
    const kind = path.basename(each.file) === '.claude.json' ? null : KINDS[at % KINDS.length];
    if (!kind) writeFileSync(each.file, good);
    else kind.make(each.file, good);
    if (kind?.problem) expected.push(`${each.file.replace(home, '~')} (${kind.name})`);
  });
  const began = performance.now();
  const ran = spawnSync(bench.muster, ['scan', '--json', '--home', home, '--data', path.join(home, '.data')], {
    env: environment(home),
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  const ms = performance.now() - began;
  const said = ran.status === 0 ? new Set((JSON.parse(ran.stdout) as Inventory).problems.map((problem) => problem.path)) : new Set();
  const missing = expected.filter((file) => !said.has(file.replace(/ \(.*/, '')));
  if (missing.length > 0) bench.say(`no problem was raised for ${missing.join(', ')}`);
  return {
    what: 'a home whose every config is hostile, through muster scan',
    measured: `exit ${ran.status ?? ran.signal}, ${expected.length - missing.length} of ${expected.length} have a problem; ${text(ms, 'ms')}`,
    bar: 'exit 0, a problem each',
    met: ran.status === 0 && missing.length === 0,
    numbers: { exit: String(ran.status ?? ran.signal), hostile: expected.length, withoutProblem: missing.length, wallMs: ms },
  };
}
