/** What's approved: the policy's list, by licence tier and by the data that may go in. */
import { useState } from 'react';
import { capital, countWord } from '../../electron/attention.ts';
import { toolLink } from '../route.ts';
import { Exceptions } from '../ui/exceptions.tsx';
import { FindField } from '../ui/find-field.tsx';
import { Glyph, Icon } from '../ui/icon.tsx';
import { EmptyLineUp } from '../ui/line-up.tsx';
import { Outside } from '../ui/outside.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { refusal, useMuster } from '../use-muster.ts';
import { byName, matches } from '../words/list.ts';
import { tierName } from '../words/tool.ts';

function Help() {
  const { snapshot, shell } = useMuster();
  const [failure, setFailure] = useState<string | null>(null);
  if (snapshot.policy.helpUrl === null) return null;
  return (
    <>
      <button
        type="button"
        className="btn"
        onClick={() =>
          shell.openHelp().then(
            () => setFailure(null),
            (error: unknown) => setFailure(refusal(error).message),
          )
        }
      >
        <Icon name="external" />
        Open the help page
      </button>
      {failure !== null && (
        <p className="failure" role="alert">
          <Outside text={failure} />
        </p>
      )}
    </>
  );
}

function Nothing({ title, text }: { title: string; text: string }) {
  const { snapshot } = useMuster();
  return (
    <>
      <Trouble />
      <section className="middle">
        <EmptyLineUp />
        <h1 className="display" tabIndex={-1}>
          {title}
        </h1>
        <p className="lead">
          <Outside text={text} />
        </p>
        <div className="acts">
          <Help />
          <a className="btn btn-primary" href="#home">
            See your tools
          </a>
        </div>
        {snapshot.policy.contact !== null && (
          <p className="small ink-3">
            Questions: <Outside text={snapshot.policy.contact} />
          </p>
        )}
      </section>
      {(snapshot.policy.grants ?? []).length > 0 && (
        <section>
          <Exceptions />
        </section>
      )}
    </>
  );
}

export function Approved() {
  const { snapshot } = useMuster();
  const [find, setFind] = useState('');
  const { policy, tools } = snapshot;
  const organization = policy.organization ?? 'Your organization';
  if (policy.rev === null) {
    return (
      <Nothing
        title="There is no policy on this computer yet."
        text="So nothing is approved and nothing is ruled out. You can ask for a tool already; the request is kept."
      />
    );
  }
  if (policy.approved.length === 0) {
    return (
      <Nothing
        title="Nothing is approved yet."
        text={`${organization} has a policy, and no tool is on its list so far. You can ask for one.`}
      />
    );
  }
  const classes = policy.dataClasses;
  const rows = policy.approved
    .filter((entry) => matches({ id: entry.tool, name: entry.name, vendor: entry.tiers.join(' ') }, find))
    .sort((a, b) => byName({ name: a.name, id: a.tool }, { name: b.name, id: b.tool }));
  const n = policy.approved.length;
  return (
    <section>
      <div className="state">
        <h1 className="display" tabIndex={-1}>
          What’s approved
        </h1>
        <div className="bar">
          <Help />
          <FindField value={find} label="Find a tool" onChange={setFind} />
        </div>
        <p className="lead">
          {capital(countWord(n))} {n === 1 ? 'tool' : 'tools'}, by licence tier
          {classes.length > 0 ? ' and by the data you’d use them with' : ''}.
        </p>
      </div>
      <Trouble />
      {rows.length === 0 ? (
        <p className="none">
          Nothing approved matches “<Outside text={find} />
          ”.{' '}
          <button type="button" className="btn btn-plain" onClick={() => setFind('')}>
            Show all
          </button>
        </p>
      ) : (
        <div className="wide">
          <table className="appr" aria-label="Approved tools">
            <thead>
              <tr>
                <th scope="col">Tool and approved tiers</th>
                {classes.map((one) => (
                  <th key={one.id} scope="col" className="c" title={one.examples ?? undefined}>
                    <Outside text={one.label} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((entry, at) => {
                const here = tools.find((tool) => tool.present && (tool.id === entry.tool || tool.family === entry.tool));
                return (
                  // A policy may name a tool twice, for two tiers; its place tells them apart.
                  // biome-ignore lint/suspicious/noArrayIndexKey: see above.
                  <tr key={`${entry.tool} ${at}`} data-approved={entry.tool}>
                    <th scope="row">
                      <span className="nm">
                        {here ? (
                          <a href={toolLink(here.id)}>
                            <Outside text={entry.name} />
                          </a>
                        ) : (
                          <Outside text={entry.name} />
                        )}
                      </span>{' '}
                      {entry.tiers.length > 0 && (
                        <span className="small ink-3">
                          <Outside text={entry.tiers.map((id) => tierName(here?.tiers ?? [], id)).join(', ')} />
                        </span>
                      )}{' '}
                      {here && <span className="here">On this computer</span>}
                      {entry.conditions !== null && (
                        <small>
                          <Outside text={entry.conditions} />
                        </small>
                      )}
                    </th>
                    {classes.map((one) => {
                      const yes = entry.dataClasses.length === 0 || entry.dataClasses.includes(one.id);
                      const conditional = entry.status === 'conditional' || entry.conditions !== null;
                      return (
                        <td key={one.id} className="c">
                          {yes ? <Glyph name={conditional ? 'conditions' : 'approved'} /> : <Icon name="dash" />}
                          <span className="vh">{yes ? (conditional ? 'With conditions' : 'Yes') : 'No'}</span>
                        </td>
                      );
                    })}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {classes.length > 0 && (
        <div className="legend" aria-hidden="true">
          <span>
            <Glyph name="approved" />
            Yes
          </span>
          <span>
            <Glyph name="conditions" />
            With the condition under its name
          </span>
          <span>
            <Icon name="dash" />
            No
          </span>
        </div>
      )}
      <Exceptions />
      <p className="small ink-3 after">
        <Outside text={organization} />
        ’s <a href="#policy">policy</a>, revision {policy.rev}.
        {policy.contact !== null && (
          <>
            {' '}
            Questions: <Outside text={policy.contact} />
          </>
        )}
      </p>
    </section>
  );
}
