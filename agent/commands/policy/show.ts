/** `muster policy show`: the policy in force as the employee may read it, where it came from, and what is granted to this computer. */
import path from 'node:path';
import { statusWord } from '../../../electron/attention.ts';
import type { PolicyInForce, Problem } from '../../../electron/contract.ts';
import { refuseOthers } from '../../data-folder.ts';
import { tilde } from '../../observe/paths.ts';
import { createPolicyFile, NOTHING_IN_FORCE } from '../../policy/policy-file.ts';
import { day } from '../../policy/sentences.ts';
import { createProblems } from '../../problems.ts';
import { dataDirOf, knownTools, loadCatalog, storedSnapshot } from '../../session.ts';
import { type Command, EXIT, type Invocation, takesNoWords } from '../command.ts';
import { table } from '../table.ts';

const NO_POLICY = 'No policy is in force: everything is unreviewed, and you are told what was found.';
const NOT_LOOKED = 'Muster has not looked at this computer yet, so no policy is in force; “muster scan” looks.';
const DOES: Readonly<Record<PolicyInForce['mode'], string>> = {
  monitor: 'monitor: what is seen is recorded',
  warn: 'warn: you are told what needs something from you',
  enforce: 'enforce: what a rule says is stopped, where your organization allows that',
};

/** “Acme’s policy, revision 42, in the mode monitor: …”, and from where. */
function headline({ rev, organization, mode, source }: PolicyInForce): string {
  const whose = organization === null ? 'The policy' : `${organization}’s policy`;
  return `${whose}, revision ${rev}, in the mode ${DOES[mode]}.${source === null ? '' : ` It comes from ${source}.`}`;
}

function trusted({ trust }: PolicyInForce): string {
  if (!trust) return 'It is a plain file that nobody signed, which counts because this computer knows no root key.';
  const roots =
    trust.roots === 'managed' ? 'the root keys of the managed settings' : 'the root keys that were pinned when this computer joined';
  const since = trust.acceptedAt === null ? '' : `, and in force since ${day(trust.acceptedAt)}`;
  const issued = trust.issuedAt === null ? '' : `issued on ${day(trust.issuedAt)}, `;
  const refused = trust.refused ? ` A newer document was refused: ${trust.refused.reason}` : '';
  switch (trust.state) {
    case 'none':
      return `Nothing that ${roots} prove has come yet.${refused}`;
    case 'current':
      return `It is signed, ${issued}proven by ${roots}${since}.${refused}`;
    case 'expired':
      return `It is signed, ${issued}and ended${trust.expiresAt === null ? '' : ` on ${day(trust.expiresAt)}`}; it holds until a newer one comes.${refused}`;
    case 'withdrawn':
      return `It is signed with a key that was withdrawn since; it holds until a newer one comes.${refused}`;
  }
}

function acknowledged({ acknowledge }: PolicyInForce): string[] {
  if (!acknowledge) return [];
  const { version, acknowledgedAt, required } = acknowledge;
  if (acknowledgedAt !== null) return [`You acknowledged version ${version} on ${day(acknowledgedAt)}.`];
  return [`${required ? 'You are asked to acknowledge' : 'You may acknowledge'} version ${version}: “muster policy acknowledge”.`];
}

function policyText(policy: PolicyInForce): string {
  if (policy.rev === null) return [NO_POLICY, ...(policy.trust ? [trusted(policy)] : [])].join(' ');
  const label = (id: string) => policy.dataClasses.find((one) => one.id === id)?.label ?? id;
  const parts = [[headline(policy), trusted(policy), ...acknowledged(policy)].join(' ')];
  const { contact, helpUrl } = policy;
  if (contact !== null || helpUrl !== null) parts.push(`Questions: ${[contact, helpUrl].filter((one) => one !== null).join(', ')}.`);
  if (policy.approved.length > 0) {
    parts.push(
      table(
        ['Tool', 'Tiers', 'Status', 'Data', 'Conditions'],
        policy.approved.map(({ name, tiers, status, dataClasses, conditions }) => [
          name,
          tiers.join(', ') || 'any',
          statusWord[status],
          dataClasses.map(label).join(', ') || '–',
          conditions ?? '–',
        ]),
        60,
      ),
    );
  }
  const grants = policy.grants ?? [];
  if (grants.length > 0) {
    parts.push(
      table(
        ['Granted here', 'Status', 'Until', 'Why'],
        grants.map(({ itemName, status, until, reason, standing }) => [
          itemName,
          statusWord[status],
          `${day(until)}${standing === 'ended' ? ' (ended)' : ''}`,
          reason,
        ]),
        60,
      ),
    );
  }
  if (policy.dataClasses.length > 0) {
    parts.push(
      table(
        ['Data class', 'For example'],
        policy.dataClasses.map((one) => [one.label, one.examples ?? '–']),
        100,
      ),
    );
  }
  for (const { id, title, text } of policy.clauses) parts.push(`${id}  ${title}\n${folded(text)}`);
  return parts.join('\n\n');
}

/** Lines of at most 100 characters, broken between words. */
function folded(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/(?=.{101})(.{1,100})\s+/g, '$1\n'))
    .join('\n');
}

export const command: Command = {
  usage: [
    'Usage: muster policy show',
    '',
    'Prints the policy in force: where it comes from and how far it is proven, what it approves, what is granted to this computer, and its clauses.',
  ].join('\n'),
  options: {},
  async run(invocation) {
    takesNoWords('policy show', invocation);
    refuseOthers(dataDirOf(invocation), invocation.os);
    const snapshot = await storedSnapshot(invocation);
    // Before the first look there is no state to ask.
    const policy = snapshot?.policy ?? NOTHING_IN_FORCE;
    const problems = (snapshot?.problems ?? unread(invocation)).filter(({ code }) => code === 'policy-invalid');
    invocation.answer({ schema: 'muster.policy-in-force/1', ...policy, ...(problems.length > 0 ? { problems } : {}) }, () =>
      [...problems.map(({ message, fix }) => `! ${message} ${fix}`), snapshot === null ? NOT_LOOKED : policyText(policy)].join('\n\n'),
    );
    return EXIT.done;
  },
};

/** Before the first look nobody has read the file, and what is wrong with it is told all the same. */
function unread(invocation: Invocation): readonly Problem[] {
  const { home } = invocation.os.user;
  const problems = createProblems((at) => tilde(at, home === null ? [] : [home]));
  createPolicyFile(path.join(dataDirOf(invocation), 'policy.json'), knownTools(loadCatalog()), problems).reload();
  return problems.list();
}
