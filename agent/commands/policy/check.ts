/** `muster policy check`: whether a policy file holds, with the line, the field and the remedy of everything that does not, and what backs its clauses. */
import type { BackedClause } from '../../policy/backing.ts';
import { checkPolicy } from '../../policy/check.ts';
import { catalogued, loadCatalog } from '../../session.ts';
import { type Command, EXIT } from '../command.ts';
import { table } from '../table.ts';
import { meansHere } from './means.ts';
import { namedFile } from './named-file.ts';

const STANDING: Readonly<Record<BackedClause['standing'], string>> = {
  controls: 'controls',
  people: 'people only',
  wish: 'nothing: a wish',
};

function clauseTable(clauses: readonly BackedClause[]): string {
  return table(
    ['Clause', 'Title', 'Backed by', 'Which'],
    clauses.map(({ id, title, standing, controls, byPeople }) => [
      id,
      title,
      STANDING[standing],
      [...controls.map(({ name, real }) => (real ? name : `${name} (not here)`)), ...(byPeople === null ? [] : [byPeople])].join(', '),
    ]),
    100,
  );
}

function verdict(ok: boolean, issues: number, warnings: number): string {
  if (!ok) return `This policy would be refused: ${issues === 1 ? 'one thing has' : `${issues} things have`} to be mended.`;
  return warnings === 0
    ? 'This policy holds.'
    : `This policy holds; ${warnings === 1 ? 'one line is' : `${warnings} lines are`} worth a look.`;
}

export const command: Command = {
  usage: [
    'Usage: muster policy check FILE',
    '',
    'Says whether the policy holds: its form, its tools and tiers, its dates, and what really backs each of its clauses, as far as this build, the',
    'policy’s modes and the managed settings of this computer go. Exit code 5 when it would be refused; what is worth a look is listed and is no refusal.',
  ].join('\n'),
  options: {},
  async run(invocation) {
    const { file, text } = namedFile('check', invocation);
    const means = await meansHere(invocation);
    const { ok, issues, warnings, clauses } = checkPolicy(text, catalogued(loadCatalog()), means, new Date());
    invocation.answer({ schema: 'muster.policy-check/1', file, ok, issues, warnings, clauses }, () =>
      [
        verdict(ok, issues.length, warnings.length),
        ...(issues.length > 0 ? [issues.map((issue) => `! ${issue}`).join('\n')] : []),
        ...(warnings.length > 0 ? [warnings.map((warning) => `– ${warning}`).join('\n')] : []),
        ...(clauses.length > 0 ? [clauseTable(clauses)] : []),
      ].join('\n\n'),
    );
    return ok ? EXIT.done : EXIT.no;
  },
};
