/** From stored rows to what people see: tools with their places, evidence and verdicts. Pure. */
import type { Account, Confidence, Evidence, Finding, McpServer, Place, Risk, Surface, Tool, Verdict } from '../electron/contract.ts';
import type { Entry, Family } from '../native-catalog/schema.ts';
import type { AddonFact, ModelFact } from './observe/observation.ts';
import type { StoredEvidence, StoredServer, StoredTool } from './store/store.ts';

/** A process that is running now and belongs to a tool. `path` as in the stored evidence (`~/…`). */
export type RunningProcess = {
  readonly tool: string;
  readonly pid: number;
  readonly path: string | null;
  readonly listens?: NonNullable<Place['listens']>;
};
/** A container that is running now, by its image and engine. */
export type RunningContainer = { readonly tool: string; readonly image: string; readonly engine: string };

const STRENGTH = { certain: 0, likely: 1, weak: 2 } as const;
const KIND: Record<Evidence['kind'], number> = {
  ...{ process: 0, package: 1, app: 2, extension: 3, container: 4, binary: 5 },
  ...{ site: 6, account: 7, listener: 8, window: 9, config: 10 },
};

/** Kinds that say a tool is installed, as opposed to once seen in use. */
const INSTALLED: ReadonlySet<Evidence['kind']> = new Set(['package', 'app', 'binary', 'extension', 'container', 'site', 'account']);

/** Families of weak evidence. What is called alike on disk and running is one and the same coincidence. */
type Sort = 'name' | 'trace' | 'port' | 'site' | 'title' | 'browser';
const SORT: Record<Evidence['kind'], Sort> = {
  ...{ process: 'name', package: 'name', app: 'name', binary: 'name', extension: 'name', container: 'name' },
  ...{ config: 'trace', account: 'trace', listener: 'port', site: 'site', window: 'title' },
};

type Weighed = Pick<StoredEvidence, 'kind' | 'strength'> & { readonly manager?: string | null };

/** A title says whose page it is, and a window of a browser's that it is a page: that is two; any other program may be titled so. */
function sorts({ kind, manager }: Weighed): Sort[] {
  return kind === 'window' && manager ? ['title', 'browser'] : [SORT[kind]];
}

/**
 * Whether evidence makes a row: one that is not weak, or weak evidence of two different sorts. A common name is one sort, whether it was
 * seen on disk or running; a leftover folder is another, and so is a port.
 */
export function confidence(evidence: readonly Weighed[]): Confidence | null {
  if (evidence.some(({ strength }) => strength === 'certain')) return 'certain';
  if (evidence.some(({ strength }) => strength === 'likely')) return 'likely';
  return new Set(evidence.flatMap(sorts)).size > 1 ? 'possible' : null;
}

function inside(folder: string | null, path: string | null): boolean {
  if (!folder || !path) return false;
  return (
    path === folder ||
    path.startsWith(folder.endsWith('/') || folder.endsWith('\\') ? folder : `${folder}${folder.includes('\\') ? '\\' : '/'}`)
  );
}

/** Letters alike whatever their case. A language's own order would load its rules, which takes longer than looking at all configs. */
function alphabetically(one: string | null, other: string | null): number {
  const [a, b] = [(one ?? '').toLowerCase(), (other ?? '').toLowerCase()];
  return a < b ? -1 : a > b ? 1 : 0;
}

type Draft = { surface: Surface; home: string | null; rows: StoredEvidence[]; running: boolean; listens: NonNullable<Place['listens']> };

/** Kinds of which each row is a place of its own. */
const APART: ReadonlySet<Evidence['kind']> = new Set(['extension', 'container', 'site', 'account']);

/** One place an installation: a package, its binary and its process are the same place, when one lies in the other. */
function places(
  evidence: readonly StoredEvidence[],
  running: readonly RunningProcess[],
  containers: readonly RunningContainer[] = [],
): Place[] {
  const processesOf = (row: StoredEvidence) => (row.kind === 'process' ? running.filter(({ path }) => path === row.path) : []);
  const isRunning = (row: StoredEvidence) =>
    processesOf(row).length > 0 ||
    (row.kind === 'container' && containers.some(({ image, engine }) => image === row.name && engine === row.manager));
  const listensOf = (row: StoredEvidence) => processesOf(row).flatMap(({ listens }) => listens ?? []);
  const draftOf = (row: StoredEvidence): Draft => ({
    ...{ surface: row.surface, home: row.home, rows: [row] },
    ...{ running: isRunning(row), listens: listensOf(row) },
  });
  const anchors: Draft[] = evidence.filter(({ kind }) => kind === 'package' || kind === 'app').map(draftOf);
  // An .desktop file and the distribution's package of the same program are one installation.
  const merged: Draft[] = [];
  for (const draft of anchors) {
    const [row] = draft.rows;
    const same = merged.find(
      (other) =>
        other.home === draft.home &&
        other.surface === draft.surface &&
        other.rows.some((known) => !known.path || !row?.path || inside(known.path, row.path) || inside(row.path, known.path)),
    );
    if (same) same.rows.push(...draft.rows);
    else merged.push(draft);
  }
  merged.push(...evidence.filter(({ kind }) => APART.has(kind)).map(draftOf));
  for (const row of evidence) {
    if (row.kind !== 'binary' && row.kind !== 'process') continue;
    const within = (draft: Draft) =>
      draft.rows.some(
        (known) =>
          inside(known.path, row.path) ||
          inside(known.path, row.target) ||
          (row.target !== null && row.target === known.target) ||
          (row.path !== null && row.path === known.target) ||
          (row.target !== null && row.target === known.path),
      );
    const unplaced = (draft: Draft) => draft.home === row.home && draft.rows.every(({ path, kind }) => path === null && !APART.has(kind));
    const draft = merged.find(within) ?? merged.find(unplaced);
    if (draft) {
      draft.rows.push(row);
      draft.running ||= isRunning(row);
      draft.listens = [...draft.listens, ...listensOf(row)];
    } else {
      merged.push(draftOf(row));
    }
  }
  return merged
    .map(({ surface, home, rows, running: now, listens }): Place => {
      const path = (kind: Evidence['kind']) => rows.find((row) => row.kind === kind && row.path)?.path;
      return {
        surface,
        version: rows.find(({ version, present }) => version && present)?.version ?? rows.find(({ version }) => version)?.version ?? null,
        path:
          path('extension') ??
          path('binary') ??
          path('app') ??
          path('process') ??
          path('package') ??
          path('site') ??
          path('account') ??
          null,
        home,
        running: now,
        present: now || rows.some(({ kind, present }) => INSTALLED.has(kind) && present),
        firstSeen: rows.map(({ firstSeen }) => firstSeen).sort()[0] ?? '',
        lastSeen:
          rows
            .map(({ lastSeen }) => lastSeen)
            .sort()
            .at(-1) ?? '',
        ...detailOf(rows),
        ...(listens.length > 0 ? { listens: eachOnce(listens) } : {}),
      };
    })
    .sort((a, b) => Number(b.present) - Number(a.present) || alphabetically(a.path, b.path));
}

/** What an extension has to say beyond where it is, and whose it is. */
function detailOf(rows: readonly StoredEvidence[]): Partial<Place> {
  const row = rows.find(({ kind }) => APART.has(kind));
  if (!row) return {};
  const { enabled, profiles, permissions } = row.detail ?? {};
  return {
    ...(row.manager === null ? {} : { program: row.manager }),
    ...(enabled === undefined ? {} : { enabled }),
    ...(profiles === undefined ? {} : { profiles }),
    ...(permissions === undefined ? {} : { permissions }),
  };
}

/** One port of several processes of a tool is shown once, with its widest reach. */
function eachOnce(listens: NonNullable<Place['listens']>): NonNullable<Place['listens']> {
  const ports = [...new Set(listens.map(({ port }) => port))].sort((a, b) => a - b);
  const isWide = (port: number) => listens.some((one) => one.port === port && one.reach === 'network');
  return ports.map((port) => ({ port, reach: isWide(port) ? 'network' : 'loopback' }));
}

/** Kinds whose row names the program that has it, where others name a manager. */
const IN_PROGRAM: ReadonlySet<Evidence['kind']> = new Set(['extension', 'container', 'site', 'window', 'account']);
const VERSIONED: ReadonlySet<Evidence['kind']> = new Set(['package', 'app', 'extension', 'container']);

function show(row: StoredEvidence, pid: number | undefined): Evidence {
  return {
    kind: row.kind,
    path: row.path,
    ...(pid === undefined ? {} : { pid }),
    ...(row.manager === null ? {} : IN_PROGRAM.has(row.kind) ? { program: row.manager } : { manager: row.manager }),
    ...(row.name === null ? {} : row.kind === 'listener' ? { port: Number(row.name) } : { name: row.name }),
    ...(VERSIONED.has(row.kind) ? { version: row.version } : {}),
  };
}

export type ToolParts = {
  readonly tools: readonly StoredTool[];
  readonly evidence: readonly StoredEvidence[];
  readonly running: readonly RunningProcess[];
  readonly containers?: readonly RunningContainer[];
  readonly entry: (id: string) => Entry | undefined;
  readonly family: (id: string) => Family | undefined;
  readonly accounts: (tool: string) => readonly Account[];
  readonly verdict: (tool: string, family: string | null) => Verdict;
  /** What a tool's own settings allow it, worst first. */
  readonly findings?: (tool: string) => readonly Finding[];
  readonly addons?: readonly AddonFact[];
  readonly models?: readonly ModelFact[];
};

/** Every tool ever seen, present ones first, then by name. A row whose entry left the catalog keeps its id as its name. */
export function toTools(parts: ToolParts): Tool[] {
  const { tools, evidence, running, containers = [], entry, family, accounts, verdict, findings = () => [] } = parts;
  const byTool = Map.groupBy(evidence, ({ tool }) => tool);
  const runningByTool = Map.groupBy(running, ({ tool }) => tool);
  const containersByTool = Map.groupBy(containers, ({ tool }) => tool);
  const addons = Map.groupBy(parts.addons ?? [], ({ tool }) => tool);
  const models = Map.groupBy(parts.models ?? [], ({ tool }) => tool);
  return tools
    .map(({ tool: id, firstSeen, lastSeen }): Tool => {
      const known = entry(id);
      const rows = byTool.get(id) ?? [];
      const now = runningByTool.get(id) ?? [];
      const pidOf = (row: StoredEvidence) => (row.kind === 'process' ? now.find(({ path }) => path === row.path)?.pid : undefined);
      const counts = (row: StoredEvidence) => (row.kind === 'process' ? pidOf(row) !== undefined : row.present);
      const standing = rows.filter(counts);
      const contained = containersByTool.get(id) ?? [];
      const found = places(rows, now, contained);
      const familyId = known?.family ?? null;
      return {
        id,
        family: familyId,
        name: known?.name ?? id,
        vendor: known?.vendor ?? '',
        category: known?.category ?? 'agent',
        confidence: confidence(standing) ?? confidence(rows) ?? 'possible',
        present: now.length > 0 || confidence(standing) !== null,
        running: now.length > 0 || contained.length > 0,
        firstSeen,
        lastSeen,
        surfaces: [...new Set(rows.map(({ surface }) => surface))],
        places: found,
        evidence: rows
          .map((row) => ({ row, pid: pidOf(row), standing: counts(row) }))
          .sort(
            (a, b) =>
              Number(b.standing) - Number(a.standing) ||
              STRENGTH[a.row.strength] - STRENGTH[b.row.strength] ||
              KIND[a.row.kind] - KIND[b.row.kind] ||
              alphabetically(a.row.path, b.row.path),
          )
          .map(({ row, pid }) => show(row, pid)),
        accounts: [...accounts(id)],
        tiers: ((familyId && family(familyId)?.tiers) || []).map(({ id: tier, name, trains, source, terms }) => ({
          ...{ id: tier, name, trains, source },
          terms: terms ?? null,
        })),
        ...(known?.feature ? { feature: true } : {}),
        note: known?.note ?? null,
        addons: (addons.get(id) ?? []).map(({ kind, name, scope, path, home, project }) => ({ kind, name, scope, path, home, project })),
        models: (models.get(id) ?? []).map(({ name, bytes, path }) => ({ name, bytes, path })),
        findings: [...findings(id)],
        verdict: verdict(id, familyId),
      };
    })
    .sort((a, b) => Number(b.present) - Number(a.present) || alphabetically(a.name, b.name));
}

export type ServerParts = {
  readonly servers: readonly StoredServer[];
  readonly running: (server: StoredServer) => boolean;
  readonly verdict: (server: StoredServer) => Verdict;
  /** The risk with what is known only when it is shown: a launch that is not the approved one. */
  readonly risk: (server: StoredServer) => Risk;
};

/** Every MCP server ever configured, present ones first, then by client and name. */
export function toServers({ servers, running, verdict, risk }: ServerParts): McpServer[] {
  return servers
    .map(
      (server): McpServer => ({
        ...server,
        running: server.present && running(server),
        risk: risk(server),
        verdict: verdict(server),
      }),
    )
    .sort((a, b) => Number(b.present) - Number(a.present) || alphabetically(a.client, b.client) || alphabetically(a.name, b.name));
}
