/** The hooks in an agent's settings: which programs it starts by itself. Of their lines nothing goes on, for they may hold secrets. Pure. */
import { downloadsAndRuns } from '../risks/launch.ts';
import { blankName } from '../secrets.ts';
import { isMap, own } from '../text.ts';
import { programName, unwrap } from '../unwrap.ts';
import { texts } from './clients.ts';

export type Hook = { readonly event: string; readonly command: string };
const maximumHooks = 500;

/** Every command under `hooks`, whichever way the client nests them. */
export function hooksOf(hooks: unknown): Hook[] {
  const found: Hook[] = [];
  const walk = (event: string, value: unknown, depth: number): void => {
    if (depth > 6 || found.length >= maximumHooks) return;
    if (Array.isArray(value)) for (const one of value) walk(event, one, depth + 1);
    else if (isMap(value)) {
      for (const field of ['command', 'bash', 'powershell', 'commandWindows']) {
        const command = own(value, field);
        const args = texts(own(value, 'args'));
        if (typeof command === 'string') found.push({ event, command: [command, ...args].join(' ') });
      }
      walk(event, own(value, 'hooks'), depth + 1);
    }
  };
  if (isMap(hooks)) for (const [event, value] of Object.entries(hooks)) walk(event, value, 0);
  return found;
}

/** When the first hook runs that downloads what it runs: the client's word for that moment, or nothing more where it isn't one. */
export function fetchingHook(hooks: readonly Hook[]): string | null {
  const fetching = hooks.find(({ command }) => downloadsAndRuns(command) !== null);
  return fetching ? (/^[A-Za-z_-]{1,40}$/.test(fetching.event) ? fetching.event : '') : null;
}

/** The program of a hook at the start of a session: its name and nothing of its line. */
export function startHook(hooks: readonly Hook[]): string | null {
  const start = hooks.find(({ event }) => /^session_?start$/i.test(event));
  if (!start) return null;
  const [head = ''] = unwrap([start.command]);
  const name = programName(head.trim().split(/\s+/)[0] ?? '').replace(/["']/g, '');
  return /^[\w.+-]{1,60}$/.test(name) ? blankName(name) : '';
}
