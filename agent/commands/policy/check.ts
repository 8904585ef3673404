/** `muster policy check`: whether a policy file holds, with the line, the field and the remedy of everything that does not. */
import { parsePolicy } from '../../policy/policy.ts';
import { knownTools, loadCatalog } from '../../session.ts';
import { type Command, EXIT } from '../command.ts';
import { namedFile } from './named-file.ts';

export const command: Command = {
  usage: 'Usage: muster policy check FILE\n\nSays whether the policy holds. Exit code 5 when it would be refused.',
  options: {},
  async run(invocation) {
    const { file, text } = namedFile('check', invocation);
    const parsed = parsePolicy(text, knownTools(loadCatalog()));
    const issues = parsed.ok ? [] : parsed.issues;
    const warnings = parsed.ok ? parsed.warnings : [];
    invocation.answer({ schema: 'muster.policy-check/1', file, ok: parsed.ok, issues, warnings }, () =>
      [...issues, ...warnings, parsed.ok ? 'The policy holds.' : 'The policy would be refused.'].join('\n'),
    );
    return parsed.ok ? EXIT.done : EXIT.no;
  },
};
