/** The button that makes the agent look at everything once more. What it can't do just now it says in words. */
import { useState } from 'react';
import { refusal, useMuster } from '../use-muster.ts';
import { AskButton } from './ask-button.tsx';
import { Outside } from './outside.tsx';

export function LookAgain() {
  const { snapshot, agent, announce } = useMuster();
  const [failure, setFailure] = useState<string | null>(null);
  const look = () => {
    setFailure(null);
    return agent.scan().then(
      (inventory) => {
        const found = inventory.tools.filter(({ present }) => present).length;
        announce(`Looked again: ${found} ${found === 1 ? 'tool' : 'tools'}.`);
      },
      (error: unknown) => setFailure(refusal(error).message),
    );
  };
  return (
    <div className="look-again">
      <AskButton label="Look again" meanwhile="Looking…" busy={snapshot.look.state === 'looking'} ask={look} />
      {failure !== null && (
        <p className="failure" role="alert">
          <Outside text={failure} />
        </p>
      )}
    </div>
  );
}
