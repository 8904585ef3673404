/** Starts a collector: opens its database, makes what a first start needs, listens, and keeps house until it is stopped. */
import type { AddressInfo } from 'node:net';
import { type AppParts, createApp } from './app.ts';
import { CollectorDatabaseError, openDatabase, type Where } from './database.ts';
import type { Log } from './log.ts';
import { keepHouse } from './retention.ts';
import { type Signer, SignerError } from './signer/protocol.ts';
import type { Db } from './store/devices.ts';
import { makePartitions } from './store/partitions.ts';
import { countTokens, makeEnrolSecret, makeToken } from './store/secrets.ts';
import { lockTenant, makeTenant, readTenant, setRootKeys } from './store/tenant.ts';
import { putKeySet } from './store/trust.ts';

export type StartParts = Omit<AppParts, 'database' | 'origins' | 'log'> & {
  readonly where: Where;
  readonly log: Log;
  readonly tenant: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The address under which agents know this collector, where it isn't the one it listens at. */
  readonly publicUrl?: string | undefined;
};

export type Collector = {
  /** Where it listens: `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Made at the very first start, and shown only then. */
  readonly first: { readonly ownerToken: string; readonly enrolSecret: string } | null;
  readonly context: Awaited<ReturnType<typeof createApp>>['context'];
  /** Takes nothing more on, lets what is under way end, closes the database. */
  stop(): Promise<void>;
};

/** How old the settings may be that this collector goes by, in ms. */
const FOLLOW_MS = 5000;

/** Throws a `CollectorDatabaseError`, or what listening throws. */
export async function startCollector(parts: StartParts): Promise<Collector> {
  const { where, log, tenant, port, publicUrl, ...rest } = parts;
  const host = parts.host ?? '127.0.0.1';
  const now = parts.now ?? (() => new Date());
  const database = await openDatabase(where);
  let end = () => database.close();
  try {
    const { db } = database;
    await makePartitions(db, now());
    const served = await makeTenant(db, tenant, now());
    if (served !== tenant)
      throw new CollectorDatabaseError('tenant', `The database belongs to “${served}”, not to “${tenant}”; start with --tenant ${served}.`);
    let origins: readonly string[] = [];
    const { app, context, stop } = await createApp({ ...rest, now, database, log, origins: () => origins });
    end = () => stop().finally(() => database.close());
    await context.settings.refresh();
    await app.listen({ host, port });
    const bound = (app.server.address() as AddressInfo).port;
    origins = publicUrl ? [publicUrl.replace(/\/+$/, '')] : ['127.0.0.1', 'localhost', '[::1]'].map((name) => `http://${name}:${bound}`);
    const adopt = async () => {
      if (parts.signer && (await adoptSigner(db, parts.signer, now()))) {
        context.trust.forget();
        context.tenant.forget();
      }
    };
    await adopt();
    // Last, only where it can serve: or they would be made and never shown.
    const first = await firstSecrets(db, now());
    // Another replica may have changed them; while the database is away the last ones count.
    const follow = setInterval(() => void context.settings.refresh().catch(() => {}), FOLLOW_MS).unref();
    const house = keepHouse({ db, log, now, also: adopt });
    log.info('collector.started', { engine: database.engine });
    return {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
      first,
      context,
      async stop() {
        clearInterval(follow);
        await house.stop();
        await end();
        log.info('collector.stopped');
      },
    };
  } catch (error) {
    await end().catch(() => {});
    throw error;
  }
}

/**
 * What the signer signs by is what devices are told to trust; asked again with the housework, for it renews its key set in time. Throws a `SignerError`
 * where it isn't the signer that this database's devices know: they would believe nothing that it signs.
 */
async function adoptSigner(db: Db, signer: Signer, now: Date): Promise<boolean> {
  const { roots, keySet } = await signer.identity();
  const known = (await readTenant(db))?.rootKeys ?? [];
  if (known.length > 0 && !known.some(({ x }) => roots.some((root) => root.x === x)))
    throw new SignerError(
      'folder',
      'The signer’s keys are not those that the devices of this database trust; name the signer that it began with by --signer, or restore its folder.',
    );
  const news = await putKeySet(db, keySet, now);
  if (news) await setRootKeys(db, roots);
  return news;
}

/** Null where there is an administrator's token already. */
async function firstSecrets(db: Db, now: Date): Promise<Collector['first']> {
  return db.transaction().execute(async (trx) => {
    // Of two replicas that start for the first time at once, one makes them.
    await lockTenant(trx);
    if ((await countTokens(trx)) > 0) return null;
    const { token } = await makeToken(trx, { label: 'first owner', role: 'owner' }, now);
    const { secret } = await makeEnrolSecret(trx, { label: 'first start' }, now);
    return { ownerToken: token, enrolSecret: secret };
  });
}
