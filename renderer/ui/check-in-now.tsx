/** The quiet button for a check-in now. That one fails is no trouble of the employee's: the sentence says why, and that nothing depends on it. */
import { useState } from 'react';
import type { SyncStatus } from '../../electron/contract.ts';
import { refusal, useMuster } from '../use-muster.ts';
import { AskButton } from './ask-button.tsx';
import { Outside } from './outside.tsx';

export function CheckInNow({ sync }: { sync: SyncStatus }) {
  const { agent, announce } = useMuster();
  const [failure, setFailure] = useState<string | null>(null);
  const checkIn = () => {
    setFailure(null);
    return agent.syncNow().then(
      () => announce('Checked in.'),
      (error: unknown) => {
        const { message } = refusal(error);
        announce(`${message} Nothing here depends on it.`);
        setFailure(message);
      },
    );
  };
  return (
    <div className="check-in">
      <AskButton label="Check in now" meanwhile="Checking in…" ask={checkIn} />
      {/* What the status says already isn't said twice. */}
      {failure !== null && failure !== sync.detail && (
        <p className="small ink-2">
          <Outside text={`${failure} Nothing here depends on it.`} />
        </p>
      )}
    </div>
  );
}
