/** What Muster sees: each source with its state, what is kept and never read, what is wrong, and where everything lies. */
import { useEffect, useState } from 'react';
import { capital } from '../../electron/attention.ts';
import type { WindowShell } from '../../electron/contract.ts';
import { Icon } from '../ui/icon.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { SettingsTable } from '../ui/settings-table.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { sourceState, sourceWords } from '../words/source.ts';
import { leavesText } from '../words/sync.ts';
import { ago } from '../words/time.ts';

const severityOrder = { high: 0, medium: 1, low: 2 } as const;

function About() {
  const { snapshot, shell } = useMuster();
  const [about, setAbout] = useState<Awaited<ReturnType<WindowShell['about']>> | null>(null);
  useEffect(() => {
    shell.about().then(setAbout, () => {});
  }, [shell]);
  return (
    <dl className="pairs">
      <div>
        <dt>Everything it keeps</dt>
        <dd>
          <Code text={snapshot.agent.dataDir} />
        </dd>
      </div>
      <div>
        <dt>This computer</dt>
        <dd>
          <Outside text={`${snapshot.device.hostname}, ${snapshot.device.user}`} />
        </dd>
      </div>
      <div>
        <dt>Muster</dt>
        <dd>
          {snapshot.agent.version}
          {about && <span className="ink-3">, window with Electron {about.electron}</span>}
        </dd>
      </div>
    </dl>
  );
}

export function Sees() {
  const { snapshot, now } = useMuster();
  const problems = [...snapshot.problems].sort((a, b) => severityOrder[a.severity] - severityOrder[b.severity]);
  return (
    <section>
      <h1 className="display" tabIndex={-1}>
        What Muster sees
      </h1>
      <p className="lead under">Which AI tools are here and how they’re set up. Not what you do with them.</p>
      <Trouble />
      <div className="well promise">
        <Icon name="lock" />
        <p>
          <span className="strong">Never, and not built in:</span> prompts, answers and chats, the contents of your documents and code,
          keystrokes, the screen, browsing history, where you are. Passwords and the values of keys that stand in a setting are blanked as
          the file is read.
        </p>
      </div>
      <table className="sees" aria-label="Sources">
        <thead>
          <tr>
            <th scope="col">Source, and why</th>
            <th scope="col">Kept</th>
            <th scope="col">Never kept or read</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {snapshot.sources.map((source) => {
            const words = sourceWords(source.id);
            const looked = ago(source.lastLook, now);
            return (
              <tr key={source.id} data-source={source.id}>
                <th scope="row">
                  <b>{words.name}</b>
                  {words.why}
                </th>
                <td data-label="Kept">{words.kept}</td>
                <td data-label="Never kept or read">{words.never}</td>
                <td>
                  <b className={source.state === 'unavailable' ? 'state-word is-off' : 'state-word'}>
                    <Icon name={source.state === 'ok' ? 'check' : source.state === 'looking' ? 'refresh' : 'dash'} />
                    {sourceState[source.state]}
                  </b>
                  <Outside text={source.detail} />
                  {looked && <span className="ink-3 block">Last look: {looked}</span>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {problems.length > 0 && (
        <section className="after">
          <h2 className="title">
            What can’t be looked at <span className="count">{problems.length}</span>
          </h2>
          <ul className="group">
            {problems.map((problem) => (
              <li key={`${problem.code} ${problem.path}`} className="problem" data-problem={problem.code}>
                <Icon name="problem" />
                <div>
                  <p className="strong">
                    <Outside text={problem.message} />
                  </p>
                  <p className="ink-2">
                    <Outside text={problem.fix} />
                  </p>
                  {problem.path !== null && !problem.message.includes(problem.path) && (
                    <p className="small ink-3">
                      <Code text={problem.path} />
                    </p>
                  )}
                </div>
              </li>
            ))}
          </ul>
        </section>
      )}
      <SettingsTable />
      <section className="after">
        <h2 className="title">Where it is kept, and who sees it</h2>
        <p className="ink-2">
          In one folder of yours on this computer. You see all of it here. <Outside text={`${capital(leavesText(snapshot.sync))}.`} />{' '}
          <a href="#sent">What was sent</a>
        </p>
        <About />
      </section>
    </section>
  );
}
