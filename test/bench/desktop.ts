/** A screen and a session bus for what needs them: Xvfb on a number that it chooses itself, and a dbus-daemon of this run's own. */
import { spawn } from 'node:child_process';
import { missingCapabilities } from '../../build/capabilities.mjs';
import { type Bench, endGroup } from './bench.ts';

/** Resolves with `:5`; null where there is no Xvfb. */
export function startDisplay(bench: Bench): Promise<string> | null {
  if (missingCapabilities().includes('display')) return null;
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp', '-noreset'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const { pid } = server;
  if (pid !== undefined) bench.defer(() => endGroup(pid));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb ended with code ${code} before it had a screen; is /tmp/.X11-unix writable?`)));
    server.stdio[3]?.once('data', (number) => resolve(`:${String(number).trim()}`));
  });
}

/** Resolves with the address of a new session bus. */
export function startBus(bench: Bench): Promise<string> {
  const daemon = bench.start(['dbus-daemon', '--session', '--nofork', '--print-address'], { PATH: process.env['PATH'] });
  return new Promise((resolve, reject) => {
    daemon.once('exit', (code) => reject(new Error(`dbus-daemon ended with code ${code}.`)));
    daemon.stdout?.once('data', (line) => resolve(String(line).trim()));
  });
}
