/** What is wrong on our side while the agent is away: what we know, when we try again, what still works. Never asks the employee to mend it. */
import { useState } from 'react';
import type { AgentLink } from '../../electron/contract.ts';
import { refusal, useMuster } from '../use-muster.ts';
import { asOf } from '../words/time.ts';
import { Icon } from './icon.tsx';
import { LoadingLineUp } from './line-up.tsx';
import { Outside } from './outside.tsx';

function sentence(link: AgentLink, now: Date): string {
  if (link.state === 'starting') return 'It is starting.';
  if (link.retryAt === null) return link.state === 'failed' ? 'It won’t start by itself.' : 'It is being started again.';
  const wait = new Date(link.retryAt).getTime() - now.getTime();
  const when = wait < 45_000 ? 'in a few seconds' : `at ${asOf(link.retryAt, now)}`;
  return `The next try is ${when}.`;
}

/** One polite region: it is read once when the state changes, and not again while the seconds pass. */
export function Trouble() {
  const { link, staleSince, now, shell, announce } = useMuster();
  const [failure, setFailure] = useState<string | null>(null);
  const away = link.state !== 'up' && staleSince !== null;
  const tryNow = () => {
    setFailure(null);
    shell.restartAgent().then(
      () => announce('Starting the checker.'),
      (error: unknown) => setFailure(refusal(error).message),
    );
  };
  return (
    <div role="status" className={away ? 'trouble-region' : undefined}>
      {away && (
        <div className="group trouble">
          <div className="trouble-head">
            {link.state === 'failed' ? <Icon name="problem" /> : <LoadingLineUp />}
            <div>
              <h2>{link.state === 'failed' ? 'The checker has stopped' : 'The checker is restarting'}</h2>
              <p>
                {link.detail !== null && (
                  <>
                    <Outside text={link.detail} />{' '}
                  </>
                )}
                {sentence(link, now)}
              </p>
              {failure !== null && (
                <p>
                  <Outside text={failure} />
                </p>
              )}
            </div>
            <div className="acts">
              <button type="button" className="btn" onClick={tryNow}>
                Try now
              </button>
            </div>
          </div>
          <ul className="still">
            <li>
              <Icon name="check" />
              Works: everything that is shown here
            </li>
            <li className="later">
              <svg className="icon" aria-hidden="true">
                <use href="#g-pending" />
              </svg>
              Waits: new tools and new requests
            </li>
          </ul>
        </div>
      )}
    </div>
  );
}
