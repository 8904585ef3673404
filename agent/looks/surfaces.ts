/**
 * Looking beyond installed programs: extensions, add-ons, accounts, local servers, models, containers and guests. One source each; one that fails says
 * so and doesn't stop the others, and nothing of it is taken for gone.
 */
import path from 'node:path';
import type { Evidence, Source } from '../../electron/contract.ts';
import type { AgentParts } from '../agent.ts';
import type { Homes } from '../homes.ts';
import type { RunningContainer } from '../inventory.ts';
import { type AccountObserver, createAccountObserver } from '../observe/accounts.ts';
import { type AddonObserver, createAddonObserver } from '../observe/addons.ts';
import { type ContainerObserver, createContainerObserver } from '../observe/containers.ts';
import { createExtensionObserver, type ExtensionObserver } from '../observe/extensions.ts';
import { createGuestObserver, type GuestObserver } from '../observe/guests.ts';
import { createListenerObserver, type ListenerObserver } from '../observe/listeners.ts';
import { createModelsObserver, type ModelsObserver } from '../observe/models.ts';
import type { AccountFact, ExtensionObservation, ListenerObservation } from '../observe/observation.ts';
import type { Sighting } from '../store/store.ts';
import type { Recording } from './recording.ts';
import type { Sources } from './sources.ts';

/** Kinds of evidence that were looked at in whole in these homes (labels; null: the whole computer), so that what wasn't seen is gone. */
export type Swept = { readonly kinds: readonly Evidence['kind'][]; readonly homes: readonly (string | null)[] };
export type Seen = { readonly sightings: readonly Sighting[]; readonly swept: readonly Swept[]; readonly whole: boolean };

export type SurfaceLooks = {
  /** Extensions, pages, containers and what dev containers ask for; add-ons, models and accounts are stored as they are. */
  look(): Promise<Seen>;
  /** Accounts alone, as after a change of a file; answers whether one is another now. */
  accounts(): Promise<boolean>;
};

export type Surfaces = {
  /** The looks over these homes; the agent's own keep what they know of files that stay as they are. */
  over(homes: readonly string[], projects: () => readonly string[]): SurfaceLooks;
  /** Who waits for connections: these processes, and whoever holds a port that the catalog knows; null where that can't be known. */
  listeners(pids: ReadonlySet<number>): Promise<readonly ListenerObservation[] | null>;
  runningContainers(): readonly RunningContainer[];
};

type Observers = {
  readonly extensions: ExtensionObserver;
  readonly addons: AddonObserver;
  readonly accounts: AccountObserver;
  readonly models: ModelsObserver;
  readonly guests: GuestObserver;
};

const homeOf = (file: string, homes: readonly string[]) => homes.find((home) => file.startsWith(home + path.sep));
const NOTHING: Seen = { sightings: [], swept: [], whole: true };
const count = (many: number, one: string, more = `${one}s`) => `${many} ${many === 1 ? one : more}`;

export function createSurfaces(
  parts: Pick<AgentParts, 'os' | 'clock' | 'catalog' | 'store'> & {
    readonly homes: Homes;
    readonly ownHomes: readonly string[];
    readonly sources: Sources;
    readonly recording: Recording;
  },
): Surfaces {
  const { os, clock, catalog, store, homes, ownHomes, sources, recording } = parts;
  const { show, label } = homes;
  const entries = [...catalog.entries.values()];
  const ports = new Set(entries.flatMap(({ detect }) => detect.ports ?? []));
  let own: Observers | undefined;
  let listening: ListenerObserver | undefined;
  let engines: ContainerObserver | undefined;
  let containers: readonly RunningContainer[] = [];

  function observersOf(given: readonly string[], projects: () => readonly string[]): Observers {
    if (given === ownHomes && own) return own;
    const probed = (tool: string, family: string | null) => ({
      tool,
      family: family === null ? null : (catalog.families.get(family) ?? null),
    });
    const made: Observers = {
      extensions: createExtensionObserver(os, { homes: given, wants: (host, id, folder) => isKnown(host, id, folder) }),
      addons: createAddonObserver(os, {
        ...{ homes: given, projects },
        places: entries.flatMap(({ id, addons }) => (addons ?? []).map((place) => ({ tool: id, place }))),
      }),
      accounts: createAccountObserver(os, {
        homes: given,
        probes: entries.flatMap(({ id, family, accounts }) => (accounts ?? []).map((probe) => ({ ...probed(id, family), probe }))),
      }),
      models: createModelsObserver(os, {
        homes: given,
        places: entries.flatMap(({ id, models }) => (models ?? []).map((place) => ({ tool: id, place }))),
      }),
      guests: createGuestObserver(os, { homes: given, projects }),
    };
    if (given === ownHomes) own = made;
    return made;
  }

  function isKnown(host: ExtensionObservation['host'], id: string, folder: string | null): boolean {
    const none = { version: null, profiles: [], enabled: null, permissions: [], path: null, home: null, program: '' };
    return catalog.identify({ kind: 'extension', host, id, folder, ...none }) !== null;
  }

  const labelOf = (home: string | null) => (home === null ? null : label(home));
  /** What a look knows nothing of: homes by their label, files as they are shown, tools by their id. */
  const unknownOf = (incomplete: readonly string[], given: readonly string[]) =>
    incomplete.map((one) => (given.includes(one) ? label(one) : show(one)));

  const ok = (id: Source['id'], detail: string) => sources.note(id, 'ok', detail);

  async function extensions({ extensions: observer, guests }: Observers, given: readonly string[]): Promise<Seen | null> {
    const seen = await sources.attempt('extensions', () => observer.look());
    const inside = await sources.attempt('guests', () => guests.look());
    if (inside) ok('guests', inside.sentence);
    if (seen) {
      sources.tell('extensions', seen.troubles);
      const found = seen.observations.filter(({ kind }) => kind === 'extension').length;
      const pages = seen.observations.length - found;
      ok(
        'extensions',
        `The lists of extensions that editors and browsers keep, and pages that are installed as apps, by name, version and switch: ${count(found, 'extension')} and ${count(pages, 'page')} of AI tools.`,
      );
    }
    if (!seen && !inside) return null;
    const sightings = [...(seen?.observations ?? []), ...(inside?.observations ?? [])].flatMap((one) => recording.sight(one) ?? []);
    const whole = given.filter((home) => !seen?.incomplete.includes(home)).map(label);
    // What a dev container asks for is an extension too: nothing is gone where one of the two doesn't know.
    const isMachine = seen?.incomplete.length === 0;
    const swept: Swept[] = seen && inside ? [{ kinds: ['extension', 'site'], homes: [...whole, ...(isMachine ? [null] : [])] }] : [];
    return { sightings, swept, whole: seen !== null && inside !== null && seen.incomplete.length === 0 };
  }

  async function contained(): Promise<Seen | null> {
    engines ??= createContainerObserver(os);
    const observer = engines;
    const seen = await sources.attempt('containers', () => observer.look());
    containers = [];
    if (!seen) return null;
    if (seen.unavailable !== null) {
      sources.note('containers', seen.none ? 'ok' : 'unavailable', seen.unavailable);
      return NOTHING;
    }
    const sightings: Sighting[] = [];
    const running: RunningContainer[] = [];
    for (const one of seen.observations) {
      const sighting = recording.sight(one);
      if (!sighting) continue;
      sightings.push(sighting);
      if (one.running) running.push({ tool: sighting.tool, image: one.image, engine: one.engine });
    }
    containers = running;
    ok(
      'containers',
      `The containers that the engine on this computer lists, by image and whether they run: ${sightings.length} of ${seen.observations.length} are AI tools. What is inside is not looked at.`,
    );
    return { sightings, swept: [{ kinds: ['container'], homes: [null] }], whole: true };
  }

  async function addons({ addons: observer }: Observers, given: readonly string[]): Promise<boolean> {
    return (
      (await sources.attempt('addons', () => {
        const { facts, troubles, incomplete } = observer.look();
        sources.tell('addons', troubles);
        const look = { homes: [...given.map(label), null], except: unknownOf(incomplete, given) };
        const shown = facts.map((fact) => ({
          ...fact,
          ...{ path: show(fact.path), home: labelOf(fact.home), project: fact.project === null ? null : show(fact.project) },
        }));
        store.replaceAddons(look, shown, clock.now());
        ok('addons', `What has been added to agents, by name only (skills, hooks, plugins, sub-agents, commands): ${facts.length} here.`);
        return incomplete.length === 0;
      })) ?? false
    );
  }

  async function models({ models: observer }: Observers, given: readonly string[]): Promise<boolean> {
    return (
      (await sources.attempt('models', () => {
        const { facts, troubles, incomplete } = observer.look();
        sources.tell('models', troubles);
        const shown = facts.map((fact) => ({ ...fact, path: show(fact.path), home: labelOf(fact.home) }));
        store.replaceModels({ homes: [...given.map(label), null], except: incomplete }, shown, clock.now());
        ok('models', `Models in the folders where runtimes keep them, by name and size: ${facts.length} here. None is opened.`);
        return incomplete.length === 0;
      })) ?? false
    );
  }

  /** Null where the look failed; else whether an account is another now, and the tools that are built into the program whose account it is. */
  async function accounts({ accounts: observer }: Observers, given: readonly string[]): Promise<(Seen & { isNew: boolean }) | null> {
    return sources.attempt('accounts', () => {
      const { facts, troubles, incomplete } = observer.look();
      sources.tell('accounts', troubles);
      const shown = facts.map(({ builtInto: _, ...fact }) => ({ ...fact, source: show(fact.source), home: label(fact.home) }));
      const isNew = store.replaceAccounts({ homes: given.map(label), except: unknownOf(incomplete, given) }, shown, clock.now());
      const known = facts.filter(({ tier }) => tier !== null).length;
      ok(
        'accounts',
        `The plan that a tool’s own file says it is signed in with: ${count(facts.length, 'account')} here, ${known} with a known plan. Of an e-mail address only what follows the @ is taken, and no key.`,
      );
      const sightings = facts.flatMap((fact) => builtIn(fact) ?? []);
      const whole = given.filter((home) => !incomplete.some((at) => at === home || homeOf(at, given) === home)).map(label);
      return { isNew, sightings, swept: [{ kinds: ['account'], homes: whole }], whole: true };
    });
  }

  function builtIn({ tool, source, home, builtInto }: AccountFact): Sighting | null {
    const surface = catalog.entries.get(tool)?.surface;
    if (builtInto === undefined || surface === undefined) return null;
    const none = { target: null, version: null, name: null };
    return { tool, kind: 'account', strength: 'likely', surface, path: show(source), home: label(home), manager: builtInto, ...none };
  }

  return {
    runningContainers: () => containers,
    async listeners(pids) {
      listening ??= createListenerObserver(os);
      const observer = listening;
      const seen = await sources.attempt('servers', () => observer.look({ pids, ports }));
      if (!seen) return null;
      if (seen.unavailable !== null) {
        sources.note('servers', 'unavailable', seen.unavailable);
        return null;
      }
      ok('servers', 'Which programs wait for connections, and on which ports; nothing is connected to.');
      return seen.observations;
    },
    over(given, projects) {
      const observers = observersOf(given, projects);
      return {
        async look() {
          // The engine answers while the others read.
          const engine = contained();
          const done = [await extensions(observers, given)];
          const stored = [await addons(observers, given), await models(observers, given)];
          done.push(await accounts(observers, given), await engine);
          return {
            sightings: done.flatMap((seen) => seen?.sightings ?? []),
            swept: done.flatMap((seen) => seen?.swept ?? []),
            whole: done.every((seen) => seen?.whole) && stored.every(Boolean),
          };
        },
        accounts: async () => (await accounts(observers, given))?.isNew === true,
      };
    },
  };
}
