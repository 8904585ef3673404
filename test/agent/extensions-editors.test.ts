/** Extensions of editors, from records in the editors' own form on three platforms: which, whose, which version, and on or off. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createExtensionObserver } from '../../agent/observe/extensions.ts';
import { archive, computer, fixture, lines, observe, planted, stateDatabase } from './extensions-tree.ts';
import { plant, type Tree } from './installed-tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-extensions-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folders = (dir: string, ...names: readonly string[]): Tree => Object.fromEntries(names.map((name) => [`${dir}/${name}`, null]));

describe('VS Code and the editors made from it', () => {
  const extensions = 'home/ada/.vscode/extensions';
  const user = 'home/ada/.config/Code/User';
  const installed = folders(
    extensions,
    'github.copilot-1.372.0',
    'anthropic.claude-code-2.0.46-linux-x64',
    'saoudrizwan.claude-dev-3.38.1',
    'esbenp.prettier-vscode-11.0.0',
    'codeium.codeium-1.48.2',
  );

  it('says what each profile has, and which of it is switched off there', async () => {
    plant(root, {
      ...installed,
      [`${extensions}/extensions.json`]: fixture('vscode-extensions.json'),
      // Removed from the list of folders but not from the record: continue.continue has no folder.
      [`${extensions}/.obsolete`]: '{"esbenp.prettier-vscode-11.0.0":true,"nobody.gone-1.0.0":true}',
      [`${user}/globalStorage/storage.json`]: fixture('vscode-storage.json'),
      [`${user}/profiles/-4a1c7f2e/extensions.json`]: fixture('vscode-profile-extensions.json'),
    });
    stateDatabase(path.join(root, user, 'globalStorage/state.vscdb'), ['GitHub.copilot']);
    stateDatabase(path.join(root, user, 'profiles/-4a1c7f2e/globalStorage/state.vscdb'), ['codeium.codeium']);
    const seen = await observe(root, 'linux');
    expect(seen).toMatchObject({ troubles: [], incomplete: [] });
    expect(lines(seen)).toEqual([
      // Somebody develops it in a folder of their own, which isn't named.
      'VS Code · ada.secret-project-tools 0.0.1 · on · Default on · 1b2c3d4e on',
      'VS Code · anthropic.claude-code 2.0.46 · on · Default on · 1b2c3d4e on',
      'VS Code · codeium.codeium 1.48.2 · off · Python off',
      'VS Code · github.copilot 1.372.0 · on · Default off · Python on · 1b2c3d4e off · Empty off',
      'VS Code · saoudrizwan.claude-dev 3.38.1 · on · Default on · Python on · 1b2c3d4e on',
    ]);
    const copilot = seen.observations.find((one) => one.kind === 'extension' && one.id === 'github.copilot');
    expect(copilot).toMatchObject({
      host: 'vscode',
      folder: null,
      permissions: [],
      path: path.join(root, extensions, 'github.copilot-1.372.0'),
      home: path.join(root, 'home/ada'),
    });
    for (const word of planted) expect(JSON.stringify(seen)).not.toContain(word);
  });

  it('has no profiles where there is only the one that everybody has, and knows nothing of switches that were never written', async () => {
    plant(root, { ...installed, [`${extensions}/extensions.json`]: fixture('vscode-extensions.json') });
    expect(lines(await observe(root, 'linux'))).toContain('VS Code · github.copilot 1.372.0 · ?');
    stateDatabase(path.join(root, user, 'globalStorage/state.vscdb'), []);
    expect(lines(await observe(root, 'linux'))).toContain('VS Code · github.copilot 1.372.0 · on');
  });

  it('takes the folders where there is no record, as unpacked from the marketplace, without those that are given up', async () => {
    const manifest = fixture('vscode-package.json');
    plant(root, {
      [`${extensions}/openai.chatgpt-0.5.48-linux-x64/package.json`]: manifest,
      [`${extensions}/openai.chatgpt-0.5.47-linux-x64/package.json`]: manifest.replace('0.5.48', '0.5.47'),
      [`${extensions}/github.copilot-1.372.0/package.json`]: '{"name":"copilot","version":"1.372.0"}',
      [`${extensions}/empty.removed-1.0.0`]: null,
      [`${extensions}/not-an-extension`]: null,
      [`${extensions}/.obsolete`]: '{"github.copilot-1.372.0":true}',
    });
    const seen = await observe(root, 'linux');
    expect(lines(seen)).toEqual(['VS Code · openai.chatgpt 0.5.48 · ?']);
    expect(JSON.stringify(seen)).not.toContain('planted');
  });

  it('reads the manifests only of what is wanted', async () => {
    plant(root, {
      [`${extensions}/openai.chatgpt-0.5.48/package.json`]: fixture('vscode-package.json'),
      [`${extensions}/ada.private-0.1.0/package.json`]: null,
    });
    const { os, home } = computer(root, 'linux');
    const asked: string[] = [];
    const wants = (_host: string, id: string) => asked.push(id) > 0 && id === 'openai.chatgpt';
    const seen = await createExtensionObserver(os, { homes: [home], wants }).look();
    expect(asked).toEqual(expect.arrayContaining(['openai.chatgpt', 'ada.private']));
    expect(lines(seen)).toEqual(['VS Code · openai.chatgpt 0.5.48 · ?']);
    expect(seen.troubles).toEqual([]);
  });

  it.each([
    ['darwin', 'Users/ada/.cursor/extensions', 'Users/ada/Library/Application Support/Cursor/User', 'Cursor'],
    ['win32', 'C:/Users/ada/.windsurf/extensions', 'C:/Users/ada/AppData/Roaming/Windsurf/User', 'Windsurf'],
    ['linux', 'home/ada/.antigravity/extensions', 'home/ada/.config/Antigravity/User', 'Antigravity'],
    ['linux', 'home/ada/.vscode-server/extensions', 'home/ada/.vscode-server/data/User', 'VS Code Server'],
    ['linux', 'home/ada/.local/share/code-server/extensions', 'home/ada/.local/share/code-server/User', 'code-server'],
    [
      'linux',
      'home/ada/.var/app/com.vscodium.codium/data/codium/extensions',
      'home/ada/.var/app/com.vscodium.codium/config/VSCodium/User',
      'VSCodium',
    ],
    [
      'win32',
      'C:/Users/ada/AppData/Local/Programs/Microsoft VS Code/data/extensions',
      'C:/Users/ada/AppData/Local/Programs/Microsoft VS Code/data/user-data/User',
      'VS Code',
    ],
  ] as const)('finds on %s %s', async (platform, dir, data, program) => {
    plant(root, { [`${dir}/extensions.json`]: fixture('vscode-extensions.json'), ...folders(dir, 'github.copilot-1.372.0') });
    stateDatabase(path.join(root, data, 'globalStorage/state.vscdb'), ['github.copilot']);
    expect(lines(await observe(root, platform))).toContain(`${program} · github.copilot 1.372.0 · off`);
  });

  it('finds what a variable has moved', async () => {
    const portable = path.join(root, 'home/ada/usb');
    plant(root, { 'home/ada/usb/extensions/openai.chatgpt-0.5.48/package.json': fixture('vscode-package.json') });
    expect(lines(await observe(root, 'linux', { VSCODE_PORTABLE: portable }))).toEqual(['VS Code · openai.chatgpt 0.5.48 · ?']);
  });

  it('looks again only at what has changed, and sees what has', async () => {
    plant(root, { [`${extensions}/extensions.json`]: fixture('vscode-extensions.json'), ...installed });
    const { os, home } = computer(root, 'linux');
    const observer = createExtensionObserver(os, { homes: [home], wants: () => true });
    const before = lines(await observer.look());
    expect(lines(await observer.look())).toEqual(before);
    plant(root, {
      [`${extensions}/extensions.json`]:
        '[{"identifier":{"id":"github.copilot"},"version":"2.0.0","relativeLocation":"github.copilot-1.372.0"}]',
    });
    expect(lines(await observer.look())).toEqual(['VS Code · github.copilot 2.0.0 · ?']);
  });
});

describe('JetBrains', () => {
  const xml = fixture('jetbrains-plugin.xml');
  const jar = archive({
    'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\n',
    'com/github/copilot/A.class': 'x'.repeat(5000),
    'META-INF/plugin.xml': xml,
  });
  const other = archive({ 'kotlin/Unit.class': 'x' });

  it.each([
    ['linux', 'home/ada/.local/share/JetBrains/PyCharm2025.2', 'home/ada/.config/JetBrains/PyCharm2025.2', 'PyCharm 2025.2'],
    [
      'linux',
      'home/ada/.config/JetBrains/IdeaIC2025.1/plugins',
      'home/ada/.config/JetBrains/IdeaIC2025.1',
      'IntelliJ IDEA Community 2025.1',
    ],
    [
      'darwin',
      'Users/ada/Library/Application Support/JetBrains/GoLand2025.3/plugins',
      'Users/ada/Library/Application Support/JetBrains/GoLand2025.3',
      'GoLand 2025.3',
    ],
    [
      'darwin',
      'Users/ada/Library/Application Support/Google/AndroidStudio2025.1.2/plugins',
      'Users/ada/Library/Application Support/Google/AndroidStudio2025.1.2',
      'Android Studio 2025.1.2',
    ],
    [
      'win32',
      'C:/Users/ada/AppData/Roaming/JetBrains/Rider2025.2/plugins',
      'C:/Users/ada/AppData/Roaming/JetBrains/Rider2025.2',
      'Rider 2025.2',
    ],
  ] as const)('finds on %s the plugins of %s', async (platform, plugins, config, program) => {
    plant(root, {
      [`${plugins}/github-copilot-intellij/lib/core.jar`]: jar,
      [`${plugins}/github-copilot-intellij/lib/kotlin-stdlib-2.1.20.jar`]: other,
      [`${plugins}/github-copilot-intellij/lib/github-copilot-searchableOptions.jar`]: archive({ 'search/x.xml': '<options/>' }),
      [`${plugins}/single.jar`]: archive({
        'META-INF/plugin.xml': '<idea-plugin><name>Single Plugin</name><version>1</version></idea-plugin>',
      }),
      [`${plugins}/loose/META-INF/plugin.xml`]: '<idea-plugin><id>loose.one</id></idea-plugin>',
      [`${plugins}/unnamed/lib/a.jar`]: other,
      [`${plugins}/.DS_Store`]: '',
      [`${config}/disabled_plugins.txt`]: 'com.github.copilot\r\norg.other\n',
    });
    const seen = await observe(root, platform);
    expect(lines(seen)).toEqual([
      `${program} · Single Plugin 1 · on`,
      `${program} · com.github.copilot 1.5.62-243 · off`,
      `${program} · loose.one - · on`,
      `${program} · unnamed - · ?`,
    ]);
    expect(seen.observations.find((one) => one.kind === 'extension' && one.id === 'com.github.copilot')).toMatchObject({
      host: 'jetbrains',
      folder: 'github-copilot-intellij',
    });
    expect(seen).toMatchObject({ troubles: [], incomplete: [] });
    for (const word of planted) expect(JSON.stringify(seen)).not.toContain(word);
  });

  it('finds the plugins that idea.properties has moved within the home, and none outside of it', async () => {
    const config = 'home/ada/.config/JetBrains/CLion2025.2';
    plant(root, {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the IDE writes the home.
      [`${config}/idea.properties`]: '# comment\nidea.config.path=/x\nidea.plugins.path=${user.home}/ide/plugins\n',
      'home/ada/ide/plugins/copilot/lib/copilot.jar': jar,
      'elsewhere/copilot/lib/copilot.jar': jar,
    });
    expect(lines(await observe(root, 'linux'))).toEqual(['CLion 2025.2 · com.github.copilot 1.5.62-243 · on']);
    plant(root, { [`${config}/idea.properties`]: `idea.plugins.path=${root}/elsewhere\n` });
    expect(lines(await observe(root, 'linux'))).toEqual([]);
  });
});

it('finds extensions of Visual Studio by both forms of their manifest', async () => {
  const local = 'C:/Users/ada/AppData/Local/Microsoft/VisualStudio';
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from(fixture('visual-studio-2.vsixmanifest').replace('Codeium.VisualStudio', 'In.Utf16'), 'utf16le'),
  ]);
  plant(root, {
    [`${local}/17.0_1a2b3c4d/Extensions/qwe12rty.3uv/extension.vsixmanifest`]: fixture('visual-studio-2.vsixmanifest'),
    [`${local}/17.0_1a2b3c4d/Extensions/extensions.en-US.cache`]: '',
    [`${local}/16.0_99aa88bb/Extensions/TabNine/TabNine/1.5.4/extension.vsixmanifest`]: fixture('visual-studio-1.vsixmanifest'),
    [`${local}/18.0_99aa88bb/Extensions/a/extension.vsixmanifest`]: utf16,
    'C:/ProgramData/Microsoft/VisualStudio/17.0/Extensions/Everybody/x/extension.vsixmanifest': fixture(
      'visual-studio-2.vsixmanifest',
    ).replace('Codeium.VisualStudio', 'For.Everybody'),
    [`${local}/Packages/a/extension.vsixmanifest`]: fixture('visual-studio-1.vsixmanifest'),
  });
  const seen = await observe(root, 'win32');
  expect(lines(seen)).toEqual([
    'Visual Studio 2019 · TabNine.TabNine 1.5.4 · ?',
    'Visual Studio 2022 · Codeium.VisualStudio 1.8.92 · ?',
    'Visual Studio 2022 · For.Everybody 1.8.92 · ?',
    'Visual Studio 2026 · In.Utf16 1.8.92 · ?',
  ]);
  expect(seen.observations.map(({ home }) => home === null)).toEqual(expect.arrayContaining([true, false]));
  expect(JSON.stringify(seen)).not.toContain('planted');
});

it('finds plugins of Neovim and Vim by their folders', async () => {
  plant(root, {
    ...folders('home/ada/.local/share/nvim/lazy', 'copilot.lua', 'avante.nvim', 'lazy.nvim'),
    ...folders('home/ada/.local/share/nvim-kickstart/lazy', 'codecompanion.nvim'),
    ...folders('home/ada/.local/share/nvim/site/pack/packer/start', 'copilot.vim'),
    ...folders('home/ada/.config/nvim/pack/ai/opt', 'windsurf.vim'),
    ...folders('home/ada/.vim/plugged', 'vim-ai'),
    ...folders('home/ada/.vim/pack/github/start', 'copilot.vim'),
    'home/ada/.local/share/nvim/lazy/readme.md': '',
    'home/ada/src/copilot-dev': null,
    'home/ada/.vim/plugged/linked': { link: '../../src/copilot-dev' },
  });
  expect(lines(await observe(root, 'linux'))).toEqual([
    'Neovim · avante.nvim - · ?',
    'Neovim · codecompanion.nvim - · ?',
    'Neovim · copilot.lua - · ?',
    'Neovim · copilot.vim - · on',
    'Neovim · lazy.nvim - · ?',
    'Neovim · windsurf.vim - · ?',
    'Vim · copilot.vim - · on',
    'Vim · linked - · ?',
    'Vim · vim-ai - · ?',
  ]);
  plant(root, folders('C:/Users/ada/AppData/Local/nvim-data/lazy', 'copilot.lua'));
  expect(lines(await observe(root, 'win32'))).toEqual(['Neovim · copilot.lua - · ?']);
});

it.each([
  ['linux', 'home/ada/.local/share/zed/extensions'],
  ['darwin', 'Users/ada/Library/Application Support/Zed/extensions'],
  ['win32', 'C:/Users/ada/AppData/Local/Zed/extensions'],
] as const)('finds extensions of Zed on %s', async (platform, dir) => {
  plant(root, { [`${dir}/index.json`]: fixture('zed-index.json'), ...folders(`${dir}/installed`, 'mcp-server-context7', 'not-indexed') });
  const seen = await observe(root, platform);
  expect(lines(seen)).toEqual(['Zed · mcp-server-context7 0.4.1 · on', 'Zed · not-indexed - · on']);
});

it('finds bundles of Eclipse, the newest of each', async () => {
  plant(root, {
    'home/ada/.p2/pool/plugins/com.microsoft.copilot.eclipse.core_0.14.0.202511030630.jar': '',
    'home/ada/.p2/pool/plugins/com.microsoft.copilot.eclipse.core_0.9.0.202508010630.jar': '',
    'home/ada/eclipse/java-2025-09/eclipse/features/com.microsoft.copilot.eclipse.feature_0.14.0.202511030630': null,
    'home/ada/eclipse/java-2025-09/eclipse/dropins/tabnine/plugins/com.tabnine.eclipse_1.2.3.jar': '',
    'home/ada/eclipse/java-2025-09/eclipse/plugins/readme.txt': '',
  });
  expect(lines(await observe(root, 'linux'))).toEqual([
    'Eclipse · com.microsoft.copilot.eclipse.core 0.14.0.202511030630 · ?',
    'Eclipse · com.microsoft.copilot.eclipse.feature 0.14.0.202511030630 · ?',
    'Eclipse · com.tabnine.eclipse 1.2.3 · ?',
  ]);
});
