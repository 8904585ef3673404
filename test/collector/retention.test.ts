/** When the housework is done, in made-up time over a real database: soon after a start, then every six hours, never at the same moment everywhere. */
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Opened, openDatabase } from '../../collector/database.ts';
import { createLog } from '../../collector/log.ts';
import { keepHouse } from '../../collector/retention.ts';
import { audit } from '../../collector/store/audit.ts';
import { fakeClock } from '../fakes.ts';
import { inMemory } from './embedded.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let opened: Opened;

beforeAll(async () => {
  opened = await openDatabase(await inMemory());
}, 60_000);
afterAll(() => opened?.close());

/** A house whose chance is `random`, with the minutes at which it was kept. */
function houseWith(random: number, also: () => Promise<void> = async () => {}) {
  const clock = fakeClock('2026-11-22T09:00:00.000Z', 20_000);
  const start = clock.now().getTime();
  const kept: number[] = [];
  const lines: string[] = [];
  const house = keepHouse({
    ...{ db: opened.db, log: createLog((line) => lines.push(line)), now: clock.now, wait: clock.wait, random: () => random },
    also: () => {
      kept.push((clock.now().getTime() - start) / MINUTE);
      return also();
    },
  });
  const events = () => lines.map((line) => (JSON.parse(line) as { event: string }).event);
  return { clock, house, kept, events };
}

it.each([
  [0, [5, 329, 653]],
  [0.5, [10, 370, 730]],
  [0.999, [15, 411, 807]],
])('is done some minutes after the start and then every six hours, each replica at its own time (chance %d)', async (random, minutes) => {
  const { clock, house, kept, events } = houseWith(random);
  await clock.advance(4 * MINUTE);
  expect(kept).toEqual([]);
  await clock.advance(14 * HOUR - 4 * MINUTE);
  expect(kept.map(Math.round)).toEqual(minutes);
  expect(events()).toEqual(minutes.map(() => 'retention'));
  await house.stop();
});

it('removes what is too old, also where what is done beside it fails, and tries that again the next time', async () => {
  const old = new Date('2020-01-01T00:00:00Z');
  await audit(opened.db, { at: old, actor: 'system', action: 'old' });
  const { clock, house, kept, events } = houseWith(0.5, () => Promise.reject(new Error('the signer is away')));
  await clock.advance(15 * MINUTE);
  const { rows } = await sql`select 1 from audit where action = 'old'`.execute(opened.db);
  expect(rows).toEqual([]);
  await clock.advance(6 * HOUR);
  expect(kept).toHaveLength(2);
  expect(events()).toEqual(['retention.failed', 'retention', 'retention.failed', 'retention']);
  await house.stop();
});

it('ends at once when it is stopped, without a word of failure', async () => {
  const { clock, house, kept, events } = houseWith(0.5);
  expect(clock.waiting()).toBe(1);
  await house.stop();
  expect([clock.waiting(), kept, events()]).toEqual([0, [], []]);
});
