/** What the application was started with, and what follows from it: pure, so that every platform's answer can be tested on one. */
import path from 'node:path';
import type { Platform } from '../contract.ts';

export type Start = {
  /** Started at login: the tray only, no window. */
  readonly background: boolean;
  /** The agent's data folder where it isn't the platform's own. */
  readonly data: string | null;
  /** The file that the self-test writes its findings to. */
  readonly selfTest: string | null;
};

/**
 * Reads the command line. The environment counts in development only: a packaged app obeys what can be seen in its command line. Throws an Error
 * with a sentence for the person where an option has no value: the usual folder isn't what was asked for.
 */
export function readStart(argv: readonly string[], env: Readonly<Record<string, string | undefined>>, packaged: boolean): Start {
  const data = optionOf(argv, 'data', 'a folder, or leave it out to use the usual one') ?? (packaged ? null : env['MUSTER_DATA'] || null);
  const selfTest = optionOf(argv, 'self-test', 'a file for what it finds');
  return {
    background: argv.includes('--background'),
    data: data && path.resolve(data),
    selfTest: selfTest && path.resolve(selfTest),
  };
}

/** As the command line of the agent takes it: `--name=value` or `--name value`; the last one counts. Null where it isn't there. */
function optionOf(argv: readonly string[], name: string, needs: string): string | null {
  const at = argv.findLastIndex((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`));
  const option = argv[at];
  if (option === undefined) return null;
  const next = argv[at + 1] ?? '';
  // Another option is no value; one that does begin with a hyphen can be told by the equals sign.
  const value = option === `--${name}` ? (next.startsWith('-') ? '' : next) : option.slice(name.length + 3);
  if (value === '') throw new Error(`--${name} has no value: give it ${needs}.`);
  return value;
}

/**
 * Where Chromium keeps what it must keep. Never the agent's folder, so that nothing of a browser lies beside the inventory; one folder for
 * each data folder, because the single-instance lock lives here.
 */
export function chromiumFolder(
  start: Start,
  platform: Platform,
  env: Readonly<Record<string, string | undefined>>,
  appData: string,
): string {
  if (start.data) return `${start.data}-window`;
  // `appData` roams on Windows, and a browser's cache is the last thing that should follow a person from computer to computer.
  if (platform === 'win32') return path.win32.join(env['LOCALAPPDATA'] || appData, 'Muster Window');
  return path.posix.join(appData, platform === 'darwin' ? 'Muster Window' : 'muster-window');
}

/**
 * The agent's executable with its arguments. In development it is the same entry on Node 24; `MUSTER_AGENT_COMMAND`, a JSON array, names
 * another, and a packaged app doesn't look at it.
 */
export function agentCommand(options: {
  readonly start: Start;
  readonly packaged: boolean;
  readonly platform: Platform;
  readonly resources: string;
  readonly appPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}): [string, ...string[]] {
  const { start, packaged, platform, resources, appPath, env } = options;
  const exe = platform === 'win32' ? '.exe' : '';
  const [file, ...args] = packaged
    ? [path.join(resources, 'agent', `muster${exe}`)]
    : (named(env['MUSTER_AGENT_COMMAND']) ?? [
        path.join(appPath, 'node_modules', 'node', 'bin', `node${exe}`),
        path.join(appPath, 'agent', 'cli.ts'),
      ]);
  return [file, ...args, 'watch', '--supervised', '--through-parent', ...(start.data ? ['--data', start.data] : [])];
}

function named(text: string | undefined): [string, ...string[]] | null {
  if (!text) return null;
  const value: unknown = JSON.parse(text);
  if (Array.isArray(value) && value.every((part) => typeof part === 'string') && value[0]) return value as [string, ...string[]];
  throw new Error('MUSTER_AGENT_COMMAND must be a JSON array of strings: the program, then its arguments.');
}
