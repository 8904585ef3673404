/** `muster status`: the inventory as stored, with verdicts; it observes and creates nothing. */
import { storedInventory } from '../session.ts';
import { type Command, EXIT, takesNoWords } from './command.ts';
import { inventoryText } from './inventory-text.ts';

export const command: Command = {
  usage: 'Usage: muster status\n\nPrints the inventory as it was stored last. Looks at nothing, creates nothing.',
  options: {},
  async run(invocation) {
    takesNoWords('status', invocation);
    const { inventory, at } = await storedInventory(invocation);
    invocation.answer(inventory, () => inventoryText(inventory, at));
    return EXIT.done;
  },
};
