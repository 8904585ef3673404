/** One thing that needs the employee: a tool, or several of one status, with one step to take. */
import type { Tool } from '../../electron/contract.ts';
import { toolLink } from '../route.ts';
import { type Askable, useMuster } from '../use-muster.ts';
import { type Need, namesText } from '../words/list.ts';
import { plain } from '../words/plain.ts';
import { glyph, word } from '../words/status.ts';
import { Glyph } from './icon.tsx';
import { Outside } from './outside.tsx';

export function askable(tool: Tool): Askable {
  return { item: tool.id, name: tool.name, tiers: tool.tiers, tier: tool.accounts.find(({ tier }) => tier !== null)?.tier ?? null };
}

function sentence({ status, tools }: Need, organization: string | null, hasPolicy: boolean): string {
  const [first] = tools;
  if (tools.length === 1 && first) return first.verdict.reason;
  if (status === 'tier-unknown') return 'Approved on some plans only, and the plan you have can’t be read. Say which one when you ask.';
  if (!hasPolicy) return 'There is no policy on this computer yet, so nobody has looked at these.';
  return `Nobody at ${organization ?? 'your organization'} has looked at these yet.`;
}

export function NeedCard({ need, primary }: { need: Need; primary: boolean }) {
  const { snapshot, now, ask } = useMuster();
  const { status, tools } = need;
  const [first] = tools;
  if (!first) return null;
  const button = primary ? 'btn btn-primary' : 'btn';
  const asks = status === 'unreviewed' || status === 'tier-unknown' || status === 'expired';
  return (
    <li className="need-card">
      <Glyph name={glyph(first.verdict)} />
      <div>
        <h3>
          {tools.length === 1 ? (
            <a href={toolLink(first.id)}>
              <Outside text={first.name} />
            </a>
          ) : (
            <Outside text={namesText(tools.map(({ name }) => name))} />
          )}{' '}
          <small>{tools.length === 1 ? word(first.verdict, now) : word({ ...first.verdict, until: null }, now)}</small>
        </h3>
        <p>
          <Outside text={sentence(need, snapshot.policy.organization, snapshot.policy.rev !== null)} />
        </p>
      </div>
      <div className="acts">
        {asks ? (
          <button
            type="button"
            className={button}
            aria-label={`${status === 'expired' ? 'Ask again' : 'Request approval'}: ${plain(namesText(tools.map(({ name }) => name)))}`}
            onClick={() => ask(tools.map(askable))}
          >
            {status === 'expired' ? 'Ask again' : 'Request approval'}
          </button>
        ) : (
          <a className={button} href="#approved" aria-label={`See what’s approved instead of ${plain(first.name)}`}>
            See what’s approved
          </a>
        )}
      </div>
    </li>
  );
}
