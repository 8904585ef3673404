/** Something that Muster does by itself: what and when, why, what changes, and how to put it off or take it back. */
import { useState } from 'react';
import type { Action } from '../../electron/contract.ts';
import { refusal, useMuster } from '../use-muster.ts';
import { useNow } from '../use-snapshot.ts';
import { actionText, asksNow, nowLabel } from '../words/action.ts';
import { clientName } from '../words/mcp.ts';
import { plain } from '../words/plain.ts';
import type { GlyphName } from '../words/status.ts';
import { CodeDiff } from './code-diff.tsx';
import { Glyph } from './icon.tsx';
import { Code, Outside } from './outside.tsx';

const glyphs: Readonly<Record<Action['state'], GlyphName>> = {
  waiting: 'pending',
  done: 'prohibited',
  undone: 'approved',
  failed: 'tier-unknown',
  refused: 'unreviewed',
  would: 'unreviewed',
};

function Buttons({ action }: { action: Action }) {
  const { agent, announce } = useMuster();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const name = plain(action.itemName);
  const take = (call: () => Promise<unknown>, done: string) => {
    if (busy) return;
    setBusy(true);
    setFailure(null);
    call()
      .then(
        () => announce(done),
        (error: unknown) => setFailure(refusal(error).message),
      )
      .finally(() => setBusy(false));
  };
  const entry = action.kind === 'disable-entry';
  return (
    <>
      <div className="acts">
        {action.state === 'waiting' && (
          <button
            type="button"
            className="btn"
            aria-disabled={busy}
            aria-label={`${nowLabel(action.kind)}: ${name}`}
            onClick={() => take(() => agent.actNow(action.id), entry ? `${name} is switched off.` : `${name} is ended.`)}
          >
            {nowLabel(action.kind)}
          </button>
        )}
        {action.mayKeep && (
          <button
            type="button"
            className="btn"
            aria-disabled={busy}
            aria-label={`Keep it for today: ${name}`}
            onClick={() => take(() => agent.keepForToday(action.id), `${name} stays for today.`)}
          >
            Keep it for today
          </button>
        )}
        {action.mayUndo && (
          <button
            type="button"
            className="btn"
            aria-disabled={busy}
            aria-label={`Undo: ${name}`}
            onClick={() => take(() => agent.undo(action.id), entry ? `${name} is on again.` : `${name} may run again.`)}
          >
            Undo
          </button>
        )}
      </div>
      {failure !== null && (
        <p className="failure" role="alert">
          <Outside text={failure} />
        </p>
      )}
    </>
  );
}

/** Counts down by itself: seconds are drawn in the last minute only, and never read out while they pass. */
export function ActionCard({ action, heading: Heading = 'h3' }: { action: Action; heading?: 'h2' | 'h3' }) {
  const { snapshot } = useMuster();
  const now = useNow(action.state === 'waiting' ? 1000 : 30_000);
  const server = snapshot.mcpServers.find(({ id }) => id === action.server);
  const client = server ? clientName(server.client, snapshot.tools) : null;
  const { preview } = action;
  const changes = preview.before.length > 0 || preview.after.length > 0;
  return (
    <li className="act-card" data-action={action.id} data-action-state={action.state}>
      <Glyph name={glyphs[action.state]} />
      <div>
        <Heading className="strong">
          <Outside text={actionText(action, client, now)} />
        </Heading>
        <p className="ink-2">
          <Outside text={action.why ?? action.reason} />
        </p>
        {changes && (
          <details className="more" open={action.state === 'waiting' ? true : undefined}>
            <summary>{action.state === 'done' || action.state === 'undone' ? 'What was changed' : 'What would change'}</summary>
            {preview.path !== null && (
              <p className="small ink-3">
                <Code text={preview.path} />
              </p>
            )}
            <CodeDiff before={preview.before} after={preview.after} label={`What changes for ${plain(action.itemName)}`} />
          </details>
        )}
        <Buttons action={action} />
      </div>
    </li>
  );
}

/** Those for one tool or server; nothing where there are none. */
export function ActionsFor({ of, heading = 'h2' }: { of: (action: Action) => boolean; heading?: 'h2' | 'h3' }) {
  const { snapshot } = useMuster();
  const actions = (snapshot.actions ?? []).filter(of);
  if (actions.length === 0) return null;
  return (
    <ul className="group after-s" aria-label="What Muster does about it">
      {actions.map((action) => (
        <ActionCard key={action.id} action={action} heading={heading} />
      ))}
    </ul>
  );
}

/** On Home: only what can still be stopped, has failed, or can be taken back. */
export const urgentActions = (actions: readonly Action[] | undefined): readonly Action[] => (actions ?? []).filter(asksNow);
