/** A verdict as glyph and word. The glyph carries the colour, the word carries the meaning. */
import type { Tool, Verdict } from '../../electron/contract.ts';
import { type GlyphName, glyph, tone, toolGlyph, toolWord, word } from '../words/status.ts';
import { Glyph } from './icon.tsx';

function Badge({ name, text }: { name: GlyphName; text: string }) {
  return (
    <span className={`st st-badge is-${tone(name)}`}>
      <Glyph name={name} />
      {text}
    </span>
  );
}

export const StatusBadge = ({ verdict, now }: { verdict: Verdict; now: Date }) => <Badge name={glyph(verdict)} text={word(verdict, now)} />;

/** A mere trace of a tool says that it is one. */
export const ToolBadge = ({ tool, now }: { tool: Tool; now: Date }) => <Badge name={toolGlyph(tool)} text={toolWord(tool, now)} />;
