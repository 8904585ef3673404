/** Answers what a window may ask of the shell, after checking who asks: the one place where messages from a window are taken. */
import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent } from 'electron';
import type { ShellApi } from '../contract.ts';
import { ORIGIN } from './renderer-files.ts';

type Sent = Pick<IpcMainEvent | IpcMainInvokeEvent, 'senderFrame' | 'sender'>;

/** True for the main frame of one of our windows while it shows our page; a frame that is gone, embedded or elsewhere is nobody. */
function fromOurWindow(event: Sent, isOurs: (webContentsId: number) => boolean): boolean {
  const frame = event.senderFrame;
  if (!frame || frame.parent !== null || !isOurs(event.sender.id)) return false;
  try {
    const url = new URL(frame.url);
    return `${url.protocol}//${url.host}` === ORIGIN;
  } catch {
    return false;
  }
}

/** An address of the policy's that may be opened in the browser: https, and no name or password in it. */
export function helpAddress(address: string | null | undefined): string | null {
  if (!address) return null;
  try {
    const url = new URL(address);
    return url.protocol === 'https:' && url.username === '' && url.password === '' ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Registers the handlers. `wantsPort` is called with the id of a window whose preload is there and waits for its port.
 * A call from anybody else is refused with an error that says nothing.
 */
export function registerShell(
  ipc: Pick<IpcMain, 'handle' | 'on'>,
  options: { readonly api: ShellApi; isOurs(webContentsId: number): boolean; wantsPort(webContentsId: number): void },
): void {
  const { api, isOurs, wantsPort } = options;
  // Spelled out: a method that is added to the contract and not here is found by the compiler.
  const methods: { readonly [Name in keyof ShellApi]: () => ReturnType<ShellApi[Name]> } = {
    link: () => api.link(),
    restartAgent: () => api.restartAgent(),
    openHelp: () => api.openHelp(),
    about: () => api.about(),
  };
  for (const [name, method] of Object.entries(methods)) {
    ipc.handle(`shell:${name}`, (event) => {
      if (!fromOurWindow(event, isOurs)) throw new Error('Refused.');
      return method();
    });
  }
  ipc.on('port-wanted', (event) => {
    if (fromOurWindow(event, isOurs)) wantsPort(event.sender.id);
  });
}
