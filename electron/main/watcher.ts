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
        // The first frame is the full state; without one there is nothing that slices could change.
        if (!first && !before) return;
        const after = (first ? slices : { ...before, ...slices }) as Snapshot;
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
