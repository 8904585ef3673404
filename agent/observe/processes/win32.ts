/**
 * Processes on Windows: one system call gives every process with its parent and the time it was created; only new ones are opened.
 *
 * A process of Windows never becomes another program, so `changed` holds only those that gave nothing at first sight (they were being made)
 * and gave something at the second.
 */
import type { ProcessObservation } from '../observation.ts';
import type { Os } from '../os.ts';
import type { Homes, ProcessLook, ProcessObserver } from './processes.ts';
import { interpreterOf, scriptOf } from './script.ts';
import { resolveScript } from './script-file.ts';
import { type Win32Api, type Win32Process, win32Api } from './win32-api.ts';
import { splitCommandLine } from './win32-command-line.ts';

/** `api` is koffi's; tests off Windows pass a table. */
export async function win32Processes(os: Os, homes: Homes, api?: Win32Api): Promise<ProcessObserver> {
  const { list, detail } = api ?? (await win32Api());
  const lower = os.user.home?.toLowerCase();
  const ownHome = homes.find(({ home }) => home.toLowerCase() === lower)?.home ?? null;
  type Known = { created: string; unread: boolean };
  let known = new Map<number, Known>();

  async function read({ pid, parent, created }: Win32Process): Promise<{ observation: ProcessObservation; unread: boolean }> {
    const { exe, commandLine, owner } = detail(pid);
    const args = commandLine === null ? [] : splitCommandLine(commandLine);
    const interpreter = interpreterOf(exe, args);
    const found = interpreter ? scriptOf(interpreter, args) : null;
    const observation: ProcessObservation = {
      kind: 'process',
      pid,
      parent,
      startedAt: created,
      exe,
      args,
      // Windows doesn't tell another program's working folder, so a relative name stays unknown.
      script: found?.script ? await resolveScript(found.script, null) : null,
      module: found?.module ?? null,
      bundleId: null,
      home: owner === 'self' ? ownHome : null,
      owner,
    };
    return { observation, unread: exe === null && commandLine === null };
  }

  async function look(): Promise<ProcessLook> {
    const table = list();
    const before = known;
    known = new Map();
    const appeared: ProcessObservation[] = [];
    const changed: ProcessObservation[] = [];
    for (const process of table) {
      const old = before.get(process.pid);
      if (old?.created === process.created) {
        known.set(process.pid, { created: process.created, unread: false });
        if (!old.unread) continue;
        const { observation, unread } = await read(process);
        if (!unread) changed.push(observation);
      } else {
        const { observation, unread } = await read(process);
        known.set(process.pid, { created: process.created, unread });
        appeared.push(observation);
      }
    }
    const gone = [...before]
      .filter(([pid, { created }]) => known.get(pid)?.created !== created)
      .map(([pid, { created }]) => ({ pid, startedAt: created }));
    return { appeared, changed, gone, total: table.length };
  }

  return {
    look,
    forget() {
      known = new Map();
    },
  };
}
