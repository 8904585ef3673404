/** What every view is given: what is known, the two doors out of the window, the time, and the ways to say and to ask something. */
import { createContext, useContext } from 'react';
import type { AgentLink, Snapshot, Tier, WindowAgent, WindowShell } from '../electron/contract.ts';

/** Something that approval can be asked for. */
export type Askable = {
  /** A tool's id, or `mcp:` and an MCP server's name. */
  readonly item: string;
  readonly name: string;
  readonly tiers: readonly Tier[];
  /** The plan that it is signed in on, where that is known: chosen at first. */
  readonly tier: string | null;
};

export type Muster = {
  readonly snapshot: Snapshot;
  readonly link: AgentLink;
  readonly staleSince: string | null;
  readonly now: Date;
  readonly agent: WindowAgent;
  readonly shell: WindowShell;
  /** Says the result of an action to a screen reader, in the words that are also on screen. */
  announce(text: string): void;
  /** Opens the request dialog for these, one after the other. */
  ask(items: readonly Askable[]): void;
};

export const MusterContext = createContext<Muster | null>(null);

export function useMuster(): Muster {
  const muster = useContext(MusterContext);
  if (!muster) throw new Error('A view was drawn outside of <App>, so there is nothing that it could show; draw it inside.');
  return muster;
}

/** What a refused call says. The preload rejects with a plain `{code, message}`; anything else is a bug and still gets its words. */
export function refusal(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : 'bug',
    message: typeof message === 'string' && message ? message : 'The agent gave no reason.',
  };
}
