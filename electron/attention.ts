/**
 * What needs the employee, in one place: the tray, the notifications and the window count and speak alike because all of them ask here.
 * Pure; imports the contract's types only.
 */
import type { PolicyInForce, Snapshot, Tool, Verdict, VerdictStatus } from './contract.ts';

export type Standing = 'needs' | 'waiting' | 'fine';

const standings: Readonly<Record<VerdictStatus, Standing>> = {
  'wrong-tier': 'needs',
  expired: 'needs',
  prohibited: 'needs',
  'tier-unknown': 'needs',
  unreviewed: 'needs',
  pending: 'waiting',
  approved: 'fine',
  conditional: 'fine',
  tolerated: 'fine',
};

/** Whether a verdict asks something of the employee, waits for IT, or is fine as it is. */
export function standing(verdict: Verdict): Standing {
  return standings[verdict.status];
}

/** The word that stands beside the glyph. `expired` may be followed by its date: “Ended on 30 April”. */
export const statusWord: Readonly<Record<VerdictStatus, string>> = {
  approved: 'Approved',
  conditional: 'Approved, with conditions',
  'wrong-tier': 'Wrong tier',
  'tier-unknown': 'Tier not known',
  pending: 'Request pending',
  tolerated: 'Tolerated',
  unreviewed: 'Not reviewed yet',
  prohibited: 'Not allowed',
  expired: 'Ended',
};

/** The standing of a row: a mere trace of a tool asks nothing of anybody, unless the tool isn't allowed. */
export function toolStanding(tool: Pick<Tool, 'verdict' | 'confidence'>): Standing {
  const of = standing(tool.verdict);
  return of === 'needs' && tool.confidence === 'possible' && tool.verdict.status !== 'prohibited' ? 'fine' : of;
}

/** The policy asks everybody to acknowledge it, and this employee has not. */
export function mustAcknowledge({ acknowledge }: Pick<PolicyInForce, 'acknowledge'>): boolean {
  return acknowledge?.required === true && acknowledge.acknowledgedAt === null;
}

/** What can be mended comes before what can only be asked for. */
const urgency: readonly VerdictStatus[] = ['wrong-tier', 'expired', 'prohibited', 'tier-unknown', 'unreviewed'];

const byName = (a: Tool, b: Tool) =>
  a.name.toLowerCase() < b.name.toLowerCase() ? -1 : a.name.toLowerCase() > b.name.toLowerCase() ? 1 : 0;

export type Groups = {
  /** Most urgent first, then by name. */
  readonly needs: readonly Tool[];
  readonly waiting: readonly Tool[];
  readonly fine: readonly Tool[];
  /** Was here and no longer is; counted nowhere. */
  readonly gone: readonly Tool[];
};

/** Every tool in exactly one group. */
export function groups(tools: readonly Tool[]): Groups {
  const present = tools.filter((tool) => tool.present).sort(byName);
  const of = (wanted: Standing) => present.filter((tool) => toolStanding(tool) === wanted);
  return {
    needs: of('needs').sort((a, b) => urgency.indexOf(a.verdict.status) - urgency.indexOf(b.verdict.status)),
    waiting: of('waiting'),
    fine: of('fine'),
    gone: tools.filter((tool) => !tool.present).sort(byName),
  };
}

const words = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

/** A count as it stands in a sentence: up to twelve in words. */
export function countWord(count: number): string {
  return words[count] ?? String(count);
}

/** The first word of a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const months = 'January February March April May June July August September October November December'.split(' ');

/** “30 April”, in UTC, as verdicts write their ends. */
export function dayWord(time: string): string {
  const date = new Date(time);
  return `${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
}

/** The state of this computer as one sentence, with its full stop: the first line of the window, and of the tray's menu. */
export function stateSentence(snapshot: Pick<Snapshot, 'tools' | 'look'>): string {
  const { needs, waiting, fine } = groups(snapshot.tools);
  const total = needs.length + waiting.length + fine.length;
  if (total === 0) {
    return snapshot.look.firstAt === null ? 'Looking for the AI tools on this computer.' : 'No AI tools were found on this computer.';
  }
  const subject = (count: number) =>
    total === 1
      ? 'Your one AI tool'
      : count === total
        ? total === 2
          ? 'Both of your AI tools'
          : `All ${countWord(total)} of your AI tools`
        : `${capital(countWord(count))} of your ${countWord(total)} AI tools`;
  if (needs.length > 0) return `${subject(needs.length)} ${needs.length === 1 ? 'needs' : 'need'} something from you.`;
  if (waiting.length > 0) {
    const others = fine.length === 0 ? '' : fine.length === 1 ? '; the other is fine' : '; the others are fine';
    return `${subject(waiting.length)} ${waiting.length === 1 ? 'waits' : 'wait'} for an answer${others}.`;
  }
  if (total === 1) return 'Your one AI tool is fine as it is.';
  return total === 2 ? 'Both of your AI tools are fine as they are.' : `All ${countWord(total)} tools are fine as they are.`;
}
