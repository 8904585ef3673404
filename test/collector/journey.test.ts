/** What an administrator types, through npm and at a terminal: starting the collector, deciding, publishing, and Ctrl-C. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asks } from './administration.ts';
import { inFolder } from './embedded.ts';
import { simulatedDevice, tool } from './simulated-device.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const dir = mkdtempSync(path.join(tmpdir(), 'muster-journey-'));
const data = path.join(dir, 'data');
const ended: (() => void)[] = [];
beforeAll(() => inFolder(path.join(data, 'database')), 60_000);
afterAll(() => {
  for (const end of ended) end();
  rmSync(dir, { recursive: true, force: true });
});

const { DATABASE_URL: _, MUSTER_ADMIN_TOKEN: __, MUSTER_ADMIN_URL: ___, ...env } = process.env;

/** A command at a terminal of its own, as `script` makes one: what is typed there are keys, and Ctrl-C is a signal to whatever is in front. */
function terminal(command: string) {
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], { cwd: root, env, stdio: 'pipe' });
  const said = { text: '' };
  child.stdout.on('data', (chunk) => {
    said.text += String(chunk);
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  ended.push(() => void (child.exitCode === null && child.kill('SIGKILL')));
  return { said, exit, type: (keys: string) => child.stdin.write(keys) };
}

// `script` of util-linux, which every Debian has.
describe.skipIf(process.platform !== 'linux')('an administrator at a terminal', () => {
  it('starts the collector, is shown its secrets once, decides and publishes, and ends it with Ctrl-C', async () => {
    const collector = terminal(`npm run -s collector -- --port 0 --data ${data}`);
    await expect.poll(() => collector.said.text, { timeout: 60_000 }).toMatch(/enrolment secret: +mse_\S+\s/);
    const url = /listens at (\S+)/.exec(collector.said.text)?.[1] ?? '';
    const token = /owner token: +(\S+)/.exec(collector.said.text)?.[1] ?? '';
    const secret = /enrolment secret: +(\S+)/.exec(collector.said.text)?.[1] ?? '';
    expect(collector.said.text.split(token)).toHaveLength(2);
    const tokenFile = path.join(dir, 'token');
    writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
    const admin = async (...words: string[]) => {
      const { stdout } = await run('npm', ['run', '-s', 'admin', '--', ...words, '--url', url, '--token-file', tokenFile, '--json'], {
        cwd: root,
        env,
      });
      // biome-ignore lint/suspicious/noExplicitAny: the test says by its expectations what it must be
      return JSON.parse(stdout) as any;
    };
    const items = [tool('ollama')];
    const device = simulatedDevice(url);
    expect((await device.enroll(secret, { person: 'ada@acme.example' })).status).toBe(200);
    await device.full(items);
    const request = await asks(device, items);
    const policy = path.join(dir, 'policy.json');
    writeFileSync(policy, JSON.stringify({ schema: 'muster.policy/1', rev: 1, stance: 'prohibited' }));
    const [requests, published] = await Promise.all([admin('requests'), admin('policy', 'publish', policy)]);
    expect(requests.items).toMatchObject([{ id: request.id, person: 'ada@acme.example', state: 'open' }]);
    expect(published).toMatchObject({ rev: 1, simulation: { devicesChanged: 1 } });
    expect(await admin('decide', request.id, 'approve', '--reason', 'For the pilot.', '--until', '2027-01-31')).toMatchObject({
      devices: 1,
    });

    collector.type('\u0003');
    expect([0, 130]).toContain(await collector.exit);
    expect(collector.said.text).toMatch(/"event":"collector.stopped"/);
    expect(collector.said.text).not.toMatch(/"level":"error"|A bug/);

    // Where the port is somebody else's it says so at once, and shows nothing.
    const taken = createServer().listen(0, '127.0.0.1');
    ended.push(() => taken.close());
    await once(taken, 'listening');
    const again = ['collector/main.ts', '--port', `${(taken.address() as AddressInfo).port}`, '--data', data];
    const refused = await run(process.execPath, again, { cwd: root, env }).catch(
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    expect(refused).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('The port is in use; end the other program or give another one'),
    });
  }, 120_000);

  it('is asked for the token where nothing gives it, and what is typed is not shown', async () => {
    const asked = terminal(`${process.execPath} collector/admin/main.ts requests --url http://127.0.0.1:1`);
    await expect.poll(() => asked.said.text, { timeout: 20_000 }).toContain('Token: ');
    asked.type(`mst_${'A'.repeat(43)}\r`);
    expect(await asked.exit).toBe(3);
    expect(asked.said.text).toContain('can’t be reached');
    expect(asked.said.text).not.toContain('AAAA');
  }, 60_000);
});
