/** Agents' own settings in a whole look: the user's file, a project's and the organization's, and what becomes of them when they change. */
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import { fakeClock, fakeOs } from '../fakes.ts';

const root = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'muster-settings-')));
const home = path.join(root, 'home/ada');
const project = path.join(home, 'src/shop');
const store = openStore(path.join(root, 'muster.db'), { migrations: readMigrations() });
afterAll(() => {
  store.close();
  fs.rmSync(root, { recursive: true, force: true });
});

function write(file: string, value: unknown): string {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

test('settings are findings of their tool, follow their files, and no secret of theirs is kept', async () => {
  const program = write(path.join(home, '.local/share/claude/versions/2.1.0'), '');
  fs.chmodSync(program, 0o755);
  fs.mkdirSync(path.join(home, '.local/bin'), { recursive: true });
  fs.symlinkSync(program, path.join(home, '.local/bin/claude'));
  fs.mkdirSync(path.join(root, 'proc'));
  write(path.join(home, '.claude.json'), { projects: { [project]: {} } });
  const mine = write(path.join(home, '.claude/settings.json'), {
    permissions: { defaultMode: 'bypassPermissions' },
    env: { ANTHROPIC_AUTH_TOKEN: 'planted-4f9a1c7e5b2d8064' },
  });
  const ours = write(path.join(project, '.claude/settings.json'), { enableAllProjectMcpServers: true });
  const problems = createProblems();
  const agent = startAgent({
    os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 0, home } }),
    clock: fakeClock(),
    catalog: loadCatalog(),
    store,
    problems,
    device: { id: 'd', platform: 'linux', hostname: 'test', user: 'ada' },
    dataDir: root,
    version: '0',
    homes: [home],
    policyFile: createPolicyFile(path.join(root, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
    settings: { pollSeconds: 15, lookMinutes: 1000 },
    log: () => {},
  });
  const found = async () => {
    const inventory = await agent.api.scan();
    expect(JSON.stringify(inventory)).not.toContain('planted-4f9a');
    return inventory.tools
      .find(({ id }) => id === 'claude-code')
      ?.findings?.map(({ id, message }) => `${id} ${/\(([^()]*)\)\.$/.exec(message)?.[1]}`);
  };

  const inMine = 'bypass-mode ~/.claude/settings.json';
  const key = 'settings-secret ~/.claude/settings.json';
  const inOurs = 'project-servers-auto ~/src/shop/.claude/settings.json';
  expect(await found()).toEqual([inMine, inOurs, key]);

  // The last good answer stays, and the file is a problem.
  write(mine, '{"permissions":');
  expect(await found()).toEqual([inMine, inOurs, key]);
  expect(problems.list().map(({ code, path: at }) => [code, at])).toEqual([['config-unreadable', '~/.claude/settings.json']]);

  write(mine, { permissions: { defaultMode: 'acceptEdits' } });
  fs.rmSync(ours);
  expect(await found()).toEqual(['edit-mode ~/.claude/settings.json']);
  expect(problems.list()).toEqual([]);

  // Everybody may write it, whoever runs the tests.
  write(path.join(root, 'etc/claude-code/managed-settings.json'), { permissions: { defaultMode: 'bypassPermissions' } });
  fs.chmodSync(path.join(root, 'etc/claude-code/managed-settings.json'), 0o666);
  const managed = (await found())?.filter((one) => one.includes('managed-settings.json')).map((one) => one.split(' ')[0]);
  expect(managed).toEqual(['bypass-mode', 'managed-not-obeyed']);

  const bytes = ['muster.db', 'muster.db-wal'].map((name) => path.join(root, name)).filter((file) => fs.existsSync(file));
  for (const file of bytes) expect(fs.readFileSync(file).includes('planted-4f9a')).toBe(false);
});
