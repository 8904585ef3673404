/** Main's own copy of what the agent knows, kept for the tray and the notifications: the full state first, whole slices after. */
import type { Socket } from 'node:net';
import type { AgentApi, AgentEvents, Snapshot } from '../contract.ts';
import { connect } from '../rpc.ts';
import { socketChannel } from '../socket.ts';
import { type Notice, notices } from './notify.ts';

type Calls = Pick<AgentApi, 'scan' | 'told'>;

export type Watcher = {
  snapshot(): Snapshot | null;
  /** Follows the agent at the other end of this socket until it closes. */
  follow(socket: Socket): void;
  /** Asks for a look; what it finds comes back as changes. */
  scan(): void;
};

/** An agent of another version may own the data folder: what it says is believed only where it is what this version can show. */
function isWhole(slices: Partial<Snapshot>): slices is Snapshot {
  const { tools, mcpServers, requests, problems, sources, look, told, policy } = slices;
  return (
    [tools, mcpServers, requests, problems, sources].every(Array.isArray) && [look, told, policy].every((part) => part instanceof Object)
  );
}

export function watcher(options: { changed(snapshot: Snapshot): void; show(notice: Notice): void; now?: () => Date }): Watcher {
  const { changed, show, now = () => new Date() } = options;
  let snapshot: Snapshot | null = null;
  let api: Calls | null = null;
  /** What was shown and may not have reached the agent's memory yet: an agent that dies between the two must not make us say it twice. */
  const shown: Record<string, string> = {};

  return {
    snapshot: () => snapshot,
    scan: () => {
      // A refusal has its own way to be seen: a problem, or the link.
      api?.scan().catch(() => {});
    },
    follow: (socket) => {
      const connection = connect<Calls, AgentEvents>(socketChannel(socket), ['scan', 'told']);
      api = connection.api;
      let first = true;
      const remember = (items: readonly string[]) => {
        if (items.length > 0) connection.api.told(items).catch(() => {});
      };
      connection.on('changed', (slices) => {
        const before = snapshot;
        // The first frame is the full state; what comes after changes slices of it.
        const after = first ? slices : { ...before, ...slices };
        if (!isWhole(after)) return;
        if (first) remember(Object.keys(shown).filter((item) => !Object.hasOwn(after.told, item)));
        first = false;
        snapshot = after;
        for (const notice of notices(before, { ...after, told: { ...after.told, ...shown } })) {
          for (const item of notice.items) shown[item] = now().toISOString();
          remember(notice.items);
          show(notice);
        }
        changed(after);
      });
      void connection.closed.then(() => {
        if (api === connection.api) api = null;
      });
    },
  };
}
