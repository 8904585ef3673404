/** Where a tool is and what belongs to it, in words: an extension’s program and pages, who reaches a server, what an agent was given, models. */
import type { Addon, Model, Place } from '../../electron/contract.ts';
import { namesText } from './list.ts';

const onWord = (enabled: boolean | null) => (enabled === null ? 'not known whether it is on' : enabled ? 'on' : 'off');

/** “In Chrome, on”; null where no other program has it. */
export function programText({ program, enabled }: Pick<Place, 'program' | 'enabled'>): string | null {
  if (program === undefined) return null;
  return enabled === undefined ? `In ${program}` : `In ${program}, ${onWord(enabled)}`;
}

/** “Profiles: Work on, Home off”; null where there is but one, which says what its program says. */
export function profilesText({ profiles = [] }: Pick<Place, 'profiles'>): string | null {
  if (profiles.length < 2) return null;
  const shown = profiles.slice(0, 6).map(({ name, enabled }) => `${name} ${enabled === null ? 'not known' : onWord(enabled)}`);
  const more = profiles.length - shown.length;
  return `Profiles: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const EVERY = new Set(['<all_urls>', '*://*/*', 'http://*/*', 'https://*/*', 'file:///*']);

/** The host of a pattern, as people write it: `https://*.example.com/*` is “example.com”. */
function site(pattern: string): string {
  const host = /^[a-z*]+:\/\/([^/]*)/i.exec(pattern)?.[1] ?? pattern;
  return host.replace(/^\*\./, '') || pattern;
}

/** Which pages a browser’s extension may read; null for everything else. */
export function pagesText({ permissions, surface }: Pick<Place, 'permissions' | 'surface'>): string | null {
  if (!permissions || surface !== 'browser-extension') return null;
  if (permissions.length === 0) return 'It may read no page unasked';
  if (permissions.some((pattern) => EVERY.has(pattern))) return 'It may read and change every page that you open';
  return `It may read and change pages of ${namesText([...new Set(permissions.map(site))], 5)}`;
}

/** Who can reach a local server. The worst first: one port that is open to others is enough. */
export function listensText({ listens = [] }: Pick<Place, 'listens'>): { readonly text: string; readonly open: boolean } | null {
  if (listens.length === 0) return null;
  const open = listens.filter(({ reach }) => reach === 'network');
  const ports = (of: typeof listens) => {
    const numbers = [...new Set(of.map(({ port }) => port))].sort((a, b) => a - b).map(String);
    return `${numbers.length === 1 ? 'port' : 'ports'} ${namesText(numbers, 4)}`;
  };
  if (open.length > 0) return { text: `Other computers can reach it, on ${ports(open)}`, open: true };
  return { text: `Only programs on this computer reach it, on ${ports(listens)}`, open: false };
}

const addonKinds: readonly (readonly [Addon['kind'], string])[] = [
  ['hook', 'Hooks, which run by themselves'],
  ['plugin', 'Plugins'],
  ['skill', 'Skills'],
  ['subagent', 'Sub-agents'],
  ['command', 'Commands of its own'],
  ['instructions', 'Standing instructions'],
];

const addonScope: Readonly<Record<Addon['scope'], string>> = {
  user: 'yours, everywhere',
  project: 'in a project, for everyone',
  local: 'in a project, yours alone',
  plugin: 'from a plugin',
  managed: 'set by your organization',
  system: 'for everyone on this computer',
};

export type AddonGroup = {
  readonly title: string;
  readonly items: readonly { readonly name: string; readonly where: string; readonly paths: readonly string[] }[];
};

const collator = new Intl.Collator('en', { sensitivity: 'base', numeric: true });

/** By kind, what runs by itself first; the same name in several places is one item. */
export function addonGroups(addons: readonly Addon[]): readonly AddonGroup[] {
  return addonKinds.flatMap(([kind, title]) => {
    const byName = Map.groupBy(
      addons.filter((addon) => addon.kind === kind),
      ({ name, scope }) => JSON.stringify([name, scope]),
    );
    const items = [...byName.values()].flatMap((same) => {
      const [first] = same;
      if (!first) return [];
      return [{ name: first.name, where: addonScope[first.scope], paths: [...new Set(same.map(({ path }) => path))] }];
    });
    return items.length > 0 ? [{ title, items: items.sort((a, b) => collator.compare(a.name, b.name)) }] : [];
  });
}

/** “4.7 GB”, in powers of ten as disks are sold; `bytes` that are no size are “size not known”. */
export function sizeText(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return 'size not known';
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let [value, at] = [bytes, 0];
  while (value >= 999.5 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return `${value >= 9.95 || at === 0 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** Largest first. */
export function modelRows(models: readonly Model[]): readonly Model[] {
  return [...models].sort((a, b) => b.bytes - a.bytes || collator.compare(a.name, b.name));
}
