/** A glyph or an icon by its name. Always beside a word, so neither is read out. */
import type { GlyphName } from '../words/status.ts';
import { tone } from '../words/status.ts';

export type IconName =
  | 'home'
  | 'book'
  | 'policy'
  | 'plug'
  | 'ask'
  | 'sees'
  | 'sent'
  | 'search'
  | 'right'
  | 'left'
  | 'check'
  | 'close'
  | 'dash'
  | 'lock'
  | 'external'
  | 'refresh'
  | 'info'
  | 'person'
  | 'team'
  | 'offline'
  | 'key'
  | 'laptop'
  | 'problem';

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg className={className ? `icon ${className}` : 'icon'} aria-hidden="true">
      <use href={`#i-${name}`} />
    </svg>
  );
}

export function Glyph({ name }: { name: GlyphName }) {
  return (
    <svg className={`g tone-${tone(name)}`} aria-hidden="true">
      <use href={`#g-${name}`} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg className="mark" aria-hidden="true">
      <use href="#mark" />
    </svg>
  );
}
