/**
 * The window in front on Linux under X11, by get-windows, which runs `xprop` twice and `xwininfo` once.
 *
 * Three programs for each look are most of what a look costs, so one `xprop` first asks which window is in front, and the library is
 * asked only when that is another one than before or its process has ended. Where titles may be matched the library is asked each time: a
 * browser's title changes while its window stays.
 */
import { accessSync, constants, readlinkSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ForegroundObserver } from '../foreground.ts';
import type { WindowObservation } from '../observation.ts';
import type { Os } from '../os.ts';

/** What is used of get-windows' answer. */
export type FrontWindow = { readonly title: string | null; readonly owner: { readonly name: string; readonly processId: number } };

const programs = ['xprop', 'xwininfo'];

/** `ask` is get-windows; it is loaded at the first look that needs it. */
export async function x11Foreground(
  os: Os,
  titles: boolean,
  ask: () => Promise<FrontWindow | undefined> = async () => (await import('get-windows')).activeWindow(),
): Promise<ForegroundObserver> {
  let last: { id: string; process: string; observation: WindowObservation } | undefined;

  function available(): ReturnType<ForegroundObserver['available']> {
    const { env } = os;
    // Under Wayland an X11 display is there too, but it knows only the windows of old programs, and would name one that isn't in front.
    if (env['XDG_SESSION_TYPE'] === 'wayland' || env['WAYLAND_DISPLAY']) {
      return { ok: false, why: 'This is a Wayland session, and Wayland shows no program which window is in front.' };
    }
    if (!env['DISPLAY']) return { ok: false, why: 'There is no display here, so no window is in front.' };
    const missing = programs.filter((program) => !isOnPath(program));
    if (missing.length > 0) {
      return {
        ok: false,
        why: `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing, which ${missing.length > 1 ? 'tell' : 'tells'} the window in front; install the package x11-utils (Fedora: ${missing.join(' and ')}).`,
      };
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
      let front: FrontWindow | undefined;
      try {
        front = await ask();
      } catch {
        // The library rejects for a window that doesn't say its process (_NET_WM_PID), and for one that closes meanwhile.
        return null;
      }
      if (!front) return null;
      const pid = front.owner.processId;
      const observation: WindowObservation = {
        kind: 'window',
        pid,
        exe: exeOf(pid),
        bundleId: null,
        appName: front.owner.name || null,
        title: titles ? front.title || null : null,
      };
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
