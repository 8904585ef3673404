/** `muster policy schema`: the form of a policy as a JSON Schema, for editors that complete and check while one types. */
import { z } from 'zod';
import { Policy } from '../../policy/policy.ts';
import { type Command, EXIT, takesNoWords } from '../command.ts';

/** What a schema can't say (references, names of the catalog, what a rule may combine) is said by `policy check`. */
export function policySchema(): unknown {
  return { title: 'Muster policy', ...z.toJSONSchema(Policy, { io: 'input' }) };
}

export const command: Command = {
  usage:
    'Usage: muster policy schema\n\nPrints the form of a policy as a JSON Schema, for editors: name the saved file in the policy’s “$schema”.',
  options: {},
  async run(invocation) {
    takesNoWords('policy schema', invocation);
    const schema = policySchema();
    invocation.answer(schema, () => JSON.stringify(schema, null, 2));
    return EXIT.done;
  },
};
