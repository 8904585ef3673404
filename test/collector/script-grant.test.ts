/** A grant for a server that is a script: the collector knows only the hash that it was told, and both sides mean the same script by it, and no other. */
import path from 'node:path';
import { expect, it } from 'vitest';
import { startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { deviceKey } from '../../agent/device-key.ts';
import type { Grant } from '../../agent/policy/decide.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import { createVerdicts } from '../../collector/verdicts.ts';
import { temporary, write } from '../agent/muster.ts';
import { fakeClock, fakeOs } from '../fakes.ts';

it('is of the script that was asked for, whatever it is called and whenever its project becomes known, and of none that calls itself so', async () => {
  const root = temporary('script-grant');
  const home = path.join(root, 'home/ada');
  const data = path.join(root, 'data');
  write(path.join(root, 'proc/loadavg'), '0 0 0 1/1 1');
  const script = path.join(home, 'work/merger/offers/server.js');
  const config = (servers: Record<string, string[]>) =>
    write(path.join(home, '.cursor/mcp.json'), {
      mcpServers: Object.fromEntries(Object.entries(servers).map(([name, args]) => [name, { command: 'node', args }])),
    });
  config({ deals: [script], other: [path.join(home, 'work/other/server.js')] });
  deviceKey(data);
  const clock = fakeClock();
  const catalog = loadCatalog();
  const problems = createProblems();
  const store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
  let grants: readonly Grant[] = [];
  const policyFile = createPolicyFile(path.join(data, 'policy.json'), { tool: () => true, tiers: () => null }, problems);
  const agent = startAgent({
    ...{ clock, catalog, store, problems, dataDir: data, version: '0', homes: [home] },
    os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 1000, home } }),
    policyFile: { ...policyFile, grants: () => grants },
    device: { id: crypto.randomUUID(), platform: 'linux', hostname: 'h', user: 'ada' },
    settings: { pollSeconds: 15, lookMinutes: 1440 },
    log: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  const approved = () =>
    agent
      .snapshot()
      .mcpServers.filter(({ present, verdict }) => present && verdict.status === 'approved')
      .map(({ name }) => name);
  const told = () => agent.preview().flatMap(({ snapshot }) => snapshot?.items ?? []);
  /** What the collector makes of each server that it was told of. */
  const there = () =>
    told().flatMap((item) => {
      if (item.kind !== 'mcp' || !item.present) return [];
      const given = { policy: null, grants, open: false, now: clock.now() };
      return createVerdicts(catalog).of(item, given).status === 'approved' ? [item.name] : [];
    });

  await agent.api.scan();
  await agent.api.request({ item: 'mcp:deals', reason: 'For the pilot.' });
  const identity = agent.preview()[0]?.requests?.[0]?.identity ?? '';
  expect(identity).toMatch(/^script:project:[\w-]{22}\/server\.js$/);
  expect(approved()).toEqual([]);
  grants = [{ id: 'g', mcp: identity, status: 'approved', expiresAt: '2027-06-30T00:00:00.000Z', reason: 'Fine.' }];
  expect([approved(), there()]).toEqual([['deals'], ['deals']]);
  // The employee reads what it is.
  expect(agent.snapshot().policy.grants?.[0]?.itemName).toBe('script:~/work/merger/offers/server.js');

  // Somebody names a file as the grant does, by its path or beside it; and another name of the same script is still that script.
  config({ deals: [identity.slice('script:'.length)], renamed: [script], third: [path.join(home, identity.slice('script:'.length))] });
  await agent.api.scan();
  expect([approved(), there()]).toEqual([['renamed'], ['renamed']]);

  // Its project becomes known, and is named by every word of its path.
  write(path.join(home, '.claude.json'), { projects: { [path.join(home, 'work/merger')]: {}, [path.dirname(script)]: {} } });
  await agent.api.scan();
  expect([approved(), there()]).toEqual([['renamed'], ['renamed']]);
  expect(JSON.stringify(told())).not.toMatch(/merger/);
  store.close();
});
