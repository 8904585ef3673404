/** An approval that pins the launch is of what was approved: a changed server asks again, a secret's new value doesn't. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Inventory, McpServer } from '../../electron/contract.ts';
import { asked, client, temporary, until, watching, write } from './muster.ts';

const home = temporary('pin');
const data = path.join(home, '.local/share/muster');
const config = path.join(home, '.cursor/mcp.json');
const rule = (id: string) => ({ id, match: { npm: '@acme/files' }, status: 'approved', pin: 'launch' });
const policy = (...rules: object[]) => write(path.join(data, 'policy.json'), { schema: 'muster.policy/1', rev: 1, mcp: { rules } });
const server = (args: string[], token = randomBytes(12).toString('hex')) =>
  write(config, { mcpServers: { files: { command: 'npx', args: ['@acme/files@1.2.3', ...args], env: { ACME_TOKEN: token } } } });
const changed = ({ risk }: McpServer) => risk.findings.some(({ id }) => id === 'changed-since-approved');
const scan = async () => {
  const [found] = (await asked<Inventory>(home, ['scan', '--json'])).mcpServers;
  if (!found) throw new Error('the planted server was not found');
  return { status: found.verdict.status, changed: changed(found), reason: found.verdict.reason };
};

describe('a rule that pins the launch', () => {
  it('approves what it meets first, and not what that becomes', async () => {
    policy(rule('m1'));
    server(['/srv/shared']);
    expect(await scan()).toMatchObject({ status: 'approved', changed: false });

    server(['/srv/shared']);
    expect(await scan(), 'another token is the same launch').toMatchObject({ status: 'approved', changed: false });

    server(['/']);
    expect(await scan()).toMatchObject({
      status: 'unreviewed',
      changed: true,
      reason: 'Its arguments have changed since it was approved; change it back or ask for approval again.',
    });
    expect(await scan(), 'looking again approves nothing').toMatchObject({ status: 'unreviewed', changed: true });

    server(['/srv/shared']);
    expect(await scan()).toMatchObject({ status: 'approved', changed: false });
  });

  it('approves anew only under another rule, or after the rule was gone', async () => {
    server(['/']);
    expect(await scan()).toMatchObject({ status: 'unreviewed', changed: true });
    policy(rule('m2'));
    expect(await scan()).toMatchObject({ status: 'approved', changed: false });
    policy();
    expect(await scan()).toMatchObject({ status: 'unreviewed', changed: false });
    server(['/home']);
    policy(rule('m2'));
    expect(await scan()).toMatchObject({ status: 'approved', changed: false });
  });

  it('is not forgotten while the policy is broken or away', async () => {
    const file = policy(rule('m3'));
    server(['/srv/shared']);
    expect(await scan()).toMatchObject({ status: 'approved' });
    server(['/']);
    for (const away of [() => write(file, '{'), () => rmSync(file)]) {
      away();
      expect(await scan()).toMatchObject({ status: 'unreviewed' });
      policy(rule('m3'));
      expect(await scan()).toMatchObject({ status: 'unreviewed', changed: true });
    }
    policy();
    await scan();
  });

  it('is told to a client as the file is saved', async () => {
    server(['/home']);
    policy(rule('m2'));
    const agent = await watching(home);
    const window = await client(agent.socket);
    const now = () => window.state().mcpServers[0];
    await until(() => now()?.verdict.status === 'approved', 'the approved server');
    server(['/etc']);
    await until(() => {
      const found = now();
      return found?.verdict.status === 'unreviewed' && changed(found);
    }, 'the changed server');
    server(['/home']);
    await until(() => now()?.verdict.status === 'approved', 'the server as it was approved');
    window.close();
    agent.kill('SIGTERM');
    expect((await agent.done).code).toBe(0);
  });
});
