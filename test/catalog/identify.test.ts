/** Which tool an observation belongs to: the rules one by one, and what holds of any observation at all. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../agent/observe/observation.ts';
import { parseCatalog } from '../../native-catalog/catalog.ts';
import { observationOf } from '../../native-catalog/examples.ts';
import { rawCatalog, readCatalogFiles } from '../../native-catalog/files.ts';
import { isInterpreter } from '../../native-catalog/program-path.ts';
import type { Example } from '../../native-catalog/schema.ts';

const [raw, names] = rawCatalog(readCatalogFiles(path.resolve(import.meta.dirname, '../../native-catalog')));
/** Frozen through and through, so that whatever changed the entries would throw. */
const catalog = parseCatalog(deepFreeze(raw), names, { trusted: true });
const entries = [...catalog.entries.values()];

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** `codex certain`, or `nothing`. */
function found(seen: Observation, titles = false): string {
  const match = catalog.identify(seen, { titles });
  return match ? `${match.entry.id} ${match.strength}` : 'nothing';
}
const process = (exe: string | null, given: Partial<Extract<Observation, { kind: 'process' }>> = {}): Observation => ({
  kind: 'process',
  pid: 7,
  parent: 1,
  startedAt: '1',
  exe,
  args: exe ? [exe] : [],
  script: null,
  module: null,
  bundleId: null,
  home: null,
  owner: 'self',
  ...given,
});
const node = (script: string) => process('/usr/bin/node', { script });
const example = (one: Example) => observationOf(one);
const L = '/usr/local/lib/node_modules';

describe('a process', () => {
  it.each([
    // Inside a package's folder, whichever tool laid the folders out.
    [node(`${L}/@openai/codex/bin/codex.js`), 'codex certain'],
    [
      node('/home/ada/.local/share/pnpm/global/5/.pnpm/@google+gemini-cli@0.61.0/node_modules/@google/gemini-cli/dist/index.js'),
      'gemini-cli certain',
    ],
    [
      process('/home/ada/.bun/bin/bun', { script: '/home/ada/.bun/install/global/node_modules/opencode-ai/bin/opencode' }),
      'opencode certain',
    ],
    [node('/home/ada/.npm/_npx/ab12/node_modules/@qwen-code/qwen-code/dist/index.js'), 'qwen-code certain'],
    [process('/usr/bin/python3.12', { script: '/home/ada/.local/share/pipx/venvs/aider-chat/bin/aider' }), 'aider certain'],
    [process('/usr/bin/python3.12', { script: '/home/ada/.local/share/uv/tools/Aider_Chat/bin/aider' }), 'aider certain'],
    [process('/usr/bin/python3.12', { script: '/home/ada/app/.venv/lib/python3.12/site-packages/aider/__main__.py' }), 'aider certain'],
    [process('/usr/bin/python3.12', { module: 'vllm.entrypoints.openai.api_server' }), 'vllm certain'],
    [process('/opt/homebrew/Caskroom/claude-code@latest/2.1.197/claude'), 'claude-code certain'],
    [process('/opt/homebrew/Cellar/llama.cpp/5000/bin/llama-bench'), 'llama-cpp certain'],
    [process('/snap/pi-coding-agent/12/bin/pi'), 'pi certain'],
    [process('/var/lib/flatpak/app/dev.zed.Zed/x86_64/stable/active/files/libexec/zed-editor'), 'zed certain'],
    [process('C:\\Program Files\\WindowsApps\\OpenAI.Codex_26.1.0.0_x64__2p2nqsd0c76g0\\app\\ChatGPT.exe'), 'chatgpt certain'],
    // A platform package belongs to the package that it is for.
    [process(`${L}/@openai/codex/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex`), 'codex certain'],
    [process(`${L}/@anthropic-ai/claude-code-linux-arm64-musl/claude`), 'claude-code certain'],
    [process(`${L}/opencode-linux-x64-baseline/bin/opencode`), 'opencode certain'],
    // npm moves a package aside while it replaces it, and Linux marks the deleted program.
    [process(`${L}/@anthropic-ai/.claude-code-Ab12Cd34/bin/claude.exe`), 'claude-code certain'],
    [process('/home/ada/.local/share/claude/versions/2.1.196 (deleted)'), 'claude-code certain'],
    // The innermost folder that belongs to a tool decides.
    [node(`${L}/some-app/node_modules/@anthropic-ai/claude-code/cli.js`), 'claude-code certain'],
    [node(`${L}/openclaw/node_modules/@openai/codex/bin/codex.js`), 'codex certain'],
    [node(`${L}/openclaw/node_modules/playwright-core/cli.js`), 'openclaw certain'],
    [node('/home/ada/some-app/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js'), 'nothing'],
    [node('/home/ada/.npm/_npx/ab12/node_modules/@modelcontextprotocol/server-memory/dist/index.js'), 'nothing'],
    [
      process('/Applications/Devin.app/Contents/Resources/app/extensions/windsurf/devin/bin/devin', {
        bundleId: 'com.exafunction.windsurf',
      }),
      'devin-cli certain',
    ],
    [
      process('/opt/homebrew/Caskroom/devin-desktop/1/Devin.app/Contents/Resources/app/extensions/windsurf/devin/bin/devin'),
      'devin-cli certain',
    ],
    // A place alone that nobody confirmed is weak, and does not hide what the name tells.
    [process('/home/ada/.config/manicode/x'), 'codebuff weak'],
    [process('/home/ada/.config/manicode/codebuff'), 'codebuff likely'],
    // Folders that only look like a package manager's.
    [process('/home/ada/snap/pi-coding-agent/12/x'), 'nothing'],
    [process('/usr/bin/python3.12', { script: '/home/ada/venvs/aider-chat/bin/x' }), 'nothing'],
    [process('/usr/bin/python3.12', { script: '/home/ada/tools/aider-chat/bin/x' }), 'nothing'],
    [node('/home/ada/app/node_modules/.bin/codex'), 'codex weak'],
    // Places, and in which case they are compared.
    [process('c:\\users\\ada\\appdata\\local\\programs\\CURSOR\\cursor.exe'), 'cursor certain'],
    [process('/opt/cursor/something'), 'nothing'],
    [process('/Applications/kiro cli.app/Contents/MacOS/kiro-cli'), 'kiro-cli certain'],
    [process('/home/ada/share/claude/version/x'), 'nothing'],
    // Bundles, and the helpers inside.
    [process('/Applications/Claude.app/Contents/MacOS/Claude', { bundleId: 'com.anthropic.claudefordesktop' }), 'claude-desktop certain'],
    [process('/x', { bundleId: 'com.anthropic.claudefordesktop.helper.Renderer' }), 'claude-desktop certain'],
    [process('/Applications/Trae.app/Contents/MacOS/Electron', { bundleId: 'com.trae.app' }), 'trae certain'],
    // Names.
    [process('/usr/local/bin/ollama'), 'ollama likely'],
    [process('D:\\bin\\OLLAMA.EXE'), 'ollama likely'],
    [process('/usr/local/bin/OLLAMA'), 'nothing'],
    [process('/usr/local/bin/ollama (deleted)'), 'ollama likely'],
    [process('/usr/bin/claude'), 'claude-code weak'],
    [process('/usr/bin/python3', { script: '/usr/local/bin/aider' }), 'aider likely'],
    // Runners are never the tool that they run.
    [node(`${L}/npm/bin/npx-cli.js`), 'nothing'],
    [process('/usr/bin/uvx'), 'nothing'],
    [process('/bin/sh', { args: ['sh', '-c', 'claude --print hello'] }), 'nothing'],
    [process('/home/ada/.local/share/cursor-agent/versions/1/node'), 'nothing'],
    [
      process('/home/ada/.local/share/cursor-agent/versions/1/node', { script: '/home/ada/.local/share/cursor-agent/versions/1/index.js' }),
      'cursor-cli certain',
    ],
    // Another user's process shows only what it calls itself.
    [process(null, { args: ['/usr/local/bin/ollama', 'serve'] }), 'ollama likely'],
    [process(null, { args: ['/home/bob/.local/share/claude/versions/2.1.0'] }), 'claude-code likely'],
    [process(null, { args: ['ollama', 'serve'] }), 'nothing'],
    [process(null), 'nothing'],
  ])('%j is %s', (seen, expected) => {
    expect(found(seen)).toBe(expected);
  });

  it.each(
    'q pi amp goose dia droid claude gemini codex copilot jan zed mods llm crush fabric kode mux agent code cursor warp void'.split(' '),
  )('called %s is never a tool by that name alone', (name) => {
    for (const exe of [`/usr/local/bin/${name}`, `C:\\Tools\\${name}.exe`]) {
      expect(catalog.identify(process(exe))?.strength ?? 'weak').toBe('weak');
      expect(catalog.identify(example({ binary: { path: exe } }))?.strength ?? 'weak').toBe('weak');
    }
  });
});

describe('an interpreter', () => {
  it.each(
    'node nodejs bun deno electron python python3 python3.11 python3.13t node22 node-24 ruby3.2 perl5.36.0 pypy3 java bash zsh sh dash lua5.4 pwsh Python'.split(
      ' ',
    ),
  )('%s is one', (name) => {
    expect(isInterpreter(name)).toBe(true);
  });

  it.each('claude node_exporter pythonia ollama codex bunny javac shellcheck'.split(' '))('%s is none', (name) => {
    expect(isInterpreter(name)).toBe(false);
  });

  it('is nothing without a script, wherever it lies', () => {
    const folders = entries.flatMap((entry) => entry.detect.paths ?? []);
    fc.assert(
      fc.property(fc.constantFrom(...folders), fc.constantFrom('node', 'python3.12', 'bun', 'java', 'bash'), (folder, name) => {
        expect(found(process(`/x/${folder}/bin/${name}`))).toBe('nothing');
      }),
    );
  });
});

it('the pattern that ends innermost wins, whichever segment it is found by', () => {
  const entry = (id: string, paths: string[]) => ({
    id,
    family: null,
    name: id,
    vendor: id,
    category: 'chat',
    surface: 'desktop',
    detect: { paths },
    examples: [{ process: { exe: '/' } }],
    sources: ['x'],
  });
  for (const outer of ['outer/mid', 'mid']) {
    const two = parseCatalog({ entries: [entry('inner', ['rare/mid/end']), entry('outer', [outer])], families: [] });
    expect(two.identify(process('/outer/rare/mid/end/x'))?.entry.id).toBe('inner');
    expect(two.identify(process('/rare/mid/end/outer/mid/x'))?.entry.id).toBe('outer');
  }
});

describe('a window', () => {
  const window = (title: string, exe: string | null = '/usr/lib/firefox/firefox'): Observation => ({
    kind: 'window',
    pid: 1,
    exe,
    bundleId: null,
    appName: null,
    title,
  });

  it('is matched by its title only where policy allows, and then weakly', () => {
    expect(found(window('A plan - ChatGPT'))).toBe('nothing');
    expect(found(window('A plan - ChatGPT'), true)).toBe('chatgpt weak');
    expect(found(window('\u200eGoogle Gemini'), true)).toBe('google-gemini weak');
    expect(found(window('ChatGPT is down - Hacker News'), true)).toBe('nothing');
  });

  it('of a browser that is a tool itself is what its title says, where policy allows', () => {
    const chrome = 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe';
    expect(found(window('A plan - ChatGPT', chrome), true)).toBe('chatgpt weak');
    expect(found(window('A plan - ChatGPT', chrome))).toBe('google-chrome certain');
    expect(found(window('Weather', chrome), true)).toBe('google-chrome certain');
    expect(found(window('A plan - ChatGPT', 'C:\\Users\\ada\\AppData\\Local\\Programs\\cursor\\Cursor.exe'), true)).toBe('cursor certain');
  });

  it('is matched by its program', () => {
    expect(found(window('', 'C:\\Users\\ada\\AppData\\Local\\Programs\\cursor\\Cursor.exe'))).toBe('cursor certain');
  });
});

describe('a package', () => {
  it.each([
    ['npm', '@openai/codex', 'codex certain'],
    ['npm', '@OpenAI/codex', 'nothing'],
    ['npm', 'codex', 'nothing'],
    ['npm', 'pi', 'nothing'],
    ['pypi', 'Aider.Chat', 'aider certain'],
    ['brew', 'sst/tap/llama.cpp', 'llama-cpp certain'],
    ['brew', 'gemini-cli', 'gemini-cli weak'],
    ['cask', 'copilot-cli@prerelease', 'copilot-cli certain'],
    ['dpkg', 'claude-desktop:amd64', 'claude-desktop certain'],
    ['dpkg', 'dia', 'nothing'],
    ['msix', 'Claude_1.5.0.0_x64__pzs8sxrjxfjjc', 'claude-desktop certain'],
    ['msix', 'Claude_pzs8sxrjxfjjc', 'claude-desktop certain'],
    ['msix', 'Claude', 'claude-desktop likely'],
    ['msix', 'Claude_aaaaaaaaaaaaa', 'nothing'],
    ['msix', 'OpenAI.Codex', 'chatgpt certain'],
  ] as const)('%s %s is %s', (manager, name, expected) => {
    const seen: Observation = { kind: 'package', manager, name, version: null, path: null, home: null };
    expect(found(seen)).toBe(expected);
    expect(catalog.wantsPackage(manager, name)).toBe(expected !== 'nothing');
  });
});

describe('an application', () => {
  const app = (
    platform: 'darwin' | 'linux' | 'win32',
    appId: string,
    more: { name?: string; publisher?: string; path?: string } = {},
  ): Observation => ({
    kind: 'app',
    platform,
    appId,
    name: more.name ?? appId,
    publisher: more.publisher ?? null,
    version: null,
    path: more.path ?? null,
    home: null,
  });

  it.each([
    [app('darwin', 'company.thebrowser.dia'), 'dia certain'],
    [app('darwin', 'org.gnome.Dia'), 'nothing'],
    [app('linux', 'dev.zed.Zed'), 'zed certain'],
    [app('linux', 'code'), 'vscode weak'],
    [app('linux', 'code', { path: '/usr/share/code/code' }), 'vscode certain'],
    [app('linux', 'dia'), 'nothing'],
    [app('win32', '{5c1}', { name: 'LM Studio 0.3.5' }), 'lm-studio likely'],
    [app('win32', '{5c1}', { name: 'Cursor (User)' }), 'cursor weak'],
    [app('win32', '{5c1}', { name: 'Cursor (User)', publisher: 'Anysphere' }), 'cursor likely'],
    [app('win32', '{5c1}', { name: 'Claude', publisher: 'Anthropic, PBC' }), 'claude-desktop likely'],
    [app('win32', '{5c1}', { name: 'Jan', publisher: 'Jan Novak' }), 'jan weak'],
    [app('win32', '{5c1}', { name: 'x', path: 'C:\\Users\\ada\\AppData\\Local\\Programs\\Jan' }), 'jan certain'],
    [app('win32', 'Cloudflare WARP', { name: 'Cloudflare WARP' }), 'nothing'],
  ])('%j is %s', (seen, expected) => {
    expect(found(seen)).toBe(expected);
  });
});

describe('a binary', () => {
  it.each([
    ['/home/ada/.local/bin/claude', '/home/ada/.local/share/claude/versions/2.1.197', 'claude-code certain'],
    ['/usr/local/bin/gemini', `${L}/@google/gemini-cli/dist/index.js`, 'gemini-cli certain'],
    ['/home/ada/.amp/bin/amp', '/home/ada/.amp/bin/amp', 'amp certain'],
    ['/opt/homebrew/bin/goose', '/opt/homebrew/Cellar/goose/3.24.1/bin/goose', 'goose weak'],
    ['/usr/local/bin/aider', '/usr/local/bin/aider', 'aider likely'],
    ['C:\\Users\\ada\\AppData\\Roaming\\npm\\opencode.cmd', 'C:\\Users\\ada\\AppData\\Roaming\\npm\\opencode.cmd', 'opencode likely'],
  ])('%s → %s is %s', (file, target, expected) => {
    expect(found({ kind: 'binary', name: path.posix.basename(file), path: file, target, home: null })).toBe(expected);
  });
});

it('a config is weak evidence for the entry that it names', () => {
  expect(found({ kind: 'config', entry: 'codex', path: '/x', home: null })).toBe('codex weak');
  expect(found({ kind: 'config', entry: 'nobody', path: '/x', home: null })).toBe('nothing');
});

describe('any observation', () => {
  // Words of the catalog among arbitrary ones, so that the generated paths come near to matching.
  const words: string[] = [
    ...new Set(
      entries.flatMap(({ detect }) => [
        ...(detect.paths ?? []),
        ...(detect.commonBinaries ?? []),
        ...Object.values(detect.packages ?? {}).flatMap((list) => list ?? []),
      ]),
    ),
  ];
  const layout =
    'node_modules .pnpm site-packages Cellar Caskroom snap flatpak app WindowsApps pipx venvs uv tools @openai codex-linux-x64 .exe (deleted)'.split(
      ' ',
    );
  const segment = fc.oneof(fc.string(), fc.constantFrom(...words), fc.constantFrom(...layout), fc.constant(''), fc.constant('..'));
  const anyPath = fc.oneof(
    fc
      .tuple(fc.constantFrom('/', '\\', 'C:\\', ''), fc.array(segment, { maxLength: 12 }), fc.constantFrom('/', '\\'))
      .map(([root, list, slash]) => root + list.join(slash)),
    fc.string({ unit: 'binary' }),
  );
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...words));
  const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });
  const observation: fc.Arbitrary<Observation> = fc.oneof(
    fc.record({
      kind: fc.constant('process' as const),
      pid: fc.nat(),
      parent: fc.nat(),
      startedAt: text,
      exe: maybe(anyPath),
      args: fc.array(text),
      script: maybe(anyPath),
      module: maybe(text),
      bundleId: maybe(text),
      home: maybe(anyPath),
      owner: fc.constantFrom('self' as const, 'system' as const, 'other' as const),
    }),
    fc.record({
      kind: fc.constant('window' as const),
      pid: fc.nat(),
      exe: maybe(anyPath),
      bundleId: maybe(text),
      appName: maybe(text),
      title: maybe(text),
    }),
    fc.record({
      kind: fc.constant('package' as const),
      manager: fc.constantFrom('npm', 'pypi', 'brew', 'cask', 'snap', 'flatpak', 'dpkg', 'cargo', 'msix'),
      name: text,
      version: maybe(text),
      path: maybe(anyPath),
      home: maybe(anyPath),
    }),
    fc.record({
      kind: fc.constant('app' as const),
      platform: fc.constantFrom('darwin', 'linux', 'win32'),
      appId: text,
      name: text,
      publisher: maybe(text),
      version: maybe(text),
      path: maybe(anyPath),
      home: maybe(anyPath),
    }),
    fc.record({ kind: fc.constant('binary' as const), name: text, path: anyPath, target: anyPath, home: maybe(anyPath) }),
    fc.record({ kind: fc.constant('config' as const), entry: text, path: anyPath, home: maybe(anyPath) }),
  );

  it('is answered with an entry or null, the same each time, and changed by nothing', () => {
    fc.assert(
      fc.property(observation, fc.boolean(), (seen, titles) => {
        const match = catalog.identify(deepFreeze(seen), { titles });
        if (match) expect(catalog.entries.get(match.entry.id)).toBe(match.entry);
        expect(match === null || ['certain', 'likely', 'weak'].includes(match.strength)).toBe(true);
        expect(catalog.identify(seen, { titles })).toEqual(match);
      }),
      { numRuns: 3000 },
    );
  });

  it('inside an npm package is that package’s, wherever the folder lies and whatever the file is called', () => {
    const listed = entries.flatMap((entry) =>
      (entry.detect.packages?.npm ?? [])
        .filter((name) => !entry.detect.unverified?.includes(`packages.npm:${name}`))
        .map((name) => ({ entry, name })),
    );
    const plain = fc.stringMatching(/^[a-z0-9 ._-]{1,12}$/).filter((one) => one.trim() !== '' && one !== '.' && one !== '..');
    fc.assert(
      fc.property(
        fc.constantFrom(...listed),
        fc.array(plain, { maxLength: 5 }),
        fc.array(plain, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        ({ entry, name }, before, after, windows) => {
          const parts = [...before, 'node_modules', name, ...after.map((one) => `x${one}`)];
          const script = windows ? `C:\\${parts.join('\\').replaceAll('/', '\\')}` : `/${parts.join('/')}`;
          expect(found(node(script))).toBe(`${entry.id} certain`);
        },
      ),
    );
  });

  it('on Windows does not depend on the case of its path', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 8 }), (list) => {
        const exe = `C:\\${list.join('\\').replaceAll('/', '\\')}`;
        // npm’s, PyPI’s modules’, snap’s and flatpak’s names are exact; they are compared as they are written on every system.
        fc.pre(!/node_modules|-packages|snap|flatpak/i.test(exe));
        expect(found(process(exe.toLowerCase()))).toBe(found(process(exe.toLowerCase().toUpperCase())));
      }),
    );
  });

  it('of a hundred thousand characters is answered at once', () => {
    const long = `/${'node_modules/@openai/codex-linux-x64/'.repeat(3000)}`;
    const seen = [
      process(long),
      node(long),
      process('\\'.repeat(100_000)),
      { kind: 'window', pid: 1, exe: null, bundleId: 'a.helper'.repeat(9000), appName: null, title: ' - '.repeat(40_000) } as const,
    ];
    const spaces: Observation = {
      kind: 'app',
      platform: 'win32',
      appId: ' '.repeat(100_000),
      name: `${'(a) '.repeat(30_000)}1`,
      publisher: null,
      version: null,
      path: null,
      home: null,
    };
    for (const one of [
      ...seen,
      spaces,
      { kind: 'package', manager: 'npm', name: '-linux-x64'.repeat(10_000), version: null, path: null, home: null } as const,
    ])
      catalog.identify(one, { titles: true });
  });
});
