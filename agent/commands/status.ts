/** `muster status`: the inventory as stored, with verdicts; it observes and creates nothing. */
import { storedInventory } from '../session.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { inventoryText } from './inventory-text.ts';

export const command: Command = {
  usage: 'Usage: muster status\n\nPrints the inventory as it was stored last. Looks at nothing, creates nothing.',
  options: {},
  async run(invocation) {
    if (invocation.positionals.length > 0)
      throw new UsageError(`“status” takes no ${invocation.positionals[0]}; “muster status --help” lists its options.`);
    const { inventory, at } = await storedInventory(invocation);
    invocation.print(invocation.json ? JSON.stringify(inventory) : inventoryText(inventory, at));
    return EXIT.done;
  },
};
