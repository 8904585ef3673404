/** What Muster reads, what it never reads, and who sees it: said once, before the first list is shown. */
import { useEffect, useRef } from 'react';
import type { SyncStatus } from '../../electron/contract.ts';
import { leavesText } from '../words/sync.ts';
import { Icon, Mark } from './icon.tsx';
import { Outside } from './outside.tsx';

type Props = {
  readonly organization: string | null;
  readonly looking: boolean;
  readonly sync: SyncStatus | undefined;
  readonly onDone: () => void;
};

export function FirstRun({ organization, looking, sync, onDone }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const step = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
    step.current?.focus();
  }, []);
  return (
    <dialog ref={dialog} className="first" aria-labelledby="first-title" onClose={onDone}>
      <div className="inner">
        <div className="appicon">
          <Mark />
        </div>
        <h2 className="display" id="first-title">
          {organization === null
            ? 'Muster lists the AI tools on this computer'
            : `${organization} asks which AI tools are in use. Muster makes the list`}
          , and shows you what’s approved.
        </h2>
        <p className="lead">You see the list first, and all of it. Nothing is switched off without a notice.</p>
        <div className="three">
          <section>
            <h3>It reads</h3>
            <ul>
              <li>
                <Icon name="check" />
                which AI apps, command-line tools and extensions are installed, and which models
              </li>
              <li>
                <Icon name="check" />
                which of them are running, which one is in front, and for how long in a day
              </li>
              <li>
                <Icon name="check" />
                on which plan an AI tool is signed in, and whether the account is your organization’s
              </li>
              <li>
                <Icon name="check" />
                how MCP servers and agents are set up, in your AI tools and your projects, with the values of keys blanked
              </li>
            </ul>
          </section>
          <section>
            <h3>It never reads</h3>
            <ul>
              <li>
                <Icon name="close" />
                prompts, answers or chats
              </li>
              <li>
                <Icon name="close" />
                your documents and code
              </li>
              <li>
                <Icon name="close" />
                what you type, and the screen
              </li>
              <li>
                <Icon name="close" />
                browsing history and passwords
              </li>
            </ul>
          </section>
          <section>
            <h3>Who sees the list</h3>
            <ul>
              <li>
                <Icon name="person" />
                you, all of it, always
              </li>
              <li>
                <Icon name="laptop" />
                <Outside text={leavesText(sync)} />
              </li>
            </ul>
          </section>
        </div>
      </div>
      <footer>
        <span className="ink-3">{looking ? 'The first look is under way.' : 'The first look is done.'}</span>
        <div className="acts">
          <button
            type="button"
            className="btn"
            onClick={() => {
              location.hash = 'sees';
              dialog.current?.close();
            }}
          >
            What Muster sees
          </button>
          <button type="button" ref={step} className="btn btn-primary" onClick={() => dialog.current?.close()}>
            Show me the list
          </button>
        </div>
      </footer>
    </dialog>
  );
}
