/** One poll of the process table with nothing new, beside one call of ps-list. */
import { type Row, text } from '../bench.ts';
import { benchPoll } from '../poll.ts';

export const row: Row = {
  id: 'poll',
  about: 'one process poll at 1,000 processes, beside one call of ps-list with its child, in turn',
  needs: [],
  limitS: { short: 90, long: 90 },
  async run(bench) {
    const { processes, oursMs, psListMs, ratio } = await benchPoll(bench);
    return [
      {
        what: `one poll, nothing new, ${processes} processes: CPU`,
        measured: `${text(oursMs.cpu, 'ms')} (wall ${text(oursMs.wall, 'ms')})`,
        bar: '≤ 15 ms',
        met: oursMs.cpu <= 15,
        numbers: { processes, cpuMs: oursMs.cpu, wallMs: oursMs.wall },
      },
      {
        what: 'ps-list with its child: CPU, and how many polls that is',
        measured: `${text(psListMs.cpu, 'ms')} (wall ${text(psListMs.wall, 'ms')}): ${ratio.toFixed(1)}×`,
        bar: '≥ 5×',
        met: ratio >= 5,
        numbers: { cpuMs: psListMs.cpu, wallMs: psListMs.wall, ratio },
      },
    ];
  },
};
