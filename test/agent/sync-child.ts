/**
 * A process that checks in once and is killed at the moment that it is told: `node sync-child.ts DATADIR URL SECRET STEP TOOLS`. It has
 * asked for something just before, with a row of the record.
 */
import { deviceKey } from '../../agent/device-key.ts';
import { createEvidence } from '../../agent/evidence.ts';
import { directPost } from '../../agent/sync/direct-post.ts';
import { deviceIn } from './sync-device.ts';

const [dataDir = '', url = '', secret = '', step = '', tools = '0'] = process.argv.slice(2);
const open = directPost({});
const dieAt = (here: string) => {
  if (step === here) process.kill(process.pid, 'SIGKILL');
};

const one = await deviceIn(dataDir, {
  url,
  secret,
  post: async (sending, signal) => {
    const what = sending.url.endsWith('enroll') ? 'enrolment' : 'check-in';
    dieAt(`before the ${what} is sent`);
    const answered = await open(sending, signal);
    dieAt(`before the answer to the ${what} is taken in`);
    return answered;
  },
});
const { queue, acknowledge } = one.store.sync;
Object.assign(one.store.sync, {
  queue(...args: Parameters<typeof queue>) {
    dieAt('before it is queued');
    queue(...args);
    dieAt('after it is queued');
  },
  acknowledge(...args: Parameters<typeof acknowledge>) {
    dieAt('before the answer is kept');
    acknowledge(...args);
    dieAt('after the answer is kept');
  },
});
for (let tool = 0; tool < Number(tools); tool++) one.put(`t${tool}`, '1');
one.ask('t0');
createEvidence({
  ...{ store: one.store, dataDir, device: one.device, key: () => deviceKey(dataDir), now: () => new Date(), names: one.names },
  ...{ userNames: () => 'hash' as const, onBehind: () => {}, onBroken: () => {} },
}).write((note) => note({ kind: 'request', item: 't0', decision: 'open' }));
await one.sync.syncNow();
one.close();
