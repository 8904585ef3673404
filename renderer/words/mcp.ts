/** An MCP server's entry in words: whose it is, where it is valid, what it starts, which secrets it names, and its risk. */
import type { McpIdentity, McpScope, McpServer, Risk, Severity, Tool } from '../../electron/contract.ts';
import type { ServerGroup } from '../../electron/same-server.ts';
import { namesText } from './list.ts';

// Ids that don't turn into a name by capital letters alone.
const odd: Readonly<Record<string, string>> = { vscode: 'VS Code', cli: 'CLI', mcp: 'MCP', ai: 'AI', ide: 'IDE' };

/** The client's name as the catalog has it, where the client itself was found here; else made from its id. */
export function clientName(id: string, tools: readonly Pick<Tool, 'id' | 'name'>[]): string {
  const found = tools.find((tool) => tool.id === id);
  if (found) return found.name;
  return id
    .split('-')
    .filter(Boolean)
    .map((part) => odd[part] ?? (part[0] ?? '').toUpperCase() + part.slice(1))
    .join(' ');
}

export const scopeWord: Readonly<Record<McpScope, string>> = {
  user: 'For you, in every project',
  project: 'For everyone in one project',
  local: 'For you, in one project',
  plugin: 'Added by a plugin',
  profile: 'For one profile',
  managed: 'Set by your organization',
  system: 'For everyone on this computer',
};

const kindWord: Readonly<Record<McpIdentity['kind'], string>> = {
  npm: 'npm package',
  pypi: 'Python package',
  oci: 'Container image',
  go: 'Go module',
  remote: 'Remote server',
  script: 'Script',
  binary: 'Program',
  unknown: 'Not recognised',
};

/** What the entry names, its version, and whether the next start may run something else. */
export function identityText({ identity, pinned }: Pick<McpServer, 'identity' | 'pinned'>): {
  readonly kind: string;
  readonly version: string | null;
  readonly change: string | null;
} {
  const open =
    identity.kind === 'remote' ? 'It may change on its own side at any time.' : 'Not pinned: the next start may run another version.';
  // What is on this computer changes only when somebody changes it here.
  const local = identity.kind === 'script' || identity.kind === 'binary' || identity.kind === 'unknown';
  return {
    kind: kindWord[identity.kind],
    version: identity.version === null ? null : `Version ${identity.version}`,
    change: pinned || local ? null : open,
  };
}

/** Which of its tools the client runs without asking the employee; null where it asks for each. */
export function unaskedText(autoApproved: McpServer['autoApproved']): string | null {
  if (autoApproved === 'all') return 'All of its tools';
  return autoApproved.length > 0 ? autoApproved.join(', ') : null;
}

/** “Claude Code, Cursor and 2 more”: the tools that have it set up, those first where it is still. */
export function clientsText({ places }: Pick<ServerGroup, 'places'>, tools: readonly Pick<Tool, 'id' | 'name'>[]): string {
  const there = places.filter(({ present }) => present);
  const names = (there.length > 0 ? there : places).map(({ client }) => clientName(client, tools));
  return namesText([...new Set(names)], 2);
}

/** “also in Cursor and 2 more places”, and what it is called there; null where this is the only place. */
export function alsoText({ places, names }: ServerGroup, server: McpServer, tools: readonly Pick<Tool, 'id' | 'name'>[]): string | null {
  const others = places.filter(({ id }) => id !== server.id);
  if (others.length === 0) return null;
  const calls = names.filter((name) => name !== server.name);
  const called = calls.length === 0 ? '' : `, called ${namesText(calls, 2)} there`;
  return `also in ${namesText([...new Set(others.map(({ client }) => clientName(client, tools)))], 2)}${called}`;
}

/** The command line as it would be typed: an argument with a space or nothing in it is quoted, so that the ends of arguments can be seen. */
export function commandLine(server: Pick<McpServer, 'command' | 'args'>): string | null {
  if (server.command === null) return null;
  return [server.command, ...server.args].map((part) => (part === '' || /[\s"']/.test(part) ? JSON.stringify(part) : part)).join(' ');
}

const levelWord: Readonly<Record<Risk['level'], string>> = {
  none: 'none found',
  low: 'low',
  medium: 'medium',
  high: 'high',
  critical: 'critical',
};

export const riskText = (risk: Pick<Risk, 'score' | 'level'>): string => `${risk.score} of 100, ${levelWord[risk.level]}`;

/** How many of ten posts stand for a score: any risk at all is at least one, and only 100 is all ten. */
export const riskPosts = (score: number): number => (score <= 0 ? 0 : Math.min(10, Math.max(1, Math.floor(score / 10))));

export const severityWord: Readonly<Record<Severity, string>> = { low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' };

/** How the findings add up to the score, as one sentence; null where there is nothing to add. */
export function sumText({ score, findings }: Risk): string | null {
  const points = findings.map((finding) => finding.points);
  const [worst, ...others] = points;
  if (worst === undefined || others.length === 0 || others.includes(undefined)) return null;
  const sum = points.reduce<number>((total, each) => total + (each ?? 0), 0);
  const adds = `The worst finding makes ${worst}, ${others.length === 1 ? `the other adds ${others[0]}` : `the others add ${others.join(' + ')}`}`;
  return sum > score ? `${adds}; ${score} is the most for findings of this severity.` : `${adds}: ${score} of 100.`;
}
