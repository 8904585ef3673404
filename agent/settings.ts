/** What may be set on this computer: defaults, then the user's file; a managed layer joins them. Each value says where it came from. */
import path from 'node:path';
import { z } from 'zod';
import { readSmall } from './observe/read.ts';

const Settings = z.strictObject({
  /** Seconds between two looks at processes and the window in front. */
  pollSeconds: z.number().min(0.2).max(300),
  /** Minutes between two whole looks at what is installed and configured. */
  lookMinutes: z.number().min(1).max(1440),
  /** Folders of projects whose config files are looked at beside those that clients have recorded; themselves, not what lies below them. */
  projectFolders: z.array(z.string().max(4096).refine(path.isAbsolute, 'is not an absolute path')).max(1000).optional(),
});
export type Settings = z.infer<typeof Settings>;

const MAX_BYTES = 64 * 1024;

const DEFAULTS: Settings = { pollSeconds: 15, lookMinutes: 15, projectFolders: [] };

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
  const read = readSmall(file, MAX_BYTES);
  if (!read.ok) return from({}, read.why === 'absent' ? null : `it can’t be read (${read.detail})`);
  let value: unknown;
  try {
    value = JSON.parse(read.bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch {
    return from({}, 'it is not valid JSON');
  }
  const parsed = Settings.partial().safeParse(value);
  if (parsed.success) return from(Object.fromEntries(Object.entries(parsed.data).filter(([, set]) => set !== undefined)), null);
  const [issue] = parsed.error.issues;
  return from({}, `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not as expected'}`);
}
