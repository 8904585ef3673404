/** The fleet as a whole: what is on how many devices, what the policy says of it there, and what a draft of a policy would change. */
import type { Grant } from '../agent/policy/decide.ts';
import type { Policy } from '../agent/policy/policy.ts';
import { type Fit, rulesFor } from '../agent/policy/words.ts';
import type { Verdict, VerdictStatus } from '../electron/contract.ts';
import type { Catalog } from '../native-catalog/catalog.ts';
import { ENDED_GRANTS_MS } from './grants.ts';
import type { Db } from './store/devices.ts';
import {
  countDevices,
  devicesByIdentity,
  devicesHolding,
  type Exception,
  exceptions,
  fleetUse,
  type GrantWord,
  type HeldBody,
  heldBodies,
} from './store/fleet.ts';
import type { Body, ServerBody, ToolBody, Verdicts } from './verdicts.ts';

export type Counts = Partial<Record<VerdictStatus, number>>;

export type FleetTool = {
  readonly tool: string;
  readonly name: string;
  readonly vendor: string | null;
  readonly category: string | null;
  readonly family: string | null;
  readonly devices: number;
  readonly verdicts: Counts;
  /** Devices by the tier of an account that is signed in there; `unknown` where none could be read. */
  readonly tiers: Readonly<Record<string, number>>;
};

export type FleetServer = {
  /** Its kind and name, as a grant names it: `npm:@acme/files`. */
  readonly identity: string;
  readonly publisher: string | null;
  readonly names: readonly string[];
  readonly clients: readonly string[];
  readonly versions: readonly string[];
  readonly devices: number;
  /** Entries in config files, of which a device may have several. */
  readonly entries: number;
  readonly verdicts: Counts;
  readonly risk: { readonly level: ServerBody['risk']['level']; readonly score: number };
  readonly findings: readonly string[];
};

export type FleetChange = {
  readonly item: string;
  readonly name: string;
  readonly devices: number;
  /** Of those, how many would have another status or other data classes. */
  readonly changed: number;
  readonly from: Counts;
  readonly to: Counts;
  readonly rules: readonly string[];
  /** Seconds in the days counted, of all devices. */
  readonly use: { readonly runS: number; readonly frontS: number; readonly devices: number } | null;
};

export type FleetSimulation = {
  readonly schema: 'muster.fleet-simulation/1';
  readonly at: string;
  /** The published revision that the draft is compared with; 0: none. */
  readonly against: number;
  readonly since: string;
  readonly days: number;
  readonly devices: number;
  readonly devicesChanged: number;
  readonly items: readonly FleetChange[];
  readonly unusedRules: readonly { readonly rule: string; readonly why: 'absent' | 'other' }[];
};

export type Fleet = {
  /** `asOf`: the counts may be half a minute old. */
  tools(): Promise<{ readonly asOf: Date; readonly rows: readonly FleetTool[] }>;
  servers(): Promise<{ readonly asOf: Date; readonly rows: readonly FleetServer[] }>;
  simulate(draft: Policy): Promise<FleetSimulation>;
  /** After something was decided or published here. */
  forget(): void;
};

const DAY_MS = 86_400_000;
const COUNTED_DAYS = 30;
const FRESH_MS = 30_000;
export type FleetParts = {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly verdicts: Verdicts;
  readonly policy: () => Promise<{ readonly rev: number; readonly policy: Policy | null }>;
  readonly now: () => Date;
};

type Baseline = { readonly at: Date; readonly held: readonly HeldBody[]; readonly special: ReadonlyMap<string, readonly Exception[]> };

/** Everything of the body's devices: those of whom nothing special is to be said, and each group of the others. */
type Share = { readonly devices: number; readonly grants: readonly Grant[]; readonly open: boolean };

export function createFleet({ db, catalog, verdicts, policy, now }: FleetParts): Fleet {
  const families = [...catalog.entries].flatMap(([id, { family }]) => (family ? [{ key: `tool:${id}`, family }] : []));
  const familyOf = { keys: families.map(({ key }) => key), families: families.map(({ family }) => family) };
  let held: { at: number; baseline: Promise<Baseline> } | null = null;

  const baseline = (): Promise<Baseline> => {
    const at = now();
    if (held && at.getTime() - held.at < FRESH_MS) return held.baseline;
    const entry = { at: at.getTime(), baseline: read(at) };
    held = entry;
    entry.baseline.catch(() => {
      if (held === entry) held = null;
    });
    return entry.baseline;
  };

  async function read(at: Date): Promise<Baseline> {
    const bodies = await heldBodies(db);
    const special = await exceptions(db, familyOf, new Date(at.getTime() - ENDED_GRANTS_MS));
    return { at, held: bodies, special: Map.groupBy(special, ({ hash }) => hash) };
  }

  function shares({ hash, devices }: HeldBody, { special }: Baseline): Share[] {
    const groups = special.get(hash) ?? [];
    const plain = devices - groups.reduce((sum, group) => sum + group.devices, 0);
    return [
      ...(plain > 0 ? [{ devices: plain, grants: [], open: false }] : []),
      ...groups.map(({ devices, grants, open }) => ({ devices, open, grants: grants.map(asGrant) })),
    ];
  }

  const isPresent = ({ body }: HeldBody) => body.present;
  const nameOf = (body: Body) => (body.kind === 'mcp' ? body.name : (catalog.entries.get(body.tool)?.name ?? body.tool));

  return {
    async tools() {
      const base = await baseline();
      const { policy: current } = await policy();
      const rows = new Map<string, FleetTool & { verdicts: Counts; tiers: Record<string, number>; devices: number }>();
      for (const one of base.held.filter(isPresent)) {
        if (one.body.kind !== 'tool') continue;
        const row = rows.get(one.body.tool) ?? emptyTool(one.body, catalog);
        rows.set(one.body.tool, row);
        row.devices += one.devices;
        for (const tier of new Set(one.body.accounts.map((account) => account.tier ?? 'unknown'))) add(row.tiers, tier, one.devices);
        for (const { devices, grants, open } of shares(one, base))
          add(row.verdicts, verdicts.of(one.body, { policy: current, grants, open, now: base.at }).status, devices);
      }
      return { asOf: base.at, rows: [...rows.values()].sort((a, b) => b.devices - a.devices || compare(a.tool, b.tool)) };
    },
    async servers() {
      const base = await baseline();
      const { policy: current } = await policy();
      const devices = await devicesByIdentity(db);
      const rows = new Map<string, FleetServer>();
      const groups = Map.groupBy(
        base.held.filter(isPresent).flatMap((one) => (one.body.kind === 'mcp' ? [{ ...one, body: one.body }] : [])),
        ({ body }) => `${body.identity.kind}:${body.identity.name}`,
      );
      for (const [identity, group] of groups) {
        const counts: Counts = {};
        for (const one of group)
          for (const share of shares(one, base))
            add(
              counts,
              verdicts.of(one.body, { policy: current, grants: share.grants, open: share.open, now: base.at }).status,
              share.devices,
            );
        const bodies = group.map(({ body }) => body);
        const worst = bodies.reduce((a, b) => (b.risk.score > a.risk.score ? b : a));
        const distinct = (values: readonly (string | null)[]) =>
          [...new Set(values)]
            .filter((value) => value !== null)
            .sort(compare)
            .slice(0, 50);
        rows.set(identity, {
          identity,
          publisher: worst.publisher,
          names: distinct(bodies.map(({ name }) => name)),
          clients: distinct(bodies.map(({ client }) => client)),
          versions: distinct(bodies.map((body) => body.identity.version)),
          devices: devices.get(identity) ?? 0,
          entries: group.reduce((sum, one) => sum + one.devices, 0),
          verdicts: counts,
          risk: { level: worst.risk.level, score: worst.risk.score },
          findings: distinct(bodies.flatMap((body) => body.risk.findings.map(({ id }) => id))),
        });
      }
      return { asOf: base.at, rows: [...rows.values()].sort((a, b) => b.devices - a.devices || compare(a.identity, b.identity)) };
    },
    async simulate(draft) {
      // Of now, for somebody is about to publish what it says.
      const base = await read(now());
      const { rev, policy: current } = await policy();
      const since = new Date(base.at.getTime() - COUNTED_DAYS * DAY_MS).toISOString().slice(0, 10);
      const uses = new Map((await fleetUse(db, since)).map((use) => [use.item, use]));
      const present = base.held.filter(isPresent);
      const changedHashes: string[] = [];
      const rows = new Map<string, Omit<FleetChange, 'use'> & { devices: number; changed: number; rules: string[] }>();
      for (const one of present) {
        const key = keyOf(one.body);
        const row = rows.get(key) ?? { item: key, name: nameOf(one.body), devices: 0, changed: 0, from: {}, to: {}, rules: [] };
        rows.set(key, row);
        row.devices += one.devices;
        let changes = false;
        for (const { devices, grants, open } of shares(one, base)) {
          const given = { grants, open, now: base.at };
          const [from, to] = [verdicts.of(one.body, { ...given, policy: current }), verdicts.of(one.body, { ...given, policy: draft })];
          add(row.from, from.status, devices);
          add(row.to, to.status, devices);
          if (sameWord(from, to)) continue;
          changes = true;
          row.changed += devices;
          const rule = to.rule ?? 'stance';
          if (!row.rules.includes(rule)) row.rules.push(rule);
        }
        if (changes) changedHashes.push(one.hash);
      }
      const items = [...rows.values()].map((row): FleetChange => {
        const use = uses.get(row.item);
        return { ...row, use: use ? { runS: use.runS, frontS: use.frontS, devices: use.devices } : null };
      });
      return {
        schema: 'muster.fleet-simulation/1',
        at: base.at.toISOString(),
        against: rev,
        since,
        days: COUNTED_DAYS,
        devices: await countDevices(db),
        devicesChanged: await devicesHolding(db, changedHashes),
        items: items.sort((a, b) => b.changed - a.changed || b.devices - a.devices || compare(a.item, b.item)),
        unusedRules: unusedRules(present, draft, verdicts),
      };
    },
    forget() {
      held = null;
    },
  };
}

function emptyTool({ tool }: ToolBody, catalog: Catalog) {
  const entry = catalog.entries.get(tool);
  const about = {
    name: entry?.name ?? tool,
    vendor: entry?.vendor ?? null,
    category: entry?.category ?? null,
    family: entry?.family ?? null,
  };
  return { tool, ...about, devices: 0, verdicts: {}, tiers: {} };
}

/** Servers are told by what they are, for every entry has an id of its own. */
function keyOf(body: Body): string {
  return body.kind === 'tool' ? `tool:${body.tool}` : `${body.identity.kind}:${body.identity.name}`;
}

function asGrant({ tool, mcp, tiers, status, data_classes, expires_at }: GrantWord, index: number): Grant {
  return {
    id: `${index}`,
    ...(tool === null ? {} : { tool }),
    ...(mcp === null ? {} : { mcp }),
    ...(tiers === null ? {} : { tiers }),
    ...(data_classes === null ? {} : { dataClasses: data_classes }),
    status,
    expiresAt: expires_at,
    reason: '',
  };
}

function sameWord(a: Verdict, b: Verdict): boolean {
  return a.status === b.status && a.dataClasses.length === b.dataClasses.length && a.dataClasses.every((id) => b.dataClasses.includes(id));
}

function unusedRules(present: readonly HeldBody[], draft: Policy, verdicts: Verdicts): FleetSimulation['unusedRules'] {
  const best = new Map<string, Fit>();
  for (const { body } of present)
    for (const item of verdicts.asked(body, draft))
      for (const { id, fit } of rulesFor(item, draft)) if (id !== null && (fit !== 'no' || !best.has(id))) best.set(id, fit);
  return [...draft.tools, ...draft.mcp.rules].flatMap(({ id }) => {
    const fit = best.get(id);
    if (fit === 'yes' || fit === 'unknown') return [];
    return [{ rule: id, why: fit === 'no' ? ('other' as const) : ('absent' as const) }];
  });
}

function add<Key extends string>(counts: Partial<Record<Key, number>>, key: Key, by: number): void {
  counts[key] = (counts[key] ?? 0) + by;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
