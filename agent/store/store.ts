/** What the agent remembers, and every SQL statement about it: sightings, servers, use, requests, and what the employee was told. */
import type { ApprovalRequest, Evidence, Finding, McpScope, McpServer, Place, Surface } from '../../electron/contract.ts';
import type { ApprovedLaunch } from '../policy/decide.ts';
import { asDatabaseError, type Database, DatabaseError, durably, guarded, type OpenOptions, openDatabase } from '../sqlite.ts';
import { type ActionRows, actionRows } from './actions.ts';
import { type EvidenceRows, evidenceRows } from './evidence-rows.ts';
import { openOrRebuildDatabase, type Rebuilt } from './rebuild.ts';
import { type SurfaceStore, surfaceRows } from './surfaces.ts';
import { type SyncRows, syncRows } from './sync-rows.ts';
import { type TrimRows, trimRows } from './trim.ts';
import { type TrustRows, trustRows } from './trust-rows.ts';

/** One trace of one tool in one place. Paths under a home are `~/…`; null where there is nothing to say. */
export type Sighting = {
  readonly tool: string;
  readonly kind: Evidence['kind'];
  readonly strength: 'certain' | 'likely' | 'weak';
  readonly surface: Surface;
  readonly path: string | null;
  readonly target: string | null;
  readonly home: string | null;
  readonly version: string | null;
  readonly manager: string | null;
  readonly name: string | null;
  /** What an extension, a container or a listener has to say beyond that. */
  readonly detail?: SightingDetail | null;
};
export type SightingDetail = Pick<Place, 'enabled' | 'profiles' | 'permissions'> & {
  readonly reach?: 'loopback' | 'network';
  readonly running?: boolean;
};
/** `present` is false once it was there and no longer is. */
export type StoredEvidence = Sighting & { readonly firstSeen: string; readonly lastSeen: string; readonly present: boolean };
export type StoredTool = { readonly tool: string; readonly firstSeen: string; readonly lastSeen: string };
export type ServerRow = Omit<McpServer, 'running' | 'verdict' | 'present' | 'firstSeen' | 'lastSeen'>;
export type StoredServer = ServerRow & { readonly firstSeen: string; readonly lastSeen: string; readonly present: boolean };
/** What one settings file of a client says. */
export type SettingRow = {
  readonly client: string;
  readonly scope: string;
  readonly configPath: string;
  readonly home: string | null;
  readonly project: string | null;
  readonly findings: readonly Finding[];
  readonly forbids: readonly string[];
};

/** Totals of one tool on one local day (`YYYY-MM-DD`); seconds. */
export type UsageRow = {
  readonly day: string;
  readonly tool: string;
  readonly runS: number;
  readonly frontS: number;
  readonly launches: number;
};

/** Every method throws a `DatabaseError` where the file can't be used, and then has changed nothing. */
export type Store = SurfaceStore &
  TrustRows &
  ActionRows &
  TrimRows & {
    /**
     * One transaction of tool and evidence rows. `first_seen` never moves and `last_seen` never goes back, whatever the clock does.
     * A tool's own row is made, or its last sighting moved, only for the ids in `tools`, for which the evidence suffices.
     * Returns those of them that were never seen before.
     */
    see(sightings: readonly Sighting[], at: Date, tools: readonly string[]): string[];
    /**
     * After a complete look, which began at `since` and ends at `at`: evidence of these kinds in these homes (null = machine-wide) that it did
     * not see is no longer present. Rows of `exceptManagers` are left alone: those could not be asked. Deletes nothing. Returns the tools concerned.
     */
    sweep(
      look: {
        readonly kinds: readonly Evidence['kind'][];
        readonly homes: readonly (string | null)[];
        readonly since: Date;
        readonly exceptManagers?: readonly string[];
      },
      at: Date,
    ): string[];
    /**
     * All servers of one config file, in one transaction: those given are written, the others of that file (client, path, scope, home) are no
     * longer present. With `project` null that means the file's servers of every project; with a project only that one's.
     */
    replaceConfig(
      file: {
        readonly client: string;
        readonly configPath: string;
        readonly scope: McpScope;
        readonly home: string | null;
        readonly project: string | null;
      },
      servers: readonly ServerRow[],
      at: Date,
    ): void;
    /** What a settings file says now; null where it is gone. */
    replaceSetting(file: Omit<SettingRow, 'findings' | 'forbids'>, said: Pick<SettingRow, 'findings' | 'forbids'> | null, at: Date): void;
    /** In order of client, scope and path. */
    settings(): SettingRow[];
    /** By server id: the launch that a rule approved. */
    approvedLaunches(): ReadonlyMap<string, ApprovedLaunch>;
    /** In one transaction: launches that are approved from now on, and null for servers that no such rule approves any more. */
    approveLaunches(changes: ReadonlyMap<string, ApprovedLaunch | null>, at: Date): void;
    /** Adds to the totals of each day and tool. */
    addUsage(rows: readonly UsageRow[]): void;
    /** From that local day on, in order of day and tool. */
    usage(sinceDay: string): UsageRow[];
    evidence(): StoredEvidence[];
    tools(): StoredTool[];
    /** Another number as soon as a server, an add-on or an agent’s settings may be others, through this store. */
    revision(): number;
    servers(): StoredServer[];
    /** On the disk when this returns, not only with the operating system. */
    addRequest(request: ApprovalRequest): void;
    /** The request as it is now, or null where there is none with that id. */
    updateRequest(
      id: string,
      change: Partial<Pick<ApprovalRequest, 'state' | 'updatedAt' | 'answer' | 'added'>> & { readonly why?: string | null },
    ): ApprovalRequest | null;
    /** Oldest first. */
    requests(): ApprovalRequest[];
    tell(items: readonly string[], at: Date): void;
    told(): Record<string, string>;
    /** A whole look ended at `at`; the first one ever is remembered. */
    looked(at: Date, durationMs: number): void;
    lastLook(): { readonly at: string | null; readonly firstAt: string | null; readonly durationMs: number | null };
    /** One transaction of all that `work` writes, which must not wait for anything: hundreds of small ones cost more than what is in them. */
    together<T>(work: () => T): T;
    /** The same, and on the disk when this returns: for what nobody can observe again. Never inside `together`. */
    durably<T>(work: () => T): T;
    /** The append-only record; only `evidence.ts` adds to it. */
    readonly evidenceRows: EvidenceRows;
    /** What is between this computer and its collector; only `sync.ts` changes it. */
    readonly sync: SyncRows;
    /** Brings everything into the file itself, so that -wal and -shm go. May be called twice. */
    close(): void;
  };

/** A sighting that the clock puts this far after the look it belongs to was made before the clock was set back. */
const CLOCK_SET_BACK_MS = 3_600_000;

/** Statements after which a server, an add-on or an agent's settings may be others. */
const RENAMES = /^\s*(?:INSERT INTO|UPDATE|DELETE FROM) (?:server|addon|setting)\b/;

const EVIDENCE = 'tool, kind, strength, surface, path, target, home, version, manager, name, detail';
const SERVER = `id, client, name, scope, project, config_path AS configPath, home, enabled, transport, command, args, url, identity,
  secret_names AS secretNames, risk, first_seen AS firstSeen, last_seen AS lastSeen, present, described`;
/** What a row written before there was a column for it is taken to say. */
const UNDESCRIBED: Described = { publisher: null, pinned: false, autoApproved: [], reach: [], uncertain: false };
type Described = Pick<McpServer, 'publisher' | 'pinned' | 'autoApproved' | 'reach' | 'uncertain'>;
type RawServer = Omit<StoredServer, keyof ParsedServer | 'enabled' | 'present'> & {
  readonly [K in 'args' | 'identity' | 'secretNames' | 'risk' | 'described']: string;
} & { readonly enabled: number; readonly present: number };
type ParsedServer = Described & Pick<StoredServer, 'args' | 'identity' | 'secretNames' | 'risk'>;

function parseServer({ args, identity, secretNames, risk, described }: RawServer): ParsedServer {
  const more = { args: JSON.parse(args), identity: JSON.parse(identity), secretNames: JSON.parse(secretNames), risk: JSON.parse(risk) };
  return { ...UNDESCRIBED, ...JSON.parse(described), ...more };
}
type RawRequest = Omit<ApprovalRequest, 'why'> & { readonly why: string | null };
const REQUEST = `id, item, item_name AS itemName, tier, data_class AS dataClass, until, reason, state, created_at AS createdAt,
  updated_at AS updatedAt, answer, added, why`;

/** Opens (and, unless `readOnly`, makes) the store at the absolute path `file`; throws a `DatabaseError`. */
export function openStore(file: string, options: OpenOptions): Store {
  return storeIn(openDatabase(file, options), file);
}

/**
 * Opens the store for writing. A damaged file is set aside as `<name>.corrupt-<time>`, a new one takes its place, and the rows of the old one
 * that can still be read are in it: a look brings the inventory back, but not requests and first sightings. `lost` says that some could not.
 * Throws a `DatabaseError` for everything that is not damage.
 */
export function openOrRebuild(file: string, options: OpenOptions & { readonly now: Date }): { store: Store; rebuilt: Rebuilt | null } {
  const { database, rebuilt } = openOrRebuildDatabase(file, options);
  return { store: storeIn(database, file), rebuilt };
}

function storeIn(database: Database, file: string): Store {
  const prepared = new Map<string, ReturnType<Database['prepare']>>();
  const sql = (text: string) => {
    const ready = prepared.get(text) ?? database.prepare(text);
    prepared.set(text, ready);
    if (ready.reader || !RENAMES.test(text)) return ready;
    renamed();
    return ready;
  };
  let revision = 0;
  /** Until a row of one may be another; a look asks for them a dozen times. */
  let listed: readonly StoredServer[] | null = null;
  const renamed = () => {
    revision++;
    listed = null;
  };
  /** What was read within a transaction that is undone was never so. */
  const undone = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      renamed();
      throw error;
    }
  };
  const all = <Row>(text: string, ...values: unknown[]) => guarded(file, () => sql(text).all(...values) as Row[]);
  const write = <T>(work: () => T) =>
    guarded(file, () => (database.inTransaction ? work() : undone(() => database.transaction(work).immediate())));
  const durable = <T>(work: () => T) => guarded(file, () => (database.inTransaction ? work() : undone(() => durably(database, work))));
  const shown = ({ why, ...request }: RawRequest): ApprovalRequest => (why === null ? request : { ...request, why });
  const requestOf = (id: string) => {
    const row = sql(`SELECT ${REQUEST} FROM request WHERE id = ?`).get(id) as RawRequest | undefined;
    return row && shown(row);
  };

  /** The servers are read whole after each saved config, and nearly all of them are as they were. */
  const parsedServers = new Map<string, { readonly text: string; readonly parsed: ParsedServer }>();

  return {
    ...surfaceRows({ sql, all, write }),
    ...trustRows(sql, all, durable),
    ...actionRows(sql, all, write),
    ...trimRows({ sql, all, write }, (work) => guarded(file, work)),
    see: (sightings, at, tools) =>
      write(() => {
        const time = at.toISOString();
        for (const sighting of sightings) {
          sql(`INSERT INTO evidence (${EVIDENCE}, first_seen, last_seen, seen_at, present)
            VALUES (@tool, @kind, @strength, @surface, @path, @target, @home, @version, @manager, @name, @detail, @time, @time, @time, 1)
            ON CONFLICT (tool, kind, surface, ifnull(path, ''), ifnull(home, ''), ifnull(manager, ''), ifnull(name, '')) DO UPDATE SET
              strength = excluded.strength, target = excluded.target, version = excluded.version, detail = excluded.detail,
              last_seen = max(last_seen, excluded.last_seen), seen_at = excluded.seen_at, present = 1`).run({
            ...sighting,
            detail: sighting.detail ? JSON.stringify(sighting.detail) : null,
            time,
          });
        }
        return [...new Set(tools)].filter((tool) => {
          const made = sql('INSERT INTO tool (id, first_seen, last_seen) VALUES (@tool, @time, @time) ON CONFLICT DO NOTHING').run({
            tool,
            time,
          });
          if (made.changes > 0) return true;
          sql('UPDATE tool SET last_seen = @time WHERE id = @tool AND last_seen < @time').run({ tool, time });
          return false;
        });
      }),

    sweep: ({ kinds, homes, since, exceptManagers = [] }, at) =>
      write(() => {
        const gone = sql(`UPDATE evidence SET present = 0
          WHERE present = 1
            AND kind IN (SELECT value FROM json_each(@kinds))
            AND ((home IS NULL AND @machine) OR home IN (SELECT value FROM json_each(@homes)))
            AND (manager IS NULL OR manager NOT IN (SELECT value FROM json_each(@except)))
            AND (seen_at < @since OR seen_at > @future)
          RETURNING tool`).all({
          kinds: JSON.stringify(kinds),
          homes: JSON.stringify(homes.filter((home) => home !== null)),
          machine: homes.includes(null) ? 1 : 0,
          except: JSON.stringify(exceptManagers),
          since: since.toISOString(),
          future: new Date(at.getTime() + CLOCK_SET_BACK_MS).toISOString(),
        }) as { tool: string }[];
        return [...new Set(gone.map(({ tool }) => tool))].sort();
      }),

    replaceConfig: (where, servers, at) =>
      write(() => {
        const time = at.toISOString();
        // Absent first, present again for those given: ids that the file no longer holds are what stays absent.
        sql(`UPDATE server SET present = 0
          WHERE client = @client AND config_path = @configPath AND scope = @scope AND home IS @home AND (@project IS NULL OR project IS @project)`).run(
          where,
        );
        for (const { publisher, pinned, autoApproved, reach, uncertain, ...row } of servers) {
          const described: Described = { publisher, pinned, autoApproved, reach, uncertain };
          sql(`INSERT INTO server (id, client, name, scope, project, config_path, home, enabled, transport, command, args, url, identity,
              secret_names, risk, described, first_seen, last_seen, present)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
            ON CONFLICT (id) DO UPDATE SET
              client = excluded.client, name = excluded.name, scope = excluded.scope, project = excluded.project,
              config_path = excluded.config_path, home = excluded.home, enabled = excluded.enabled, transport = excluded.transport,
              command = excluded.command, args = excluded.args, url = excluded.url, identity = excluded.identity,
              secret_names = excluded.secret_names, risk = excluded.risk, described = excluded.described, last_seen = max(last_seen, excluded.last_seen), present = 1`).run(
            // In the order of the columns: looking for twenty names in an object takes as long as writing the row.
            ...[
              row.id,
              row.client,
              row.name,
              row.scope,
              row.project,
              row.configPath,
              row.home,
              row.enabled ? 1 : 0,
              row.transport,
              row.command,
            ],
            ...[JSON.stringify(row.args), row.url, JSON.stringify(row.identity), JSON.stringify(row.secretNames), JSON.stringify(row.risk)],
            ...[JSON.stringify(described), time, time],
          );
        }
      }),

    replaceSetting: (file, said, at) =>
      write(() => {
        sql('DELETE FROM setting WHERE client = @client AND scope = @scope AND config_path = @configPath AND home IS @home').run({
          client: file.client,
          scope: file.scope,
          configPath: file.configPath,
          home: file.home,
        });
        if (said === null) return;
        sql(`INSERT INTO setting (client, scope, config_path, home, project, findings, forbids, seen_at)
          VALUES (@client, @scope, @configPath, @home, @project, @findings, @forbids, @time)`).run({
          ...file,
          findings: JSON.stringify(said.findings),
          forbids: JSON.stringify(said.forbids),
          time: at.toISOString(),
        });
      }),

    settings: () =>
      all<Omit<SettingRow, 'findings' | 'forbids'> & { findings: string; forbids: string }>(
        'SELECT client, scope, config_path AS configPath, home, project, findings, forbids FROM setting ORDER BY client, scope, config_path, home',
      ).map((row) => ({ ...row, findings: JSON.parse(row.findings), forbids: JSON.parse(row.forbids) })),

    approvedLaunches: () =>
      new Map(
        all<{ server: string; rule: string; launchHash: string; started: string | null }>(
          'SELECT server, rule, launch_hash AS launchHash, started FROM approved_launch',
        ).map(({ server, rule, launchHash, started }) => [
          server,
          { rule, launchHash, started: started === null ? null : JSON.parse(started) },
        ]),
      ),

    approveLaunches: (changes, at) =>
      write(() => {
        for (const [server, approved] of changes) {
          if (approved === null) sql('DELETE FROM approved_launch WHERE server = @server').run({ server });
          else {
            sql(`INSERT INTO approved_launch (server, rule, launch_hash, started, approved_at) VALUES (@server, @rule, @launchHash, @started, @time)
              ON CONFLICT (server) DO UPDATE SET rule = excluded.rule, launch_hash = excluded.launch_hash, started = excluded.started,
                approved_at = excluded.approved_at`).run({
              server,
              rule: approved.rule,
              launchHash: approved.launchHash,
              started: approved.started == null ? null : JSON.stringify(approved.started),
              time: at.toISOString(),
            });
          }
        }
      }),

    addUsage: (rows) =>
      write(() => {
        for (const row of rows) {
          sql(`INSERT INTO usage (day, tool, run_s, front_s, launches) VALUES (@day, @tool, @runS, @frontS, @launches)
            ON CONFLICT (day, tool) DO UPDATE SET
              run_s = run_s + excluded.run_s, front_s = front_s + excluded.front_s, launches = launches + excluded.launches`).run(row);
        }
      }),

    usage: (sinceDay) =>
      all<UsageRow>('SELECT day, tool, run_s AS runS, front_s AS frontS, launches FROM usage WHERE day >= ? ORDER BY day, tool', sinceDay),

    evidence: () =>
      all<Omit<StoredEvidence, 'present' | 'detail'> & { present: number; detail: string | null }>(
        `SELECT ${EVIDENCE}, first_seen AS firstSeen, last_seen AS lastSeen, present FROM evidence ORDER BY tool, id`,
      ).map(({ detail, ...row }) => ({ ...row, present: row.present === 1, ...(detail === null ? {} : { detail: JSON.parse(detail) }) })),

    tools: () => all<StoredTool>('SELECT id AS tool, first_seen AS firstSeen, last_seen AS lastSeen FROM tool ORDER BY id'),

    revision: () => revision,
    servers() {
      if (listed) return [...listed];
      const rows = all<RawServer>(`SELECT ${SERVER} FROM server ORDER BY client, config_path, project, name, id`);
      const before = new Map(parsedServers);
      parsedServers.clear();
      listed = rows.map((row): StoredServer => {
        const { described: _parsed, ...columns } = row;
        const text = [row.args, row.identity, row.secretNames, row.risk, row.described].join('\0');
        const known = before.get(row.id);
        const parsed = known?.text === text ? known.parsed : parseServer(row);
        parsedServers.set(row.id, { text, parsed });
        return { ...columns, ...parsed, enabled: row.enabled === 1, present: row.present === 1 };
      });
      return [...listed];
    },

    addRequest: (request) =>
      durable(() => {
        sql(`INSERT INTO request (id, item, item_name, tier, data_class, until, reason, state, created_at, updated_at, answer, added, why)
          VALUES (@id, @item, @itemName, @tier, @dataClass, @until, @reason, @state, @createdAt, @updatedAt, @answer, @added, @why)`).run({
          why: null,
          ...request,
        });
      }),

    updateRequest: (id, change) =>
      durable(() => {
        const before = requestOf(id);
        if (!before) return null;
        sql('UPDATE request SET state = @state, updated_at = @updatedAt, answer = @answer, added = @added, why = @why WHERE id = @id').run({
          why: null,
          ...before,
          ...change,
          id,
        });
        return requestOf(id) ?? null;
      }),

    requests: () => all<RawRequest>(`SELECT ${REQUEST} FROM request ORDER BY created_at, id`).map(shown),

    tell: (items, at) =>
      write(() => {
        const time = at.toISOString();
        for (const item of items)
          sql('INSERT INTO told (item, at) VALUES (@item, @time) ON CONFLICT DO UPDATE SET at = excluded.at').run({ item, time });
      }),

    told: () =>
      Object.fromEntries(all<{ item: string; at: string }>('SELECT item, at FROM told ORDER BY item').map(({ item, at }) => [item, at])),

    looked: (at, durationMs) =>
      write(() => {
        sql(`INSERT INTO look (id, first_at, at, duration_ms) VALUES (1, @time, @time, @durationMs)
          ON CONFLICT DO UPDATE SET at = excluded.at, duration_ms = excluded.duration_ms`).run({ time: at.toISOString(), durationMs });
      }),

    lastLook: () =>
      all<{ at: string; firstAt: string; durationMs: number }>(
        'SELECT at, first_at AS firstAt, duration_ms AS durationMs FROM look',
      )[0] ?? {
        at: null,
        firstAt: null,
        durationMs: null,
      },

    together: write,
    durably: durable,
    evidenceRows: evidenceRows(sql, write, (work) => guarded(file, work)),
    sync: syncRows({ sql, all, write }, durable),

    close() {
      if (!database.open) return;
      try {
        // A reader elsewhere may hold the log; then it stays, and the next opening goes on from it.
        if (!database.readonly && !database.memory) database.pragma('wal_checkpoint(TRUNCATE)');
      } catch (error) {
        // So it does where the disk has no room for both: all that was written is in the log, and whoever wrote it has been told so.
        if (!(asDatabaseError(error, file) instanceof DatabaseError)) throw error;
      } finally {
        database.close();
      }
    },
  };
}
