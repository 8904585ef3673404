/** A rule that is enforced, from the countdown to the undo: a whole agent over real config files, with time that passes when the test says so. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import type { Action } from '../../electron/contract.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { temporary, until, write } from './muster.ts';

const catalog = loadCatalog();
const scratch = temporary('acting');
const SECRET = 'planted-9c1d7e0b5a2f4863';
const CURSOR = `{\n\t// mine\n\t"mcpServers": {\n\t\t"files": { "command": "npx", "args": ["-y", "@acme/files"], "env": { "FILES_TOKEN": "${SECRET}" } }, // the first\n\t\t"notes": { "command": "node", "args": ["/srv/notes.js"] },\n\t},\n}\n`;
const CODEX = `# mine\nmodel = "x"\n\n[mcp_servers.files]\ncommand = "npx"\nargs = ["-y", "@acme/files"]\n\n[mcp_servers.files.env]\nFILES_TOKEN = "${SECRET}"\n`;
const RULE = { id: 'm1', match: { npm: '@acme/files' }, status: 'prohibited', mode: 'enforce', action: 'disable-entry' };

let machines = 0;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function machine() {
  const root = path.join(scratch, String(machines++));
  const home = path.join(root, 'home/ada');
  const data = path.join(root, 'data');
  write(path.join(root, 'proc/loadavg'), '0 0 0 1/1 1');
  fs.mkdirSync(home, { recursive: true });
  const clock = fakeClock();
  const store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
  ends.push(async () => store.close());
  const settings: { pollSeconds: number; lookMinutes: number; allowActions: ('disable-entry' | 'end-process')[] } = {
    ...{ pollSeconds: 15, lookMinutes: 1440, allowActions: ['disable-entry', 'end-process'] },
  };
  const logged: string[] = [];
  const begin = async () => {
    const problems = createProblems((at) => at.replace(home, '~'));
    const agent = startAgent({
      ...{ clock, catalog, store, problems, settings, dataDir: data, version: '0', homes: [home] },
      os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 1000, home } }),
      policyFile: createPolicyFile(path.join(data, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
      device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
      log: (what, error) => logged.push(`${what}: ${error}`),
    });
    const stop = new AbortController();
    const done = agent.watch(stop.signal);
    const end = async () => {
      stop.abort();
      await clock.advance(0);
      await done;
    };
    ends.unshift(end);
    await until(() => agent.snapshot().look.at !== null, 'the first look was over');
    await clock.advance(0);
    return {
      ...{ agent, end },
      actions: () => agent.snapshot().actions ?? [],
      action: (state: Action['state'], server?: string) => {
        const found = (agent.snapshot().actions ?? []).find(
          (one) => one.state === state && (server === undefined || one.itemName === server),
        );
        if (!found) throw new Error(`no action is ${state}: ${JSON.stringify(agent.snapshot().actions)}`);
        return found;
      },
      /** Until the agent has read the file and decided anew. */
      seen: async (holds: () => boolean, what: string) =>
        until(async () => {
          await clock.advance(0);
          return holds();
        }, what),
    };
  };
  let rev = 0;
  const policy = (...rules: readonly object[]) =>
    write(path.join(data, 'policy.json'), { schema: 'muster.policy/1', rev: ++rev, mode: 'monitor', mcp: { rules } });
  const file = (below: string, text?: string) => {
    const at = path.join(home, below);
    if (text !== undefined) write(at, text);
    return { at, text: () => fs.readFileSync(at, 'utf8'), mode: () => fs.statSync(at).mode & 0o777 };
  };
  const copies = () => (fs.existsSync(path.join(data, 'undo')) ? fs.readdirSync(path.join(data, 'undo')) : []);
  const decisions = () =>
    [...store.evidenceRows.all()].filter(({ kind }) => kind === 'action').map(({ decision, rule }) => `${decision} ${rule}`);
  /** Every byte that Muster has of its own, but for the copies. */
  const words = () => {
    const parts = [JSON.stringify([...store.evidenceRows.all()]), JSON.stringify(store.actions()), logged.join('\n')];
    for (const name of fs.readdirSync(data))
      if (fs.statSync(path.join(data, name)).isFile()) parts.push(fs.readFileSync(path.join(data, name), 'latin1'));
    return parts.join('\n');
  };
  return { root, home, data, clock, store, settings, begin, policy, file, copies, decisions, words, logged };
}

describe('an MCP server that may not be used', () => {
  it('is taken out after a countdown that is seen, and is put back byte for byte', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    fs.chmodSync(cursor.at, 0o640);
    it.policy(RULE);
    const { actions, action, agent, seen } = await it.begin();
    const waiting = action('waiting');
    expect(waiting).toMatchObject({
      ...{
        kind: 'disable-entry',
        item: 'mcp:files',
        itemName: 'files',
        rule: 'm1',
        mode: 'enforce',
        why: null,
        mayKeep: true,
        mayUndo: false,
      },
      preview: { path: '~/.cursor/mcp.json', before: ['files'], after: [] },
    });
    expect(Date.parse(waiting.endsAt ?? '') - it.clock.now().getTime()).toBe(60_000);
    await it.clock.advance(59_000);
    expect(cursor.text()).toBe(CURSOR);
    await it.clock.advance(1_500);
    await seen(() => actions()[0]?.state === 'done', 'it was done');
    expect(cursor.text()).toBe(
      '{\n\t// mine\n\t"mcpServers": {\n\t\t// the first\n\t\t"notes": { "command": "node", "args": ["/srv/notes.js"] },\n\t},\n}\n',
    );
    expect(cursor.mode()).toBe(0o640);
    await seen(() => !agent.snapshot().mcpServers.some(({ name, present }) => name === 'files' && present), 'the watcher saw it');
    const [copy = ''] = it.copies();
    expect(fs.statSync(path.join(it.data, 'undo', copy)).mode & 0o777).toBe(0o600);
    expect(fs.readFileSync(path.join(it.data, 'undo', copy), 'utf8')).toBe(CURSOR);

    const undone = await agent.api.undo(waiting.id);
    expect(undone).toMatchObject({ state: 'undone', mayUndo: false });
    expect(cursor.text()).toBe(CURSOR);
    expect(cursor.mode()).toBe(0o640);
    expect(it.copies()).toEqual([]);
    // The rule would act again, and doesn't.
    await seen(() => agent.snapshot().mcpServers.some(({ name, present }) => name === 'files' && present), 'the watcher saw it again');
    await it.clock.advance(300_000);
    expect(cursor.text()).toBe(CURSOR);
    expect(it.decisions()).toEqual(['waiting m1', 'done m1', 'undone m1']);
    expect(it.words()).not.toContain(SECRET);
    expect(it.logged).toEqual([]);
  });

  it('is turned off by the client’s own switch, and on again', async () => {
    const it = machine();
    const codex = it.file('.codex/config.toml', CODEX);
    it.policy(RULE);
    const { action, agent, seen } = await it.begin();
    const { id, preview } = action('waiting');
    expect(preview).toEqual({ path: '~/.codex/config.toml', before: ['files'], after: ['files', '  enabled: false'] });
    await agent.api.actNow(id);
    expect(codex.text()).toBe(CODEX.replace('[mcp_servers.files]\n', '[mcp_servers.files]\nenabled = false\n'));
    await seen(
      () => agent.snapshot().mcpServers.some(({ name, enabled, present }) => name === 'files' && present && !enabled),
      'it is seen as off',
    );
    // The client has written its file since.
    fs.writeFileSync(codex.at, codex.text().replace('"x"', '"y"'));
    expect(await agent.api.undo(id)).toMatchObject({ state: 'undone' });
    expect(codex.text()).toBe(CODEX.replace('"x"', '"y"'));
    expect(it.words()).not.toContain(SECRET);
  });

  it('is put back into a file that has changed since, beside what is new', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy(RULE);
    const { action, agent } = await it.begin();
    const { id } = action('waiting');
    await agent.api.actNow(id);
    fs.writeFileSync(cursor.at, cursor.text().replace('"notes": {', '"late": { "command": "x" },\n\t\t"notes": {'));
    await agent.api.undo(id);
    expect(cursor.text()).toContain('"late"');
    expect(cursor.text()).toContain('// mine');
    const plain = JSON.parse(
      cursor
        .text()
        .replaceAll(/\/\/.*$/gm, '')
        .replaceAll(/,(\s*[}\]])/g, '$1'),
    );
    expect(plain.mcpServers.files).toEqual({ command: 'npx', args: ['-y', '@acme/files'], env: { FILES_TOKEN: SECRET } });
    expect(Object.keys(plain.mcpServers).sort()).toEqual(['files', 'late', 'notes']);
    expect(it.copies()).toEqual([]);
  });

  it('can be kept for a day, once', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy(RULE);
    const { action, agent } = await it.begin();
    const { id } = action('waiting');
    expect(await agent.api.keepForToday(id)).toMatchObject({ state: 'waiting', mayKeep: false });
    await expect(agent.api.keepForToday(id)).rejects.toMatchObject({ code: 'wrong-state' });
    await expect(agent.api.undo(id)).rejects.toMatchObject({ code: 'wrong-state' });
    await expect(agent.api.undo('nothing')).rejects.toMatchObject({ code: 'unknown-item' });
    expect(Date.parse(action('waiting').endsAt ?? '') - it.clock.now().getTime()).toBe(86_400_000);
    await it.clock.advance(600_000);
    expect(cursor.text()).toBe(CURSOR);
    await agent.api.actNow(id);
    expect(it.decisions()).toEqual(['waiting m1', 'put-off m1', 'done m1']);
  });

  it('is left alone, and told, while the rule only records or warns, or the managed settings say nothing', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy({ ...RULE, mode: 'monitor' });
    const { action, actions, seen } = await it.begin();
    expect(action('would')).toMatchObject({ mode: 'monitor', endsAt: null, why: 'The rule only records for now.', mayKeep: false });
    it.policy({ ...RULE, mode: 'warn' });
    await it.clock.advance(20_000);
    await seen(() => action('would').mode === 'warn', 'the policy came');
    it.settings.allowActions = ['end-process'];
    it.policy(RULE);
    await it.clock.advance(20_000);
    await seen(() => action('would').mode === 'enforce', 'the policy came');
    expect(action('would').why).toBe('IT hasn’t allowed it on this computer.');
    await it.clock.advance(600_000);
    expect(cursor.text()).toBe(CURSOR);
    expect(actions()).toHaveLength(1);
    expect(it.decisions()).toEqual(['would-act m1']);
    it.settings.allowActions = ['disable-entry'];
    await it.clock.advance(60_000);
    expect(action('waiting').endsAt).not.toBeNull();
  });

  it('is forgotten where the policy allows it before the countdown ends', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy(RULE);
    const { actions, agent, seen } = await it.begin();
    it.policy();
    await it.clock.advance(16_000);
    await seen(() => agent.snapshot().policy.rev === 2 && actions().length === 0, 'the policy came');
    await it.clock.advance(120_000);
    expect(actions()).toEqual([]);
    expect(cursor.text()).toBe(CURSOR);
    expect(it.decisions()).toEqual(['waiting m1', 'dropped m1']);
  });

  it('that somebody turns on again gets a new countdown, and the old copy goes', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy(RULE);
    const { action, agent, seen, actions } = await it.begin();
    const first = action('waiting');
    await agent.api.actNow(first.id);
    await seen(() => !agent.snapshot().mcpServers.some(({ name, present }) => name === 'files' && present), 'the watcher saw it');
    fs.writeFileSync(cursor.at, CURSOR);
    await seen(() => actions().some(({ state }) => state === 'waiting'), 'it waits again');
    expect(action('undone').id).toBe(first.id);
    expect(it.copies()).toEqual([]);
    await it.clock.advance(61_000);
    await seen(() => actions().some(({ state }) => state === 'done'), 'it was done again');
    expect(cursor.text()).not.toContain('files');
  });

  it('comes up again after the employee took it back, once the policy or the entry has changed', async () => {
    const it = machine();
    const cursor = it.file('.cursor/mcp.json', CURSOR);
    it.policy(RULE);
    const { action, agent, seen, actions } = await it.begin();
    const { id } = action('waiting');
    await agent.api.actNow(id);
    await agent.api.undo(id);
    await it.clock.advance(120_000);
    expect(actions().map(({ state }) => state)).toEqual(['undone']);
    fs.writeFileSync(cursor.at, CURSOR.replace('"@acme/files"', '"@acme/files", "--more"'));
    await seen(() => actions().some(({ state }) => state === 'waiting'), 'the entry is another');
  });
});

describe('a file that Muster leaves alone', () => {
  it.each<[string, (it: ReturnType<typeof machine>) => void, RegExp, string]>([
    [
      'one of a project',
      (it) => {
        it.file('work/.cursor/mcp.json', CURSOR);
        it.file('.claude.json', JSON.stringify({ projects: { [path.join(it.home, 'work')]: {} } }));
      },
      /lies in a project/,
      '~/work/.cursor/mcp.json',
    ],
    [
      'one with two names',
      (it) => fs.linkSync(it.file('.cursor/mcp.json', CURSOR).at, path.join(it.home, 'second')),
      /several names/,
      '~/.cursor/mcp.json',
    ],
    ['a write-protected one', (it) => fs.chmodSync(it.file('.cursor/mcp.json', CURSOR).at, 0o444), /write-protected/, '~/.cursor/mcp.json'],
    [
      'one that says it twice',
      (it) => void it.file('.cursor/mcp.json', '{"mcpServers":{"files":{"command":"y"},"files":{"command":"npx","args":["@acme/files"]}}}'),
      /can’t change with certainty/,
      '~/.cursor/mcp.json',
    ],
  ])('%s is reported', async (_, plant, why, at) => {
    const it = machine();
    plant(it);
    it.policy(RULE);
    const { action, agent } = await it.begin();
    expect(action('refused').why).toMatch(why);
    const [problem] = agent.snapshot().problems.filter(({ code }) => code === 'action-refused');
    expect(problem?.path).toBe(at);
    expect(problem?.message).toMatch(why);
    const before = fs.readFileSync(at.replace('~', it.home), 'utf8');
    await it.clock.advance(300_000);
    expect(fs.readFileSync(at.replace('~', it.home), 'utf8')).toBe(before);
    expect(it.decisions()).toEqual(['refused m1']);
    expect(it.words()).not.toContain(SECRET);
  });

  it('is the target where the config is a link, and the link stays', async () => {
    const it = machine();
    const real = it.file('dotfiles/cursor.json', CURSOR);
    fs.mkdirSync(path.join(it.home, '.cursor'));
    fs.symlinkSync('../dotfiles/cursor.json', path.join(it.home, '.cursor/mcp.json'));
    it.policy(RULE);
    const { action, agent } = await it.begin();
    const { id } = action('waiting');
    await agent.api.actNow(id);
    expect(real.text()).not.toContain('files');
    expect(fs.lstatSync(path.join(it.home, '.cursor/mcp.json')).isSymbolicLink()).toBe(true);
    await agent.api.undo(id);
    expect(real.text()).toBe(CURSOR);
  });

  it('of a project has its servers left out by the user’s own list, where the client has one', async () => {
    const it = machine();
    const project = path.join(it.home, 'work');
    const shared = it.file('work/.mcp.json', JSON.stringify({ mcpServers: { files: { command: 'npx', args: ['@acme/files'] } } }));
    const before = JSON.stringify({ theme: 'dark', projects: { [project]: { allowedTools: [] } } }, null, 2);
    const own = it.file('.claude.json', before);
    it.policy(RULE);
    const { action, actions, agent, seen } = await it.begin();
    const claude = actions().find(({ preview }) => preview.path === '~/.claude.json');
    expect(claude?.preview).toEqual({ path: '~/.claude.json', before: [], after: ['projects → ~/work → disabledMcpServers: files'] });
    const text = shared.text();
    await agent.api.actNow(claude?.id ?? '');
    expect(shared.text()).toBe(text);
    expect(JSON.parse(own.text())).toEqual({
      theme: 'dark',
      projects: { [project]: { allowedTools: [], disabledMcpServers: ['files'] } },
    });
    await seen(() => agent.snapshot().mcpServers.some(({ client, enabled }) => client === 'claude-code' && !enabled), 'it is seen as off');
    fs.writeFileSync(own.at, own.text().replace('dark', 'light'));
    await agent.api.undo(claude?.id ?? '');
    expect(own.text()).toBe(before.replace('dark', 'light'));
    expect(() => action('failed')).toThrow();
  });
});
