/** What a command works with: the running agent of the data folder, or one of its own that holds the lock while it works. */
import { statSync } from 'node:fs';
import path from 'node:path';
import type { AgentApi, ApprovalRequest, Device, Inventory, Snapshot } from '../electron/contract.ts';
import { type Catalog, parseCatalog } from '../native-catalog/catalog.ts';
import { type Agent, type AgentParts, startAgent } from './agent.ts';
import { isCatalogChecked, isPackaged, readCatalog, readMigrations } from './assets.ts';
import { type Invocation, UsageError } from './commands/command.ts';
import {
  DataFolderError,
  databaseFile,
  defaultDataDir,
  entry,
  ownedByAnother,
  prepareDataDir,
  refuseFiles,
  refuseOthers,
} from './data-folder.ts';
import { deviceId, readDeviceId } from './device.ts';
import { type Reached, reach } from './local.ts';
import { type Lock, takeLock } from './lock.ts';
import type { Clock } from './observe/observation.ts';
import { tilde } from './observe/paths.ts';
import type { Catalogued } from './policy/check.ts';
import type { Item } from './policy/decide.ts';
import type { KnownTools, Policy } from './policy/policy.ts';
import { type Anchor, createPolicySource, type SignedPolicySource } from './policy/policy-source.ts';
import { overdueReviews } from './policy/reviews.ts';
import { tryPolicy } from './policy/trial.ts';
import { createProblems, type Problems } from './problems.ts';
import { createSettings, liveSettings, type SettingsRead, type SettingsSource } from './settings.ts';
import { openOrRebuild, openStore, type Store } from './store/store.ts';
import type { TrustRows } from './store/trust-rows.ts';

/** Longer than any command holds the lock; an agent that holds it answers on its socket at once. */
const LOCK_WAIT_MS = 10_000;
const LOCK_RETRY_MS = 50;
const NO_DEVICE = '00000000-0000-0000-0000-000000000000';

const systemClock: Clock = {
  now: () => new Date(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
    }),
};

/** The catalog that ships; the packed one was checked when it was built, and checking it again would cost every command 40 ms. */
export function loadCatalog(): Catalog {
  const { names, ...raw } = readCatalog();
  return parseCatalog(raw, names, { trusted: isCatalogChecked() });
}

/** What the catalog knows of the tools and tiers that a policy names. */
export function knownTools(catalog: Catalog): KnownTools {
  return {
    ids: [...catalog.entries.keys(), ...catalog.families.keys()],
    tool: (tool: string) => catalog.entries.has(tool) || catalog.families.has(tool),
    tiers: (tool: string) => {
      const family = catalog.families.get(catalog.entries.get(tool)?.family ?? tool);
      return family ? family.tiers.map((tier) => tier.id) : null;
    },
  };
}

/** The same, with what each tier's vendor does with what goes in. */
export function catalogued(catalog: Catalog): Catalogued {
  return {
    ...knownTools(catalog),
    trains: (tool) => catalog.families.get(catalog.entries.get(tool)?.family ?? tool)?.tiers ?? [],
  };
}

/** The file of `--managed`; refused in a package, where only an administrator says what is managed. */
function managedFileOf({ values }: Invocation): string | null {
  const file = values['managed'];
  if (typeof file !== 'string') return null;
  if (isPackaged()) throw new UsageError('--managed is for development only; this computer’s managed settings count here.');
  return path.resolve(file);
}

/** The settings of a data folder, not read yet. Throws a `UsageError` for `--managed` in a package. */
export function settingsOf(invocation: Invocation, dataDir: string, problems: Problems): SettingsSource {
  return createSettings(invocation.os, dataDir, managedFileOf(invocation), problems);
}

function anchorOf({ values, settings }: SettingsRead): Anchor {
  const from = settings.find(({ name }) => name === 'policyRootKeys')?.from ?? 'the managed settings';
  return { roots: values.policyRootKeys ?? [], audience: values.tenant ?? null, from };
}

/** Where the policy of a data folder comes from, not read yet; what it names is compared with the catalog. Reloads the settings with itself. */
export function policySourceOf(parts: {
  readonly dataDir: string;
  readonly catalog: Catalog;
  readonly problems: Problems;
  readonly settings: SettingsSource;
  readonly store: TrustRows;
  readonly device: string;
  readonly tried?: (policy: Policy) => string | null;
  readonly readOnly?: boolean;
}): SignedPolicySource {
  const { catalog, settings } = parts;
  const source = createPolicySource({
    ...parts,
    known: knownTools(catalog),
    now: systemClock.now,
    anchor: () => anchorOf(settings.current()),
  });
  return {
    ...source,
    changed: () => settings.changed() || source.changed(),
    async reload() {
      await settings.reload();
      const loaded = await source.reload();
      const name = (tool: string) => catalog.entries.get(tool)?.name ?? catalog.families.get(tool)?.name ?? tool;
      const overdue = loaded.policy && overdueReviews(loaded.policy, name, systemClock.now());
      if (overdue) parts.problems.raise({ code: 'review-due', path: null, detail: overdue });
      else parts.problems.clear('review-due');
      return loaded;
    },
  };
}

export function dataDirOf({ os, data }: Invocation): string {
  return data === null ? defaultDataDir(os) : path.resolve(data);
}

/** The homes that were named, checked; else the user's own. */
export function homesOf({ os, home }: Invocation): string[] {
  for (const named of home) {
    if (!entry(named)?.isDirectory()) throw new UsageError(`--home ${named} is no folder; name a home folder that exists.`);
  }
  if (home.length > 0) return home.map((named) => path.resolve(named));
  if (!os.user.home) throw new UsageError('This account has no home folder; name the one to look at with --home DIR.');
  if (!entry(os.user.home)?.isDirectory())
    throw new UsageError(`The home folder ${os.user.home} of this account doesn’t exist; name the one to look at with --home DIR.`);
  return [path.resolve(os.user.home)];
}

function deviceOf({ os }: Invocation, id: string): Device {
  return { id, platform: os.platform, hostname: os.hostname, user: os.user.name };
}

/** For what is only shown again: nothing is looked at, so a home that isn't there is no mistake. */
function homesShown({ os, home }: Invocation): string[] {
  const named = home.length > 0 ? home : os.user.home ? [os.user.home] : [];
  return named.map((one) => path.resolve(one));
}

export type LocalAgent = { readonly agent: Agent; readonly store: Store; readonly problems: Problems; close(): void };

/** An agent over a database of this process. The caller holds the lock, or has opened the database for reading only. */
async function assemble(
  invocation: Invocation,
  dataDir: string,
  { store, id, readOnly }: { readonly store: Store; readonly id: string; readonly readOnly: boolean },
  problems: Problems,
  homes: readonly string[],
  log: (what: string, error: unknown) => void,
  network: NonNullable<AgentParts['network']> = {},
): Promise<LocalAgent> {
  const catalog = loadCatalog();
  const settings = settingsOf(invocation, dataDir, problems);
  const tried = (policy: Policy) => tryPolicy(policy, itemsOf(store, catalog), systemClock.now());
  const policyFile = policySourceOf({ dataDir, catalog, problems, settings, store, device: id, tried, readOnly });
  await policyFile.reload();
  const agent = startAgent({
    os: invocation.os,
    clock: systemClock,
    catalog,
    store,
    problems,
    device: deviceOf(invocation, id),
    dataDir,
    version: invocation.version,
    homes,
    policyFile,
    settings: liveSettings(settings),
    settingsShown: () => settings.current().settings,
    network,
    log,
  });
  return { agent, store, problems, close: () => store.close() };
}

function itemsOf(store: Store, catalog: Catalog): Item[] {
  return [
    ...store
      .tools()
      .map(({ tool }): Item => ({ kind: 'tool', tool, family: catalog.entries.get(tool)?.family ?? null, tier: null, account: 'unknown' })),
    ...store.servers().map((server): Item => ({ kind: 'mcp', ...server })),
  ];
}

/** The database opened for writing, a damaged one made anew, and an agent over it. Throws `DatabaseError`, `DataFolderError`. */
export async function openLocal(
  invocation: Invocation,
  dataDir: string,
  log: (what: string, error: unknown) => void = () => {},
  network: AgentParts['network'] = {},
): Promise<LocalAgent> {
  const homes = homesOf(invocation);
  const problems = createProblems((at) => tilde(at, homes));
  const { store, rebuilt } = openOrRebuild(databaseFile(dataDir), { migrations: readMigrations(), now: new Date() });
  if (rebuilt) {
    const requests = rebuilt.requestsKept > 0 ? `${rebuilt.requestsKept} requests were kept` : 'no request could be read from it';
    // What is missing at the end is told by the record's signed head.
    const { missing } = store.evidenceRows.extent();
    const detail = missing > 0 ? `${requests}, and ${missing} rows of the record of decisions are missing` : requests;
    problems.raise({ code: 'database-rebuilt', path: rebuilt.setAside, detail });
    // Rows of two moments may stand beside one another: the collector is told everything again, as by a new database.
    store.sync.forget();
  }
  try {
    return await assemble(invocation, dataDir, { store, id: deviceId(dataDir), readOnly: false }, problems, homes, log, network);
  } catch (error) {
    store.close();
    throw error;
  }
}

export type Session = { readonly api: Omit<AgentApi, 'stop'>; close(): void };

/** The lock of the data folder, or a connection to the agent that has it. Throws `DatabaseError`, `DataFolderError`. */
export async function lockOrAgent(dataDir: string): Promise<{ lock: Lock; other: null } | { lock: null; other: Reached }> {
  const until = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const other = await reach(dataDir);
    if (other) return { lock: null, other };
    const lock = takeLock(dataDir);
    if (lock) return { lock, other: null };
    if (Date.now() > until) {
      const remedy = 'end it, or try again in a minute';
      throw new DataFolderError('database', `Another Muster works in ${dataDir} and doesn’t answer; ${remedy}.`, dataDir);
    }
    await systemClock.wait(LOCK_RETRY_MS, new AbortController().signal);
  }
}

/** Reaches the running agent or becomes one for this command. Throws `DatabaseError`, `DataFolderError`, `UsageError`. */
export async function openSession(invocation: Invocation): Promise<Session> {
  const dataDir = dataDirOf(invocation);
  homesOf(invocation);
  prepareDataDir(dataDir, invocation.os);
  const { lock, other } = await lockOrAgent(dataDir);
  if (other) return { api: other.api, close: other.close };
  try {
    const local = await openLocal(invocation, dataDir);
    return {
      api: local.agent.api,
      close: () => {
        local.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** My requests as they stand, read like the inventory. Throws a `DataFolderError` where they are another account's. */
export async function storedRequests(invocation: Invocation): Promise<readonly ApprovalRequest[]> {
  refuseOthers(dataDirOf(invocation), invocation.os);
  return (await storedSnapshot(invocation))?.requests ?? [];
}

/** The state as it stands: from the running agent, or read from the database; null before the first. Changes and creates nothing. */
export async function storedSnapshot(invocation: Invocation): Promise<Snapshot | null> {
  const dataDir = dataDirOf(invocation);
  refuseFiles(dataDir);
  const live = ownedByAnother(dataDir, invocation.os) ? null : await reach(dataDir);
  if (live) {
    live.close();
    return live.state;
  }
  return withStored(invocation, ({ agent }) => agent.snapshot());
}

/**
 * Asks an agent over the database as it stands, also while another agent works with it; null before the first look. Looks at nothing, changes
 * and creates nothing. Throws a `DatabaseError`.
 */
export async function withStored<T>(invocation: Invocation, ask: (stored: LocalAgent) => T | Promise<T>): Promise<T | null> {
  const dataDir = dataDirOf(invocation);
  refuseFiles(dataDir);
  const file = databaseFile(dataDir);
  if (isAbsent(file)) return null;
  const homes = homesShown(invocation);
  const store = openStore(file, { migrations: readMigrations(), readOnly: true });
  try {
    const problems = createProblems((at) => tilde(at, homes));
    const id = readDeviceId(dataDir) ?? NO_DEVICE;
    return await ask(await assemble(invocation, dataDir, { store, id, readOnly: true }, problems, homes, () => {}));
  } finally {
    store.close();
  }
}

/** Only what is surely not there: where it may not even be asked, opening says why. */
function isAbsent(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** The inventory as it stands; `at` is when the last look ended, null before the first. */
export async function storedInventory(invocation: Invocation): Promise<{ inventory: Inventory; at: string | null }> {
  const now = await storedSnapshot(invocation);
  const at = now?.look.at ?? null;
  const durationMs = now?.look.durationMs ?? 0;
  return {
    at,
    inventory: {
      schema: 'muster.inventory/1',
      device: now?.device ?? deviceOf(invocation, readDeviceId(dataDirOf(invocation)) ?? NO_DEVICE),
      startedAt: new Date(at === null ? 0 : Date.parse(at) - durationMs).toISOString(),
      durationMs,
      partial: false,
      tools: now?.tools ?? [],
      mcpServers: now?.mcpServers ?? [],
      problems: now?.problems ?? [],
    },
  };
}
