/** The policy in words: what its mode means here, what makes a clause hold, whether it is proven, and what was granted to this computer. */
import type { Assurance, Clause, Control, GrantInForce, PolicyInForce, Setting } from '../../electron/contract.ts';
import type { GlyphName } from './status.ts';
import { lastDay, onDay } from './time.ts';
import { trainsWord } from './tool.ts';

/** What the managed settings let Muster do by itself here; null where the agent doesn't tell its settings. */
export function mayAct(settings: readonly Setting[] | undefined): boolean | null {
  if (!settings) return null;
  const allowed = settings.find(({ name }) => name === 'allowActions');
  return allowed !== undefined && allowed.value !== 'none';
}

/** What Muster does about the policy on this computer, in one or two sentences. */
export function modeText({ mode }: Pick<PolicyInForce, 'mode'>, settings: readonly Setting[] | undefined): string {
  const acts = mayAct(settings);
  const stops =
    acts === null
      ? ''
      : acts
        ? ' Where a rule says so, it also switches something off, and tells you before.'
        : ' It switches nothing off on this computer.';
  switch (mode) {
    case 'monitor':
      return `For now Muster only records what is here.${stops}`;
    case 'warn':
      return `Muster tells you what needs something from you.${stops}`;
    case 'enforce':
      return acts === true
        ? 'Muster tells you what needs something from you, and where a rule says so it switches that off by itself, after a notice.'
        : `The policy asks that what isn’t allowed is switched off.${acts === false ? ' IT hasn’t let Muster do that on this computer, so it only tells you.' : ''}`;
  }
}

const controlWord: Readonly<Record<Control, string>> = {
  verdict: 'Every tool and every MCP server has a status, with its reason.',
  request: 'You can ask for what isn’t approved.',
  notice: 'Muster tells you when something needs you.',
  'mcp-gate': 'Muster switches off an MCP server that isn’t allowed.',
  'process-gate': 'Muster ends a program that isn’t allowed.',
  evidence: 'Every decision is kept in a record that shows when somebody changes it.',
  acknowledge: 'You are asked to say that you have read it.',
};

export type Backing = { readonly by: 'Muster' | 'People' | 'Nobody yet'; readonly text: string };

/** What makes a clause hold, in the order of Muster, people, nobody; empty where the agent doesn't tell. */
export function backingOf({ controls, byPeople }: Clause): readonly Backing[] {
  if (!controls) return [];
  const muster = controls.length > 0 ? [{ by: 'Muster' as const, text: controls.map((one) => controlWord[one]).join(' ') }] : [];
  const people = byPeople === undefined ? [] : [{ by: 'People' as const, text: byPeople }];
  const both = [...muster, ...people];
  return both.length > 0 ? both : [{ by: 'Nobody yet', text: 'It is a wish: nothing here makes sure of it.' }];
}

/** Whether it is signed, by whose word, since when, and until when. */
export function trustText({ trust, source }: Pick<PolicyInForce, 'trust' | 'source'>, now: Date): { word: string; text: string } {
  if (!trust) {
    const where = source === null ? '' : ` It is the file ${source}.`;
    return { word: 'Not signed', text: `Nobody signed it, so anybody who can write on this computer could have changed it.${where}` };
  }
  const keys = trust.roots === 'managed' ? 'keys that IT has put on this computer' : 'keys that were kept when this computer joined';
  const issued = onDay(trust.issuedAt, now);
  const accepted = onDay(trust.acceptedAt, now);
  const ends = lastDay(trust.expiresAt, now);
  const dates = [issued && `Issued on ${issued}.`, accepted && `Here since ${accepted}.`].filter(Boolean).join(' ');
  switch (trust.state) {
    case 'none':
      return { word: 'Nothing proven yet', text: `Only what ${keys} prove counts here, and nothing like that has come.` };
    case 'current':
      return { word: 'Signed', text: `Proven by ${keys}. ${dates}${ends ? ` A newer one is due by ${ends}.` : ''}` };
    case 'expired':
      return {
        word: 'Signed, and overdue',
        text: `A newer one was due${ends ? ` by ${ends}` : ''}. This one holds until it comes. ${dates}`,
      };
    case 'withdrawn':
      return {
        word: 'Signed, its key withdrawn',
        text: `The key that signed it was withdrawn since. It holds until a newer one comes. ${dates}`,
      };
  }
}

/** The last document that was turned away, as one sentence; null where none was. */
export function refusedText({ trust }: Pick<PolicyInForce, 'trust'>, now: Date): string | null {
  if (!trust?.refused) return null;
  const { document, reason, at } = trust.refused;
  const what = { keySet: 'A set of keys', policy: 'A policy', grants: 'A list of exceptions' }[document];
  return `${what} that came on ${onDay(at, now)} was turned away. ${reason}`;
}

export const grantGlyph = ({ status, standing }: Pick<GrantInForce, 'status' | 'standing'>): GlyphName =>
  status === 'prohibited' ? 'prohibited' : standing === 'ended' ? 'expired' : 'exception';

/** “Until 30 April”, “Ends on 30 April”, “Ended on 30 April”. */
export function grantWord({ status, standing, until }: Pick<GrantInForce, 'status' | 'standing' | 'until'>, now: Date): string {
  const day = lastDay(until, now) ?? until;
  if (standing === 'ended') return `Ended on ${day}`;
  if (status === 'prohibited') return `Not allowed until ${day}`;
  return standing === 'ending' ? `Ends on ${day}` : `Until ${day}`;
}

const LONGER_MS = 14 * 86_400_000;

/** In its last two weeks, and after its end, there is still time to ask for longer. */
export const mayAskLonger = ({ status, until }: Pick<GrantInForce, 'status' | 'until'>, now: Date): boolean =>
  status !== 'prohibited' && new Date(until).getTime() - now.getTime() < LONGER_MS;

/** What was found out before it was allowed, as pairs to read. */
export function assurancePairs(assurance: Assurance | undefined): readonly (readonly [string, string])[] {
  if (!assurance) return [];
  const { training, dpa, residency, reviewedBy } = assurance;
  const pairs: [string, string | undefined][] = [
    ['Training', training && trainsWord[training]],
    ['Agreement about data', dpa === undefined ? undefined : dpa ? 'There is one' : 'There is none'],
    ['Where data is kept', residency],
    ['Looked at by', reviewedBy],
  ];
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}
