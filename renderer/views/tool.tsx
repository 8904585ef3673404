/** One tool: its verdict and the rule behind it, its plans, what may go in, how Muster knows, and where it is. */
import { capital, type Standing, toolStanding } from '../../electron/attention.ts';
import type { Tool } from '../../electron/contract.ts';
import { Findings } from '../ui/findings.tsx';
import { Icon } from '../ui/icon.tsx';
import { askable } from '../ui/need-card.tsx';
import { Code, Outside } from '../ui/outside.tsx';
import { RequestCard } from '../ui/request-card.tsx';
import { StatusBadge } from '../ui/status-badge.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { plain } from '../words/plain.ts';
import { ago, since } from '../words/time.ts';
import { confidenceSentence, evidenceWords, strengthWord, surfaceWord } from '../words/tool.ts';
import { Matrix, Rule, Tiers } from './tool-verdict.tsx';

function Knows({ tool }: { tool: Tool }) {
  return (
    <section>
      <h2>How Muster knows</h2>
      <ul className="facts">
        {tool.evidence.map((evidence) => {
          const { sentence, details, strength } = evidenceWords(evidence);
          return (
            <li key={JSON.stringify(evidence)}>
              <span className="fact">
                {sentence}
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

/** What its own settings let it do unasked; nothing where none of them was read. */
function OwnSettings({ tool }: { tool: Tool }) {
  if (!tool.findings || tool.findings.length === 0) return null;
  return (
    <section>
      <h2>What its settings allow</h2>
      <Findings findings={tool.findings.map(({ points: _points, ...finding }) => finding)} />
    </section>
  );
}

function Places({ tool }: { tool: Tool }) {
  const { now } = useMuster();
  return (
    <section>
      <h2>Where it is</h2>
      <ul className="facts">
        {tool.places.map((place) => (
          <li key={`${place.surface} ${place.path} ${place.version} ${place.home}`}>
            <span>
              {surfaceWord[place.surface]}
              {place.version !== null && (
                <>
                  , version <Outside text={place.version} />
                </>
              )}
            </span>
            {place.path !== null && (
              <small>
                <Code text={place.path} />
              </small>
            )}
            <small>
              {place.running ? 'Running now' : place.present ? 'Not running' : `No longer there, last seen ${ago(place.lastSeen, now)}`}
            </small>
          </li>
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

const LONGER_DAYS = 14;

function Steps({ tool, open, of }: { tool: Tool; open: boolean; of: Standing }) {
  const { ask, now } = useMuster();
  const { verdict } = tool;
  if (open || !tool.present) return null;
  const name = plain(tool.name);
  const request = (label: string, primary: boolean) => (
    <button
      type="button"
      className={primary ? 'btn btn-primary' : 'btn'}
      aria-label={`${label}: ${name}`}
      onClick={() => ask([askable(tool)])}
    >
      {label}
    </button>
  );
  const approvedLink = (primary: boolean) => (
    <a className={primary ? 'btn btn-primary' : 'btn'} href="#approved">
      See what’s approved
    </a>
  );
  const left = verdict.until === null ? Infinity : new Date(verdict.until).getTime() - now.getTime();
  switch (verdict.status) {
    case 'unreviewed':
    case 'tier-unknown':
      return request('Request approval', of === 'needs');
    case 'expired':
      return request('Ask again', true);
    case 'wrong-tier':
    case 'prohibited':
      return (
        <>
          {request('Ask for an exception', false)}
          {approvedLink(true)}
        </>
      );
    case 'tolerated':
      return approvedLink(false);
    case 'approved':
    case 'conditional':
      return left < LONGER_DAYS * 86_400_000 ? request('Ask for longer', false) : null;
    default:
      return null;
  }
}

export function ToolPage({ id }: { id: string }) {
  const { snapshot, now } = useMuster();
  const tool = snapshot.tools.find((one) => one.id === id);
  if (!tool) {
    return (
      <section className="middle">
        <h1 className="display" tabIndex={-1}>
          This tool isn’t on the list any more.
        </h1>
        <div className="acts">
          <a className="btn btn-primary" href="#home">
            See your tools
          </a>
        </div>
      </section>
    );
  }
  const requests = [...snapshot.requests].filter(({ item }) => item === tool.id).sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
  const shown = requests.filter(({ state }) => state !== 'withdrawn');
  const open = requests.some(({ state }) => state === 'open' || state === 'needs-info');
  const versions = [...new Set(tool.places.filter(({ present }) => present || !tool.present).flatMap(({ version }) => version ?? []))];
  const meta = [
    tool.vendor,
    [...new Set(tool.surfaces.map((surface) => surfaceWord[surface]))].join(' and '),
    versions.length > 0 && `version ${versions.join(' and ')}`,
    tool.running ? 'running now' : tool.present ? 'not running' : `no longer here, last seen ${ago(tool.lastSeen, now)}`,
  ].filter(Boolean);
  return (
    <section aria-labelledby="tool-name" data-tool-page={tool.id}>
      <a className="crumb" href="#home">
        <Icon name="left" />
        Home
      </a>
      <div className="tool-head">
        <div>
          <div className="bar wrap">
            <h1 className="display" id="tool-name" tabIndex={-1} title={plain(tool.name)}>
              <Outside text={tool.name} />
            </h1>
            <StatusBadge verdict={tool.verdict} now={now} />
          </div>
          <p className="meta">
            <Outside text={meta.join(', ')} />
          </p>
        </div>
        <div className="acts">
          <Steps tool={tool} open={open} of={toolStanding(tool)} />
        </div>
      </div>
      <Trouble />
      <p className="lead">
        <Outside text={tool.verdict.reason} />
      </p>
      {tool.note !== null && (
        <p className="note">
          <Icon name="info" />
          <Outside text={tool.note} />
        </p>
      )}
      {shown.length > 0 && (
        <ul className="group after-s" aria-label="Your requests for it">
          {shown.slice(0, 1).map((request) => (
            <RequestCard key={request.id} request={request} heading="h2" link={false} />
          ))}
        </ul>
      )}
      <div className="tool-cols">
        <div>
          <Tiers tool={tool} />
          <section>
            <h2>What you may use it with</h2>
            <Matrix tool={tool} />
          </section>
          <Rule tool={tool} />
          <OwnSettings tool={tool} />
        </div>
        <aside aria-label="Facts">
          <Knows tool={tool} />
          <Places tool={tool} />
        </aside>
      </div>
    </section>
  );
}
