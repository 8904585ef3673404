/** What Home asks first: what Muster is about to do, the policy to be read, exceptions that end, and the tools that need something. */
import { mustAcknowledge, groups as standings } from '../../electron/attention.ts';
import type { GrantInForce, Snapshot, Tool } from '../../electron/contract.ts';
import { AcknowledgeNeed } from '../ui/acknowledge.tsx';
import { ActionCard, urgentActions } from '../ui/action-card.tsx';
import { longer } from '../ui/exceptions.tsx';
import { Glyph } from '../ui/icon.tsx';
import { NeedCard } from '../ui/need-card.tsx';
import { Outside } from '../ui/outside.tsx';
import { useMuster } from '../use-muster.ts';
import { needs } from '../words/list.ts';
import { plain } from '../words/plain.ts';
import { grantGlyph, grantWord, mayAct } from '../words/policy.ts';

/** More cards than this would hide the list that they are about. */
const MOST_CARDS = 6;

/** Whether anything is asked, and whether it can wait: where Muster may act by itself, it does so only after a notice. */
export function lead({ tools, policy, actions, settings }: Snapshot): string {
  if (urgentActions(actions).some(({ state }) => state === 'waiting'))
    return 'Muster is about to do something by itself; you see it below.';
  const asked = standings(tools).needs.length > 0 || mustAcknowledge(policy) || endingGrants(policy).length > 0;
  if (!asked) return 'Nothing is asked of you.';
  if (mayAct(settings) === true) return 'Nothing is switched off without a notice.';
  return 'Nothing is blocked, so take these when it suits you.';
}

const endingGrants = ({ grants = [] }: Snapshot['policy']) =>
  grants.filter(({ standing, status }) => standing === 'ending' && status !== 'prohibited');

/** An exception that ends within a week, and isn't asked for again yet. */
function EndingCard({ grant }: { grant: GrantInForce }) {
  const { snapshot, now, ask } = useMuster();
  const may = longer(grant, snapshot);
  const asked = snapshot.requests.some(({ item, state }) => item === may?.item && (state === 'open' || state === 'needs-info'));
  return (
    <li className="need-card" data-ending={grant.item}>
      <Glyph name={grantGlyph(grant)} />
      <div>
        <h3>
          <Outside text={grant.itemName} /> <small>{grantWord(grant, now)}</small>
        </h3>
        <p>{asked ? 'You have asked for longer.' : 'Then the policy alone holds for it again. Ask for longer if you still need it.'}</p>
      </div>
      <div className="acts">
        {may && !asked ? (
          <button type="button" className="btn" aria-label={`Ask for longer: ${plain(grant.itemName)}`} onClick={() => ask([may])}>
            Ask for longer
          </button>
        ) : (
          <a className="btn" href="#approved" aria-label={`Your exceptions, with ${plain(grant.itemName)}`}>
            Your exceptions
          </a>
        )}
      </div>
    </li>
  );
}

export function Asks({ tools, onShowAll }: { tools: readonly Tool[]; onShowAll: () => void }) {
  const { snapshot } = useMuster();
  const asking = needs(tools);
  const acts = urgentActions(snapshot.actions);
  const ending = endingGrants(snapshot.policy);
  const unread = mustAcknowledge(snapshot.policy);
  const cards = asking.slice(0, asking.length > MOST_CARDS ? MOST_CARDS - 1 : MOST_CARDS);
  const more = asking.slice(cards.length).reduce((sum, need) => sum + need.tools.length, 0);
  return (
    <>
      {acts.length > 0 && (
        <>
          <h2 className="vh">What Muster does by itself</h2>
          <ul className="group acts-now">
            {acts.map((action) => (
              <ActionCard key={action.id} action={action} />
            ))}
          </ul>
        </>
      )}
      {(asking.length > 0 || unread || ending.length > 0) && (
        <>
          <h2 className="vh">Needs something from you</h2>
          <ul className="group">
            {unread && <AcknowledgeNeed primary />}
            {ending.map((grant) => (
              <EndingCard key={grant.id} grant={grant} />
            ))}
            {cards.map((need, at) => (
              <NeedCard key={`${need.status} ${need.tools[0]?.id}`} need={need} primary={at === 0 && !unread} />
            ))}
            {more > 0 && (
              <li className="need-more">
                <span>
                  {more} more {more === 1 ? 'needs' : 'need'} you.
                </span>
                <button type="button" className="btn" onClick={onShowAll}>
                  Show all that need you
                </button>
              </li>
            )}
          </ul>
        </>
      )}
    </>
  );
}
