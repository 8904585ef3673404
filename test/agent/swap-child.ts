/**
 * A process that takes in one signed policy after the other until it is killed: `node swap-child.ts DATADIR KEYS COUNT`. Prints one line of JSON a step:
 * first what is in force after the start, then each revision that was taken in.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readMigrations } from '../../agent/assets.ts';
import { createPolicySource } from '../../agent/policy/policy-source.ts';
import { publicHalf, type SigningKey, sign } from '../../agent/policy/signing.ts';
import { createProblems } from '../../agent/problems.ts';
import { openOrRebuild } from '../../agent/store/store.ts';
import { AUDIENCE, DEVICE, EXPIRES, ISSUED, swapped } from './signed.ts';

const [dataDir = '', keys = '', count = '0'] = process.argv.slice(2);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
const { root, online } = JSON.parse(readFileSync(keys, 'utf8')) as { root: SigningKey; online: SigningKey };

const { store, rebuilt } = openOrRebuild(path.join(dataDir, 'muster.db'), { migrations: readMigrations(), now: new Date() });
const problems = createProblems();
const source = createPolicySource({
  ...{ dataDir, known: undefined, problems, store, device: DEVICE },
  now: () => new Date('2026-11-22T09:00:00Z'),
  anchor: () => ({ roots: [publicHalf(root)], audience: AUDIENCE, from: 'the bench' }),
});
await source.reload();
const { policy } = source.current();
say({
  rebuilt: rebuilt !== null,
  rev: policy?.rev ?? 0,
  policy,
  trust: source.trust()?.revs,
  problems: problems.list().map(({ code }) => code),
});

if (source.trust()?.revs.keySet === null) {
  const keySet = {
    schema: 'muster.key-set/1',
    rev: 1,
    audience: AUDIENCE,
    issuedAt: ISSUED,
    expiresAt: EXPIRES,
    keys: [publicHalf(online)],
  };
  await source.accept({ keySet: await sign('keySet', JSON.stringify(keySet), root, null) });
}
let rev = policy?.rev ?? 0;
for (let swaps = 0; swaps < Number(count); swaps++) {
  rev++;
  const [outcome] = await source.accept({ policy: await sign('policy', JSON.stringify(swapped(rev)), online, 1) });
  if (outcome?.status !== 'applied' || source.current().policy?.rev !== rev)
    throw new Error(`Revision ${rev} was not taken in: ${outcome?.error?.reason}`);
  say(rev);
}
store.close();
