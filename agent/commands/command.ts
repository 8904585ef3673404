/** What every command of `muster` is made of: its description, what it is called with, and what its failures mean to a script. */
import type { ParseArgsConfig } from 'node:util';
import type { Failure } from '../failure.ts';
import type { Os } from '../observe/os.ts';

/** The exit codes of the command line's contract. */
export const EXIT = { done: 0, found: 1, usage: 2, collector: 3, database: 4, no: 5, bug: 70 } as const;

/** With which code a failure ends the program. */
export const exitOf: Readonly<Record<Failure['code'], number>> = {
  usage: EXIT.usage,
  'unknown-item': EXIT.usage,
  duplicate: EXIT.usage,
  'unknown-request': EXIT.usage,
  'wrong-state': EXIT.usage,
  'policy-invalid': EXIT.no,
  collector: EXIT.collector,
  'not-owner': EXIT.database,
  database: EXIT.database,
  closed: EXIT.database,
  bug: EXIT.bug,
};

export type Invocation = {
  readonly os: Os;
  readonly version: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  readonly json: boolean;
  readonly data: string | null;
  readonly home: readonly string[];
  /** Writes the answer to standard output: `value` as one line of JSON with `--json`, otherwise the text, which may hold names from outside. */
  answer(value: unknown, text: () => string): void;
};

export type Command = {
  /** The text of `--help`. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Resolves with the exit code; rejects with a `UsageError`, `DataFolderError`, `DatabaseError` or a refusal of the agent. */
  run(invocation: Invocation): Promise<number>;
  /** Nothing is under way once `run` has resolved, so that the process may end as soon as what was printed is out. */
  readonly endsAtOnce?: true;
};

/** A command as it is listed, and loaded when named: a short one doesn't pay for the others. */
export type Listed = { readonly summary: string; readonly load: () => Promise<{ command: Command | Group }> };

/** A command of several verbs (`muster policy check FILE`): the first word after its name says which, and each is a command of its own. */
export type Group = {
  /** What `--help` says before the list of verbs. */
  readonly about: string;
  readonly verbs: Readonly<Record<string, Listed>>;
};

/** The command was called wrongly; the sentence says how to call it. */
export class UsageError extends Error {
  readonly code = 'usage';
}

/** The option as text, or null where it was not given. */
export function option(invocation: Invocation, name: string): string | null {
  const value = invocation.values[name];
  return typeof value === 'string' ? value : null;
}

/** Refuses words after a command that takes none. */
export function takesNoWords(name: string, { positionals: [word] }: Invocation): void {
  if (word !== undefined) throw new UsageError(`“${name}” takes no “${word.slice(0, 40)}”; “muster ${name} --help” lists its options.`);
}
