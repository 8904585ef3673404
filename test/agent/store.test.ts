/** The store over a real file: what is kept, what never moves, and what another look changes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readMigrations } from '../../agent/assets.ts';
import { openDatabase } from '../../agent/sqlite.ts';
import { openStore, type ServerRow, type Sighting, type Store } from '../../agent/store/store.ts';
import type { ApprovalRequest } from '../../electron/contract.ts';

const migrations = readMigrations();
let folder: string;
let file: string;
let store: Store;
let count = 0;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-store-'));
});
beforeEach(() => {
  file = path.join(folder, `${count++}`, 'muster.db');
  store = openStore(file, { migrations });
  return () => store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (minute: number) => new Date(Date.UTC(2026, 10, 22, 9, minute));
const iso = (minute: number) => at(minute).toISOString();
const sighting = (over: Partial<Sighting> = {}): Sighting => ({
  tool: 'codex',
  kind: 'package',
  strength: 'certain',
  surface: 'cli',
  path: '~/.npm/codex',
  target: null,
  home: '~',
  version: '1.0.0',
  manager: 'npm',
  name: '@openai/codex',
  ...over,
});
const present = () => store.evidence().map(({ tool, manager, home, present }) => [tool, manager, home, present]);

describe('seeing', () => {
  it('tells of a tool once, and only where the evidence suffices', () => {
    const seen = [sighting(), sighting({ tool: 'goose', kind: 'config', strength: 'weak', manager: null })];
    expect(store.see(seen, at(0), ['codex', 'codex'])).toEqual(['codex']);
    expect(store.see(seen, at(1), ['codex'])).toEqual([]);
    expect(store.tools()).toEqual([{ tool: 'codex', firstSeen: iso(0), lastSeen: iso(1) }]);
    expect(store.evidence().map(({ tool }) => tool)).toEqual(['codex', 'goose']);
    expect(store.see([], at(2), ['goose'])).toEqual(['goose']);
  });

  it('keeps one row for one trace, with what was last seen of it', () => {
    store.see([sighting()], at(0), []);
    store.see([sighting({ version: '1.1.0', target: '~/lib/codex', strength: 'likely' })], at(5), []);
    expect(store.evidence()).toEqual([
      { ...sighting({ version: '1.1.0', target: '~/lib/codex', strength: 'likely' }), firstSeen: iso(0), lastSeen: iso(5), present: true },
    ]);
    const apart: Partial<Sighting>[] = [
      { home: null },
      { home: '~b' },
      { path: null },
      { manager: null },
      { name: null },
      { kind: 'binary' },
      { surface: 'desktop' },
    ];
    store.see(apart.map(sighting), at(5), []);
    expect(store.evidence()).toHaveLength(1 + apart.length);
  });

  it('never moves first_seen and never takes last_seen back, whatever the clock does', () => {
    const looks = fc.array(
      fc.record({
        minute: fc.integer({ min: -100_000, max: 100_000 }),
        tools: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    let run = 0;
    fc.assert(
      fc.property(looks, (all) => {
        const expected = new Map<string, { firstSeen: string; lastSeen: string }>();
        const prefix = `${run++}-`;
        for (const { minute, tools } of all) {
          const ids = tools.map((tool) => prefix + tool);
          const fresh = ids.filter((id) => !expected.has(id));
          expect(
            store.see(
              ids.map((tool) => sighting({ tool })),
              at(minute),
              ids,
            ),
          ).toEqual(fresh);
          for (const id of ids) {
            const before = expected.get(id) ?? { firstSeen: iso(minute), lastSeen: iso(minute) };
            expected.set(id, { ...before, lastSeen: [before.lastSeen, iso(minute)].sort().at(-1) ?? '' });
          }
        }
        const mine = ({ tool }: { tool: string }) => tool.startsWith(prefix);
        const times = ({ tool, firstSeen, lastSeen }: { tool: string; firstSeen: string; lastSeen: string }) => [
          tool,
          { firstSeen, lastSeen },
        ];
        expect(Object.fromEntries(store.tools().filter(mine).map(times))).toEqual(Object.fromEntries(expected));
        expect(Object.fromEntries(store.evidence().filter(mine).map(times))).toEqual(Object.fromEntries(expected));
      }),
      { numRuns: 50 },
    );
  });

  it('is one transaction: a row that can’t be kept leaves nothing of the others', () => {
    const broken = { ...sighting({ tool: 'b' }), strength: null } as unknown as Sighting;
    expect(() => store.see([sighting(), broken], at(0), ['codex'])).toThrow('NOT NULL');
    expect([store.evidence(), store.tools()]).toEqual([[], []]);
  });
});

describe('sweeping', () => {
  const look = { kinds: ['package', 'app'] as const, homes: ['~', null], since: at(10) };

  it('takes what a complete look did not see for gone, and forgets nothing', () => {
    store.see([sighting({ tool: 'gone' }), sighting({ tool: 'machine-wide', home: null })], at(0), ['gone', 'machine-wide']);
    store.see(
      [
        sighting({ tool: 'elsewhere', home: '~b' }),
        sighting({ tool: 'other-kind', kind: 'process' }),
        sighting({ tool: 'not-asked', manager: 'brew' }),
        sighting({ tool: 'no-manager', manager: null }),
      ],
      at(0),
      [],
    );
    store.see([sighting({ tool: 'seen' })], at(10), []);
    expect(store.sweep({ ...look, exceptManagers: ['brew'] }, at(11))).toEqual(['gone', 'machine-wide', 'no-manager']);
    expect(Object.fromEntries(store.evidence().map((row) => [row.tool, row.present]))).toEqual({
      gone: false,
      'machine-wide': false,
      'no-manager': false,
      elsewhere: true,
      'other-kind': true,
      'not-asked': true,
      seen: true,
    });
    expect(store.sweep({ ...look, exceptManagers: ['brew'] }, at(11))).toEqual([]);
    expect(store.tools()).toHaveLength(2);
    store.see([sighting({ tool: 'gone' })], at(12), ['gone']);
    expect(store.evidence().find(({ tool }) => tool === 'gone')).toMatchObject({ present: true, firstSeen: iso(0), lastSeen: iso(12) });
  });

  it('asks nothing of the machine-wide where it was not looked at', () => {
    store.see([sighting({ home: null })], at(0), []);
    expect(store.sweep({ ...look, homes: ['~'] }, at(11))).toEqual([]);
    expect(present()).toEqual([['codex', 'npm', null, true]]);
  });

  it('finds what is gone also after the clock was set back', () => {
    store.see([sighting({ tool: 'gone' }), sighting({ tool: 'there' })], at(60 * 24 * 30), []);
    store.see([sighting({ tool: 'there' })], at(10), []);
    expect(store.sweep(look, at(11))).toEqual(['gone']);
    expect(store.evidence().find(({ tool }) => tool === 'there')).toMatchObject({ present: true, lastSeen: iso(60 * 24 * 30) });
  });
});

describe('config files', () => {
  const where = { client: 'claude-code', configPath: '~/.claude.json', scope: 'user', home: '~', project: null } as const;
  const server = (name: string, over: Partial<ServerRow> = {}): ServerRow => ({
    ...where,
    id: `${name}-${over.project ?? ''}`,
    name,
    enabled: true,
    transport: 'stdio',
    command: 'npx',
    args: ['-y', '@acme/files', '/tmp'],
    url: null,
    identity: { kind: 'npm', name: '@acme/files', version: null, launchHash: 'sha256:0' },
    publisher: '@acme',
    pinned: false,
    autoApproved: ['read'],
    reach: ['the folder /tmp'],
    uncertain: true,
    secretNames: ['GITHUB_TOKEN'],
    risk: { score: 30, level: 'medium', findings: [{ id: 'unpinned', severity: 'medium', message: 'm', advice: 'a', refs: ['MCP04'] }] },
    ...over,
  });
  const names = () => store.servers().map(({ name, project, present }) => [name, project, present]);

  it('give back what was written, unchanged', () => {
    const rows = [
      server('files'),
      server('remote', { transport: 'http', command: null, args: [], url: 'https://a.example/mcp', enabled: false }),
    ];
    store.replaceConfig(where, rows, at(0));
    expect(store.servers()).toEqual(rows.map((row) => ({ ...row, firstSeen: iso(0), lastSeen: iso(0), present: true })));
  });

  it('from before there was a column for it say nothing of publisher and reach, and are read', () => {
    const old = path.join(folder, 'old.db');
    const before = openDatabase(old, { migrations: migrations.slice(0, 1) });
    before.exec(`INSERT INTO server VALUES ('i', 'cursor', 'files', 'user', NULL, '~/.cursor/mcp.json', '~', 1, 'stdio', 'x', '[]', NULL, '{}',
      '[]', '{}', '${iso(0)}', '${iso(0)}', 1)`);
    before.close();
    const after = openStore(old, { migrations });
    expect(after.servers()).toMatchObject([
      { name: 'files', publisher: null, pinned: false, autoApproved: [], reach: [], uncertain: false },
    ]);
    after.close();
  });

  it('replace what the same file held, and only that', () => {
    store.replaceConfig(where, [server('a'), server('b')], at(0));
    store.replaceConfig(
      { ...where, client: 'cursor', configPath: '~/.cursor/mcp.json' },
      [server('c', { client: 'cursor', configPath: '~/.cursor/mcp.json' })],
      at(0),
    );
    store.replaceConfig(where, [server('b', { enabled: false })], at(5));
    expect(names()).toEqual([
      ['a', null, false],
      ['b', null, true],
      ['c', null, true],
    ]);
    expect(store.servers()[1]).toMatchObject({ enabled: false, firstSeen: iso(0), lastSeen: iso(5) });
    store.replaceConfig(where, [server('a')], at(6));
    expect(store.servers()[0]).toMatchObject({ present: true, firstSeen: iso(0), lastSeen: iso(6) });
  });

  it('hold the servers of many projects, replaced together or one by one', () => {
    const local = { ...where, scope: 'local' } as const;
    const rows = [server('a', { scope: 'local', project: '~/x' }), server('a', { scope: 'local', project: '~/y' })];
    store.replaceConfig(local, rows, at(0));
    store.replaceConfig({ ...local, project: '~/x' }, [], at(1));
    expect(names()).toEqual([
      ['a', '~/x', false],
      ['a', '~/y', true],
    ]);
    store.replaceConfig(local, rows.slice(0, 1), at(2));
    expect(names()).toEqual([
      ['a', '~/x', true],
      ['a', '~/y', false],
    ]);
  });

  it('change whole or not at all', () => {
    store.replaceConfig(where, [server('a')], at(0));
    expect(() => store.replaceConfig(where, [server('b'), { ...server('c'), transport: null } as never], at(1))).toThrow('NOT NULL');
    expect(names()).toEqual([['a', null, true]]);
  });
});

describe('the rest', () => {
  const request = (id: string, over: Partial<ApprovalRequest> = {}): ApprovalRequest => ({
    id,
    item: 'codex',
    itemName: 'Codex',
    tier: null,
    dataClass: null,
    until: null,
    reason: 'For the migration',
    state: 'open',
    createdAt: iso(0),
    updatedAt: iso(0),
    answer: null,
    added: null,
    ...over,
  });

  it('adds use to the totals of a day', () => {
    const row = { day: '2026-11-22', tool: 'codex', runS: 15.5, frontS: 2, launches: 1 };
    store.addUsage([row, { ...row, tool: 'amp' }]);
    store.addUsage([row, { ...row, day: '2026-11-21' }]);
    expect(store.usage('2026-11-22')).toEqual([
      { ...row, tool: 'amp' },
      { ...row, runS: 31, frontS: 4, launches: 2 },
    ]);
    expect(store.usage('2026-11-01')).toHaveLength(3);
  });

  it('keeps requests, oldest first, and changes only what is named', () => {
    store.addRequest(request('b', { createdAt: iso(1) }));
    store.addRequest(request('a', { tier: 'pro', dataClass: 'public', until: iso(99) }));
    expect(store.updateRequest('a', { state: 'needs-info', updatedAt: iso(3), answer: 'Why?' })).toMatchObject({
      state: 'needs-info',
      answer: 'Why?',
      tier: 'pro',
    });
    expect(store.updateRequest('a', { state: 'open', added: 'Because' })).toMatchObject({
      state: 'open',
      answer: 'Why?',
      added: 'Because',
    });
    expect(store.updateRequest('a', { answer: null })).toMatchObject({ answer: null, added: 'Because', updatedAt: iso(3) });
    expect(store.updateRequest('none', { state: 'denied' })).toBeNull();
    expect(store.requests().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(store.requests()[1]).toEqual(request('b', { createdAt: iso(1) }));
  });

  it('remembers what was told and when the first look ended', () => {
    expect([store.told(), store.lastLook()]).toEqual([{}, { at: null, firstAt: null, durationMs: null }]);
    store.tell(['inventory', '__proto__'], at(0));
    store.tell(['inventory'], at(1));
    expect(Object.entries(store.told())).toEqual([
      ['__proto__', iso(0)],
      ['inventory', iso(1)],
    ]);
    store.looked(at(0), 183.5);
    store.looked(at(9), 20);
    expect(store.lastLook()).toEqual({ at: iso(9), firstAt: iso(0), durationMs: 20 });
  });

  it('is all there after a restart, and for who only reads', () => {
    store.see([sighting()], at(0), ['codex']);
    store.addRequest(request('a'));
    const all = () => [store.tools(), store.evidence(), store.requests(), store.told(), store.lastLook()];
    const before = all();
    store.close();
    store.close();
    store = openStore(file, { migrations, readOnly: true });
    expect(all()).toEqual(before);
    expect(() => store.tell(['x'], at(0))).toThrow('can be read but not written');
    store.close();
    store = openStore(file, { migrations });
    expect(all()).toEqual(before);
  });
});
