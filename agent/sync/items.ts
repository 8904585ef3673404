/** From what is stored to what leaves: the items of a check-in, shortened where they are too long, without what changes by the minute. Pure. */
import type { ApprovalRequest, Tool } from '../../electron/contract.ts';
import type { AccountFact } from '../observe/observation.ts';
import type { ApprovedLaunch } from '../policy/decide.ts';
import type { StoredServer } from '../store/store.ts';
import { BOUNDS, Item, itemHash, itemKey, RequestUp } from '../wire.ts';

export type Inventory = {
  readonly tools: readonly Tool[];
  readonly servers: readonly StoredServer[];
  readonly accounts: readonly AccountFact[];
  readonly approved: ReadonlyMap<string, ApprovedLaunch>;
};

/** How places are written outside of this computer. */
export type Names = {
  /** A project's folder; null: not even that. */
  project(folder: string): string | null;
  /** Any text that may hold a path. */
  text(text: string): string;
};

/** `folders` are those of projects, as they are shown (`~/work/app`); `salted` tells them apart and says nothing else. */
export function createNames(options: {
  readonly folders: readonly string[];
  readonly mayTell: boolean;
  /** Absolute. */
  readonly homes: readonly string[];
  readonly salted: (text: string) => string;
}): Names {
  const { mayTell, salted } = options;
  const homes = options.homes.filter((home) => home.length > 3);
  const project = (folder: string) => (mayTell ? `project:${salted(folder)}` : null);
  // The longest first, so that a project within a project keeps its own name; a root or a home is no project.
  const folders = [...new Set(options.folders)]
    .filter((folder) => folder.length > 3)
    .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const hidden = folders.flatMap((folder) => {
    const name = project(folder) ?? 'project';
    const plain = folder.startsWith('~') ? homes.map((home) => [home + folder.slice(1), name] as const) : [];
    return [[folder, name] as const, ...plain];
  });
  const within = (text: string, folder: string, name: string) =>
    text.includes(folder)
      ? text.replaceAll(new RegExp(`${folder.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}(?![\\w-])`, 'g'), () => name)
      : text;
  return {
    project,
    text(text) {
      const told = hidden.reduce((so, [folder, name]) => within(so, folder, name), text);
      return homes.reduce((so, home) => within(so, home, '~'), told);
    },
  };
}

export type Items = {
  readonly items: ReadonlyMap<string, { readonly item: Item; readonly hash: string; readonly bytes: number }>;
  /** What was left out, by kind; empty: nothing. */
  readonly dropped: Readonly<Record<string, number>>;
};

type Drop = (kind: string, count?: number) => void;

export function toItems({ tools, servers, accounts, approved }: Inventory, names: Names): Items {
  const dropped: Record<string, number> = {};
  const drop: Drop = (kind, count = 1) => {
    if (count > 0) dropped[kind] = (dropped[kind] ?? 0) + count;
  };
  const byTool = Map.groupBy(accounts, ({ tool }) => tool);
  const items = new Map<string, { item: Item; hash: string; bytes: number }>();
  const made = [
    ...tools.map((tool) => ofTool(tool, byTool.get(tool.id) ?? [], names, drop)),
    ...servers.map((server) => ofServer(server, approved.get(server.id) ?? null, names, drop)),
  ];
  for (const draft of made) {
    const fitting = shortened(draft, drop);
    const { data } = Item.safeParse(fitting);
    // What the protocol has no room for stays here, and is counted.
    if (data && bytesOf(data) <= BOUNDS.item) items.set(itemKey(data), { item: data, hash: itemHash(data), bytes: bytesOf(data) });
    else drop('items');
  }
  return { items, dropped };
}

const cut = (text: string, most: number) => text.replaceAll('\0', '').toWellFormed().slice(0, most).toWellFormed();
const cutOr = (text: string | null, most: number) => (text === null ? null : cut(text, most));
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const PATH = 4096;
const NAME = 300;

/** The same in any order is the same, and the same twice is once. */
function sorted<T>(values: readonly T[]): T[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text) as T);
}

function atMost<T>(kind: string, most: number, values: readonly T[], drop: Drop): T[] {
  drop(kind, values.length - most);
  return values.slice(0, most);
}

function ofTool(tool: Tool, accounts: readonly AccountFact[], names: Names, drop: Drop): Item {
  const places = tool.places.map(({ surface, version, path, present, program, enabled }) => ({
    ...{ surface, version: cutOr(version, 100), path: path === null ? null : cut(names.text(path), PATH), present },
    ...(program === undefined ? {} : { program: cut(program, NAME) }),
    ...(enabled === undefined ? {} : { enabled }),
  }));
  const addons = (tool.addons ?? []).map(({ kind, name, scope }) => ({ kind, name: cut(names.text(name), NAME) || '?', scope }));
  const models = (tool.models ?? []).map(({ name, bytes }) => ({ name: cut(name, NAME) || '?', bytes: Math.max(0, Math.floor(bytes)) }));
  return {
    ...{ kind: 'tool', tool: tool.id, confidence: tool.confidence, present: tool.present, firstSeen: tool.firstSeen },
    places: atMost('places', 50, sorted(places), drop),
    accounts: atMost(
      'accounts',
      20,
      sorted(
        accounts.map(({ tier, organization, domain, personal }) => ({
          ...{ tier: cutOr(tier, NAME) || null, organization: cutOr(organization, NAME), domain: cutOr(domain, NAME), personal },
        })),
      ),
      drop,
    ),
    findings: atMost('findings', 100, sorted((tool.findings ?? []).map(({ id, severity }) => ({ id, severity }))), drop),
    addons: atMost('addons', 200, sorted(addons), drop),
    models: atMost('models', 200, sorted(models), drop),
  };
}

function ofServer(server: StoredServer, approved: ApprovedLaunch | null, names: Names, drop: Drop): Item {
  const { id, client, name, scope, enabled, present, transport, pinned, uncertain, firstSeen, autoApproved, identity, risk } = server;
  const path = (text: string) => cut(names.text(text), PATH);
  return {
    ...{ kind: 'mcp', id, client, scope, enabled, present, transport, pinned, uncertain, firstSeen },
    name: cut(name, NAME),
    project: server.project === null ? null : names.project(server.project),
    configPath: path(server.configPath),
    command: server.command === null ? null : path(server.command),
    args: atMost('args', 100, server.args.map(path), drop),
    url: cutOr(server.url, PATH),
    identity: {
      ...{ kind: identity.kind, name: cut(names.text(identity.name), 2000), version: cutOr(identity.version, 200) },
      launchHash: cut(identity.launchHash, 100),
    },
    publisher: cutOr(server.publisher, NAME),
    autoApproved: autoApproved === 'all' ? 'all' : atMost('autoApproved', 200, sorted(autoApproved.map((tool) => cut(tool, NAME))), drop),
    secretNames: atMost('secretNames', 100, sorted(server.secretNames.map((secret) => cut(secret, NAME))), drop),
    risk: {
      ...{ score: risk.score, level: risk.level },
      findings: atMost('findings', 100, sorted(risk.findings.map(({ id: finding, severity }) => ({ id: finding, severity }))), drop),
    },
    approved: approved === null ? null : { rule: cut(approved.rule, NAME), launchHash: cut(approved.launchHash, 100) },
  };
}

/** Halves the longest list until the item is small enough, and then long texts. */
function shortened(item: Item, drop: Drop): Item {
  const fitting = structuredClone(item) as Item & Record<string, unknown>;
  const lists =
    fitting.kind === 'tool' ? (['models', 'addons', 'places', 'findings'] as const) : (['autoApproved', 'args', 'secretNames'] as const);
  while (bytesOf(fitting) > BOUNDS.item) {
    const longest = lists
      .map((list) => ({ list, size: Array.isArray(fitting[list]) ? bytesOf(fitting[list]) : 0 }))
      .reduce((worst, one) => (one.size > worst.size ? one : worst));
    const values = fitting[longest.list] as unknown[];
    if (longest.size < 64 || values.length === 0) break;
    const keep = Math.floor(values.length / 2);
    drop(longest.list, values.length - keep);
    Object.assign(fitting, { [longest.list]: values.slice(0, keep) });
  }
  if (bytesOf(fitting) <= BOUNDS.item || fitting.kind !== 'mcp') return fitting;
  drop('texts');
  const short = (text: string | null) => cutOr(text, 500);
  const { identity } = fitting;
  return {
    ...fitting,
    ...{ configPath: cut(fitting.configPath, 500), command: short(fitting.command), url: short(fitting.url) },
    identity: { ...identity, name: cut(identity.name, 500) },
  };
}

/** Null where the protocol has no words for it: what IT has decided needs no telling. */
export function toRequest(
  request: ApprovalRequest,
  servers: readonly Pick<StoredServer, 'name' | 'identity'>[],
  names: Names,
): RequestUp | null {
  const { id, item, tier, dataClass, until, reason, state, createdAt, updatedAt, added } = request;
  if (state !== 'open' && state !== 'withdrawn' && state !== 'expired') return null;
  const server = item.startsWith('mcp:') ? servers.find(({ name }) => name === item.slice(4)) : undefined;
  const draft: RequestUp = {
    ...{ id, item: cut(item, 310), itemName: cut(request.itemName, NAME), tier, dataClass, until },
    identity: server ? cut(`${server.identity.kind}:${names.text(server.identity.name)}`, 2100) : null,
    ...{ reason: cut(reason, 2000), state, createdAt, updatedAt, added: cutOr(added, 2000) },
  };
  return RequestUp.safeParse(draft).data ?? null;
}
