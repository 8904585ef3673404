/** `npm run demo`: the whole loop on one machine. Starts a collector, enrols this computer in a data folder of its own, and opens the app. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const USAGE = `demo [--data DIR] [--port P]
  --data   folder for everything of it (default ./muster-demo in the repository); remove it to begin anew
  --port   where its collector listens (default 8787)
`;
const values = read();

function read() {
  const options = {
    data: { type: 'string', default: 'muster-demo' },
    port: { type: 'string', default: '8787' },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values: given } = parseArgs({ options });
    if (!given.help) return given;
    process.stdout.write(USAGE);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split('. ')[0]}.\n${USAGE}`);
    process.exit(2);
  }
}

const folder = path.resolve(values.data);
const agentData = path.join(folder, 'agent');
const tokenFile = path.join(folder, 'owner-token');
const secretFile = path.join(folder, 'enrolment-secret');
const enrolledFile = path.join(folder, 'enrolled');
const say = (line: string) => process.stdout.write(`demo: ${line}\n`);

/** What is being done now; it ends with the demo, or it would outlive it. */
let running: ChildProcess | null = null;
let ending = false;
const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      ending = true;
      running?.kill('SIGTERM');
      resolve();
    });
});

/** On the same Node; its output is shown. Resolves with the exit code. */
function run(file: string, ...args: string[]): Promise<number> {
  if (ending) return Promise.resolve(0);
  const child = spawn(process.execPath, [path.join(root, file), ...args], { cwd: root, stdio: 'inherit' });
  running = child;
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Resolves with the address once the collector listens and has said what it made; the secrets of a first start go into files for this demo. */
function startCollector(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    [path.join(root, 'collector', 'main.ts'), '--port', values.port, '--data', path.join(folder, 'collector'), '--tenant', 'demo'],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${String(chunk)}`.slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`the collector ended at once:\n${errors}`)));
    child.stdout.on('data', (chunk) => {
      said += String(chunk);
      const url = /listens at (http:\S+)/.exec(said)?.[1];
      const token = /owner token: +(\S+)\n/.exec(said)?.[1];
      const secret = /enrolment secret: +(\S+)\n/.exec(said)?.[1];
      if (token && secret) {
        writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
        writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
      }
      if (url && existsSync(secretFile)) resolve({ child, url });
    });
  });
}

mkdirSync(folder, { recursive: true, mode: 0o700 });
say('starting the collector (its first start takes a few seconds)');
const { child, url } = await startCollector();
try {
  if (!existsSync(enrolledFile) || readFileSync(enrolledFile, 'utf8') !== url) {
    say(`enrolling this computer at ${url}`);
    const code = await run('agent/cli.ts', 'enroll', '--url', url, '--secret-file', secretFile, '--data', agentData);
    if (code !== 0 && !ending) throw new Error('this computer could not be enrolled; remove the demo’s folder and try again.');
    if (code === 0 && !ending) writeFileSync(enrolledFile, url);
  }
  say('looking at this computer, then checking in');
  await run('agent/cli.ts', 'scan', '--data', agentData);
  await run('agent/cli.ts', 'sync', '--data', agentData);
  say(`devices:  npm run -s admin -- devices  --url ${url} --token-file ${tokenFile}`);
  say(`requests: npm run -s admin -- requests --url ${url} --token-file ${tokenFile}`);
  say(`the API:  ${url}/docs`);
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform !== 'linux' || DISPLAY || WAYLAND_DISPLAY) {
    say('opening the app; ask for a tool there, and decide with “admin decide”. The demo ends when the app is quit.');
    process.exitCode = await run('build/start.mjs', `--data=${agentData}`);
  } else {
    say(`there is no display; ask with: npm run -s muster -- request TOOL --reason TEXT --data ${agentData}`);
    say('the collector runs until Ctrl-C.');
    await ended;
  }
} catch (error) {
  say((error as Error).message);
  process.exitCode = 1;
} finally {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await gone;
  }
}
