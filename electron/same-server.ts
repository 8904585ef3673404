/**
 * Which entries are the same MCP server: one package, image or address that several clients or projects have set up is one server in several places.
 * Pure; the window and the terminal group alike because both ask here.
 */
import type { McpIdentity, McpServer, Risk, Verdict, VerdictStatus } from './contract.ts';

export type ServerGroup = {
  readonly key: string;
  /** What most of its entries call it. */
  readonly name: string;
  /** Every place of it, those that are there first, then by client, project and name. */
  readonly places: readonly McpServer[];
  /** The names that its entries give it, each once. */
  readonly names: readonly string[];
  readonly present: boolean;
  readonly enabled: boolean;
  readonly running: boolean;
  /** The worst of the entries that count: those that are there and switched on, or else all of them. */
  readonly risk: Risk;
  /** The one that asks most of the employee, of the same entries. */
  readonly verdict: Verdict;
};

/** Equal for entries that are the same server, whatever it is called and however it is configured. */
export function serverKey({ identity, project }: { readonly identity: McpIdentity; readonly project: string | null }): string {
  const { kind, name, launchHash } = identity;
  const isNamed = name !== '' && !name.includes('…') && !/[$%{]/.test(name);
  if (isNamed && kind === 'pypi') return `pypi:${name.toLowerCase().replaceAll(/[-_.]+/g, '-')}`;
  if (isNamed && (kind === 'npm' || kind === 'oci' || kind === 'go' || kind === 'remote')) return `${kind}:${name}`;
  // A script or program is the same only where the same would run; what is written relative is another file in another project.
  const absolute = /^(?:[/~]|[A-Za-z]:[\\/])/.test(name);
  return `${launchHash} ${absolute ? '' : (project ?? '')}`;
}

/** Most urgent first. */
const urgency: readonly VerdictStatus[] = [
  'prohibited',
  'expired',
  'wrong-tier',
  'tier-unknown',
  'unreviewed',
  'pending',
  'tolerated',
  'conditional',
  'approved',
];

/** Every entry in exactly one group: groups with a present entry first, then by name. The order of `servers` means nothing. */
export function serverGroups(servers: readonly McpServer[]): ServerGroup[] {
  return [...Map.groupBy(servers, serverKey)]
    .flatMap(([key, entries]) => groupOf(key, entries) ?? [])
    .sort((a, b) => Number(b.present) - Number(a.present) || compare(a.name.toLowerCase(), b.name.toLowerCase()) || compare(a.key, b.key));
}

function groupOf(key: string, entries: readonly McpServer[]): ServerGroup | null {
  const places = [...entries].sort(
    (a, b) =>
      Number(b.present) - Number(a.present) ||
      compare(a.client, b.client) ||
      compare(a.project ?? '', b.project ?? '') ||
      compare(a.name, b.name) ||
      compare(a.id, b.id),
  );
  const present = places.filter((place) => place.present);
  const there = present.length > 0 ? present : places;
  const on = there.filter(({ enabled }) => enabled);
  const counting = on.length > 0 ? on : there;
  const [riskiest] = [...counting].sort((a, b) => b.risk.score - a.risk.score);
  const [strictest] = [...counting].sort((a, b) => urgency.indexOf(a.verdict.status) - urgency.indexOf(b.verdict.status));
  if (!riskiest || !strictest) return null;
  // Of names that are equally frequent, the first place's.
  const calls = [...Map.groupBy(there, ({ name }) => name)].sort(([, one], [, other]) => other.length - one.length);
  return {
    key,
    name: calls[0]?.[0] ?? '',
    places,
    names: [...new Set(places.map(({ name }) => name))],
    present: present.length > 0,
    enabled: on.length > 0,
    running: places.some(({ running }) => running),
    risk: riskiest.risk,
    verdict: strictest.verdict,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
