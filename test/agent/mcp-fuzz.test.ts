/** The honest files behind the hostile ones are read and keep their secrets; and a file that can no longer be read keeps what was known of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { parseServers } from '../../agent/mcp/parse.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { openStore } from '../../agent/store/store.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { mutate, type Pick, random } from '../hostile-bytes.ts';
import { catalog, entries, everything, honest, leaked, SEED } from './mcp-hostile.ts';

test('the honest files say what they should, and keep their secrets', () => {
  const sorts = honest();
  expect(sorts.length).toBeGreaterThan(60);
  expect(new Set(sorts.map(({ place }) => place.format))).toEqual(new Set(['json', 'jsonc', 'json5', 'toml', 'yaml', 'plist']));
  const silent = sorts.filter(({ place, bytes }) => !place.follow && everything(place, bytes).servers === 0);
  expect(silent.map(({ place }) => `${place.client} ${place.format} ${place.at.join('.')}`)).toEqual([]);
  for (const { place, bytes } of sorts) expect(leaked(everything(place, bytes).out)).toBeUndefined();
});

test('a key that stands where a project’s folder belongs stays inside', () => {
  const place = { client: 'claude-code', scope: 'local' as const, format: 'json' as const, at: ['projects', '*', 'mcpServers'] };
  const misplaced = Buffer.from(JSON.stringify({ projects: { [entries.local.args[3] ?? '']: { mcpServers: entries } } }));
  expect(everything(place, misplaced).servers).toBe(3);
  expect(leaked(everything(place, misplaced).out)).toBeUndefined();
});

test('no lost answer: a file that can no longer be read keeps its last good rows, through the store', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'muster-fuzz-'));
  const home = path.join(root, 'home/ada');
  const file = path.join(home, '.claude.json');
  mkdirSync(home, { recursive: true });
  const problems = createProblems();
  const store = openStore(path.join(root, 'muster.db'), { migrations: readMigrations() });
  onTestFinished(() => {
    store.close();
    rmSync(root, { recursive: true, force: true });
  });
  const agent = startAgent({
    ...{ clock: fakeClock(), catalog, store, problems, dataDir: root, version: '0', homes: [home], log: () => {} },
    os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? null, home } }),
    device: { id: 'd', platform: 'linux', hostname: 'test', user: 'ada' },
    policyFile: createPolicyFile(path.join(root, 'policy.json'), { tool: () => true, tiers: () => null }, problems),
    settings: { pollSeconds: 15, lookMinutes: 1000 },
  });
  const servers = async () =>
    (await agent.api.scan()).mcpServers.filter(({ present, scope }) => present && scope === 'user').map(({ name }) => name);
  const next = random(SEED);
  const pick: Pick = (limit) => Math.floor(next() * limit);
  const whole = Buffer.from(JSON.stringify({ mcpServers: entries }));
  const broken = Array.from({ length: 400 }, () => mutate(whole, pick)).filter((bytes) => {
    const read = parseServers({ client: 'claude-code', format: 'json', at: ['mcpServers'] }, bytes);
    return !read.ok;
  });
  expect(broken.length).toBeGreaterThan(50);
  writeFileSync(file, whole);
  const good = await servers();
  expect(good.sort()).toEqual(Object.keys(entries).sort());
  for (const bytes of broken.slice(0, 50)) {
    writeFileSync(file, bytes);
    expect((await servers()).sort()).toEqual(good);
    const said = agent.snapshot().problems;
    expect(said.some(({ code, path: at }) => code === 'config-unreadable' && at === '~/.claude.json')).toBe(true);
    expect(leaked(JSON.stringify(said))).toBeUndefined();
  }
  writeFileSync(file, JSON.stringify({ mcpServers: { one: entries.away } }));
  expect(await servers()).toEqual(['one']);
  expect(agent.snapshot().problems.filter(({ code }) => code === 'config-unreadable')).toEqual([]);
  const written = readdirSync(root)
    .filter((name) => name.startsWith('muster.db'))
    .map((name) => readFileSync(path.join(root, name), 'latin1'));
  expect(written.length).toBeGreaterThan(0);
  expect(written.map(leaked)).toEqual(written.map(() => undefined));
}, 60_000);
