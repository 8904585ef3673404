/** Rows of evidence become tools: one place an installation, confidence by strength, history kept apart from what is here. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confidence, type RunningProcess, type ToolParts, toTools } from '../../agent/inventory.ts';
import type { StoredEvidence } from '../../agent/store/store.ts';
import type { Verdict } from '../../electron/contract.ts';
import type { Entry } from '../../native-catalog/schema.ts';

const verdict: Verdict = {
  status: 'unreviewed',
  reason: '',
  rule: null,
  clause: null,
  dataClasses: [],
  conditions: null,
  until: null,
  mode: 'warn',
};
const row = (change: Partial<StoredEvidence>): StoredEvidence => ({
  tool: 'claude-code',
  kind: 'binary',
  strength: 'certain',
  surface: 'cli',
  path: null,
  target: null,
  home: '~',
  version: null,
  manager: null,
  name: null,
  firstSeen: '2026-11-01T00:00:00.000Z',
  lastSeen: '2026-11-02T00:00:00.000Z',
  present: true,
  ...change,
});
const tools = (evidence: StoredEvidence[], running: RunningProcess[] = [], more: Partial<ToolParts> = {}) =>
  toTools({
    tools: [...new Set(evidence.map(({ tool }) => tool))].map((tool) => ({
      tool,
      firstSeen: '2026-11-01T00:00:00.000Z',
      lastSeen: '2026-11-02T00:00:00.000Z',
    })),
    evidence,
    running,
    entry: () => undefined,
    family: () => undefined,
    accounts: () => [],
    verdict: () => verdict,
    ...more,
  });

const npm = row({ kind: 'package', manager: 'npm', name: '@x/tool', version: '1.2.3', path: '~/lib/node_modules/@x/tool' });
const binary = row({ kind: 'binary', name: 'tool', path: '~/bin/tool', target: '~/lib/node_modules/@x/tool/cli.js' });
const process = row({ kind: 'process', path: '~/lib/node_modules/@x/tool/cli.js', target: '/usr/bin/node', present: false });

describe('confidence', () => {
  it.each([
    ['a certain trace', [{ kind: 'package', strength: 'certain' }], 'certain'],
    ['a telling name', [{ kind: 'binary', strength: 'likely' }], 'likely'],
    ['a common name alone', [{ kind: 'binary', strength: 'weak' }], null],
    [
      'a common name twice',
      [
        { kind: 'binary', strength: 'weak' },
        { kind: 'process', strength: 'weak' },
      ],
      null,
    ],
    ['a leftover folder alone', [{ kind: 'config', strength: 'weak' }], null],
    [
      'a common name and a folder',
      [
        { kind: 'process', strength: 'weak' },
        { kind: 'config', strength: 'weak' },
      ],
      'possible',
    ],
    ['nothing', [], null],
  ] as const)('%s', (_name, evidence, expected) => {
    expect(confidence(evidence)).toBe(expected);
  });
});

describe('places', () => {
  it('takes a package, its program and its process for one installation', () => {
    const [tool] = tools([npm, binary, process], [{ tool: 'claude-code', pid: 7, path: '~/lib/node_modules/@x/tool/cli.js' }]);
    expect(tool?.places).toMatchObject([{ version: '1.2.3', path: '~/bin/tool', running: true, present: true, home: '~' }]);
    expect(tool?.evidence.map(({ kind, pid }) => [kind, pid])).toEqual([
      ['process', 7],
      ['package', undefined],
      ['binary', undefined],
    ]);
  });

  it('keeps two installations apart', () => {
    const other = row({
      kind: 'package',
      manager: 'npm',
      name: '@x/tool',
      version: '2.0.0',
      path: '/usr/lib/node_modules/@x/tool',
      home: null,
    });
    expect(
      tools([npm, binary, other])[0]
        ?.places.map(({ version }) => version)
        .sort(),
    ).toEqual(['1.2.3', '2.0.0']);
  });

  it('takes a distribution’s package and its menu entry for one', () => {
    const dpkg = row({ kind: 'package', manager: 'dpkg', name: 'cursor', version: '2.1', path: null, home: null });
    const app = row({ kind: 'app', name: 'Cursor', path: '/usr/share/cursor/cursor', home: null });
    const started = row({ kind: 'binary', path: '/usr/bin/cursor', target: '/usr/share/cursor/cursor', home: null });
    expect(tools([dpkg, app, started])[0]?.places).toHaveLength(1);
  });

  it('does not take a neighbour whose name begins alike for the inside of a folder', () => {
    const near = row({ kind: 'binary', path: '~/lib/node_modules/@x/tool-two/cli', target: '~/lib/node_modules/@x/tool-two/cli' });
    expect(tools([npm, near])[0]?.places).toHaveLength(2);
  });
});

describe('extensions, containers and servers', () => {
  const extension = row({
    ...{ kind: 'extension', surface: 'ide-extension', manager: 'Cursor', name: 'anthropic.claude-code', version: '2.1.0' },
    path: '~/.cursor/extensions/anthropic.claude-code-2.1.0',
    detail: { enabled: false, profiles: [{ name: 'Work', enabled: false }], permissions: [] },
  });

  it('has each program with an extension as a place of its own, switched off or not', () => {
    const other = { ...extension, manager: 'VS Code', path: '~/.vscode/extensions/anthropic.claude-code-2.1.0', detail: { enabled: true } };
    const [tool] = tools([npm, binary, extension, other]);
    expect(tool).toMatchObject({ present: true, confidence: 'certain', surfaces: ['cli', 'ide-extension'] });
    expect(tool?.places).toHaveLength(3);
    expect(tool?.places).toContainEqual(
      expect.objectContaining({
        ...{ surface: 'ide-extension', program: 'Cursor', enabled: false, version: '2.1.0', present: true, running: false },
        ...{ profiles: [{ name: 'Work', enabled: false }], permissions: [] },
      }),
    );
    expect(tool?.evidence).toContainEqual({
      ...{ kind: 'extension', path: extension.path, program: 'Cursor', name: 'anthropic.claude-code', version: '2.1.0' },
    });
  });

  it('takes a program that runs from an extension’s folder for that extension', () => {
    const server = row({ kind: 'process', path: `${extension.path}/bin/claude`, target: null });
    const [tool] = tools([extension, server], [{ tool: 'claude-code', pid: 9, path: `${extension.path}/bin/claude` }]);
    expect(tool?.places).toMatchObject([{ program: 'Cursor', running: true, enabled: false }]);
  });

  it('shows where a running server listens, each port once and with its widest reach', () => {
    const listens = [
      { port: 11434, reach: 'loopback' },
      { port: 11434, reach: 'network' },
      { port: 8080, reach: 'loopback' },
    ] as const;
    const [tool] = tools([npm, process], [{ tool: 'claude-code', pid: 7, path: process.path, listens }]);
    expect(tool?.places[0]?.listens).toEqual([
      { port: 8080, reach: 'loopback' },
      { port: 11434, reach: 'network' },
    ]);
    expect(tools([npm, process])[0]?.places[0]).not.toHaveProperty('listens');
  });

  it('runs while a container of its image does, and is only there when that is stopped', () => {
    const image = row({ kind: 'container', surface: 'runtime', manager: 'docker', name: 'ollama/ollama', version: '0.9', home: null });
    const running = [{ tool: 'claude-code', image: 'ollama/ollama', engine: 'docker' }];
    expect(tools([image], [], { containers: running })[0]).toMatchObject({
      ...{ running: true, present: true },
      places: [{ surface: 'runtime', program: 'docker', version: '0.9', running: true }],
      evidence: [{ kind: 'container', program: 'docker', name: 'ollama/ollama', version: '0.9' }],
    });
    expect(tools([image])[0]).toMatchObject({ running: false, present: true, places: [{ running: false, present: true }] });
  });

  it('shows a port as weak evidence, by its number', () => {
    const port = row({ kind: 'listener', strength: 'weak', name: '11434', home: null });
    const [tool] = tools([port, row({ kind: 'config', strength: 'weak', path: '~/.ollama' })]);
    expect(tool).toMatchObject({ confidence: 'possible', present: true });
    expect(tool?.evidence).toContainEqual({ kind: 'listener', path: null, port: 11434 });
    expect(tool?.places).toEqual([]);
  });
});

describe('what else belongs to a tool', () => {
  it('is told with it: tiers with their source, add-ons, models, and that AI is a feature', () => {
    const tier = { id: 'team', name: 'Team', trains: 'no', source: 'https://a.example', for: 'organization' } as const;
    const addon = { kind: 'skill', name: 'review', scope: 'user', path: '~/.claude/skills/review', home: '~', project: null } as const;
    const [tool] = tools([npm], [], {
      entry: () => ({ id: 'claude-code', family: 'claude', name: 'Claude', vendor: 'A', category: 'editor', feature: true }) as Entry,
      family: () => ({
        id: 'claude',
        name: 'Claude',
        vendor: 'A',
        tiers: [tier, { ...tier, id: 'x', terms: { text: 'Kept 30 days.', source: 's' } }],
        sources: [],
      }),
      addons: [
        { ...addon, tool: 'claude-code' },
        { ...addon, tool: 'other' },
      ],
      models: [{ tool: 'claude-code', name: 'llama', bytes: 4, path: '~/m', home: '~' }],
    });
    expect(tool?.tiers).toEqual([
      { id: 'team', name: 'Team', trains: 'no', source: 'https://a.example', terms: null },
      { id: 'x', name: 'Team', trains: 'no', source: 'https://a.example', terms: { text: 'Kept 30 days.', source: 's' } },
    ]);
    expect(tool).toMatchObject({ feature: true, addons: [addon], models: [{ name: 'llama', bytes: 4, path: '~/m' }] });
  });
});

describe('presence', () => {
  it('makes history of what was uninstalled and of what only ran', () => {
    const [gone] = tools([row({ ...npm, present: false }), row({ ...binary, present: false })]);
    expect(gone).toMatchObject({ present: false, running: false });
    expect(gone?.places[0]).toMatchObject({ present: false, version: '1.2.3' });
    expect(tools([row({ kind: 'process', path: '/tmp/x' })])[0]).toMatchObject({ present: false, running: false });
  });

  it('holds for any evidence: running tools are present, first never after last, no place is lost', () => {
    const evidence = fc.record({
      kind: fc.constantFrom('process', 'package', 'app', 'binary', 'window', 'config') as fc.Arbitrary<StoredEvidence['kind']>,
      strength: fc.constantFrom('certain', 'likely', 'weak') as fc.Arbitrary<StoredEvidence['strength']>,
      path: fc.option(fc.constantFrom('~/a', '~/a/b', '~/a/b/c', '/usr/x', 'C:\\a', 'C:\\a\\b')),
      target: fc.option(fc.constantFrom('~/a', '~/a/b', '/usr/x/y')),
      home: fc.option(fc.constant('~')),
      present: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(evidence, { minLength: 1, maxLength: 8 }), fc.boolean(), (changes, runs) => {
        const rows = changes.map((change) => row(change));
        const running = runs ? [{ tool: 'claude-code', pid: 1, path: rows.find(({ kind }) => kind === 'process')?.path ?? null }] : [];
        const [tool] = tools(rows, running);
        expect(tool).toBeDefined();
        if (!tool) return;
        if (tool.running) expect(tool.present).toBe(true);
        if (rows.some(({ kind }) => kind === 'package' || kind === 'app' || kind === 'binary' || kind === 'process'))
          expect(tool.places.length).toBeGreaterThan(0);
        for (const place of tool.places) expect(place.firstSeen <= place.lastSeen).toBe(true);
      }),
    );
  });
});
