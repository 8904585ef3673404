/** The window's copy of what the agent knows: slices merged as they come, and kept while the agent is away. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { AgentLink, Snapshot, WindowAgent, WindowShell } from '../electron/contract.ts';

export type Known = {
  /** Null until the agent has told everything once. */
  readonly snapshot: Snapshot | null;
  readonly link: AgentLink;
  /** While the agent is away: when it was last there. Null while it is there. */
  readonly staleSince: string | null;
};

export type SnapshotStore = { get(): Known; subscribe(onChange: () => void): () => void };

/** The keys that a snapshot always has; the others may come or not. */
type Always = { [K in keyof Snapshot]-?: undefined extends Snapshot[K] ? never : K }[keyof Snapshot];

const slices = {
  agent: true,
  device: true,
  look: true,
  tools: true,
  mcpServers: true,
  requests: true,
  problems: true,
  policy: true,
  sources: true,
  told: true,
} satisfies Record<Always, true>;

function whole(parts: Partial<Snapshot>): parts is Snapshot {
  return Object.keys(slices).every((slice) => parts[slice as keyof Snapshot] !== undefined);
}

/** Listens for as long as the window lives. `now` is asked when the agent goes away. */
export function snapshotStore(
  agent: Pick<WindowAgent, 'onChanged'>,
  shell: Pick<WindowShell, 'onLink' | 'link'>,
  now: () => Date,
): SnapshotStore {
  let parts: Partial<Snapshot> = {};
  let known: Known = { snapshot: null, link: { state: 'starting', detail: null, retryAt: null }, staleSince: null };
  const listeners = new Set<() => void>();
  const set = (change: Partial<Known>) => {
    known = { ...known, ...change };
    for (const listener of listeners) listener();
  };
  const setLink = (link: AgentLink) => {
    const away = link.state !== 'up';
    // Without a list there is nothing that could be out of date.
    const staleSince = away && known.snapshot ? (known.staleSince ?? now().toISOString()) : null;
    set({ link, staleSince });
  };
  let heard = false;
  agent.onChanged((change) => {
    parts = { ...parts, ...change };
    if (whole(parts)) set({ snapshot: parts });
  });
  shell.onLink((link) => {
    heard = true;
    setLink(link);
  });
  // The answer to the first question may be older than what was pushed meanwhile.
  shell.link().then(
    (link) => {
      if (!heard) setLink(link);
    },
    () => {},
  );
  return {
    get: () => known,
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
  };
}

export function useKnown(store: SnapshotStore): Known {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** The time, once every half minute: often enough for “6 minutes ago”, seldom enough to stay calm. */
export function useNow(everyMs = 30_000): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** True once `active` has lasted `afterMs`; false at once when it ends. */
export function useLasting(active: boolean, afterMs: number): boolean {
  const [lasted, setLasted] = useState(false);
  useEffect(() => {
    setLasted(false);
    if (!active) return;
    const timer = setTimeout(() => setLasted(true), afterMs);
    return () => clearTimeout(timer);
  }, [active, afterMs]);
  return active && lasted;
}
