/** A verdict as glyph and word. The glyph carries the colour, the word carries the meaning. */
import type { Verdict } from '../../electron/contract.ts';
import { glyph, tone, word } from '../words/status.ts';
import { Glyph } from './icon.tsx';

export function StatusBadge({ verdict, now }: { verdict: Verdict; now: Date }) {
  const name = glyph(verdict);
  return (
    <span className={`st st-badge is-${tone(name)}`}>
      <Glyph name={name} />
      {word(verdict, now)}
    </span>
  );
}
