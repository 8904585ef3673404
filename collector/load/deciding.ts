/** What administrators do while a fleet checks in: requests are approved one after another, and the signer signs the lists of the devices. */
import { randomUUID } from 'node:crypto';
import { readCatalog } from '../catalog.ts';
import { adminParts } from '../routes/admin/parts.ts';
import type { Collector } from '../start.ts';
import { lockDevice } from '../store/devices.ts';
import { putPolicy } from '../store/policies.ts';
import { putRequests } from '../store/requests.ts';
import { idOf } from './device.ts';
import { chance } from './random.ts';

/** The revisions of what was published, so that devices can have it from the start as in hourly life. */
export type Published = { readonly keySet: number; readonly policy: { readonly keySetRev: number; readonly rev: number } };

export type Deciding = {
  /** So many lists were signed since the beginning. */
  signed(): number;
  stop(): Promise<void>;
};

/** Throws where the collector has no signer. */
export async function publish({ context: { signer, db, trust } }: Collector): Promise<Published> {
  if (!signer) throw new Error('The collector has no signer.');
  const { keySet } = await signer.identity();
  const policy = await signer.policy(JSON.stringify({ schema: 'muster.policy/1', rev: 1 }), 0);
  await db.transaction().execute((trx) => putPolicy(trx, { ...policy, publishedBy: 'owner:fleet', publishedAt: new Date() }));
  trust.forget();
  return { keySet: keySet.rev, policy: { keySetRev: policy.keySetRev, rev: policy.rev } };
}

/** Approves `perSecond` requests a second, each of a device of the fleet by chance. What fails is said and ends nothing. */
export function decide(collector: Collector, seed: number, devices: number, perSecond: number, say: (line: string) => void): Deciding {
  const { context } = collector;
  const { decisions, grants } = adminParts(context, readCatalog());
  const random = chance(seed, 'decisions');
  const owner = { kind: 'token', id: 'fleet', session: null, role: 'owner', scopes: null, person: null, actor: 'owner:fleet' } as const;
  const answer = { answer: 'approve', reason: 'For the fleet', scope: { kind: 'device' }, dueAt: null, until: null } as const;
  let signed = 0;
  let last: Promise<void> = Promise.resolve();

  async function one(): Promise<void> {
    const device = idOf(seed, Math.floor(random() * devices));
    const request = randomUUID();
    const time = new Date().toISOString();
    const asked = { itemName: 'Simulated', identity: null, tier: null, dataClass: null, until: null, reason: 'For the fleet', added: null };
    const row = { ...asked, id: request, item: 'sim-tool-001', state: 'open', createdAt: time, updatedAt: time } as const;
    try {
      await context.db.transaction().execute(async (trx) => {
        await lockDevice(trx, device);
        await putRequests(trx, device, [row], new Date());
      });
      await decisions.decide(owner, request, 1, { ...answer, tiers: null, dataClasses: null });
      signed++;
    } catch (error) {
      say(`a decision failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const timer = setInterval(() => {
    last = last.then(one);
  }, 1000 / perSecond);
  return {
    signed: () => signed,
    async stop() {
      clearInterval(timer);
      await last;
      await grants.stop();
    },
  };
}
