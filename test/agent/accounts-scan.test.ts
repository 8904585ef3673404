/** Accounts through the whole agent: tiers and verdicts in the answer, and no token in it, in the database or in a log. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { loadCatalog } from '../../agent/session.ts';
import type { Inventory } from '../../electron/contract.ts';
import { fakeOs } from '../fakes.ts';
import { type Kind, plantAccount, probesOf, writeFile } from './account-fixtures.ts';
import { asked, client, muster, temporary, until, watching, write } from './muster.ts';
import { createPlanting, filesUnder } from './planting.ts';

const probes = probesOf(loadCatalog());
const packages: Readonly<Record<string, string>> = {
  'claude-code': '@anthropic-ai/claude-code',
  codex: '@openai/codex',
  'gemini-cli': '@google/gemini-cli',
  'copilot-cli': '@github/copilot',
  'qwen-code': '@qwen-code/qwen-code',
  'github-copilot': '@github/copilot-language-server',
};

/** A home with every account of one kind, and the tools they are of. */
function person(name: string, kind: Kind, planting = createPlanting()) {
  const home = temporary(`accounts-${name}`);
  const os = fakeOs({ root: home, user: { name, uid: process.getuid?.() ?? 0, home } });
  for (const probed of probes) plantAccount(os, home, probed, kind, planting);
  const prefix = path.join(home, '.npm-global');
  write(path.join(home, '.npmrc'), `prefix=${prefix}\n`);
  for (const npm of Object.values(packages))
    write(path.join(prefix, 'lib/node_modules', npm, 'package.json'), { name: npm, version: '1.0.0' });
  // Only a name; the folder that it keeps makes it possible.
  write(path.join(home, '.local/bin/cursor'), '#!/bin/sh\n', 0o755);
  return { home, planting };
}

const account = ({ tools }: Inventory, tool: string) =>
  tools
    .find(({ id }) => id === tool)
    ?.accounts.map(({ tier, organization, personal, verdict }) => [tier, organization, personal, verdict.status]);

it('judges each account by its plan and whose it is, and keeps every token to itself', async () => {
  const { home, planting } = person('ada', 'company');
  const other = person('bob', 'personal', planting);
  const data = path.join(home, '.local/share/muster');
  write(path.join(data, 'settings.json'), { pollSeconds: 0.3 });
  const rule = (tool: string, more: object) => ({ id: `rule-${tool}`, tool, status: 'approved', ...more });
  write(path.join(data, 'policy.json'), {
    schema: 'muster.policy/1',
    rev: 1,
    organization: { name: 'Acme', accountDomains: ['acme.example'] },
    tools: [
      rule('claude-code', { tiers: ['team', 'enterprise'] }),
      rule('codex', { account: 'company' }),
      rule('cursor', { tiers: ['teams'] }),
      rule('gemini-cli', { account: 'company' }),
    ],
  });

  const agent = await watching(home);
  const window = await client(agent.socket);
  const mine = await asked<Inventory>(home, ['scan']);
  expect(account(mine, 'claude-code')).toEqual([['team', 'Acme Ltd', false, 'approved']]);
  expect(account(mine, 'codex')).toEqual([['business', null, false, 'approved']]);
  expect(account(mine, 'cursor')).toEqual([['enterprise', null, false, 'wrong-tier']]);
  expect(account(mine, 'gemini-cli')).toEqual([[null, null, false, 'approved']]);
  expect(account(mine, 'github-copilot')).toEqual([
    ['enterprise', null, null, 'unreviewed'],
    ['business', null, null, 'unreviewed'],
  ]);
  const claude = mine.tools.find(({ id }) => id === 'claude-code');
  expect(claude?.accounts[0]).toMatchObject({ source: '~/.claude.json', home: '~' });
  expect(claude?.verdict.status).toBe('approved');
  expect(claude?.tiers.find(({ id }) => id === 'team')).toMatchObject({ trains: 'no', source: expect.stringContaining('https://') });

  // Another home through the same agent: both are known, and the tool has the worst of its accounts' verdicts.
  const both = await asked<Inventory>(home, ['scan', '--home', home, '--home', other.home]);
  expect(account(both, 'claude-code')).toEqual([
    ['max', null, true, 'wrong-tier'],
    ['team', 'Acme Ltd', false, 'approved'],
  ]);
  expect(both.tools.find(({ id }) => id === 'claude-code')?.verdict.status).toBe('wrong-tier');
  expect(account(both, 'codex')).toEqual([
    ['plus', null, true, 'wrong-tier'],
    ['business', null, false, 'approved'],
  ]);

  // A new sign-in is seen when the file changes; a sign-out takes the account away.
  writeFile(path.join(home, '.claude.json'), {
    oauthAccount: { organizationType: 'claude_pro', accessToken: planting.secret('signed in anew') },
  });
  const tierNow = () =>
    window
      .state()
      .tools.find(({ id }) => id === 'claude-code')
      ?.accounts.find(({ home: at }) => at === '~')?.tier;
  await until(() => tierNow() === 'pro', 'the new plan was seen');
  writeFile(path.join(home, '.claude.json'), { other: true });
  await until(() => tierNow() === undefined, 'the sign-out was seen');

  const text = await muster(home, ['status']);
  expect(text.out).toContain('Business');
  const whileRunning = filesUnder(data).map((file): [string, Buffer] => [`${path.basename(file)} while it ran`, readFileSync(file)]);
  expect(whileRunning.map(([name]) => name)).toContain('muster.db-wal while it ran');
  agent.kill('SIGTERM');
  const ended = await agent.done;
  const places: [string, Buffer][] = [
    ...whileRunning,
    ...filesUnder(data).map((file): [string, Buffer] => [path.basename(file), readFileSync(file)]),
    ['the answers', Buffer.from(JSON.stringify([mine, both]) + text.out + text.err)],
    ['the agent’s output', Buffer.from(ended.out + ended.err)],
    ['the stream', Buffer.from(window.raw())],
  ];
  expect(planting.all.size).toBeGreaterThan(80);
  expect(
    [home, other.home].flatMap(filesUnder).flatMap((file) => (file.startsWith(data) ? [] : planting.found(readFileSync(file)))).length,
  ).toBeGreaterThan(40);
  expect(places.flatMap(([place, content]) => planting.found(content).map((where) => `${where} → ${place}`))).toEqual([]);
}, 60_000);
