/** MCP servers: each once, in however many AI tools it is set up, with what it asks of the employee and its risk; beside the list, one of them whole. */
import { useState } from 'react';
import { capital, countWord, type Standing } from '../../electron/attention.ts';
import type { McpServer } from '../../electron/contract.ts';
import { type ServerGroup, serverGroups } from '../../electron/same-server.ts';
import { serverLink } from '../route.ts';
import { FindField } from '../ui/find-field.tsx';
import { Glyph, Icon } from '../ui/icon.tsx';
import { EmptyLineUp } from '../ui/line-up.tsx';
import { Outside } from '../ui/outside.tsx';
import { RiskScore } from '../ui/risk-score.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { found } from '../words/list.ts';
import { clientsText } from '../words/mcp.ts';
import { glyph, word } from '../words/status.ts';
import { ServerDetail, serverStanding } from './server-detail.tsx';

/** A list that can be seen at one glance needs no field to find things in it. */
const FIND_FROM = 12;

const sections: readonly (readonly [Standing, string])[] = [
  ['needs', 'Need you'],
  ['waiting', 'Waiting'],
  ['fine', 'Fine'],
];

const sectionOf = (group: ServerGroup): Standing | 'gone' => (group.present ? serverStanding(group) : 'gone');

/** The place that is shown when the server is chosen in the list: the riskiest of those that count. */
function standsFor({ places, risk }: ServerGroup): McpServer | undefined {
  const counting = places.filter(({ present, enabled }) => present && enabled);
  return counting.find((place) => place.risk.score === risk.score) ?? counting[0] ?? places[0];
}

function Row({ group, chosen }: { group: ServerGroup; chosen: boolean }) {
  const { snapshot, now } = useMuster();
  const place = standsFor(group);
  if (!place) return null;
  return (
    <li>
      <a className="srv" href={serverLink(place.id)} aria-current={chosen ? 'true' : undefined} data-mcp={group.name}>
        <Glyph name={glyph(group.verdict)} />
        <b>
          <Outside text={group.names.join(', ')} />
        </b>
        <RiskScore risk={group.risk} />
        <small>
          {word(group.verdict, now)}, {group.enabled || !group.present ? 'in ' : 'switched off in '}
          <Outside text={clientsText(group, snapshot.tools)} />
        </small>
      </a>
    </li>
  );
}

function Rows({ groups, chosen }: { groups: readonly ServerGroup[]; chosen: ServerGroup }) {
  return (
    <ul>
      {groups.map((group) => (
        <Row key={group.key} group={group} chosen={group === chosen} />
      ))}
    </ul>
  );
}

function NoServers() {
  return (
    <>
      <Trouble />
      <section className="middle">
        <EmptyLineUp />
        <h1 className="display" tabIndex={-1}>
          No MCP server is set up here.
        </h1>
        <p className="lead">If you add one to an AI tool, it shows up here by itself, with what it starts and which keys it names.</p>
        <p className="small ink-3">
          <a href="#sees">Where did Muster look?</a>
        </p>
      </section>
    </>
  );
}

export function Servers({ id }: { id: string | null }) {
  const { snapshot } = useMuster();
  const [find, setFind] = useState('');
  const [showGone, setShowGone] = useState(false);
  const groups = serverGroups(snapshot.mcpServers);
  const left = groups
    .filter((group) =>
      found(
        group.places.flatMap((place) => [place.name, place.identity.name, place.publisher ?? '', place.client]),
        find,
      ),
    )
    .sort((a, b) => b.risk.score - a.risk.score);
  const bySection = Map.groupBy(left, sectionOf);
  const gone = bySection.get('gone');
  const ordered = [...sections.flatMap(([section]) => bySection.get(section) ?? []), ...(gone ?? [])];
  const group = groups.find(({ places }) => places.some((place) => place.id === id)) ?? ordered[0] ?? groups[0];
  const server = group && (group.places.find((place) => place.id === id) ?? standsFor(group));
  if (!group || !server) return <NoServers />;
  const goneIsOpen = showGone || find !== '' || !group.present;
  const there = groups.filter(({ present }) => present).length;
  return (
    <div className="split">
      <div className="list">
        <header>
          <h1 className="title" tabIndex={-1}>
            MCP servers
          </h1>
          <p className="small ink-3">
            {there === 0
              ? 'None is set up in your AI tools now.'
              : `${capital(countWord(there))} ${there === 1 ? 'is' : 'are'} set up in your AI tools. The score explains the risk; by itself it blocks nothing.`}
          </p>
          {groups.length >= FIND_FROM && <FindField value={find} label="Find a server" onChange={setFind} />}
        </header>
        <nav aria-label="MCP servers">
          {sections.map(([section, title]) => {
            const rows = bySection.get(section);
            return (
              rows && (
                <section key={section}>
                  <h2 className="day">{title}</h2>
                  <Rows groups={rows} chosen={group} />
                </section>
              )
            );
          })}
          {gone && (
            <details className="was" open={goneIsOpen} onToggle={(event) => setShowGone(event.currentTarget.open)}>
              <summary>
                <h2 className="day">
                  Was here <span className="count">{gone.length}</span>
                </h2>
              </summary>
              {goneIsOpen && <Rows groups={gone} chosen={group} />}
            </details>
          )}
          {left.length === 0 && (
            <p className="ink-2 none" role="status">
              No server here is called that.
            </p>
          )}
        </nav>
        <p className="small ink-3 foot">
          <Icon name="key" /> Muster reads the entry, not what passes through it. The values of keys are blanked as the file is read.
        </p>
      </div>
      <ServerDetail key={server.id} group={group} server={server} />
    </div>
  );
}
