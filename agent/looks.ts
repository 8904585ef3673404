/** Looking: asks each observer, lets the catalog say what it saw, and records that. One source that fails doesn't stop the others. */
import type { Evidence, Source } from '../electron/contract.ts';
import type { AgentParts } from './agent.ts';
import { createConfigRows } from './config-rows.ts';
import type { Homes } from './homes.ts';
import { confidence } from './inventory.ts';
import { createRunningEntries } from './mcp/running.ts';
import { type ConfigObserver, createConfigObserver } from './observe/configs.ts';
import { createForegroundObserver, type ForegroundObserver } from './observe/foreground.ts';
import { scriptsNamed } from './observe/installed/binaries.ts';
import { createInstalledObserver } from './observe/installed.ts';
import type { ConfigObservation, Observation, ProcessObservation, Trouble } from './observe/observation.ts';
import { createProcessObserver, type ProcessLook, type ProcessObserver } from './observe/processes/processes.ts';
import type { ScriptNamed } from './observe/processes/retitled.ts';
import { isStray, namedForSure, toSighting } from './sightings.ts';
import { DatabaseError } from './sqlite.ts';
import type { Sighting, StoredServer } from './store/store.ts';
import { createUsage, type Usage } from './usage.ts';

export type Looks = {
  /** Everything once, over these homes or the agent's own; `partial` when a source could not be looked at in full. */
  whole(homes?: readonly string[]): Promise<{ partial: boolean }>;
  /** Processes and the window in front: whether something that is shown has changed, and whether a tool was met for the first time. */
  poll(): Promise<{ changed: boolean; fresh: boolean }>;
  /** Notices changes of config files from now on. */
  watchConfigs(signal: AbortSignal, onChange: () => void, onError: (error: unknown) => void): Promise<void>;
  flushUsage(): void;
  sources(): readonly Source[];
  /** The ids of those of these stored MCP servers that run, as of the last look at the processes. */
  runningServers(stored: readonly StoredServer[]): ReadonlySet<string>;
  readonly usage: Usage;
};

const FAILED = 'The last look failed; it is tried again by itself.';
const INSTALLED_KINDS: readonly Evidence['kind'][] = ['package', 'app', 'binary'];

/** Creates the observers on first use, so that a command pays only for what it looks at. */
export function createLooks(parts: Omit<AgentParts, 'homes'> & { homes: Homes; ownHomes: readonly string[]; onSource: () => void }): Looks {
  const { os, clock, catalog, store, problems, settings, homes } = parts;
  const usage = createUsage({ longestGapMs: settings.pollSeconds * 4000 });
  const { show, label } = homes;
  let processObserver: Promise<ProcessObserver> | undefined;
  let lastProcessLook: Promise<unknown> = Promise.resolve();
  let foregroundObserver: Promise<ForegroundObserver> | undefined;
  let ownConfigs: ConfigObserver | undefined;
  /** Weak evidence that makes a row only beside another sort: leftover folders, by tool, from the last look at each home. */
  let traces = new Map<string, Sighting[]>();
  /** The tools that have been found for certain since the last whole look began: another program of such a name is another program. */
  let sure = new Set<string>();

  const runningEntries = createRunningEntries();
  /** Config files were written since the entries were compared with the processes. */
  let entriesAreOld = true;
  const runningIds = (servers = store.servers) => {
    if (entriesAreOld) {
      const there = servers().filter(({ present, command }) => present && command !== null);
      runningEntries.set(there, usage.processes());
      entriesAreOld = false;
    }
    return runningEntries.ids();
  };

  const state = new Map<Source['id'], Source>(
    (['processes', 'installed', 'configs', 'foreground'] as const).map((id) => [id, { id, state: 'ok', detail: '', lastLook: null }]),
  );
  const note = (id: Source['id'], now: Source['state'], detail: string) => {
    const before = state.get(id);
    const lastLook = now === 'ok' ? clock.now().toISOString() : (before?.lastLook ?? null);
    state.set(id, { id, state: now, detail, lastLook });
    parts.onSource();
  };

  /** A home is named as itself, for `~` is every home that is looked at. */
  const raise = (trouble: Trouble, key = trouble.path) => {
    const where = trouble.path === null ? null : trouble.code === 'home-not-owned' ? trouble.path : show(trouble.path);
    problems.raise({ ...trouble, path: key }, where);
  };

  const configRows = createConfigRows({
    ...{ os, clock, catalog, store, problems, homes, raise },
    onServers: () => {
      entriesAreOld = true;
    },
  });

  /** Runs one source; what it throws becomes a problem, and the look partial. */
  async function attempt<T>(id: Source['id'], look: () => Promise<T>): Promise<T | null> {
    note(id, 'looking', state.get(id)?.detail ?? '');
    try {
      const seen = await look();
      problems.clear('source-failed', id);
      return seen;
    } catch (error) {
      // What can't be written is no fault of this source, and the next one would meet it too.
      if (error instanceof DatabaseError) {
        note(id, 'unavailable', 'What it sees can’t be written at the moment; it is tried again by itself.');
        throw error;
      }
      failed(id, error);
      return null;
    }
  }

  function failed(id: Source['id'], error: unknown): void {
    parts.log(id, error);
    problems.raise({ code: 'source-failed', path: id, detail: error instanceof Error ? error.name : 'unknown' }, id);
    note(id, 'unavailable', FAILED);
  }

  const sight = (seen: Observation): Sighting | null => {
    const match = catalog.identify(seen);
    const sighting = match && toSighting(seen, match, homes);
    return sighting && isStray(sighting, sure) ? null : sighting;
  };

  /** A program that calls itself by a tool's name is that tool where the command of that name certainly is. */
  const scriptNamed: ScriptNamed = (name, interpreter) => {
    if (!catalog.binaryNames.has(name)) return null;
    const commands = scriptsNamed(os, parts.ownHomes, name, interpreter);
    return commands.find((command) => catalog.identify(command)?.strength === 'certain')?.target ?? null;
  };

  /** What the agent's own homes are known to hold, but for those that are looked at anew: a look at others says nothing of them. */
  function tracesBut(looked: readonly string[]): Sighting[] {
    const kept = parts.ownHomes.map(label).filter((home) => !looked.includes(home));
    return [...traces.values()].flat().filter(({ home }) => home !== null && kept.includes(home));
  }

  /** Writes what makes a row, alone or with what is stored already; weak evidence that stands alone, without `beside`, is dropped. */
  function record(seen: readonly Sighting[], beside: ReadonlyMap<string, readonly Sighting[]> = traces): boolean {
    for (const tool of namedForSure(seen)) sure.add(tool);
    const sightings = seen.filter((one) => !isStray(one, sure));
    if (sightings.length === 0) return false;
    const known = new Set(store.tools().map(({ tool }) => tool));
    const fresh = Map.groupBy(sightings, ({ tool }) => tool);
    const make: string[] = [];
    const keep: Sighting[] = [];
    for (const [tool, seen] of fresh) {
      const together = [...seen, ...(beside.get(tool) ?? [])];
      if (confidence(together) !== null) {
        make.push(tool);
        keep.push(...together);
      } else if (known.has(tool)) keep.push(...seen);
    }
    store.see(keep, clock.now(), make);
    return make.some((tool) => !known.has(tool));
  }

  /** Another account's program is another person's business; the system's own services are everybody's. */
  const concerns = ({ owner }: ProcessObservation) => owner !== 'other';

  function applyProcesses({ appeared, changed, ...others }: ProcessLook): Sighting[] {
    const sightings: Sighting[] = [];
    const look = { ...others, appeared: appeared.filter(concerns), changed: changed.filter(concerns) };
    if (!entriesAreOld) runningEntries.apply({ appeared: [...look.appeared, ...look.changed], gone: look.gone });
    usage.apply(
      look,
      (process) => {
        const seen = sight(process);
        if (!seen) return null;
        sightings.push(seen);
        return seen.strength === 'weak' && !traces.has(seen.tool) ? null : seen.tool;
      },
      clock.now(),
    );
    return sightings;
  }

  /** A poll and a whole look may meet; what changed since the last look is told once, so they take turns. */
  function lookAtProcesses(): Promise<Sighting[]> {
    const look = lastProcessLook.then(processesNow, processesNow);
    lastProcessLook = look;
    return look;
  }

  async function processesNow(): Promise<Sighting[]> {
    processObserver ??= createProcessObserver(os, { homes: parts.ownHomes.map((home) => ({ home, uid: os.user.uid })), scriptNamed });
    processObserver.catch(() => {
      processObserver = undefined;
    });
    const look = await (await processObserver).look();
    const seen = applyProcesses(look);
    if (state.get('processes')?.state !== 'ok')
      note(
        'processes',
        'ok',
        'The programs that run, to recognise AI tools among them; what was typed to start one is compared and never written down.',
      );
    return seen;
  }

  async function lookInFront(): Promise<void> {
    foregroundObserver ??= createForegroundObserver(os, { titles: false });
    foregroundObserver.catch(() => {
      foregroundObserver = undefined;
    });
    const observer = await foregroundObserver;
    const available = observer.available();
    if (!available.ok) {
      const before = state.get('foreground');
      if (before?.state !== 'unavailable' || before.detail !== available.why) note('foreground', 'unavailable', available.why);
      usage.pass(null, clock.now());
      return;
    }
    const window = await observer.look();
    const match = window && catalog.identify(window);
    const ours = usage.running().find(({ process }) => process.pid === window?.pid)?.tool;
    usage.pass(ours ?? (match && match.strength !== 'weak' ? match.entry.id : null), clock.now());
    const text = 'Which program is in front, to count the time a tool is used. Window titles are not read.';
    if (state.get('foreground')?.state !== 'ok') note('foreground', 'ok', text);
  }

  /** The agent's own homes keep theirs, which also watches; a look at others is over with its answer. */
  const configObserver = (given: readonly string[]) => {
    if (given !== parts.ownHomes) return createConfigObserver(os, { homes: given, catalog });
    ownConfigs ??= createConfigObserver(os, { homes: given, catalog });
    return ownConfigs;
  };

  async function lookAtConfigs(given: readonly string[]): Promise<readonly ConfigObservation[]> {
    const observer = configObserver(given);
    const [own] = parts.ownHomes;
    if (own !== undefined && given.includes(own)) observer.setProjects(own, settings.projectFolders ?? []);
    const reads = observer.look();
    configRows.takeAll(reads, observer, given);
    const named = reads.filter(({ file }) => file.role !== 'settings');
    const found = named.filter(({ state: at }) => at === 'read').length;
    note(
      'configs',
      'ok',
      `${named.length} named places where MCP clients keep their servers (${found} exist here), and agents’ own settings; values of keys are blanked as a file is read.`,
    );
    return observer.traces();
  }

  async function lookAtInstalled(
    given: readonly string[],
  ): Promise<{ sightings: Sighting[]; complete: boolean; since: Date; except: readonly string[] }> {
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
    note('installed', 'ok', 'The lists of installed apps, packages and programs, for names and versions; no tool is started for it.');
    const sightings = look.observations.flatMap((seen) => sight(seen) ?? []);
    // Before the processes are looked at. A look at other homes takes nothing back.
    sure = new Set([...(given === parts.ownHomes ? [] : sure), ...namedForSure(sightings)]);
    return {
      sightings,
      complete: look.incomplete.length === 0,
      since,
      except: look.incomplete,
    };
  }

  return {
    usage,
    sources: () => [...state.values()],
    async whole(given) {
      const began = clock.now();
      const looked = given ?? parts.ownHomes;
      homes.add(looked);
      const labels = looked.map(label);
      const found = await attempt('configs', () => lookAtConfigs(looked));
      const leftovers = (found ?? []).flatMap((seen) => sight(seen) ?? []);
      traces = Map.groupBy([...tracesBut(labels), ...leftovers], ({ tool }) => tool);
      const installed = await attempt('installed', () => lookAtInstalled(looked));
      const processes = await attempt('processes', lookAtProcesses);
      await attempt('foreground', lookInFront);
      // What has been running since an earlier look is seen again now, so that its last sighting is true.
      const running = usage.running().flatMap(({ process }) => sight(process) ?? []);
      record(
        [...(installed?.sightings ?? []), ...leftovers, ...(processes ?? []), ...running],
        Map.groupBy(leftovers, ({ tool }) => tool),
      );
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
      store.looked(clock.now(), clock.now().getTime() - began.getTime());
      return { partial: !found || !processes || !installed?.complete };
    },
    runningServers: (stored) => new Set(runningIds(() => [...stored])),
    async poll() {
      const now = () => [...usage.running().map(({ tool, process }) => `${tool}:${process.pid}`), ...runningIds()].join();
      const before = now();
      const fresh = record(await lookAtProcesses());
      try {
        await lookInFront();
        problems.clear('source-failed', 'foreground');
      } catch (error) {
        // A display that is gone says nothing about the programs: their look stands and keeps its pace. Told once, not at every poll.
        if (state.get('foreground')?.detail !== FAILED) failed('foreground', error);
        usage.pass(null, clock.now());
      }
      return { changed: before !== now(), fresh };
    },
    async watchConfigs(signal, onChange, onError) {
      const observer = configObserver(parts.ownHomes);
      const guard = (work: () => void) => {
        try {
          work();
        } catch (error) {
          // The database can't be used just now. The file is read again at the next whole look.
          onError(error);
        }
      };
      await observer.watch(
        signal,
        (read) =>
          guard(() => {
            configRows.take(read, observer);
            onChange();
          }),
        (trouble) => {
          raise(trouble);
          guard(onChange);
        },
      );
    },
    flushUsage: () => usage.flush(store.addUsage),
  };
}
