/** The one stream of the agent: each listener gets the full state first, then whole slices, and never one that is as it was. */
import type { Snapshot } from '../electron/contract.ts';

/** A slice that may be absent is told as absent. */
export type Slices = { readonly [K in keyof Snapshot]-?: () => Snapshot[K] };
type Listener = (slices: Partial<Snapshot>) => void;

export type Stream = {
  /** The full state now. */
  snapshot(): Snapshot;
  /** Computes these slices anew (all, when none is named) and tells every listener about those that are not what they were. */
  publish(...keys: (keyof Snapshot)[]): void;
  /** Gives the full state at once and whole slices after, until the signal aborts. */
  subscribe(listener: Listener, signal: AbortSignal): void;
};

/** `slices` compute each part of the state; what they throw passes through. */
export function createStream(slices: Slices): Stream {
  const all = Object.keys(slices) as (keyof Snapshot)[];
  const listeners = new Set<Listener>();
  /** What every listener knows, as text. */
  const sent = new Map<keyof Snapshot, string>();

  function changed(keys: readonly (keyof Snapshot)[]): Partial<Snapshot> {
    const found: Record<string, unknown> = {};
    for (const key of keys) {
      const value = slices[key]();
      const text = JSON.stringify(value);
      if (sent.get(key) === text) continue;
      sent.set(key, text);
      found[key] = value;
    }
    return found as Partial<Snapshot>;
  }

  function publish(...keys: (keyof Snapshot)[]): void {
    if (listeners.size === 0) return;
    const news = changed(keys.length > 0 ? keys : all);
    if (Object.keys(news).length > 0) for (const listener of listeners) listener(news);
  }

  return {
    snapshot: () => Object.fromEntries(all.map((key) => [key, slices[key]()])) as Snapshot,
    publish,
    subscribe(listener, signal) {
      if (signal.aborted) return;
      // What nobody has been told yet must reach the others too, before it counts as known.
      publish();
      sent.clear();
      const full = changed(all);
      listeners.add(listener);
      signal.addEventListener('abort', () => listeners.delete(listener));
      listener(full);
    },
  };
}
