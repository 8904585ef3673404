/** The whole way by the command line: make keys, sign, put the documents there, look, and be told by `doctor` and `verify` how far the policy is proven. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { PolicyInForce, Setting } from '../../electron/contract.ts';
import { asked, client, muster, temporary, until, watching, write } from './muster.ts';

type Key = { file: string; id: string; publicKey: object };
type Doctor = {
  ok: boolean;
  checks: { id: string; state: string; message: string }[];
  settings: Setting[];
  trust: { revs: object } | null;
};
type Signed = { jws: string; rev: number };

const home = temporary('signing');
const at = (name: string) => path.join(home, name);
const data = at('data');
const managed = at('managed.json');
const here = ['--data', data, '--managed', managed];

it('signs what it understands, and the agent takes what is proven', async () => {
  const root = await asked<Key>(home, ['policy', 'keygen', '--out', at('root.key')]);
  const online = await asked<Key>(home, ['policy', 'keygen', '--out', at('online.key')]);
  expect(fs.statSync(root.file).mode & 0o777).toBe(0o600);
  const { d } = JSON.parse(fs.readFileSync(root.file, 'utf8')) as { d: string };
  expect(JSON.stringify(root)).not.toContain(d);
  const twice = await muster(home, ['policy', 'keygen', '--out', at('root.key')]);
  expect([twice.code, twice.err]).toEqual([2, expect.stringContaining('never written over')]);
  expect(JSON.parse(fs.readFileSync(root.file, 'utf8'))).toMatchObject({ d });

  write(at('set.json'), { schema: 'muster.key-set/1', rev: 1, keys: [online.publicKey] });
  const policy = { schema: 'muster.policy/1', rev: 7, tools: [{ id: 'a', tool: 'ollama', status: 'prohibited' }] };
  write(at('policy.jsonc'), `// The first one.\n${JSON.stringify(policy)}`);
  write(at('root.pub'), root.publicKey);
  write(managed, { tenant: 'acme', pollSeconds: 0.5, policyRootKeys: [root.publicKey] });
  fs.mkdirSync(data);
  const sign = (file: string, key: string, ...more: string[]) => [
    'policy',
    'sign',
    at(file),
    '--key',
    at(key),
    '--audience',
    'acme',
    ...more,
  ];
  await asked(home, sign('set.json', 'root.key', '--out', path.join(data, 'keyset.jws')));
  const set = ['--key-set', path.join(data, 'keyset.jws')];
  const { jws } = await asked<Signed>(home, sign('policy.jsonc', 'online.key', ...set));
  // Not by a key that nobody would believe, not over a file that is no signed document, and not what nobody would understand.
  expect((await muster(home, sign('policy.jsonc', 'root.key', ...set))).code).toBe(2);
  expect((await muster(home, sign('policy.jsonc', 'online.key', ...set, '--out', at('policy.jsonc')))).code).toBe(2);
  write(at('wrong.json'), { ...policy, tools: [{ id: 'a', tool: 'olama', status: 'prohibited' }] });
  const wrong = await muster(home, sign('wrong.json', 'online.key', ...set));
  expect([wrong.code, wrong.err]).toEqual([5, expect.stringMatching(/can’t be signed: line 1, tools\[0\]\.tool/)]);

  write(path.join(data, 'policy.jws'), jws);
  const verify = (...more: string[]) => muster(home, ['policy', 'verify', path.join(data, 'policy.jws'), ...more]);
  expect(await verify('--root-key', at('root.pub'), ...set)).toMatchObject({
    code: 0,
    out: expect.stringContaining('revision 7 under key set 1 holds, for acme'),
  });
  expect((await verify('--root-key', at('root.key'), ...set)).err).toContain('never the key file itself');
  expect(await verify(...here)).toMatchObject({ code: 5, out: expect.stringContaining('send the key set first') });

  const agent = await watching(home, here);
  const window = await client(agent.socket);
  await until(() => window.state().policy.rev === 7, 'the signed policy is in force');
  expect(window.state().policy).toMatchObject({ trust: { roots: 'managed', state: 'current', keySetRev: 1 } } satisfies
    | Partial<PolicyInForce>
    | object);
  expect(window.state().settings?.find(({ name }) => name === 'tenant')).toMatchObject({ value: 'acme', source: 'managed', from: managed });
  expect((await verify(...here)).out).toContain('is in force here');
  const good = await asked<Doctor>(home, ['doctor', ...here]);
  expect(good).toMatchObject({ ok: true, trust: { revs: { keySet: 1, policy: 7, grants: null } } });
  expect(good.checks.find(({ id }) => id === 'trust')).toMatchObject({
    state: 'ok',
    message: expect.stringContaining('policy 7 under key set 1, taken today'),
  });

  // An older one comes, the managed settings change, and the agent says so without being asked.
  write(at('older.json'), { ...policy, rev: 6 });
  await asked(home, sign('older.json', 'online.key', ...set, '--out', path.join(data, 'policy.jws')));
  write(managed, { tenant: 'acme', pollSeconds: 0.5, policyRootKeys: [root.publicKey], lookMinutes: 60, enrollSecret: 'hunter2-hunter2' });
  await until(() => window.state().problems.some(({ code }) => code === 'policy-refused'), 'the older policy is refused');
  expect(window.state().policy).toMatchObject({ rev: 7, trust: { refused: { code: 'rollback' } } });
  await until(
    () => window.state().settings?.some(({ name, value }) => name === 'lookMinutes' && value === '60') === true,
    'the settings are new',
  );
  expect(window.raw()).not.toContain('hunter2');
  expect(window.raw()).not.toContain(d);
  await window.api.stop();
  expect((await agent.done).code).toBe(0);
  const files = fs.readdirSync(data).map((name) => fs.readFileSync(path.join(data, name)).toString('latin1'));
  expect(files.join()).not.toContain('hunter2');
}, 120_000);
