/** What a command of `muster-admin` is. */
import type { Api } from './client.ts';

/** Something is wrong with how the command was written; exit code 2. */
export class UsageError extends Error {}

export type Options = Readonly<Record<string, string | boolean | undefined>>;
export type Output = { readonly json: unknown; readonly text: string };
export type Command = {
  /** One line a form; the options that are named here are the ones it takes. */
  readonly usage: readonly string[];
  readonly does: string;
  /** The most words after its name. */
  readonly words: number;
  /** Whether it needs no token. */
  readonly open?: true;
  /** `tell` writes a line for whoever waits. */
  run(api: Api, words: readonly string[], options: Options, tell: (line: string) => void): Promise<Output>;
};
