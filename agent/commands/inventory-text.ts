/** The inventory as a person reads it in a terminal, and whether a script should be told that something was found. */
import { stateSentence, statusWord } from '../../electron/attention.ts';
import type { Evidence, Inventory, Surface, Tool, Verdict } from '../../electron/contract.ts';
import { serverGroups } from '../../electron/same-server.ts';
import { table } from './table.ts';

export const FAIL_ON = ['unreviewed', 'prohibited', 'high', 'critical'] as const;
export type FailOn = (typeof FAIL_ON)[number];

const ACCEPTED: ReadonlySet<Verdict['status']> = new Set(['approved', 'conditional', 'tolerated']);
const REFUSED: ReadonlySet<Verdict['status']> = new Set(['prohibited', 'expired']);

/** Whether something that is present reaches the level of `--fail-on`. */
export function found({ tools, mcpServers }: Pick<Inventory, 'tools' | 'mcpServers'>, level: FailOn): boolean {
  const servers = mcpServers.filter(({ present }) => present);
  const verdicts = [...tools.filter(({ present }) => present), ...servers].map(({ verdict }) => verdict.status);
  switch (level) {
    case 'unreviewed':
      return verdicts.some((status) => !ACCEPTED.has(status));
    case 'prohibited':
      return verdicts.some((status) => REFUSED.has(status));
    case 'high':
      return servers.some(({ risk }) => risk.level === 'high' || risk.level === 'critical');
    case 'critical':
      return servers.some(({ risk }) => risk.level === 'critical');
  }
}

/** A package is told by its name: its folder ends in it, beyond what a column shows. */
function why({ kind, manager, program, name, path, port }: Evidence): string {
  const what = kind === 'package' || kind === 'extension' ? name : (path ?? name ?? port);
  return [kind, manager ?? program, what].filter(Boolean).join(' ');
}

/** `Team (company)`, `Pro (personal), unknown plan`; the tool's own words for its plans. */
function plans({ accounts, tiers }: Tool): string {
  const named = accounts.map(({ tier, organization, personal }) => {
    const whose = organization ?? (personal === null ? null : personal ? 'personal' : 'company');
    return `${tier === null ? 'unknown plan' : (tiers.find(({ id }) => id === tier)?.name ?? tier)}${whose === null ? '' : ` (${whose})`}`;
  });
  return [...new Set(named)].join(', ') || '–';
}

/** The surfaces, and for an extension the programs that have it. */
function where({ surfaces, places }: Tool): string {
  const programs = (surface: Surface) =>
    places.flatMap((place) => (place.surface === surface && place.present ? (place.program ?? []) : []));
  return [...new Set(surfaces.flatMap((surface) => (programs(surface).length > 0 ? programs(surface) : surface)))].join(', ');
}

/** What is said behind a name: how sure it is, and that a general program is no use of AI by itself. */
function marked({ name, confidence, feature }: Tool): string {
  const marks = [...(confidence === 'possible' ? ['possible'] : []), ...(feature ? ['AI is a feature'] : [])];
  return marks.length === 0 ? name : `${name} (${marks.join(', ')})`;
}

/** Sentence, tools, servers, problems. `at` is the time of the look, null where there was none. */
export function inventoryText({ tools, mcpServers, problems }: Inventory, at: string | null): string {
  if (at === null) return 'Muster has not looked at this computer yet; “muster scan” does.\n';
  const present = tools.filter((tool) => tool.present);
  const past = tools.length - present.length;
  const servers = mcpServers.filter((server) => server.present);
  const parts = [stateSentence({ tools, look: { state: 'idle', at, firstAt: at, durationMs: null } })];
  const signedIn = present.some(({ accounts }) => accounts.length > 0);
  if (present.length > 0) {
    parts.push(
      table(
        ['Tool', 'Where', 'Version', 'Running', ...(signedIn ? ['Plan'] : []), 'Status', 'Why we say so'],
        present.map((tool) => [
          marked(tool),
          where(tool),
          [...new Set(tool.places.filter((place) => place.present).flatMap(({ version }) => version ?? []))].join(', ') || '–',
          tool.running ? 'yes' : 'no',
          ...(signedIn ? [plans(tool)] : []),
          statusWord[tool.verdict.status],
          tool.evidence[0] ? why(tool.evidence[0]) : '',
        ]),
      ),
    );
  }
  if (servers.length > 0) {
    parts.push(
      table(
        ['MCP server', 'Where', 'Runs', 'Publisher', 'Uses secrets', 'Risk', 'Status'],
        serverGroups(servers).map(({ names, enabled, places, risk, verdict }) => [
          names.join(', ') + (enabled ? '' : ' (off)'),
          [...new Set(places.map((place) => `${place.client} ${place.scope}${place.enabled || !enabled ? '' : ' (off)'}`))].join(', '),
          [...new Set(places.map(({ url, command, args }) => url ?? [command, ...args].join(' ')))].join(' · '),
          places[0]?.publisher ?? '–',
          [...new Set(places.flatMap(({ secretNames }) => secretNames))].sort().join(', ') || '–',
          risk.level === 'none' ? 'none' : `${risk.level} ${risk.score}`,
          statusWord[verdict.status],
        ]),
        40,
      ),
    );
  }
  const settings = present.flatMap(({ name, findings }) => (findings ?? []).map((finding) => ({ name, ...finding })));
  if (settings.length > 0) {
    parts.push(
      table(
        ['Settings of', 'Severity', 'What they allow', 'What to do'],
        settings.map(({ name, severity, message, advice }) => [name, severity, message, advice]),
        90,
      ),
    );
  }
  if (past > 0) parts.push(`${past} more ${past === 1 ? 'was' : 'were'} here before; --json shows the history.`);
  if (problems.length > 0) parts.push(problems.map(({ message, fix }) => `! ${message.replaceAll('\n', ' ')} ${fix}`).join('\n'));
  return `${parts.join('\n\n')}\n`;
}
