/**
 * Listening sockets on macOS, asked of the system's `lsof`, which tells an ordinary account its own processes and no others. It doesn't tell a
 * process's file: whoever joins these with the process list has it.
 *
 * Written from the manual page of lsof(8) and seen with lsof on Linux; not yet seen on a Mac.
 */

import type { Listening, ReadListening } from '../listeners.ts';
import type { Os } from '../os.ts';

export function darwinListening(os: Os): ReadListening {
  return async () => {
    const uid = os.user.uid;
    return parseFields(await answer(os)).flatMap(({ pid, uid: owner, port, reach }): Listening[] => {
      // People's accounts begin at 501; the system's own are everybody's.
      if (owner !== uid && owner !== null && owner > 500) return [];
      return [{ port, reach, pid, exe: null, home: owner !== null && owner === uid ? os.user.home : null }];
    });
  };
}

async function answer(os: Os): Promise<string> {
  try {
    return await os.run('/usr/sbin/lsof', ['-w', '-nP', '-iTCP', '-sTCP:LISTEN', '-Fpun'], { timeoutMs: 5000 });
  } catch (error) {
    // Exit code 1 is also its answer where nothing listens.
    if ((error as { code?: unknown }).code === 1) return '';
    throw error;
  }
}

type Row = { readonly pid: number; readonly uid: number | null; readonly port: number; readonly reach: Listening['reach'] };

/** An answer in fields, one a line: `p` begins a process, `u` is its account's number, `n` an address (`127.0.0.1:11434`, `[::1]:80`, `*:8080`). */
export function parseFields(text: string): Row[] {
  const rows: Row[] = [];
  let pid: number | null = null;
  let uid: number | null = null;
  for (const line of text.split('\n')) {
    const value = line.slice(1);
    if (line.startsWith('p')) {
      pid = /^\d+$/.test(value) ? Number(value) : null;
      uid = null;
    } else if (line.startsWith('u')) uid = /^\d+$/.test(value) ? Number(value) : null;
    else if (line.startsWith('n') && pid !== null) {
      const [, host = '', digits = ''] = /^(\*|[\d.]+|\[[\da-fA-F:.%a-z]+\]):(\d{1,5})$/.exec(value) ?? [];
      const port = Number(digits);
      if (port < 1 || port > 65_535) continue;
      rows.push({ pid, uid, port, reach: /^(127\.|\[::1\]|\[::ffff:127\.)/i.test(host) ? 'loopback' : 'network' });
    }
  }
  return rows;
}
