/** What every command of `muster` is made of: its description, what it is called with, and what its failures mean to a script. */
import type { ParseArgsConfig } from 'node:util';
import { DataFolderError } from '../data-folder.ts';
import type { Os } from '../observe/os.ts';
import { DatabaseError } from '../sqlite.ts';

/** The exit codes of the command line's contract. */
export const EXIT = { done: 0, found: 1, usage: 2, collector: 3, database: 4, no: 5, bug: 70 } as const;

export type Invocation = {
  readonly os: Os;
  readonly version: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
  readonly json: boolean;
  readonly data: string | null;
  readonly home: readonly string[];
  /** Writes to standard output and ends the line. */
  print(text: string): void;
};

export type Command = {
  /** The text of `--help`. */
  readonly usage: string;
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Resolves with the exit code; rejects with a `UsageError`, `DataFolderError`, `DatabaseError` or a refusal of the agent. */
  run(invocation: Invocation): Promise<number>;
};

/** The command was called wrongly; the sentence says how to call it. */
export class UsageError extends Error {
  readonly code = 'usage';
}

const REFUSED: ReadonlySet<string> = new Set(['usage', 'unknown-item', 'duplicate', 'unknown-request', 'wrong-state']);

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null);

export function exitOf(error: unknown): number {
  if (error instanceof DatabaseError) return EXIT.database;
  if (error instanceof DataFolderError) return error.code === 'usage' ? EXIT.usage : EXIT.database;
  const code = codeOf(error);
  if (code === 'policy-invalid') return EXIT.no;
  if (code === 'database' || code === 'not-owner' || code === 'closed') return EXIT.database;
  return code !== null && REFUSED.has(code) ? EXIT.usage : EXIT.bug;
}

/** One line for people, and the same as data. A bug's own message may quote what was being read, so only its place is told. */
export function failureOf(error: unknown): { code: string; message: string; path?: string } {
  const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? { path: error.path } : {};
  if (exitOf(error) !== EXIT.bug) return { code: codeOf(error) ?? 'bug', message: (error as Error).message.replaceAll(/\s+/g, ' '), ...at };
  const name = error instanceof Error ? error.name : typeof error;
  const place =
    error instanceof Error ? (/\bat .*?([\w.-]+:\d+):\d+\)?$/m.exec(error.stack ?? '')?.[1] ?? 'an unknown place') : 'an unknown place';
  const system = codeOf(error);
  return {
    code: 'bug',
    message: `A bug in Muster (${name}${system ? ` ${system}` : ''} at ${place}); nothing was lost, so try again, and report this line if it stays.`,
  };
}

/** The option as text, or null where it was not given. */
export function option(invocation: Invocation, name: string): string | null {
  const value = invocation.values[name];
  return typeof value === 'string' ? value : null;
}
