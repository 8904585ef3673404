/** SQL about the collector's own settings, which an owner changes over the admin API; what nobody set has its default. */
import { z } from 'zod';
import type { Db, Trx } from './devices.ts';

const number = (fallback: number, least: number, most: number, about: string) =>
  z.int().min(least).max(most).default(fallback).describe(`${about} Default ${fallback}.`);

const FIELDS = {
  checkInMinutes: number(60, 5, 1440, 'Minutes between two check-ins of a device, where nothing special is on.'),
  dueDays: number(3, 1, 90, 'Days after which a new request is overdue; those that are there keep their day.'),
  grantDays: number(180, 1, 730, 'Days until when an approval counts where the decision says nothing.'),
  silentDays: number(7, 1, 365, 'After so many days without a check-in a device is listed as silent.'),
  keepUsageDays: number(400, 7, 3650, 'Days that use is kept.'),
  keepEvidenceDays: number(400, 60, 3650, 'Days that evidence is kept, by whole months.'),
  keepRequestDays: number(400, 30, 3650, 'Days that closed requests, their decisions and grants that ended are kept.'),
  keepAuditDays: number(800, 90, 3650, 'Days that the audit is kept.'),
  keepSilentDays: number(400, 30, 3650, 'After so many days without a check-in a device is forgotten, with what it held.'),
  requestsPerSecond: number(2000, 50, 100_000, 'Requests a second that one collector takes on, from everybody.'),
  requestsPerAddress: number(200, 10, 100_000, 'Requests a second that one collector takes on from one address.'),
} as const;

/** What counts: every setting has a value. A name that a later collector has set is passed over. */
export const Settings = z.object(FIELDS);
export type Settings = z.output<typeof Settings>;

/** What is to be changed; null: back to the default. */
export const SettingsChange = z.strictObject(
  Object.fromEntries(
    Object.entries(FIELDS).map(([name, field]) => [
      name,
      field
        .unwrap()
        .nullable()
        .optional()
        .describe(field.description ?? ''),
    ]),
  ) as {
    [Name in keyof typeof FIELDS]: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
  },
);
export type SettingsChange = z.output<typeof SettingsChange>;

export const DEFAULT_SETTINGS: Settings = Settings.parse({});

const KEY = 'admin';

export async function readSettings(db: Db): Promise<Settings> {
  return (await readVersioned(db)).settings;
}

export type Versioned = { readonly settings: Settings; readonly version: number };

/** `version` counts the changes; 0: nobody has changed anything. */
export async function readVersioned(db: Db): Promise<Versioned> {
  const row = await db.selectFrom('setting').select(['value', 'version']).where('key', '=', KEY).executeTakeFirst();
  return { settings: Settings.parse(row?.value ?? {}), version: row?.version ?? 0 };
}

export type Changed = Versioned & { readonly before: Partial<Settings>; readonly after: Partial<Settings> };

/**
 * Changes what is named and keeps the rest. Null where somebody changed them since `version`; a text, and nothing was changed, where the values
 * together make no sense. `before` and `after` have what differs.
 */
export async function changeSettings(trx: Trx, change: SettingsChange, version: number, now: Date): Promise<Changed | string | null> {
  await trx
    .insertInto('setting')
    .values({ key: KEY, value: '{}', version: 0, updated_at: now })
    .onConflict((on) => on.doNothing())
    .execute();
  const row = await trx.selectFrom('setting').select(['value', 'version']).where('key', '=', KEY).forUpdate().executeTakeFirstOrThrow();
  if (row.version !== version) return null;
  // Only what was set is stored, so that a default of a later collector counts for the rest.
  const set = Object.entries({ ...(row.value as SettingsChange), ...change }).filter(([, value]) => value !== null && value !== undefined);
  const old = Settings.parse(row.value);
  const settings = Settings.parse(Object.fromEntries(set));
  if (settings.keepSilentDays <= settings.silentDays)
    return 'keepSilentDays must be more than silentDays, or nobody would see a silent device';
  await trx
    .updateTable('setting')
    .set({ value: JSON.stringify(Object.fromEntries(set)), version: version + 1, updated_at: now })
    .where('key', '=', KEY)
    .execute();
  const differs = (Object.keys(FIELDS) as (keyof Settings)[]).filter((name) => old[name] !== settings[name]);
  const only = (of: Settings): Partial<Settings> => Object.fromEntries(differs.map((name) => [name, of[name]]));
  return { settings, version: version + 1, before: only(old), after: only(settings) };
}

export type SettingsReader = {
  /** As they were read last; the defaults until then. */
  current(): Settings;
  /** Reads them again; rejects where the database doesn't answer, and what was read last goes on counting. */
  refresh(): Promise<void>;
};

export function createSettingsReader(db: Db): SettingsReader {
  let held = DEFAULT_SETTINGS;
  return {
    current: () => held,
    async refresh() {
      held = await readSettings(db);
    },
  };
}
