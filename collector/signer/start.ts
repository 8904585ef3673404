/** Starts the signer as a process beside the collector's own, and again when it ends: for one machine, where nobody has set up an account for it. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SignerClient, signerAt } from './client.ts';
import { SignerError } from './protocol.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
/** What the address of a local socket may hold on every system. */
const LONGEST_SOCKET = 100;

export type StartedSigner = { readonly signer: SignerClient; readonly pid: () => number | undefined; stop(): Promise<void> };

/**
 * `folder` is made where it isn't there, with new keys. Resolves once the signer answers; rejects with a `SignerError` where it can't start. Later ends
 * are mended by starting it again, at most every half minute; what is asked meanwhile is refused as `unreachable`.
 */
export async function startSigner(folder: string, audience: string): Promise<StartedSigner> {
  const socket = socketFor(folder);
  let stopping = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let child = launch();

  function launch() {
    const started = spawn(process.execPath, [MAIN, '--data', folder, '--socket', socket, '--audience', audience, '--with-parent'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // It is given nothing of the collector's: not the database's address, no token.
      env: { PATH: process.env['PATH'] ?? '', NODE_OPTIONS: '' },
    });
    started.stdin.on('error', () => {});
    started.once('exit', () => {
      if (stopping) return;
      failures++;
      timer = setTimeout(
        () => {
          child = launch();
        },
        Math.min(30_000, 500 * 2 ** failures),
      );
    });
    started.stdout.once('data', () => {
      failures = 0;
    });
    return started;
  }

  try {
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString('utf8').slice(0, 2000);
      });
      child.stdout.once('data', () => resolve());
      child.once('error', () => reject(new SignerError('folder', 'The signer could not be started; see that Node may be started here.')));
      child.once('exit', () => reject(new SignerError('folder', said.trim() || 'The signer ended at once.')));
    });
  } catch (error) {
    stopping = true;
    clearTimeout(timer);
    throw error;
  }
  const signer = signerAt(socket);
  return {
    signer,
    pid: () => child.pid,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      signer.close();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  };
}

function socketFor(folder: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\muster-signer-${process.pid}-${Date.now()}`;
  const beside = path.resolve(folder, 'signer.sock');
  if (Buffer.byteLength(beside) <= LONGEST_SOCKET) return beside;
  return path.join(mkdtempSync(path.join(os.tmpdir(), 'muster-signer-')), 'signer.sock');
}
