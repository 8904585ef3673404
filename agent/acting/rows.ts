/** One thing that Muster does by itself, as it is kept in the database, noted in the record, and shown. */
import type { Action, Mode } from '../../electron/contract.ts';
import type { Disabled } from '../act/disable-entry.ts';
import type { Note } from '../evidence.ts';
import type { ActionRow } from '../store/actions.ts';

/** What is kept of an action beside what the store knows of every row. */
export type Data = {
  readonly itemName: string;
  readonly server: string | null;
  readonly mode: Mode;
  readonly reason: string;
  readonly why: string | null;
  readonly preview: Action['preview'];
  readonly endsAt: string | null;
  /** It was put off already. */
  readonly kept: boolean;
  readonly rev: number | null;
  /** The entry as it was launched then: another one is another matter. */
  readonly launch: string | null;
  /** Something was begun and not finished when this was written. */
  readonly step: 'doing' | 'undoing' | null;
  readonly disabled: Disabled | null;
  readonly by: 'countdown' | 'employee' | 'outside' | null;
};
export type Row = ActionRow<Data>;

/** What the policy asks for now. */
export type Want = Pick<Data, 'itemName' | 'server' | 'mode' | 'reason' | 'rev' | 'launch'> & Pick<Row, 'kind' | 'item' | 'rule'>;

/** Whether a row is about what is wanted, by whichever rule. */
export const sameThing = (row: Pick<Row, 'kind' | 'item'> & { readonly data: Pick<Data, 'server'> }, want: Want) =>
  row.kind === want.kind && (want.server === null ? row.item === want.item : row.data.server === want.server);

/** A row of the record: what was decided about an action, and what it was before. */
export function tell(note: Note, row: Row, was: string | null, decision: string, more: Readonly<Record<string, unknown>> = {}): void {
  const { kind, item, rule, data } = row;
  const { mode, rev, by } = data;
  note({
    kind: 'action',
    item,
    was,
    decision,
    rule,
    policyRev: rev,
    detail: { action: kind, id: row.id, mode, ...(by ? { by } : {}), ...more },
  });
}

/** As the window and the command line are told of it. */
export function shownOf(row: Row): Action {
  const { id, kind, item, rule, state, data, createdAt, updatedAt } = row;
  const { itemName, server, mode, reason, why, preview, endsAt, kept, disabled } = data;
  return {
    ...{ id, kind, item, itemName, server, rule, mode, state, reason, why, preview, endsAt },
    mayKeep: state === 'waiting' && kind === 'disable-entry' && !kept,
    mayUndo: state === 'done' && disabled !== null,
    ...{ createdAt, updatedAt },
  };
}
