/** What the tray shows, as a pure function of what is known: the icon's state, the tooltip and the menu. */
import { groups, mustAcknowledge, stateSentence, statusWord } from '../attention.ts';
import type { Action, AgentLink, Platform, Snapshot, Tool, View } from '../contract.ts';

export type TrayState = 'calm' | 'attention' | 'problem';

/** What a click does. */
export type TrayAction =
  | { readonly do: 'open'; readonly view: View; readonly tool: string | null }
  | { readonly do: 'scan' }
  | { readonly do: 'restart-agent' }
  | { readonly do: 'quit' };

/** A line of the menu; without an action it is there to be read. `null` is a separator. */
export type TrayLine = { readonly label: string; readonly action: TrayAction | null } | null;

export type TrayModel = { readonly state: TrayState; readonly tooltip: string; readonly menu: readonly TrayLine[] };

const TOOLS_SHOWN = 4;
const LABEL = 60;
/** Windows cuts a tooltip here, in the middle of a word if need be. */
const TOOLTIP = 127;

/** `timeZone` is for tests; a person sees their own clock. */
export function trayModel(snapshot: Snapshot | null, link: AgentLink, platform: Platform, timeZone?: string): TrayModel {
  const clock = (iso: string) => new Date(iso).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone });
  const down = link.state === 'restarting' || link.state === 'failed';
  const grave = snapshot?.problems.filter((problem) => problem.severity === 'high') ?? [];
  const { needs, waiting, fine } = groups(snapshot?.tools ?? []);
  const sentence = (snapshot ? stateSentence(snapshot) : 'Looking for the AI tools on this computer.').replace(/\.$/, '');

  const read = (text: string): TrayLine => ({ label: label(text, platform), action: null });
  const act = (text: string, action: TrayAction): TrayLine => ({ label: label(text, platform), action });
  const open = (text: string, view: View, tool: string | null = null) => act(text, { do: 'open', view, tool });

  const menu: TrayLine[] = [];
  if (down) {
    menu.push(read(snapshot?.look.at ? `This list is from ${clock(snapshot.look.at)}` : 'Muster isn’t looking just now'));
    menu.push(read(link.retryAt ? `Its agent stopped; it starts again at ${clock(link.retryAt)}` : 'Its agent is starting again'));
    menu.push(act('Try now', { do: 'restart-agent' }));
    if (needs.length > 0) menu.push(null, read(sentence));
  } else {
    menu.push(read(sentence));
  }
  const acting = snapshot?.actions?.filter(({ state }) => state === 'waiting') ?? [];
  const unread = snapshot ? mustAcknowledge(snapshot.policy) : false;
  for (const action of acting.slice(0, TOOLS_SHOWN)) menu.push(open(actionLine(action), 'home'));
  if (unread) menu.push(open('The policy asks to be read', 'policy'));
  for (const tool of needs.slice(0, TOOLS_SHOWN)) menu.push(open(needLine(tool), 'home', tool.id));
  if (needs.length > TOOLS_SHOWN) menu.push(open(`${needs.length - TOOLS_SHOWN} more…`, 'home'));
  const counts = [
    needs.length > 0 ? `${needs.length} ${needs.length === 1 ? 'needs' : 'need'} you` : null,
    waiting.length > 0 ? `${waiting.length} waiting` : null,
    fine.length > 0 ? `${fine.length} fine` : null,
  ].filter((count) => count !== null);
  // A single count would say again what the sentence has said.
  if (counts.length > 1) menu.push(read(counts.join(', ')));
  if (grave.length > 0) menu.push(open(grave.length === 1 ? 'One problem to look at' : `${grave.length} problems to look at`, 'sees'));

  menu.push(null, open('Open Muster', 'home'));
  if (link.state === 'up') menu.push(snapshot?.look.state === 'looking' ? read('Looking…') : act('Look again', { do: 'scan' }));
  menu.push(null, open('What Muster sees', 'sees'), null, act('Quit Muster', { do: 'quit' }));

  return {
    state: down || grave.length > 0 ? 'problem' : needs.length > 0 || acting.length > 0 || unread ? 'attention' : 'calm',
    tooltip: plainText(down ? 'Muster: not up to date' : `Muster: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`, TOOLTIP),
    menu,
  };
}

/** Without the seconds that are left: a menu is drawn once and then stands. */
function actionLine({ kind, itemName }: Action): string {
  return `Muster soon ${kind === 'disable-entry' ? 'switches off' : 'ends'} ${plainText(itemName, 36)}`;
}

function needLine(tool: Tool): string {
  const word = statusWord[tool.verdict.status];
  return `${plainText(tool.name, 36)}, ${word.charAt(0).toLowerCase()}${word.slice(1)}`;
}

/** A menu takes `&` for the mark of an access key, on every platform but macOS. */
function label(text: string, platform: Platform): string {
  const plain = plainText(text, LABEL);
  return platform === 'darwin' ? plain : plain.replaceAll('&', '&&');
}

/** Text from outside as one plain line: no control characters, nothing that turns the direction of reading, at most `limit` characters. */
export function plainText(text: string, limit: number): string {
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .trim();
  const characters = [...line];
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join('')}…`;
}

/**
 * The icon's file below the folder of the tray's icons. `dark` says that the panel is dark. macOS colours one template by itself; a panel on
 * Linux is 22 px high, and Windows' notification area 16.
 */
export function trayIcon(state: TrayState, platform: Platform, dark: boolean): string {
  if (platform === 'darwin') return `muster-${state}Template.png`;
  return `muster-${state}-${dark ? 'dark' : 'light'}-${platform === 'win32' ? 16 : 22}.png`;
}
