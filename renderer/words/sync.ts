/** How it stands with the collector, and what each check-in was for, in words. The text of a check-in is read here as what it may be: anything. */
import { capital, countWord } from '../../electron/attention.ts';
import type { SentPayload, SyncStatus } from '../../electron/contract.ts';
import { asOf, onDay } from './time.ts';

/** The name of the collector without its path; an address that is none stands as it is. */
export function collectorHost({ collector }: SyncStatus): string | null {
  if (collector === null) return null;
  return URL.canParse(collector) ? new URL(collector).host : collector;
}

/** One sentence: to whom this computer belongs. Nothing is claimed of a collector that the agent has said nothing of. */
export function joinedText(sync: SyncStatus | undefined): string {
  if (sync === undefined) return 'The checker hasn’t said yet whether this computer belongs to a collector.';
  const host = collectorHost(sync) ?? 'its collector';
  if (sync.state === 'off') return 'This computer belongs to no collector: nothing leaves it.';
  if (sync.state === 'joining') return `This computer is to join ${host}, and hasn’t yet.`;
  if (sync.state === 'pending') return `This computer waits to be let in at ${host}; an administrator does that.`;
  return `Joined to ${host}.`;
}

/** Who else sees the list; part of a sentence. What stands until the computer is joined is true whether or not anything is known. */
export function leavesText(sync: SyncStatus | undefined): string {
  const host = sync === undefined || sync.state === 'off' ? null : collectorHost(sync);
  if (host === null) return 'nothing leaves this computer until it is joined to your organization’s collector';
  return `whoever looks after the collector at ${host} sees what is sent there, and you can read each message, word for word`;
}

/** Why there was no check-in, and that it costs nothing here; null: all is well. */
export function troubleText({ state, detail }: SyncStatus): string | null {
  if (state === 'off' || state === 'ok') return null;
  const said = detail?.trim() ?? '';
  if (state === 'joining' || state === 'pending') return said || null;
  const why = said || 'The collector couldn’t be reached.';
  return `${/[.!?]$/.test(why) ? why : `${why}.`} Nothing here depends on it.`;
}

export function lastText({ lastAt }: SyncStatus, now: Date): string {
  return asOf(lastAt, now) ?? 'None yet';
}

/** Null where nobody knows it: the status says why then. */
export function nextText({ state, nextAt }: SyncStatus, now: Date): string | null {
  if (nextAt === null) return null;
  if (state === 'offline') return 'When there is a network again';
  return Date.parse(nextAt) <= now.getTime() ? 'Any moment' : asOf(nextAt, now);
}

/** A number counts up anew after the database was lost, and the parts of one list have one time: both together name one. */
export const sentKey = ({ seq, at }: SentPayload): string => `${at}-${seq}`;

/** The day that a list of check-ins is headed by: “Today”, “Yesterday”, “3 March”. */
export function sentDay(at: string, now: Date): string {
  const day = onDay(at, now);
  if (day === null) return 'Some day';
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (day === onDay(now.toISOString(), now)) return 'Today';
  return day === onDay(yesterday.toISOString(), now) ? 'Yesterday' : day;
}

export function answerText({ answered }: SentPayload): string {
  if (answered === null) return 'It waits for its answer.';
  return answered === 'acknowledged' ? 'Acknowledged.' : `Given up: ${answered}.`;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export type SentWords = {
  /** A few words for the list: “Two changes, your request”. */
  readonly title: string;
  /** What it says, a sentence each. */
  readonly lines: readonly string[];
};

const NAMED = 6;

function namesOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(', ');
  return names.length > NAMED ? `${shown} and ${countWord(names.length - NAMED)} more` : shown;
}

const counted = (count: number, one: string) => `${countWord(count)} ${one}${count === 1 ? '' : 's'}`;

/** What one check-in was for. `toolName` gives the name of a tool's id, or the id. A text that can't be read, or was cut, is shown as it is and no more. */
export function sentWords({ body, isCut }: Pick<SentPayload, 'body' | 'isCut'>, toolName: (id: string) => string): SentWords {
  let said: Fields | null = null;
  try {
    const parsed: unknown = JSON.parse(body);
    if (isFields(parsed)) said = parsed;
  } catch {
    // Cut, or of a version that wrote something else.
  }
  if (said === null) return { title: isCut ? 'A long list' : 'A message', lines: [] };
  const itemName = (value: unknown): string => {
    const { kind, tool, name, id } = fieldsOf(value);
    return kind === 'tool' && typeof tool === 'string' ? toolName(tool) : (textOf(name) ?? textOf(id) ?? 'something without a name');
  };
  // What is gone has its key only; the name of a server isn't in that.
  const keys = listOf(said['remove']).map(String);
  const toolsGone = keys.filter((key) => key.startsWith('tool:')).map((key) => toolName(key.slice('tool:'.length)));
  const serversGone = keys.length - toolsGone.length;
  const removed = serversGone === 0 ? toolsGone : [...toolsGone, counted(serversGone, 'MCP server')];
  const changed = listOf(said['upsert']).map(itemName);
  const whole = isFields(said['snapshot']) ? said['snapshot'] : null;
  const requests = listOf(said['requests']).map((request) => textOf(fieldsOf(request)['itemName']) ?? 'something without a name');
  const usage = listOf(said['usage']);
  const days = new Set(usage.map((row) => String(fieldsOf(row)['day']))).size;
  const rows = listOf(fieldsOf(said['evidence'])['rows']).length;
  const changes = changed.length + keys.length;
  const part = whole && Number(whole['of']) > 1 ? `, part ${String(whole['part'])} of ${String(whole['of'])}` : '';

  const title = [
    whole && `the whole list${part}`,
    changes > 0 && counted(changes, 'change'),
    requests.length > 0 && (requests.length === 1 ? 'your request' : 'your requests'),
    usage.length > 0 && 'time of use',
    rows > 0 && 'the record',
  ].filter((text) => typeof text === 'string');
  const items = whole ? listOf(whole['items']).map(itemName) : [];
  const lines = [
    whole && (items.length === 0 ? `The whole list${part}: nothing is on it.` : `The whole list${part}: ${namesOf(items)}.`),
    changed.length > 0 && `How it stands with ${namesOf(changed)}.`,
    removed.length > 0 && `No longer here: ${namesOf(removed)}.`,
    requests.length > 0 && `What you asked for, with your reason: ${namesOf(requests)}.`,
    usage.length > 0 && `How long tools ran and were in front, by the day: ${counted(days, 'day')}.`,
    rows > 0 && `${capital(counted(rows, 'line'))} of the record of decisions on this computer.`,
    isFields(said['trust']) && 'Which policy counts here, and whether it could be proven.',
    isFields(said['agent']) && 'What this computer is called, its system, and the version of Muster.',
  ].filter((text) => typeof text === 'string');
  return { title: title.length === 0 ? 'No change' : capital(title.join(', ')), lines };
}
