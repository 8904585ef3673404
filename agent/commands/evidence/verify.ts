/** `muster evidence verify`: whether the record is whole, with the row of everything that is not. */
import { type Verified, verifyChain } from '../../evidence/chain.ts';
import { type Command, EXIT, option, takesNoWords, UsageError } from '../command.ts';
import { withStoredRecord } from './stored-record.ts';

export const command: Command = {
  usage: [
    'Usage: muster evidence verify [--head HASH]',
    '',
    'Checks each row’s hash, their order, what retention dropped, and the head that this device signed. Exit code 5 when something is not as it was written.',
    '',
    '  --head HASH   a hash that somebody outside has seen, as the collector has; it must be in the chain',
  ].join('\n'),
  options: { head: { type: 'string' } },
  async run(invocation) {
    takesNoWords('evidence verify', invocation);
    const acknowledged = option(invocation, 'head')?.toLowerCase() ?? null;
    if (acknowledged !== null && !/^[0-9a-f]{64}$/.test(acknowledged)) {
      throw new UsageError('--head takes a hash of 64 hexadecimal digits, as “muster evidence verify” prints one.');
    }
    const verified = await withStoredRecord(invocation, ({ rows, head, key }) => {
      if (!key && !head.found && isEmpty(rows())) return verifyChain([], head, () => true, acknowledged);
      return verifyChain(rows(), head, key && ((bytes, signature) => key.verify(bytes, signature)), acknowledged);
    });
    invocation.answer({ schema: 'muster.evidence-verify/1', ...verified }, () => told(verified));
    return verified.ok ? EXIT.done : EXIT.no;
  },
};

/** Nothing was ever started here. */
function isEmpty(rows: Iterable<unknown>): boolean {
  for (const _ of rows) return false;
  return true;
}

function told({ ok, count, rows, head, dropped, findings }: Verified): string {
  const lines = findings.map(({ message }) => message);
  if (dropped) {
    const { through, byAge, bySize } = dropped;
    lines.push(
      `Retention dropped rows 1 to ${through}, ${byAge} for their age and ${bySize} for the record’s size; a signed checkpoint stands for them.`,
    );
  }
  if (!ok) lines.push('The record is not as it was written.');
  else if (head === null) lines.push('Nothing has been recorded yet.');
  else lines.push(`The record is whole: ${rows} of ${count} rows are here, and its head is ${head}.`);
  return lines.join('\n');
}
