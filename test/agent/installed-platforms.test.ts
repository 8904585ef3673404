/** What is installed on macOS and Windows, from trees laid out as those systems do and from what their own programs really answered. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createInstalledObserver } from '../../agent/observe/installed.ts';
import type { Os } from '../../agent/observe/os.ts';
import { fakeOs } from '../fakes.ts';
import { appsOf, binariesOf, packageJson, packagesOf, plant, type Tree } from './installed-tree.ts';

const secret = 'sk-planted-secret-4711';
const fixture = (name: string) => readFileSync(new URL(`../fixtures/installed/${name}`, import.meta.url));
const uid = process.getuid?.() ?? null;
let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-installed-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('macOS', () => {
  async function look(tree: Tree, names: readonly string[] = [], PATH = '/usr/bin') {
    const home = path.join(root, 'Users/ada');
    mkdirSync(home, { recursive: true });
    plant(root, tree);
    const os = fakeOs({ root, platform: 'darwin', env: { PATH }, user: { name: 'ada', uid, home } });
    return (await createInstalledObserver(os, { homes: [home], binaryNames: new Set(names) })).look();
  }

  test('applications with their bundle identifiers, from XML and binary property lists', async () => {
    const plist = (id: string) => fixture('Info.plist').toString().replaceAll('ai.elementlabs.lmstudio', id);
    const seen = await look({
      'Applications/LM Studio.app/Contents/Info.plist': fixture('Info.plist'),
      'Applications/Cursor.app/Contents/Info.plist': fixture('Info-binary.plist'),
      'Applications/Setapp/TypingMind.app/Contents/Info.plist': plist('com.setapp.typingmind'),
      'Applications/Wrapped.app/Wrapper/Wrapped.app/Info.plist': plist('com.example.ipad'),
      'Applications/Wrapped.app/WrappedBundle': { link: 'Wrapper/Wrapped.app' },
      'Applications/Broken.app/Contents/Info.plist': 'bplist00 and nothing',
      'Applications/Empty.app': null,
      'Applications/.localized': '',
      'Applications/Vendor/Deep/Deeper.app/Contents/Info.plist': plist('too.deep'),
      'Users/ada/Applications/Chrome Apps.localized/ChatGPT.app/Contents/Info.plist': plist('com.google.Chrome.app.chatgpt'),
      'Users/ada/Downloads/Jan.app/Contents/Info.plist': plist('in.downloads'),
    });
    expect(appsOf(seen)).toEqual([
      'ai.elementlabs.lmstudio 0.3.30',
      'com.example.ipad 0.3.30',
      'com.google.Chrome.app.chatgpt 0.3.30',
      'com.setapp.typingmind 0.3.30',
      'com.todesktop.230313mzl4w4u92 1.7.28',
    ]);
    const named = (id: string) => seen.observations.find((each) => each.kind === 'app' && each.appId === id);
    expect(named('com.todesktop.230313mzl4w4u92')).toEqual({
      kind: 'app',
      platform: 'darwin',
      appId: 'com.todesktop.230313mzl4w4u92',
      name: 'Cursor – Überall',
      publisher: null,
      version: '1.7.28',
      path: path.join(root, 'Applications/Cursor.app'),
      home: null,
    });
    expect(named('ai.elementlabs.lmstudio')).toMatchObject({ name: 'Tom & Ada’s Studio' });
    expect(named('com.google.Chrome.app.chatgpt')).toMatchObject({ home: path.join(root, 'Users/ada') });
    expect(seen.troubles).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain(secret);
  });

  test('nothing where macOS would ask the user first: of PATH, of npm’s prefix, or behind a link', async () => {
    const home = path.join(root, 'Users/ada');
    const folders = ['Documents/bin', 'linked', 'tools'].map((folder) => path.join(home, folder));
    const names = ['claude', 'codex', 'gemini', 'opencode'];
    const seen = await look(
      {
        'Users/ada/Documents/bin/claude': { program: '' },
        'Users/ada/linked': { link: 'Documents/bin' },
        'Volumes/Stick/bin/codex': { program: '' },
        'Users/ada/tools/gemini': { program: '' },
        'Users/ada/Documents/npmrc': 'prefix=~/npm',
        'Users/ada/.npmrc': { link: 'Documents/npmrc' },
        'Users/ada/npm/lib/node_modules/opencode-ai/package.json': packageJson('opencode-ai', '1.0.0'),
      },
      names,
      ['/usr/bin', '/Volumes/Stick/bin', ...folders].join(':'),
    );
    expect(binariesOf(seen, root)).toEqual(['Users/ada/tools/gemini']);
    expect(seen.observations.length).toBe(1);
    expect(seen.troubles).toEqual([]);
  });

  test("Homebrew's formulae and casks, npm below it, pnpm, pipx and user packages of Python", async () => {
    const seen = await look(
      {
        'opt/homebrew/Cellar/ollama/0.12.3/bin/ollama': { program: '' },
        'opt/homebrew/bin/ollama': { link: '../Cellar/ollama/0.12.3/bin/ollama' },
        'opt/homebrew/Caskroom/claude-code/2.1.197/claude': '',
        'opt/homebrew/Caskroom/claude-code/.metadata/2.1.197/x': '',
        'opt/homebrew/Caskroom/cursor/1.7.28,abc123/Cursor.app': { link: '/Applications/Cursor.app' },
        'opt/homebrew/lib/node_modules/@google/gemini-cli/package.json': packageJson('@google/gemini-cli', '0.11.0'),
        'Users/ada/Library/pnpm/global/5/node_modules/opencode-ai/package.json': packageJson('opencode-ai', '0.15.8'),
        'Users/ada/.local/pipx/venvs/aider-chat/lib/python3.12/site-packages/aider_chat-0.86.1.dist-info/METADATA': '',
        'Users/ada/Library/Python/3.12/lib/python/site-packages/llm-0.27.1.dist-info/METADATA': '',
      },
      ['ollama'],
    );
    expect(packagesOf(seen)).toEqual([
      'brew ollama 0.12.3',
      'cask claude-code 2.1.197',
      'cask cursor 1.7.28',
      'npm @google/gemini-cli 0.11.0',
      'npm opencode-ai 0.15.8',
      'pypi aider-chat 0.86.1',
      'pypi llm 0.27.1',
    ]);
    // A cask is where its application was moved to.
    expect(seen.observations).toContainEqual(
      expect.objectContaining({ manager: 'cask', name: 'cursor', path: '/Applications/Cursor.app' }),
    );
    expect(binariesOf(seen, root)).toEqual(['opt/homebrew/bin/ollama']);
    expect(seen.troubles).toEqual([]);
  });
});

describe('Windows', () => {
  /** What Wine's reg.exe answered, byte for byte, decoded as the product decodes it. */
  const recorded: Readonly<Record<string, string>> = {
    'HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall /s /reg:64': 'uninstall-machine.txt',
    'HKCU\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall /s': 'uninstall-user.txt',
    'HKCU\\Software\\Classes\\Local Settings\\Software\\Microsoft\\Windows\\CurrentVersion\\AppModel\\Repository\\Packages':
      'msix-packages.txt',
  };
  const absent = Object.assign(new Error('reg: Unable to find the specified registry key'), { code: 1 });

  async function look(
    tree: Tree,
    { names = [], answer, homes }: { names?: readonly string[]; answer?: Error; homes?: readonly string[] } = {},
  ) {
    const home = path.join(root, 'Users/ada');
    mkdirSync(home, { recursive: true });
    plant(root, tree);
    const env: Os['env'] = {
      Path: `${path.join(home, 'tools')};"${path.join(root, 'Program Files/nodejs')}"`,
      APPDATA: path.join(home, 'AppData/Roaming'),
      LOCALAPPDATA: path.join(home, 'AppData/Local'),
      ProgramFiles: path.join(root, 'Program Files'),
      SystemRoot: 'C:\\WINDOWS',
    };
    const asked: string[] = [];
    const programs = (file: string, [verb, ...args]: readonly string[]) => {
      asked.push(`${file} ${verb}`);
      const name = recorded[args.join(' ')];
      return answer ?? (name === undefined ? absent : fixture(name).toString('utf8'));
    };
    const os = fakeOs({ root, platform: 'win32', env, programs, user: { name: 'ada', uid: null, home } });
    const observer = await createInstalledObserver(os, { homes: homes ?? [home], binaryNames: new Set(names) });
    return { seen: await observer.look(), asked, home };
  }

  test('applications by their Uninstall keys and packages by their registrations', async () => {
    const { seen, asked, home } = await look({});
    expect(new Set(asked)).toEqual(new Set(['C:\\WINDOWS\\System32\\reg.exe query']));
    expect(seen.observations).toContainEqual({
      kind: 'app',
      platform: 'win32',
      appId: 'Cursor_is1',
      name: 'Cursor (User)',
      publisher: 'Anysphere',
      version: '1.7.28',
      path: 'C:\\Program Files\\cursor\\',
      home: null,
    });
    expect(seen.observations).toContainEqual(
      expect.objectContaining({
        appId: '{AC76BA86-7AD7-1031-7B44-AC0F074E4100}',
        name: 'Ollama version 0.12.3',
        publisher: 'Ollama',
        home,
      }),
    );
    // The update of Cursor has a parent, WIC has no name, and one key's letters are in the console's code page.
    expect(appsOf(seen).map((line) => line.replace(/[^ -~].*/, '…'))).toEqual([
      'Cursor_is1 1.7.28',
      'LM Studio Ac null',
      'LM Studio null',
      '{AC76BA86-7AD7-1031-7B44-AC0F074E4100} 0.12.3',
    ]);
    expect(packagesOf(seen)).toEqual([
      'msix Microsoft.Windows.Photos_8wekyb3d8bbwe 2025.1.0.0',
      'msix OpenAI.ChatGPT-Desktop_2p2nqsd0c76g0 1.2025.258.0',
    ]);
    expect(seen.troubles).toEqual([]);
    expect(seen.incomplete).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain(secret);
  });

  test('a registry that can be asked nothing is noted, and the rest is looked at', async () => {
    const refused = Object.assign(new Error('spawn reg.exe ENOENT'), { code: 'ENOENT' });
    const { seen } = await look({ 'Users/ada/tools/codex.exe': '' }, { answer: refused, names: ['codex'] });
    expect(new Set(seen.troubles.map(({ code, detail }) => `${code} ${detail}`))).toEqual(new Set(['folder-unreadable ENOENT']));
    expect([...seen.incomplete].sort()).toEqual(['app', 'msix']);
    expect(binariesOf(seen, root)).toEqual(['Users/ada/tools/codex.exe']);
  });

  test("another user's keys are not this user's: for another home only the machine's are asked", async () => {
    const { seen } = await look({}, { homes: [path.join(root, 'Users/grace')] });
    expect(appsOf(seen)).toEqual(['Cursor_is1 1.7.28']);
    expect(packagesOf(seen)).toEqual([]);
  });

  test('executables by PATHEXT, one for the three shims of npm, and the packages beside them', async () => {
    const { seen } = await look(
      {
        'Users/ada/AppData/Roaming/npm/codex': '#!/bin/sh',
        'Users/ada/AppData/Roaming/npm/codex.cmd': '@ECHO off',
        'Users/ada/AppData/Roaming/npm/codex.ps1': '#!/usr/bin/env pwsh',
        'Users/ada/AppData/Roaming/npm/node_modules/@openai/codex/package.json': packageJson('@openai/codex', '0.50.0'),
        'Users/ada/AppData/Local/Programs/Ollama/OLLAMA.EXE': '',
        'Users/ada/AppData/Local/Programs/Ollama/ollama.dll': '',
        'Users/ada/AppData/Local/Microsoft/WindowsApps/claude.exe': { link: 'C:\\Program Files\\WindowsApps\\Claude\\claude.exe' },
        'Users/ada/scoop/shims/claude.exe': '',
        'Program Files/nodejs/node.exe': '',
        'Program Files/nodejs/node_modules/npm/package.json': packageJson('npm', '11.6.0'),
        'Users/ada/AppData/Local/pnpm/global/5/node_modules/opencode-ai/package.json': packageJson('opencode-ai', '0.15.8'),
        'Users/ada/pipx/venvs/aider-chat/Lib/site-packages/aider_chat-0.86.1.dist-info/METADATA': '',
        'Users/ada/AppData/Roaming/Python/Python312/site-packages/llm-0.27.1.dist-info/METADATA': '',
      },
      { names: ['codex', 'Ollama', 'claude'] },
    );
    expect(binariesOf(seen, path.join(root, 'Users/ada'))).toEqual([
      'AppData/Local/Microsoft/WindowsApps/claude.exe',
      'AppData/Local/Programs/Ollama/OLLAMA.EXE',
      'AppData/Roaming/npm/codex.cmd',
      'scoop/shims/claude.exe',
    ]);
    const named = (name: string) => seen.observations.find((each) => each.kind === 'binary' && each.name === name);
    expect(named('Ollama')).toBeDefined();
    expect(named('claude')).toMatchObject({ target: 'C:\\Program Files\\WindowsApps\\Claude\\claude.exe' });
    expect(packagesOf(seen).filter((line) => !line.startsWith('msix'))).toEqual([
      'npm @openai/codex 0.50.0',
      'npm npm 11.6.0',
      'npm opencode-ai 0.15.8',
      'pypi aider-chat 0.86.1',
      'pypi llm 0.27.1',
    ]);
    expect(seen.troubles).toEqual([]);
  });
});
