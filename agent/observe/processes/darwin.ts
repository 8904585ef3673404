/**
 * Processes on macOS: `ps-list`, which runs the system's `ps`, and what can be made of its one line for each process.
 *
 * `ps` joins the arguments with blanks and names the program as it was called, so both are put together again by asking which files exist. A
 * program called by its bare name (`claude`) is looked for in the folders of PATH and where installers put commands: a guess, but much the one that the
 * shell made too.
 * Written from the documentation of ps(1) and ps-list; not yet seen on a Mac.
 */
import { hash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { asksOnMac } from '../mac-privacy.ts';
import type { ProcessObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import { plistStrings } from '../plist.ts';
import { readSmall } from '../read.ts';
import type { Homes, ProcessLook, ProcessObserver } from './processes.ts';
import { interpreterOf, scriptOf } from './script.ts';
import { resolveScript } from './script-file.ts';

/** One row of ps-list on macOS: `path` is the program where ps-list found it, `name` its last part or what `ps` calls `comm`. */
export type Listed = {
  readonly pid: number;
  readonly ppid: number;
  readonly uid?: number | undefined;
  readonly name: string;
  readonly cmd?: string | undefined;
  readonly path?: string | undefined;
  readonly startTime?: Date | undefined;
};

/** Where the accounts of people begin; below are macOS's own, and `nobody` is -2, which may come as an unsigned number. Not seen on a Mac. */
const firstPerson = 500;
const nobody = 0xffff_fffe;
/** A path with this many blanks in it is still put together again. */
const mostBlanks = 12;
/** Whoever runs a program from a folder of their own chooses what lies there as Info.plist: a pipe that never ends, or a file without end. */
const mostOfPlist = 1024 * 1024;
/** Where programs are that an agent started by launchd, with its short PATH, would not look. */
const usualFolders = ['/opt/homebrew/bin', '/usr/local/bin', '/usr/bin', '/bin'];
/** The same below a home: where the installers of coding agents put their commands. */
const usualInHome = [
  ...['.local/bin', 'bin', '.npm-global/bin', '.bun/bin', '.volta/bin', '.cargo/bin', 'go/bin', 'Library/pnpm', 'Library/pnpm/bin'],
  ...['.opencode/bin', '.amp/bin', '.claude/local', '.asdf/shims', '.local/share/mise/shims'],
];

/** `list` is ps-list; tests off macOS pass rows. */
export async function darwinProcesses(os: Os, homes: Homes, list?: () => Promise<readonly Listed[]>): Promise<ProcessObserver> {
  const read = list ?? (await import('ps-list')).default;
  // Of several homes with one user the first is meant.
  const homeOf = new Map([...homes].reverse().flatMap(({ home, uid }) => (uid === null ? [] : [[uid, home] as const])));
  const ownerOf = (uid: number | undefined): ProcessObservation['owner'] => {
    // Whose a process is that `ps` says nothing of isn't guessed at.
    if (uid === undefined) return 'other';
    if (uid === os.user.uid || homeOf.has(uid)) return 'self';
    return uid < firstPerson || uid === nobody ? 'system' : 'other';
  };
  const folders = [...(os.env['PATH']?.split(':').filter((folder) => path.isAbsolute(folder)) ?? []), ...usualFolders];
  const homesOnDisk = homes.map(({ home }) => os.at(home));
  const bundleIds = new Map<string, string | null>();
  type Known = {
    startedAt: string;
    program: string;
    /** A hash, so that a command line (which may hold a secret) isn't kept for as long as the process lives. */
    line: string;
    /** True until the second sighting. */
    fresh: boolean;
    /** An interpreter with something to run, which therefore executes nothing else. */
    runs: boolean;
  };
  let known = new Map<number, Known>();

  async function isFile(file: string): Promise<boolean> {
    return stat(os.at(file)).then(
      (found) => found.isFile(),
      () => false,
    );
  }

  /** Links resolved, seen from the root that `os` puts in front in tests; unresolved where there is no such file. */
  async function real(file: string): Promise<string> {
    try {
      const [root, target] = await Promise.all([realpath(os.at('/')), realpath(os.at(file))]);
      return root === '/' ? target : `/${path.relative(root, target)}`;
    } catch {
      return file;
    }
  }

  async function exeOf({ name, path: found, uid }: Listed, args: readonly string[]): Promise<string | null> {
    const called = args[0]?.replace(/^-/, '') ?? '';
    const named = [found, name, called].find((candidate) => candidate?.startsWith('/'));
    if (named) return real(named);
    if (called === '' || called.includes('/')) return null;
    const home = uid === undefined ? undefined : homeOf.get(uid);
    const inHome = home === undefined ? [] : usualInHome.map((folder) => path.join(home, folder));
    for (const folder of [...folders, ...inHome]) {
      const file = path.join(folder, called);
      if (await isFile(file)) return real(file);
    }
    return null;
  }

  function bundleIdOf(exe: string | null): string | null {
    const app = exe === null ? null : innermostApp(exe);
    if (app === null) return null;
    const cached = bundleIds.get(app);
    if (cached !== undefined) return cached;
    const file = os.at(`${app}/Contents/Info.plist`);
    // An application that runs from Downloads or a disk image is known by its program alone.
    const id = asksOnMac(os, file, homesOnDisk) ? null : readBundleId(file);
    bundleIds.set(app, id);
    return id;
  }

  async function observe(row: Listed, startedAt: string): Promise<ProcessObservation> {
    const args = await splitPsLine(row.cmd ?? '', row.path ?? '', isFile);
    const exe = await exeOf(row, args);
    const interpreter = interpreterOf(exe, args);
    const found = interpreter ? scriptOf(interpreter, args) : null;
    return {
      kind: 'process',
      pid: row.pid,
      parent: row.ppid,
      startedAt,
      exe,
      args,
      // `ps` doesn't tell the working folder, so a relative name stays unknown.
      script: found?.script ? await resolveScript(found.script, null) : null,
      module: found?.module ?? null,
      bundleId: bundleIdOf(exe),
      home: (row.uid === undefined ? undefined : homeOf.get(row.uid)) ?? null,
      owner: ownerOf(row.uid),
    };
  }

  async function look(): Promise<ProcessLook> {
    // Without the `ps` that ps-list has just run.
    const rows = (await read()).filter(({ pid, ppid, name }) => pid > 0 && !(ppid === process.pid && /(^|\/)ps$/.test(name)));
    const before = known;
    const next = new Map<number, Known>();
    const appeared: ProcessObservation[] = [];
    const changed: ProcessObservation[] = [];
    for (const row of rows) {
      // To the second: that is what `ps` gives, and pids come round more slowly.
      const startedAt = row.startTime?.toISOString() ?? '';
      const program = row.path ?? '';
      const line = hash('sha1', `${program}\0${row.cmd ?? ''}`, 'base64');
      const old = before.get(row.pid);
      if (old?.startedAt !== startedAt) {
        const observation = await observe(row, startedAt);
        appeared.push(observation);
        next.set(row.pid, { startedAt, program, line, fresh: true, runs: observation.script !== null || observation.module !== null });
        continue;
      }
      next.set(row.pid, { ...old, fresh: false });
      // Many programs write over their command line. What was read stays, unless it is the second sighting or another program's file is named now.
      if (old.line === line || !(old.fresh || (program !== '' && program !== old.program))) continue;
      const observation = await observe(row, startedAt);
      const runs = observation.script !== null || observation.module !== null;
      // `node /…/gemini` that has become `gemini` is still what it was.
      if (old.runs && !runs && interpreterOf(null, observation.args) === null && program === '') continue;
      changed.push(observation);
      next.set(row.pid, { startedAt, program, line, fresh: false, runs });
    }
    known = next;
    const gone = [...before]
      .filter(([pid, { startedAt }]) => next.get(pid)?.startedAt !== startedAt)
      .map(([pid, { startedAt }]) => ({ pid, startedAt }));
    return { appeared, changed, gone, total: rows.length };
  }

  return {
    look,
    forget() {
      known = new Map();
    },
  };
}

/**
 * The arguments of a `ps` line. `program` is the path that the line begins with, where that is known. An argument that begins like a path is put
 * together with those after it, up to the next flag, when only together they name a file that exists.
 */
export async function splitPsLine(line: string, program: string, isFile: (file: string) => Promise<boolean>): Promise<string[]> {
  const args: string[] = [];
  let rest = line;
  if (program !== '' && (line === program || line.startsWith(`${program} `))) {
    args.push(program);
    rest = line.slice(program.length);
  }
  const words = rest.split(' ').filter(Boolean);
  while (words.length > 0) {
    let taken = 1;
    if (words[0]?.startsWith('/') && words[1] !== undefined && !(await isFile(words[0]))) {
      for (let count = 2; count <= Math.min(words.length, mostBlanks + 1) && !words[count - 1]?.startsWith('-'); count++) {
        if (!(await isFile(words.slice(0, count).join(' ')))) continue;
        taken = count;
        break;
      }
    }
    args.push(words.splice(0, taken).join(' '));
  }
  return args;
}

/** The innermost application folder that holds a program; null for a program outside of one. */
export function innermostApp(exe: string): string | null {
  const end = exe.lastIndexOf('.app/Contents/');
  return end < 0 ? null : exe.slice(0, end + '.app'.length);
}

/** The bundle identifier in an Info.plist, XML or binary; null where the file is missing or isn't one. */
export function readBundleId(file: string): string | null {
  const read = readSmall(file, mostOfPlist);
  return read.ok ? (plistStrings(read.bytes, new Set(['CFBundleIdentifier'])).get('CFBundleIdentifier') ?? null) : null;
}
