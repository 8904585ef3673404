/** What the routes of the admin API work with, put together once. */
import type { Catalog } from '../../../native-catalog/catalog.ts';
import type { Context } from '../../app.ts';
import { createDecisions, type Decisions } from '../../decisions.ts';
import { createFleet, type Fleet } from '../../fleet.ts';
import { type GrantKeeper, keepGrants } from '../../grants.ts';
import { createPolicies, type Policies } from '../../policies.ts';
import { createVerdicts, type Verdicts } from '../../verdicts.ts';

export type AdminParts = Pick<Context, 'db' | 'now' | 'log' | 'signer' | 'trust' | 'deviceKeys'> & {
  readonly catalog: Catalog;
  readonly verdicts: Verdicts;
  readonly policies: Policies;
  readonly fleet: Fleet;
  readonly grants: GrantKeeper;
  readonly decisions: Decisions;
};

export function adminParts(context: Context, catalog: Catalog): AdminParts {
  const { db, now, log, signer, trust, deviceKeys } = context;
  const verdicts = createVerdicts(catalog);
  const published = () => {
    trust.forget();
    fleet.forget();
  };
  const policies = createPolicies({ db, catalog, signer, now, published });
  const fleet = createFleet({ db, catalog, verdicts, policy: policies.current, now });
  const grants = keepGrants(db, signer, now, log);
  const decisions = createDecisions({ db, catalog, policies, fleet, grants, now });
  return { db, now, log, signer, trust, deviceKeys, catalog, verdicts, policies, fleet, grants, decisions };
}
