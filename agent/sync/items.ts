/** From what is stored to what leaves: the items of a check-in, shortened where they are too long, without what changes by the minute. Pure. */
import type { ApprovalRequest, Tool } from '../../electron/contract.ts';
import type { AccountFact } from '../observe/observation.ts';
import type { ApprovedLaunch } from '../policy/decide.ts';
import type { StoredServer } from '../store/store.ts';
import { BOUNDS, Item, itemHash, itemKey, RequestUp } from '../wire.ts';
import type { Names } from './names.ts';

export type Inventory = {
  readonly tools: readonly Tool[];
  readonly servers: readonly StoredServer[];
  readonly accounts: readonly AccountFact[];
  readonly approved: ReadonlyMap<string, ApprovedLaunch>;
};

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
    ...{
      surface,
      version: version === null ? null : cut(names.name(version), 100),
      path: path === null ? null : cut(names.path(path), PATH),
      present,
    },
    ...(program === undefined ? {} : { program: cut(names.name(program), NAME) }),
    ...(enabled === undefined ? {} : { enabled }),
  }));
  const addons = (tool.addons ?? []).map(({ kind, name, scope }) => ({ kind, name: cut(names.name(name), NAME) || '?', scope }));
  const models = (tool.models ?? []).map(({ name, bytes }) => ({
    name: cut(names.name(name), NAME) || '?',
    bytes: Math.max(0, Math.floor(bytes)),
  }));
  return {
    ...{ kind: 'tool', tool: tool.id, confidence: tool.confidence, present: tool.present, firstSeen: tool.firstSeen },
    places: atMost('places', 50, sorted(places), drop),
    accounts: atMost(
      'accounts',
      20,
      sorted(
        accounts.map(({ tier, organization, domain, personal }) => ({
          ...{
            tier: cutOr(tier, NAME) || null,
            organization: organization === null ? null : cut(names.name(organization), NAME),
            domain: cutOr(domain, NAME),
            personal,
          },
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
  const { client, name, scope, enabled, present, transport, pinned, uncertain, firstSeen, autoApproved, identity, risk } = server;
  const { id, launch } = names.server(server);
  const told = names.identity(server);
  return {
    ...{ kind: 'mcp', id, client, scope, enabled, present, transport, pinned, uncertain, firstSeen },
    name: cut(names.name(name), NAME),
    project: server.project === null ? null : names.project(server.project),
    configPath: cut(names.path(server.configPath), PATH),
    command: server.command === null ? null : cut(names.command(server.command, identity), PATH),
    args: atMost(
      'args',
      100,
      server.args.map((text) => cut(names.argument(text, identity), PATH)),
      drop,
    ),
    url: cutOr(server.url, PATH),
    identity: {
      ...{ kind: told.kind, name: cut(told.name, 2000), version: cutOr(identity.version, 200) },
      launchHash: cut(launch(identity.launchHash), 100),
    },
    publisher: cutOr(server.publisher, NAME),
    autoApproved:
      autoApproved === 'all' ? 'all' : atMost('autoApproved', 200, sorted(autoApproved.map((tool) => cut(names.name(tool), NAME))), drop),
    secretNames: atMost('secretNames', 100, sorted(server.secretNames.map((secret) => cut(names.name(secret), NAME))), drop),
    risk: {
      ...{ score: risk.score, level: risk.level },
      findings: atMost('findings', 100, sorted(risk.findings.map(({ id: finding, severity }) => ({ id: finding, severity }))), drop),
    },
    approved: approved === null ? null : { rule: cut(approved.rule, NAME), launchHash: cut(launch(approved.launchHash), 100) },
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

/** Null where the protocol has no words for it: what IT has decided needs no telling. The reason is what the employee wrote for IT, and goes as it is. */
export function toRequest(
  request: ApprovalRequest,
  servers: readonly Pick<StoredServer, 'name' | 'identity' | 'pinned'>[],
  names: Names,
): RequestUp | null {
  const { id, item, tier, dataClass, until, reason, state, createdAt, updatedAt, added } = request;
  if (state !== 'open' && state !== 'withdrawn' && state !== 'expired') return null;
  const isServer = item.startsWith('mcp:');
  const server = isServer ? servers.find(({ name }) => name === item.slice(4)) : undefined;
  // The name of a server that is forgotten may have been a project's, which then is forgotten too.
  const tell = isServer ? (server ? names.name : names.unknown) : (text: string) => text;
  const told = isServer ? `mcp:${tell(item.slice(4))}` : item;
  const draft: RequestUp = {
    ...{ id, item: cut(told, 310), itemName: cut(tell(request.itemName), NAME) },
    ...{ tier, dataClass, until },
    identity: server ? cutOr(names.identity(server).grantable, 2100) : null,
    ...{ reason: cut(reason, 2000), state, createdAt, updatedAt, added: cutOr(added, 2000) },
  };
  return RequestUp.safeParse(draft).data ?? null;
}
