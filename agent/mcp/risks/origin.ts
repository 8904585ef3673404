/** Rules about where a server comes from: which version, from whom, and whether its name only looks like another's. Pure. */
import type { Publishers } from '../../../native-catalog/schema.ts';
import { type Target, targetOf } from '../target.ts';
import { launchLine, programName } from '../unwrap.ts';
import { hostOf, isOwnNetwork, isUnder } from './network.ts';
import type { Assessed, Rule } from './rule.ts';

export const changedSinceApproved: Rule = {
  id: 'changed-since-approved',
  title: 'What would run is not what was approved',
  severity: 'high',
  test: ({ approvedHash, identity }) =>
    approvedHash === undefined || approvedHash === null || approvedHash === identity.launchHash ? null : '',
  advice: 'Compare the entry with what was approved; ask for approval again if the change is wanted.',
  refs: ['MCP03', 'MCP04', 'T0109', 'T0081'],
};

export const originRules: readonly Rule[] = [
  {
    id: 'unpinned-package',
    title: 'Each start may fetch another version',
    severity: 'medium',
    test: (server) => {
      const target = targetOf(server);
      return isUnpinned(target) ? target.name : null;
    },
    advice: 'Name an exact version of the package (name@1.2.3, or name==1.2.3 for Python).',
    refs: ['MCP04', 'ASI04', 'T0109'],
  },
  {
    id: 'silent-confirm',
    title: 'A new version is installed without a question',
    // Nearly every README writes `npx -y`; it makes what is open already a little worse, and alone it means nothing.
    severity: 'low',
    test: (server) => {
      const target = targetOf(server);
      return isUnpinned(target) && target.kind === 'npm' ? saysYes(server, target) : null;
    },
    advice: 'Name an exact version; then there is nothing left to confirm.',
    refs: ['MCP04', 'MCP05'],
  },
  {
    id: 'typosquat',
    title: 'The name is one letter away from a known package',
    severity: 'critical',
    test: (server, known) => lookalike(server, known, 1),
    advice: 'Compare the name with the one that the publisher gives; if you did not mean this package, remove the entry and tell IT.',
    refs: ['MCP04', 'ASI04', 'T0104'],
  },
  {
    id: 'near-name',
    title: 'The name is two letters away from a known package',
    severity: 'high',
    test: (server, known) => lookalike(server, known, 2),
    advice: 'Compare the name with the one that the publisher gives; if you did not mean this package, remove the entry and tell IT.',
    refs: ['MCP04', 'ASI04', 'T0104'],
  },
  {
    id: 'unknown-publisher',
    title: 'Muster does not know who publishes this',
    severity: 'low',
    test: unknownPublisher,
    advice: 'Look up who publishes it and whether you trust them; ask IT to add it to the approved ones.',
    refs: ['MCP04', 'MCP09', 'T0111'],
  },
  changedSinceApproved,
];

/** An image is another rule's matter: a tag is less than a pin and more than nothing. */
function isUnpinned({ fetched, kind, version }: Target): boolean {
  return fetched && kind !== 'oci' && version === null;
}

/** The flag or variable that answers npx's question; null where it is asked. */
function saysYes(server: Assessed, target: Target): string | null {
  if (server.command === null) return null;
  const [command = '', ...args] = launchLine(server);
  if (!/^(?:npx|npm|pnpx)$/.test(programName(command))) return null;
  // What follows the package is the server's own.
  const own = args.slice(0, args.length - target.rest.length);
  const variable = Object.entries(server.launch.env).find(([name, value]) => /^npm_config_yes$/i.test(name) && value === 'true');
  return own.find((arg) => /^(?:-y|--yes)$/.test(arg)) ?? variable?.[0] ?? null;
}

function packagesOf(known: Publishers, kind: Target['kind']): readonly string[] {
  return kind === 'npm' || kind === 'pypi' || kind === 'oci' || kind === 'go' ? known.packages[kind] : [];
}

/** PyPI takes `_`, `.` and `-` for the same; npm and images have no capitals. */
function plainName(kind: Target['kind'], name: string): string {
  const lower = name.toLowerCase();
  return kind === 'pypi' ? lower.replace(/[-_.]+/g, '-') : lower.replace(/^docker\.io\//, '');
}

/** `github.com/owner` of a package that is named by its repository; null for one named by a registry. */
function repositoryOf(name: string): string | null {
  const short = /^(github|gitlab|bitbucket):([\w.-]+)\//.exec(name);
  if (short) return `${short[1]}.${short[1] === 'bitbucket' ? 'org' : 'com'}/${short[2]}`.toLowerCase();
  const long = /^(?:git\+)?(?:https?|ssh):\/\/(?:git@)?([\w.-]+)\/([\w.-]+)\//.exec(name) ?? /^([\w-]+\.[\w.-]+)\/([\w.-]+)\//.exec(name);
  return long ? `${long[1]}/${long[2]}`.toLowerCase() : null;
}

/** Whether a publisher that the catalog knows stands behind this name. */
function isPublished(kind: Target['kind'], name: string, known: Publishers): boolean {
  return remembered(published, known, `${kind}\0${name}`, () => {
    const plain = plainName(kind, name);
    const { packages, npm, pypi, oci, repositories } = indexOf(known);
    if (packages.has(`${kind}\0${plain}`)) return true;
    if (kind === 'npm' && npm.has(plain.slice(0, Math.max(plain.indexOf('/'), 0)))) return true;
    if (kind === 'pypi' && pypi.some((prefix) => plain.startsWith(prefix))) return true;
    if (kind === 'oci') return oci.some((prefix) => plain.startsWith(prefix));
    const repository = repositoryOf(name);
    return repository !== null && repositories.has(repository);
  });
}

/** All that the catalog knows of publishers, by what a name is compared with. */
type Index = {
  /** The kind, a zero, the name. */
  readonly packages: ReadonlySet<string>;
  readonly npm: ReadonlySet<string>;
  readonly pypi: readonly string[];
  readonly oci: readonly string[];
  readonly repositories: ReadonlySet<string>;
};
const indexes = new WeakMap<Publishers, Index>();

function indexOf(known: Publishers): Index {
  const before = indexes.get(known);
  if (before) return before;
  const all = known.publishers;
  const index: Index = {
    packages: new Set(Object.entries(known.packages).flatMap(([kind, names]) => names.map((name) => `${kind}\0${name}`))),
    npm: new Set(all.flatMap(({ npm = [] }) => npm)),
    pypi: all.flatMap(({ pypi = [] }) => pypi),
    oci: all.flatMap(({ oci = [] }) => oci),
    repositories: new Set(all.flatMap(({ repositories = [] }) => repositories)),
  };
  indexes.set(known, index);
  return index;
}

function unknownPublisher(server: Assessed, known: Publishers): string | null {
  if (known.publishers.length === 0) return null;
  if (server.url !== null) {
    const host = hostOf(server.url);
    if (host === null || isOwnNetwork(host)) return null;
    return known.publishers.some(({ hosts = [] }) => isUnder(host, hosts)) ? null : host;
  }
  const { kind, name, fetched } = targetOf(server);
  if (!fetched || !/^(?:npm|pypi|oci|go)$/.test(kind) || isPublished(kind, name, known)) return null;
  // A registry or a repository inside the organization's network publishes what the organization wants.
  const host = /^([\w-]+(?:\.[\w-]+)+(?::\d+)?)\//.exec(name)?.[1]?.replace(/:\d+$/, '') ?? hostOf(name);
  if (host !== null && host !== undefined && isOwnNetwork(host)) return null;
  return /[…$]/.test(name) || /^(?:\.{0,2}\/|file:|[A-Za-z]:[\\/])/.test(name) ? null : name;
}

/** The known package whose name this one nearly is, `distance` letters away and not nearer to another. */
function lookalike(server: Assessed, known: Publishers, distance: 1 | 2): string | null {
  const { kind, name, fetched } = targetOf(server);
  if (!fetched || isPublished(kind, name, known) || name.length > 100) return null;
  const plain = plainName(kind, name);
  const nearest = nearestKnown(kind, plain, known);
  return nearest?.away === distance ? `${plain}, where ${nearest.name} is known` : null;
}

type Near = { readonly name: string; readonly away: number };
/** Three rules ask about each name, and one package is in many files: comparing it with every known name was a tenth of a scan. */
const compared = new WeakMap<Publishers, Map<string, Near | null>>();
const published = new WeakMap<Publishers, Map<string, boolean>>();
/** More names than anybody has; hostile files could bring any number. */
const MOST_REMEMBERED = 5000;

function remembered<Value>(memory: WeakMap<Publishers, Map<string, Value>>, known: Publishers, key: string, find: () => Value): Value {
  const before = memory.get(known) ?? new Map<string, Value>();
  memory.set(known, before);
  const found = before.get(key);
  if (found !== undefined) return found;
  const value = find();
  if (before.size >= MOST_REMEMBERED) before.clear();
  before.set(key, value);
  return value;
}

function nearestKnown(kind: Target['kind'], plain: string, known: Publishers): Near | null {
  return remembered(compared, known, `${kind}\0${plain}`, () => {
    let nearest: Near | null = null;
    for (const candidate of packagesOf(known, kind)) {
      const away = editsBetween(plain, candidate, 2);
      if (away > 2 || (nearest !== null && nearest.away <= away) || !tells(plain, candidate, away)) continue;
      nearest = { name: candidate, away };
    }
    return nearest;
  });
}

const beginnings = ['mcp-server-', 'server-', 'mcp-'];
const endings = ['-mcp-server', '-server-mcp', '-mcp', '-server'];

/** A name without what nearly every server's name has: `mcp-server-`, `-mcp`. */
function ownPart(name: string): { own: string; around: string } {
  const before = beginnings.find((one) => name.startsWith(one)) ?? '';
  const rest = name.slice(before.length);
  const after = endings.find((one) => rest.endsWith(one) && rest.length > one.length) ?? '';
  return { own: rest.slice(0, rest.length - after.length), around: `${before}|${after}` };
}

/** Short names are near each other by chance (`time` and `tidb`): the part that differs has to be long enough to tell. */
function tells(name: string, candidate: string, away: number): boolean {
  const [mine, theirs] = [ownPart(name), ownPart(candidate)];
  const length = mine.around === theirs.around ? Math.min(mine.own.length, theirs.own.length) : Math.min(name.length, candidate.length);
  return away === 1 ? length >= 5 : length >= 9;
}

/** How many letters are put in, left out, changed or swapped with their neighbour between two names; `limit + 1` for more than `limit`. */
export function editsBetween(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit || lettersApart(a, b) > 2 * limit) return limit + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    if (Math.min(...next) > limit) return limit + 1;
    [before, row] = [row, next];
  }
  return Math.min(row[b.length] ?? 0, limit + 1);
}

/** How many letters only one of the two names has, by the lowest bits of each: an edit adds one and takes one away at most. Nearly all pairs end here. */
function lettersApart(a: string, b: string): number {
  let apart = lettersOf(a) ^ lettersOf(b);
  let count = 0;
  for (; apart !== 0; apart &= apart - 1) count++;
  return count;
}

function lettersOf(name: string): number {
  let letters = 0;
  for (let at = 0; at < name.length; at++) letters |= 1 << (name.charCodeAt(at) & 31);
  return letters;
}
