/** What was sent: with which collector and when, a check-in at the press of a button, and each of the last ones word for word. */
import { useEffect, useState } from 'react';
import type { SentPayload } from '../../electron/contract.ts';
import { sentLink } from '../route.ts';
import { CheckInNow } from '../ui/check-in-now.tsx';
import { Icon } from '../ui/icon.tsx';
import { EmptyLineUp } from '../ui/line-up.tsx';
import { Outside } from '../ui/outside.tsx';
import { Trouble } from '../ui/trouble.tsx';
import { refusal, useMuster } from '../use-muster.ts';
import { sizeText } from '../words/place.ts';
import { plainLines } from '../words/plain.ts';
import { answerText, joinedText, lastText, nextText, sentDay, sentKey, sentWords, troubleText } from '../words/sync.ts';
import { asOf } from '../words/time.ts';

type Loaded = { readonly payloads: readonly SentPayload[]; readonly failure: string | null };

/** Asked for again after each check-in, and when the agent is back. Null before the first answer. */
function useSent(): Loaded | null {
  const { snapshot, link, agent } = useMuster();
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const { sync } = snapshot;
  const isUp = link.state === 'up';
  const standing = JSON.stringify([sync?.state, sync?.lastAt, sync?.nextAt]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: how it stands with the collector says that there may be more to ask for.
  useEffect(() => {
    if (!isUp) return;
    let isOver = false;
    agent.sentPayloads().then(
      (payloads) => !isOver && setLoaded({ payloads, failure: null }),
      (error: unknown) => !isOver && setLoaded((before) => ({ payloads: before?.payloads ?? [], failure: refusal(error).message })),
    );
    return () => {
      isOver = true;
    };
  }, [agent, isUp, standing]);
  return loaded;
}

function useToolName(): (id: string) => string {
  const { snapshot } = useMuster();
  const names = new Map(snapshot.tools.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}

/** With whom, since when, and what stands in the way. */
function Standing() {
  const { snapshot, now } = useMuster();
  const { sync } = snapshot;
  const trouble = sync && troubleText(sync);
  const next = sync && nextText(sync, now);
  return (
    <>
      <p className="ink-2">
        <Outside text={joinedText(sync)} />
      </p>
      {sync && sync.state !== 'off' && (
        <>
          <dl className="pairs small-pairs">
            <div>
              <dt>Last check-in</dt>
              <dd>{lastText(sync, now)}</dd>
            </div>
            {next && (
              <div>
                <dt>Next one</dt>
                <dd>{next}</dd>
              </div>
            )}
          </dl>
          {trouble && (
            <p className="note">
              <Icon name="offline" />
              <Outside text={trouble} />
            </p>
          )}
          <CheckInNow sync={sync} />
        </>
      )}
    </>
  );
}

function Rows({ payloads, chosen }: { payloads: readonly SentPayload[]; chosen: SentPayload | undefined }) {
  const { now } = useMuster();
  const toolName = useToolName();
  const days = Map.groupBy(payloads, ({ at }) => sentDay(at, now));
  return (
    <nav aria-label="What was sent">
      {[...days].map(([day, sent]) => (
        <section key={day}>
          <h2 className="day">{day}</h2>
          <ul>
            {sent.map((payload) => {
              const key = sentKey(payload);
              return (
                <li key={key}>
                  <a className="send" href={sentLink(key)} aria-current={payload === chosen ? 'true' : undefined} data-sent={key}>
                    <time dateTime={payload.at}>{asOf(payload.at, new Date(payload.at))}</time>
                    <Outside text={sentWords(payload, toolName).title} />
                    <small>{sizeText(payload.bytes)}</small>
                  </a>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </nav>
  );
}

function Payload({ payload }: { payload: SentPayload }) {
  const { now } = useMuster();
  const { lines } = sentWords(payload, useToolName());
  return (
    <div className="detail">
      <Trouble />
      <h2 className="title" tabIndex={-1}>
        {`${sentDay(payload.at, now)} at ${asOf(payload.at, new Date(payload.at))}`}
      </h2>
      <p className="meta">
        {/* Not to whom: it may have been another collector then. */}
        {sizeText(payload.bytes)}. <Outside text={answerText(payload)} />
      </p>
      {lines.length > 0 && (
        <ul className="sent-lines">
          {lines.map((line) => (
            <li key={line}>
              <Icon name="dash" />
              <Outside text={line} />
            </li>
          ))}
        </ul>
      )}
      <section>
        <h3 className="sec">The exact text</h3>
        {/* A box that scrolls has to be reached by keyboard. */}
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above. */}
        <section className="code sent-text" aria-label="The exact text" tabIndex={0}>
          <pre dir="ltr">{plainLines(payload.body)}</pre>
        </section>
        {payload.isCut && <p className="small ink-3">It is longer than this window shows; the rest is more of the same.</p>}
      </section>
    </div>
  );
}

export function Sent({ id }: { id: string | null }) {
  const { snapshot } = useMuster();
  const loaded = useSent();
  const payloads = loaded?.payloads ?? [];
  const chosen = payloads.find((payload) => sentKey(payload) === id) ?? payloads[0];
  const isOff = snapshot.sync === undefined || snapshot.sync.state === 'off';
  if (isOff && payloads.length === 0 && loaded?.failure == null) {
    return (
      <>
        <Trouble />
        <section className="middle">
          <EmptyLineUp />
          <h1 className="display" tabIndex={-1}>
            {snapshot.sync === undefined ? 'What was sent' : 'Nothing leaves this computer.'}
          </h1>
          <p className="lead">
            {snapshot.sync === undefined
              ? joinedText(undefined)
              : 'It belongs to no collector. Were it joined to one, each message would stand here, word for word.'}
          </p>
          <div className="acts">
            <a className="btn" href="#sees">
              What Muster sees
            </a>
          </div>
        </section>
      </>
    );
  }
  return (
    <div className="split sent">
      <div className="list">
        <header>
          <h1 className="title" tabIndex={-1}>
            What was sent
          </h1>
          <Standing />
          {loaded?.failure != null && (
            <p className="failure" role="alert">
              <Outside text={loaded.failure} />
            </p>
          )}
        </header>
        {payloads.length > 0 && <Rows payloads={payloads} chosen={chosen} />}
        {!isOff && (
          <p className="small ink-3 foot">
            At most the last 30 are kept. The one with which this computer joins isn’t, because a secret is in it: it says what the computer
            is called, its system and whose it is.
          </p>
        )}
      </div>
      {chosen ? (
        <Payload key={sentKey(chosen)} payload={chosen} />
      ) : (
        <div className="detail">
          <Trouble />
          {loaded !== null && loaded.failure === null && (
            <p className="ink-2">Nothing was sent yet. Each message then stands here, word for word.</p>
          )}
        </div>
      )}
    </div>
  );
}
