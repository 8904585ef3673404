/** Says to a screen reader, once each, what Muster begins to do by itself and what came of it; the passing seconds are said to nobody. */
import { useEffect, useRef } from 'react';
import type { Snapshot } from '../electron/contract.ts';
import { actionText } from './words/action.ts';
import { clientName } from './words/mcp.ts';

const worthSaying = new Set(['waiting', 'done', 'failed']);

export function useActionsSaid(snapshot: Snapshot | null, announce: (text: string) => void): void {
  const known = useRef<ReadonlyMap<string, string> | null>(null);
  const actions = snapshot?.actions;
  useEffect(() => {
    if (!snapshot || !actions) return;
    const before = known.current;
    known.current = new Map(actions.map(({ id, state }) => [id, state]));
    // What stood there when the window opened is read with the page.
    if (before === null) return;
    const now = new Date();
    const said = actions
      .filter(({ id, state }) => worthSaying.has(state) && before.get(id) !== state)
      .map((action) => {
        const server = snapshot.mcpServers.find(({ id }) => id === action.server);
        return actionText(action, server ? clientName(server.client, snapshot.tools) : null, now);
      });
    if (said.length > 0) announce(said.join(' '));
  }, [snapshot, actions, announce]);
}
