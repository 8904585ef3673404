/** 10,000 swaps of a signed policy, cut by `kill -9` 250 times at random moments: always the old or the new one, never half, and never a lower floor. */
import type { Row } from '../bench.ts';
import { swapWhileKilled } from '../swap.ts';

const swaps = 10_000;
const kills = 250;

export const row: Row = {
  id: 'swap',
  about: `${swaps} policy swaps, cut by kill -9 at a random moment ${kills} times`,
  needs: [],
  limitS: { short: 1800, long: 1800 },
  async run({ signal }) {
    const result = await swapWhileKilled(swaps, kills, signal);
    const { old, next, broken, lowered, complaints } = result;
    return [
      {
        what: `${result.swaps} policy swaps, ${result.kills} times \`kill -9\``,
        measured: `in force: the old one ${old}, the new one ${next} times, neither ${broken}; floor lowered ${lowered}, complaints ${complaints}`,
        bar: '≥ 10,000 and ≥ 200; 0, 0, 0',
        met: result.swaps >= swaps && result.kills >= 200 && broken + lowered + complaints === 0,
        numbers: result,
      },
    ];
  },
};
