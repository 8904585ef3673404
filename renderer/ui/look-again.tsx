/** The button that makes the agent look at everything once more. What it can't do just now it says in words. */
import { useState } from 'react';
import { refusal, useMuster } from '../use-muster.ts';
import { Icon } from './icon.tsx';
import { Outside } from './outside.tsx';

export function LookAgain() {
  const { snapshot, link, agent, announce } = useMuster();
  const [asked, setAsked] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const looking = asked || snapshot.look.state === 'looking';
  const away = link.state !== 'up';
  const look = () => {
    if (looking || away) return;
    setAsked(true);
    setFailure(null);
    agent.scan().then(
      (inventory) => {
        const found = inventory.tools.filter(({ present }) => present).length;
        announce(`Looked again: ${found} ${found === 1 ? 'tool' : 'tools'}.`);
        setAsked(false);
      },
      (error: unknown) => {
        setFailure(refusal(error).message);
        setAsked(false);
      },
    );
  };
  return (
    <div className="look-again">
      <button
        type="button"
        className="btn"
        aria-disabled={looking || away}
        onClick={look}
        title={away ? 'The checker isn’t there just now.' : undefined}
      >
        <Icon name="refresh" />
        {looking ? 'Looking…' : 'Look again'}
      </button>
      {failure !== null && (
        <p className="failure" role="alert">
          <Outside text={failure} />
        </p>
      )}
    </div>
  );
}
