/** Kills a collector before and after every single statement of a check-in that carries a bit of everything. */
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { killCollector } from '../../collector/killed.ts';
import { startPostgres } from '../../collector/postgres.ts';
import type { Row } from '../bench.ts';

export const row: Row = {
  id: 'collector-kill',
  about: 'kill -9 of the collector before and after every statement of a check-in, and with the answer on its way',
  needs: ['postgres'],
  limitS: { short: 600, long: 600 },
  async run(bench) {
    // PostgreSQL runs under another account, and its folder lies in this run's own.
    chmodSync(tmpdir(), 0o711);
    const cluster = await startPostgres();
    bench.defer(() => cluster.end());
    let at = 0;
    let statements = 0;
    let last = false;
    const { wrong, killed } = await killCollector(await cluster.database(), bench.folder('collector-kill'), (died) => {
      if (last) return null;
      // The first number that no statement has.
      if (died === false) {
        statements = Math.floor((at - 1) / 2);
        last = true;
        return { when: 'answer', what: '' };
      }
      const number = Math.floor(at / 2) + 1;
      return { when: at++ % 2 === 0 ? 'before' : 'after', what: String(number) };
    });
    return [
      {
        what: `collector killed before and after each of ${statements} statements of a check-in`,
        measured: `${killed} kills, ${wrong.length} wrong${wrong[0] ? ` (${wrong[0].slice(0, 200)})` : ''}`,
        bar: 'requests once, record whole, equal heads',
        met: wrong.length === 0 && killed === statements * 2 + 1,
        numbers: { statements, killed, wrong: wrong.length },
      },
    ];
  },
};
