/** The window in front on Windows, by user32. */
import type { ForegroundObserver } from '../foreground.ts';
import { type Win32Api, win32Api } from '../processes/win32-api.ts';

/** `api` is koffi's; tests off Windows pass their own. */
export async function win32Foreground(titles: boolean, api?: Win32Api): Promise<ForegroundObserver> {
  const { foreground, detail } = api ?? (await win32Api());
  return {
    available: () => ({ ok: true }),
    async look() {
      const front = foreground(titles);
      if (!front) return null;
      const { exe } = detail(front.pid);
      const appName = exe === null ? null : exe.slice(exe.lastIndexOf('\\') + 1);
      return { kind: 'window', pid: front.pid, exe, bundleId: null, appName, title: front.title || null };
    },
  };
}
