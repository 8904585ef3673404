/** What may be told of an error: whom it concerns and one sentence. The text of an unexpected one never is: it may quote what was being read. */
import type { ErrorCode } from '../electron/contract.ts';
import { DatabaseError } from './sqlite.ts';

/** `closed`: the agent ended, or its connection did, before it answered. */
export type Failure = { readonly code: ErrorCode | 'closed'; readonly message: string; readonly path?: string };

const CODES: ReadonlySet<string> = new Set<Failure['code']>([
  'usage',
  'unknown-item',
  'duplicate',
  'unknown-request',
  'wrong-state',
  'policy-invalid',
  'collector',
  'not-owner',
  'database',
  'closed',
]);

/** An error's name, code and place in our code: `TypeError at looks.ts:120`. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  // The stack begins with the message.
  const stack = (error.stack ?? '').replace(error.message, '');
  const place = /^ +at .*?([\w.-]+:\d+):\d+\)?$/m.exec(stack)?.[1];
  return `${error.name}${code}${place ? ` at ${place}` : ''}`;
}

/** One line for people, and the same as data; what nobody foresaw is a `bug`. */
export function failureOf(error: unknown): Failure {
  const at = error instanceof Error && 'path' in error && typeof error.path === 'string' ? { path: error.path } : {};
  const said = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ').trim() : '';
  if (error instanceof DatabaseError) return { code: 'database', message: said, ...at };
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'bug';
  if (code === 'closed') return { code, message: 'The agent ended before it had answered; try again.' };
  if (CODES.has(code)) return { code: code as Failure['code'], message: said, ...at };
  const message = `A bug in Muster (${kindOf(error)}); nothing was lost, so try again, and report this line if it stays.`;
  return { code: 'bug', message };
}
