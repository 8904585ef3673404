/** Signs the list of grants of every device for which something was granted or taken back, again after a crash or while the signer was away. */
import type { Log } from './log.ts';
import type { Signer } from './signer/protocol.ts';
import type { Db } from './store/devices.ts';
import { clearDue, type GrantOf, grantsInForce, reconcileGrants, takeDue } from './store/grants.ts';
import { putGrants } from './store/trust.ts';

/** Signed with one question, and held in one transaction. */
const BATCH = 100;
/** Whoever decided waits for this many. */
const AT_ONCE = 200;
/** So many grants of one device are sent; the newest. */
const MOST = 1000;
const SIGN_EVERY_MS = 30_000;
/** A device that was enrolled anew waits this long for what its person or group has. */
const RECONCILE_EVERY_MS = 300_000;
/** For so long after its end a grant still explains why something may no longer be used. */
export const ENDED_GRANTS_MS = 90 * 86_400_000;

/** Signs for those who wait, `most` of them; resolves with how many devices. Rejects with what the signer or the database says: those who are left wait on. */
async function signDue(db: Db, signer: Signer, now: () => Date, most: number): Promise<number> {
  for (let signed = 0; ; ) {
    const done = await db.transaction().execute(async (trx) => {
      const due = await takeDue(trx, BATCH);
      if (due.length === 0) return 0;
      const at = now();
      const grants = await grantsInForce(
        trx,
        due.map(({ device }) => device),
        new Date(at.getTime() - ENDED_GRANTS_MS),
      );
      const lists = due.map(({ device, rev }) => ({
        device,
        after: rev,
        grants: (grants.get(device) ?? []).slice(0, MOST).map(asDocument),
      }));
      for (const { device, keySetRev, rev, jws } of await signer.grants(lists)) await putGrants(trx, device, keySetRev, rev, jws, at);
      await clearDue(trx, due);
      return due.length;
    });
    signed += done;
    if (done === 0 || signed >= most) return signed;
  }
}

/** As the device reads it; see agent/policy/documents.ts. */
function asDocument({
  id,
  tool,
  mcp,
  tiers,
  status,
  data_classes,
  expires_at,
  reason,
  request,
  granted_by,
}: GrantOf): Record<string, unknown> {
  return {
    id,
    ...(tool === null ? {} : { tool }),
    ...(mcp === null ? {} : { mcp }),
    ...(tiers === null ? {} : { tiers }),
    status,
    ...(data_classes === null ? {} : { dataClasses: data_classes }),
    expiresAt: expires_at.toISOString(),
    reason,
    ...(request === null ? {} : { requestId: request }),
    grantedBy: granted_by,
  };
}

export type GrantKeeper = {
  /** Signs what waits: resolves after the first few hundred, and the rest follows; what can't be signed is tried again by itself. */
  hurry(): Promise<void>;
  stop(): Promise<void>;
};

/** Now and then: gives devices that came to a person or a group what was approved for it, and signs what waits. */
export function keepGrants(db: Db, signer: Signer | null, now: () => Date, log: Log): GrantKeeper {
  let running: Promise<void> = Promise.resolve();
  const run = (work: () => Promise<unknown>) => {
    running = running.then(async () => {
      try {
        await work();
      } catch (error) {
        log.error('grants.not-signed', error);
      }
    });
    return running;
  };
  const sign = async (most = Number.POSITIVE_INFINITY) => {
    if (signer) await signDue(db, signer, now, most);
  };
  const timers = [
    setInterval(() => void run(() => sign()), SIGN_EVERY_MS),
    setInterval(() => void run(() => db.transaction().execute((trx) => reconcileGrants(trx, 'all', now()))), RECONCILE_EVERY_MS),
  ];
  for (const timer of timers) timer.unref();
  return {
    async hurry() {
      await run(() => sign(AT_ONCE));
      void run(() => sign());
    },
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}
