/** The policy in force and the way to the next one: a draft that was checked, simulated over the fleet, signed by the signer, and published. */

import { BUILT_ACTIONS } from '../agent/policy/backing.ts';
import { type Catalogued, checkPolicy, type PolicyCheck } from '../agent/policy/check.ts';
import { type Policy, parsePolicy } from '../agent/policy/policy.ts';
import { readSource } from '../agent/policy/source.ts';
import type { Catalog } from '../native-catalog/catalog.ts';
import { Problem } from './problem.ts';
import { type Signed, type Signer, SignerError } from './signer/protocol.ts';
import { findDevice } from './store/admin-devices.ts';
import { audit } from './store/audit.ts';
import type { Db } from './store/devices.ts';
import { lockDraft, newestPolicy, putPolicy, removeDraft } from './store/policies.ts';
import { recordDecision } from './store/requests.ts';
import { lockTenant } from './store/tenant.ts';

export type Current = {
  readonly rev: number;
  readonly policy: Policy | null;
  readonly text: string | null;
  readonly publishedAt: Date | null;
};

export type Policies = {
  /** The one that was published last; `rev` 0 and nothing where none was. */
  current(): Promise<Current>;
  check(text: string): PolicyCheck;
  /** Throws the problems `not-found`, `changed-meanwhile`, `not-simulated`, `policy-invalid` and `no-signer`. */
  publish(draft: string, version: number, by: { readonly actor: string; readonly person: string | null }): Promise<Signed>;
};

/** What the policy's checks ask the catalog. */
function catalogued({ entries, families }: Pick<Catalog, 'entries' | 'families'>): Catalogued {
  const family = (id: string) => families.get(entries.get(id)?.family ?? id);
  return {
    tool: (id) => entries.has(id) || families.has(id),
    tiers: (id) => family(id)?.tiers.map((tier) => tier.id) ?? null,
    ids: [...entries.keys(), ...families.keys()],
    trains: (id) => family(id)?.tiers ?? [],
  };
}

/** Which actions managed settings allow is each device's own; the check speaks for those that allow all. */
const MEANS = { built: BUILT_ACTIONS, allowed: BUILT_ACTIONS };

export type PoliciesParts = {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly signer: Signer | null;
  readonly now: () => Date;
  /** After a publication here. */
  readonly published: () => void;
};

export function createPolicies({ db, catalog, signer, now, published }: PoliciesParts): Policies {
  const known = catalogued(catalog);
  let parsed: { hash: string; policy: Policy | null } | null = null;

  return {
    async current() {
      const row = await newestPolicy(db);
      if (!row) return { rev: 0, policy: null, text: null, publishedAt: null };
      if (parsed?.hash !== row.hash) {
        const read = parsePolicy(row.text);
        parsed = { hash: row.hash, policy: read.ok ? read.policy : null };
      }
      return { rev: row.rev, policy: parsed.policy, text: row.text, publishedAt: row.publishedAt };
    },
    check: (text) => checkPolicy(text, known, MEANS, now()),
    async publish(id, version, by) {
      const result = await db.transaction().execute(async (trx) => {
        // One publication after the other: the second must see what the first has changed.
        await lockTenant(trx);
        // Held while it is signed, so that nobody changes or publishes it meanwhile.
        const draft = await lockDraft(trx, id);
        if (!draft) throw new Problem('changed-meanwhile', { detail: 'The draft is no longer there.' });
        if (draft.version !== version) throw new Problem('changed-meanwhile');
        const before = await newestPolicy(trx);
        if (draft.simulated_version !== draft.version) throw new Problem('not-simulated');
        if (draft.simulated_rev !== (before?.rev ?? 0))
          throw new Problem('not-simulated', { detail: 'Another policy was published since.' });
        const { ok, policy, issues } = checkPolicy(draft.text, known, MEANS, now());
        if (!ok || !policy) throw new Problem('policy-invalid', { detail: issues.slice(0, 5).join(' ') });
        const signed = await signedBy(signer, (one) => one.policy(draft.text, before?.rev ?? 0));
        const at = now();
        await putPolicy(trx, { ...signed, publishedBy: by.actor, publishedAt: at });
        await audit(trx, {
          at,
          actor: by.actor,
          action: 'policy.published',
          subject: `${signed.rev}`,
          detail: { keySet: signed.keySetRev, rev: signed.rev, hash: signed.hash, draft: id, draftedBy: draft.created_by },
        });
        const { decides } = draft;
        if (decides && !approves(policy, decides.request)) {
          const about = { device: decides.device, subject: decides.request, detail: { rev: signed.rev } };
          await audit(trx, { at, actor: by.actor, action: 'request.left-open', ...about });
        } else if (decides) {
          const device = await findDevice(trx, decides.device);
          if (isSame(device?.person ?? null, by.person)) throw new Problem('own-request');
          const taken = await recordDecision(
            trx,
            {
              id: crypto.randomUUID(),
              device: decides.device,
              request: decides.request,
              state: 'approved',
              scope: 'everyone',
              reason: decides.reason,
              ...(decides.tiers ? { tiers: decides.tiers } : {}),
              ...(decides.dataClasses ? { dataClasses: decides.dataClasses } : {}),
              until: null,
              at,
              decidedBy: by.actor,
            },
            decides.version,
          );
          // The policy counts all the same; whoever asked has withdrawn it meanwhile or was answered otherwise.
          const action = taken ? 'request.approved' : 'request.was-changed';
          await audit(trx, {
            at,
            actor: by.actor,
            action,
            device: decides.device,
            subject: decides.request,
            detail: { scope: 'everyone', rev: signed.rev, proposedBy: decides.proposedBy },
          });
        }
        await removeDraft(trx, id, version);
        return signed;
      });
      published();
      return result;
    },
  };
}

/** Throws the problem `no-signer` or `policy-invalid` with what the signer said. */
async function signedBy<T>(signer: Signer | null, work: (signer: Signer) => Promise<T>): Promise<T> {
  if (!signer) throw new Problem('no-signer', { detail: 'This collector was started without a signer.', retryAfter: 30 });
  try {
    return await work(signer);
  } catch (error) {
    if (!(error instanceof SignerError)) throw error;
    throw error.code === 'not-understood'
      ? new Problem('policy-invalid', { detail: error.message })
      : new Problem('no-signer', { detail: error.message, retryAfter: 30 });
  }
}

/** Addresses of people, in whatever case. */
export function isSame(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a.trim().toLowerCase() === b.trim().toLowerCase();
}

const ruleOf = (request: string) => `request-${request.slice(0, 8)}`;

/** Whether the rule that `withRule` added for the request still approves: somebody may have edited the draft since. */
function approves({ tools, mcp }: Policy, request: string): boolean {
  return [...tools, ...mcp.rules].some(({ id, status }) => id === ruleOf(request) && (status === 'approved' || status === 'conditional'));
}

/**
 * `text` with one more rule that approves what was asked for; rules about the very same go, for of two the stricter would count. Null where a policy
 * can't name it.
 */
export function withRule(
  text: string | null,
  request: { readonly id: string; readonly item: string; readonly identity: string | null },
  more: { readonly tiers: readonly string[] | null; readonly dataClasses: readonly string[] | null; readonly reviewBy: Date | null },
): string | null {
  const source = text === null ? null : readSource(text);
  const raw = (source && !('issues' in source) ? source.raw : { schema: 'muster.policy/1', rev: 0 }) as Record<string, unknown>;
  const { issuedAt: _, expiresAt: __, audience: ___, ...policy } = raw;
  const about = {
    ...(more.dataClasses ? { dataClasses: more.dataClasses } : {}),
    ...(more.reviewBy ? { reviewBy: more.reviewBy.toISOString().slice(0, 10) } : {}),
  };
  const said = { id: ruleOf(request.id), status: 'approved', ...about, note: `Asked for in request ${request.id}.` };
  const rev = Number(policy['rev'] ?? 0) + 1;
  if (!request.item.startsWith('mcp:')) {
    const rules = (policy['tools'] ?? []) as { tool?: string; tiers?: string[]; account?: string }[];
    const same = (rule: (typeof rules)[number]) =>
      rule.tool === request.item &&
      rule.account === undefined &&
      `${[...(rule.tiers ?? [])].sort()}` === `${[...(more.tiers ?? [])].sort()}`;
    const rule = { ...said, tool: request.item, ...(more.tiers ? { tiers: more.tiers } : {}) };
    return JSON.stringify({ ...policy, rev, tools: [...rules.filter((one) => !same(one)), rule] }, null, 2);
  }
  const found = /^(npm|pypi|oci|go|remote):(.+)$/s.exec(request.identity ?? '');
  if (!found?.[1] || !found[2]) return null;
  const match = found[1] === 'remote' ? { url: found[2] } : { [found[1]]: found[2] };
  const mcp = (policy['mcp'] ?? {}) as { rules?: { match?: unknown }[] };
  const rules = (mcp.rules ?? []).filter((rule) => JSON.stringify(rule.match) !== JSON.stringify(match));
  return JSON.stringify({ ...policy, rev, mcp: { ...mcp, rules: [...rules, { ...said, match }] } }, null, 2);
}
