/** Everything that can be wrong outside, as a table: what it is called, how bad it is, what it says and what mends it. */
import type { Problem } from '../electron/contract.ts';
import type { Trouble } from './observe/observation.ts';

type Row = {
  readonly severity: Problem['severity'];
  /** `where` is the path as people write it, or an empty string; `detail` is the reason, never content of a file. */
  message(where: string, detail: string): string;
  readonly fix: string;
};

const because = (detail: string) => (detail ? `: ${detail}` : '');

/** One row a problem. A code that is missing here is a bug, and says so. */
const PROBLEMS = {
  'config-unreadable': {
    severity: 'low',
    message: (where, detail) => `${where} can’t be understood${because(detail)}; what it said before is kept.`,
    fix: 'Open the file in its tool or an editor and mend it; Muster reads it again by itself.',
  },
  'config-refused': {
    severity: 'low',
    message: (where, detail) => `${where} was not read${because(detail)}.`,
    fix: 'Make it an ordinary file of your own that is not larger than 8 MiB.',
  },
  'config-not-owned': {
    severity: 'low',
    message: (where) => `${where} belongs to another account, so it was not read.`,
    fix: 'Run Muster as the account that owns the file, or give the file to the account that runs Muster.',
  },
  'not-looked-at': {
    severity: 'low',
    message: (where, detail) => `${where} was not looked at, because ${detail || 'macOS would ask you for permission first'}.`,
    fix: 'Keep the project on this computer, outside Desktop, Documents and Downloads, or leave it as it is.',
  },
  'server-unreadable': {
    severity: 'low',
    message: (where, detail) => `${where} has an entry that is no MCP server${because(detail)}.`,
    fix: 'Correct or remove the entry in the client that wrote it.',
  },
  'folder-unreadable': {
    severity: 'low',
    message: (where, detail) => `${where} can’t be read${because(detail)}, so what is installed there is not known.`,
    fix: 'Let your account read the folder, or leave it: everything else is still looked at.',
  },
  'extensions-unreadable': {
    severity: 'low',
    message: (where, detail) => `${where} can’t be read${because(detail)}, so not every extension there is known.`,
    fix: 'Let your account read it, or let the program that wrote it write it anew; everything else is still looked at.',
  },
  'addons-unreadable': {
    severity: 'low',
    message: (where, detail) => `${where} can’t be read${because(detail)}, so not every skill, hook, plugin or command there is known.`,
    fix: 'Let your account read it, or mend it in the tool that it belongs to; everything else is still looked at.',
  },
  'home-not-owned': {
    severity: 'medium',
    message: (where) => `${where} belongs to another account, so it was not read.`,
    fix: 'Run Muster as the account that owns the folder.',
  },
  'watch-failed': {
    severity: 'medium',
    message: (where, detail) => `Changes of ${where || 'some files'} can’t be noticed at once${because(detail)}.`,
    fix: 'Nothing is lost: Muster looks at everything again every few minutes. An administrator can raise the limit of file watches.',
  },
  'source-failed': {
    severity: 'medium',
    message: (where, detail) => `Looking at ${where} failed${because(detail)}; it is tried again by itself.`,
    fix: 'If it stays for a day, tell whoever looks after your computer, and name this line.',
  },
  'foreground-unavailable': {
    severity: 'low',
    message: (_where, detail) => detail,
    fix: 'Nothing needs to be done: which program is in front is only used to count the time a tool was used.',
  },
  'database-rebuilt': {
    severity: 'medium',
    message: (where, detail) => `The inventory was damaged and has been made anew; the old file is kept as ${where}${because(detail)}.`,
    fix: 'Nothing needs to be done. If it happens again, have the disk checked.',
  },
  'database-failed': {
    severity: 'high',
    message: (where, detail) => `What Muster sees can’t be written to ${where}${because(detail)}.`,
    fix: 'Make room on the disk or give your account back the right to write there; Muster tries again by itself.',
  },
  'policy-invalid': {
    severity: 'high',
    message: (where, detail) => `The policy file ${where} is not valid${because(detail)}; what held before still holds.`,
    fix: 'Whoever wrote the policy needs to correct what is named here.',
  },
  'evidence-broken': {
    severity: 'high',
    message: (where, detail) => `The record of decisions is not as Muster left it${because(detail)}; ${where} says how far it went.`,
    fix: 'Run “muster evidence verify” to see which rows, and tell whoever looks after security.',
  },
  'review-due': {
    severity: 'low',
    message: (_where, detail) => `The policy’s own review of ${detail} is overdue; what it says still holds.`,
    fix: 'You need to do nothing. Whoever owns the policy looks at it again and sets the next date.',
  },
  'policy-unsigned': {
    severity: 'medium',
    message: (where) => `The plain policy ${where} does not count, because this computer takes signed policies only.`,
    fix: 'Remove the file, or have the policy signed by whoever publishes it.',
  },
  'policy-refused': {
    severity: 'high',
    message: (where, detail) => `${where} was not taken${because(detail)}.`,
    fix: 'What was in force before stays. Whoever publishes the policy needs to mend what is named here.',
  },
  'policy-expired': {
    severity: 'medium',
    message: (_where, detail) => `The policy in force ended at ${detail}, and no newer one has come; it stays in force.`,
    fix: 'Whoever publishes the policy needs to send a newer one; ask whether this computer is still reached.',
  },
  'policy-key-withdrawn': {
    severity: 'medium',
    message: () => 'The policy in force is signed with a key that has been withdrawn since; it stays until a newer one comes.',
    fix: 'Whoever publishes the policy needs to sign it with a key of the new key set, and to send it.',
  },
  'policy-not-proven': {
    severity: 'high',
    message: (where, detail) => `${where} does not count${because(detail)}.`,
    fix: 'Whoever publishes the policy needs to send the key set and the policy again.',
  },
  'root-keys-unusable': {
    severity: 'high',
    message: (where, detail) => `The root keys in ${where} are not used${because(detail)}.`,
    fix: 'Join the collector again, or name policyRootKeys in the managed settings.',
  },
  'trust-floor-lost': {
    severity: 'medium',
    message: (where, detail) =>
      `The record of the highest policy revision was lost${because(detail)} and made anew from the database${where ? `; the old file is ${where}` : ''}.`,
    fix: 'Nothing needs to be done if somebody removed the file; otherwise have the disk checked.',
  },
  'trust-floor-unwritten': {
    severity: 'high',
    message: (where, detail) => `The record of the highest policy revision can’t be written to ${where}${because(detail)}.`,
    fix: 'Make room on the disk or give your account back the right to write there; Muster tries again by itself.',
  },
  'action-refused': {
    severity: 'medium',
    message: (where, detail) => `The policy wants ${detail} switched off in ${where}, and Muster leaves that file alone.`,
    fix: 'Switch it off or remove it there yourself, or ask for an approval.',
  },
  'settings-invalid': {
    severity: 'medium',
    message: (where, detail) => `The settings in ${where} hold something that is not used${because(detail)}.`,
    fix: 'Correct or remove what is named here; everything else in the settings counts.',
  },
  'managed-settings-refused': {
    severity: 'high',
    message: (where, detail) => `The managed settings in ${where} are not used${because(detail)}.`,
    fix: 'An administrator needs to give the folder and its files to root, writable by nobody else.',
  },
} as const satisfies Record<string, Row>;

export type ProblemCode = keyof typeof PROBLEMS;

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** A declared problem from what an observer found; `where` is the path as it is shown. Throws for a code that nobody declared. */
export function problem(trouble: Trouble, where: string | null = trouble.path): Problem {
  if (!isCode(trouble.code)) throw new Error(`The problem “${trouble.code}” is not declared in agent/problems.ts.`);
  const row: Row = PROBLEMS[trouble.code];
  return {
    code: trouble.code,
    severity: row.severity,
    path: where,
    message: row.message(where ?? '', trouble.detail ?? ''),
    fix: row.fix,
  };
}

const ORDER = { high: 0, medium: 1, low: 2 } as const;

export type Problems = {
  raise(trouble: Trouble, where?: string | null): void;
  /** Ends the problem with this code and path; without a path, all with this code. */
  clear(code: ProblemCode, path?: string | null): void;
  /** Worst first, then by path. */
  list(): readonly Problem[];
};

/** What is wrong at the moment. `path` in `raise` and `clear` is the real one; it is shown as `where`, or as `show` writes it. */
export function createProblems(show: (path: string) => string = (path) => path): Problems {
  const current = new Map<string, Problem>();
  const key = (code: string, path: string | null) => `${code}\0${path ?? ''}`;
  const isTold = ({ code, path }: Problem) =>
    code !== 'addons-unreadable' || ![...current.values()].some((other) => other.code === 'config-unreadable' && other.path === path);
  return {
    raise(trouble, where) {
      const at = key(trouble.code, trouble.path);
      const shown = trouble.path === null ? null : show(trouble.path);
      current.set(at, problem(trouble, where === undefined ? shown : where));
    },
    clear(code, path) {
      if (path !== undefined) current.delete(key(code, path));
      else for (const [at, { code: other }] of current) if (other === code) current.delete(at);
    },
    // The same sentence is told once, from however many places it comes; and so is a file that two readers can't understand.
    list: () =>
      [...new Map([...current.values()].filter(isTold).map((each) => [each.code + each.message, each])).values()].sort(
        (a, b) => ORDER[a.severity] - ORDER[b.severity] || (a.path ?? '').localeCompare(b.path ?? '') || a.code.localeCompare(b.code),
      ),
  };
}
