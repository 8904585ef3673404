/** Agents' own settings in a whole look: the user's file, a project's and the organization's, and what becomes of them when they change. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { machine } from './machine.ts';
import { write } from './muster.ts';

test('settings are findings of their tool, follow their files, and no secret of theirs is kept', async () => {
  const { root, home, agent } = machine();
  const project = path.join(home, 'src/shop');
  const program = write(path.join(home, '.local/share/claude/versions/2.1.0'), '');
  fs.chmodSync(program, 0o755);
  fs.mkdirSync(path.join(home, '.local/bin'), { recursive: true });
  fs.symlinkSync(program, path.join(home, '.local/bin/claude'));
  write(path.join(home, '.claude.json'), { projects: { [project]: {} } });
  const mine = write(path.join(home, '.claude/settings.json'), {
    permissions: { defaultMode: 'bypassPermissions' },
    env: { ANTHROPIC_AUTH_TOKEN: 'planted-4f9a1c7e5b2d8064' },
  });
  const ours = write(path.join(project, '.claude/settings.json'), { enableAllProjectMcpServers: true });
  const problems = () => agent.snapshot().problems.map(({ code, path: at }) => [code, at]);
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
  expect(problems()).toEqual([['config-unreadable', '~/.claude/settings.json']]);

  write(mine, { permissions: { defaultMode: 'acceptEdits' } });
  fs.rmSync(ours);
  expect(await found()).toEqual(['edit-mode ~/.claude/settings.json']);
  expect(problems()).toEqual([]);

  // Everybody may write it, whoever runs the tests.
  write(path.join(root, 'etc/claude-code/managed-settings.json'), { permissions: { defaultMode: 'bypassPermissions' } });
  fs.chmodSync(path.join(root, 'etc/claude-code/managed-settings.json'), 0o666);
  const managed = (await found())?.filter((one) => one.includes('managed-settings.json')).map((one) => one.split(' ')[0]);
  expect(managed).toEqual(['bypass-mode', 'managed-not-obeyed']);

  const bytes = ['muster.db', 'muster.db-wal'].map((name) => path.join(root, name)).filter((file) => fs.existsSync(file));
  for (const file of bytes) expect(fs.readFileSync(file).includes('planted-4f9a')).toBe(false);
});
