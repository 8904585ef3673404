/** The simulated fleet itself: the same by seed, true to the protocol, and honest about how evenly times are spread. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckIn, Enrolment, Item, itemHash } from '../../agent/wire.ts';
import { createDevice, firstTools, idOf } from '../../collector/load/device.ts';
import { arrivals } from '../../collector/load/drive.ts';
import { runFleet } from '../../collector/load/fleet.ts';
import { createTally, spreadOf } from '../../collector/load/measure.ts';
import { fullest, OUTAGE_MS, simulateOutage, simulateRush } from '../../collector/load/outage.ts';
import { chance } from '../../collector/load/random.ts';
import { SCENARIOS, type Scenario } from '../../collector/load/scenarios.ts';
import { createSender } from '../../collector/load/sender.ts';
import { createLog } from '../../collector/log.ts';
import { type Collector, startCollector } from '../../collector/start.ts';
import { makeEnrolSecret } from '../../collector/store/secrets.ts';
import { inFolder, inMemory } from './embedded.ts';

describe('a simulated device', () => {
  it('is the same by its seed, and another by another', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1e6), (seed, index) => {
        expect(createDevice(seed, index).next('full')).toEqual(createDevice(seed, index).next('full'));
        expect(createDevice(seed, index).id).not.toBe(createDevice(seed + 1, index).id);
      }),
      { numRuns: 20 },
    );
  });

  it('says only what the protocol knows, under hashes that are the wire’s own', () => {
    for (const index of [0, 1, 99_999]) {
      for (const { item, hash } of firstTools(1, index)) {
        Item.parse(item);
        expect(hash).toBe(itemHash(item));
      }
      const device = createDevice(1, index, { held: true });
      CheckIn.parse(device.next('delta'));
      expect(device.next('delta').upsert).toHaveLength(3);
      Enrolment.parse(device.enrolment('x'.repeat(20)));
    }
  });

  it('with nothing to say takes at most 400 bytes', () => {
    expect(JSON.stringify(createDevice(1, 1, { held: true }).next('unchanged')).length).toBeLessThanOrEqual(400);
  });

  it('says the same again until it was heard', () => {
    const device = createDevice(1, 1, { held: true });
    expect(device.next('full')).toBe(device.next('delta'));
  });
});

describe('how even times are', () => {
  it('tells uniform ones from ones that come at once', () => {
    const random = chance(1, 'uniform');
    const uniform = spreadOf(
      Array.from({ length: 5000 }, () => random() * 100),
      0,
      100,
      20,
    );
    expect(uniform.distance).toBeLessThan(uniform.chance);
    expect(uniform.peak).toBeLessThan(1.3);
    expect(spreadOf(new Array<number>(100).fill(50), 0, 100, 20)).toMatchObject({ distance: 0.5, peak: 20 });
  });

  it('sends at the rate that was asked for, in ascending order', () => {
    const due = arrivals(100, 100, chance(1, 'rate'));
    expect(Math.abs(due.length - 10_000)).toBeLessThan(400);
    expect(due.every((at, index) => index === 0 || at >= (due[index - 1] ?? 0))).toBe(true);
  });

  it('counts what was refused apart from what was answered', () => {
    const tally = createTally();
    for (let ms = 1; ms <= 100; ms++) tally.add('one', ms, null);
    tally.add('one', 5000, 'too-busy');
    expect(tally.numbers(10)).toEqual({
      sent: 101,
      ok: 100,
      perSecond: 10,
      p50Ms: 50,
      p90Ms: 90,
      p99Ms: 99,
      maxMs: 100,
      codes: { 'too-busy': 1 },
    });
  });
});

describe('after an outage of 28 minutes, in simulated time', () => {
  /** Of a hundred thousand devices; fewer take as long to tell the same. */
  const DEVICES = 20_000;
  const USUAL = 100_000 / 3600;
  /** Check-ins a second that the bar asks of a collector (design/bars.md). */
  const BAR = 500;

  it('everybody is back within half an hour, and the fullest minute is what a collector takes, at any seed', () => {
    expect(OUTAGE_MS).toBe(28 * 60_000);
    for (const seed of [1, 2, 3]) {
      const outage = simulateOutage(seed, DEVICES, { paced: false, hours: 1 });
      expect(outage.returned).toBeGreaterThan(DEVICES * 0.4);
      expect(outage.lastMs).toBeLessThanOrEqual(30 * 60_000);
      expect(fullest(outage, DEVICES) * USUAL).toBeLessThan(BAR / 2);
      // Of so many devices the fullest second of five times as many is less than five times as full.
      expect(outage.fullestSecond * 5).toBeLessThan(BAR);
      // Who failed last comes back first: this is what keeps them from being uniform, and what the bar has room for.
      expect(outage.spread.distance).toBeLessThan(0.45);
    }
  });

  it('does not come again every hour: the collector spreads those who came together', () => {
    const [plain, paced] = [false, true].map((each) => simulateOutage(1, DEVICES, { paced: each }));
    if (!plain || !paced) throw new Error('nothing was simulated');
    expect(fullest(plain, DEVICES, 50)).toBeGreaterThan(2);
    expect(fullest(paced, DEVICES, 50)).toBeLessThan(1.5);
    expect(paced.minutes.slice(0, 25)).toEqual(plain.minutes.slice(0, 25));
  });

  it('even if all of them came in one second: refused with a time to come again, they are spread, and in within minutes', () => {
    const rush = simulateRush(1, DEVICES, BAR / 5);
    expect(rush.lastMs).toBeLessThan(10 * 60_000);
    expect(rush.tries.mean).toBeLessThan(4);
    // After the first second never a tenth of them at once again.
    expect(Math.max(...rush.seconds.slice(1))).toBeLessThan(DEVICES / 10);
  });

  it('is the same by its seed', () => {
    const once = () => simulateOutage(7, 2000, { paced: true });
    expect(once()).toEqual(once());
    expect(simulateOutage(8, 2000, { paced: true })).not.toEqual(once());
  });
});

describe('a fleet let loose on a collector', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-load-'));
  let collector: Collector;
  beforeAll(async () => {
    const log = createLog(() => {});
    collector = await startCollector({ where: await inMemory(), log, tenant: 'fleet', port: 0, trustProxy: 'loopback' });
  }, 60_000);
  afterAll(async () => {
    await collector.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  /** Each seed is a fleet of its own. */
  const play = async (scenario: Scenario, seed: number, rate: number, seconds: number) => {
    const { secret } = await makeEnrolSecret(collector.context.db, { label: 'fleet', quota: 20 }, new Date());
    const sender = createSender(collector.url);
    const own = { kill: async () => {}, begin: async () => {} };
    const { signal } = new AbortController();
    try {
      return (
        await SCENARIOS[scenario].play({
          seed,
          devices: 20,
          rate,
          seconds,
          secret,
          published: undefined,
          sender,
          collector: own,
          signal,
          say() {},
        })
      ).numbers;
    } finally {
      sender.close();
    }
  };
  const rows = async (table: 'device' | 'device_inventory') =>
    (
      await collector.context.db
        .selectFrom(table)
        .select((on) => on.fn.countAll<number>().as('rows'))
        .executeTakeFirstOrThrow()
    ).rows;

  it('on enrolment day: one secret takes as many devices as it has places', async () => {
    expect(await play('enrol', 1, 60, 1)).toMatchObject({ sent: 41, ok: 40, codes: { 'secret-refused': 1 }, wanted: {} });
    expect([await rows('device'), await rows('device_inventory')]).toEqual([20, 20]);
  });

  it('with a swarm of worthless proofs: what devices say is taken, what the swarm says is not', async () => {
    const numbers = await play('bad-tokens', 1, 15, 1);
    expect(numbers.ok).toBeGreaterThan(5);
    expect(numbers).toMatchObject({ codes: {}, wanted: {}, alone: { codes: {} } });
    expect(Object.keys(numbers['refused'] as object).sort()).toEqual(['proof-invalid', 'proof-signature', 'unknown-device']);
  });

  it('with wrong clocks: each is right at the second try', async () => {
    expect(await play('enrol', 2, 20, 3)).toMatchObject({ codes: { 'secret-refused': 1 } });
    const { codes, wanted } = await play('skew', 2, 20, 1);
    expect(Object.keys(codes)).toEqual(['proof-time']);
    expect(wanted).toEqual({ 'right at the second try': codes['proof-time'] });
  });

  it('with copies: an alarm for each that took turns, and everybody is answered', async () => {
    expect(await play('enrol', 3, 20, 3)).toMatchObject({ codes: { 'secret-refused': 1 } });
    const { codes } = await play('clones', 3, 60, 2);
    expect(Object.keys(codes).filter((code) => code !== 'seq-reused')).toEqual([]);
    const alarms = await collector.context.db.selectFrom('audit').select(['device', 'action']).where('alarm', '=', true).execute();
    expect(new Set(alarms.map(({ action }) => action))).toEqual(new Set(['device.clone']));
    // One of twenty has a copy.
    expect(new Set(alarms.map(({ device }) => device))).toEqual(new Set([idOf(3, 0)]));
  });

  it('that is killed and begins again: every device is back, and nothing that was acknowledged is lost', async () => {
    const database = path.join(folder, 'outage');
    await inFolder(database);
    const { played, target } = await runFleet({
      ...{ scenario: 'outage', devices: 40, rate: 12, seconds: 4, seed: 1, databaseUrl: null, folder: database, target: null },
      ...{ signal: new AbortController().signal, say() {} },
    });
    const { numbers } = played;
    expect(numbers['returned']).toBeGreaterThan(5);
    expect(numbers['still']).toBe(0);
    // Who was acknowledged and forgotten would be asked for everything.
    expect(numbers['wanted']).toEqual({});
    expect(target?.alarms).toEqual({});
  }, 120_000);
});
