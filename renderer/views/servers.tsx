/** MCP servers: what each AI tool is connected to, what that starts, which keys it names, and its risk. */
import { capital, countWord, type Standing, standing } from '../../electron/attention.ts';
import type { McpServer } from '../../electron/contract.ts';
import { serverLink } from '../route.ts';
import { Glyph, Icon } from '../ui/icon.tsx';
import { EmptyLineUp } from '../ui/line-up.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { RequestCard } from '../ui/request-card.tsx';
import { RiskScore } from '../ui/risk-score.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { clientName, commandLine, identityText, scopeWord, severityWord, unaskedText, whereWord } from '../words/mcp.ts';
import { plain } from '../words/plain.ts';
import { glyph, word } from '../words/status.ts';
import { since } from '../words/time.ts';

/** An entry that is switched off starts nothing, so it asks for nothing. */
export const serverStanding = (server: Pick<McpServer, 'verdict' | 'enabled'>): Standing =>
  server.enabled ? standing(server.verdict) : 'fine';

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true });

function Detail({ server }: { server: McpServer }) {
  const { snapshot, now, ask } = useMuster();
  const item = `mcp:${server.name}`;
  const identity = identityText(server);
  const unasked = unaskedText(server.autoApproved);
  const line = commandLine(server);
  const request = [...snapshot.requests].sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1)).find((one) => one.item === item);
  const open = request?.state === 'open' || request?.state === 'needs-info';
  const asks = serverStanding(server) === 'needs' && !open;
  const clause = snapshot.policy.clauses.find(({ id }) => id === server.verdict.clause);
  const client = clientName(server.client, snapshot.tools);
  const secrets = server.secretNames;
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
            <Outside text={client} />
            {server.enabled ? '' : ', switched off there'}
            {server.running ? ', running now' : ''}
            {server.present ? '' : ', no longer there'}
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
      <section>
        <h3 className="sec">What it starts</h3>
        <div className="code block-code">
          <Code text={line ?? server.url ?? 'Nothing that could be read'} />
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
                <Outside text={capital(server.reach.join('; '))} />
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
      <section>
        <h3 className="sec">Risk</h3>
        {server.risk.findings.length === 0 ? (
          <p className="ink-2">The rules of this version find nothing here.</p>
        ) : (
          <ul className="findings">
            {server.risk.findings.map((finding) => (
              <li key={finding.id}>
                <b>{severityWord[finding.severity]}</b>
                <div>
                  <p>
                    <Outside text={finding.message} />
                  </p>
                  <p className="ink-2">
                    <Outside text={finding.advice} />
                  </p>
                </div>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h3 className="sec">Where it is set up</h3>
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
                  It isn’t confirmed that <Outside text={client} /> reads this file.
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
      {clause && (
        <section>
          <h3 className="sec">The rule</h3>
          <blockquote className="well clause">
            <p>
              <Outside text={clause.text} />
            </p>
            <footer>
              Clause <Outside text={clause.id} />: <Outside text={clause.title} />
            </footer>
          </blockquote>
        </section>
      )}
    </article>
  );
}

export function Servers({ id }: { id: string | null }) {
  const { snapshot, now } = useMuster();
  const servers = snapshot.mcpServers;
  const name = (server: McpServer) => clientName(server.client, snapshot.tools);
  const sorted = [...servers].sort(
    (a, b) =>
      Number(b.present) - Number(a.present) ||
      collator.compare(name(a), name(b)) ||
      collator.compare(a.name, b.name) ||
      (a.id < b.id ? -1 : 1),
  );
  const chosen = sorted.find((server) => server.id === id) ?? sorted[0];
  const there = servers.filter(({ present }) => present).length;
  if (!chosen) {
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
  const groups = [...new Set(sorted.filter(({ present }) => present).map(name)), ...(sorted.some(({ present }) => !present) ? [null] : [])];
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
              : `${capital(countWord(there))} ${there === 1 ? 'is' : 'are'} set up in your AI tools. The score explains the risk; it blocks nothing.`}
          </p>
        </header>
        <nav aria-label="MCP servers">
          {groups.map((group) => (
            <section key={group ?? ' gone'}>
              <h2 className="day">{group === null ? 'Was here' : <Outside text={group} />}</h2>
              <ul>
                {sorted
                  .filter((server) => (group === null ? !server.present : server.present && name(server) === group))
                  .map((server) => (
                    <li key={server.id}>
                      <a
                        className="srv"
                        href={serverLink(server.id)}
                        aria-current={server.id === chosen.id ? 'true' : undefined}
                        data-mcp={server.name}
                      >
                        <Glyph name={glyph(server.verdict)} />
                        <b>
                          <Outside text={server.name} />
                        </b>
                        <RiskScore risk={server.risk} />
                        <small>
                          {word(server.verdict, now)}, {server.enabled ? whereWord(server) : 'switched off'}
                        </small>
                      </a>
                    </li>
                  ))}
              </ul>
            </section>
          ))}
        </nav>
        <p className="small ink-3 foot">
          <Icon name="key" /> Muster reads the entry, not what passes through it. The values of keys are blanked as the file is read.
        </p>
      </div>
      <Detail key={chosen.id} server={chosen} />
    </div>
  );
}
