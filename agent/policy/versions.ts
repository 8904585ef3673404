/** The ranges of versions that a policy may name, as comparisons that `decide` can make. */
import { parseVersion, type Version } from './version.ts';

/** A condition on versions: any of the lists, all of a list's comparisons. `text` is how it was written. */
export type VersionSet = {
  readonly text: string;
  readonly any: readonly (readonly { readonly op: '<' | '<=' | '>' | '>=' | '='; readonly version: Version }[])[];
};

type Comparison = VersionSet['any'][number][number];

/** npm's ranges but for hyphens, Python's but for `~=` and `!=`; null where it is neither. Pre-releases are ordered like any other version. */
export function parseVersions(text: string): Comparison[][] | null {
  const any: Comparison[][] = [];
  for (const part of text.split('||')) {
    const all: Comparison[] = [];
    const terms = part
      .replace(/(<=|>=|<|>|==|=|\^|~)\s+/g, '$1')
      .split(/[\s,]+/)
      .filter(Boolean);
    if (terms.length === 0) return null;
    for (const term of terms) {
      const comparisons = parseTerm(term);
      if (!comparisons) return null;
      all.push(...comparisons);
    }
    any.push(all);
  }
  return any;
}

function parseTerm(term: string): Comparison[] | null {
  if (/^[*xX]$/.test(term)) return [];
  const [, op = '', rest = ''] = /^(<=|>=|<|>|==|=|\^|~)?(.+)$/.exec(term) ?? [];
  const version = parseVersion(rest.replace(/(\.[*xX])+$/, ''));
  if (!version) return null;
  const { numbers, pre } = version;
  // 1.2 and 1.2.x stand for all of 1.2; `whole` names one version.
  const whole = numbers.length >= 3 && !/\.[*xX]$/.test(rest);
  /** The first version after all that begin with the first `count` numbers; its pre-releases belong to it. */
  const after = (count: number): Version => ({
    numbers: numbers.slice(0, count).map((number, index) => (index === count - 1 ? number + 1 : number)),
    pre: '0',
  });
  const next = after(numbers.length);
  switch (op) {
    case '':
    case '=':
      return whole ? [{ op: '=', version }] : between(version, next);
    case '==':
      return /\.[*xX]$/.test(rest) ? between(version, next) : [{ op: '=', version }];
    case '>=':
      return [{ op: '>=', version }];
    case '<':
      return [{ op: '<', version: whole || pre !== null ? version : { numbers, pre: '0' } }];
    case '>':
      return [whole || pre !== null ? { op: '>', version } : { op: '>=', version: { ...next, pre: null } }];
    case '<=':
      return [whole || pre !== null ? { op: '<=', version } : { op: '<', version: next }];
    case '~':
      return between(version, after(Math.min(2, numbers.length)));
    case '^': {
      const first = numbers.findIndex((number) => number !== 0);
      return between(version, after(first < 0 ? numbers.length : first + 1));
    }
    default:
      return null;
  }
}

function between(from: Version, to: Version): Comparison[] {
  return [
    { op: '>=', version: from },
    { op: '<', version: to },
  ];
}
