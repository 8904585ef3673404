/** Home: the state as a sentence, what needs the employee, and every tool on this computer. */
import { useState } from 'react';
import { groups as standings, stateSentence } from '../../electron/attention.ts';
import { FilterChip } from '../ui/filter-chip.tsx';
import { FindField } from '../ui/find-field.tsx';
import { Icon } from '../ui/icon.tsx';
import { EmptyLineUp, LineUp } from '../ui/line-up.tsx';
import { LookAgain } from '../ui/look-again.tsx';
import { Outside } from '../ui/outside.tsx';
import { ToolTable } from '../ui/tool-table.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { counts, type Filter, grouped } from '../words/list.ts';
import { ago, asOf } from '../words/time.ts';
import { Asks, lead } from './home-asks.tsx';

export type HomeChoice = { readonly filter: Filter; readonly find: string };
export const firstChoice: HomeChoice = { filter: 'all', find: '' };

const filters: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['needs', 'Need you'],
  ['waiting', 'Waiting'],
  ['fine', 'Fine'],
];

function Problems() {
  const { snapshot } = useMuster();
  const high = snapshot.problems.filter(({ severity }) => severity === 'high');
  const rest = snapshot.problems.length - high.length;
  if (snapshot.problems.length === 0) return null;
  return (
    <section className="problems" aria-label="Problems">
      {high.length > 0 && (
        <ul className="group">
          {high.map((problem) => (
            <li key={`${problem.code} ${problem.path}`} className="problem">
              <Icon name="problem" />
              <div>
                <p className="strong">
                  <Outside text={problem.message} />
                </p>
                <p className="ink-2">
                  <Outside text={problem.fix} />
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      {rest > 0 && (
        <p className="ink-2">
          {rest === 1 ? 'One thing here can’t be looked at as it should.' : `${rest} things here can’t be looked at as they should.`}{' '}
          <a href="#sees">See which, and what mends it</a>
        </p>
      )}
    </section>
  );
}

function Empty() {
  const { snapshot, now } = useMuster();
  const looked = ago(snapshot.look.at, now);
  return (
    <section className="middle">
      <EmptyLineUp />
      <h1 className="display" tabIndex={-1}>
        No AI tools found on this computer.
      </h1>
      <p className="lead">That’s a fine result. If you install one, it shows up here by itself, with what you may use it for.</p>
      <div className="acts">
        <a className="btn btn-primary" href="#approved">
          See what’s approved
        </a>
        <LookAgain />
      </div>
      <p className="small ink-3">
        {looked ? `Last look: ${looked}. ` : ''}
        <a href="#sees">Where did Muster look?</a>
      </p>
    </section>
  );
}

export function Home({ choice, onChoose }: { choice: HomeChoice; onChoose: (choice: HomeChoice) => void }) {
  const { snapshot, staleSince, now } = useMuster();
  const [showGone, setShowGone] = useState(false);
  const present = snapshot.tools.filter((tool) => tool.present);
  const gone = standings(snapshot.tools).gone;
  const looked = ago(snapshot.look.at, now);
  if (present.length === 0 && snapshot.look.at !== null) {
    return (
      <>
        <Trouble />
        <Problems />
        <section className="asks-alone">
          <Asks tools={present} onShowAll={() => {}} />
        </section>
        <Empty />
        {gone.length > 0 && <Gone open={showGone} onToggle={setShowGone} />}
      </>
    );
  }
  const showAsking = () => {
    onChoose({ filter: 'needs', find: '' });
    document.querySelector('.list-head')?.scrollIntoView();
  };
  const count = counts(present);
  const groups = grouped(present, choice.filter, choice.find);
  return (
    <section aria-labelledby="state">
      <div className="state">
        <h1 className="display" id="state" tabIndex={-1}>
          {staleSince === null ? stateSentence(snapshot) : `This list is from ${asOf(staleSince, now)}. Muster is catching up.`}
        </h1>
        <LookAgain />
        <p className="lead">
          {staleSince === null ? lead(snapshot) : 'Your AI tools work as usual. You don’t need to do anything.'}
          {looked && staleSince === null ? ` Last look: ${looked}.` : ''}
        </p>
      </div>
      <Trouble />
      <LineUp tools={present} />
      <Problems />
      <Asks tools={present} onShowAll={showAsking} />
      <div className="list-head">
        <h2 className="title">All tools</h2>
        {staleSince !== null && <span className="ink-3">as of {asOf(staleSince, now)}</span>}
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset's legend can't stand in this row. */}
        <div className="chips" role="group" aria-label="Show">
          {filters.map(([filter, label]) => (
            <FilterChip
              key={filter}
              on={choice.filter === filter}
              count={count[filter]}
              label={label}
              onPress={() => onChoose({ ...choice, filter })}
            />
          ))}
        </div>
        <FindField value={choice.find} label="Find a tool" onChange={(find) => onChoose({ ...choice, find })} />
      </div>
      {groups.length > 0 ? (
        <ToolTable groups={groups} label="All tools" />
      ) : (
        <p className="none">
          {choice.find === '' ? 'No tool stands here just now.' : <>No tool matches “{<Outside text={choice.find} />}”.</>}{' '}
          <button type="button" className="btn btn-plain" onClick={() => onChoose(firstChoice)}>
            Show all
          </button>
        </p>
      )}
      {gone.length > 0 && <Gone open={showGone} onToggle={setShowGone} />}
    </section>
  );
}

/** History: what was here once. Kept apart, because nothing is asked about it. */
function Gone({ open, onToggle }: { open: boolean; onToggle: (open: boolean) => void }) {
  const { snapshot, now } = useMuster();
  const { gone } = standings(snapshot.tools);
  return (
    <details className="gone" open={open} onToggle={(event) => onToggle(event.currentTarget.open)}>
      <summary>
        <h2 className="title">
          Was here <span className="count">{gone.length}</span>
        </h2>
      </summary>
      <ul>
        {gone.map((tool) => (
          <li key={tool.id} data-gone={tool.id}>
            <a href={`#tool/${encodeURIComponent(tool.id)}`}>
              <Outside text={tool.name} />
            </a>
            <span className="ink-3">last seen {ago(tool.lastSeen, now)}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
