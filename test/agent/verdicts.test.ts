/** What changes for the employee while an agent lives: policies come, grants end, requests are answered; the stream says so and the record keeps it. */
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { readMigrations } from '../../agent/assets.ts';
import { readDeviceKey } from '../../agent/device-key.ts';
import { verifyChain } from '../../agent/evidence/chain.ts';
import { readHead } from '../../agent/evidence/head-file.ts';
import type { Grant } from '../../agent/policy/decide.ts';
import { createPolicyFile } from '../../agent/policy/policy-file.ts';
import { createProblems } from '../../agent/problems.ts';
import { loadCatalog } from '../../agent/session.ts';
import { openStore } from '../../agent/store/store.ts';
import type { Snapshot } from '../../electron/contract.ts';
import { notices } from '../../electron/main/notify.ts';
import { fakeClock, fakeOs } from '../fakes.ts';
import { temporary, write } from './muster.ts';

const catalog = loadCatalog();
const scratch = temporary('verdicts');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let machines = 0;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A computer with two tools and one MCP server; `granted` is what the collector granted it. */
function machine() {
  const root = path.join(scratch, String(machines++));
  const home = path.join(root, 'home/ada');
  const data = path.join(root, 'data');
  write(path.join(root, 'proc/loadavg'), '0 0 0 1/1 1');
  for (const name of ['opencommit', '@openai/codex']) {
    write(path.join(home, '.npm-global/lib/node_modules', name, 'package.json'), { name, version: '1.0.0' });
  }
  write(path.join(home, '.cursor/mcp.json'), { mcpServers: { files: { command: 'npx', args: ['-y', '@acme/files'] } } });
  const awake = fakeClock(undefined, 2000);
  let slept = 0;
  const clock = {
    ...awake,
    now: () => new Date(awake.now().getTime() + slept),
    /** Time passes, and no timer runs: what a lid that is closed does. */
    sleep: (until: Date) => {
      slept += until.getTime() - awake.now().getTime() - slept;
    },
  };
  const store = openStore(path.join(data, 'muster.db'), { migrations: readMigrations() });
  const problems = createProblems();
  const policyFile = createPolicyFile(path.join(data, 'policy.json'), { tool: () => true, tiers: () => null }, problems);
  const state = { grants: [] as Grant[], serverTime: null as Date | null, isNew: false };
  const start = (): Agent =>
    startAgent({
      ...{ clock, catalog, store, problems, dataDir: data, version: '0', homes: [home] },
      os: fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 1000, home } }),
      policyFile: {
        ...policyFile,
        changed: () => policyFile.changed() || state.isNew,
        reload: () => {
          state.isNew = false;
          return policyFile.reload();
        },
        grants: () => state.grants,
        serverTime: () => state.serverTime,
      },
      device: { id: 'd', platform: 'linux', hostname: 'h', user: 'ada' },
      settings: { pollSeconds: 15, lookMinutes: 1440 },
      log: (what, error) => {
        throw new Error(`${what} failed`, { cause: error });
      },
    });
  const rows = () => [...store.evidenceRows.all()];
  const it = {
    ...{ clock, store, problems, state, start, rows, home },
    /** What the record says, without the first `after` rows. */
    told: (after = 0) =>
      rows()
        .slice(after)
        .map(({ kind, item, was, decision, rule }) => [kind, item, was, decision, rule] as const),
    verified: () => {
      const key = readDeviceKey(data);
      return verifyChain(rows(), readHead(data, key), key && ((bytes, signature) => key.verify(bytes, signature)));
    },
    policy(policy: object | null) {
      const file = path.join(data, 'policy.json');
      if (policy === null) fs.rmSync(file, { force: true });
      // Another size each time: the clock of the file system may be coarse.
      else write(file, `${JSON.stringify({ schema: 'muster.policy/1', rev: 1, ...policy })}${' '.repeat(machines + rows().length)}`);
    },
    grant(grant: Partial<Grant> & Pick<Grant, 'id' | 'expiresAt'>) {
      state.grants = [...state.grants, { tool: 'codex', status: 'approved', reason: 'For the pilot.', ...grant }];
      state.isNew = true;
    },
    /** An agent that watches, and what a window of it was told. */
    async watching() {
      const agent = start();
      const ending = new AbortController();
      const heard: { before: Snapshot | null; after: Snapshot }[] = [];
      let now: Snapshot | null = null;
      agent.subscribe((slices) => {
        const before: Snapshot | null = now;
        now = { ...(now as unknown as Snapshot), ...slices };
        heard.push({ before, after: now });
      }, ending.signal);
      const done = agent.watch(ending.signal);
      ends.push(async () => {
        ending.abort();
        await done;
        store.close();
      });
      const snapshot = () => now as unknown as Snapshot;
      const began = clock.now().toISOString();
      await vi.waitFor(() => expect((snapshot().look.at ?? '') >= began).toBe(true), { timeout: 10_000, interval: 1 });
      await vi.waitFor(() => expect(clock.waiting()).toBe(LOOPS), { timeout: 10_000, interval: 1 });
      /** Lets time pass until it holds, in steps. */
      const until = async (holds: () => boolean, step: number, most = 100) => {
        for (let turn = 0; turn < most && !holds(); turn++) await clock.advance(step);
        expect(holds()).toBe(true);
      };
      return { agent, snapshot, heard, until };
    },
  };
  return it;
}

/** Looks, programs, use, what ends, what Muster does by itself, check-ins: each waits for the clock when it has nothing to do. */
const LOOPS = 6;
const statusOf = (snapshot: Snapshot, id: string) => snapshot.tools.find((tool) => tool.id === id)?.verdict.status;

describe('the record of an agent’s life', () => {
  it('says once what was there, and nothing while nothing changes', async () => {
    const it = machine();
    const agent = it.start();
    await agent.api.scan();
    expect(it.told().map(([kind, item, was, decision]) => [kind, item, was, decision])).toEqual([
      ['start', null, null, null],
      ['seen', 'codex', null, 'unreviewed'],
      ['seen', 'opencommit', null, 'unreviewed'],
      ['seen', 'mcp:files', null, 'unreviewed'],
    ]);
    for (let again = 0; again < 3; again++) await agent.api.scan();
    await it.start().api.scan();
    expect(it.rows()).toHaveLength(4);
    expect(it.verified()).toMatchObject({ ok: true });
    it.store.close();
  });

  it('tells a policy, its mode, and what they did to each item, in this order and in one notice', async () => {
    const it = machine();
    const { snapshot, heard, until } = await it.watching();
    const had = it.rows().length;
    it.policy({
      mode: 'enforce',
      rev: 7,
      tools: [
        { id: 't1', tool: 'codex', status: 'prohibited' },
        { id: 't2', tool: 'opencommit', status: 'approved' },
      ],
      mcp: { rules: [{ id: 'm1', match: { npm: '@acme/files' }, status: 'approved' }] },
    });
    const from = heard.length;
    await until(() => statusOf(snapshot(), 'codex') === 'prohibited', 1000);
    expect(it.told(had)).toEqual([
      ['policy', null, 'none', 'rev 7', null],
      ['mode', null, 'warn', 'enforce', null],
      ['verdict', 'codex', 'unreviewed', 'prohibited', 't1'],
      ['verdict', 'opencommit', 'unreviewed', 'approved', 't2'],
      ['verdict', 'mcp:files', 'unreviewed', 'approved', 'm1'],
    ]);
    const told = heard.slice(from).flatMap(({ before, after }) => notices(before, { ...after, told: { inventory: 'x' } }));
    expect(told.map(({ title, body }) => `${title}: ${body}`)).toEqual([
      'The policy has changed: Two of your AI tools stand differently now; Codex CLI needs something from you.',
    ]);
    it.policy(null);
    await until(() => statusOf(snapshot(), 'codex') === 'unreviewed', 1000);
    expect(it.told(had + 5).map(([kind, , was, decision]) => [kind, was, decision])).toEqual([
      ['policy', 'rev 7', 'none'],
      ['mode', 'enforce', 'warn'],
      ['verdict', 'prohibited', 'unreviewed'],
      ['verdict', 'approved', 'unreviewed'],
      ['verdict', 'approved', 'unreviewed'],
    ]);
    expect(it.verified()).toMatchObject({ ok: true });
  });

  it('catches up with a policy that came while no agent ran', async () => {
    const it = machine();
    await it.start().api.scan();
    const had = it.rows().length;
    it.policy({ stance: 'prohibited', mode: 'warn' });
    const agent = it.start();
    await agent.api.scan();
    expect(it.told(had).map(([kind, item]) => [kind, item])).toEqual([
      ['policy', null],
      ['verdict', 'codex'],
      ['verdict', 'opencommit'],
    ]);
    // A policy for one answer is not in force.
    const text = JSON.stringify({ schema: 'muster.policy/1', rev: 9, stance: 'tolerated' });
    await agent.api.scan({ policy: { path: 'other.json', text } });
    expect(it.rows()).toHaveLength(had + 3);
    it.store.close();
  });
});

describe('a grant', () => {
  it('is an exception while it lasts, is announced a week before its end, and puts the tool back at that moment', async () => {
    const it = machine();
    it.policy({ stance: 'prohibited', mode: 'warn' });
    const { snapshot, heard, until } = await it.watching();
    const had = it.rows().length;
    const end = new Date(it.clock.now().getTime() + 10 * DAY + 7 * 60_000 + 123);
    it.grant({ id: 'g1', expiresAt: end.toISOString() });
    await until(() => statusOf(snapshot(), 'codex') === 'approved', 1000);
    expect(it.told(had)).toEqual([
      ['grant', 'codex', null, 'approved', 'g1'],
      ['verdict', 'codex', 'prohibited', 'approved', 'g1'],
      ['exception', 'codex', null, 'in use', 'g1'],
    ]);
    expect(snapshot().policy.grants).toMatchObject([{ id: 'g1', itemName: 'Codex CLI', standing: 'current', until: end.toISOString() }]);

    const told = () =>
      heard
        .flatMap(({ before, after }) => notices(before, { ...after, told: { ...after.told, inventory: 'x' } }))
        .map(({ title }) => title);
    /** Sleeps until shortly before, is awake until just before, and then the moment comes. */
    const comesTo = async (moment: number, before: () => void) => {
      it.clock.sleep(new Date(moment - 100_000));
      await it.clock.advance(99_999);
      before();
      await it.clock.advance(1);
      expect(it.clock.now().getTime()).toBe(moment);
    };
    await comesTo(end.getTime() - 7 * DAY, () => expect(snapshot().policy.grants?.[0]?.standing).toBe('current'));
    expect(snapshot().policy.grants?.[0]?.standing).toBe('ending');
    expect(told().at(-1)).toBe(`Your approval of Codex CLI ends on ${end.getUTCDate()} December`);

    // To the moment, and not with the next poll.
    await comesTo(end.getTime(), () => expect(statusOf(snapshot(), 'codex')).toBe('approved'));
    expect(statusOf(snapshot(), 'codex')).toBe('prohibited');
    expect(it.told(had + 3)).toEqual([
      ['grant', 'codex', 'approved', 'ended', 'g1'],
      ['verdict', 'codex', 'approved', 'prohibited', null],
      ['exception', 'codex', 'in use', 'over', 'g1'],
    ]);
    expect(told().at(-1)).toBe('Your approval of Codex CLI has ended');
    expect(it.verified()).toMatchObject({ ok: true });
  });

  it('that ended while the computer slept, or nothing ran, is noticed soon after', async () => {
    const it = machine();
    it.grant({ id: 'g1', expiresAt: new Date(it.clock.now().getTime() + 2 * HOUR).toISOString() });
    await it.start().api.scan();
    const had = it.rows().length;
    it.clock.sleep(new Date(it.clock.now().getTime() + 3 * HOUR));
    const { snapshot } = await it.watching();
    expect(statusOf(snapshot(), 'codex')).toBe('expired');
    expect(it.told(had).map(([kind, , was, decision]) => [kind, was, decision])).toEqual([
      ['grant', 'approved', 'ended'],
      ['verdict', 'approved', 'expired'],
      ['exception', 'in use', 'over'],
    ]);
  });

  it('that ended while the lid was closed is noticed within a minute', async () => {
    const it = machine();
    const end = new Date(it.clock.now().getTime() + 2 * HOUR);
    it.grant({ id: 'g1', expiresAt: end.toISOString() });
    const { snapshot } = await it.watching();
    it.clock.sleep(new Date(end.getTime() + HOUR));
    await it.clock.advance(60_000);
    expect(statusOf(snapshot(), 'codex')).toBe('expired');
    expect(it.told().at(-3)?.slice(0, 4)).toEqual(['grant', 'codex', 'approved', 'ended']);
  });

  it('ends by the server’s time where that is ahead of this computer’s', async () => {
    const it = machine();
    const end = new Date(it.clock.now().getTime() + 2 * HOUR);
    it.grant({ id: 'g1', expiresAt: end.toISOString() });
    const { snapshot, until } = await it.watching();
    expect(statusOf(snapshot(), 'codex')).toBe('approved');
    it.state.serverTime = new Date(end.getTime() + 1);
    await until(() => statusOf(snapshot(), 'codex') === 'expired', 15_000, 5);
    // And a clock that is set back brings nothing back.
    expect(it.clock.now().getTime()).toBeLessThan(end.getTime());
  });

  it('that is taken back is told as that', async () => {
    const it = machine();
    it.grant({ id: 'g1', expiresAt: new Date(it.clock.now().getTime() + 30 * DAY).toISOString() });
    const agent = it.start();
    await agent.api.scan();
    const had = it.rows().length;
    it.state.grants = [];
    await agent.api.scan();
    expect(it.told(had).map(([kind, , was, decision, rule]) => [kind, was, decision, rule])).toEqual([
      ['grant', 'approved', 'withdrawn', 'g1'],
      ['verdict', 'approved', 'unreviewed', null],
      ['exception', 'in use', 'over', 'g1'],
    ]);
    it.store.close();
  });
});

describe('a request', () => {
  it('goes through its states with a row for each, and without the words that people wrote', async () => {
    const it = machine();
    const agent = it.start();
    await agent.api.scan();
    const had = it.rows().length;
    const { id } = await agent.api.request({ item: 'codex', reason: 'planted-reason-3f9c' });
    const ask = { request: id, at: '2026-11-22T10:00:00.000Z' };
    expect(agent.applyDecision({ ...ask, state: 'needs-info', answer: 'planted-question-77a1' })?.state).toBe('needs-info');
    await agent.api.answer(id, 'planted-answer-90be');
    expect(agent.applyDecision({ ...ask, state: 'approved', answer: null })?.state).toBe('approved');
    // Said again, it changes nothing; nor does another word after the first.
    expect(agent.applyDecision({ ...ask, state: 'approved', answer: null })).toBeNull();
    expect(agent.applyDecision({ ...ask, state: 'denied', answer: null })).toBeNull();
    expect(agent.applyDecision({ request: 'other', at: ask.at, state: 'denied', answer: null })).toBeNull();
    await expect(agent.api.withdraw(id)).rejects.toMatchObject({ code: 'wrong-state' });
    expect(it.told(had).map(([kind, , was, decision]) => [kind, was, decision])).toEqual([
      ['request', null, 'open'],
      ['verdict', 'unreviewed', 'pending'],
      ['decision', 'open', 'needs-info'],
      ['request', 'open', 'needs-info'],
      ['request', 'needs-info', 'open'],
      ['decision', 'open', 'approved'],
      ['request', 'open', 'approved'],
      // An answer is for display; what may be used comes with a grant.
      ['verdict', 'pending', 'unreviewed'],
    ]);
    expect(JSON.stringify(it.rows())).not.toMatch(/planted/);
    expect(it.verified()).toMatchObject({ ok: true });
    it.store.close();
  });

  it('ends by itself after 90 days, or with the day it was for, and says why', async () => {
    const it = machine();
    const { agent, snapshot } = await it.watching();
    await agent.api.request({ item: 'codex', reason: 'x' });
    const soon = await agent.api.request({ item: 'opencommit', reason: 'x', until: '2026-11-25' });
    const asked = it.clock.now().getTime();
    it.clock.sleep(new Date('2026-11-25T23:58:00.000Z'));
    await it.clock.advance(2 * 60_000);
    const stateOf = (item: string) => snapshot().requests.find((request) => request.item === item);
    expect(stateOf('opencommit')).toMatchObject({ id: soon.id, state: 'expired', why: 'The day that you asked for has passed.' });
    expect(statusOf(snapshot(), 'opencommit')).toBe('unreviewed');
    expect(stateOf('codex')?.state).toBe('open');
    it.clock.sleep(new Date(asked + 90 * DAY - 100_000));
    await it.clock.advance(99_999);
    expect(stateOf('codex')?.state).toBe('open');
    await it.clock.advance(1);
    expect(stateOf('codex')).toMatchObject({ state: 'expired', why: 'Nobody decided within 90 days; ask again if you still need it.' });
    const last = it.told().slice(-2);
    expect(last.map(([kind, item, was, decision]) => [kind, item, was, decision])).toEqual([
      ['request', 'codex', 'open', 'expired'],
      ['verdict', 'codex', 'pending', 'unreviewed'],
    ]);
    // It may be asked for again, and IT may still decide the old one.
    expect((await agent.api.request({ item: 'codex', reason: 'again' })).state).toBe('open');
    const late = agent.applyDecision({ request: soon.id, state: 'denied', answer: 'No.', at: '2027-03-01T00:00:00.000Z' });
    expect(late).toMatchObject({ state: 'denied', answer: 'No.' });
    expect(late?.why).toBeUndefined();
  });
});

describe('the policy’s acknowledgement', () => {
  it('is of the version in force, is kept and recorded once, and is asked for again with a new version only', async () => {
    const it = machine();
    it.policy({ rev: 1, acknowledge: { version: '2026-11', required: true } });
    const agent = it.start();
    await agent.api.scan();
    expect(agent.snapshot().policy.acknowledge).toEqual({ version: '2026-11', required: true, acknowledgedAt: null });
    await expect(agent.api.acknowledge('2026-10')).rejects.toMatchObject({
      code: 'wrong-state',
      message: expect.stringContaining('2026-11'),
    });
    const had = it.rows().length;
    const first = await agent.api.acknowledge('2026-11');
    await it.clock.advance(DAY);
    expect(await agent.api.acknowledge('2026-11')).toEqual(first);
    expect(it.told(had)).toEqual([['acknowledgement', null, null, '2026-11', null]]);
    expect(it.rows().at(-1)?.policyRev).toBe(1);

    const acknowledge = async (policy: object) => {
      it.policy(policy);
      await agent.api.scan();
      return agent.snapshot().policy.acknowledge?.acknowledgedAt;
    };
    expect(await acknowledge({ rev: 2, stance: 'tolerated', acknowledge: { version: '2026-11', required: true } })).toBe(
      first.acknowledgedAt,
    );
    expect(await acknowledge({ rev: 3, acknowledge: { version: '2026-12', required: true } })).toBeNull();
    expect(await acknowledge({ rev: 4 })).toBeUndefined();
    await expect(agent.api.acknowledge('2026-12')).rejects.toMatchObject({ code: 'wrong-state' });
    it.store.close();
  });
});

describe('what the employee was told', () => {
  it('of an approval that ends is kept for approvals there are', async () => {
    const it = machine();
    it.grant({ id: 'g1', expiresAt: new Date(it.clock.now().getTime() + DAY).toISOString() });
    const agent = it.start();
    await agent.api.told(['grant-ending:g1', 'grant-ending:g2', 'grant-ended:g2']);
    expect(Object.keys(agent.snapshot().told)).toEqual(['grant-ending:g1']);
    it.store.close();
  });
});
