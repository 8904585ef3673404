/**
 * Processes on Linux: an incremental reader of /proc.
 *
 * A look lists /proc and asks for the inode number and change time of each process's folder; only a process for which these are new is
 * read. The kernel makes that inode when the folder is first asked for, numbers it from a counter and stamps it with that moment, and drops it
 * with the process: another process under the same pid has another inode, so a reused pid is noticed at the very next look. The opposite
 * happens (under memory pressure a living process gets a new inode), so a new inode is a reason to compare start times and no more.
 * For 1,000 processes this costs about 4 ms where reading every `stat` costs 10. The calls are the synchronous ones: these files are memory,
 * and a promise for each costs several times the read.
 *
 * `comm` isn't used: it is cut at 15 characters, and a thread or the program itself can change it.
 */
import { hash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { ProcessObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import type { Homes, ProcessLook, ProcessObserver } from './processes.ts';
import { interpreterOf, scriptOf } from './script.ts';
import { resolveScript } from './script-file.ts';

/** Longer command lines are cut here: what names a tool stands at the beginning. */
const longestCommandLine = 64 * 1024;
/** Each look asks one process in this many whether it has executed something else, so that `exec claude` in an old shell is found too. */
const rotation = 16;
/** Where the accounts of people begin, as login.defs has it on every usual distribution. */
const firstPerson = 1000;
/** `nobody`, and the accounts that systemd makes for services with DynamicUser. */
const isService = (uid: number) => uid === 65_534 || (uid >= 61_184 && uid <= 65_519);
/** Whether an account is a person's, and not the system's or a service's. */
export const isPersons = (uid: number) => uid >= firstPerson && !isService(uid);
/** PF_KTHREAD of the kernel's sched.h. */
const kernelThread = 0x0020_0000;

type Known = {
  inode: number;
  changedMs: number;
  startedAt: string;
  /** The addresses of the program's code and stack: another program has others. Empty where the kernel hides them from us. */
  image: string;
  /** A hash, so that a command line (which may hold a secret) isn't kept for as long as the process lives. */
  shape: string;
  /** False for what isn't reported: a kernel thread, or a dead process that nobody has waited for. */
  reported: boolean;
  /** True until the second sighting. */
  fresh: boolean;
  /** The number of the look that last saw it. */
  look: number;
};

type Stat = { state: string; parent: number; flags: number; startedAt: string; image: string };
type Reading = { stat: Stat; observation: ProcessObservation | null; script: string | null; shape: string };

/** The observer over `os.at('/proc')`. */
export function linuxProcesses(os: Os, homes: Homes): ProcessObserver {
  const proc = os.at('/proc');
  // Of several homes with one user the first is meant.
  const homeOf = new Map([...homes].reverse().flatMap(({ home, uid }) => (uid === null ? [] : [[uid, home] as const])));
  const ownerOf = (uid: number): ProcessObservation['owner'] => {
    if (uid === os.user.uid || homeOf.has(uid)) return 'self';
    return isPersons(uid) ? 'other' : 'system';
  };
  let known = new Map<number, Known>();
  let looks = 0;

  /** Null where the process has ended meanwhile. One call into Node where opening, reading and closing would be four. */
  function readText(path: string): string | null {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  }

  function readStat(folder: string): Stat | null {
    const text = readText(`${folder}/stat`);
    return text === null ? null : parseStat(text);
  }

  /** Everything about a process whose `stat` has been read, but for resolving its script. Null where it has ended meanwhile. */
  function read(folder: string, pid: number, stat: Stat, ownerOfFolder: number): Reading | null {
    if (!isReported(stat)) return { stat, observation: null, script: null, shape: '' };
    const commandLine = readText(`${folder}/cmdline`)?.slice(0, longestCommandLine) ?? null;
    if (commandLine === null) return null;
    const exe = readExe(folder);
    const args = splitCommandLine(commandLine);
    const interpreter = interpreterOf(exe, args);
    const found = interpreter ? scriptOf(interpreter, args) : null;
    const uid = userOf(folder, ownerOfFolder);
    const observation: ProcessObservation = {
      kind: 'process',
      pid,
      parent: stat.parent,
      startedAt: stat.startedAt,
      exe,
      args,
      script: null,
      module: found?.module ?? null,
      bundleId: null,
      home: homeOf.get(uid) ?? null,
      owner: ownerOf(uid),
    };
    return { stat, observation, script: found?.script ?? null, shape: hash('sha1', `${exe ?? ''}\0${commandLine}`, 'base64') };
  }

  /** The kernel gives the folder of a process that may not be dumped (a browser's sandbox, a key agent) to root: then `status` knows better. */
  function userOf(folder: string, ownerOfFolder: number): number {
    if (ownerOfFolder !== 0) return ownerOfFolder;
    const uid = /^Uid:\t(\d+)/m.exec(readText(`${folder}/status`) ?? '')?.[1];
    return uid === undefined ? ownerOfFolder : Number(uid);
  }

  async function resolved(folder: string, { observation, script }: Reading): Promise<ProcessObservation[]> {
    if (!observation) return [];
    if (script === null) return [observation];
    return [{ ...observation, script: await resolveScript(script, readLink(`${folder}/cwd`)) }];
  }

  async function look(): Promise<ProcessLook> {
    let names: string[];
    try {
      names = readdirSync(proc);
    } catch (error) {
      throw new Error(`The process list can't be read at ${proc} (${codeOf(error)}); mount the proc file system there.`);
    }
    const now = ++looks;
    const appeared: Promise<ProcessObservation[]>[] = [];
    const changed: Promise<ProcessObservation[]>[] = [];
    const gone: { pid: number; startedAt: string }[] = [];
    let total = 0;
    const lost = (pid: number, old: Known) => {
      if (old.reported) gone.push({ pid, startedAt: old.startedAt });
    };

    for (const name of names) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const pid = Number(name);
      const folder = `${proc}/${name}`;
      const status = statSync(folder, { throwIfNoEntry: false });
      if (!status) continue;
      const old = known.get(pid);
      const sameInode = old !== undefined && old.inode === status.ino && old.changedMs === status.ctimeMs;
      if (sameInode && !old.fresh && (pid + now) % rotation !== 0) {
        old.look = now;
        if (old.reported) total++;
        continue;
      }

      const stat = readStat(folder);
      if (!stat) continue;
      const next: Known = {
        inode: status.ino,
        changedMs: status.ctimeMs,
        startedAt: stat.startedAt,
        image: stat.image,
        shape: old?.shape ?? '',
        reported: isReported(stat),
        fresh: false,
        look: now,
      };
      if (old && old.startedAt === stat.startedAt && old.reported === next.reported) {
        // A program that renames itself (npm and many Node programs write over their command line) has the same image: what was read before
        // is the truth. Without an image, which the kernel hides for other users' programs, only the comparison is left.
        if (old.image === '' || old.image !== stat.image) {
          const reading = read(folder, pid, stat, status.uid);
          if (!reading) continue;
          next.shape = reading.shape;
          if (reading.shape !== old.shape) changed.push(resolved(folder, reading));
        }
      } else {
        const reading = read(folder, pid, stat, status.uid);
        if (!reading) continue;
        if (old) lost(pid, old);
        next.shape = reading.shape;
        next.fresh = true;
        appeared.push(resolved(folder, reading));
      }
      known.set(pid, next);
      if (next.reported) total++;
    }

    for (const [pid, old] of known) {
      if (old.look === now) continue;
      known.delete(pid);
      lost(pid, old);
    }
    return { appeared: (await Promise.all(appeared)).flat(), changed: (await Promise.all(changed)).flat(), gone, total };
  }

  return {
    look,
    forget() {
      known = new Map();
    },
  };
}

function isReported(stat: Stat): boolean {
  return (stat.flags & kernelThread) === 0 && stat.state !== 'Z' && stat.state !== 'X';
}

/** The fields of /proc/<pid>/stat that matter; null where it isn't one. The name in its brackets may itself hold brackets, blanks and line ends. */
export function parseStat(text: string): Stat | null {
  const end = text.lastIndexOf(')');
  if (end < 0) return null;
  const fields = text.slice(end + 2).split(' ');
  // proc_pid_stat(5) counts from 1 and the state is its third field.
  const field = (number: number) => fields[number - 3] ?? '';
  const startedAt = field(22);
  if (!/^\d+$/.test(startedAt)) return null;
  const stack = field(28);
  return {
    state: field(3),
    parent: Number(field(4)) || 0,
    flags: Number(field(9)) || 0,
    startedAt,
    image: stack === '0' || stack === '' ? '' : `${field(26)} ${stack} ${field(48)} ${field(50)}`,
  };
}

/** The arguments of a /proc/<pid>/cmdline. Trailing empty ones are dropped: a program that renames itself leaves zeros behind its new name. */
export function splitCommandLine(text: string): string[] {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return end === 0 ? [] : text.slice(0, end).split('\0');
}

function readExe(folder: string): string | null {
  const target = readLink(`${folder}/exe`);
  if (target === null || !target.endsWith(' (deleted)') || existsSync(target)) return target;
  return target.slice(0, -' (deleted)'.length);
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
