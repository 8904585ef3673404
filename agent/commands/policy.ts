/** `muster policy`: the document that says what may be used; each verb is one file under `policy/`, loaded when named. */
import type { Group } from './command.ts';

export const command: Group = {
  about:
    'Usage: muster policy VERB\n\nThe policy says what may be used, and for which data. One document holds the rules and the words that explain them.',
  verbs: {
    check: { summary: 'say whether a policy file holds, and what backs each of its clauses', load: () => import('./policy/check.ts') },
  },
};
