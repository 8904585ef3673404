/** The catalog's checks hold, and each of them can fail: a check that never says no is no check. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../native-catalog/check.ts';
import { type CatalogFile, type CatalogFiles, readCatalogFiles } from '../../native-catalog/files.ts';
import { editorSchemas } from '../../native-catalog/main.ts';
import { checkCatalog, type Finding, staleExceptions } from '../../native-catalog/run-checks.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../native-catalog');
const real = readCatalogFiles(FOLDER);

type Json = Record<string, unknown>;
type Kind = 'entries' | 'families' | 'clients' | 'innocents';

/** The real files with one of them changed. */
function changed(kind: Kind, id: string, change: (value: Json) => Json): CatalogFiles {
  const named = (file: CatalogFile) => file.name === `native-catalog/${kind}/${id}.json`;
  if (!real[kind].some(named)) throw new Error(`There is no ${kind}/${id}.json to change.`);
  return {
    ...real,
    [kind]: real[kind].map((file) => (named(file) ? { ...file, value: change(structuredClone(file.value) as Json) } : file)),
  };
}

const detect = (id: string, change: Json) =>
  changed('entries', id, (entry) => ({ ...entry, detect: { ...(entry['detect'] as Json), ...change } }));
const excepted = (files: CatalogFiles, value: unknown): CatalogFiles => ({ ...files, exceptions: { ...files.exceptions, value } });
const of = (check: string, found: readonly Finding[]) =>
  found.filter((finding) => finding.check === check).map((finding) => finding.message);
/** What one check finds: all of them over all of the catalog take a quarter of a second each time. */
const alone = (check: string, files: CatalogFiles) =>
  of(
    check,
    checkCatalog(
      files,
      CHECKS.filter(({ name }) => name === check),
    ),
  );

/** For each check, files that it must refuse and a piece of what it then says. */
const FAILING: Record<string, [what: string, files: () => CatalogFiles, says: string][]> = {
  schema: [
    [
      'an unknown field',
      () => changed('entries', 'codex', (entry) => ({ ...entry, colour: 'red' })),
      'native-catalog/entries/codex.json: the whole file: Unrecognized key: "colour"; native-catalog/schema.ts says what may stand there.',
    ],
    [
      'an entry without examples',
      () => changed('entries', 'codex', (entry) => ({ ...entry, examples: [] })),
      'entries/codex.json: examples: ',
    ],
    [
      'a tier that trains "perhaps"',
      () =>
        changed('families', 'claude', (family) => ({ ...family, tiers: [{ id: 'free', name: 'Free', trains: 'perhaps', source: null }] })),
      'families/claude.json: tiers.0.trains: ',
    ],
    [
      'an innocent without processes',
      () => changed('innocents', 'linux', (list) => ({ ...list, processes: [] })),
      'innocents/linux.json: processes: ',
    ],
  ],
  'file-name': [
    [
      'another id',
      () => changed('entries', 'codex', (entry) => ({ ...entry, id: 'codecs' })),
      'entries/codex.json: the id is "codecs"; rename the file or the id.',
    ],
  ],
  order: [
    [
      'the name before the id',
      () => changed('entries', 'codex', ({ id, name, ...rest }) => ({ name, id, ...rest })),
      'entries/codex.json: $schema should come before name.',
    ],
    [
      'paths before packages',
      () =>
        changed('entries', 'codex', (entry) => {
          const { packages, ...rest } = entry['detect'] as Json;
          return { ...entry, detect: { ...rest, packages } };
        }),
      'detect.packages should come before detect.commonBinaries.',
    ],
    [
      'a name twice',
      () => detect('codex', { commonBinaries: ['codex', 'codex'] }),
      'detect.commonBinaries names "codex" twice; once is enough.',
    ],
  ],
  examples: [
    [
      'an example of another tool',
      () => changed('entries', 'codex', (entry) => ({ ...entry, examples: [{ package: { manager: 'npm', name: '@google/gemini-cli' } }] })),
      'matches gemini-cli, certain; it should match codex at least likely.',
    ],
    [
      'an example that nothing recognises',
      () => changed('entries', 'codex', (entry) => ({ ...entry, examples: [{ process: { exe: '/usr/bin/true' } }] })),
      'matches nothing; it should match codex',
    ],
    [
      'an example that is only a common name',
      () => changed('entries', 'codex', (entry) => ({ ...entry, examples: [{ process: { exe: '/opt/codex' } }] })),
      'matches codex, weak; it should match codex at least likely.',
    ],
  ],
  'example-kinds': [
    [
      'an identifier that no example shows',
      () => detect('codex', { images: ['openai/codex'] }),
      'codex: no example shows detect.images; add what an observer reports of one to examples.',
    ],
    [
      'a bundle that no example shows',
      () => changed('entries', 'chatgpt', (entry) => ({ ...entry, examples: [{ platform: 'win32', app: { appId: 'ChatGPT' } }] })),
      'chatgpt: no example shows detect.apps.darwin;',
    ],
    [
      'an editor’s extension that no example shows',
      () =>
        changed('entries', 'github-copilot', (entry) => ({
          ...entry,
          examples: [{ extension: { host: 'vscode', id: 'GitHub.copilot' } }],
        })),
      'github-copilot: no example shows detect.extensions.jetbrains;',
    ],
  ],
  surface: [
    [
      'an extension that says it is a program',
      () => changed('entries', 'github-copilot', (entry) => ({ ...entry, surface: 'cli' })),
      'github-copilot: the category is ide-extension and the surface cli; let both be ide-extension, or neither.',
    ],
    [
      'a program that says it is an extension',
      () => changed('entries', 'codex', (entry) => ({ ...entry, surface: 'browser-extension' })),
      'codex: the category is coding-cli and the surface browser-extension; let both be browser-extension, or neither.',
    ],
    [
      'a feature without a note',
      () => changed('entries', 'codex', ({ note: _, ...entry }) => ({ ...entry, feature: true })),
      'codex: feature has no note;',
    ],
  ],
  evidence: [
    [
      'common names alone',
      () => changed('entries', 'codex', (entry) => ({ ...entry, detect: { commonBinaries: ['codex'], configs: ['~/.codex'] } })),
      'codex: nothing verified in detect makes a row;',
    ],
    [
      'unverified facts alone',
      () =>
        changed('entries', 'codex', (entry) => ({
          ...entry,
          detect: { packages: { npm: ['@openai/codex'] }, unverified: ['packages.npm:@openai/codex'] },
        })),
      'codex: nothing verified in detect makes a row;',
    ],
    [
      'unverified names what is not there',
      () => detect('codex', { unverified: ['packages.npm:codex'] }),
      'unverified names packages.npm:codex, which detect does not have;',
    ],
  ],
  unique: [
    [
      'a package of another entry',
      () => detect('goose', { packages: { npm: ['@openai/codex'] } }),
      'claims packages.npm:@openai/codex too;',
    ],
    [
      'a PyPI package in another spelling',
      () => detect('goose', { packages: { pypi: ['Aider_Chat'] } }),
      'aider claims packages.pypi:Aider_Chat too;',
    ],
    [
      'a common name that tells somebody else’s program',
      () => detect('goose', { commonBinaries: ['opencode'] }),
      'claims binaries:opencode too;',
    ],
  ],
  'telling-names': [
    ['a binary of two letters', () => detect('codex', { binaries: ['cx'] }), 'codex: binaries has cx, which is too short to tell;'],
    [
      'an interpreter',
      () => detect('codex', { commonBinaries: ['python3.12'] }),
      'codex: python3.12 is an interpreter, which is never a tool;',
    ],
  ],
  families: [
    [
      'a family that is not there',
      () => changed('entries', 'codex', (entry) => ({ ...entry, family: 'nobody' })),
      'codex: there is no family nobody; add native-catalog/families/nobody.json.',
    ],
    [
      'a family without entries',
      () => changed('entries', 'granola', (entry) => ({ ...entry, family: null })),
      'granola: no entry is of this family; remove it.',
    ],
    [
      'a claim without a source',
      () => changed('families', 'claude', (family) => ({ ...family, tiers: [{ id: 'free', name: 'Free', trains: 'yes', source: null }] })),
      'claude: tier free says "yes" without a source;',
    ],
    [
      'a tier twice',
      () =>
        changed('families', 'claude', (family) => ({ ...family, tiers: [...(family['tiers'] as Json[]), (family['tiers'] as Json[])[0]] })),
      'claude: tier free is there twice; once is enough.',
    ],
  ],
  places: [
    [
      'a path of another platform',
      () => mcp({ path: { linux: '%APPDATA%/codex.toml' } }),
      'codex: %APPDATA%/codex.toml is no path of linux;',
    ],
    [
      'a project file of the user',
      () => mcp({ scope: 'user', path: { linux: '<project>/codex.toml' } }),
      'has the scope user; a file in <project>/ has the scope project',
    ],
    ['a local scope that leads to no project', () => mcp({ scope: 'local' }), 'at mcp_servers does not fit the scope local;'],
    ['a place that is nowhere', () => mcp({ path: {} }), 'codex: mcp.0 is on no platform;'],
    [
      'a variable that does not lead to its path',
      () => mcp({ movedBy: { variable: 'CODEX_HOME', path: '$CODEX/config.toml' } }),
      'codex: mcp.0.movedBy.path is $CODEX/config.toml; it begins with $CODEX_HOME.',
    ],
    [
      'an add-on of the user in a project',
      () => addon({ scope: 'user', path: { linux: '<project>/.codex/skills' } }),
      'codex: <project>/.codex/skills has the scope user;',
    ],
    [
      'models on another platform',
      () =>
        changed('entries', 'ollama', (entry) => ({
          ...entry,
          models: [{ path: { darwin: '%APPDATA%/models' }, layout: { as: 'ollama' } }],
        })),
      'ollama: %APPDATA%/models is no path of darwin;',
    ],
    [
      'models in a project',
      () =>
        changed('entries', 'ollama', (entry) => ({
          ...entry,
          models: [{ path: { linux: '<project>/models' }, layout: { as: 'ollama' } }],
        })),
      'ollama: models.0 has <project>/models, and nobody looks there in projects;',
    ],
  ],
  clients: [
    [
      'a client that is a tool',
      () => ({
        ...real,
        clients: [
          ...real.clients,
          { name: 'native-catalog/clients/codex.json', value: { ...(real.clients[0]?.value as Json), id: 'codex' } },
        ],
      }),
      'codex: there is a tool of this id; put the places into native-catalog/entries/codex.json.',
    ],
    [
      'a place that is there twice',
      () => changed('clients', 'mcpproxy', (client) => ({ ...client, mcp: [...(client['mcp'] as Json[]), ...(client['mcp'] as Json[])] })),
      'is there twice on linux; once is enough.',
    ],
  ],
  patterns: [
    [
      'a * where nobody expands it',
      () => changed('entries', 'ollama', (entry) => ({ ...entry, models: [{ path: { linux: '~/.ollama/*' }, layout: { as: 'ollama' } }] })),
      'ollama: models.0 has ~/.ollama/*, where * is not understood;',
    ],
    ['two * in a step of an add-on', () => addon({ path: { linux: '~/.x/a*b*' } }), '~/.x/a*b* has the step a*b*;'],
    ['two * in a step', () => mcp({ path: { linux: '~/.x/a*b*.toml' } }), '~/.x/a*b*.toml has the step a*b*.toml;'],
    ['** twice', () => mcp({ path: { linux: '~/.x/y/**/z/**/a.toml' } }), 'would have too much listed;'],
    ['** too near the home', () => mcp({ path: { linux: '~/.x/**/a.toml' } }), 'would have too much listed;'],
    ['a home that is listed', () => mcp({ path: { linux: '~/*/a.toml' } }), '~/*/a.toml would list a whole home;'],
  ],
  'places-twice': [
    [
      'a place of add-ons twice',
      () =>
        changed('entries', 'codex', (entry) => ({ ...entry, addons: [...(entry['addons'] as Json[]), (entry['addons'] as Json[])[0]] })),
      'is there twice on linux; once is enough.',
    ],
  ],
  accounts: [
    [
      'a tier that the family has not',
      () => changed('entries', 'codex', (entry) => ({ ...entry, accounts: [probe({ plus: 'golden' })] })),
      'codex: accounts.0.tier.is leads to golden, which is no tier of chatgpt; add it to native-catalog/families/chatgpt.json.',
    ],
    [
      'tiers without a family',
      () => changed('entries', 'codex', (entry) => ({ ...entry, family: null, accounts: [probe({ plus: 'plus' })] })),
      'codex: accounts.0 names tiers, and the entry has no family that owns them;',
    ],
  ],
  breadth: [
    [
      'too few tools',
      () => ({ ...real, entries: real.entries.slice(0, 300) }),
      '300 tools are fewer than the 400 that the catalog promises; add what is missing.',
    ],
    [
      'too few ordinary programs',
      () =>
        changed('innocents', 'win32', (list) => ({
          ...list,
          processes: ['C:/a.exe'],
          packages: {},
          apps: [],
          binaries: ['C:/a.exe'],
          scripts: [],
        })),
      '2 ordinary programs of Windows are fewer than the 400 that the catalog promises;',
    ],
  ],
  innocents: [
    [
      'an ordinary program that matches',
      () => changed('innocents', 'linux', (list) => ({ ...list, processes: [...(list['processes'] as string[]), '/usr/bin/aider'] })),
      'is no AI tool, and matches aider (likely).',
    ],
    [
      'an ordinary program that matches weakly',
      () => changed('innocents', 'linux', (list) => ({ ...list, processes: [...(list['processes'] as string[]), '/usr/bin/goose'] })),
      'is no AI tool, and matches goose (weak).',
    ],
    [
      'a collision that matches strongly',
      () => detect('goose', { binaries: ['goose'], commonBinaries: ['gosling'] }),
      'is another program, and matches goose (likely).',
    ],
    ['a collision that is none any more', () => detect('goose', { commonBinaries: ['gosling'] }), 'does not match goose any more;'],
  ],
  'no-machine': [
    [
      'a path as a source',
      () => changed('entries', 'codex', (entry) => ({ ...entry, sources: ['see /home/ada/notes.txt'] })),
      'codex: the source "see /home/ada/notes.txt" is a path;',
    ],
  ],
};

function addon(place: Json): CatalogFiles {
  return changed('entries', 'codex', (entry) => ({
    ...entry,
    addons: [{ kind: 'skill', scope: 'user', path: { linux: '~/x' }, layout: { as: 'folders', holds: 'SKILL.md' }, ...place }],
  }));
}

function probe(is: Json): Json {
  return { path: { linux: '~/.codex/auth.json' }, format: 'json', tier: { at: ['plan'], is } };
}

function mcp(place: Json): CatalogFiles {
  return changed('entries', 'codex', (entry) => ({
    ...entry,
    mcp: [{ scope: 'user', path: { linux: '~/x' }, format: 'toml', at: ['mcp_servers'], ...place }],
  }));
}

describe('the catalog', () => {
  it('holds', () => {
    expect(checkCatalog(real).map((finding) => `${finding.check}: ${finding.message}`)).toEqual([]);
  });

  it('has the editors’ schemas as they follow from schema.ts', async () => {
    for (const [name, schema] of Object.entries(editorSchemas())) {
      const { default: written } = (await import(path.join(FOLDER, name), { with: { type: 'json' } })) as { default: unknown };
      expect(written, `${name} is old; run npm run catalog schema`).toEqual(JSON.parse(JSON.stringify(schema)));
    }
  });
});

describe('each check', () => {
  it('has a failing case', () => {
    expect(Object.keys(FAILING).sort()).toEqual(CHECKS.map((check) => check.name).sort());
  });

  it.each(Object.entries(FAILING).flatMap(([check, cases]) => cases.map(([what, files, says]) => ({ check, what, files, says }))))(
    '$check refuses $what',
    ({ check, files, says }) => {
      expect(alone(check, files()).join('\n')).toContain(says);
    },
  );

  it.each(CHECKS.map((check) => check.name))('%s says so when it has nothing to look at', (name) => {
    const empty: CatalogFiles = { entries: [], families: [], clients: [], innocents: [], exceptions: real.exceptions };
    expect(alone(name, empty)).toContain(`The check ${name} had nothing to look at; a check that sees nothing proves nothing.`);
  });
});

describe('an exception', () => {
  const short = () => detect('aider', { binaries: ['aider', 'aid'] });
  const exception = { check: 'telling-names', entry: 'aider', reason: 'the vendor calls it so' };

  it('covers the findings of one check for one entry', () => {
    expect(checkCatalog(excepted(short(), [exception]))).toEqual([]);
    expect(of('telling-names', checkCatalog(excepted(short(), [{ ...exception, entry: 'goose' }])))).toHaveLength(1);
  });

  it('fails once nothing needs it', () => {
    expect(of('exceptions', checkCatalog(excepted(real, [exception])))).toEqual([
      'native-catalog/exceptions.json: nothing needs the exception of aider from telling-names any more; remove it.',
    ]);
  });

  it('needs a reason', () => {
    expect(of('exceptions', checkCatalog(excepted(short(), [{ ...exception, reason: 'because' }]))).join()).toContain('0.reason');
  });

  it('that is past its date is reported and still covers', () => {
    const files = excepted(short(), [{ ...exception, until: '2026-11-21' }]);
    expect(checkCatalog(files)).toEqual([]);
    expect(staleExceptions(files, new Date('2026-11-21T23:00:00Z'))).toEqual([]);
    expect(staleExceptions(files, new Date('2026-11-22T00:00:00Z'))).toEqual([
      'aider: the exception from telling-names was meant to last until 2026-11-21 (the vendor calls it so).',
    ]);
  });
});
