/** What simulated devices say, to the byte: figures of two days are only comparable where the same seed was the same fleet on both. */
import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CheckInAnswer } from '../../agent/wire.ts';
import { createDevice, type Load } from '../../collector/load/device.ts';
import { chance } from '../../collector/load/random.ts';
import { fleetOf, type Stage } from '../../collector/load/stage.ts';

/** Changes with the protocol and with what a device has; with nothing else. */
const FLEET = 'xPVYEEwLyoabeEZHZBA8fZ0QJSERSpGawoK30DLk_zw';
const ORDER = 'y2gbWZDE2VOYSgg3Dv4FXeOmZJNR0um7e_9cgkjP2Sg';

const published = { keySet: 1, policy: { keySetRev: 1, rev: 1 } };
const jws = (keySet: number, rev: number) =>
  `${[{ keySet }, { rev }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.x`;

/** What one device says in a life with every kind of answer, each by chance. */
function* life(seed: number, index: number, options: Parameters<typeof createDevice>[2]) {
  const device = createDevice(seed, index, options);
  const dice = chance(seed, 'answers', index);
  const one = <T>(...of: readonly T[]): T | undefined => of[Math.floor(dice() * of.length)];
  yield [device.id, device.index, device.key().publicJwk, device.enrolment('mse_secret')];
  for (let round = 0; round < 40; round++) {
    const body = device.next(one<Load>('unchanged', 'delta', 'delta', 'full') ?? 'unchanged');
    const text = JSON.stringify(body);
    yield [text, sign(null, Buffer.from(text), device.key().privateKey).toString('base64url')];
    const answer: CheckInAnswer = {
      ackSeq: one(body.seq, body.seq, body.seq + 7) ?? 0,
      head: one(body.head, body.head, body.head, null) ?? null,
      want: one<CheckInAnswer['want']>('none', 'none', 'none', 'delta', 'full') ?? 'none',
      time: '2026-11-22T12:00:00.000Z',
      nextCheckInS: 3600,
      trust:
        one<CheckInAnswer['trust']>(
          'current',
          'current',
          { keySet: jws(0, round) },
          { policy: jws(2, round) },
          { grants: jws(3, round) },
          {
            keySet: jws(0, 9),
            policy: jws(4, 5),
            grants: jws(6, 7),
          },
        ) ?? 'current',
      decisions: [],
    };
    const outcome = one('heard', 'heard', 'heard', 'heard', 'refused', 'restored', 'nothing');
    if (outcome === 'heard') device.hear(answer);
    if (outcome === 'refused') device.refused();
    if (outcome === 'restored') device.restore();
  }
}

describe('a simulated fleet', () => {
  it('of the same seed says the same, to the byte, as it ever did', () => {
    const said = createHash('sha256');
    const lives = [1, -7].flatMap((seed) =>
      [0, 1, 12_345, 99_999].flatMap((index) =>
        [undefined, { held: true }, { copy: 1 }, { held: true, has: published }].map((options) => life(seed, index, options)),
      ),
    );
    // In turn, so that what one of them hears would be seen if it reached another.
    for (let open = lives; open.length > 0; ) {
      open = open.filter((one) => {
        const { done, value } = one.next();
        if (!done) said.update(JSON.stringify(value));
        return !done;
      });
    }
    expect(said.digest('base64url')).toBe(FLEET);
  });

  it('comes in the same order, and whoever is busy is passed over', () => {
    const fleet = fleetOf({ seed: 1, devices: 1000, published } as Stage);
    const came = Array.from({ length: 1500 }, (_, turn) => {
      const device = fleet.next();
      if (device && turn % 3 === 0) device.busy = true;
      return device?.index ?? null;
    });
    expect(new Set(came.slice(0, 1000)).size).toBe(1000);
    expect(createHash('sha256').update(JSON.stringify(came)).digest('base64url')).toBe(ORDER);
  });
});
