/** SQL about the collector's own settings, which an owner changes over the admin API; what nobody set has its default. */
import { z } from 'zod';
import type { Db } from './devices.ts';

const days = (fallback: number, most: number) => z.int().min(1).max(most).default(fallback);

export const Settings = z.strictObject({
  grantDays: days(180, 730).describe('Until when an approval counts where the decision says nothing.'),
  silentDays: days(7, 365).describe('After so many days without a check-in a device is listed as silent.'),
});
export type Settings = z.infer<typeof Settings>;

const KEY = 'admin';

export async function readSettings(db: Db): Promise<Settings> {
  const row = await db.selectFrom('setting').select('value').where('key', '=', KEY).executeTakeFirst();
  return Settings.parse(row?.value ?? {});
}

export async function writeSettings(db: Db, settings: Settings, now: Date): Promise<void> {
  const value = JSON.stringify(settings);
  await db
    .insertInto('setting')
    .values({ key: KEY, value, updated_at: now })
    .onConflict((on) => on.column('key').doUpdateSet({ value, updated_at: now }))
    .execute();
}
