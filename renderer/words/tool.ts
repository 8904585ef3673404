/** A tool's facts in words: its kind, its plan, what may go in, and how Muster knows. */
import type { Confidence, DataClass, Evidence, PolicyInForce, Surface, Tier, Tool, Verdict } from '../../electron/contract.ts';

const kinds: readonly (readonly [category: string, word: string])[] = [
  ['chat', 'Chat apps'],
  ['multi-model-client', 'Clients for many models'],
  ['coding-cli', 'Coding, on the command line'],
  ['ai-editor', 'AI editors'],
  ['editor', 'Editors with AI'],
  ['agent', 'Agents'],
  ['ide-extension', 'Editor extensions'],
  ['browser-extension', 'Browser extensions'],
  ['browser', 'Browsers with AI'],
  ['local-runtime', 'Models that run here'],
  ['web-ui', 'Pages for models of your own'],
  ['meeting', 'Meetings'],
  ['dictation', 'Dictation'],
  ['writing', 'Writing'],
  ['image', 'Images'],
  ['video', 'Video'],
  ['audio', 'Sound'],
  ['productivity', 'Office work'],
];

/** A category that this window doesn't know yet is shown by its own name, after the ones it knows. */
export function kindWord(category: string): string {
  const known = kinds.find(([id]) => id === category)?.[1];
  if (known) return known;
  return readable(category) || 'Other';
}

function readable(id: string): string {
  const words = id.replaceAll('-', ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function kindOrder(category: string): number {
  const at = kinds.findIndex(([id]) => id === category);
  return at < 0 ? kinds.length : at;
}

export const surfaceWord: Readonly<Record<Surface, string>> = {
  desktop: 'Desktop app',
  cli: 'Command-line tool',
  'ide-extension': 'Editor extension',
  browser: 'Browser',
  'browser-extension': 'Browser extension',
  runtime: 'Local runtime',
  agent: 'Agent',
};

export const confidenceSentence: Readonly<Record<Confidence, string>> = {
  certain: 'Certain: it names itself.',
  likely: 'Likely: it has a telling name.',
  possible: 'Possible: a trace of it is here, no more.',
};

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The plans that the tool is signed in on; `null` where the tool has no plans at all. */
export function planText(tool: Pick<Tool, 'accounts' | 'tiers'>): string | null {
  const names = unique(tool.accounts.map(({ tier }) => (tier === null ? 'Not known' : tierName(tool.tiers, tier))));
  if (names.length > 0) return names.join(', ');
  return tool.tiers.length > 0 ? 'Not known' : null;
}

/** A plan's name; where the catalog doesn't know the plan, its id made readable. */
export const tierName = (tiers: readonly Tier[], id: string): string => tiers.find((tier) => tier.id === id)?.name ?? readable(id);

export const trainsWord: Readonly<Record<Tier['trains'], string>> = {
  yes: 'Trains on what you enter',
  no: 'Doesn’t train on what you enter',
  'opt-out': 'Trains on it unless you opt out',
  unknown: 'Training isn’t stated',
};

const lower = (label: string) => (/^\p{Lu}\p{Ll}/u.test(label) ? label[0]?.toLowerCase() + label.slice(1) : label);

/** “Public, internal”, “All but personal data”: the column “Use it with”. */
export function dataText(verdict: Pick<Verdict, 'status' | 'dataClasses'>, classes: readonly DataClass[]): string {
  if (verdict.status === 'prohibited' || verdict.status === 'expired') return 'None';
  if (verdict.dataClasses.length === 0) {
    const decided = verdict.status === 'approved' || verdict.status === 'conditional' || verdict.status === 'tolerated';
    return decided ? 'Not limited here' : 'Not decided';
  }
  const known = classes.filter(({ id }) => verdict.dataClasses.includes(id));
  const unknown = verdict.dataClasses.filter((id) => !classes.some((one) => one.id === id));
  const missing = classes.filter(({ id }) => !verdict.dataClasses.includes(id));
  if (unknown.length === 0 && missing.length === 0) return classes.length === 1 ? (classes[0]?.label ?? '') : 'All classes';
  const [only] = missing;
  if (unknown.length === 0 && missing.length === 1 && only && classes.length > 3) return `All but ${lower(only.label)}`;
  return [...known.map(({ label }) => label), ...unknown].map((label, at) => (at === 0 ? label : lower(label))).join(', ');
}

/** What the policy approves about this tool, by its own id first and then by its family's. */
export function approvedEntry(tool: Pick<Tool, 'id' | 'family'>, policy: PolicyInForce): PolicyInForce['approved'][number] | null {
  return (
    policy.approved.find((entry) => entry.tool === tool.id) ??
    policy.approved.find((entry) => tool.family !== null && entry.tool === tool.family) ??
    null
  );
}

const managers: Readonly<Record<string, string>> = {
  npm: 'npm',
  pnpm: 'pnpm',
  bun: 'Bun',
  pypi: 'Python',
  pipx: 'pipx',
  uv: 'uv',
  brew: 'Homebrew',
  cask: 'Homebrew',
  snap: 'Snap',
  flatpak: 'Flatpak',
  dpkg: 'Debian',
  cargo: 'Cargo',
  msix: 'Windows Store',
  uninstall: 'Windows',
};

export type EvidenceWords = {
  /** “A program of its npm package is running” */
  readonly sentence: string;
  /** The path, the package and the process's number, where there are any. */
  readonly details: readonly string[];
  readonly strength: 1 | 2 | 3;
};

export function evidenceWords(evidence: Evidence): EvidenceWords {
  const manager = evidence.manager === undefined ? null : (managers[evidence.manager] ?? evidence.manager);
  const named = evidence.name === undefined ? null : evidence.version ? `${evidence.name} ${evidence.version}` : evidence.name;
  const details = [named, evidence.path, evidence.pid === undefined ? null : `Process ${evidence.pid}`].filter((text) => text !== null);
  switch (evidence.kind) {
    case 'process': {
      // Only a process that runs now has a number.
      const now = evidence.pid === undefined ? 'was seen running' : 'is running';
      return { sentence: manager ? `A program of its ${manager} package ${now}` : `Its program ${now}`, details, strength: 3 };
    }
    case 'window':
      // Only titles of browsers' windows are compared, and a page may call itself anything.
      return {
        sentence: evidence.program ? `${evidence.program} showed a page with its title` : 'Its window was in front',
        details,
        strength: 1,
      };
    case 'package':
      return { sentence: manager ? `Its ${manager} package is installed` : 'Its package is installed', details, strength: 3 };
    case 'app':
      return { sentence: 'It is installed as an app', details, strength: 3 };
    case 'binary':
      return { sentence: 'Its command is on this computer', details, strength: 2 };
    case 'config':
      return { sentence: 'It keeps its own files here', details, strength: 1 };
    case 'extension':
      return {
        sentence: evidence.program ? `${evidence.program} has it as an extension` : 'It is installed as an extension',
        details,
        strength: 3,
      };
    case 'container':
      return {
        sentence: evidence.program ? `${evidence.program} has a container of its image` : 'A container of its image is here',
        details,
        strength: 3,
      };
    case 'site':
      return {
        sentence: evidence.program ? `${evidence.program} has its page as an app` : 'Its page is installed as an app',
        details,
        strength: 2,
      };
    case 'listener':
      return {
        sentence: `A program listens on its usual port${evidence.port === undefined ? '' : `, ${evidence.port}`}`,
        details,
        strength: 1,
      };
    case 'account':
      return {
        sentence: evidence.program ? `${evidence.program} has it built in, with somebody signed in` : 'Somebody is signed in',
        details,
        strength: 2,
      };
  }
}

export const strengthWord = { 1: 'Weak evidence', 2: 'Fair evidence', 3: 'Strong evidence' } as const;
