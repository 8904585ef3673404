/** Asks for approval: one item at a time, in a native modal dialog. What is shown is what is stored; Esc keeps it for later. */
import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { type Askable, refusal, useMuster } from '../use-muster.ts';
import { namesText } from '../words/list.ts';
import { plain } from '../words/plain.ts';
import { today } from '../words/time.ts';
import { trainsWord } from '../words/tool.ts';
import { Outside } from './outside.tsx';

type Draft = { readonly reason: string; readonly tier: string | null; readonly dataClass: string | null; readonly until: string };

/** What was begun and not sent, by item; lives as long as the window. */
export type Drafts = Map<string, Draft>;

/** The agent takes no longer reason than this would need, and a form is no place for more. */
const LONGEST = 2000;

function start({ item, tier, tiers }: Askable, drafts: Drafts): Draft {
  return drafts.get(item) ?? { reason: '', tier: tiers.some(({ id }) => id === tier) ? tier : null, dataClass: null, until: '' };
}

type Failure = { readonly field: 'reason' | null; readonly message: string };

function Form({
  ask,
  place,
  drafts,
  onDone,
  onCancel,
  onSkip,
}: {
  ask: Askable;
  place: string | null;
  drafts: Drafts;
  onDone: () => void;
  onCancel: () => void;
  onSkip: (() => void) | null;
}) {
  const { snapshot, agent, announce, now } = useMuster();
  const [draft, setDraft] = useState(() => start(ask, drafts));
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [kept] = useState(() => drafts.has(ask.item));
  // The first empty field; where nothing is empty, the reason.
  const [first] = useState(() => (ask.tiers.length > 0 && draft.tier === null ? 'tier' : 'reason'));
  const reason = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const { policy } = snapshot;

  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    setDraft(next);
    drafts.set(ask.item, next);
  };

  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (sending) return;
    const text = draft.reason.trim();
    if (text === '') {
      setFailure({ field: 'reason', message: 'Say what you would use it for; IT decides by that.' });
      reason.current?.focus();
      return;
    }
    const sent: Draft = { ...draft, reason: text };
    setDraft(sent);
    setSending(true);
    setFailure(null);
    agent
      .request({ item: ask.item, reason: text, tier: sent.tier, dataClass: sent.dataClass, until: sent.until === '' ? null : sent.until })
      .then(
        () => {
          drafts.delete(ask.item);
          announce(`Approval for ${plain(ask.name)} is asked for. You find it under Your requests.`);
          onDone();
        },
        (error: unknown) => {
          setSending(false);
          setFailure({ field: null, message: refusal(error).message });
        },
      );
  };

  return (
    <form
      noValidate
      onSubmit={send}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send(event);
      }}
    >
      <header>
        <div className="bar">
          <h2 className="title" id={`${id}-title`}>
            Request approval for <Outside text={ask.name} />
          </h2>
          {place !== null && (
            <span className="small ink-3 push">
              <Outside text={place} />
            </span>
          )}
        </div>
        <p className="ink-2">
          {policy.rev === null
            ? 'There is no policy on this computer yet. Your request is kept here until somebody can answer it.'
            : `${policy.organization ?? 'IT'} decides; the answer comes under Your requests.`}
          {kept ? ' What you wrote before is still here.' : ''}
        </p>
      </header>
      <div className="body">
        {ask.tiers.length > 0 && (
          <fieldset className="field">
            <legend className="label">Licence tier</legend>
            <div className="seg">
              {ask.tiers.map((tier, at) => (
                <label key={tier.id} title={trainsWord[tier.trains]}>
                  <input
                    type="radio"
                    name="tier"
                    data-first={first === 'tier' && at === 0 ? '' : undefined}
                    value={tier.id}
                    checked={draft.tier === tier.id}
                    onChange={() => change({ tier: tier.id })}
                  />
                  <span>
                    <Outside text={tier.name} />
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
        <div className="field">
          <label className="label" htmlFor={`${id}-reason`}>
            What you’d use it for
          </label>
          <textarea
            ref={reason}
            data-first={first === 'reason' ? '' : undefined}
            id={`${id}-reason`}
            className="input"
            rows={3}
            required
            maxLength={LONGEST}
            readOnly={sending}
            dir="auto"
            value={draft.reason}
            aria-invalid={failure?.field === 'reason'}
            aria-describedby={failure?.field === 'reason' ? `${id}-failure` : undefined}
            onChange={(event) => {
              change({ reason: event.target.value });
              if (failure?.field === 'reason') setFailure(null);
            }}
          />
          {failure?.field === 'reason' && (
            <p className="failure" id={`${id}-failure`} role="alert">
              {failure.message}
            </p>
          )}
        </div>
        {policy.dataClasses.length > 0 && (
          <fieldset className="field">
            <legend className="label">The most sensitive data it would see</legend>
            <div className="checks">
              {policy.dataClasses.map((one) => (
                <label key={one.id} className="check">
                  <input
                    type="radio"
                    name="class"
                    value={one.id}
                    checked={draft.dataClass === one.id}
                    onChange={() => change({ dataClass: one.id })}
                  />
                  <span>
                    <Outside text={one.label} />{' '}
                    {one.examples !== null && (
                      <small>
                        <Outside text={one.examples} />
                      </small>
                    )}
                  </span>
                </label>
              ))}
            </div>
          </fieldset>
        )}
        <div className="field">
          <label className="label" htmlFor={`${id}-until`}>
            Until <span className="optional">optional</span>
          </label>
          <input
            id={`${id}-until`}
            className="input date"
            type="date"
            min={today(now)}
            value={draft.until}
            aria-describedby={`${id}-until-hint`}
            onChange={(event) => change({ until: event.target.value })}
          />
          <span className="hint" id={`${id}-until-hint`}>
            Leave it empty to ask without an end.
          </span>
        </div>
        {failure !== null && failure.field === null && (
          <p className="failure" role="alert">
            <Outside text={failure.message} /> What you wrote is kept.
          </p>
        )}
      </div>
      <footer>
        <span className="small ink-3">What you see here is what is kept.</span>
        <div className="acts">
          {onSkip !== null && (
            <button type="button" className="btn btn-plain" onClick={onSkip}>
              Skip this one
            </button>
          )}
          <button type="button" className="btn" onClick={onCancel}>
            Not now
          </button>
          <button type="submit" className="btn btn-primary" aria-disabled={sending}>
            {sending ? 'Sending…' : 'Send request'}
          </button>
        </div>
      </footer>
    </form>
  );
}

/** Open while there are items. The focus goes back to where it was; where that is gone, `onClosed` finds it a place. */
export function RequestDialog({ items, drafts, onClosed }: { items: readonly Askable[]; drafts: Drafts; onClosed: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [at, setAt] = useState(0);
  const ask = items[at];
  const next = items[at + 1];

  useEffect(() => {
    const element = dialog.current;
    if (!element || !items[at]) return;
    if (!element.open) element.showModal();
    element.querySelector<HTMLElement>('[data-first]')?.focus();
  }, [items, at]);

  if (!ask) return null;
  const go = () => (next ? setAt(at + 1) : dialog.current?.close());
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-label={`Request approval for ${plain(ask.name)}`}
      onClose={onClosed}
      onClick={(event) => {
        // A click beside the dialog is a click on its backdrop.
        if (event.target === event.currentTarget) dialog.current?.close();
      }}
      onKeyDown={() => {}}
    >
      <Form
        key={ask.item}
        ask={ask}
        place={items.length > 1 ? `${at + 1} of ${items.length}.${next ? ` ${namesText([next.name])} is next.` : ''}` : null}
        drafts={drafts}
        onDone={go}
        onCancel={() => dialog.current?.close()}
        onSkip={next ? go : null}
      />
    </dialog>
  );
}
