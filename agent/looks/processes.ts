/** Looking at the programs that run: which tools they are, for how long, which MCP servers they carry, and what they listen on. */
import type { AgentParts } from '../agent.ts';
import type { Homes } from '../homes.ts';
import type { RunningProcess } from '../inventory.ts';
import { createRunningEntries } from '../mcp/running.ts';
import { scriptsNamed } from '../observe/installed/binaries.ts';
import type { ListenerObservation, ProcessObservation } from '../observe/observation.ts';
import { createProcessObserver, type ProcessLook, type ProcessObserver } from '../observe/processes/processes.ts';
import type { ScriptNamed } from '../observe/processes/retitled.ts';
import type { Sighting, StoredServer } from '../store/store.ts';
import { createUsage, type Usage } from '../usage.ts';
import type { Recording } from './recording.ts';
import type { Sources } from './sources.ts';

export type ProcessLooks = {
  readonly usage: Usage;
  /** What is new among the programs that run, as sightings. Two who ask at once take turns: what changed is told once. */
  look(): Promise<Sighting[]>;
  /** Everything that runs and is a tool's, seen again now. */
  seenAgain(): Sighting[];
  /** The processes that are tools'. */
  pids(): ReadonlySet<number>;
  /** Which ports are open now; null: that isn't known. A program with a tool's bare name that holds that tool's port is taken for it from now on. */
  setListeners(listeners: readonly ListenerObservation[] | null): void;
  /** Of these open ports, those of no program that is known to be a tool: weak evidence of the tool whose usual port it is. */
  strangePorts(): readonly ListenerObservation[];
  running(): RunningProcess[];
  /** Config files were written since the entries were compared with the processes. */
  serversChanged(): void;
  /** Ids, sorted. */
  runningServers(stored?: () => readonly StoredServer[]): readonly string[];
};

export function createProcessLooks(
  parts: Pick<AgentParts, 'os' | 'clock' | 'catalog' | 'store' | 'settings'> & {
    readonly homes: Homes;
    readonly ownHomes: readonly string[];
    readonly sources: Sources;
    readonly recording: Recording;
  },
): ProcessLooks {
  const { os, clock, catalog, store, settings, homes, ownHomes, sources, recording } = parts;
  const usage = createUsage({ longestGapMs: () => settings.pollSeconds * 4000 });
  const runningEntries = createRunningEntries();
  let observer: Promise<ProcessObserver> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let entriesAreOld = true;
  let listeners: readonly ListenerObservation[] = [];
  let byPid = new Map<number | null, readonly ListenerObservation[]>();

  /** A program that calls itself by a tool's name is that tool where the command of that name certainly is. */
  const scriptNamed: ScriptNamed = (name, interpreter) => {
    if (!catalog.binaryNames.has(name)) return null;
    const commands = scriptsNamed(os, ownHomes, name, interpreter);
    return commands.find((command) => catalog.identify(command)?.strength === 'certain')?.target ?? null;
  };

  /** Another account's program is another person's business; the system's own services are everybody's. */
  const concerns = ({ owner }: ProcessObservation) => owner !== 'other';
  /** A program with a tool's bare name that listens on that tool's usual port is that tool, as far as can be said. */
  const isOnPort = (pid: number, tool: string) => (byPid.get(pid) ?? []).some((port) => catalog.identify(port)?.entry.id === tool);

  function apply({ appeared, changed, ...others }: ProcessLook): Sighting[] {
    const sightings: Sighting[] = [];
    const look = { ...others, appeared: appeared.filter(concerns), changed: changed.filter(concerns) };
    if (!entriesAreOld) runningEntries.apply({ appeared: [...look.appeared, ...look.changed], gone: look.gone });
    usage.apply(
      look,
      (process) => {
        const seen = recording.sight(process);
        if (!seen) return null;
        sightings.push(seen);
        return seen.strength !== 'weak' || recording.isTraced(seen.tool) || isOnPort(process.pid, seen.tool) ? seen.tool : null;
      },
      clock.now(),
    );
    return sightings;
  }

  async function now(): Promise<Sighting[]> {
    observer ??= createProcessObserver(os, { homes: ownHomes.map((home) => ({ home, uid: os.user.uid })), scriptNamed });
    observer.catch(() => {
      observer = undefined;
    });
    const seen = apply(await (await observer).look());
    if (sources.of('processes').state !== 'ok') {
      const text =
        'The programs that run, to recognise AI tools among them; what was typed to start one is compared and never written down.';
      sources.note('processes', 'ok', text);
    }
    return seen;
  }

  const pids = () => new Set(usage.running().map(({ process }) => process.pid));

  return {
    usage,
    pids,
    look() {
      const look = last.then(now, now);
      last = look;
      return look;
    },
    seenAgain: () => usage.running().flatMap(({ process }) => recording.sight(process) ?? []),
    setListeners(seen) {
      if (seen === null) return;
      listeners = seen;
      byPid = Map.groupBy(seen, ({ pid }) => pid);
      const known = pids();
      const all = [...usage.processes()];
      const changed = all.filter(({ pid }) => byPid.has(pid) && !known.has(pid));
      if (changed.length > 0) apply({ appeared: [], changed, gone: [], total: all.length });
    },
    strangePorts() {
      // A bare name is not known to be a tool: its port is what makes it one, possibly.
      const known = usage.running().filter(({ process }) => recording.sight(process)?.strength !== 'weak');
      const sure = new Set(known.map(({ process }) => process.pid));
      return listeners.filter(({ pid }) => pid === null || !sure.has(pid));
    },
    running: () =>
      usage.running().map(({ tool, process }) => {
        const path = process.script ?? process.exe;
        const listens = (byPid.get(process.pid) ?? []).map(({ port, reach }) => ({ port, reach }));
        return { tool, pid: process.pid, path: path === null ? null : homes.show(path), ...(listens.length > 0 ? { listens } : {}) };
      }),
    serversChanged() {
      entriesAreOld = true;
    },
    runningServers(stored = store.servers) {
      if (entriesAreOld) {
        const there = stored().filter(({ present, command }) => present && command !== null);
        runningEntries.set(there, usage.processes());
        entriesAreOld = false;
      }
      return runningEntries.ids();
    },
  };
}
