/** The laws of the house that a machine can check: who may import what, and which file is the only door to each outside thing. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
const packages = new Set(Object.keys({ ...manifest['dependencies'], ...manifest['devDependencies'] }));

type Import = { from: string; to: string; typeOnly: boolean };

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|tsx|mjs)$/.test(file) && !file.endsWith('.d.ts') && !file.includes('node_modules'))
    .map((file) => path.posix.join(folder, file.replaceAll('\\', '/')));
}

const files = ['agent', 'collector', 'electron', 'renderer', 'native-catalog', 'build'].flatMap(sources);
const text = new Map(files.map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));

/** Every static and dynamic import; a relative one is given as the file it names. */
const imports: Import[] = files.flatMap((from) => {
  // Comments may speak of imports.
  const code = (text.get(from) ?? '').replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const found = code.matchAll(
    /\b(import|export)\s+(type\s)?[^'";()]*?from\s+'([^']+)'|\bimport\s*\(\s*'([^']+)'\s*\)|\bimport\s+'([^']+)'/g,
  );
  return [...found].map(([, , type, named, dynamic, bare]) => {
    const to = named ?? dynamic ?? bare ?? '';
    return { from, to: to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to) : to, typeOnly: Boolean(type) };
  });
});

const packageOf = (to: string) => (to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] ?? to));
const isFile = (to: string) => files.includes(to) || to.endsWith('package.json') || to.endsWith('.css');
const breaks = (rule: (each: Import) => boolean) => imports.filter(rule).map(({ from, to }) => `${from} → ${to}`);

describe('the reader of imports', () => {
  it('sees the files and their imports, so that the rules below are about something', () => {
    expect(files.length).toBeGreaterThan(40);
    expect(imports.length).toBeGreaterThan(files.length);
    expect(imports).toContainEqual({ from: 'agent/local.ts', to: 'electron/rpc.ts', typeOnly: false });
    expect(imports).toContainEqual({ from: 'agent/cli.ts', to: 'agent/commands/scan.ts', typeOnly: false });
  });

  it('knows every import as a file, a package of package.json or a part of Node', () => {
    const node = (to: string) => to.startsWith('node:') || builtinModules.includes(to);
    expect(breaks(({ to }) => !isFile(to) && !node(to) && !packages.has(packageOf(to)))).toEqual([]);
  });
});

/** What tray, window and terminal say alike. */
const WORDS = ['electron/attention.ts', 'electron/same-server.ts'];

/** May these files import that one? `why` is for whoever breaks the rule. */
const ARROWS: readonly { name: string; of: RegExp; to: (to: string) => boolean; why: string }[] = [
  {
    name: 'the contract imports nothing',
    of: /^electron\/(contract|rpc)\.ts$/,
    to: () => false,
    why: 'Everybody imports these; they import nobody.',
  },
  {
    name: 'the words shared by tray and window import only the contract',
    of: /^electron\/(attention|same-server)\.ts$/,
    to: (to) => to === 'electron/contract.ts',
    why: 'The window may import them, and it has no Node and no Electron.',
  },
  {
    name: 'the agent runs without Electron',
    of: /^agent\//,
    to: (to) =>
      to.startsWith('agent/') ||
      ['electron/contract.ts', 'electron/rpc.ts', 'electron/socket.ts', ...WORDS, 'package.json'].includes(to) ||
      /^native-catalog\/(catalog|schema)\.ts$/.test(to) ||
      (!isFile(to) && packageOf(to) !== 'electron'),
    why: 'What runs in the package, in CI and on a server without a display is one thing.',
  },
  {
    name: 'the renderer knows the contract, the shared words, React and itself',
    of: /^renderer\//,
    to: (to) => to.startsWith('renderer/') || ['electron/contract.ts', ...WORDS].includes(to) || /^react(-dom)?(\/|$)/.test(to),
    why: 'The window has no network, no Node and no file access.',
  },
  {
    name: 'main knows Electron, Node and its own folder, not the agent',
    of: /^electron\/main\//,
    to: (to) => to.startsWith('electron/') || to === 'package.json' || to === 'electron' || to.startsWith('node:'),
    why: 'The shell is thin: it talks to the agent through the socket.',
  },
  {
    name: 'the catalog knows only the words of the contract and of the observers',
    of: /^native-catalog\/(catalog|schema|schema\/\w+|index-.*|paths|interpreters)\.ts$/,
    to: (to) => to.startsWith('native-catalog/') || ['electron/contract.ts', 'agent/observe/observation.ts', 'zod'].includes(to),
    why: 'The collector uses it too.',
  },
  {
    name: 'the collector knows the protocol, how verdicts are made, the catalog, and nothing else of the agent',
    of: /^collector\/(?!load\/)/,
    to: (to) =>
      to.startsWith('collector/') ||
      to === 'agent/wire.ts' ||
      to === 'agent/evidence/chain.ts' ||
      to === 'electron/contract.ts' ||
      /^agent\/policy\/[\w-]+\.ts$/.test(to) ||
      /^native-catalog\/(catalog|schema)\.ts$/.test(to) ||
      to === 'package.json' ||
      (!isFile(to) && packageOf(to) !== 'electron'),
    why: 'It serves agents of other versions too: only what is published or pure is common.',
  },
  {
    name: 'the simulated fleet knows besides how an agent proves who it is and when it comes',
    of: /^collector\/load\//,
    to: (to) =>
      to.startsWith('collector/') ||
      ['agent/wire.ts', 'agent/sync/proof.ts', 'agent/sync/schedule.ts'].includes(to) ||
      (!isFile(to) && packageOf(to) !== 'electron'),
    why: 'It speaks as an agent would, and measures the agent’s own schedule.',
  },
  {
    name: 'the collector’s door for SQL is its store',
    of: /^collector\/(?!store\/|migrations\/|database\.ts)/,
    to: (to) => !['kysely/migration', 'pg', '@electric-sql/pglite'].includes(to),
    why: 'Every statement stands in one folder.',
  },
  {
    name: 'nothing of the product imports the collector',
    of: /^(agent|electron|renderer|native-catalog)\//,
    to: (to) => !to.startsWith('collector/'),
    why: 'The arrow never turns round.',
  },
  {
    name: 'deciding is pure',
    of: /^(agent\/(sync\/(schedule|items)|policy\/(decide|words|sentences|versions?|near|account-kind|collect|reviews|backing|simulate)|inventory|usage|sightings|acting\/wanted|mcp\/(identity|reach|risks|risks\/\w+|agent-settings\/\w+|score|running|secrets))|electron\/main\/(tray|notify))\.ts$/,
    to: (to) => isFile(to) || to === 'node:crypto' || to === 'node:path',
    why: 'Menus, notices, risks and verdicts are functions of values.',
  },
];

describe('who may import what', () => {
  for (const { name, of, to, why } of ARROWS) {
    it(name, () => {
      expect(
        files.filter((file) => of.test(file)),
        'a rule about no file',
      ).not.toEqual([]);
      expect(
        breaks((each) => of.test(each.from) && !to(each.to)),
        why,
      ).toEqual([]);
    });
  }
});

/** The only files through which each outside thing is reached. */
const DOORS: readonly { thing: string; imports: readonly string[]; through: readonly string[]; why: string }[] = [
  {
    thing: 'SQLite',
    imports: ['better-sqlite3'],
    through: ['agent/sqlite.ts', 'agent/lock.ts', 'collector/folder-lock.ts'],
    why: 'One place knows pragmas and refusals; the locks are file locks.',
  },
  { thing: 'watching files', imports: ['chokidar'], through: ['agent/observe/watch.ts'], why: 'Only named files are watched.' },
  {
    thing: 'other programs',
    imports: ['node:child_process'],
    through: ['agent/observe/os.ts', 'electron/main/agent-process.ts'],
    why: 'No tool is ever started; main starts the agent.',
  },
  {
    thing: 'the network',
    imports: ['node:https', 'node:http2', 'node:dgram', 'node:tls', 'node:dns'],
    through: ['agent/sync/direct-post.ts'],
    why: 'Only the check-in leaves this computer; agent/sync.ts is the door to it.',
  },
  {
    thing: 'HTTP without TLS',
    imports: ['node:http'],
    through: ['agent/observe/containers.ts', 'agent/sync/direct-post.ts'],
    why: 'The one is given a container engine’s socket of this computer and never a host; the other a collector on this computer itself.',
  },
  {
    thing: 'native calls',
    imports: ['koffi'],
    through: ['agent/observe/processes/win32-api.ts'],
    why: 'One place declares what Windows offers.',
  },
  {
    thing: 'the window in front',
    imports: ['get-windows'],
    through: ['agent/observe/foreground/darwin.ts'],
    why: 'Only the foreground observer.',
  },
];

describe('one door an outside thing', () => {
  for (const { thing, imports: names, through, why } of DOORS) {
    it(`${thing}: ${through.join(', ') || 'nowhere'}`, () => {
      const inProduct = /^(agent|electron|renderer|native-catalog)\//;
      expect(
        breaks(({ from, to }) => inProduct.test(from) && names.includes(packageOf(to)) && !through.includes(from)),
        why,
      ).toEqual([]);
      const used = new Set(imports.filter(({ to }) => names.includes(packageOf(to))).map(({ from }) => from));
      expect(
        through.filter((door) => !used.has(door)),
        'a door that leads nowhere any more',
      ).toEqual([]);
    });
  }

  it('SQL stands in the store, the file-opening, the lock and the reader of other programs’ state', () => {
    const doors = ['agent/store/', 'agent/sqlite.ts', 'agent/lock.ts', 'agent/observe/state-db.ts'];
    const statement = /\.prepare\(|\.pragma\(|\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|BEGIN EXCLUSIVE)\b/;
    const code = (file: string) => (text.get(file) ?? '').replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');
    expect(
      files.filter((file) => file.startsWith('agent/') && !doors.some((door) => file.startsWith(door)) && statement.test(code(file))),
    ).toEqual([]);
  });

  it('of the collector, SQL stands in its store and its migrations; the simulator fills and measures a database of its own', () => {
    const doors = ['collector/store/', 'collector/migrations/', 'collector/database.ts', 'collector/load/'];
    const statement = /\bsql(<[^`]*>)?`|\.(selectFrom|insertInto|updateTable|deleteFrom)\(/;
    const using = files.filter((file) => file.startsWith('collector/') && statement.test(text.get(file) ?? ''));
    expect(using.filter((file) => !doors.some((door) => file.startsWith(door)))).toEqual([]);
    expect(using.length).toBeGreaterThan(5);
  });

  it('the container observer speaks to a local socket and to no host', () => {
    const code = text.get('agent/observe/containers.ts') ?? '';
    expect(code.match(/\brequest\(\{[^}]*/g)).toHaveLength(1);
    expect(code).toMatch(/\brequest\(\{ socketPath,/);
    expect(code).not.toMatch(/\b(hostname|port|createConnection|createServer)\b:?/);
  });

  it('only agent/act changes anything of other programs: it alone ends processes, and only it is asked to write their files', () => {
    const code = (file: string) => (text.get(file) ?? '').replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');
    const ending = files.filter((file) => file.startsWith('agent/') && /\bprocess\.kill\(/.test(code(file)));
    expect(ending.filter((file) => !/process\.kill\([^,]+, 0\)/.test(code(file)))).toEqual(['agent/act/end-process.ts']);
    const askers = imports.filter(({ to, typeOnly }) => to.startsWith('agent/act/') && !typeOnly).map(({ from }) => from);
    expect([...new Set(askers)].filter((from) => !from.startsWith('agent/act/'))).toEqual(['agent/acting.ts']);
  });

  it('no global fetch, WebSocket or EventSource in the product, but for the self-test that sees them refused', () => {
    const refused = 'electron/main/self-test.ts';
    const code = (file: string) => (text.get(file) ?? '').replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');
    expect(
      files.filter(
        (file) =>
          !/^(build|collector)\//.test(file) &&
          file !== refused &&
          /(?<![.\w'])(fetch|WebSocket|EventSource|XMLHttpRequest)\(/.test(code(file)),
      ),
    ).toEqual([]);
  });
});

describe('house style', () => {
  it('every file says first what it is for', () => {
    expect(files.filter((file) => !/^(#!.*\n)?(\/\*\*|\/\/|\/\/\/)/.test(text.get(file) ?? ''))).toEqual([]);
  });

  it('no file or folder has a name that says nothing', () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared|types)(\/|\.)/.test(file))).toEqual([]);
  });

  it('no default exports', () => {
    expect(files.filter((file) => /^export default/m.test(text.get(file) ?? '') && !file.endsWith('.d.ts'))).toEqual([]);
  });
});
