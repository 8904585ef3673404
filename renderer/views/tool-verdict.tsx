/** What stands behind a tool's verdict: its plans, the data that may go in, and the rule. */
import type { Tool } from '../../electron/contract.ts';
import { Glyph, Icon } from '../ui/icon.tsx';
import { Outside } from '../ui/outside.tsx';
import { useMuster } from '../use-muster.ts';
import { assurancePairs } from '../words/policy.ts';
import { lastDay, onDay } from '../words/time.ts';
import { approvedEntry, tierName, trainsWord } from '../words/tool.ts';

export function Tiers({ tool }: { tool: Tool }) {
  const { snapshot } = useMuster();
  if (tool.tiers.length === 0) return null;
  const approved = approvedEntry(tool, snapshot.policy);
  const mine = new Set(tool.accounts.map(({ tier }) => tier));
  return (
    <section>
      <h2>Licence tiers</h2>
      <ol className="tiers">
        {tool.tiers.map((tier, at) => {
          const yes = approved !== null && (approved.tiers.length === 0 || approved.tiers.includes(tier.id));
          const you = mine.has(tier.id);
          return (
            <li key={tier.id} className={[yes && 'yes', you && 'you'].filter(Boolean).join(' ') || undefined}>
              <div className="post" aria-hidden="true">
                <i className={`step-${Math.min(at + 1, 6)}`} />
              </div>
              <b>
                <Outside text={tier.name} />
              </b>
              {(you || yes) && (
                <span className="st">
                  <Glyph name={yes ? 'approved' : 'tier'} />
                  {you ? (yes ? 'You are here, approved' : 'You are here') : 'Approved'}
                </span>
              )}
              <span className="small ink-3">{trainsWord[tier.trains]}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

type Cell = 'yes' | 'no' | 'condition';

export function Matrix({ tool }: { tool: Tool }) {
  const { snapshot } = useMuster();
  const { policy } = snapshot;
  const { verdict } = tool;
  const approved = approvedEntry(tool, policy);
  if (policy.rev === null) {
    return <p className="ink-2">There is no policy on this computer yet, so nothing says which data may go in.</p>;
  }
  if (policy.dataClasses.length === 0) return <p className="ink-2">The policy names no classes of data.</p>;
  const out = verdict.status === 'prohibited' || verdict.status === 'expired';
  const decided = verdict.dataClasses.length > 0 || out || verdict.status === 'approved' || verdict.status === 'conditional';
  const other = approved !== null && (verdict.status === 'wrong-tier' || verdict.status === 'tier-unknown') ? approved : null;
  if (!decided && !other) return <p className="ink-2">Nothing is decided for this tool yet.</p>;
  const now = (id: string): Cell => {
    if (out) return 'no';
    if (verdict.dataClasses.length > 0 && !verdict.dataClasses.includes(id)) return 'no';
    if (!decided) return 'no';
    return verdict.conditions !== null ? 'condition' : 'yes';
  };
  const there = (id: string): Cell => {
    if (other && other.dataClasses.length > 0 && !other.dataClasses.includes(id)) return 'no';
    return other?.conditions == null ? 'yes' : 'condition';
  };
  const tierNames = other?.tiers.map((id) => tierName(tool.tiers, id)).join(', ');
  const mark = (cell: Cell) => (
    <span className={`yn ${cell}`}>
      {cell === 'condition' ? <Glyph name="conditions" /> : <Icon name={cell === 'yes' ? 'check' : 'dash'} />}
      {cell === 'condition' ? 'With conditions' : cell === 'yes' ? 'Yes' : 'No'}
    </span>
  );
  return (
    <table className="matrix" aria-label="What you may use it with">
      <thead>
        <tr>
          <th scope="col">Data class</th>
          <th scope="col">{other ? 'As it is now' : 'Use it'}</th>
          {other && (
            <th scope="col">
              On <Outside text={tierNames || 'an approved plan'} />
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {policy.dataClasses.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <Outside text={one.label} />
              {one.examples !== null && (
                <small>
                  <Outside text={one.examples} />
                </small>
              )}
            </th>
            <td>{mark(now(one.id))}</td>
            {other && <td>{mark(there(one.id))}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What was found out before it was decided, when that ends, and when somebody looks again. */
function Checked({ tool }: { tool: Tool }) {
  const { now } = useMuster();
  const { assurance, reviewBy, until, status } = tool.verdict;
  const ends = lastDay(until, now);
  const again = onDay(reviewBy ?? null, now);
  const pairs = [
    ...(ends && status !== 'expired' ? [['Holds until', ends] as const] : []),
    ...assurancePairs(assurance),
    ...(again ? [['Looked at again by', `${again}; nothing ends by that`] as const] : []),
  ];
  if (pairs.length === 0) return null;
  return (
    <section>
      <h2>What was checked</h2>
      <dl className="pairs">
        {pairs.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Outside text={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function Rule({ tool }: { tool: Tool }) {
  const { snapshot } = useMuster();
  const { policy } = snapshot;
  const clause = policy.clauses.find(({ id }) => id === tool.verdict.clause);
  if (!clause && tool.verdict.conditions === null) return <Checked tool={tool} />;
  return (
    <>
      <section>
        <h2>The rule</h2>
        <blockquote className="well clause">
          {tool.verdict.conditions !== null && (
            <p>
              <Outside text={tool.verdict.conditions} />
            </p>
          )}
          {clause && (
            <>
              <p className={tool.verdict.conditions === null ? undefined : 'second'}>
                <Outside text={clause.text} />
              </p>
              <footer>
                <Outside text={policy.organization ?? 'Your organization'} />
                ’s policy,{' '}
                <a href="#policy">
                  “<Outside text={clause.title} />”
                </a>
                . Revision {policy.rev}.
              </footer>
            </>
          )}
        </blockquote>
      </section>
      <Checked tool={tool} />
    </>
  );
}
