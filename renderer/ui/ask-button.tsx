/** A button that asks the agent for something that takes a while: meanwhile, and while the agent isn't there, it says so and does nothing. */
import { useState } from 'react';
import { useMuster } from '../use-muster.ts';
import { Icon } from './icon.tsx';

/** `busy`: it is under way without having been asked for here. `ask` resolves when it is over, however it went. */
export function AskButton(props: { label: string; meanwhile: string; busy?: boolean; ask: () => Promise<void> }) {
  const { link } = useMuster();
  const [asked, setAsked] = useState(false);
  const busy = asked || props.busy === true;
  const away = link.state !== 'up';
  const ask = () => {
    if (busy || away) return;
    setAsked(true);
    void props.ask().finally(() => setAsked(false));
  };
  return (
    <button
      type="button"
      className="btn"
      aria-disabled={busy || away}
      onClick={ask}
      title={away ? 'The checker isn’t there just now.' : undefined}
    >
      <Icon name="refresh" />
      {busy ? props.meanwhile : props.label}
    </button>
  );
}
