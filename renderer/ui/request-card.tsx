/** One of my requests: its state in words, what I wrote, what IT said, and what I can still do. */
import { type FormEvent, useId, useState } from 'react';
import { capital } from '../../electron/attention.ts';
import type { ApprovalRequest } from '../../electron/contract.ts';
import { toolLink } from '../route.ts';
import { refusal, useMuster } from '../use-muster.ts';
import { plain } from '../words/plain.ts';
import { requestGlyph, requestWord } from '../words/status.ts';
import { ago, lastDay } from '../words/time.ts';
import { tierName } from '../words/tool.ts';
import { Glyph } from './icon.tsx';
import { Outside, Said } from './outside.tsx';

function Answer({ request }: { request: ApprovalRequest }) {
  const { agent, announce } = useMuster();
  const [text, setText] = useState('');
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const id = useId();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const answer = text.trim();
    if (sending) return;
    if (answer === '') {
      setFailure('Write your answer first.');
      return;
    }
    setSending(true);
    setFailure(null);
    agent.answer(request.id, answer).then(
      () => announce(`Your answer about ${plain(request.itemName)} is added.`),
      (error: unknown) => {
        setSending(false);
        setFailure(`${refusal(error).message} What you wrote is kept.`);
      },
    );
  };
  return (
    <form className="answer" noValidate onSubmit={send}>
      <label className="label" htmlFor={id}>
        Your answer
      </label>
      <textarea
        id={id}
        className="input"
        rows={2}
        dir="auto"
        maxLength={2000}
        value={text}
        readOnly={sending}
        onChange={(event) => setText(event.target.value)}
      />
      {failure !== null && (
        <p className="failure" role="alert">
          <Outside text={failure} />
        </p>
      )}
      <button type="submit" className="btn" aria-disabled={sending}>
        {sending ? 'Adding…' : 'Add to my request'}
      </button>
    </form>
  );
}

export function RequestCard({ request, heading, link = true }: { request: ApprovalRequest; heading: 'h2' | 'h3'; link?: boolean }) {
  const { snapshot, agent, announce, now } = useMuster();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const tool = snapshot.tools.find(({ id }) => id === request.item);
  const open = request.state === 'open' || request.state === 'needs-info';
  const dataClass = snapshot.policy.dataClasses.find(({ id }) => id === request.dataClass)?.label ?? request.dataClass;
  const Heading = heading;
  const withdraw = () => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    agent.withdraw(request.id).then(
      () => {
        setBusy(false);
        announce(`The request for ${plain(request.itemName)} is withdrawn.`);
      },
      (error: unknown) => {
        setBusy(false);
        setFailure(refusal(error).message);
      },
    );
  };
  const details = [
    request.tier !== null && `Tier ${tierName(tool?.tiers ?? [], request.tier)}`,
    dataClass !== null && `${dataClass} data`,
    request.until !== null && `until ${lastDay(request.until, now)}`,
  ].filter((text) => text !== false);
  return (
    <li className="ask" data-request={request.id}>
      <Glyph name={requestGlyph[request.state]} />
      <div>
        <Heading className="strong">
          {tool && link ? (
            <a href={toolLink(tool.id)}>
              <Outside text={request.itemName} />
            </a>
          ) : (
            <Outside text={request.itemName} />
          )}{' '}
          <span className="word">{requestWord[request.state]}</span>
        </Heading>
        <p>
          <Said text={request.reason} />
        </p>
        {details.length > 0 && (
          <p className="small ink-3">
            <Outside text={capital(details.join(', '))} />
          </p>
        )}
        {request.answer !== null && (
          <blockquote className="well quote">
            <p className="overline">IT</p>
            <Said text={request.answer} />
          </blockquote>
        )}
        {request.added !== null && (
          <blockquote className="well quote">
            <p className="overline">You added</p>
            <Said text={request.added} />
          </blockquote>
        )}
        {request.state === 'needs-info' && <Answer request={request} />}
        {failure !== null && (
          <p className="failure" role="alert">
            <Outside text={failure} />
          </p>
        )}
      </div>
      <div className="when">
        {open && (
          <button
            type="button"
            className="btn"
            aria-disabled={busy}
            onClick={withdraw}
            aria-label={`Withdraw the request for ${plain(request.itemName)}`}
          >
            {busy ? 'Withdrawing…' : 'Withdraw'}
          </button>
        )}
        <span>
          {open ? 'Asked' : 'Changed'} {ago(open ? request.createdAt : request.updatedAt, now)}
        </span>
      </div>
    </li>
  );
}
