/** One tool: its verdict and the rule behind it, its plans, what may go in, how Muster knows, and where it is. */
import { type Standing, toolStanding } from '../../electron/attention.ts';
import type { Tool } from '../../electron/contract.ts';
import { ActionsFor } from '../ui/action-card.tsx';
import { BlankPage } from '../ui/blank-page.tsx';
import { Findings } from '../ui/findings.tsx';
import { Icon } from '../ui/icon.tsx';
import { askable } from '../ui/need-card.tsx';
import { Outside } from '../ui/outside.tsx';
import { RequestCard } from '../ui/request-card.tsx';
import { ToolBadge } from '../ui/status-badge.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { useMuster } from '../use-muster.ts';
import { plain } from '../words/plain.ts';
import { ago } from '../words/time.ts';
import { surfaceWord } from '../words/tool.ts';
import { Accounts, VendorData } from './tool-accounts.tsx';
import { Addons, Models } from './tool-belongings.tsx';
import { Knows, Places } from './tool-facts.tsx';
import { Matrix, Rule, Tiers } from './tool-verdict.tsx';

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
  if (!tool) return <BlankPage title="This tool isn’t on the list any more." bare />;
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
            <ToolBadge tool={tool} now={now} />
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
      {tool.confidence === 'possible' && (
        <p className="note">
          <Icon name="info" />
          Only a trace of it is here, no more: it may be gone, or may never have been here.
        </p>
      )}
      {(tool.note !== null || tool.feature) && (
        <p className="note">
          <Icon name="info" />
          <span>
            {tool.feature && <span className="strong">Being here isn’t being used. </span>}
            {tool.note === null ? 'AI is one feature of it among others.' : <Outside text={tool.note} />}
          </span>
        </p>
      )}
      <ActionsFor of={({ item }) => item === tool.id} />
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
          <Accounts tool={tool} />
          <section>
            <h2>What you may use it with</h2>
            <Matrix tool={tool} />
          </section>
          <VendorData tool={tool} />
          <Rule tool={tool} />
          <OwnSettings tool={tool} />
          <Addons tool={tool} />
          <Models tool={tool} />
        </div>
        <aside aria-label="Facts">
          <Knows tool={tool} />
          <Places tool={tool} />
        </aside>
      </div>
    </section>
  );
}
