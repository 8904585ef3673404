/** Which program's window is in front, and whether this computer says so at all; the asking itself is one file for each platform. */
import type { WindowObservation } from './observation.ts';
import type { Os } from './os.ts';

export type ForegroundObserver = {
  /** The window in front; null where there is none, or none that a program can be told for. Rejects where the platform fails to answer. */
  look(): Promise<WindowObservation | null>;
  /** Whether looking can give anything here; `why` is one plain sentence. Asks again each time: a missing program may have been installed. */
  available(): { ok: true } | { ok: false; why: string };
};

/** The observer for the platform of `os`. `titles` says whether policy lets titles be matched; without it none is read into an observation. */
export async function createForegroundObserver(os: Os, options: { titles: boolean }): Promise<ForegroundObserver> {
  if (os.platform === 'linux') return (await import('./foreground/x11.ts')).x11Foreground(os, options.titles);
  if (os.platform === 'darwin') return (await import('./foreground/darwin.ts')).darwinForeground(options.titles);
  return (await import('./foreground/win32.ts')).win32Foreground(options.titles);
}
