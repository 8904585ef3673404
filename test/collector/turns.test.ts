/** Turns: never more at once than there are places, the first come first, and a place is free however its work ends. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTurns } from '../../collector/turns.ts';

it('lets so many at once, in the order in which they came, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ steps: fc.integer({ min: 1, max: 5 }), fails: fc.boolean() }), { maxLength: 20 }),
      async (most, works) => {
        const turns = createTurns(most);
        const began: number[] = [];
        let under = 0;
        let fullest = 0;
        const ended = await Promise.allSettled(
          works.map(({ steps, fails }, index) =>
            turns(async () => {
              began.push(index);
              fullest = Math.max(fullest, ++under);
              for (let step = 0; step < steps; step++) await Promise.resolve();
              under--;
              if (fails) throw new Error('failed');
              return index;
            }),
          ),
        );
        expect(fullest).toBe(Math.min(most, works.length));
        expect(began).toEqual(works.map((_, index) => index));
        expect(ended.map(({ status }) => status === 'rejected')).toEqual(works.map(({ fails }) => fails));
      },
    ),
    { numRuns: 100 },
  );
});
