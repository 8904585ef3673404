/** One MCP server as one place has it set up: what it starts, who published it, what it may reach, why the score, what to do, and its other places. */
import { capital, type Standing, standing } from '../../electron/attention.ts';
import type { McpServer, Risk } from '../../electron/contract.ts';
import type { ServerGroup } from '../../electron/same-server.ts';
import { serverLink } from '../route.ts';
import { ActionsFor } from '../ui/action-card.tsx';
import { Findings } from '../ui/findings.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { RequestCard } from '../ui/request-card.tsx';
import { RiskScore } from '../ui/risk-score.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { alsoText, clientName, commandLine, identityText, scopeWord, sumText, unaskedText } from '../words/mcp.ts';
import { plain } from '../words/plain.ts';
import { since } from '../words/time.ts';

/** What is switched off starts nothing, so it asks for nothing. */
export const serverStanding = (server: Pick<McpServer, 'verdict' | 'enabled'>): Standing =>
  server.enabled ? standing(server.verdict) : 'fine';

function Starts({ server }: { server: McpServer }) {
  const identity = identityText(server);
  const unasked = unaskedText(server.autoApproved);
  const secrets = server.secretNames;
  return (
    <section>
      <h3 className="sec">What it starts</h3>
      <div className="code block-code">
        <Code text={commandLine(server) ?? server.url ?? 'Nothing that could be read'} />
      </div>
      <dl className="pairs">
        <div>
          <dt>{identity.kind}</dt>
          <dd>
            <Code text={server.identity.name} />
            {identity.version !== null && (
              <span className="block">
                <Outside text={identity.version} />
              </span>
            )}
            {identity.change !== null && <span className="block ink-2">{identity.change}</span>}
          </dd>
        </div>
        {server.publisher !== null && (
          <div>
            <dt>Published by</dt>
            <dd>
              <Outside text={server.publisher} />
            </dd>
          </div>
        )}
        {server.reach.length > 0 && (
          <div>
            <dt>May reach</dt>
            <dd>
              {server.reach.map((one) => (
                <span className="block" key={one}>
                  <Outside text={capital(one)} />
                </span>
              ))}
            </dd>
          </div>
        )}
        {unasked !== null && (
          <div>
            <dt>Runs without asking you</dt>
            <dd>
              <Outside text={unasked} />
            </dd>
          </div>
        )}
        <div>
          <dt>Keys it names</dt>
          <dd>
            {secrets.length === 0 ? (
              'None'
            ) : (
              <>
                {secrets.map((name, at) => (
                  <span key={name}>
                    {at > 0 && ', '}
                    <Code text={name} />
                  </span>
                ))}
                <span className="block ink-2">
                  {secrets.length === 1 ? 'Its value is' : 'Their values are'} blanked as the file is read.
                </span>
              </>
            )}
          </dd>
        </div>
      </dl>
    </section>
  );
}

function RiskSection({ risk }: { risk: Risk }) {
  const sum = sumText(risk);
  return (
    <section>
      <h3 className="sec">Risk</h3>
      {risk.findings.length === 0 ? (
        <p className="ink-2">The rules of this version find nothing here.</p>
      ) : (
        <>
          <Findings findings={risk.findings} />
          {sum !== null && <p className="small ink-3">{sum}</p>}
        </>
      )}
    </section>
  );
}

function Places({ group, chosen }: { group: ServerGroup; chosen: McpServer }) {
  const { snapshot } = useMuster();
  if (group.places.length < 2) return null;
  return (
    <ul className="places" aria-label="Places where it is set up">
      {group.places.map((place) => {
        const marks = [
          ...(place.present ? [] : ['no longer there']),
          ...(place.enabled ? [] : ['switched off']),
          ...(place.running ? ['running'] : []),
          ...(place.identity.launchHash === chosen.identity.launchHash ? [] : ['set up differently']),
        ];
        return (
          <li key={place.id}>
            <a href={serverLink(place.id)} aria-current={place.id === chosen.id ? 'true' : undefined}>
              <span>
                <b>
                  <Outside text={clientName(place.client, snapshot.tools)} />
                </b>
                <span className="ink-2">
                  {' '}
                  {scopeWord[place.scope]}
                  {marks.length > 0 && `; ${marks.join(', ')}`}
                </span>
                <span className="block small">
                  <Code text={place.configPath} />
                </span>
              </span>
              <RiskScore risk={place.risk} />
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function SetUp({ group, server }: { group: ServerGroup; server: McpServer }) {
  const { snapshot, now } = useMuster();
  return (
    <section>
      <h3 className="sec">Where it is set up</h3>
      <Places group={group} chosen={server} />
      <dl className="pairs">
        <div>
          <dt>Valid</dt>
          <dd>{scopeWord[server.scope]}</dd>
        </div>
        {server.project !== null && (
          <div>
            <dt>Project</dt>
            <dd>
              <Code text={server.project} />
            </dd>
          </div>
        )}
        <div>
          <dt>File</dt>
          <dd>
            <Code text={server.configPath} />
            {server.uncertain && (
              <span className="block ink-2">
                It isn’t confirmed that <Outside text={clientName(server.client, snapshot.tools)} /> reads this file.
              </span>
            )}
          </dd>
        </div>
        <div>
          <dt>First seen</dt>
          <dd>{capital(since(server.firstSeen, now) ?? '')}</dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>{capital(since(server.lastSeen, now) ?? '')}</dd>
        </div>
      </dl>
    </section>
  );
}

export function ServerDetail({ group, server }: { group: ServerGroup; server: McpServer }) {
  const { snapshot, now, ask } = useMuster();
  const item = `mcp:${server.name}`;
  const request = [...snapshot.requests].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).find((one) => one.item === item);
  const open = request?.state === 'open' || request?.state === 'needs-info';
  const asks = serverStanding(server) === 'needs' && !open;
  const clause = snapshot.policy.clauses.find(({ id }) => id === server.verdict.clause);
  const also = alsoText(group, server, snapshot.tools);
  return (
    <article className="detail" data-server={server.id}>
      <Trouble />
      <div className="server-head">
        <div>
          <div className="bar wrap">
            <h2 className="display" tabIndex={-1}>
              <Outside text={server.name} />
            </h2>
            <StatusBadge verdict={server.verdict} now={now} />
          </div>
          <p className="small ink-3">
            <Outside text={clientName(server.client, snapshot.tools)} />
            {server.enabled ? '' : ', switched off there'}
            {server.running ? ', running now' : ''}
            {server.present ? '' : ', no longer there'}
            {also !== null && (
              <>
                {'; '}
                <Outside text={also} />
              </>
            )}
          </p>
        </div>
        <RiskScore risk={server.risk} large />
      </div>
      <p className="lead">
        <Outside text={server.verdict.reason} />
      </p>
      {server.verdict.conditions !== null && (
        <p className="ink-2">
          Condition: <Outside text={server.verdict.conditions} />
        </p>
      )}
      {asks && (
        <div className="bar after-s">
          <button
            type="button"
            className="btn btn-primary"
            onClick={() => ask([{ item, name: server.name, tiers: [], tier: null }])}
            aria-label={`Request approval for ${plain(server.name)}`}
          >
            Request approval
          </button>
        </div>
      )}
      {request && request.state !== 'withdrawn' && (
        <ul className="group after-s">
          <RequestCard request={request} heading="h3" link={false} />
        </ul>
      )}
      <ActionsFor of={(action) => action.server === server.id} heading="h3" />
      <Starts server={server} />
      <RiskSection risk={server.risk} />
      <SetUp group={group} server={server} />
      {clause && (
        <section>
          <h3 className="sec">The rule</h3>
          <blockquote className="well clause">
            <p>
              <Outside text={clause.text} />
            </p>
            <footer>
              <a href="#policy">
                <Outside text={clause.title} />
              </a>
            </footer>
          </blockquote>
        </section>
      )}
    </article>
  );
}
