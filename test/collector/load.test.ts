/** The simulated fleet itself: the same by seed, true to the protocol, and honest about how evenly times are spread. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckIn, Enrolment, Item, itemHash } from '../../agent/wire.ts';
import { createDevice, firstTools } from '../../collector/load/device.ts';
import { arrivals } from '../../collector/load/drive.ts';
import { createTally, spreadOf } from '../../collector/load/measure.ts';
import { chance } from '../../collector/load/random.ts';
import { afterOutage } from '../../collector/load/scenarios.ts';

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

  it('after an outage of 28 minutes: everybody returns within half an hour, and no minute is a storm', () => {
    const devices = 5000;
    const { returned, all } = afterOutage(1, devices);
    expect(returned.length).toBeGreaterThan(devices * 0.4);
    expect(Math.max(...returned)).toBeLessThanOrEqual(30 * 60_000);
    // Those whose outage had just begun try again soonest, so the first minute is the fullest, at about six times a usual one.
    const minutes = Array.from({ length: 30 }, (_, minute) => all.filter(({ at }) => Math.floor(at / 60_000) === minute).length);
    expect(Math.max(...minutes)).toBeLessThan((devices / 60) * 7);
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
