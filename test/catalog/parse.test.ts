/** Reading the catalog: what a mistake in an entry is answered with, and what is where on which platform. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Catalog, parseCatalog } from '../../native-catalog/catalog.ts';
import { observationOf } from '../../native-catalog/examples.ts';
import { packedCatalog, rawCatalog, readCatalogFiles } from '../../native-catalog/files.ts';

const [raw, names] = rawCatalog(readCatalogFiles(path.resolve(import.meta.dirname, '../../native-catalog')));
const catalog = parseCatalog(raw, names);

const entry = {
  id: 'thing',
  family: null,
  name: 'Thing',
  vendor: 'Things',
  category: 'chat',
  surface: 'desktop',
  detect: { binaries: ['thing'] },
  examples: [{ binary: { path: '/usr/bin/thing' } }],
  sources: ['its manual'],
};
type Json = Record<string, unknown>;
/** The keys that lead to each value in it. */
function spotsIn(value: unknown, to: readonly string[] = []): (readonly string[])[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...to, key], ...spotsIn(inner, [...to, key])]);
}

const refusal = (change: Record<string, unknown>) => () =>
  parseCatalog({ entries: [{ ...entry, ...change }], families: [] }, ['entries/thing.json']);

describe('an entry with a mistake', () => {
  it.each([
    [{ category: 'toy' }, 'entries/thing.json: category: Invalid option: expected one of'],
    [{ detect: { binaries: [] } }, 'entries/thing.json: detect.binaries: '],
    [{ detect: { binaries: 'thing' } }, 'entries/thing.json: detect.binaries: Invalid input: expected array, received string;'],
    [
      { detect: { regex: ['.*'] } },
      'entries/thing.json: detect: Unrecognized key: "regex"; native-catalog/schema.ts says what may stand there.',
    ],
    [{ id: 'Thing!' }, 'entries/thing.json: id: lower-case words joined by hyphens; native-catalog/schema.ts says what may stand there.'],
    [
      { examples: [{}] },
      'entries/thing.json: examples.0: an example is exactly one of process, window, package, app, binary, extension, container and site;',
    ],
    [{ detect: { configs: ['C:\\x'] } }, 'entries/thing.json: detect.configs.0: a place begins with'],
    [{ mcp: [{ scope: 'user', path: { linux: '~/x' }, format: 'xml', at: ['a'] }] }, 'entries/thing.json: mcp.0.format: '],
  ])('%j is refused with file, field and remedy', (change, message) => {
    expect(refusal(change)).toThrow(message);
  });

  it('names every mistake, each on its line', () => {
    expect(refusal({ name: '', vendor: '' })).toThrow(/^entries\/thing\.json: name: .*\nentries\/thing\.json: vendor: [^\n]*$/);
  });

  it('is named by its place where no file name is known', () => {
    expect(() => parseCatalog({ entries: [entry, 7], families: ['x'] })).toThrow(
      /^entry 1: the whole file: .*\nfamily 0: the whole file: /,
    );
  });

  it('is refused wherever a value is of a wrong kind, with the file and the field', () => {
    const all = raw.entries as readonly Json[];
    const spots = all.map((value) => spotsIn(value).filter((spot) => spot[0] !== '$schema'));
    const mistaken = fc
      .integer({ min: 0, max: all.length - 1 })
      .chain((at) => fc.tuple(fc.constant(at), fc.constantFrom(...(spots[at] ?? []))));
    fc.assert(
      fc.property(mistaken, ([at, spot]) => {
        const value = structuredClone(all[at]) as Json;
        const last = spot.at(-1) as string;
        const holder = spot.slice(0, -1).reduce<Json>((inner, key) => inner[key] as Json, value);
        holder[last] = typeof holder[last] === 'object' ? 7 : { surprise: true };
        expect(() => parseCatalog({ entries: [value], families: [] }, ['entries/it.json'])).toThrow(`entries/it.json: ${spot[0]}`);
      }),
      { numRuns: 300 },
    );
  });

  it('may not repeat an id', () => {
    expect(() => parseCatalog({ entries: [entry, entry], families: [] })).toThrow(
      'thing: two entries have this id; give one of them another.',
    );
  });
});

describe('the catalog', () => {
  it('has the tools that Foundation promises, by their ids', () => {
    const promised =
      'claude-code claude-desktop cursor vscode codex gemini-cli opencode amp goose amazon-q-cli pi droid dia copilot-cli ollama lm-studio jan gpt4all llama-cpp openclaw openhands';
    expect(promised.split(' ').filter((id) => !catalog.entries.has(id))).toEqual([]);
    expect(catalog.entries.size).toBeGreaterThanOrEqual(60);
    expect([...catalog.entries.values()].filter((one) => one.category === 'coding-cli').length).toBeGreaterThanOrEqual(30);
  });

  it('is the same when trusted', () => {
    const trusted = parseCatalog(raw, names, { trusted: true });
    expect([...trusted.entries.values()]).toEqual([...catalog.entries.values()]);
    expect(trusted.binaryNames).toEqual(catalog.binaryNames);
  });

  it('is the same when packed, without what only people read', () => {
    const text = JSON.stringify(packedCatalog(raw));
    const packed = parseCatalog(JSON.parse(text), [], { trusted: true });
    const seen = [...catalog.entries.values()].flatMap(({ examples }) => examples.map(observationOf));
    const answers = (of: Catalog) =>
      seen.map((one) => {
        const match = of.identify(one, { titles: true });
        return match && [match.entry.id, match.strength];
      });
    expect(answers(packed)).toEqual(answers(catalog));
    expect(packed.words()).toEqual(catalog.words());
    expect(packed.words().parts).toEqual(expect.arrayContaining(['claude', 'claude_desktop_config.json', 'cursor']));
    expect(packed.words().inProjects).toContain('.mcp.json');
    expect(text.length).toBeLessThan(JSON.stringify(raw).length * 0.7);
    for (const platform of ['darwin', 'linux', 'win32'] as const) expect(packed.places(platform)).toEqual(catalog.places(platform));
  });

  it('knows 60 MCP clients and more by a checked source, each with a name, and each scope', () => {
    const { mcp, projects } = catalog.places('linux');
    const all = (['darwin', 'linux', 'win32'] as const).flatMap((platform) => catalog.places(platform).mcp);
    const sure = new Set(all.filter(({ uncertain }) => !uncertain).map(({ client }) => client));
    expect(sure.size).toBeGreaterThanOrEqual(60);
    for (const { client } of all) expect(catalog.clients.get(client)?.name).toMatch(/\S/);
    expect([...new Set(mcp.map(({ scope }) => scope))].sort()).toEqual([
      'local',
      'managed',
      'plugin',
      'profile',
      'project',
      'system',
      'user',
    ]);
    expect(new Set(projects.map(({ client }) => client))).toContain('vscode');
  });

  it('names config places only where they can be', () => {
    const of = (platform: 'darwin' | 'linux' | 'win32') =>
      catalog
        .places(platform)
        .configs.filter((one) => one.entry === 'claude-desktop')
        .map((one) => one.path);
    expect(of('darwin')).toEqual(['~/Library/Application Support/Claude', '$XDG_CONFIG_HOME/Claude']);
    expect(of('linux')).toEqual(['$XDG_CONFIG_HOME/Claude']);
    expect(of('win32')).toEqual(['%APPDATA%/Claude']);
  });
});
