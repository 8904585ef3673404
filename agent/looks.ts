/** Looking: asks each observer, lets the catalog say what it saw, and records that. One source that fails doesn't stop the others. */
import type { Evidence, Source } from '../electron/contract.ts';
import type { AgentParts } from './agent.ts';
import { createConfigRows, type McpFile } from './config-rows.ts';
import type { Homes } from './homes.ts';
import type { RunningContainer, RunningProcess } from './inventory.ts';
import { createForegroundLooks } from './looks/foreground.ts';
import { createProcessLooks } from './looks/processes.ts';
import { createRecording } from './looks/recording.ts';
import { createSources, FAILED } from './looks/sources.ts';
import { createSurfaces } from './looks/surfaces.ts';
import { type ConfigObserver, createConfigObserver } from './observe/configs.ts';
import { createInstalledObserver } from './observe/installed.ts';
import type { ConfigObservation, Trouble } from './observe/observation.ts';
import { collecting } from './policy/collect.ts';
import type { Sighting, StoredServer } from './store/store.ts';
import type { Usage } from './usage.ts';

export type Looks = {
  /** Everything once, over these homes or the agent's own; `partial` when a source could not be looked at in full. */
  whole(homes?: readonly string[]): Promise<{ partial: boolean }>;
  /** Processes and the window in front: whether something that is shown has changed, and whether a tool was met for the first time. */
  poll(): Promise<{ changed: boolean; fresh: boolean }>;
  /** Notices changes of config files from now on. */
  watchConfigs(signal: AbortSignal, onChange: () => void, onError: (error: unknown) => void): Promise<void>;
  flushUsage(): void;
  sources(): readonly Source[];
  /** The tools that run, as of the last look at the processes, and on which ports, as of the last whole look. */
  running(): { readonly processes: readonly RunningProcess[]; readonly containers: readonly RunningContainer[] };
  /** The ids of those of these stored MCP servers that run, as of the last look at the processes. */
  runningServers(stored: readonly StoredServer[]): ReadonlySet<string>;
  readonly usage: Usage;
  /** The file that an MCP server was last read from, by the server's id. */
  configFile(server: string): McpFile | null;
};

const INSTALLED_KINDS: readonly Evidence['kind'][] = ['package', 'app', 'binary'];
const PORTS_AGAIN = 2;
/** A browser's page that hasn't been in front for so long is history. */
const PAGE_IS_PAST_MS = 30 * 86_400_000;

/** Creates the observers on first use, so that a command pays only for what it looks at. */
export function createLooks(
  parts: Omit<AgentParts, 'homes'> & {
    readonly homes: Homes;
    readonly ownHomes: readonly string[];
    readonly onSource: () => void;
  },
): Looks {
  const { os, clock, catalog, store, problems, settings, homes, ownHomes } = parts;
  const { show, label } = homes;

  /** A home is named as itself, for `~` is every home that is looked at. */
  const raise = (trouble: Trouble, key = trouble.path) => {
    const where = trouble.path === null ? null : trouble.code === 'home-not-owned' ? trouble.path : show(trouble.path);
    problems.raise({ ...trouble, path: key }, where);
  };
  const sources = createSources({ ...parts, raise });
  const recording = createRecording(parts);
  const processes = createProcessLooks({ ...parts, sources, recording });
  const mayCollect = () => collecting(parts.policyFile.current().policy, settings.collect);
  const mayMatchTitles = () => mayCollect().matchTitles;
  const foreground = createForegroundLooks({ ...parts, sources, usage: processes.usage, mayMatchTitles });
  const surfaces = createSurfaces({ ...parts, sources, recording });
  const configRows = createConfigRows({ ...parts, raise, onServers: processes.serversChanged });
  let ownConfigs: ConfigObserver | undefined;
  /** The tool whose page was in front at the last poll: one that stays there isn't written down again and again. */
  let page: string | null = null;
  /** At how many polls to come the open ports are looked at: a server that has just been started opens its port a while later. */
  let portsAgain = 0;

  /** The agent's own homes keep theirs, which also watches; a look at others is over with its answer. */
  const configObserver = (given: readonly string[]) => {
    if (given !== ownHomes) return createConfigObserver(os, { homes: given, catalog });
    ownConfigs ??= createConfigObserver(os, { homes: given, catalog });
    return ownConfigs;
  };

  function lookAtConfigs(observer: ConfigObserver, given: readonly string[]): readonly ConfigObservation[] {
    const [own] = ownHomes;
    if (own !== undefined && given.includes(own)) observer.setProjects(own, settings.projectFolders ?? []);
    const reads = observer.look();
    configRows.takeAll(reads, observer, given);
    const named = reads.filter(({ file }) => file.role !== 'settings');
    const found = named.filter(({ state: at }) => at === 'read').length;
    sources.note(
      'configs',
      'ok',
      `${named.length} named places where MCP clients keep their servers (${found} exist here), and agents’ own settings; values of keys are blanked as a file is read.`,
    );
    return observer.traces();
  }

  async function lookAtInstalled(given: readonly string[]) {
    const since = clock.now();
    const observer = await createInstalledObserver(os, {
      homes: given,
      binaryNames: catalog.binaryNames,
      wantsPackage: catalog.wantsPackage,
    });
    const look = await observer.look();
    problems.clear('folder-unreadable');
    problems.clear('home-not-owned');
    for (const trouble of look.troubles) raise(trouble);
    sources.note(
      'installed',
      'ok',
      'The lists of installed apps, packages and programs, for names and versions; no tool is started for it.',
    );
    const sightings = look.observations.flatMap((seen) => recording.sight(seen) ?? []);
    // Before the processes are looked at. A look at other homes takes nothing back.
    recording.sureOf(sightings, given === ownHomes);
    return { sightings, complete: look.incomplete.length === 0, since, except: look.incomplete };
  }

  /** What was seen that is not more than weak: it waits for another sort, until the next whole look. */
  const weak = (sightings: readonly Sighting[]) => sightings.filter(({ strength }) => strength === 'weak');

  async function whole(given: readonly string[]): Promise<{ partial: boolean }> {
    const began = clock.now();
    homes.add(given);
    const labels = given.map(label);
    const observer = configObserver(given);
    const beyond = surfaces.over(given, () => observer.projects());
    const found = await sources.attempt('configs', () => lookAtConfigs(observer, given));
    const leftovers = (found ?? []).flatMap((seen) => recording.sight(seen) ?? []);
    recording.wait(leftovers, labels);
    const installed = await sources.attempt('installed', () => lookAtInstalled(given));
    const started = await sources.attempt('processes', processes.look);
    const listeners = await surfaces.listeners(processes.pids());
    processes.setListeners(listeners);
    const pages = (await sources.attempt('foreground', foreground.look)) ?? [];
    const more = await beyond.look();
    const ports = listeners ? processes.strangePorts().flatMap((seen) => recording.sight(seen) ?? []) : [];
    recording.wait([...leftovers, ...ports, ...weak(more.sightings)], labels);
    // What has been running since an earlier look is seen again now, so that its last sighting is true.
    const seen = [...(installed?.sightings ?? []), ...more.sightings, ...pages, ...(started ?? []), ...processes.seenAgain()];
    recording.record([...seen, ...leftovers, ...ports], []);
    if (installed) {
      store.sweep(
        {
          kinds: INSTALLED_KINDS.filter((kind) => !installed.except.includes(kind)),
          homes: [...labels, null],
          since: installed.since,
          exceptManagers: installed.except,
        },
        clock.now(),
      );
    }
    if (found) store.sweep({ kinds: ['config'], homes: labels, since: began }, clock.now());
    for (const swept of more.swept) store.sweep({ ...swept, since: began }, clock.now());
    if (listeners) store.sweep({ kinds: ['listener'], homes: [...labels, null], since: began }, clock.now());
    store.sweep({ kinds: ['window'], homes: [null], since: new Date(began.getTime() - PAGE_IS_PAST_MS) }, clock.now());
    store.looked(clock.now(), clock.now().getTime() - began.getTime());
    return { partial: !found || !started || !installed?.complete || !more.whole };
  }

  return {
    usage: processes.usage,
    configFile: configRows.fileOf,
    sources: sources.list,
    whole: (given = ownHomes) => whole(given),
    running: () => ({ processes: processes.running(), containers: surfaces.runningContainers() }),
    runningServers: (stored) => new Set(processes.runningServers(() => stored)),
    async poll() {
      const tools = () => [
        ...processes.usage.running().map(({ tool, process }) => `${tool}:${process.pid}`),
        ...processes.runningServers(),
      ];
      const now = () => [...tools(), ...processes.running().map(({ listens }) => JSON.stringify(listens))].join();
      const [before, toolsBefore] = [now(), tools().join()];
      const started = await processes.look();
      if (tools().join() !== toolsBefore) portsAgain = PORTS_AGAIN;
      if (portsAgain > 0) {
        portsAgain--;
        processes.setListeners(await surfaces.listeners(processes.pids()));
      }
      let pages: readonly Sighting[] = [];
      try {
        pages = await foreground.look();
        problems.clear('source-failed', 'foreground');
      } catch (error) {
        // A display that is gone says nothing about the programs: their look stands and keeps its pace. Told once, not at every poll.
        if (sources.of('foreground').detail !== FAILED) sources.failed('foreground', error);
        processes.usage.pass(null, clock.now());
      }
      const turned = pages.filter(({ tool }) => tool !== page);
      page = pages[0]?.tool ?? null;
      const fresh = recording.record([...started, ...turned]);
      return { changed: before !== now() || turned.length > 0, fresh };
    },
    async watchConfigs(signal, onChange, onError) {
      const observer = configObserver(ownHomes);
      const guard = (work: () => void) => {
        try {
          work();
        } catch (error) {
          // The database can't be used just now. The file is read again at the next whole look.
          onError(error);
        }
      };
      // Some of these files say too with which account their tool is signed in; those that didn't change aren't read.
      const beyond = surfaces.over(ownHomes, () => observer.projects());
      const accountsAgain = () => void beyond.accounts().then((isNew) => isNew && guard(onChange), onError);
      await observer.watch(
        signal,
        (read) =>
          guard(() => {
            configRows.take(read, observer);
            onChange();
            accountsAgain();
          }),
        (trouble) => {
          raise(trouble);
          guard(onChange);
        },
      );
    },
    // What was counted while it may not be is forgotten, not kept for later.
    flushUsage: () => processes.usage.flush((rows) => mayCollect().usage && store.addUsage(rows)),
  };
}
