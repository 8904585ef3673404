/**
 * What a program runs that has written a name of its own over its command line: `process.title = 'pi'` leaves `pi` and nothing else of
 * `node /home/ada/.npm-global/bin/pi`, within a moment of its start. Pure.
 */
import type { ProcessObservation } from '../observation.ts';
import { type Interpreter, interpreterOf } from './script.ts';

/** The script that is the command of this name, run by this interpreter; null where there is none that is known. */
export type ScriptNamed = (name: string, interpreter: Interpreter) => string | null;

/**
 * The process with its script, where an interpreter has a bare name for its whole command line and `scriptNamed` knows the script of that name. It is
 * a guess, and the one that the shell made too when the name was typed. Every other process comes back as it was.
 */
export function retitled(process: ProcessObservation, scriptNamed: ScriptNamed): ProcessObservation {
  const { exe, args, script, module } = process;
  if (script !== null || module !== null || exe === null || args.length !== 1) return process;
  const interpreter = interpreterOf(exe, []);
  // The name may be followed by what the program does just now.
  const name = /^[\w.-]+(?= |$)/.exec(args[0] ?? '')?.[0];
  // A REPL is called by the interpreter's own name.
  if (!interpreter || name === undefined || interpreterOf(null, [name]) !== null) return process;
  const found = scriptNamed(name, interpreter);
  return found === null ? process : { ...process, script: found };
}
