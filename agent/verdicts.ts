/** What the policy in force says of everything that is stored: tools and servers with their verdicts, and the launches that were approved. */
import type { Account, GrantInForce, McpServer, PolicyInForce, Tool, Verdict } from '../electron/contract.ts';
import type { AgentParts } from './agent.ts';
import { type Changes, changesSince, type Standing } from './evidence/changes.ts';
import type { Homes } from './homes.ts';
import { toServers, toTools } from './inventory.ts';
import type { Looks } from './looks.ts';
import { findingsOfSettings } from './mcp/agent-settings.ts';
import { withChangedLaunch } from './mcp/risks.ts';
import { accountKind } from './policy/account-kind.ts';
import { BUILT_ACTIONS } from './policy/backing.ts';
import { type ApprovedLaunch, decide, type Item, isPinned, STRICTNESS, startedBy } from './policy/decide.ts';
import type { Policy } from './policy/policy.ts';
import { inForce } from './policy/policy-file.ts';
import { shownTrust } from './policy/policy-source.ts';
import { isHashed } from './policy/words.ts';
import { isOpen } from './requests.ts';
import type { StoredServer } from './store/store.ts';
import type { Telling } from './telling.ts';

/** With which account a tool is signed in, as far as a verdict depends on it. */
export type SignedIn = Pick<Item & { kind: 'tool' }, 'tier' | 'account'>;

/** Decides about one item at a time, with everything else as it was when this was made. */
export type Decider = {
  /** `account` null: nothing is known of any. */
  tool(tool: string, family: string | null, account: SignedIn | null): Verdict;
  server(server: StoredServer, approved: ApprovedLaunch | null): Verdict;
};

export type Verdicts = {
  /** `policy` is the one in force unless another is given. */
  decider(policy?: Policy | null): Decider;
  tools(policy?: Policy | null): Tool[];
  servers(policy?: Policy | null): McpServer[];
  /**
   * An approval is of what was approved: where a rule pins the launch, the launch as it is when the rule first approves an entry. It is
   * forgotten when no such rule approves the entry any more; an entry that is gone for a while keeps it.
   */
  pinLaunches(): void;
  inForce(): PolicyInForce;
  /** The time that decides: this computer's, and never behind the last that a server told. */
  now(): Date;
  /** What differs from what the record last said of the policy, the grants and every item; given these, they are not computed again. */
  changes(items?: { readonly tools: readonly Tool[]; readonly servers: readonly McpServer[] }): Changes;
  /** When the next grant ends or comes within a week of it; null where none will. */
  nextChange(): Date | null;
};

/** How long before a grant ends the employee is told. */
const NOTICE_MS = 7 * 86_400_000;

/** Of a tool with several accounts: what is said of the worst of them. */
function strictest(verdicts: readonly Verdict[]): Verdict | undefined {
  const rank = ({ status }: Verdict) => STRICTNESS.indexOf(status);
  return verdicts.reduce<Verdict | undefined>((worst, one) => (worst && rank(worst) >= rank(one) ? worst : one), undefined);
}

const UNKNOWN: SignedIn = { tier: null, account: 'unknown' };

export function createVerdicts(
  parts: Pick<AgentParts, 'clock' | 'catalog' | 'store' | 'policyFile' | 'settings'> & {
    readonly homes: Homes;
    readonly looks: Looks;
    readonly names: Telling['names'];
  },
): Verdicts {
  const { clock, catalog, store, looks } = parts;
  const source = parts.policyFile;
  const { show } = parts.homes;
  const current = () => source.current().policy;
  const grants = () => source.grants?.() ?? [];
  const now = () => new Date(Math.max(clock.now().getTime(), source.serverTime?.()?.getTime() ?? 0));
  /** What a server is called in a grant where the collector was only told a hash. */
  const hashedName = () => {
    if (!grants().some(({ mcp }) => mcp !== undefined && isHashed(mcp))) return () => null;
    const names = parts.names();
    return (server: StoredServer) => names.identity(server).hashed;
  };
  const name = (id: string) => catalog.entries.get(id)?.name ?? catalog.families.get(id)?.name ?? id;

  const names = new Map<string, Readonly<Record<string, string>>>();
  const tierNames = (family: string | null) => {
    const known = names.get(family ?? '');
    if (known) return known;
    const tiers = (family === null ? null : catalog.families.get(family)?.tiers) ?? [];
    const made = Object.fromEntries(tiers.map(({ id, name }) => [id, name]));
    names.set(family ?? '', made);
    return made;
  };

  const deciderOf = (policy: Policy | null, isAsked: (item: string) => boolean): Decider => {
    const at = now();
    const granted = grants();
    const toldAs = hashedName();
    return {
      tool: (tool, family, account) =>
        decide({ kind: 'tool', tool, family, ...(account ?? UNKNOWN), tierNames: tierNames(family) }, policy, granted, isAsked(tool), at),
      server(server, approved) {
        const { name, identity, url, publisher, command, args, risk } = server;
        const item: Item = { kind: 'mcp', name, identity, url, publisher, command, args, risk, approved, toldAs: toldAs(server) };
        return decide(item, policy, granted, isAsked(`mcp:${name}`), at);
      },
    };
  };
  const decider = (policy = current()) => {
    const open = new Set(store.requests().flatMap(({ item, state }) => (isOpen(state) ? [item] : [])));
    return deciderOf(policy, (item) => open.has(item));
  };

  /** The accounts of each tool, each with the verdict for its tier and for whose it is. */
  const accountsOf = (decides: Decider, policy: Policy | null): ((tool: string) => readonly Account[]) => {
    const byTool = Map.groupBy(store.accounts(), ({ tool }) => tool);
    const domains = policy?.organization?.accountDomains ?? [];
    return (tool) =>
      (byTool.get(tool) ?? []).map((fact): Account => {
        const { tier, organization, source, home } = fact;
        const account = accountKind(fact, domains);
        const verdict = decides.tool(tool, catalog.entries.get(tool)?.family ?? null, { tier, account });
        return { tier, organization, personal: account === 'unknown' ? null : account === 'personal', source, home, verdict };
      });
  };
  const grantsShown = (): GrantInForce[] => {
    const at = now().getTime();
    const toldAs = hashedName();
    const servers = new Map(store.servers().map((server) => [toldAs(server), `${server.identity.kind}:${show(server.identity.name)}`]));
    const called = (mcp: string) => servers.get(mcp) ?? mcp;
    return grants()
      .map(({ id, tool, mcp, status, expiresAt, reason }): GrantInForce => {
        const end = Date.parse(expiresAt);
        const standing = end <= at ? 'ended' : end - NOTICE_MS <= at ? 'ending' : 'current';
        const item = tool ?? `mcp:${mcp ?? ''}`;
        return { id, item, itemName: tool === undefined ? called(mcp ?? '') : name(tool), status, until: expiresAt, reason, standing };
      })
      .sort((a, b) => Date.parse(a.until) - Date.parse(b.until));
  };
  /** Made when it is first needed: most often nothing has changed. */
  const telling = () => {
    let told: ((id: string) => ReturnType<Standing['tell']>) | undefined;
    return (id: string) => {
      if (!told) {
        const names = parts.names(true);
        const servers = new Map(store.servers().map((server) => [server.id, server]));
        told = (one) => {
          const server = servers.get(one);
          if (!server) return { identity: 'unknown:', version: null, launchHash: '' };
          const { kind, name } = names.identity(server);
          const { version, launchHash } = server.identity;
          return { identity: `${kind}:${name}`, version, launchHash: names.server(server).launch(launchHash) };
        };
      }
      return told(id);
    };
  };
  const settingsFindings = () => {
    const byClient = Map.groupBy(store.settings(), ({ client }) => client);
    return (tool: string) => findingsOfSettings(byClient.get(tool) ?? []);
  };

  const verdicts: Verdicts = {
    decider,
    tools(policy = current()) {
      const decides = decider(policy);
      const accounts = accountsOf(decides, policy);
      const running = looks.running();
      return toTools({
        tools: store.tools(),
        evidence: store.evidence(),
        running: running.processes,
        containers: running.containers,
        entry: (id) => catalog.entries.get(id),
        family: (id) => catalog.families.get(id),
        accounts,
        verdict: (tool, family) => strictest(accounts(tool).map(({ verdict }) => verdict)) ?? decides.tool(tool, family, null),
        findings: settingsFindings(),
        addons: store.addons(),
        models: store.models(),
      });
    },
    servers(policy) {
      const servers = store.servers();
      const running = looks.runningServers(servers);
      const approved = store.approvedLaunches();
      const decides = decider(policy);
      const launch = ({ id }: StoredServer) => approved.get(id) ?? null;
      return toServers({
        servers,
        running: ({ id }) => running.has(id),
        verdict: (server) => decides.server(server, launch(server)),
        risk: (server) => {
          const before = launch(server);
          return before && before.launchHash !== server.identity.launchHash ? withChangedLaunch(server.risk) : server.risk;
        },
      });
    },
    pinLaunches() {
      const policy = current();
      // A policy that is missing or broken for a moment has taken nothing back; forgetting here would approve the change with its return.
      if (policy === null) return;
      const before = store.approvedLaunches();
      const decides = deciderOf(policy, () => false);
      const changes = new Map<string, ApprovedLaunch | null>();
      for (const server of store.servers()) {
        if (!server.present) continue;
        const said = decides.server(server, null);
        const rule = isPinned(said, policy) ? said.rule : null;
        const had = before.get(server.id);
        if (rule !== null && had?.rule !== rule) {
          changes.set(server.id, { rule, launchHash: server.identity.launchHash, started: startedBy(server) });
        } else if (rule === null && had) changes.set(server.id, null);
      }
      if (changes.size > 0) store.approveLaunches(changes, clock.now());
    },
    inForce() {
      const shown = grantsShown();
      const trust = source.trust?.() ?? null;
      const asked = current()?.acknowledge;
      const acknowledgedAt = asked ? (store.evidenceRows.acknowledged().get(asked.version) ?? null) : null;
      return {
        ...inForce(source.current(), { built: BUILT_ACTIONS, allowed: new Set(parts.settings.allowActions) }, name, show),
        ...(shown.length > 0 ? { grants: shown } : {}),
        ...(trust ? { trust: shownTrust(trust) } : {}),
        ...(asked ? { acknowledge: { version: asked.version, required: asked.required, acknowledgedAt } } : {}),
      };
    },
    now,
    changes: (items = { tools: verdicts.tools(), servers: verdicts.servers() }) =>
      changesSince(store.evidenceRows.lastKnown(), {
        ...items,
        tell: telling(),
        policy: current(),
        grants: grants(),
        now: now(),
      }),
    nextChange() {
      const at = now().getTime();
      const times = grants().flatMap(({ expiresAt }) => [Date.parse(expiresAt) - NOTICE_MS, Date.parse(expiresAt)]);
      const next = Math.min(...times.filter((time) => time > at));
      return Number.isFinite(next) ? new Date(next) : null;
    },
  };
  return verdicts;
}
