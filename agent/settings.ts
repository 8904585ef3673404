/** What may be set on this computer: defaults, then the user's file; a managed layer joins them. Each value says where it came from. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const Settings = z.strictObject({
  /** Seconds between two looks at processes and the window in front. */
  pollSeconds: z.number().min(0.2).max(300),
  /** Minutes between two whole looks at what is installed and configured. */
  lookMinutes: z.number().min(1).max(1440),
});
export type Settings = z.infer<typeof Settings>;

const DEFAULTS: Settings = { pollSeconds: 15, lookMinutes: 15 };

export type SettingsRead = {
  readonly values: Settings;
  readonly sources: Readonly<Record<keyof Settings, string>>;
  /** The user's file, and what is wrong with it: the defaults are used then. */
  readonly file: string;
  readonly issue: string | null;
};

/** Reads `settings.json` in the data folder; a missing one is no issue. */
export function readSettings(dataDir: string): SettingsRead {
  const file = path.join(dataDir, 'settings.json');
  const from = (values: Partial<Settings>, issue: string | null): SettingsRead => ({
    values: { ...DEFAULTS, ...values },
    sources: Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, key in values ? file : 'default'])) as Record<
      keyof Settings,
      string
    >,
    file,
    issue,
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return from(
      {},
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : `it can’t be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return from({}, 'it is not valid JSON');
  }
  const parsed = Settings.partial().safeParse(value);
  if (parsed.success) return from(Object.fromEntries(Object.entries(parsed.data).filter(([, set]) => set !== undefined)), null);
  const [issue] = parsed.error.issues;
  return from({}, `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not as expected'}`);
}
