/** The agent over a made-up machine: what one source does when another fails, and whose programs are nobody's business. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Snapshot } from '../../electron/contract.ts';
import { ME, machine, SOMEBODY } from './machine.ts';

it('goes on with the programs at their pace when the display has gone, and says which of the two failed', async () => {
  const { root, clock, agent, runs } = machine({ env: { DISPLAY: ':7', PATH: '/usr/bin' } });
  fs.mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
  fs.writeFileSync(path.join(root, 'usr/bin/xprop'), '', { mode: 0o755 });
  const ending = new AbortController();
  let told: Partial<Snapshot> = {};
  agent.subscribe((slices) => {
    told = { ...told, ...slices };
  }, ending.signal);
  const watching = agent.watch(ending.signal);
  await vi.waitFor(() => expect(told.look?.at).not.toBeNull());
  const isThere = (id: string) => told.tools?.some((tool) => tool.id === id && tool.running);
  const appears = async (pid: number, name: string) => {
    runs(pid, [`/opt/${name}/bin/${name}`], `/opt/${name}/bin/${name}`);
    const before = clock.now().getTime();
    await vi.waitFor(
      async () => {
        if (!isThere(name)) await clock.advance(1000);
        expect([name, isThere(name)]).toEqual([name, true]);
      },
      { timeout: 10_000, interval: 1 },
    );
    expect(told.problems?.map(({ path: at }) => at)).toEqual(['foreground']);
    return clock.now().getTime() - before;
  };
  // The first one waits for the polling to begin; the others for one poll each, where a loop that backs off would take ever longer.
  await appears(71, 'gptme');
  expect(await appears(72, 'opencode')).toBeLessThanOrEqual(17_000);
  expect(await appears(73, 'ollama')).toBeLessThanOrEqual(17_000);
  ending.abort();
  await watching;
});

it('leaves other people’s programs alone wherever they lie, and tells of the system’s and one’s own', async () => {
  const { agent, runs } = machine({ uid: SOMEBODY });
  const bob = 1001 + ME;
  runs(81, ['node', '/home/bob/.npm-global/bin/claude'], undefined, bob);
  runs(82, ['/usr/bin/python3', '-m', 'aider'], '/usr/bin/python3', bob);
  runs(83, ['/usr/local/bin/goose'], undefined, bob);
  runs(84, ['/opt/gptme/bin/gptme'], '/opt/gptme/bin/gptme', SOMEBODY);
  runs(85, ['/usr/local/bin/ollama', 'serve'], undefined, 998);
  runs(86, ['/opt/opencode/bin/opencode'], '/opt/opencode/bin/opencode', 0);
  const { tools } = await agent.api.scan();
  // Only root's files are asked for the user in them; to anybody else they are all of one other person.
  expect(tools.map(({ id }) => id).sort()).toEqual(ME === 0 ? ['gptme', 'ollama', 'opencode'] : []);
});

it('ends at once when it was told to end before it began', async () => {
  const { agent } = machine();
  await agent.watch(AbortSignal.abort());
  expect(agent.snapshot().look.at).toBeNull();
});
