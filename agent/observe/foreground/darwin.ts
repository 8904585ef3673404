/**
 * The window in front on macOS, by get-windows with both permissions declined: it asks the user for nothing, and so gets no title.
 *
 * Written from the library's documentation; not yet seen on a Mac.
 */
import type { ForegroundObserver } from '../foreground.ts';

/** What is used of get-windows' answer; its `path` is the application's folder, not the program in it. */
export type FrontWindow = {
  readonly title: string;
  readonly owner: { readonly name: string; readonly processId: number; readonly bundleId?: string; readonly path: string };
};
const declined = { accessibilityPermission: false, screenRecordingPermission: false };

/** `ask` is get-windows; tests off macOS pass their own. */
export async function darwinForeground(
  titles: boolean,
  ask?: (options: typeof declined) => Promise<FrontWindow | undefined>,
): Promise<ForegroundObserver> {
  const activeWindow = ask ?? (await import('get-windows')).activeWindow;
  return {
    available: () => ({ ok: true }),
    async look() {
      const front = await activeWindow(declined);
      if (!front) return null;
      const { name, processId, path } = front.owner;
      return {
        kind: 'window',
        pid: processId,
        exe: path === '' || path.endsWith('.app') ? null : path,
        bundleId: ('bundleId' in front.owner && front.owner.bundleId) || null,
        appName: name || null,
        title: titles ? front.title || null : null,
      };
    },
  };
}
