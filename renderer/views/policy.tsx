/** The policy: what it asks, what makes each clause hold, whether it is proven, and what Muster did because of it. */
import type { Clause } from '../../electron/contract.ts';
import { Acknowledge } from '../ui/acknowledge.tsx';
import { ActionCard } from '../ui/action-card.tsx';
import { BlankPage } from '../ui/blank-page.tsx';
import { Glyph, Icon } from '../ui/icon.tsx';
import { Outside, Said } from '../ui/outside.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { backingOf, modeText, refusedText, trustText } from '../words/policy.ts';

function ClauseCard({ clause }: { clause: Clause }) {
  return (
    <li className="clause-row" data-clause={clause.id}>
      <h3 className="strong">
        <Outside text={clause.title} />
      </h3>
      <p className="ink-2">
        <Said text={clause.text} />
      </p>
      <ul className="backing">
        {backingOf(clause).map(({ by, text }) => (
          <li key={by}>
            <b>
              <Icon name={by === 'Muster' ? 'check' : by === 'People' ? 'person' : 'dash'} />
              {by}
            </b>
            <span>
              <Outside text={text} />
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}

function Trust() {
  const { snapshot, now } = useMuster();
  const { word, text } = trustText(snapshot.policy, now);
  const refused = refusedText(snapshot.policy, now);
  return (
    <section className="after" aria-labelledby="trust" data-trust={snapshot.policy.trust?.state ?? 'unsigned'}>
      <h2 className="title" id="trust">
        Where it comes from
      </h2>
      <p>
        <span className="strong">{word}.</span> <Outside text={text} className="ink-2" />
      </p>
      {refused !== null && (
        <p className="note">
          <Icon name="info" />
          <Outside text={refused} />
        </p>
      )}
    </section>
  );
}

function Actions() {
  const { snapshot } = useMuster();
  const actions = snapshot.actions ?? [];
  if (actions.length === 0) return null;
  return (
    <section className="after" aria-labelledby="actions">
      <h2 className="title" id="actions">
        What Muster does by itself <span className="count">{actions.length}</span>
      </h2>
      <ul className="group">
        {actions.map((action) => (
          <ActionCard key={action.id} action={action} />
        ))}
      </ul>
    </section>
  );
}

export function PolicyPage() {
  const { snapshot } = useMuster();
  const { policy, settings } = snapshot;
  const organization = policy.organization ?? 'Your organization';
  if (policy.rev === null) {
    return (
      <>
        <Trouble />
        <BlankPage title="There is no policy on this computer yet.">
          <p className="lead">So nothing is approved and nothing is ruled out, and nothing is switched off.</p>
          {policy.trust && <Trust />}
        </BlankPage>
      </>
    );
  }
  return (
    <section>
      <h1 className="display" tabIndex={-1}>
        <Outside text={organization} />
        ’s policy
      </h1>
      <p className="lead under-s">{modeText(policy, settings)}</p>
      <p className="small ink-3">
        Revision {policy.rev}.
        {policy.contact !== null && (
          <>
            {' '}
            Questions: <Outside text={policy.contact} />
          </>
        )}
      </p>
      <Trouble />
      <Acknowledge />
      <section className="after" aria-labelledby="clauses">
        <h2 className="title" id="clauses">
          What it says {policy.clauses.length > 0 && <span className="count">{policy.clauses.length}</span>}
        </h2>
        {policy.clauses.length === 0 ? (
          <p className="ink-2">It has rules, and no words for people.</p>
        ) : (
          <ul className="group">
            {policy.clauses.map((clause) => (
              <ClauseCard key={clause.id} clause={clause} />
            ))}
          </ul>
        )}
        <p className="small ink-3 after-s">
          <Glyph name="exception" /> <a href="#approved">What’s approved, and your exceptions</a>
        </p>
      </section>
      <Actions />
      <Trust />
    </section>
  );
}
