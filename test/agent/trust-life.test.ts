/** Signed policies over a real database and real files: what comes into force, what stays there, and that nothing puts the highest revision back. */
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import type { Policy } from '../../agent/policy/policy.ts';
import { type Anchor, createPolicySource } from '../../agent/policy/policy-source.ts';
import { pinRootKeys } from '../../agent/policy/root-keys.ts';
import { newSigningKey, publicHalf } from '../../agent/policy/signing.ts';
import { createProblems } from '../../agent/problems.ts';
import { DatabaseError } from '../../agent/sqlite.ts';
import { openStore } from '../../agent/store/store.ts';
import type { TrustedRow } from '../../agent/store/trust-rows.ts';
import { temporary, write } from './muster.ts';
import { AUDIENCE, DEVICE, organization } from './signed.ts';

const scratch = temporary('trust');
let computers = 0;
let acme: Awaited<ReturnType<typeof organization>>;
beforeAll(async () => {
  acme = await organization();
});

const NOW = '2026-11-22T09:00:00.000Z';
const known = { ids: ['ollama'], tool: (id: string) => id === 'ollama', tiers: () => null };
const MANAGED = '/etc/muster/policy.d/a.json';

/** A data folder; `start` is what every start of the agent does with it. */
function computer() {
  const dataDir = path.join(scratch, String(computers++));
  fs.mkdirSync(dataDir, { recursive: true });
  const at = (name: string) => path.join(dataDir, name);
  const machine = {
    anchor: { roots: acme.roots, audience: AUDIENCE, from: MANAGED } as Anchor,
    now: NOW,
    trouble: null as string | null,
    open: () => openStore(at('muster.db'), { migrations: readMigrations() }),
  };
  const start = async (more: { failing?: boolean } = {}) => {
    const problems = createProblems();
    const store = machine.open();
    const full = () => {
      throw new DatabaseError('full', at('muster.db'), 'The disk is full.');
    };
    const source = createPolicySource({
      ...{ dataDir, known, problems, device: DEVICE },
      store: { trusted: store.trusted, trust: more.failing ? full : store.trust },
      now: () => new Date(machine.now),
      anchor: () => machine.anchor,
      tried: (_policy: Policy) => machine.trouble,
    });
    await source.reload();
    return { ...source, codes: () => problems.list().map(({ code }) => code), problems: () => problems.list(), stop: () => store.close() };
  };
  const floor = () => JSON.parse(fs.readFileSync(at('trust-floor.json'), 'utf8'));
  return Object.assign(machine, { at, start, floor, dataDir });
}

const revOf = (source: { current(): { policy: Policy | null } }) => source.current().policy?.rev ?? null;

describe('a policy', () => {
  it('counts unsigned only as long as no root key is known', async () => {
    const machine = computer();
    write(machine.at('policy.json'), { schema: 'muster.policy/1', rev: 3 });
    machine.anchor = { roots: [], audience: null, from: '' };
    const source = await machine.start();
    expect([revOf(source), source.trust(), source.grants(), source.codes()]).toEqual([3, null, [], []]);
    machine.anchor = { roots: acme.roots, audience: AUDIENCE, from: MANAGED };
    expect(source.changed()).toBe(true);
    await source.reload();
    expect([revOf(source), source.trust()?.state, source.codes()]).toEqual([null, 'none', ['policy-unsigned']]);
    fs.rmSync(machine.at('policy.json'));
    expect(source.changed()).toBe(true);
    await source.reload();
    expect(source.codes()).toEqual([]);
    source.stop();
  });

  it('is in force as soon as it is proven, after every start, and so are grants', async () => {
    const machine = computer();
    const first = await machine.start();
    const outcomes = await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(42), grants: await acme.grants(5) });
    expect(outcomes.map(({ kind, rev, status }) => [kind, rev, status])).toEqual([
      ['keySet', 1, 'applied'],
      ['policy', 42, 'applied'],
      ['grants', 5, 'applied'],
    ]);
    for (const source of [first, await machine.start()]) {
      expect([revOf(source), source.grants().map(({ id }) => id), source.codes()]).toEqual([42, ['g1'], []]);
      expect(source.trust()).toMatchObject({
        state: 'current',
        roots: 'managed',
        rootsFrom: MANAGED,
        audience: AUDIENCE,
        revs: { keySet: 1, policy: 42, grants: 5 },
      });
      source.stop();
    }
    expect(fs.statSync(machine.at('trust-floor.json')).mode & 0o777).toBe(0o600);
    expect(machine.floor()).toMatchObject({ audience: AUDIENCE, policy: { keySetRev: 1, rev: 42 }, grants: { rev: 5 } });
  });

  it('arrives as files too, and a refused one says why until it is mended', async () => {
    const machine = computer();
    write(machine.at('policy.jws'), `${await acme.policy(7)}\n`);
    const source = await machine.start();
    expect([revOf(source), source.codes()]).toEqual([null, ['policy-refused']]);
    write(machine.at('keyset.jws'), await acme.keySet(1));
    expect(source.changed()).toBe(true);
    await source.reload();
    expect([revOf(source), source.codes(), source.changed()]).toEqual([7, [], false]);
    write(machine.at('policy.jws'), await acme.policy(6, { stance: 'tolerated' }));
    expect(source.changed()).toBe(true);
    await source.reload();
    expect(revOf(source)).toBe(7);
    expect(source.problems()).toMatchObject([{ code: 'policy-refused', message: expect.stringContaining('older than revision 7') }]);
    expect(source.trust()).toMatchObject({ refused: { document: 'policy', code: 'rollback' }, applied: { status: 'refused' } });
    fs.rmSync(machine.at('policy.jws'));
    await source.reload();
    expect([revOf(source), source.codes()]).toEqual([7, []]);
    fs.mkdirSync(machine.at('policy.jws'));
    await source.reload();
    expect([revOf(source), source.codes()]).toEqual([7, ['policy-refused']]);
    source.stop();
  });

  it('stays when the next one is wrong in any way', async () => {
    const machine = computer();
    const source = await machine.start();
    await source.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    const code = async (policy: string) => (await source.accept({ policy }))[0]?.error?.code;
    expect(await code(await acme.policy(2, { tools: [{ id: 'a', tool: 'unknown', status: 'approved' }] }))).toBe('not-understood');
    expect(await code(await acme.policy(2, { mode: 'loud' }))).toBe('not-understood');
    machine.trouble = 'no verdict on ollama can be reached';
    expect(await code(await acme.policy(2))).toBe('trial-failed');
    machine.trouble = null;
    expect([revOf(source), machine.floor().policy.rev]).toEqual([1, 1]);
    expect((await source.weigh({ policy: await acme.policy(2) }))[0]).toMatchObject({ status: 'applied' });
    expect([revOf(source), machine.floor().policy.rev]).toEqual([1, 1]);
    expect(await code(await acme.policy(2))).toBeUndefined();
    expect(revOf(source)).toBe(2);
    source.stop();
  });

  it('that ended stays in force, is told of, and takes part in no swap', async () => {
    const machine = computer();
    const source = await machine.start();
    const documents = { keySet: await acme.keySet(1), policy: await acme.policy(1, { expiresAt: '2026-11-23T00:00:00Z' }) };
    await source.accept(documents);
    await source.reload();
    expect([source.codes(), source.changed()]).toEqual([[], false]);
    machine.now = '2026-11-24T00:00:00.000Z';
    expect(source.changed()).toBe(true);
    await source.reload();
    expect([revOf(source), source.trust()?.state, source.codes()]).toEqual([1, 'expired', ['policy-expired']]);
    expect(await source.accept(documents)).toMatchObject([{ status: 'unchanged' }, { status: 'unchanged' }]);
    await source.accept({ policy: await acme.policy(2) });
    await source.reload();
    expect([revOf(source), source.codes()]).toEqual([2, []]);
    source.stop();
  });

  it('is not swapped where the database can’t be written', async () => {
    const machine = computer();
    const before = await machine.start();
    await before.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    before.stop();
    const source = await machine.start({ failing: true });
    await expect(source.accept({ policy: await acme.policy(2) })).rejects.toThrow('full');
    expect([revOf(source), machine.floor().policy.rev]).toEqual([1, 1]);
    // What came as a file is tried again.
    write(machine.at('policy.jws'), await acme.policy(2));
    for (let time = 0; time < 2; time++) await expect(source.reload()).rejects.toThrow('full');
    source.stop();
  });
});

describe('the floor', () => {
  it('holds when the database is lost, and the same documents come back', async () => {
    const machine = computer();
    const documents = { keySet: await acme.keySet(3), policy: await acme.policy(42, {}, acme.online, 3) };
    const before = await machine.start();
    await before.accept(documents);
    before.stop();
    fs.rmSync(machine.at('muster.db'));
    const source = await machine.start();
    expect(revOf(source)).toBe(null);
    const older = await source.accept({ keySet: await acme.keySet(2), policy: await acme.policy(41) });
    expect(older.map(({ error }) => error?.code)).toEqual(['rollback', 'no-key-set']);
    await source.accept(documents);
    expect(revOf(source)).toBe(42);
    source.stop();
  });

  it('holds when an older database is put back', async () => {
    const machine = computer();
    const first = await machine.start();
    await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    first.stop();
    fs.copyFileSync(machine.at('muster.db'), machine.at('old.db'));
    const second = await machine.start();
    await second.accept({ policy: await acme.policy(2) });
    second.stop();
    fs.copyFileSync(machine.at('old.db'), machine.at('muster.db'));
    const source = await machine.start();
    expect([revOf(source), source.codes()]).toEqual([null, ['policy-not-proven']]);
    await source.accept({ policy: await acme.policy(2) });
    expect(revOf(source)).toBe(2);
    source.stop();
  });

  it('does not let a changed database put anything into force', async () => {
    const machine = computer();
    const first = await machine.start();
    await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1), grants: await acme.grants(1) });
    first.stop();
    const evil = await organization();
    const store = machine.open();
    const mark = { keySetRev: 9, rev: 9, hash: 'x' };
    const keySet = await evil.keySet(9);
    store.trust([
      { kind: 'policy', mark, jws: await evil.policy(9, {}, evil.online, 9), keySet, acceptedAt: NOW },
      { kind: 'grants', mark, jws: await evil.grants(9, {}, evil.online, 9), keySet, acceptedAt: NOW },
    ]);
    store.close();
    const source = await machine.start();
    expect([revOf(source), source.grants(), new Set(source.codes())]).toEqual([null, [], new Set(['policy-not-proven'])]);
    expect(machine.floor().policy.rev).toBe(1);
    source.stop();
  });

  it.each<[string, (file: string) => void]>([
    ['deleted', (file) => fs.rmSync(file)],
    ['damaged', (file) => fs.writeFileSync(file, '{"policy":{"rev":0')],
    ['emptied', (file) => fs.writeFileSync(file, '')],
  ])('is made anew from the database when it was %s, and says so', async (_what, spoil) => {
    const machine = computer();
    const first = await machine.start();
    await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(42) });
    first.stop();
    const before = machine.floor();
    spoil(machine.at('trust-floor.json'));
    const source = await machine.start();
    expect([revOf(source), source.codes(), machine.floor()]).toEqual([42, ['trust-floor-lost'], before]);
    expect((await source.accept({ policy: await acme.policy(41) }))[0]?.error?.code).toBe('rollback');
    source.stop();
  });

  it('is written later where it can’t be written now, and the policy is in force meanwhile', async () => {
    const machine = computer();
    const source = await machine.start();
    fs.mkdirSync(machine.at('trust-floor.json'));
    await source.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    expect([revOf(source), source.codes()]).toEqual([1, ['trust-floor-unwritten']]);
    fs.rmdirSync(machine.at('trust-floor.json'));
    await source.reload();
    expect([source.codes(), machine.floor().policy.rev]).toEqual([[], 1]);
    source.stop();
  });

  it('is one step behind after an end between the two writes, and is raised by the next start', async () => {
    const machine = computer();
    const first = await machine.start();
    await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    const behind = fs.readFileSync(machine.at('trust-floor.json'));
    await first.accept({ policy: await acme.policy(2) });
    first.stop();
    fs.writeFileSync(machine.at('trust-floor.json'), behind);
    const source = await machine.start();
    expect([revOf(source), source.codes(), machine.floor().policy.rev]).toEqual([2, [], 2]);
    source.stop();
  });

  it('takes no server’s time that would end every document to come', async () => {
    const machine = computer();
    const source = await machine.start();
    source.noteServerTime(new Date('2999-01-01T00:00:00Z'));
    expect(source.serverTime()?.toISOString()).toBe('2026-11-23T09:00:00.000Z');
    await source.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    source.noteServerTime(new Date('2999-01-01T00:00:00Z'));
    const later = { expiresAt: '2028-01-01T00:00:00Z' };
    const outcomes = await source.accept({ keySet: await acme.keySet(2, later), policy: await acme.policy(2, later, acme.online, 2) });
    expect(outcomes.map(({ status }) => status)).toEqual(['applied', 'applied']);
    source.stop();
  });

  it('keeps the server’s time, before which now never is', async () => {
    const machine = computer();
    machine.now = '2026-11-30T12:00:00.000Z';
    const first = await machine.start();
    first.noteServerTime(new Date('2026-12-01T00:00:00Z'));
    first.noteServerTime(new Date('2026-11-30T00:00:00Z'));
    await first.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    first.stop();
    machine.now = NOW;
    const source = await machine.start();
    expect(source.serverTime()?.toISOString()).toBe('2026-12-01T00:00:00.000Z');
    const late = await source.accept({ policy: await acme.policy(2, { expiresAt: '2026-11-25T00:00:00Z' }) });
    expect(late[0]?.error?.code).toBe('expired');
    source.stop();
  });
});

describe('keys', () => {
  it('that are withdrawn end grants at once, and the policy with the next one', async () => {
    const machine = computer();
    const next = await newSigningKey();
    const source = await machine.start();
    await source.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1_000_000), grants: await acme.grants(1) });
    await source.accept({ keySet: await acme.keySet(2, { keys: [publicHalf(next)] }) });
    for (const each of [source, await machine.start()]) {
      await each.reload();
      expect([revOf(each), each.trust()?.state, each.grants(), each.codes()]).toEqual([
        1_000_000,
        'withdrawn',
        [],
        ['policy-key-withdrawn'],
      ]);
      if (each !== source) each.stop();
    }
    const [outcome] = await source.accept({ policy: await acme.policy(1, {}, next, 2) });
    await source.reload();
    expect([outcome?.status, revOf(source), source.trust()?.state, source.codes()]).toEqual(['applied', 1, 'current', []]);
    source.stop();
  });

  it('of the root hand over to the next root, which holds after a start and after the settings name it', async () => {
    const machine = computer();
    const second = await newSigningKey();
    const first = await machine.start();
    await first.accept({ keySet: await acme.keySet(1, { nextRoots: [publicHalf(second)] }), policy: await acme.policy(1) });
    expect((await first.accept({ keySet: await acme.keySet(2) }))[0]?.error?.code).toBe('unknown-key');
    first.stop();
    // Killed before the floor knew of it: the next start does.
    const { rotations, ...before } = machine.floor();
    expect(rotations).toHaveLength(1);
    write(machine.at('trust-floor.json'), { ...before, keySet: null, policy: null, rotations: [] });
    const again = await machine.start();
    expect([revOf(again), again.codes(), machine.floor().rotations]).toEqual([1, [], rotations]);
    expect((await again.accept({ keySet: await acme.keySet(2) }))[0]?.error?.code).toBe('unknown-key');
    expect((await again.accept({ keySet: await acme.keySet(2, {}, second) }))[0]?.status).toBe('applied');
    again.stop();
    // Nor does it prove what somebody else has put into the database.
    const store = machine.open();
    const kept = store.trusted().filter(({ kind }) => kind === 'keySet');
    store.trust([{ ...(kept[0] as TrustedRow), jws: await acme.keySet(9) }]);
    const forged = await machine.start();
    expect([forged.trust()?.revs.keySet, forged.codes(), machine.floor().keySet.rev]).toEqual([
      null,
      ['policy-not-proven', 'policy-key-withdrawn'],
      2,
    ]);
    forged.stop();
    store.trust(kept);
    store.close();
    const third = await machine.start();
    expect([revOf(third), third.trust()?.revs.keySet]).toEqual([1, 2]);
    await third.accept({ policy: await acme.policy(2, {}, acme.online, 2) });
    third.stop();
    machine.anchor = { ...machine.anchor, roots: [publicHalf(second)] };
    const last = await machine.start();
    expect([revOf(last), last.codes(), machine.floor().keySet.rev]).toEqual([2, [], 2]);
    last.stop();
  });

  it('that were pinned count where the settings name none, and not where others could have written them', async () => {
    const machine = computer();
    machine.anchor = { roots: [], audience: null, from: '' };
    pinRootKeys(machine.dataDir, acme.roots, new Date(NOW));
    const source = await machine.start();
    await source.accept({ keySet: await acme.keySet(1), policy: await acme.policy(1) });
    // Nobody said for whom: the first key set did.
    expect(source.trust()).toMatchObject({ roots: 'pinned', audience: AUDIENCE });
    expect((await source.accept({ policy: await acme.policy(2, { audience: 'evil' }) }))[0]?.error?.code).toBe('wrong-audience');
    fs.chmodSync(machine.at('root-keys.json'), 0o666);
    fs.utimesSync(machine.at('root-keys.json'), 0, 0);
    await source.reload();
    expect([source.trust(), source.codes()]).toEqual([null, ['root-keys-unusable']]);
    source.stop();
  });

  it('of another organization put nothing of the first into force, and cost it nothing', async () => {
    const machine = computer();
    const source = await machine.start();
    await source.accept({
      keySet: await acme.keySet(5),
      policy: await acme.policy(42, {}, acme.online, 5),
      grants: await acme.grants(1, {}, acme.online, 5),
    });
    const other = await organization();
    const back = machine.anchor;
    machine.anchor = { roots: other.roots, audience: 'other', from: MANAGED };
    await source.reload();
    source.noteServerTime(new Date(NOW));
    expect([revOf(source), source.grants(), machine.floor().policy.rev]).toEqual([null, [], 42]);
    machine.anchor = back;
    await source.reload();
    expect(revOf(source)).toBe(42);
    machine.anchor = { roots: other.roots, audience: 'other', from: MANAGED };
    await source.reload();
    const outcomes = await source.accept({
      keySet: await other.keySet(1, { audience: 'other' }),
      policy: await other.policy(1, { audience: 'other' }),
    });
    expect([outcomes.map(({ status }) => status), revOf(source)]).toEqual([['applied', 'applied'], 1]);
    source.stop();
  });
});
