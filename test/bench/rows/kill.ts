/** Kills a writing process 200 times at random moments: nothing acknowledged may be lost, and the database always opens. */
import type { Row } from '../bench.ts';
import { killWhileWriting } from '../kill.ts';

const rounds = 200;

export const row: Row = {
  id: 'kill',
  about: `kill -9 at a random moment, ${rounds} times, under writes`,
  needs: [],
  limitS: { short: 600, long: 600 },
  async run() {
    const result = await killWhileWriting(rounds);
    return [
      {
        what: `kill -9 under writes, ${result.rounds} times`,
        measured: `${result.lost} of ${result.acknowledged} requests lost, ${result.rebuilt} databases damaged, ${result.broken} records broken`,
        bar: '0 lost, always opens, 0 records broken',
        met: result.rounds === rounds && result.lost === 0 && result.rebuilt === 0 && result.broken === 0,
        numbers: result,
      },
    ];
  },
};
