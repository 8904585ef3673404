/** Every setting there is: what it may be, what holds where nobody says anything, and who may say it. A new setting is one row here. */
import path from 'node:path';
import { z } from 'zod';
import { publicKeys, thumbprint } from '../policy/documents.ts';

const name = () => z.string().trim().min(1).max(200);

/** Each is made when a setting is there to be read. */
const SCHEMAS = {
  /** Seconds between two looks at processes and the window in front. */
  pollSeconds: () => z.number().min(0.2).max(300),
  /** Minutes between two whole looks at what is installed and configured. */
  lookMinutes: () => z.number().min(1).max(1440),
  /** Folders of projects whose config files are looked at beside those that clients have recorded; themselves, not what lies below them. */
  projectFolders: () => z.array(z.string().max(4096).refine(path.isAbsolute, 'is not an absolute path')).max(1000),
  /** False: what the user's own file says does not count. */
  userMayChangeSettings: () => z.boolean(),
  /** The collector that this computer reports to; https, or http on this computer itself. */
  collectorUrl: () =>
    z.string().max(2000).refine(isCollector, 'is no https address (http only on this computer itself, without a user or a password)'),
  /** Given to the collector once, at enrolment. A secret: held to hand it on, and never shown. */
  enrollSecret: () => z.string().min(1).max(4096),
  /** The organization whose documents are taken: the `audience` of every signed one. */
  tenant: name,
  /** With these the key set is signed; once they are named, an unsigned policy does not count. */
  policyRootKeys: publicKeys,
  /** The employee's e-mail address; it ties this computer to a person. */
  person: () => z.email().max(320),
  /** What the agent may do by itself where a rule of the policy says so; without it nothing. */
  allowActions: () => z.array(z.enum(['disable-entry', 'end-process'])).max(10),
  /** May only take away from what this build collects. */
  collect: () =>
    z.strictObject({
      usage: z.boolean().optional(),
      matchTitles: z.literal(false, 'can only be false, for titles are matched and never kept').optional(),
      username: z.enum(['hash', 'plain', 'none']).optional(),
      projectPaths: z.boolean().optional(),
    }),
} as const;

export type SettingName = keyof typeof SCHEMAS;
type Values = { readonly [Name in SettingName]: z.infer<ReturnType<(typeof SCHEMAS)[Name]>> };

const DEFAULTS = {
  pollSeconds: 15,
  lookMinutes: 15,
  projectFolders: [],
  userMayChangeSettings: true,
  allowActions: [],
} as const satisfies Partial<Values>;

/** What holds; a setting that nobody has set and that has no default is absent. */
export type Settings = Pick<Values, 'pollSeconds' | 'lookMinutes'> & Partial<Values>;
export const defaults: Settings = DEFAULTS;

/** What an employee may set in `settings.json`; everything else is the organization's. */
const USERS: ReadonlySet<SettingName> = new Set(['pollSeconds', 'lookMinutes', 'projectFolders']);
export const mayUserSet = (setting: SettingName) => USERS.has(setting);

export const SETTING_NAMES = Object.keys(SCHEMAS) as SettingName[];
export const isSetting = (text: string): text is SettingName => Object.hasOwn(SCHEMAS, text);

/**
 * The value that `raw` stands for, or what is wrong with it, without quoting it. `isText`: it comes from where everything may be text (the registry, a
 * profile), so JSON in a string counts, and 0 and 1 for no and yes.
 */
export function readSetting(
  setting: SettingName,
  raw: unknown,
  isText: boolean,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly issue: string } {
  const schema = SCHEMAS[setting]();
  const first = schema.safeParse(raw);
  if (first.success) return { ok: true, value: first.data };
  for (const other of isText ? otherwise(raw) : []) {
    const again = schema.safeParse(other);
    if (again.success) return { ok: true, value: again.data };
  }
  const [issue] = first.error.issues;
  const at = issue?.path.length ? `${setting}.${issue.path.join('.')}` : setting;
  return { ok: false, issue: `${at}: ${issue?.message ?? 'is not as expected'}` };
}

function otherwise(raw: unknown): unknown[] {
  if (raw === 0 || raw === 1) return [raw === 1];
  if (typeof raw !== 'string') return [];
  try {
    const value: unknown = JSON.parse(raw);
    return [value, ...(value === 0 || value === 1 ? [value === 1] : []), [raw]];
  } catch {
    // One line for each of a list.
    return [raw.split(/\r?\n/).filter((line) => line.trim() !== '')];
  }
}

/** A value as people are shown it. A secret is only told to be there, and a key by its thumbprint. */
export function shownSetting(setting: SettingName, value: unknown): string {
  if (setting === 'enrollSecret') return 'set, and not shown';
  if (setting === 'policyRootKeys') return (value as Values['policyRootKeys']).map(thumbprint).join(' ');
  if (Array.isArray(value)) return value.join(' ') || 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isCollector(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isHere = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && isHere));
}
