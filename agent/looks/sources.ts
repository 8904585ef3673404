/** How each thing that Muster looks at is going: the rows of "What Muster sees", and the one place where a source's failure is caught. */
import type { Source } from '../../electron/contract.ts';
import type { AgentParts } from '../agent.ts';
import type { Trouble } from '../observe/observation.ts';
import { DatabaseError } from '../sqlite.ts';

export type Sources = {
  list(): readonly Source[];
  of(id: Source['id']): Source;
  note(id: Source['id'], now: Source['state'], detail: string): void;
  /** Runs one source; what it throws becomes a problem and null. What can't be written is thrown on: the next source would meet it too. */
  attempt<T>(id: Source['id'], look: () => Promise<T> | T): Promise<T | null>;
  failed(id: Source['id'], error: unknown): void;
  /** What is wrong with the places of a source now; what it told before and doesn't any more is over. */
  tell(id: Source['id'], troubles: readonly Trouble[]): void;
};

export const FAILED = 'The last look failed; it is tried again by itself.';
const ALL: readonly Source['id'][] = [
  ...(['processes', 'installed', 'extensions', 'configs', 'addons', 'accounts'] as const),
  ...(['servers', 'models', 'containers', 'guests', 'foreground'] as const),
];

/** `raise` shows a trouble under a key of its own. */
export function createSources(
  parts: Pick<AgentParts, 'clock' | 'problems' | 'log'> & {
    readonly raise: (trouble: Trouble, key: string) => void;
    readonly onSource: () => void;
  },
): Sources {
  const { clock, problems, log, raise, onSource } = parts;
  const states = new Map<Source['id'], Source>(ALL.map((id) => [id, { id, state: 'ok', detail: '', lastLook: null }]));
  const told = new Map<Source['id'], readonly { readonly code: Trouble['code']; readonly key: string }[]>();
  const of = (id: Source['id']) => states.get(id) as Source;

  const sources: Sources = {
    list: () => [...states.values()],
    of,
    note(id, state, detail) {
      const lastLook = state === 'ok' ? clock.now().toISOString() : of(id).lastLook;
      states.set(id, { id, state, detail, lastLook });
      onSource();
    },
    async attempt(id, look) {
      sources.note(id, 'looking', of(id).detail);
      try {
        const seen = await look();
        problems.clear('source-failed', id);
        return seen;
      } catch (error) {
        if (error instanceof DatabaseError) {
          sources.note(id, 'unavailable', 'What it sees can’t be written at the moment; it is tried again by itself.');
          throw error;
        }
        sources.failed(id, error);
        return null;
      }
    },
    failed(id, error) {
      log(id, error);
      problems.raise({ code: 'source-failed', path: id, detail: error instanceof Error ? error.name : 'unknown' }, id);
      sources.note(id, 'unavailable', FAILED);
    },
    tell(id, troubles) {
      for (const { code, key } of told.get(id) ?? []) problems.clear(code as Parameters<typeof problems.clear>[0], key);
      const now = troubles.map((trouble) => ({ code: trouble.code, key: `${id}\0${trouble.path ?? ''}`, trouble }));
      for (const { key, trouble } of now) raise(trouble, key);
      told.set(id, now);
    },
  };
  return sources;
}
