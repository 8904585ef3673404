/** Runs a program in our place: it gets the terminal and the signals, and its end becomes ours. */
import { spawn } from 'node:child_process';

/** @type {NodeJS.Signals[]} */
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'];

/**
 * Resolves with the exit code. When the program dies of a signal, this process dies of the same one, so that whoever started it sees the truth.
 * Rejects when the program can't be started.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function runInPlace(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options });
    const pass = SIGNALS.map((signal) => {
      // A terminal sends Ctrl-C to the child as well; a second one from here would look like impatience.
      const listener = () => void (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal));
      process.on(signal, listener);
      return () => process.off(signal, listener);
    });
    const stop = () => {
      for (const off of pass) off();
    };
    child.on('error', (error) => {
      stop();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      stop();
      if (signal) process.kill(process.pid, signal);
      else resolve(code ?? 1);
    });
  });
}
