/** The quiet button for a check-in now. That one fails is no trouble of the employee's: the sentence says why, and that nothing depends on it. */
import { useState } from 'react';
import type { SyncStatus } from '../../electron/contract.ts';
import { refusal, useMuster } from '../use-muster.ts';
import { Icon } from './icon.tsx';
import { Outside } from './outside.tsx';

export function CheckInNow({ sync }: { sync: SyncStatus }) {
  const { link, agent, announce } = useMuster();
  const [asked, setAsked] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const away = link.state !== 'up';
  const checkIn = () => {
    if (asked || away) return;
    setAsked(true);
    setFailure(null);
    agent.syncNow().then(
      () => {
        announce('Checked in.');
        setAsked(false);
      },
      (error: unknown) => {
        const { message } = refusal(error);
        announce(`${message} Nothing here depends on it.`);
        setFailure(message);
        setAsked(false);
      },
    );
  };
  return (
    <div className="check-in">
      <button
        type="button"
        className="btn"
        aria-disabled={asked || away}
        onClick={checkIn}
        title={away ? 'The checker isn’t there just now.' : undefined}
      >
        <Icon name="refresh" />
        {asked ? 'Checking in…' : 'Check in now'}
      </button>
      {/* What the status says already isn't said twice. */}
      {failure !== null && failure !== sync.detail && (
        <p className="small ink-2">
          <Outside text={`${failure} Nothing here depends on it.`} />
        </p>
      )}
    </div>
  );
}
