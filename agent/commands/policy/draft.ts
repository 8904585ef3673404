/** `muster policy draft`: a first policy from what was seen, for somebody to decide; it is written nowhere but to where it is asked for. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { countWord } from '../../../electron/attention.ts';
import { refuseOthers } from '../../data-folder.ts';
import { type Draft, draftPolicy, type Seen } from '../../policy/draft/draft.ts';
import { writeDraft } from '../../policy/draft/write.ts';
import { dataDirOf, withStored } from '../../session.ts';
import { type Command, EXIT, type Invocation, option, takesNoWords, UsageError } from '../command.ts';
import { countedDays } from './counted-days.ts';

/** What the monitor phase saw; null where nothing was looked at yet. */
async function seenOn(invocation: Invocation, now: Date): Promise<Seen | null> {
  const dataDir = dataDirOf(invocation);
  refuseOthers(dataDir, invocation.os);
  return withStored(invocation, ({ agent, store }): Seen | null => {
    const { tools, mcpServers, look } = agent.snapshot();
    if (look.at === null) return null;
    const used = store.usage(countedDays(now).since).flatMap(({ tool, runS, frontS }) => (runS > 0 || frontS > 0 ? [tool] : []));
    return { tools, mcpServers, used: new Set(used) };
  });
}

function counts({ policy }: Draft): string {
  const tools = policy.tools?.length ?? 0;
  // One rule is about the risk of every server.
  const servers = Math.max(0, (policy.mcp?.rules?.length ?? 0) - 1);
  return `${countWord(tools)} ${tools === 1 ? 'tool' : 'tools'} and ${countWord(servers)} MCP ${servers === 1 ? 'server' : 'servers'}`;
}

function head(draft: Draft, seen: Seen | null, { version }: Invocation, today: string): string[] {
  const from = seen === null ? 'with nothing seen yet' : `from ${counts(draft)} seen on one computer`;
  return [
    `A first policy, drafted by Muster ${version} on ${today}, ${from}. Nothing here is decided: every status is a proposal.`,
    'Put your organization’s name, decide rule by rule, then let “muster policy check FILE” and “muster policy simulate FILE” read it.',
  ];
}

function save(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${file} is there already; name another file, or remove it first.`);
    throw new UsageError(`${file} can’t be written (${code}); name a file in a folder of yours.`);
  }
}

export const command: Command = {
  usage: [
    'Usage: muster policy draft [--out FILE] [--starter]',
    '',
    'Prints a first policy from what was recorded here: the tools and MCP servers as proposals, and the starter’s clauses, in the mode that only',
    'records. Looks at nothing and changes nothing.',
    '',
    '  --out FILE   write it to FILE, which must not be there yet',
    '  --starter    the starter alone, without what was seen',
  ].join('\n'),
  options: { out: { type: 'string' }, starter: { type: 'boolean' } },
  async run(invocation) {
    takesNoWords('policy draft', invocation);
    const now = new Date();
    const today = now.toISOString().slice(0, 10);
    const seen = invocation.values['starter'] === true ? null : await seenOn(invocation, now);
    const draft = draftPolicy(seen, today);
    const text = writeDraft(draft, head(draft, seen, invocation, today));
    const out = option(invocation, 'out');
    if (out === null) {
      invocation.answer(draft.policy, () => text);
      return EXIT.done;
    }
    const file = path.resolve(out);
    save(file, text);
    const { tools = [], mcp } = draft.policy;
    const answer = { schema: 'muster.policy-draft/1', file, tools: tools.length, rules: mcp?.rules?.length ?? 0, leftOut: draft.leftOut };
    const about = seen === null ? 'Nothing was looked at yet, so it is the starter alone' : `It proposes ${counts(draft)}`;
    invocation.answer(answer, () => `Wrote ${file}. ${about}; “muster policy check ${out}” says what is left to do.`);
    return EXIT.done;
  },
};
