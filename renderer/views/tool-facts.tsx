/** Why a tool has a row, and where it is: each trace with its strength, each place with its program, its pages and who reaches it. */
import { capital } from '../../electron/attention.ts';
import type { Place, Tool } from '../../electron/contract.ts';
import { Icon } from '../ui/icon.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { useMuster } from '../use-muster.ts';
import { listensText, pagesText, profilesText, programText } from '../words/place.ts';
import { ago, since } from '../words/time.ts';
import { confidenceSentence, evidenceWords, strengthWord, surfaceWord } from '../words/tool.ts';

export function Knows({ tool }: { tool: Tool }) {
  return (
    <section>
      <h2>How Muster knows</h2>
      <ul className="facts">
        {tool.evidence.map((evidence) => {
          const { sentence, details, strength } = evidenceWords(evidence);
          return (
            <li key={JSON.stringify(evidence)}>
              <span className="fact">
                <Outside text={sentence} />
                <span className="strength" role="img" aria-label={strengthWord[strength]}>
                  <i className="on" />
                  <i className={strength > 1 ? 'on' : undefined} />
                  <i className={strength > 2 ? 'on' : undefined} />
                </span>
              </span>
              {details.map((detail) => (
                <small key={detail}>
                  <Code text={detail} />
                </small>
              ))}
            </li>
          );
        })}
      </ul>
      <p className="small ink-3">{confidenceSentence[tool.confidence]}</p>
    </section>
  );
}

function PlaceFact({ place }: { place: Place }) {
  const { now } = useMuster();
  const program = programText(place);
  const profiles = profilesText(place);
  const pages = pagesText(place);
  const listens = listensText(place);
  return (
    <li>
      <span>
        {surfaceWord[place.surface]}
        {place.version !== null && (
          <>
            , version <Outside text={place.version} />
          </>
        )}
      </span>
      {[program, profiles, pages].map(
        (text) =>
          text !== null && (
            <span key={text} className="ink-2">
              <Outside text={text} />
            </span>
          ),
      )}
      {listens && (
        <span className={listens.open ? 'open-port' : 'ink-2'}>
          {listens.open && <Icon name="team" />}
          {listens.text}
        </span>
      )}
      {place.path !== null && (
        <small>
          <Code text={place.path} />
        </small>
      )}
      {(place.running || !place.present || program === null) && (
        <small>
          {place.running ? 'Running now' : place.present ? 'Not running' : `No longer there, last seen ${ago(place.lastSeen, now)}`}
        </small>
      )}
    </li>
  );
}

export function Places({ tool }: { tool: Tool }) {
  const { now } = useMuster();
  return (
    <section>
      <h2>Where it is</h2>
      <ul className="facts">
        {tool.places.map((place) => (
          <PlaceFact key={`${place.surface} ${place.program} ${place.path} ${place.version} ${place.home}`} place={place} />
        ))}
      </ul>
      <dl className="pairs small-pairs">
        <div>
          <dt>First seen</dt>
          <dd>{capital(since(tool.firstSeen, now) ?? '')}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>{tool.running ? 'Running now' : capital(since(tool.lastSeen, now) ?? '')}</dd>
        </div>
      </dl>
    </section>
  );
}
