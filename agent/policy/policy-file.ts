/** The plain policy file of a computer without a collector: read, kept while a broken one stands in its place, and shown. */
import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Clause, PolicyInForce } from '../../electron/contract.ts';
import { readSmall } from '../observe/read.ts';
import { writePrivate } from '../private-file.ts';
import type { Problems } from '../problems.ts';
import { Refusal } from '../requests.ts';
import { backing, isBacker, type Means } from './backing.ts';
import { type Policy, parsePolicy } from './policy.ts';

export type LoadedPolicy = { readonly policy: Policy | null; readonly source: string | null };

export type PolicyFile = {
  current(): LoadedPolicy;
  /** Whether the file differs from what was read last, by its time and size. */
  changed(): boolean;
  /** Reads it again; a missing file means no policy, an invalid one raises a problem and leaves the last good one in force. */
  reload(): LoadedPolicy;
  /** A policy that somebody handed over for one answer; throws a `Refusal` naming what is wrong with it. */
  parse(text: string, file: string): Policy;
};

const MAX_BYTES = 8 * 1024 * 1024;

/** Where the last good policy is kept, because a broken file must loosen nothing at the next start either. */
export type LastGood = { readonly file: string; readonly readOnly: boolean };

/** `file` is `policy.json` in the data folder; without `lastGood` the last good one is known only as long as the process runs. */
export function createPolicyFile(
  file: string,
  known: Parameters<typeof parsePolicy>[1],
  problems: Problems,
  lastGood?: LastGood,
): PolicyFile {
  let current: LoadedPolicy = { policy: null, source: null };
  let seen = '';
  const stamp = () => {
    try {
      const { mtimeMs, size } = statSync(file);
      return `${mtimeMs}:${size}`;
    } catch {
      return '';
    }
  };
  let kept: string | null = null;
  const keep = (text: string | null) => {
    if (!lastGood || lastGood.readOnly || kept === text) return;
    try {
      if (text === null) rmSync(lastGood.file, { force: true });
      else if (!holds(lastGood.file, text)) writePrivate(lastGood.file, text);
      kept = text;
    } catch {
      // A full disk costs the memory of it, not the policy; the next reading tries again.
    }
  };
  const refuse = (detail: string) => {
    problems.raise({ code: 'policy-invalid', path: file, detail });
    if (current.policy !== null || !lastGood) return;
    const read = readSmall(lastGood.file, MAX_BYTES);
    const parsed = read.ok ? parsePolicy(read.bytes.toString('utf8'), known) : null;
    if (parsed?.ok) current = { policy: parsed.policy, source: lastGood.file };
  };
  return {
    current: () => current,
    changed: () => stamp() !== seen,
    reload() {
      seen = stamp();
      const read = readSmall(file, MAX_BYTES);
      if (!read.ok) {
        if (read.why === 'absent') {
          problems.clear('policy-invalid');
          current = { policy: null, source: null };
          keep(null);
        } else refuse(`it can’t be read (${read.detail})`);
        return current;
      }
      const text = read.bytes.toString('utf8');
      const parsed = parsePolicy(text, known);
      if (parsed.ok) {
        problems.clear('policy-invalid');
        current = { policy: parsed.policy, source: file };
        keep(withoutNotes(parsed.policy));
      } else refuse((parsed.issues[0] ?? 'not as expected').replace(/\.$/, ''));
      return current;
    },
    parse(text, from) {
      const parsed = parsePolicy(text, known);
      if (parsed.ok) return parsed.policy;
      throw new Refusal('policy-invalid', `The policy ${path.basename(from)} is not valid: ${parsed.issues.join(' ')}`);
    },
  };
}

/** What was understood, and no more: fields that nobody knows and notes for the owner may hold anything, and are kept nowhere. */
function withoutNotes(policy: Policy): string {
  const plain = (key: string, value: unknown) => {
    if (key === 'note') return undefined;
    // A range of versions is parsed to a set that holds its text.
    return key === 'versions' && typeof value === 'object' && value !== null && 'text' in value ? value.text : value;
  };
  return `${JSON.stringify(policy, plain)}\n`;
}

function holds(file: string, text: string): boolean {
  const read = readSmall(file, MAX_BYTES);
  return read.ok && read.bytes.toString('utf8') === text;
}

/** What is shown where there is no policy. */
export const NOTHING_IN_FORCE: PolicyInForce = {
  rev: null,
  organization: null,
  contact: null,
  helpUrl: null,
  mode: 'warn',
  dataClasses: [],
  clauses: [],
  approved: [],
  source: null,
};

/** What people are shown of the policy in force; `means` says which controls are real here. */
export function inForce(
  { policy, source }: LoadedPolicy,
  means: Means,
  name: (tool: string) => string,
  show: (path: string) => string,
): PolicyInForce {
  if (!policy) return NOTHING_IN_FORCE;
  return {
    rev: policy.rev,
    organization: policy.organization?.name ?? null,
    contact: policy.organization?.contact ?? null,
    helpUrl: policy.organization?.helpUrl ?? null,
    mode: policy.mode,
    dataClasses: policy.dataClasses.map(({ id, label, examples }) => ({ id, label, examples: examples ?? null })),
    clauses: clausesShown(policy, means),
    approved: policy.tools.flatMap((rule) =>
      rule.status === 'approved' || rule.status === 'conditional'
        ? [
            {
              tool: rule.tool,
              name: name(rule.tool),
              tiers: rule.tiers ?? [],
              status: rule.conditions || rule.status === 'conditional' ? ('conditional' as const) : ('approved' as const),
              dataClasses: rule.dataClasses ?? [],
              conditions: rule.conditions ?? null,
            },
          ]
        : [],
    ),
    source: source === null ? null : show(source),
  };
}

function clausesShown(policy: Policy, means: Means): Clause[] {
  const backed = backing(policy, means);
  return policy.clauses.map(({ id, title, text, byPeople }, at) => {
    const controls = (backed[at]?.controls ?? []).flatMap(({ name, real }) => (real && isBacker(name) ? [name] : []));
    return { id, title, text, controls, ...(byPeople === undefined ? {} : { byPeople }) };
  });
}
