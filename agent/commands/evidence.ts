/** `muster evidence`: the record of what was decided and done; each verb is one file under `evidence/`, loaded when named. */
import type { Group } from './command.ts';

export const command: Group = {
  about:
    'Usage: muster evidence VERB\n\nEvery change of a verdict, a request, a grant or the policy is one row of a record that nobody can quietly edit.',
  verbs: {
    verify: { summary: 'check the chain of rows against its signed head', load: () => import('./evidence/verify.ts') },
    export: { summary: 'write the rows as CSV or JSON lines', load: () => import('./evidence/export.ts') },
  },
};
