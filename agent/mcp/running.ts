/** Says whether a process is a server entry that is running. Pure; the process's arguments are compared and go no further. */
import type { ProcessObservation } from '../observe/observation.ts';
import { blankArgs } from './args.ts';
import type { ParsedServer } from './parse.ts';
import { BLANK } from './secrets.ts';
import { type Target, targetOf } from './target.ts';
import { launchLine, programName } from './unwrap.ts';

type Entry = Pick<ParsedServer, 'command' | 'args' | 'url'>;

/** What is compared of an entry and of a process. Each entry meets each process, so each is read once and remembered while it lives. */
type Wanted = {
  readonly program: string;
  readonly rest: readonly string[];
  readonly target: Target;
  /** What the program may be called. */
  readonly names: readonly string[];
  /** What the path of a package's files holds. */
  readonly folder: string;
};
type Seen = {
  readonly paths: readonly string[];
  /** Names of the paths' last steps, and of what was started, in lower case. */
  readonly files: ReadonlySet<string>;
  readonly programs: ReadonlySet<string>;
  /** What a script was called by: a command of npm’s is a script whose first line names node. Null where no script runs. */
  readonly command: string | null;
  args(): readonly string[];
};
const wanted = new WeakMap<Entry, Wanted>();
const seen = new WeakMap<ProcessObservation, Seen>();

/**
 * Whether `process` runs what `server` says: the launcher itself (`npx …`, `docker run …`) or what it started. npx and uvx start the package's program
 * under another name, so its package is looked for in the path of the script or executable, and the arguments after it are compared.
 */
export function launches(server: Entry, process: ProcessObservation): boolean {
  if (server.command === null) return false;
  const want = remembered(wanted, server, readEntry);
  const has = remembered(seen, process, readProcess);
  // Blanking arguments is what costs: only for the few processes whose program fits.
  if (isProgram(want.program, has) && isSameLine(want, process, has)) return true;
  return isTarget(want, process, has) && hasRest(want.target, process, has.args());
}

/**
 * `launches` over all of these processes at once: whether any of them runs the server. A computer has a thousand processes and its owner a
 * hundred servers, so only those processes are compared that have a name in common with the entry.
 */
export function runningAmong(processes: Iterable<ProcessObservation>): (server: Entry) => boolean {
  const byName = new Map<string, Set<ProcessObservation>>();
  for (const process of processes) {
    for (const name of namesOfProcess(process, remembered(seen, process, readProcess))) {
      const found = byName.get(name);
      if (found) found.add(process);
      else byName.set(name, new Set([process]));
    }
  }
  return (server) => {
    if (server.command === null) return false;
    const want = remembered(wanted, server, readEntry);
    return namesOfEntry(want).some((name) => {
      for (const process of byName.get(name) ?? []) if (launches(server, process)) return true;
      return false;
    });
  };
}

/** Each process that `launches` says yes to has one of the names of the entry: what `isProgram` and `isTarget` compare, cut to what a map can find. */
function namesOfEntry({ program, target, names, folder }: Wanted): string[] {
  const ofProgram = [`program ${program}`, `program ${program}-cli`, ...(isPython(program) ? ['any python'] : [])];
  switch (target.kind) {
    case 'npm':
      return [...ofProgram, `folder ${folder.split('/')[2]}`];
    case 'script':
      return [...ofProgram, `last ${lastStep(names[0] ?? '')}`];
    case 'pypi':
      return [...ofProgram, ...names.flatMap((name) => [`file ${name}`, `module ${name}`])];
    default:
      return [...ofProgram, ...names.map((name) => `file ${name}`)];
  }
}

function namesOfProcess({ module }: ProcessObservation, { paths, files, programs }: Seen): string[] {
  const folders = paths.flatMap((file) => [...file.matchAll(/\/node_modules(?=\/([^/]*))/g)]);
  const modules = module?.split('.').map((_, at, steps) => steps.slice(0, at + 1).join('.')) ?? [];
  return [
    ...[...programs].map((name) => `program ${name}`),
    ...([...programs].some(isAnyPython) ? ['any python'] : []),
    ...[...files].map((name) => `file ${name}`),
    ...paths.map((file) => `last ${lastStep(file)}`),
    ...folders.map(([, name]) => `folder ${name}`),
    ...modules.map((name) => `module ${name}`),
  ];
}

const lastStep = (file: string) => file.slice(file.lastIndexOf('/') + 1);
const isPython = (program: string) => program === 'python' || program === 'python3';
const isAnyPython = (program: string) => /^python3?(?:\.\d+)?$/.test(program);

export type RunningEntries = {
  /** Takes these for the entries from now on, and compares each with every process that runs. */
  set(entries: readonly (Entry & { readonly id: string })[], processes: Iterable<ProcessObservation>): void;
  /** Takes over what a look at the processes found new and gone: only that is compared. */
  apply(look: {
    readonly appeared: readonly ProcessObservation[];
    readonly gone: readonly { readonly pid: number; readonly startedAt: string }[];
  }): void;
  /** The ids of the entries that run now, in order. */
  ids(): string[];
};

/** Keeps which entries run from look to look, because hundreds of entries meet hundreds of processes. */
export function createRunningEntries(): RunningEntries {
  let entries: readonly (Entry & { readonly id: string })[] = [];
  const byProcess = new Map<string, readonly string[]>();
  const keyOf = ({ pid, startedAt }: { readonly pid: number; readonly startedAt: string }) => `${pid}:${startedAt}`;
  const compare = (process: ProcessObservation) => {
    const ids = entries.filter((entry) => launches(entry, process)).map(({ id }) => id);
    if (ids.length > 0) byProcess.set(keyOf(process), ids);
    else byProcess.delete(keyOf(process));
  };
  return {
    set(list, processes) {
      // After a saved config nearly all entries are as they were: those keep what is known of them.
      const before = new Map(entries.map((entry) => [entry.id, entry]));
      entries = list.map((entry) => {
        const known = before.get(entry.id);
        return known && isSameEntry(known, entry) ? known : entry;
      });
      const kept = new Set(entries.filter((entry) => before.get(entry.id) === entry).map(({ id }) => id));
      for (const [key, ids] of byProcess) {
        const still = ids.filter((id) => kept.has(id));
        if (still.length > 0) byProcess.set(key, still);
        else byProcess.delete(key);
      }
      const fresh = entries.filter(({ id }) => !kept.has(id));
      if (fresh.length === 0) return;
      const all = [...processes];
      // Each name of each process is worth looking up only where many entries ask for it.
      const candidates = fresh.length > 20 ? fresh.filter(runningAmong(all)) : fresh;
      for (const process of all) {
        const found = candidates.filter((entry) => launches(entry, process)).map(({ id }) => id);
        if (found.length > 0) byProcess.set(keyOf(process), [...(byProcess.get(keyOf(process)) ?? []), ...found]);
      }
    },
    apply({ appeared, gone }) {
      for (const process of gone) byProcess.delete(keyOf(process));
      appeared.forEach(compare);
    },
    ids: () => [...new Set([...byProcess.values()].flat())].sort(),
  };
}

function isSameEntry(one: Entry, other: Entry): boolean {
  return (
    one.command === other.command &&
    one.url === other.url &&
    one.args.length === other.args.length &&
    one.args.every((arg, at) => arg === other.args[at])
  );
}

function remembered<Key extends object, Value>(memory: WeakMap<Key, Value>, key: Key, read: (key: Key) => Value): Value {
  const before = memory.get(key);
  if (before !== undefined) return before;
  const value = read(key);
  memory.set(key, value);
  return value;
}

function readEntry(server: Entry): Wanted {
  const [command = '', ...rest] = launchLine(server);
  const target = targetOf(server);
  const names = namesOf(target);
  const folder = `/node_modules/${target.name}/`;
  return { program: programName(command).toLowerCase(), rest, target, names, folder };
}

function namesOf({ kind, name, program }: Target): string[] {
  if (kind === 'script') return [slashed(name)];
  if (kind === 'go') return [name.split('/').findLast((part) => !/^v\d+$/.test(part)) ?? name];
  return [...new Set([name, name.replaceAll('-', '_'), ...(program === null ? [] : [program])])];
}

function readProcess(process: ProcessObservation): Seen {
  const files = [process.script, process.exe, ...process.args.slice(0, 2)].filter((file) => file !== null && file !== undefined);
  const paths = files.map(slashed);
  const called = process.script === null ? undefined : process.args.find((arg, at) => at > 0 && !arg.startsWith('-'));
  const programs = [process.script, process.exe, process.args[0], called].filter((file) => file !== null && file !== undefined);
  const nameOf = (file: string) => programName(file.replace(/\.(?:js|mjs|cjs)$/i, '')).toLowerCase();
  let args: readonly string[] | null = null;
  return {
    paths,
    files: new Set(paths.map(programName)),
    programs: new Set(programs.map(nameOf)),
    command: called === undefined ? null : nameOf(called),
    args: () => (args ??= blankArgs(process.args).args),
  };
}

function isProgram(name: string, { programs }: Seen): boolean {
  // npx, npm and pnpm are scripts: `…/npm/bin/npx-cli.js`. python3 is a link to python3.12.
  if (programs.has(name) || programs.has(`${name}-cli`)) return true;
  return isPython(name) && [...programs].some(isAnyPython);
}

/** The command line as it is written in the entry: the same program with the same arguments. */
function isSameLine({ program, rest }: Wanted, process: ProcessObservation, has: Seen): boolean {
  const args = has.args();
  // Alone, the name of an interpreter is no sign of anything.
  if (rest.length === 0) return process.script === null ? args.length <= 1 : has.command === program && restOf(process, args).length === 0;
  const own = args.length - rest.length;
  return own >= 1 && own <= (process.script === null ? 2 : 8) && endsWith(args, rest);
}

function isTarget({ target, names, folder }: Wanted, { module, script }: ProcessObservation, { paths, files }: Seen): boolean {
  switch (target.kind) {
    case 'npm':
      return paths.some((file) => file.includes(folder));
    case 'pypi':
      return names.some((name) => files.has(name) || (module !== null && (module === name || module.startsWith(`${name}.`))));
    case 'go':
    case 'binary':
      return script === null && names.some((name) => files.has(name));
    case 'script':
      return paths.some((file) => isFile(file, names[0] ?? ''));
    default:
      return false;
  }
}

function slashed(file: string): string {
  return file.replaceAll('\\', '/');
}

/** Whether `file` is what the entry calls `written`, which may be relative to a folder that isn't known. */
function isFile(file: string, written: string): boolean {
  if (file === written) return true;
  if (/^(?:\/|[A-Za-z]:)/.test(written)) return false;
  const bare = written.replace(/^(?:\.\/|~\/|\$\{?\w+\}?\/)+/, '');
  return file === bare || file.endsWith(`/${bare}`);
}

function hasRest(target: Target, process: ProcessObservation, args: readonly string[]): boolean {
  if (target.rest.length > 0) return endsWith(args, target.rest);
  return restOf(process, args).length === 0;
}

/** What follows the program, module or script on a process's own line. */
function restOf(process: ProcessObservation, args: readonly string[]): readonly string[] {
  if (process.module !== null) return args.slice(args.indexOf('-m') + 2);
  if (process.script === null) return args.slice(1);
  const at = args.findIndex((arg, index) => index > 0 && !arg.startsWith('-'));
  return at < 0 ? [] : args.slice(at + 1);
}

function endsWith(args: readonly string[], rest: readonly string[]): boolean {
  if (args.length < rest.length) return false;
  return rest.every((written, index) => matches(written, args[args.length - rest.length + index] ?? ''));
}

/** A written argument may hold blanks, references that the client has filled in, and `~`. */
function matches(written: string, given: string): boolean {
  if (written === given) return true;
  const pieces = written.split(/…|\$\{[^}]*\}|\$\w+|%\w+%|^~/);
  if (pieces.length === 1) return false;
  if (given === BLANK) return true;
  let from = 0;
  for (const [index, piece] of pieces.entries()) {
    const at = index === 0 ? (given.startsWith(piece) ? 0 : -1) : given.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  const last = pieces.at(-1) ?? '';
  return last === '' || given.endsWith(last);
}
