/** Turns what config files say into stored rows: MCP servers and agents' own settings, and what becomes of them when a file is gone. */
import { hash } from 'node:crypto';
import type { AgentParts } from './agent.ts';
import type { Homes } from './homes.ts';
import { parseSettings } from './mcp/agent-settings.ts';
import { identify as identifyServer, isPinned, publisherOf } from './mcp/identity.ts';
import { parseProjects, parseServers } from './mcp/parse.ts';
import { reachOf } from './mcp/reach.ts';
import { programPaths } from './mcp/risks/launch.ts';
import { assess } from './mcp/risks.ts';
import type { ConfigFile, ConfigObserver, ConfigRead } from './observe/configs.ts';
import { factOf, managedFact, programFact } from './observe/launch-facts.ts';
import type { Trouble } from './observe/observation.ts';
import type { ServerRow, SettingRow } from './store/store.ts';

export type ConfigRows = {
  /**
   * Writes a whole look of `observer` over `homes` (absolute) in one transaction, and ends the rows of files that no place leads to any more.
   * Throws a `DatabaseError`, and then nothing is written.
   */
  takeAll(reads: readonly ConfigRead[], observer: ConfigObserver, homes: readonly string[]): void;
  /** Writes one file's content, or its absence, with what it names for its own (`follow`, projects). Throws a `DatabaseError`. */
  take(read: ConfigRead, observer: ConfigObserver): void;
  /** The file that an MCP server was last read from, by the server's id; null where it was read by an earlier agent, or is gone. */
  fileOf(server: string): McpFile | null;
};
/** A file with MCP servers. */
export type McpFile = ConfigFile & { readonly role: 'mcp' };

type ConfigRowsParts = Pick<AgentParts, 'os' | 'clock' | 'catalog' | 'store' | 'problems'> & {
  readonly homes: Homes;
  /** Tells a trouble under a key of its own; `problems.clear` ends it by that. */
  readonly raise: (trouble: Trouble, key: string) => void;
  /** Servers have been written. */
  readonly onServers: () => void;
};

/** What the look that goes on now was told of: which config files, and whether it could know every project. */
type Told = { readonly configs: Set<string>; readonly strangers: Set<string>; allProjects: boolean };

const CONFIG_PROBLEMS = [
  'config-unreadable',
  'config-refused',
  'config-not-owned',
  'server-unreadable',
  'not-looked-at',
  'home-not-owned',
] as const;

export function createConfigRows({ os, clock, catalog, store, problems, homes, raise, onServers }: ConfigRowsParts): ConfigRows {
  const { show, label } = homes;
  const files = new Map<string, McpFile>();

  function writeServers(where: Parameters<typeof store.replaceConfig>[0], rows: readonly ServerRow[]): void {
    store.replaceConfig(where, rows, clock.now());
    onServers();
  }

  /** Servers of files that no place leads to any more: a plugin that is gone, a project that its client has forgotten. */
  function sweepServers(told: Told, homesLooked: readonly string[]): void {
    for (const server of store.servers()) {
      const { client, scope, configPath, home, project } = server;
      const isLooked = home === null || (homesLooked.includes(home) && !told.strangers.has(home));
      if (!server.present || !isLooked || told.configs.has(configKey(server)) || (scope === 'project' && !told.allProjects)) continue;
      writeServers({ client, scope, configPath, home, project }, []);
    }
  }

  /** One config file's content, or its absence, into the store. */
  function takeRead(read: ConfigRead, observer: ConfigObserver, told?: Told): void {
    const { file } = read;
    // One file can be several places (`~/.claude.json` is three): each has its own troubles, and a good one doesn't end another's.
    const key = [file.path, file.role, file.place.client, file.role === 'mcp' ? file.place.scope : ''].join('\0');
    for (const code of CONFIG_PROBLEMS) problems.clear(code, key);
    const trouble = (found: Trouble) => raise({ ...found, path: file.path }, key);
    if (read.state === 'refused' && read.trouble.code === 'home-not-owned') told?.strangers.add(label(file.path));
    if (told && file.role === 'projects' && (read.state === 'refused' || read.state === 'busy')) told.allProjects = false;
    if (file.role === 'projects') {
      if (read.state === 'refused') trouble(read.trouble);
      if (read.state !== 'read') return;
      const folders = parseProjects(file.place, read.text);
      if (told && folders === null) told.allProjects = false;
      for (const more of observer.setProjects(file.home, folders ?? [])) takeRead(more, observer, told);
      return;
    }
    const { client, scope } = file.place;
    const where = {
      client,
      scope,
      configPath: show(file.path),
      home: file.home === null ? null : label(file.home),
      project: file.project === null ? null : show(file.project),
    };
    told?.configs.add(configKey(where));
    if (read.state === 'busy') return;
    if (file.role === 'settings') {
      takeSettings(read, where, trouble);
      return;
    }
    if (read.state === 'refused') {
      trouble(read.trouble);
      return;
    }
    if (read.state === 'absent') {
      writeServers(where, []);
      return;
    }
    const parsed = parseServers({ ...file.place, off: read.off }, read.text);
    if (!parsed.ok) {
      trouble(parsed.trouble);
      return;
    }
    parsed.troubles.forEach(trouble);
    const config = factOf(os, file.path);
    const rows = parsed.servers.map((server): ServerRow => {
      const identity = identifyServer(server);
      const project = server.project === null ? where.project : show(server.project);
      const { name, enabled, transport, url, secretNames, autoApproved } = server;
      const command = server.command === null ? null : show(server.command);
      const args = server.args.map(show);
      const program = programFact(os, { paths: programPaths(server), home: file.home, project: server.project ?? file.project });
      const launch = {
        ...server.launch,
        env: Object.fromEntries(Object.entries(server.launch.env).map(([key, value]) => [key, show(value)])),
      };
      const named = [client, scope, where.home ?? '', project ?? '', where.configPath, name].join('\0');
      const id = hash('sha256', named, 'base64url').slice(0, 22);
      files.set(id, file);
      return {
        ...where,
        ...{ id, project, name, enabled, transport, command, args, url, secretNames, autoApproved, identity },
        publisher: publisherOf(identity),
        pinned: isPinned(server),
        reach: reachOf({ command, args, url, secretNames, launch }),
        uncertain: file.place.uncertain === true,
        risk: assess({ ...server, command, args, identity, scope, client, facts: { config, program } }, catalog.publishers ?? undefined),
      };
    });
    writeServers(where, rows);
    for (const more of observer.follow(file, parsed.elsewhere)) takeRead(more, observer, told);
  }

  /** What an agent's own settings allow it. */
  function takeSettings(read: ConfigRead, where: Omit<SettingRow, 'findings' | 'forbids'>, trouble: (found: Trouble) => void): void {
    const { file } = read;
    if (file.role !== 'settings' || read.state === 'busy') return;
    if (read.state === 'refused') {
      trouble(read.trouble);
      return;
    }
    if (read.state === 'absent') {
      store.replaceSetting(where, null, clock.now());
      return;
    }
    const fact = file.place.scope === 'managed' ? managedFact(os, file.path) : null;
    const said = parseSettings({ ...file.place, scope: file.place.scope }, read.text, catalog.publishers?.apis, fact);
    // The last good answer stays while a file can't be understood.
    if (said.ok) store.replaceSetting(where, said, clock.now());
    else trouble({ code: 'config-unreadable', path: file.path, detail: said.detail });
  }

  /** Settings of files that no place leads to any more: a project that its client has forgotten. */
  function sweepSettings(told: Told, homesLooked: readonly string[]): void {
    for (const row of store.settings()) {
      const isLooked = row.home === null || (homesLooked.includes(row.home) && !told.strangers.has(row.home));
      if (!isLooked || told.configs.has(configKey(row)) || (row.project !== null && !told.allProjects)) continue;
      store.replaceSetting(row, null, clock.now());
    }
  }

  return {
    takeAll(reads, observer, looked) {
      const told: Told = { configs: new Set(), strangers: new Set(), allProjects: true };
      store.together(() => {
        for (const read of reads) takeRead(read, observer, told);
        sweepServers(told, looked.map(label));
        sweepSettings(told, looked.map(label));
      });
    },
    take: (read, observer) => takeRead(read, observer),
    fileOf: (server) => files.get(server) ?? null,
  };
}

function configKey({ client, scope, configPath, home }: Pick<SettingRow, 'client' | 'scope' | 'configPath' | 'home'>): string {
  return [client, scope, configPath, home ?? ''].join('\0');
}
