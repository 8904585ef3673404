/** `muster policy`: the document that says what may be used; each verb is one file under `policy/`, loaded when named. */
import type { Group } from './command.ts';

export const command: Group = {
  about:
    'Usage: muster policy VERB\n\nThe policy says what may be used, and for which data. One document holds the rules and the words that explain them.',
  verbs: {
    show: { summary: 'print the policy in force, and how far it is proven', load: () => import('./policy/show.ts') },
    check: { summary: 'say whether a policy file holds, and what backs each of its clauses', load: () => import('./policy/check.ts') },
    simulate: { summary: 'say what a policy file would change on this computer', load: () => import('./policy/simulate.ts') },
    draft: { summary: 'print a first policy from what was seen here', load: () => import('./policy/draft.ts') },
    acknowledge: { summary: 'record that you have read the policy in force', load: () => import('./policy/acknowledge.ts') },
    keygen: { summary: 'make a pair of keys for signing', load: () => import('./policy/keygen.ts') },
    sign: { summary: 'sign a policy, a key set or grants', load: () => import('./policy/sign.ts') },
    verify: { summary: 'say whether a signed document holds', load: () => import('./policy/verify.ts') },
    schema: { summary: 'print the form of a policy for editors, as a JSON Schema', load: () => import('./policy/schema.ts') },
  },
};
