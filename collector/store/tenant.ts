/** SQL about the organization itself and about its settings. */
import { sql } from 'kysely';
import type { Db, Trx } from './devices.ts';
import type { PublicJwk } from './schema.ts';

export type Tenant = { readonly name: string; readonly rootKeys: readonly PublicJwk[] };

export async function readTenant(db: Db): Promise<Tenant | null> {
  const row = await db.selectFrom('tenant').select(['name', 'root_keys']).executeTakeFirst();
  return row ? { name: row.name, rootKeys: row.root_keys } : null;
}

/** Makes the tenant at the first start; later its name stays. Resolves with the name that counts. */
export async function makeTenant(db: Db, name: string, now: Date): Promise<string> {
  await sql`insert into tenant (name, root_keys, created_at) select ${name}, '[]', ${now} where not exists (select from tenant)
    on conflict do nothing`.execute(db);
  return (await readTenant(db))?.name ?? name;
}

/** One at a time does what is done once. */
export async function lockTenant(trx: Trx): Promise<void> {
  await trx.selectFrom('tenant').select('name').forUpdate().execute();
}

/** The root keys that devices pin where their managed settings name none. */
export async function setRootKeys(db: Db, keys: readonly PublicJwk[]): Promise<void> {
  await db
    .updateTable('tenant')
    .set({ root_keys: JSON.stringify(keys) })
    .execute();
}

export type TenantReader = { read(): Promise<Tenant>; forget(): void };

const STALE_MS = 5000;

/** Throws where the first start has made no tenant. */
export function createTenantReader(db: Db, clock: () => number): TenantReader {
  let held: { at: number; tenant: Tenant } | null = null;
  return {
    async read() {
      if (held && clock() - held.at < STALE_MS) return held.tenant;
      const tenant = await readTenant(db);
      if (!tenant) throw new Error('The database has no organization; start the collector with collector/main.ts, which makes it.');
      held = { at: clock(), tenant };
      return tenant;
    },
    forget() {
      held = null;
    },
  };
}
