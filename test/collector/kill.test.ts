/** The collector killed in the middle of a check-in, with `kill -9`: here at the moments that matter most; the bench does it at every statement. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporary } from '../agent/muster.ts';
import { needs } from '../capability.ts';
import { killCollector, type Moment } from './killed.ts';
import { type Cluster, startPostgres } from './postgres.ts';

needs('postgres').describe('a collector that is killed', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startPostgres();
  }, 60_000);
  afterAll(() => cluster?.end());

  it('leaves nothing half: requests once, the record whole, the same inventory', async () => {
    const moments: Moment[] = [
      { when: 'after', what: 'insert into item_body' },
      { when: 'before', what: 'commit' },
      { when: 'after', what: 'commit' },
    ];
    const count = moments.length;
    const { wrong, killed } = await killCollector(await cluster.database(), temporary('collector-kill'), () => moments.shift() ?? null);
    expect([wrong, killed]).toEqual([[], count]);
  }, 120_000);
});
