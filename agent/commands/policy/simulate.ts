/** `muster policy simulate`: what a draft would change here, weighed by the use that was recorded. */
import { capital, countWord, statusWord } from '../../../electron/attention.ts';
import type { DataClass, Mode } from '../../../electron/contract.ts';
import { refuseOthers } from '../../data-folder.ts';
import type { Means } from '../../policy/backing.ts';
import { checkPolicy } from '../../policy/check.ts';
import { type Simulation, simulate, type Use } from '../../policy/simulate.ts';
import { Refusal } from '../../requests.ts';
import { catalogued, dataDirOf, loadCatalog, withStored } from '../../session.ts';
import { type Command, EXIT } from '../command.ts';
import { table } from '../table.ts';
import { countedDays } from './counted-days.ts';
import { meansHere } from './means.ts';
import { namedFile } from './named-file.ts';

const DOES: Readonly<Record<Mode, string>> = {
  monitor: 'what is seen is recorded, and employees are told nothing of it',
  warn: 'employees are told what needs something from them',
  enforce: 'employees are told, and rules that name an action act where the managed settings allow it',
};

type Labels = (ids: readonly string[]) => string;

function percent(share: number): string {
  const whole = Math.round(share * 100);
  return whole === 0 && share > 0 ? 'under 1 %' : `${whole} %`;
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${Math.max(1, minutes)} min`;
  return `${Math.round(minutes / 60)} h`;
}

function useText(use: Use | null): string {
  if (use === null) return 'none';
  return `${duration(use.seconds)} ${use.by === 'front' ? 'in front' : 'running'}, ${percent(use.share)}`;
}

function of(changed: number, all: number, what: string): string {
  if (changed === 0) return all === 1 ? `no ${what}` : `none of the ${countWord(all)} ${what}s`;
  if (all === 1) return `the one ${what}`;
  return changed === all ? `all ${countWord(all)} ${what}s` : `${countWord(changed)} of the ${countWord(all)} ${what}s`;
}

/** “Two of the six AI tools and none of the three MCP servers here would change; that is 81 % of the time in front …” */
function summary({ tools, mcpServers, changedUse, days }: Simulation): string {
  const changed = (list: readonly { changed: boolean }[]) => list.filter((one) => one.changed).length;
  const parts = [
    ...(tools.length > 0 ? [of(changed(tools), tools.length, 'AI tool')] : []),
    ...(mcpServers.length > 0 ? [of(changed(mcpServers), mcpServers.length, 'MCP server')] : []),
  ];
  if (parts.length === 0) return 'Nothing is here that a policy could be about.';
  const shares = [
    ...(changedUse.front === null ? [] : [`${percent(changedUse.front)} of the time in front`]),
    ...(changedUse.run === null ? [] : [`${percent(changedUse.run)} of the time that tools without a window ran`]),
  ];
  const use = shares.length > 0 && changed(tools) > 0 ? `; that is ${shares.join(' and ')} in the last ${days} days` : '';
  return `${capital(parts.join(' and '))} here would change${use}.`;
}

function report(simulation: Simulation, modes: { from: Mode; to: Mode }, means: Means, before: Labels, after: Labels): string {
  const { tools, mcpServers, unused, days } = simulation;
  const parts = [summary(simulation)];
  if (modes.from !== modes.to) parts.push(`The mode would go from ${modes.from} to ${modes.to}: ${DOES[modes.to]}.`);
  const data = (from: readonly string[], to: readonly string[]) => {
    const [was, is] = [before(from), after(to)];
    return was === is ? is : `${was} → ${is}`;
  };
  const changedTools = tools.filter(({ changed }) => changed);
  if (changedTools.length > 0) {
    parts.push(
      table(
        ['Tool', 'Now', 'With this policy', 'Data', `Use in ${days} days`, 'Rule'],
        changedTools.map(({ name, from, to, use }) => [
          name,
          statusWord[from.status],
          statusWord[to.status],
          data(from.dataClasses, to.dataClasses),
          useText(use),
          to.rule ?? 'stance',
        ]),
      ),
    );
  }
  const changedServers = mcpServers.filter(({ changed }) => changed);
  if (changedServers.length > 0) {
    parts.push(
      table(
        ['MCP server', 'Where', 'Now', 'With this policy', 'Data', 'Rule'],
        changedServers.map(({ client, name, from, to }) => [
          name,
          client,
          statusWord[from.status],
          statusWord[to.status],
          data(from.dataClasses, to.dataClasses),
          to.rule ?? 'stance',
        ]),
      ),
    );
  }
  const acted = [...tools, ...mcpServers].filter(({ action }) => action !== null);
  if (acted.length > 0) {
    const every = (actions: Means['built']) => acted.every(({ action }) => action !== null && actions.has(action));
    const where = 'where the managed settings allow it, which those of this computer don’t';
    const how = !every(means.built) ? `, by a later version of Muster, ${where}` : every(means.allowed) ? '' : `, ${where}`;
    parts.push(`Would be stopped${how}: ${acted.map(({ name, action }) => `${name} (${action})`).join(', ')}.`);
  }
  if (unused.rules.length > 0) {
    const other = (why: 'absent' | 'other') => (why === 'other' ? ', here with another tier, account or version' : '');
    parts.push(
      `Rules that match nothing here: ${unused.rules.map(({ rule, about, why }) => `${rule} (${about}${other(why)})`).join(', ')}.`,
    );
  }
  if (unused.tools.length > 0) parts.push(`Not used here in the last ${days} days: ${unused.tools.map(({ name }) => name).join(', ')}.`);
  return parts.join('\n\n');
}

function labels(classes: readonly Pick<DataClass, 'id' | 'label'>[]): Labels {
  return (ids) => (ids.length === 0 ? '–' : ids.map((id) => classes.find((one) => one.id === id)?.label ?? id).join(', '));
}

export const command: Command = {
  usage: [
    'Usage: muster policy simulate FILE',
    '',
    'Compares the policy in FILE with the one in force over what was recorded on this computer: which tools and MCP servers would change their',
    'status, for which share of use and with which data, and which rules match nothing here. Looks at nothing and changes nothing.',
  ].join('\n'),
  options: {},
  async run(invocation) {
    const { file, text } = namedFile('simulate', invocation);
    refuseOthers(dataDirOf(invocation), invocation.os);
    const now = new Date();
    const means = await meansHere(invocation);
    const { policy: draft, issues } = checkPolicy(text, catalogued(loadCatalog()), means, now);
    if (draft === null) throw new Refusal('policy-invalid', `The policy ${file} is not valid: ${issues.join(' ')}`);
    const counted = countedDays(now);
    const found = await withStored(invocation, ({ agent, store }) => {
      const snapshot = agent.snapshot();
      if (snapshot.look.at === null) return null;
      return { before: snapshot, simulation: simulate(snapshot, agent.under(draft), draft, store.usage(counted.since), counted) };
    });
    if (!found) {
      const nothing = simulate({ tools: [], mcpServers: [] }, { tools: [], mcpServers: [] }, draft, [], counted);
      invocation.answer(
        { ...nothing, baseline: null },
        () => 'Muster has not looked at this computer yet, so there is nothing to compare with; “muster scan” looks.',
      );
      return EXIT.done;
    }
    const { before, simulation } = found;
    const baseline = { look: before.look.at, rev: before.policy.rev, mode: before.policy.mode };
    invocation.answer({ ...simulation, baseline }, () =>
      report(simulation, { from: before.policy.mode, to: draft.mode }, means, labels(before.policy.dataClasses), labels(draft.dataClasses)),
    );
    return EXIT.done;
  },
};
