/** Starts a program as a person at a terminal does: in a pseudo-terminal of its own, which `script` of Debian makes, with a keyboard that stays open. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type Terminal = {
  /** Everything the program has written, for a failed test to show. */
  output(): string;
  /** The program and what it has started. */
  pids(): number[];
  /** Ends the program and what it started, then the terminal; resolves when the terminal is gone. */
  end(): Promise<void>;
};

/** `command` is a line of sh; its program takes the place of the shell, as it would under a shell that waits. */
export function openTerminal(command: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Terminal {
  const child: ChildProcess = spawn('script', ['-qfec', `stty cols 100 rows 30; exec ${command}`, '/dev/null'], {
    ...options,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const gone = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const pids = () => (child.pid === undefined ? [] : descendants(child.pid));
  return {
    output: () => output,
    pids,
    async end() {
      // `script` ends by itself once nothing runs in it; ended by a signal, it would wait, and leave a service behind.
      endAll(pids());
      await gone;
    },
  };
}

/** Kills each of these processes; one that has ended by itself is no matter. */
export function endAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was quicker.
    }
  }
}

function descendants(pid: number): number[] {
  let children: number[] = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    // It has ended meanwhile.
  }
  return children.flatMap((child) => [child, ...descendants(child)]);
}
