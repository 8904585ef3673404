/** What the policy says of an item that a device sent, by the agent's own `decide`: so a publication changes every verdict and moves no inventory. Pure. */
import { accountKind } from '../agent/policy/account-kind.ts';
import { type Item as Decided, decide, type Grant, STRICTNESS } from '../agent/policy/decide.ts';
import type { Policy } from '../agent/policy/policy.ts';
import type { Item } from '../agent/wire.ts';
import type { Verdict, VerdictStatus } from '../electron/contract.ts';
import type { Catalog } from '../native-catalog/catalog.ts';

type Without<T> = T extends unknown ? Omit<T, 'firstSeen'> : never;
/** An item as it is stored for all devices that have it alike. */
export type Body = Without<Item>;
export type ToolBody = Extract<Body, { kind: 'tool' }>;
export type ServerBody = Extract<Body, { kind: 'mcp' }>;

export type Given = {
  readonly policy: Policy | null;
  /** Of the device that has the item. */
  readonly grants: readonly Grant[];
  /** Whether a request for the item is open on that device. */
  readonly open: boolean;
  readonly now: Date;
};

export type Verdicts = {
  /** Of a tool: what is said of the worst of its accounts. */
  of(body: Body, given: Given): Verdict;
  /** What `decide` was asked: one item of a server, one for each account of a tool. */
  asked(body: Body, policy: Policy | null): Decided[];
};

export function createVerdicts({ entries, families }: Pick<Catalog, 'entries' | 'families'>): Verdicts {
  const tierNames = (family: string | null) =>
    Object.fromEntries(((family === null ? null : families.get(family)?.tiers) ?? []).map(({ id, name }) => [id, name]));

  const asked: Verdicts['asked'] = (body, policy) => {
    if (body.kind === 'mcp') {
      const { name, identity, url, publisher, command, args, approved } = body;
      // `decide` looks at a risk's level alone; the sentences of its findings stay on the device.
      const risk = { score: body.risk.score, level: body.risk.level, findings: [] };
      return [{ kind: 'mcp', name, identity, url, publisher, command, args, risk, approved }];
    }
    const family = entries.get(body.tool)?.family ?? null;
    const tool = { kind: 'tool' as const, tool: body.tool, family, tierNames: tierNames(family) };
    if (body.accounts.length === 0) return [{ ...tool, tier: null, account: 'unknown' }];
    const domains = policy?.organization?.accountDomains ?? [];
    return body.accounts.map((account) => ({ ...tool, tier: account.tier, account: accountKind(account, domains) }));
  };

  return {
    asked,
    of(body, { policy, grants, open, now }) {
      const verdicts = asked(body, policy).map((item) => decide(item, policy, grants, open, now));
      return verdicts.reduce((worst, one) => (rank(one) > rank(worst) ? one : worst));
    },
  };
}

function rank({ status }: { readonly status: VerdictStatus }): number {
  return STRICTNESS.indexOf(status);
}
