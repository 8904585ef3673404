/** The frame: navigation, the page that the address names, the dialogs above it, and the words while nothing is known yet. */
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { mustAcknowledge, toolStanding } from '../electron/attention.ts';
import type { Snapshot, View, WindowAgent, WindowShell } from '../electron/contract.ts';
import { serverGroups } from '../electron/same-server.ts';
import { parseRoute, type Route, toolLink } from './route.ts';
import { FirstRun } from './ui/first-run.tsx';
import { Icon, type IconName, Mark } from './ui/icon.tsx';
import { LoadingLineUp } from './ui/line-up.tsx';
import { Outside } from './ui/outside.tsx';
import { type Drafts, RequestDialog } from './ui/request-dialog.tsx';
import { Sprite } from './ui/sprite.tsx';
import { useActionsSaid } from './use-actions-said.ts';
import { type Askable, type Muster, MusterContext, refusal } from './use-muster.ts';
import { type Known, type SnapshotStore, useKnown, useLasting, useNow } from './use-snapshot.ts';
import { Approved } from './views/approved.tsx';
import { firstChoice, Home } from './views/home.tsx';
import { PolicyPage } from './views/policy.tsx';
import { Requests } from './views/requests.tsx';
import { Sees } from './views/sees.tsx';
import { Sent } from './views/sent.tsx';
import { serverStanding } from './views/server-detail.tsx';
import { Servers } from './views/servers.tsx';
import { ToolPage } from './views/tool.tsx';
import { sourceWords } from './words/source.ts';

const pages: readonly (readonly { readonly view: View; readonly icon: IconName; readonly label: string }[])[] = [
  [
    { view: 'home', icon: 'home', label: 'Home' },
    { view: 'approved', icon: 'book', label: 'What’s approved' },
    { view: 'policy', icon: 'policy', label: 'The policy' },
    { view: 'servers', icon: 'plug', label: 'MCP servers' },
    { view: 'requests', icon: 'ask', label: 'Your requests' },
  ],
  [
    { view: 'sees', icon: 'sees', label: 'What Muster sees' },
    { view: 'sent', icon: 'sent', label: 'What was sent' },
  ],
];

/** What each page has that needs the employee; said beside its name. */
function needsOn(view: View, { tools, mcpServers, requests, policy }: Snapshot): number {
  if (view === 'policy') return mustAcknowledge(policy) ? 1 : 0;
  if (view === 'home') return tools.filter((tool) => tool.present && toolStanding(tool) === 'needs').length;
  if (view === 'servers') return serverGroups(mcpServers).filter((group) => group.present && serverStanding(group) === 'needs').length;
  if (view === 'requests') return requests.filter(({ state }) => state === 'needs-info').length;
  return 0;
}

function Navigation({ snapshot, route }: { snapshot: Snapshot | null; route: Route }) {
  const here: View = route.view === 'tool' ? 'home' : route.view;
  return pages.map((group, at) => (
    <nav key={group[0]?.view} className="nav" aria-label={at === 0 ? 'Muster' : 'About this app'}>
      {group.map(({ view, icon, label }) => {
        const n = snapshot ? needsOn(view, snapshot) : 0;
        return (
          <a key={view} href={`#${view}`} aria-current={here === view ? 'page' : undefined}>
            <Icon name={icon} />
            <span className="nav-label">{label}</span>
            {n > 0 && (
              <span className="n">
                {n}
                <span className="vh">{n === 1 ? ' needs you' : ' need you'}</span>
              </span>
            )}
          </a>
        );
      })}
    </nav>
  ));
}

function Foot({ known }: { known: Known }) {
  const { snapshot, link } = known;
  if (!snapshot) return null;
  const { policy } = snapshot;
  return (
    <div className="side-foot">
      {link.state !== 'up' && (
        <div className="row">
          <Icon name={link.state === 'failed' ? 'problem' : 'refresh'} />
          {link.state === 'failed' ? 'The checker has stopped' : 'The checker is restarting'}
        </div>
      )}
      <div>{policy.rev === null ? 'No policy yet' : <Outside text={`${policy.organization ?? 'Your'} policy ${policy.rev}`} />}</div>
    </div>
  );
}

/** Under 300 ms nothing; then the line-up; after 4 s, what is still being looked at. */
function Loading({ known, shell }: { known: Known; shell: WindowShell }) {
  const shown = useLasting(true, 300);
  const long = useLasting(true, 4000);
  const stuck = useLasting(true, 20_000);
  const { link, snapshot } = known;
  if (link.state === 'failed' || link.state === 'restarting') return <NotThere known={known} shell={shell} />;
  const source = snapshot?.sources.find(({ state }) => state === 'looking');
  return (
    <div className="middle" role="status">
      {shown && (
        <>
          <LoadingLineUp />
          <h1 className="lead" tabIndex={-1}>
            {long ? (source ? `Still looking in ${sourceWords(source.id).place}` : 'Still starting') : 'Looking'}
          </h1>
          {stuck && link.state !== 'up' && <TryNow shell={shell} />}
        </>
      )}
    </div>
  );
}

function TryNow({ shell }: { shell: WindowShell }) {
  const [failure, setFailure] = useState<string | null>(null);
  return (
    <>
      <div className="acts">
        <button
          type="button"
          className="btn"
          onClick={() => shell.restartAgent().then(undefined, (error: unknown) => setFailure(refusal(error).message))}
        >
          Try now
        </button>
      </div>
      {failure !== null && (
        <p className="failure">
          <Outside text={failure} />
        </p>
      )}
    </>
  );
}

/** The agent is away and there is no old list to show. */
function NotThere({ known, shell }: { known: Known; shell: WindowShell }) {
  const { link } = known;
  return (
    <div className="middle" role="status">
      {link.state === 'failed' ? <Icon name="problem" className="large" /> : <LoadingLineUp />}
      <h1 className="display" tabIndex={-1}>
        {link.state === 'failed' ? 'The checker won’t start.' : 'The checker is restarting.'}
      </h1>
      <p className="lead">
        {link.detail !== null && (
          <>
            <Outside text={link.detail} />{' '}
          </>
        )}
        Your AI tools work as usual.
      </p>
      <TryNow shell={shell} />
    </div>
  );
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const onHash = () => setRoute(parseRoute(location.hash));
    window.addEventListener('hashchange', onHash);
    return () => window.removeEventListener('hashchange', onHash);
  }, []);
  return route;
}

/** The keys that go back in a browser; an application's window has none of its own. */
function useBackKey(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const back = (event.altKey && event.key === 'ArrowLeft') || (event.metaKey && event.key === '[');
      if (!back || document.querySelector('dialog[open]')) return;
      event.preventDefault();
      history.back();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** A new page is read from its heading, except that Home gives the focus back to the row that was opened. */
function useFocusOnPage(route: Route, ready: boolean): void {
  const before = useRef<Route | null>(null);
  useEffect(() => {
    if (!ready) return;
    const last = before.current;
    before.current = route;
    if (last === null || document.querySelector('dialog[open]')) return;
    const row =
      route.view === 'home' && last.view === 'tool'
        ? document.querySelector<HTMLElement>(`[data-tool="${CSS.escape(last.id)}"] .nm a`)
        : null;
    if (row) row.focus();
    else {
      document.querySelector('.page')?.scrollTo(0, 0);
      const within = (route.view === 'servers' || route.view === 'sent') && 'id' in route ? '.detail h2' : 'main h1';
      document.querySelector<HTMLElement>(within)?.focus({ preventScroll: true });
    }
  }, [route, ready]);
}

export function App({ agent, shell, store }: { agent: WindowAgent; shell: WindowShell; store: SnapshotStore }) {
  const known = useKnown(store);
  const route = useRoute();
  const now = useNow();
  const [said, setSaid] = useState({ text: '', turn: 0 });
  const [asking, setAsking] = useState<readonly Askable[]>([]);
  const [choice, setChoice] = useState(firstChoice);
  const [welcomed, setWelcomed] = useState(false);
  const drafts = useRef<Drafts>(new Map());
  const { snapshot, link, staleSince } = known;
  useFocusOnPage(route, snapshot !== null);
  useBackKey();

  useEffect(
    () =>
      shell.onShow((view, tool) => {
        location.hash = tool === null ? view : toolLink(tool);
      }),
    [shell],
  );

  const announce = useCallback((text: string) => setSaid(({ turn }) => ({ text, turn: turn + 1 })), []);
  const muster = useMemo<Muster | null>(
    () => snapshot && { snapshot, link, staleSince, now, agent, shell, announce, ask: setAsking },
    [snapshot, link, staleSince, now, agent, shell, announce],
  );

  useActionsSaid(snapshot, announce);

  const closed = () => {
    setAsking([]);
    // The browser gives the focus back to the button; where that is gone (its card has changed), the page's heading takes it.
    requestAnimationFrame(() => {
      if (document.activeElement === document.body || document.activeElement === null)
        document.querySelector<HTMLElement>('main h1')?.focus();
    });
  };

  const first = snapshot !== null && !welcomed && snapshot.told['first-run'] === undefined;
  const welcome = () => {
    setWelcomed(true);
    // Should this fail, it is said again when the window opens next; nothing is lost by that.
    agent.welcomed().then(undefined, () => {});
  };

  let page: ReactNode = <Loading known={known} shell={shell} />;
  // Before the first look has ended there may be rows already: they are shown as they come.
  if (muster && (muster.snapshot.look.at !== null || muster.snapshot.tools.length > 0)) {
    if (route.view === 'home') page = <Home choice={choice} onChoose={setChoice} />;
    else if (route.view === 'tool') page = <ToolPage key={route.id} id={route.id} />;
    else if (route.view === 'approved') page = <Approved />;
    else if (route.view === 'policy') page = <PolicyPage />;
    else if (route.view === 'servers') page = <Servers id={'id' in route ? route.id : null} />;
    else if (route.view === 'requests') page = <Requests />;
    else if (route.view === 'sent') page = <Sent id={'id' in route ? route.id : null} />;
    else page = <Sees />;
  }

  return (
    <MusterContext value={muster}>
      <Sprite />
      <div className="frame">
        <aside className="side">
          <div className="brand">
            <Mark />
            <span>Muster</span>
          </div>
          <Navigation snapshot={snapshot} route={route} />
          <Foot known={known} />
        </aside>
        <main className="page">{page}</main>
      </div>
      {/* Always there, so that a change in it is heard; the space makes the same words said twice two sayings. */}
      <div className="vh" role="status">
        {said.turn % 2 === 0 ? said.text : `${said.text}\u00a0`}
      </div>
      {muster && asking.length > 0 && <RequestDialog items={asking} drafts={drafts.current} onClosed={closed} />}
      {first && (
        <FirstRun
          organization={snapshot.policy.organization}
          looking={snapshot.look.state === 'looking'}
          sync={snapshot.sync}
          onDone={welcome}
        />
      )}
    </MusterContext>
  );
}
