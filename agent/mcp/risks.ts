/** What can be risky about a server entry: all rules in one table, and what they find together. Pure; each file in `risks/` holds the rules of one matter. */
import type { Risk } from '../../electron/contract.ts';
import type { Publishers } from '../../native-catalog/schema.ts';
import { accessRules } from './risks/access.ts';
import { containerRules } from './risks/containers.ts';
import { fileRules } from './risks/file.ts';
import { launchRules } from './risks/launch.ts';
import { networkRules } from './risks/network.ts';
import { changedSinceApproved, originRules } from './risks/origin.ts';
import type { Assessed, Rule } from './risks/rule.ts';
import { riskOf } from './score.ts';

export const rules: readonly Rule[] = [...launchRules, ...containerRules, ...accessRules, ...networkRules, ...originRules, ...fileRules];

/** For whoever has no catalog at hand: no publisher is known, and the rules that compare with known ones stay silent. */
const nobodyKnown: Publishers = {
  sources: [],
  packages: { npm: [], pypi: [], oci: [], go: [] },
  publishers: [],
  apis: [],
  indexes: [],
};

/** Everything that the table says about a server, worst first. */
export function assess(server: Assessed, known: Publishers = nobodyKnown): Risk {
  return riskOf(
    rules.flatMap(({ id, title, severity, test, advice, refs }) => {
      const found = test(server, known);
      return found === null ? [] : [{ id, severity, message: found === '' ? `${title}.` : `${title}: ${found}.`, advice, refs }];
    }),
  );
}

/** The same, and that what would run is not what was approved: that is known when a policy is at hand, not when the file is read. */
export function withChangedLaunch({ findings }: Risk): Risk {
  const { id, severity, title, advice, refs } = changedSinceApproved;
  return riskOf([...findings, { id, severity, message: `${title}.`, advice, refs }]);
}
