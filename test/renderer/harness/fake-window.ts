/**
 * The preload's place: `window.agent` and `window.shell` as the contract says, answered in the page. `install` is sent to the page as text,
 * so it uses nothing from outside itself; a test steers it through `window.fake`.
 */
import type {
  Action,
  AgentLink,
  ApprovalRequest,
  SentPayload,
  Snapshot,
  SyncStatus,
  View,
  WindowAgent,
  WindowShell,
} from '../../../electron/contract.ts';

export type Start = { readonly snapshot: Partial<Snapshot> | null; readonly link: AgentLink; readonly sent: readonly SentPayload[] };

export type Fake = {
  change(slices: Partial<Snapshot>): void;
  link(link: AgentLink): void;
  show(view: View, tool: string | null): void;
  /** The next calls are refused with this message; null: answered again. */
  refuse(message: string | null): void;
  /** Calls wait until `release`. */
  hold(): void;
  release(): void;
  /** Every call so far, with its arguments. */
  readonly calls: readonly (readonly [name: string, ...args: unknown[]])[];
};

export function install({ snapshot, link, sent }: Start): void {
  let state: Partial<Snapshot> | null = snapshot;
  let current = link;
  let payloads = sent;
  let message: string | null = null;
  let gate: Promise<void> | null = null;
  let open = () => {};
  const calls: [string, ...unknown[]][] = [];
  const changed = new Set<(slices: Partial<Snapshot>) => void>();
  const links = new Set<(link: AgentLink) => void>();
  const shows = new Set<(view: View, tool: string | null) => void>();
  const tell = (slices: Partial<Snapshot>) => {
    state = { ...state, ...slices };
    for (const handler of changed) handler(slices);
  };
  const call = async <T>(name: string, args: unknown[], work: () => T): Promise<T> => {
    calls.push([name, ...args]);
    if (gate) await gate;
    if (message !== null) throw { code: 'database', message };
    return work();
  };
  const requestNow = (id: string, change: Partial<ApprovalRequest>): ApprovalRequest => {
    const requests = (state?.requests ?? []).map((one) =>
      one.id === id ? { ...one, ...change, updatedAt: new Date().toISOString() } : one,
    );
    tell({ requests });
    const found = requests.find((one) => one.id === id);
    if (!found) throw { code: 'unknown-request', message: 'There is no such request.' };
    return found;
  };
  const actionNow = (id: string, change: Partial<Action>): Action => {
    const actions = (state?.actions ?? []).map((one) => (one.id === id ? { ...one, ...change } : one));
    tell({ actions });
    const found = actions.find((one) => one.id === id);
    if (!found) throw { code: 'unknown-item', message: 'There is no such action.' };
    return found;
  };
  const setStatus = (item: string, status: 'pending' | 'unreviewed') =>
    tell({ tools: (state?.tools ?? []).map((one) => (one.id === item ? { ...one, verdict: { ...one.verdict, status } } : one)) });

  const agent: WindowAgent = {
    scan: (options) =>
      call('scan', [options], () => {
        const at = new Date().toISOString();
        if (state?.look) tell({ look: { ...state.look, state: 'idle', at } });
        const device = state?.device ?? { id: '', platform: 'linux', hostname: '', user: '' };
        return {
          schema: 'muster.inventory/1',
          device,
          startedAt: at,
          durationMs: 1,
          partial: false,
          tools: state?.tools ?? [],
          mcpServers: state?.mcpServers ?? [],
          problems: [],
        };
      }),
    request: (input) =>
      call('request', [input], () => {
        const at = new Date().toISOString();
        const name = state?.tools?.find(({ id }) => id === input.item)?.name ?? input.item;
        const made: ApprovalRequest = {
          id: `request-${(state?.requests ?? []).length}-${input.item}`,
          item: input.item,
          itemName: name,
          tier: input.tier ?? null,
          dataClass: input.dataClass ?? null,
          until: input.until ?? null,
          reason: input.reason,
          state: 'open',
          createdAt: at,
          updatedAt: at,
          answer: null,
          added: null,
        };
        tell({ requests: [...(state?.requests ?? []), made] });
        setStatus(input.item, 'pending');
        return made;
      }),
    withdraw: (id) =>
      call('withdraw', [id], () => {
        const done = requestNow(id, { state: 'withdrawn' });
        setStatus(done.item, 'unreviewed');
        return done;
      }),
    answer: (id, text) => call('answer', [id, text], () => requestNow(id, { state: 'open', added: text })),
    acknowledge: (version) =>
      call('acknowledge', [version], () => {
        const acknowledgedAt = new Date().toISOString();
        const asked = state?.policy?.acknowledge;
        if (state?.policy && asked) tell({ policy: { ...state.policy, acknowledge: { ...asked, acknowledgedAt } } });
        return { version, acknowledgedAt };
      }),
    actNow: (id) => call('actNow', [id], () => actionNow(id, { state: 'done', endsAt: null, mayKeep: false, mayUndo: true })),
    keepForToday: (id) => call('keepForToday', [id], () => actionNow(id, { mayKeep: false })),
    undo: (id) => call('undo', [id], () => actionNow(id, { state: 'undone', mayUndo: false })),
    syncNow: () =>
      call('syncNow', [], () => {
        if (!state?.sync) throw { code: 'wrong-state', message: 'This computer belongs to no collector.' };
        const at = new Date().toISOString();
        const body = '{"proto":1,"seq":100}';
        payloads = [{ seq: 100, at, bytes: body.length, answered: 'acknowledged', body, isCut: false }, ...payloads];
        const sync: SyncStatus = { ...state.sync, state: 'ok', lastAt: at, detail: null };
        tell({ sync });
        return sync;
      }),
    sentPayloads: () => call('sentPayloads', [], () => payloads),
    welcomed: () => call('welcomed', [], () => tell({ told: { ...state?.told, 'first-run': new Date().toISOString() } })),
    onChanged: (handler) => {
      if (state) handler(state);
      changed.add(handler);
      return () => changed.delete(handler);
    },
  };
  const shell: WindowShell = {
    link: async () => current,
    restartAgent: () => call('restartAgent', [], () => {}),
    openHelp: () => call('openHelp', [], () => {}),
    about: async () => ({ version: '0.1.0', electron: '45.4.1', chrome: '150', platform: 'linux' }),
    onLink: (handler) => {
      links.add(handler);
      return () => links.delete(handler);
    },
    onShow: (handler) => {
      shows.add(handler);
      return () => shows.delete(handler);
    },
  };
  const fake: Fake = {
    change: tell,
    link: (next) => {
      current = next;
      for (const handler of links) handler(next);
    },
    show: (view, tool) => {
      for (const handler of shows) handler(view, tool);
    },
    refuse: (text) => {
      message = text;
    },
    hold: () => {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release: () => {
      gate = null;
      open();
    },
    calls,
  };
  Object.assign(window, { agent, shell, fake });
}
