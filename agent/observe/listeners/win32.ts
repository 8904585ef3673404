/** Listening sockets on Windows: two system calls give the table with each socket's process, which is then asked for its file and account. */

import type { Listening, ReadListening } from '../listeners.ts';
import type { Os } from '../os.ts';
import { type Win32Api, type Win32Sockets, win32Api, win32Sockets } from '../processes/win32-api.ts';

/** The APIs are koffi's; tests off Windows pass tables. */
export async function win32Listening(os: Os, sockets?: Win32Sockets, processes?: Pick<Win32Api, 'detail'>): Promise<ReadListening> {
  const { listening } = sockets ?? (await win32Sockets());
  const { detail } = processes ?? (await win32Api());
  return async () => {
    const details = new Map<number, ReturnType<Win32Api['detail']>>();
    return listening().flatMap(({ pid, port, loopback }): Listening[] => {
      // Wine doesn't tell whose a socket is.
      if (pid === 0) return [{ port, reach: loopback ? 'loopback' : 'network', pid: null, exe: null, home: null }];
      const known = details.get(pid) ?? detail(pid);
      details.set(pid, known);
      if (known.owner === 'other') return [];
      return [{ port, reach: loopback ? 'loopback' : 'network', pid, exe: known.exe, home: known.owner === 'self' ? os.user.home : null }];
    });
  };
}
