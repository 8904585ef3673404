/**
 * The window in front on Linux under X11, by `xprop`: once for which window it is, and once for its process and class.
 *
 * Starting a program is most of what a look costs, so the second question is asked only about another window than before, or when the process
 * has ended. Properties are asked for by name, so that a title isn't even read unless titles may be matched; then it is asked for each time,
 * because a browser's changes while its window stays.
 */
import { accessSync, constants, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ForegroundObserver } from '../foreground.ts';
import type { WindowObservation } from '../observation.ts';
import type { Os } from '../os.ts';

/** `titles`: whether policy lets titles be matched. */
export async function x11Foreground(os: Os, titles: boolean): Promise<ForegroundObserver> {
  let last: { id: string; process: string; observation: WindowObservation } | undefined;

  function available(): ReturnType<ForegroundObserver['available']> {
    const { env } = os;
    // Under Wayland an X11 display is there too, but it knows only the windows of old programs, and would name one that isn't in front.
    if (env['XDG_SESSION_TYPE'] === 'wayland' || env['WAYLAND_DISPLAY']) {
      return { ok: false, why: 'This is a Wayland session, and Wayland shows no program which window is in front.' };
    }
    if (!env['DISPLAY']) return { ok: false, why: 'There is no display here, so no window is in front.' };
    if (!isOnPath('xprop')) {
      return { ok: false, why: 'xprop is missing, which tells the window in front; install the package x11-utils (Fedora: xprop).' };
    }
    return { ok: true };
  }

  function isOnPath(program: string): boolean {
    return (os.env['PATH'] ?? '').split(':').some((folder) => {
      if (!path.isAbsolute(folder)) return false;
      try {
        accessSync(os.at(path.join(folder, program)), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
  }

  async function askDisplay(): Promise<string> {
    try {
      return await os.run('xprop', ['-root', '_NET_ACTIVE_WINDOW']);
    } catch {
      throw new Error(`The X display ${os.env['DISPLAY']} doesn't answer; start Muster inside the desktop session that it belongs to.`);
    }
  }

  /** Changes when the process has ended, or another has its pid: the same trick as in the process reader. */
  function processMark(pid: number): string {
    const status = statSync(os.at(`/proc/${pid}`), { throwIfNoEntry: false });
    return status ? `${status.ino} ${status.ctimeMs}` : '';
  }

  function exeOf(pid: number): string | null {
    try {
      return readlinkSync(os.at(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
    } catch {
      return null;
    }
  }

  return {
    available,
    async look() {
      if (!available().ok) return null;
      const id = windowId(await askDisplay());
      if (id === null) return null;
      if (last?.id === id && last.process !== '' && last.process === processMark(last.observation.pid)) return last.observation;
      last = undefined;
      let text: string;
      try {
        text = await os.run('xprop', ['-id', id, '_NET_WM_PID', 'WM_CLASS', ...(titles ? ['_NET_WM_NAME', 'WM_NAME'] : [])]);
      } catch {
        // It has closed meanwhile.
        return null;
      }
      const { pid, appName, title } = windowFacts(text);
      if (pid === null) return null;
      const observation: WindowObservation = { kind: 'window', pid, exe: exeOf(pid), bundleId: null, appName, title };
      if (!titles) last = { id, process: processMark(pid), observation };
      return observation;
    },
  };
}

/** The window in `_NET_ACTIVE_WINDOW(WINDOW): window id # 0x1a00007`; null for none (0x0), or where no window manager says. */
export function windowId(text: string): string | null {
  const id = /window id # (0x[0-9a-f]+)/i.exec(text)?.[1];
  return id === undefined || Number(id) === 0 ? null : id;
}

/** What `xprop` says of one window. Any of it may be missing, and a window says what it likes: nothing here is proof. */
export function windowFacts(text: string): { pid: number | null; appName: string | null; title: string | null } {
  const line = (property: string) => new RegExp(`^${property}\\(\\w+\\) = (.*)$`, 'm').exec(text)?.[1] ?? '';
  const pid = Number(/^\d{1,10}$/.exec(line('_NET_WM_PID'))?.[0] ?? 0);
  return {
    pid: pid > 0 ? pid : null,
    // The instance comes first and the class, which is the program's name, last.
    appName: quoted(line('WM_CLASS')).at(-1) || null,
    title: quoted(line('_NET_WM_NAME'))[0] || quoted(line('WM_NAME'))[0] || null,
  };
}

/** The texts between quotes; bytes outside of ASCII are written as octal numbers where the locale isn't UTF-8. */
function quoted(value: string): string[] {
  return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner = '']) =>
    inner
      .replaceAll(/(?:\\[0-3][0-7]{2})+/g, (run) =>
        Buffer.from(
          run
            .split('\\')
            .slice(1)
            .map((octal) => Number.parseInt(octal, 8)),
        ).toString('utf8'),
      )
      .replaceAll(/\\(.)/g, '$1'),
  );
}
