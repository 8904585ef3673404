/** What is set on this computer, in words: what a setting does, its value, who says so, and what that overrode. */
import type { Setting } from '../../electron/contract.ts';

type Words = { readonly name: string; readonly value?: (value: string) => string };

const every = (unit: string) => (value: string) => (value === '1' ? `Every ${unit}` : `Every ${value} ${unit}s`);
const yesNo = (value: string) => (value === 'true' ? 'Yes' : 'No');
const acts: Readonly<Record<string, string>> = { 'disable-entry': 'Switch an MCP server off', 'end-process': 'End a program' };

const words: Readonly<Record<string, Words>> = {
  pollSeconds: { name: 'How often it looks at what runs', value: every('second') },
  lookMinutes: { name: 'How often it looks at everything', value: every('minute') },
  projectFolders: { name: 'Project folders it also looks in', value: (value) => (value === 'none' ? 'None' : value) },
  userMayChangeSettings: { name: 'You may change settings of your own', value: yesNo },
  collectorUrl: { name: 'Where the list goes' },
  enrollSecret: { name: 'The secret for joining', value: () => 'Set, and shown to nobody' },
  tenant: { name: 'Whose policy counts' },
  policyRootKeys: {
    name: 'Keys that prove the policy',
    value: (value) => {
      const count = value.split(' ').filter(Boolean).length;
      return count === 1 ? 'One key' : `${count} keys`;
    },
  },
  person: { name: 'Whose computer it is' },
  allowActions: {
    name: 'What Muster may do by itself',
    value: (value) =>
      value === 'none'
        ? 'Nothing'
        : value
            .split(' ')
            .map((one, at) => (at === 0 ? (acts[one] ?? one) : (acts[one] ?? one).replace(/^\p{Lu}/u, (first) => first.toLowerCase())))
            .join(', '),
  },
  collect: { name: 'What isn’t kept', value: collectText },
};

function collectText(value: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return value;
  }
  const { usage, username, projectPaths } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<string, unknown>;
  const less = [
    usage === false && 'how long a tool was used',
    username === 'hash' && 'your user name in clear',
    username === 'none' && 'your user name',
    projectPaths === false && 'the folders of projects',
  ].filter((text) => text !== false);
  return less.length === 0 ? 'As it came' : less.join(', ').replace(/^\p{Ll}/u, (first) => first.toUpperCase());
}

export type SettingRow = {
  readonly key: string;
  readonly name: string;
  readonly value: string;
  readonly by: 'it' | 'you' | 'default';
  readonly byText: string;
  /** The file or registry key that says so. */
  readonly from: string | null;
  /** “Instead of: Every 5 seconds (set by you)”. */
  readonly instead: string | null;
};

const byWord = { managed: 'Set by IT', user: 'Set by you', default: 'As it came' } as const;

/** A setting that this window doesn't know yet is shown by its own name. */
export function settingRow({ name, value, source, from, overrides }: Setting): SettingRow {
  const known = Object.hasOwn(words, name) ? words[name] : undefined;
  const shown = (text: string) => known?.value?.(text) ?? text;
  const [first] = overrides;
  return {
    key: name,
    name: known?.name ?? name,
    value: shown(value),
    by: source === 'managed' ? 'it' : source === 'user' ? 'you' : 'default',
    byText: byWord[source],
    from,
    instead:
      first && first.value !== value
        ? `Instead of: ${shown(first.value)} (${byWord[first.source].toLowerCase().replace('it', 'IT')})`
        : null,
  };
}
