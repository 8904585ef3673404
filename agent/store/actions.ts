/** Every SQL statement about what Muster does by itself. A row holds what takes it back, in names and hashes; no content of a file. */
import type { Action, ActionKind } from '../../electron/contract.ts';

export type ActionRow<Data> = {
  readonly id: string;
  readonly kind: ActionKind;
  readonly item: string;
  readonly rule: string;
  readonly state: Action['state'];
  readonly data: Data;
  readonly createdAt: string;
  readonly updatedAt: string;
};

/** Both throw a `DatabaseError` where the file can't be used. */
export type ActionRows = {
  /** Oldest first. What can't be read any more (a salvaged database) is left out. */
  actions<Data>(): ActionRow<Data>[];
  /** New, or as it is now. */
  putAction<Data>(row: ActionRow<Data>): void;
  dropAction(id: string): void;
};

type Statement = { run(...values: readonly unknown[]): unknown };

/** `write` runs in a transaction, or in the one under way. */
export function actionRows(
  sql: (text: string) => Statement,
  all: <Row>(text: string) => Row[],
  write: <T>(work: () => T) => T,
): ActionRows {
  return {
    actions: <Data>() =>
      all<Omit<ActionRow<Data>, 'data'> & { data: string }>(
        'SELECT id, kind, item, rule, state, data, created_at AS createdAt, updated_at AS updatedAt FROM action ORDER BY created_at, id',
      ).flatMap((row): ActionRow<Data>[] => {
        try {
          return [{ ...row, data: JSON.parse(row.data) as Data }];
        } catch {
          return [];
        }
      }),
    putAction: (row) =>
      write(() => {
        sql(`INSERT INTO action (id, kind, item, rule, state, data, created_at, updated_at)
          VALUES (@id, @kind, @item, @rule, @state, @data, @createdAt, @updatedAt)
          ON CONFLICT (id) DO UPDATE SET state = excluded.state, data = excluded.data, updated_at = excluded.updated_at`).run({
          ...row,
          data: JSON.stringify(row.data),
        });
      }),
    dropAction: (id) => write(() => void sql('DELETE FROM action WHERE id = ?').run(id)),
  };
}
