/** Which processes run, told as what changed since the last look; the reading itself is one file for each platform. */
import type { ProcessObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import { retitled, type ScriptNamed } from './retitled.ts';

export type ProcessLook = {
  /** New since the last look; on the first look all of them. */
  readonly appeared: readonly ProcessObservation[];
  /** The same process by pid and start, which has executed something else since it was reported. */
  readonly changed: readonly ProcessObservation[];
  readonly gone: readonly { readonly pid: number; readonly startedAt: string }[];
  /** Processes on the machine, without the kernel's own threads and without dead ones that nobody has waited for. */
  readonly total: number;
};

export type ProcessObserver = {
  /**
   * Looks once. Rejects with one sentence where the system gives no process list; what was known is kept, so the next look continues from it.
   * Calls must not overlap.
   */
  look(): Promise<ProcessLook>;
  /** Makes the next look a first one. */
  forget(): void;
};

/** Whose processes get a `home`: one entry for each home folder, with the user's number where the platform has one. */
export type Homes = readonly { readonly home: string; readonly uid: number | null }[];

/**
 * The observer for the platform of `os`. Only that platform's file, and what it needs, is loaded. `scriptNamed` is asked about interpreters that
 * have renamed themselves; without it their scripts stay unknown.
 */
export async function createProcessObserver(
  os: Os,
  { homes, scriptNamed }: { homes: Homes; scriptNamed?: ScriptNamed },
): Promise<ProcessObserver> {
  const observer = await onPlatform(os, homes);
  if (!scriptNamed) return observer;
  return {
    ...observer,
    async look() {
      const look = await observer.look();
      const whole = (process: ProcessObservation) => retitled(process, scriptNamed);
      return { ...look, appeared: look.appeared.map(whole), changed: look.changed.map(whole) };
    },
  };
}

async function onPlatform(os: Os, homes: Homes): Promise<ProcessObserver> {
  if (os.platform === 'linux') return (await import('./linux.ts')).linuxProcesses(os, homes);
  if (os.platform === 'darwin') return (await import('./darwin.ts')).darwinProcesses(os, homes);
  return (await import('./win32.ts')).win32Processes(os, homes);
}
