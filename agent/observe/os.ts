/** The operating system as the observers are given it: who and where we are, and the few system programs that may be run. Tests pass their own. */
import { execFile } from 'node:child_process';
import { homedir, hostname, userInfo } from 'node:os';
import path from 'node:path';
import type { Platform } from '../../electron/contract.ts';

export type Os = {
  readonly platform: Platform;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `home` is null where the account has none; `uid` is null on Windows. */
  readonly user: { readonly name: string; readonly uid: number | null; readonly home: string | null };
  readonly hostname: string;
  /** Where an absolute path of the system (`/usr/share/applications`, `/proc`) really is: tests put a root in front, the product nothing. */
  at(systemPath: string): string;
  /**
   * Runs a program of the operating system (`reg.exe`, `xprop`), never a tool that is being looked for; resolves with its standard output.
   * Rejects when it is missing, fails, prints more than 16 MiB or takes longer than `timeoutMs` (default 5,000).
   */
  run(file: string, args: readonly string[], options?: { timeoutMs?: number }): Promise<string>;
};

function currentUser(): Os['user'] {
  const uid = process.getuid?.() ?? null;
  const named = process.env['HOME'] ?? process.env['USERPROFILE'];
  try {
    const info = userInfo();
    const home = named || info.homedir || null;
    return { name: info.username, uid, home };
  } catch {
    // An account without an entry in the user database (a container's bare uid): the environment is all there is.
    return { name: process.env['USER'] ?? process.env['USERNAME'] ?? String(uid ?? 'unknown'), uid, home: named || safeHome() };
  }
}

function safeHome(): string | null {
  try {
    return homedir() || null;
  } catch {
    return null;
  }
}

/** The real one. `root` is for tests of a whole agent only. */
export function realOs(options: { root?: string } = {}): Os {
  const platform = process.platform;
  if (platform !== 'darwin' && platform !== 'linux' && platform !== 'win32') {
    throw new Error(`Muster runs on macOS, Windows and Linux, and this is ${platform}.`);
  }
  const { root } = options;
  return {
    platform,
    arch: process.arch,
    env: process.env,
    user: currentUser(),
    hostname: hostname(),
    at: root ? (systemPath) => path.join(root, systemPath) : (systemPath) => systemPath,
    run: (file, args, { timeoutMs = 5000 } = {}) =>
      new Promise((resolve, reject) => {
        execFile(file, [...args], { timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024, windowsHide: true }, (error, stdout) =>
          error ? reject(error) : resolve(stdout),
        );
      }),
  };
}
