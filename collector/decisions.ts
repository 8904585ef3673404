/** A person's answer to a request: who may give it, what it grants to whom, and what waits for a policy. */

import { randomUUID } from 'node:crypto';
import type { Catalog } from '../native-catalog/catalog.ts';
import type { Fleet, FleetSimulation } from './fleet.ts';
import type { GrantKeeper } from './grants.ts';
import { isSame, type Policies, withRule } from './policies.ts';
import { Problem } from './problem.ts';
import type { Caller } from './routes/admin/access.ts';
import { type AskedOf, findRequest } from './store/admin-requests.ts';
import { audit } from './store/audit.ts';
import type { Db, Trx } from './store/devices.ts';
import { reconcileGrants } from './store/grants.ts';
import { groupExists } from './store/groups.ts';
import { keepSimulation, makeDraft } from './store/policies.ts';
import { type NewDecision, recordDecision } from './store/requests.ts';
import { readSettings } from './store/settings.ts';

export type Scope = { readonly kind: 'device' | 'person' | 'everyone' } | { readonly kind: 'group'; readonly group: string };

export type Answer = {
  readonly answer: 'approve' | 'deny' | 'ask';
  /** What the employee reads. */
  readonly reason: string;
  readonly scope: Scope;
  /** Null: the tier that was asked for, or any where none was. */
  readonly tiers: readonly string[] | null;
  readonly dataClasses: readonly string[] | null;
  /** Null: as the settings say. */
  readonly until: Date | null;
  readonly dueAt: Date | null;
};

export type Decided =
  | { readonly kind: 'decided'; readonly decision: string; readonly devices: number }
  /** Nothing is decided before somebody publishes the draft. */
  | { readonly kind: 'proposed'; readonly draft: string; readonly simulation: FleetSimulation };

export type Decisions = {
  /** Throws the problems that `problem.ts` has for it; `version` is of the request as it was read. */
  decide(caller: Caller, request: string, version: number, answer: Answer): Promise<Decided>;
};

const MOST_DAYS = 730;
const DAY_MS = 86_400_000;
const STATE = { approve: 'approved', deny: 'denied', ask: 'needs-info' } as const;

export type DecisionsParts = {
  readonly db: Db;
  readonly catalog: Catalog;
  readonly policies: Policies;
  readonly fleet: Fleet;
  readonly grants: GrantKeeper;
  readonly now: () => Date;
};

/** Throws the problem that says why not. */
export function mayDecide(caller: Pick<Caller, 'role' | 'person'>, { person }: Pick<AskedOf, 'person'>): void {
  if (isSame(caller.person, person)) throw new Problem('own-request');
  if (caller.role === 'owner') return;
  if (caller.person === null) throw new Problem('nobody-decides');
  if (person === null) throw new Problem('owner-decides');
}

export function createDecisions({ db, catalog, policies, fleet, grants, now }: DecisionsParts): Decisions {
  async function knownChoices(request: AskedOf, { tiers, dataClasses }: Answer): Promise<void> {
    const families = catalog.families;
    const known = (families.get(catalog.entries.get(request.item)?.family ?? request.item)?.tiers ?? []).map(({ id }) => id);
    const strange = tiers?.find((tier) => !known.includes(tier));
    if (strange !== undefined)
      throw new Problem('not-a-choice', {
        detail: known.length > 0 ? `The tiers are ${known.join(', ')}.` : 'The catalog knows no tiers of it.',
      });
    const classes = ((await policies.current()).policy?.dataClasses ?? []).map(({ id }) => id);
    if (dataClasses?.some((id) => !classes.includes(id)))
      throw new Problem('not-a-choice', {
        detail: classes.length > 0 ? `The data classes are ${classes.join(', ')}.` : 'The policy has no data classes.',
      });
  }

  async function endOf({ until }: Answer): Promise<Date> {
    const at = now().getTime();
    const end = until ?? new Date(at + (await readSettings(db)).grantDays * DAY_MS);
    if (end.getTime() <= at || end.getTime() > at + MOST_DAYS * DAY_MS) throw new Problem('wrong-end');
    return end;
  }

  async function scopeText(trx: Trx, request: AskedOf, scope: Scope): Promise<string> {
    if (scope.kind === 'group') {
      if (!(await groupExists(trx, scope.group))) throw new Problem('no-such-group');
      return `group:${scope.group}`;
    }
    if (scope.kind !== 'person') return 'device';
    if (request.person === null) throw new Problem('no-person');
    return `person:${request.person.trim().toLowerCase()}`;
  }

  async function propose(
    caller: Caller,
    request: AskedOf,
    version: number,
    answer: Answer,
    tiers: readonly string[] | null,
  ): Promise<Decided> {
    const text = withRule((await policies.current()).text, request, {
      ...{ tiers, dataClasses: answer.dataClasses, reviewBy: answer.until === null ? null : await endOf(answer) },
    });
    if (text === null) throw new Problem('no-identity');
    const { policy, issues } = policies.check(text);
    if (!policy) throw new Problem('policy-invalid', { detail: issues.slice(0, 3).join(' ') });
    const proposal = {
      ...{ device: request.device, request: request.id, version, reason: answer.reason, proposedBy: caller.actor },
      tiers: tiers ? [...tiers] : null,
      dataClasses: answer.dataClasses ? [...answer.dataClasses] : null,
    };
    const draft = await makeDraft(
      db,
      { title: `Approve ${request.item} for everyone`.slice(0, 200), text, by: caller.actor, decides: proposal },
      now(),
    );
    const simulation = await fleet.simulate(policy);
    await keepSimulation(db, draft, 1, simulation, simulation.against, now());
    await audit(db, {
      at: now(),
      actor: caller.actor,
      action: 'request.proposed',
      device: request.device,
      subject: request.id,
      detail: { draft },
    });
    return { kind: 'proposed', draft, simulation };
  }

  return {
    async decide(caller, id, version, answer) {
      const request = await findRequest(db, id);
      if (!request) throw new Problem('changed-meanwhile', { detail: 'The request is no longer there.' });
      mayDecide(caller, request);
      if (request.version !== version) throw new Problem('changed-meanwhile');
      if (request.state !== 'open' && request.state !== 'needs-info') throw new Problem('already-decided');
      await knownChoices(request, answer);
      if (answer.dueAt !== null && answer.dueAt <= now()) throw new Problem('wrong-end');
      const approves = answer.answer === 'approve';
      const server = request.item.startsWith('mcp:');
      const tiers = server ? null : (answer.tiers ?? (request.tier === null ? null : [request.tier]));
      if (approves && server && request.identity === null) throw new Problem('no-identity');
      if (approves && answer.scope.kind === 'everyone') return propose(caller, request, version, answer, tiers);
      const until = approves ? await endOf(answer) : null;
      const at = now();

      const decided = await db.transaction().execute(async (trx): Promise<Decided> => {
        const scope = approves ? await scopeText(trx, request, answer.scope) : 'device';
        const decision: NewDecision = {
          ...{ id: randomUUID(), device: request.device, request: id, state: STATE[answer.answer] },
          ...{ scope, reason: answer.reason, until, at, decidedBy: caller.actor },
          ...(approves && tiers ? { tiers } : {}),
          ...(approves && answer.dataClasses ? { dataClasses: answer.dataClasses } : {}),
          ...(answer.dueAt === null ? {} : { dueAt: answer.dueAt }),
        };
        if (!(await recordDecision(trx, decision, version))) throw new Problem('changed-meanwhile');
        const devices = approves ? await reconcileGrants(trx, { decision: decision.id }, at) : 0;
        const detail = {
          decision: decision.id,
          scope: scope.split(':')[0],
          devices,
          ...(until === null ? {} : { until: until.toISOString() }),
        };
        await audit(trx, { at, actor: caller.actor, action: `request.${decision.state}`, device: request.device, subject: id, detail });
        return { kind: 'decided', decision: decision.id, devices };
      });
      if (approves) {
        fleet.forget();
        // Small ones are signed before the answer; a thousand devices' lists follow by themselves.
        await grants.hurry();
      }
      return decided;
    },
  };
}
