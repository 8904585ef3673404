/** A verdict in the words and the glyph that stand for it. */
import { statusWord } from '../../electron/attention.ts';
import type { RequestState, Tool, Verdict } from '../../electron/contract.ts';
import { lastDay } from './time.ts';

export type GlyphName =
  | 'approved'
  | 'conditions'
  | 'tier'
  | 'tier-unknown'
  | 'pending'
  | 'tolerated'
  | 'unreviewed'
  | 'prohibited'
  | 'exception'
  | 'expired'
  | 'possible';

/** The colour family of a glyph and of its badge. */
export type Tone = 'ok' | 'change' | 'wait' | 'until' | 'stop' | 'quiet';

/** An approval that ends is an exception; nothing else is told apart by its end. */
const isException = (verdict: Verdict) => verdict.until !== null && (verdict.status === 'approved' || verdict.status === 'conditional');

export function glyph(verdict: Verdict): GlyphName {
  if (isException(verdict)) return 'exception';
  switch (verdict.status) {
    case 'conditional':
      return 'conditions';
    case 'wrong-tier':
      return 'tier';
    default:
      return verdict.status;
  }
}

const tones: Readonly<Record<GlyphName, Tone>> = {
  approved: 'ok',
  conditions: 'ok',
  tier: 'change',
  'tier-unknown': 'change',
  pending: 'wait',
  tolerated: 'quiet',
  unreviewed: 'quiet',
  prohibited: 'stop',
  exception: 'until',
  expired: 'until',
  possible: 'quiet',
};

export const tone = (name: GlyphName): Tone => tones[name];

/** The word beside the glyph: “Approved”, “Exception until 30 April”, “Ended on 3 March”. */
export function word(verdict: Verdict, now: Date): string {
  const day = lastDay(verdict.until, now);
  if (isException(verdict) && day) return `Exception until ${day}`;
  if (verdict.status === 'expired' && day) return `Ended on ${day}`;
  return statusWord[verdict.status];
}

export const requestGlyph: Readonly<Record<RequestState, GlyphName>> = {
  open: 'pending',
  approved: 'approved',
  denied: 'prohibited',
  'needs-info': 'tier-unknown',
  withdrawn: 'unreviewed',
  expired: 'expired',
};

export const requestWord: Readonly<Record<RequestState, string>> = {
  open: 'Waiting for an answer',
  approved: 'Approved',
  denied: 'Not approved',
  'needs-info': 'IT asks for more',
  withdrawn: 'Withdrawn by you',
  expired: 'Ended without an answer',
};

/** A mere trace is shown as such, whatever would hold for the tool; only what isn't allowed is said of a trace too. */
const isTrace = ({ confidence, verdict }: Pick<Tool, 'confidence' | 'verdict'>) =>
  confidence === 'possible' && verdict.status !== 'prohibited' && verdict.status !== 'pending';

export const toolGlyph = (tool: Pick<Tool, 'confidence' | 'verdict'>): GlyphName => (isTrace(tool) ? 'possible' : glyph(tool.verdict));

export const toolWord = (tool: Pick<Tool, 'confidence' | 'verdict'>, now: Date): string =>
  isTrace(tool) ? 'Possible' : word(tool.verdict, now);
