/** The policy asks to be read: the one step that says so, and afterwards since when it is said. */
import { useState } from 'react';
import { refusal, useMuster } from '../use-muster.ts';
import { plain } from '../words/plain.ts';
import { onDay } from '../words/time.ts';
import { Glyph } from './icon.tsx';
import { Outside } from './outside.tsx';

/** On Home: that there is something to read. */
export function AcknowledgeNeed({ primary }: { primary: boolean }) {
  const { snapshot } = useMuster();
  const asked = snapshot.policy.acknowledge;
  if (!asked) return null;
  return (
    <li className="need-card" data-acknowledge="asked">
      <Glyph name="pending" />
      <div>
        <h3>
          The policy <small>Asks to be read</small>
        </h3>
        <p>
          Read version <Outside text={asked.version} />, and say that you have.
        </p>
      </div>
      <div className="acts">
        <a className={primary ? 'btn btn-primary' : 'btn'} href="#policy">
          Read the policy
        </a>
      </div>
    </li>
  );
}

export function Acknowledge() {
  const { snapshot, agent, announce, now } = useMuster();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const asked = snapshot.policy.acknowledge;
  if (!asked) return null;
  const version = plain(asked.version);
  if (asked.acknowledgedAt !== null) {
    return (
      <p className="note" data-acknowledge="done">
        <Glyph name="approved" />
        <span>
          You acknowledged version <Outside text={asked.version} /> on {onDay(asked.acknowledgedAt, now)}. It is kept in the record.
        </span>
      </p>
    );
  }
  const acknowledge = () => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    agent.acknowledge(asked.version).then(
      () => {
        announce(`Version ${version} is acknowledged.`);
        // The button that had the focus is gone: the heading takes it.
        requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
      },
      (error: unknown) => {
        setBusy(false);
        setFailure(refusal(error).message);
      },
    );
  };
  return (
    <div className="group after-s" data-acknowledge="asked">
      <div className="need-card">
        <Glyph name="pending" />
        <div>
          <h2 className="strong">
            Read and acknowledge version <Outside text={asked.version} />
          </h2>
          <p>
            {asked.required ? 'Everybody is asked to.' : 'You may; nobody has to.'} It says that you have read what stands below, no more.
            The time is kept in the record.
          </p>
          {failure !== null && (
            <p className="failure" role="alert">
              <Outside text={failure} />
            </p>
          )}
        </div>
        <div className="acts">
          <button type="button" className="btn btn-primary" aria-disabled={busy} onClick={acknowledge}>
            {busy ? 'Keeping it…' : 'I have read it'}
          </button>
        </div>
      </div>
    </div>
  );
}
