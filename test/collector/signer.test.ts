/** The signer as a process: what it signs, what it refuses, what it never does twice, and that the collector's account can't read its keys. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicHalf, readSigningKey, sign } from '../../agent/policy/signing.ts';
import { verify } from '../../agent/policy/trust.ts';
import { signerAt } from '../../collector/signer/client.ts';
import { type Signer, SignerError } from '../../collector/signer/protocol.ts';
import { openSigner } from '../../collector/signer/signer.ts';
import { type StartedSigner, startSigner } from '../../collector/signer/start.ts';
import { needs } from '../capability.ts';

const DEVICE = '00000000-0000-4000-8000-000000000001';
const POLICY = JSON.stringify({ schema: 'muster.policy/1', rev: 1, stance: 'tolerated' });
const soon = () => new Date(Date.now() + 30 * 86_400_000).toISOString();
const grant = (more: Record<string, unknown> = {}) => ({
  id: 'g1',
  tool: 'ollama',
  status: 'approved',
  expiresAt: soon(),
  reason: 'Pilot.',
  ...more,
});
const list = (more: Record<string, unknown> = {}) => ({ device: DEVICE, after: 0, grants: [grant()], ...more });

let dir: string;
const started: StartedSigner[] = [];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'muster-signer-test-'));
});
afterEach(async () => {
  for (const one of started.splice(0)) await one.stop();
  rmSync(dir, { recursive: true, force: true });
});

const start = async () => {
  const one = await startSigner(path.join(dir, 'signer'), 'acme');
  started.push(one);
  return one;
};

/** As a device would take them. */
async function taken(signer: Signer, kind: 'policy' | 'grants', jws: string) {
  const { roots, keySet, audience } = await signer.identity();
  const none = { keySet: null, policy: null, grants: null };
  const state = { roots, keySet: null, audience, device: DEVICE, floor: none };
  const set = await verify('keySet', keySet.jws, state, new Date());
  if (!set.ok) throw new Error(set.reason);
  return verify(kind, jws, { ...state, keySet: set.document }, new Date());
}

describe('what is signed', () => {
  it('is believed by a device: the key set by the root, policy and grants by the key set', async () => {
    const { signer } = await start();
    const policy = await signer.policy(POLICY, 0);
    expect(await taken(signer, 'policy', policy.jws)).toMatchObject({ ok: true, mark: { keySetRev: 1, rev: 1 }, text: policy.text });
    const [grants] = await signer.grants([list()]);
    expect(await taken(signer, 'grants', grants?.jws ?? '')).toMatchObject({
      ok: true,
      document: { device: DEVICE, grants: [{ tool: 'ollama' }] },
    });
  });

  it('has a revision above every earlier one, also after kill -9 of the signer and for a database that is behind', async () => {
    const first = await start();
    const revs = [(await first.signer.policy(POLICY, 0)).rev, (await first.signer.policy(POLICY, 0)).rev];
    const grants = await first.signer.grants([list(), list({ device: DEVICE.replace(/1$/, '2') })]);
    process.kill(first.pid() ?? 0, 'SIGKILL');
    await expect
      .poll(
        () =>
          first.signer
            .policy(POLICY, 0)
            .then(({ rev }) => revs.push(rev))
            .catch(() => 0),
        { timeout: 10_000 },
      )
      .toBe(3);
    expect(revs).toEqual([1, 2, 3]);
    expect(grants.map(({ rev }) => rev)).toEqual([1, 2]);
    expect((await first.signer.grants([list()]))[0]?.rev).toBe(3);
    expect((await first.signer.grants([list({ after: 40 })]))[0]?.rev).toBe(41);
  });

  it('takes the revision of the draft where it is higher, and the signer’s own audience and times whatever the draft says', async () => {
    const signer = await openSigner(path.join(dir, 'signer'), 'acme', () => new Date());
    const { rev, text } = await signer.policy(
      JSON.stringify({ ...JSON.parse(POLICY), rev: 42, audience: 'others', issuedAt: '2020-01-01' }),
      7,
    );
    expect(rev).toBe(42);
    expect(JSON.parse(text)).toMatchObject({ audience: 'acme', rev: 42 });
    expect(Date.parse((JSON.parse(text) as { issuedAt: string }).issuedAt)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('stands in a journal of the signer’s own, by hash', async () => {
    const { signer } = await start();
    const { hash } = await signer.policy(POLICY, 0);
    await signer.grants([list()]);
    const rows = readFileSync(path.join(dir, 'signer', 'signed.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([
      { kind: 'policy', rev: 1, hash },
      { kind: 'grants', rev: 1, device: DEVICE },
    ]);
  });
});

describe('what is refused, with nothing signed and no revision used', () => {
  it.each([
    ['a policy that no device would understand', (s: Signer) => s.policy('{"schema":"muster.policy/1","rev":1,"stance":"anything"}', 0)],
    [
      'a policy with a misspelled condition',
      (s: Signer) =>
        s.policy(
          JSON.stringify({ schema: 'muster.policy/1', rev: 1, tools: [{ id: 'a', tool: 'ollama', status: 'approved', tier: ['pro'] }] }),
          0,
        ),
    ],
    ['a policy that is over', (s: Signer) => s.policy(JSON.stringify({ ...JSON.parse(POLICY), expiresAt: '2020-01-01' }), 0)],
    ['no JSON', (s: Signer) => s.policy('{', 0)],
    ['a revision that would leave no room for the next', (s: Signer) => s.policy(POLICY, 900_000_000)],
    ['a grant that names nothing', (s: Signer) => s.grants([list(), list({ grants: [grant({ tool: undefined })] })])],
    ['a grant with a field that no device knows', (s: Signer) => s.grants([list({ grants: [grant({ forever: true })] })])],
    ['a grant without an end in sight', (s: Signer) => s.grants([list({ grants: [grant({ expiresAt: '2099-01-01T00:00:00Z' })] })])],
  ])('%s', async (_, ask) => {
    const signer = await openSigner(path.join(dir, 'signer'), 'acme', () => new Date());
    await expect(ask(signer)).rejects.toThrow(SignerError);
    expect((await signer.policy(POLICY, 0)).rev).toBe(1);
    expect((await signer.grants([list()]))[0]?.rev).toBe(1);
  });

  it('a draft with an absurd revision doesn’t use up the numbers', async () => {
    const signer = await openSigner(path.join(dir, 'signer'), 'acme', () => new Date());
    expect((await signer.policy(JSON.stringify({ ...JSON.parse(POLICY), rev: 999_999_999 }), 0)).rev).toBeLessThanOrEqual(100_001);
  });

  it('words that are no question end nothing but their own connection', async () => {
    const { signer } = await start();
    const socket = path.join(dir, 'signer', 'signer.sock');
    for (const words of ['GET / HTTP/1.1\n\n', '{"id":1,"do":"key"}\n', '[]\n', 'null\n', '\0\n']) {
      const connection = connect(socket);
      connection.on('error', () => {});
      connection.end(words);
      await new Promise((resolve) => connection.resume().once('close', resolve));
    }
    await expect(signer.grants([list({ device: 'everybody' })])).rejects.toThrow('no such question');
    expect((await signer.policy(POLICY, 0)).rev).toBe(1);
  });
});

describe('the folder', () => {
  const folder = () => path.join(dir, 'signer');
  const open = (now = new Date()) => openSigner(folder(), 'acme', () => now);

  // Windows has no modes; who may read a file there, its folder says.
  it.skipIf(process.platform === 'win32')('is 0700 and everything in it 0600', async () => {
    const { signer } = await start();
    await signer.grants([list()]);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(folder())) expect([file, statSync(path.join(folder(), file)).mode & 0o777]).toEqual([file, 0o600]);
  });

  it('without its state, with another audience or with a key that others can read it is not opened', async () => {
    await open();
    await expect(openSigner(folder(), 'others', () => new Date())).rejects.toThrow('is of “acme”');
    chmodSync(path.join(folder(), 'online-key.json'), 0o644);
    if (process.platform !== 'win32') await expect(open()).rejects.toThrow('other accounts');
    chmodSync(path.join(folder(), 'online-key.json'), 0o600);
    const state = readFileSync(path.join(folder(), 'state.json'));
    writeFileSync(path.join(folder(), 'state.json'), state.subarray(0, 10));
    await expect(open()).rejects.toThrow('restore it');
  });

  it('renews the key set before its end, and devices follow', async () => {
    await open();
    const later = new Date(Date.now() + 310 * 86_400_000);
    const signer = await open(later);
    expect((await signer.identity()).keySet.rev).toBe(2);
    expect((await (await open(later)).identity()).keySet.rev).toBe(2);
    expect((await signer.policy(POLICY, 0)).keySetRev).toBe(2);
  });

  it('goes on without the root key until the key set ends, and then with one that was signed elsewhere', async () => {
    await open();
    const root = readSigningKey(readFileSync(path.join(folder(), 'root-key.json'), 'utf8'));
    const online = readSigningKey(readFileSync(path.join(folder(), 'online-key.json'), 'utf8'));
    if (!root || !online) throw new Error('no keys were made');
    rmSync(path.join(folder(), 'root-key.json'));
    expect((await (await open()).identity()).holdsRoot).toBe(false);
    const over = new Date(Date.now() + 400 * 86_400_000);
    await expect((await open(over)).policy(POLICY, 0)).rejects.toThrow('sign a new one with the root key');
    const document = { schema: 'muster.key-set/1', rev: 2, audience: 'acme', keys: [publicHalf(online)] };
    const times = { issuedAt: over.toISOString(), expiresAt: new Date(over.getTime() + 86_400_000).toISOString() };
    writeFileSync(path.join(folder(), 'key-set.jws'), await sign('keySet', JSON.stringify({ ...document, ...times }), root, null));
    expect((await (await open(over)).policy(POLICY, 0)).keySetRev).toBe(2);
    writeFileSync(path.join(folder(), 'key-set.jws'), await sign('keySet', JSON.stringify({ ...document, ...times }), online, null));
    await expect(open(over)).rejects.toThrow('not believed');
  });
});

/** Two accounts that every Linux has, and that are nobody's. */
const SIGNER = { uid: 65_534, gid: 65_534 };
const WEB = { uid: 1, gid: 1 };

needs('root').describe('under an account of its own', () => {
  let child: ChildProcess;
  afterEach(async () => {
    if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve).kill());
  });

  it('the account of the collector can ask, and can read no key: not the file, not the process, not over the socket', async () => {
    chmodSync(dir, 0o755);
    const [folder, shared] = [path.join(dir, 'keys'), path.join(dir, 'socket')];
    for (const made of [folder, shared]) mkdirSync(made);
    spawnSync('chown', [`${SIGNER.uid}:${SIGNER.gid}`, folder, shared]);
    chmodSync(shared, 0o755);
    chmodSync(folder, 0o700);
    const socket = path.join(shared, 'signer.sock');
    const main = path.resolve('collector/signer/main.ts');
    // With the group of the collector's account, as a service manager would start it, so that it may give the socket to that group.
    const groups = ['--reuid', `${SIGNER.uid}`, '--regid', `${SIGNER.gid}`, '--groups', `${WEB.gid}`];
    const options = ['--data', folder, '--socket', socket, '--audience', 'acme', '--socket-group', `${WEB.gid}`];
    child = spawn('setpriv', [...groups, process.execPath, main, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve, reject) => {
      child.stdout?.once('data', resolve);
      child.once('exit', () => reject(new Error('the signer ended')));
    });
    expect(statSync(socket).mode & 0o777).toBe(0o660);

    const probe = path.join(dir, 'probe.ts');
    const client = path.resolve('collector/signer/client.ts');
    writeFileSync(
      probe,
      `import { readFileSync, readdirSync } from 'node:fs';
       import { signerAt } from ${JSON.stringify(client)};
       const code = (work: () => unknown) => { try { work(); return 'read'; } catch (error) { return (error as { code: string }).code; } };
       const signer = signerAt(${JSON.stringify(socket)});
       const answers = [await signer.identity(), await signer.policy(${JSON.stringify(POLICY)}, 0)];
       console.log(JSON.stringify({
         uid: process.getuid?.(), answers,
         folder: code(() => readdirSync(${JSON.stringify(folder)})),
         key: code(() => readFileSync(${JSON.stringify(path.join(folder, 'online-key.json'))})),
         memory: code(() => readFileSync('/proc/${child.pid}/mem')),
         environment: code(() => readFileSync('/proc/${child.pid}/environ')),
       }));
       signer.close();`,
    );
    chmodSync(probe, 0o644);
    const ran = spawnSync(process.execPath, [probe], { ...WEB, encoding: 'utf8' });
    expect(ran.stderr.replace(/^\(.*\n/gm, '')).toBe('');
    const said = JSON.parse(ran.stdout);
    expect(said).toMatchObject({ uid: WEB.uid, folder: 'EACCES', key: 'EACCES', memory: 'EACCES', environment: 'EACCES' });
    expect(said.answers[1].rev).toBe(1);
    for (const file of ['online-key.json', 'root-key.json']) {
      const secret = readSigningKey(readFileSync(path.join(folder, file), 'utf8'))?.d ?? '';
      expect(secret).toHaveLength(43);
      expect(ran.stdout).not.toContain(secret);
    }
    // An account that is not of the group can't even ask.
    const stranger = spawnSync(process.execPath, [probe], { uid: 2, gid: 2, encoding: 'utf8' });
    expect(stranger.stderr).toContain('does not answer');
  });
});

describe('in one account', () => {
  it('the keys come into no memory but the signer’s: no other file of the collector takes in the code that reads them', async () => {
    const files = readdirSync('collector', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    const reads = (file: string) =>
      /^import \{[^}]*\} from '[^']*\/(signer|signing)\.ts'/m.test(readFileSync(path.join('collector', file), 'utf8'));
    expect(files.length).toBeGreaterThan(5);
    expect(
      files
        .filter(reads)
        .map((file) => file.replaceAll('\\', '/'))
        .sort(),
    ).toEqual(['signer/main.ts', 'signer/signer.ts']);
    const { signer } = await start();
    const answers = JSON.stringify([await signer.identity(), await signer.policy(POLICY, 0), await signer.grants([list()])]);
    for (const file of ['online-key.json', 'root-key.json'])
      expect(answers).not.toContain(readSigningKey(readFileSync(path.join(dir, 'signer', file), 'utf8'))?.d);
  });

  it('a signer that is not there is told as such', async () => {
    const signer = signerAt(path.join(dir, 'nobody.sock'));
    await expect(signer.identity()).rejects.toMatchObject({ code: 'unreachable' });
  });
});
