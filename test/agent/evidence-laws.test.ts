/** Laws of evidence: what makes a row, how sure it is, what is history, and that nothing unverified or weak ever stands alone. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confidence, toTools } from '../../agent/inventory.ts';
import type { Observation, PackageManager } from '../../agent/observe/observation.ts';
import { loadCatalog } from '../../agent/session.ts';
import { toSighting } from '../../agent/sightings.ts';
import type { StoredEvidence } from '../../agent/store/store.ts';
import type { Evidence, Platform, Verdict } from '../../electron/contract.ts';

const catalog = loadCatalog();
const verdict: Verdict = {
  ...{ status: 'unreviewed', reason: '', rule: null, clause: null, dataClasses: [], conditions: null, until: null, mode: 'warn' },
};
const time = (day: number) => `2026-11-${String(day).padStart(2, '0')}T00:00:00.000Z`;

const KINDS = [
  ...(['process', 'window', 'package', 'app', 'binary', 'config'] as const),
  ...(['extension', 'listener', 'container', 'site', 'account'] as const),
] satisfies readonly Evidence['kind'][];
/** What one coincidence can explain: a word that something else is called by too, a folder that was left, a port that is shared, a title, an address. */
const ALIKE: readonly (readonly Evidence['kind'][])[] = [
  ['process', 'package', 'app', 'binary', 'extension', 'container'],
  ['config', 'account'],
  ['listener'],
  ['site'],
];

const row = (
  kinds: readonly Evidence['kind'][] = KINDS,
  strengths: readonly StoredEvidence['strength'][] = ['certain', 'likely', 'weak'],
) =>
  fc.record({
    tool: fc.constant('tool'),
    kind: fc.constantFrom(...kinds),
    strength: fc.constantFrom(...strengths),
    surface: fc.constantFrom('cli', 'desktop', 'ide-extension', 'runtime') as fc.Arbitrary<StoredEvidence['surface']>,
    path: fc.option(fc.constantFrom('~/a', '~/a/b', '/usr/x', 'C:\\a')),
    target: fc.option(fc.constantFrom('~/a', '/usr/x/y')),
    home: fc.option(fc.constantFrom('~', '/home/bob')),
    version: fc.option(fc.constantFrom('1.0', '2.0')),
    manager: fc.option(fc.constantFrom('npm', 'docker', 'Cursor')),
    name: fc.option(fc.constantFrom('name', '11434')),
    firstSeen: fc.constant(time(1)),
    lastSeen: fc.integer({ min: 1, max: 28 }).map(time),
    present: fc.boolean(),
  }) satisfies fc.Arbitrary<StoredEvidence>;
const rows = (...given: Parameters<typeof row>) => fc.array(row(...given), { minLength: 1, maxLength: 8 });

const shown = (evidence: readonly StoredEvidence[]) =>
  toTools({
    ...{ evidence, running: [], entry: () => undefined, family: () => undefined, accounts: () => [], verdict: () => verdict },
    tools: [{ tool: 'tool', firstSeen: time(1), lastSeen: time(28) }],
  })[0] as ReturnType<typeof toTools>[number];

describe('what makes a row', () => {
  it('is never weak evidence of one family, however much of it', () => {
    for (const kinds of ALIKE) fc.assert(fc.property(rows(kinds, ['weak']), (evidence) => void expect(confidence(evidence)).toBeNull()));
    expect(confidence([{ kind: 'window', strength: 'weak', manager: null }])).toBeNull();
  });

  it('is weak evidence of two families, and then it is no more than possible', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALIKE), fc.constantFrom(...ALIKE), (one, other) => {
        const both = [one[0], other[0]].map((kind) => ({ kind: kind as Evidence['kind'], strength: 'weak' as const }));
        expect(confidence(both)).toBe(one === other ? null : 'possible');
      }),
    );
    fc.assert(fc.property(rows(KINDS, ['weak']), (evidence) => void expect([null, 'possible']).toContain(confidence(evidence))));
  });

  it('is a browser’s title no more than possibly, and another program’s not at all', () => {
    expect(confidence([{ kind: 'window', strength: 'weak', manager: 'Firefox' }])).toBe('possible');
    expect(confidence([{ kind: 'window', strength: 'weak', manager: null }])).toBeNull();
  });

  it('is as sure as its strongest evidence, and more evidence never makes it less sure', () => {
    const order = [null, 'possible', 'likely', 'certain'] as const;
    fc.assert(
      fc.property(rows(), row(), (evidence, more) => {
        const before = order.indexOf(confidence(evidence));
        expect(order.indexOf(confidence([...evidence, more]))).toBeGreaterThanOrEqual(before);
        for (const strength of ['certain', 'likely'] as const) {
          if (evidence.some((one) => one.strength === strength)) expect(before).toBeGreaterThanOrEqual(order.indexOf(strength));
        }
        expect(confidence([...evidence].reverse())).toBe(confidence(evidence));
      }),
    );
  });
});

describe('what is shown of it', () => {
  it('stands with the strongest first, and what still holds before what is past', () => {
    const STRENGTH = { certain: 0, likely: 1, weak: 2 };
    fc.assert(
      fc.property(rows(['package', 'app', 'extension', 'container', 'binary', 'config', 'listener']), (given) => {
        const evidence = given.map((one, at) => ({ ...one, path: `/p/${at}` }));
        const ranks = shown(evidence).evidence.map(({ path }) => {
          const one = evidence[Number(path?.slice(3))] as StoredEvidence;
          return (one.present ? 0 : 10) + STRENGTH[one.strength];
        });
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
        expect(ranks).toHaveLength(evidence.length);
      }),
    );
  });

  it('is history once nothing of it is there, and nothing is lost by that', () => {
    fc.assert(
      fc.property(rows(), (given) => {
        const evidence = given.map((one) => ({ ...one, present: false }));
        const tool = shown(evidence);
        expect(tool).toMatchObject({ present: false, running: false });
        expect(tool.evidence).toHaveLength(evidence.length);
        expect(tool.places.every(({ present, running }) => !present && !running)).toBe(true);
        const placed = shown(given.map((one) => ({ ...one, present: true }))).places;
        expect(tool.places).toHaveLength(placed.length);
      }),
    );
  });

  it('is present exactly while what still holds makes a row', () => {
    fc.assert(
      fc.property(rows(), (evidence) => {
        const standing = evidence.filter(({ kind, present }) => present && kind !== 'process');
        expect(shown(evidence).present).toBe(confidence(standing) !== null);
      }),
    );
  });
});

/** An observation of what a label of `detect.unverified` names; null for a field that only the platform's own form could show. */
function observed(label: string): Observation[] {
  const at = label.indexOf(':');
  const [field, value] = [label.slice(0, at), label.slice(at + 1)];
  const [group, kind] = field.split('.');
  const home = null;
  const process = {
    kind: 'process',
    pid: 1,
    parent: 0,
    startedAt: '1',
    args: [],
    script: null,
    module: null,
    bundleId: null,
    home,
    owner: 'self',
  } as const;
  switch (group) {
    case 'packages':
      return [{ kind: 'package', manager: kind as PackageManager, name: value, version: null, path: null, home }];
    case 'binaries':
    case 'commonBinaries':
      return [
        { kind: 'binary', name: value, path: `/nowhere/${value}`, target: `/nowhere/${value}`, home },
        { ...process, exe: `/nowhere/${value}` },
      ];
    case 'paths':
      return [{ ...process, exe: `/nowhere/${value}/some-program` }];
    case 'modules':
      return [{ ...process, exe: '/usr/bin/python3', module: value }];
    case 'apps':
      return [{ kind: 'app', platform: kind as Platform, appId: value, name: value, publisher: null, version: null, path: null, home }];
    case 'images':
      return [{ kind: 'container', engine: 'docker', image: value, tag: null, name: null, running: true, home }];
    case 'domains':
      return [{ kind: 'site', host: value, program: 'Chrome', path: null, home }];
    default:
      return [];
  }
}

describe('an identifier that no source confirms', () => {
  const unverified = [...catalog.entries.values()].flatMap((entry) => (entry.detect.unverified ?? []).map((label) => ({ entry, label })));
  const homes = { show: (path: string) => path, label: (home: string) => home };

  it('is never the reason for a row by itself, in the whole catalog', () => {
    const alone = unverified.flatMap(({ entry, label }) =>
      observed(label).flatMap((seen) => {
        const match = catalog.identify(seen);
        // A folder of that name that is the tool's own for sure is another reason.
        if (match?.entry !== entry || entry.detect.paths?.includes(label.slice(label.indexOf(':') + 1))) return [];
        return confidence([toSighting(seen, match, homes)]) === null ? [] : [`${entry.id} by ${label}`];
      }),
    );
    expect(alone).toEqual([]);
    expect(unverified.length).toBeGreaterThan(30);
    expect(unverified.flatMap(({ label }) => observed(label)).length).toBeGreaterThan(unverified.length / 2);
  });
});
