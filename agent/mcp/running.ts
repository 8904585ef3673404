/** Says whether a process is a server entry that is running. Pure; the process's arguments are compared and go no further. */
import type { ProcessObservation } from '../observe/observation.ts';
import type { ParsedServer } from './parse.ts';
import { BLANK, blankArgs } from './secrets.ts';
import { type Target, targetOf } from './target.ts';
import { programName, unwrap } from './unwrap.ts';

/**
 * Whether `process` runs what `server` says: the launcher itself (`npx …`, `docker run …`) or what it started. npx and uvx start the package's program
 * under another name, so its package is looked for in the path of the script or executable, and the arguments after it are compared.
 */
export function launches(server: Pick<ParsedServer, 'command' | 'args' | 'url'>, process: ProcessObservation): boolean {
  if (server.command === null) return false;
  const target = targetOf(server);
  const args = blankArgs(process.args).args;
  const line = unwrap([server.command, ...server.args]);
  return isSameLine(line, process, args) || (isTarget(target, process) && hasRest(target, process, args));
}

/** The command line as it is written in the entry: the same program with the same arguments. */
function isSameLine(line: readonly string[], process: ProcessObservation, args: readonly string[]): boolean {
  const [command = '', ...rest] = line;
  const name = programName(command);
  const program = [process.exe, process.script, process.args[0] ?? null].some(
    (file) => file !== null && namesMatch(programName(stem(file)), name, file),
  );
  if (!program) return false;
  const own = args.length - rest.length;
  // Alone, the name of an interpreter is no sign of anything.
  if (rest.length === 0) return process.script === null && args.length <= 1;
  return own >= 1 && own <= 2 + (process.script === null ? 0 : 6) && endsWith(args, rest);
}

function namesMatch(found: string, name: string, file: string): boolean {
  if (found.toLowerCase() === name.toLowerCase()) return true;
  // npx, npm and pnpm are scripts: `…/npm/bin/npx-cli.js`. python3 is a link to python3.12.
  if (found === `${name}-cli`) return true;
  return /^python3?$/.test(name) ? /^python3?(?:\.\d+)?$/.test(programName(file)) : false;
}

function stem(file: string): string {
  return file.replace(/\.(?:js|mjs|cjs)$/i, '');
}

function isTarget(target: Target, process: ProcessObservation): boolean {
  const paths = [process.script, process.exe, ...process.args.slice(0, 2)]
    .filter((file) => file !== null && file !== undefined)
    .map(slashed);
  switch (target.kind) {
    case 'npm':
      return paths.some((file) => file.includes(`/node_modules/${target.name}/`));
    case 'pypi': {
      const names = new Set([target.name, target.name.replaceAll('-', '_'), target.program].filter((name) => name !== null));
      if (process.module !== null && [...names].some((name) => process.module === name || process.module?.startsWith(`${name}.`)))
        return true;
      return paths.some((file) => names.has(programName(file.split('/').at(-1) ?? '')));
    }
    case 'go': {
      const name = target.name.split('/').findLast((part) => !/^v\d+$/.test(part));
      return process.exe !== null && programName(process.exe) === name;
    }
    case 'script':
      return paths.some((file) => isFile(file, slashed(target.name)));
    case 'binary':
      return process.script === null && paths.some((file) => programName(file) === target.name);
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
  const bare = written.replace(/^(?:\.\/|~\/|\$\{?\w+\}?\/)+/, '');
  return bare.includes('/') || bare !== written || !/^(?:\/|[A-Za-z]:)/.test(written) ? file.endsWith(`/${bare}`) : false;
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
