/** Records of extensions that somebody made to hurt, or that broke: each raises a trouble at most, hides nothing else, and nothing of it is repeated. */
import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMember } from '../../agent/observe/extensions/archive.ts';
import { elements } from '../../agent/observe/extensions/xml.ts';
import { createExtensionObserver } from '../../agent/observe/extensions.ts';
import { needs } from '../capability.ts';
import { mutate, random } from '../hostile-bytes.ts';
import { archive, computer, fixture, lines, observe, stateDatabase } from './extensions-tree.ts';
import { plant } from './installed-tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-extensions-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const xml = fixture('jetbrains-plugin.xml');
const jar = archive({ 'META-INF/MANIFEST.MF': 'x', 'META-INF/plugin.xml': xml });
const home = 'home/ada';
/** One record of each kind that Linux has; the rest of the computer has a plugin of Vim that must always be found. */
const records: Readonly<Record<string, string | Buffer>> = {
  '.vscode/extensions/extensions.json': fixture('vscode-extensions.json'),
  '.vscode/extensions/.obsolete': '{"esbenp.prettier-vscode-11.0.0":true}',
  '.config/Code/User/globalStorage/storage.json': fixture('vscode-storage.json'),
  '.config/Code/User/profiles/-4a1c7f2e/extensions.json': fixture('vscode-profile-extensions.json'),
  '.cursor/extensions/openai.chatgpt-0.5.48/package.json': fixture('vscode-package.json'),
  '.local/share/JetBrains/PyCharm2025.2/copilot/lib/copilot.jar': jar,
  '.local/share/JetBrains/PyCharm2025.2/loose/META-INF/plugin.xml': xml,
  '.config/JetBrains/PyCharm2025.2/disabled_plugins.txt': 'com.github.copilot\n',
  '.config/JetBrains/PyCharm2025.2/idea.properties': 'idea.plugins.path=/x\n',
  '.local/share/zed/extensions/index.json': fixture('zed-index.json'),
  '.config/google-chrome/Local State': fixture('chrome-local-state.json'),
  '.config/google-chrome/Default/Preferences': fixture('chrome-secure-preferences.json'),
  '.config/google-chrome/Default/Extensions/camppjleccjaphfdbohjdohecfnoikec/5.6.1_0/manifest.json': '{"version":"5.6.1"}',
  '.mozilla/firefox/profiles.ini': fixture('firefox-profiles.ini'),
  '.mozilla/firefox/ab12cd34.default-release/extensions.json': fixture('firefox-extensions.json'),
  '.local/share/applications/chat.desktop': '[Desktop Entry]\nExec=google-chrome --app=https://chatgpt.com/\n',
};
const state = '.config/Code/User/globalStorage/state.vscdb';
const sure = 'Vim · vim-ai - · ?';

function plantAll(but: Readonly<Record<string, string | Buffer | null | { link: string }>> = {}): void {
  const all = {
    ...records,
    '.vim/plugged/vim-ai': null,
    '.vscode/extensions/github.copilot-1.372.0': null,
    '.local/share/zed/extensions/installed/opencode': null,
    ...but,
  };
  plant(root, Object.fromEntries(Object.entries(all).map(([name, content]) => [`${home}/${name}`, content])));
  if (!(state in but)) stateDatabase(path.join(root, home, state), ['github.copilot']);
}

/** What may be said of a computer, whatever its files hold. */
function expectSafe(seen: Awaited<ReturnType<typeof observe>>): void {
  expect(lines(seen)).toContain(sure);
  for (const { code, path: at, detail } of seen.troubles) {
    expect(code).toBe('extensions-unreadable');
    expect(at).toContain(root);
    expect(detail).toMatch(
      /^(E[A-Z]+|it .{3,80}|what it says of itself .{3,80}|a folder|a named pipe|a device|\d+ bytes, more than \d+|SQLITE_[A-Z_]+)$/,
    );
  }
  for (const one of seen.observations) {
    if (one.kind === 'site') expect(one.host).toMatch(/^[a-z0-9._-]+$/);
    else {
      expect(one.id).toMatch(/^[\w{}@.$:+~ -]{1,200}$/);
      expect(one.version ?? '').toMatch(/^[\w.+~:,@() -]{0,64}$/);
      for (const host of one.permissions) expect(host).toMatch(/^(<all_urls>|[a-z*]+:\/\/[\w.*:-]*\/\*)$/);
      for (const { name } of one.profiles) expect(name).toMatch(/^[^\p{Cc}@]{1,60}$/u);
    }
  }
  const text = JSON.stringify(seen);
  for (const word of ['ghp_planted', 'sk-ant-', 'ada@', 'Falcon']) expect(text).not.toContain(word);
}

it('finds all of it as long as nothing is wrong', async () => {
  plantAll();
  const seen = await observe(root, 'linux');
  expectSafe(seen);
  expect(seen).toMatchObject({ troubles: [], incomplete: [] });
  expect(new Set(seen.observations.map(({ program }) => program))).toEqual(
    new Set(['VS Code', 'Cursor', 'PyCharm 2025.2', 'Zed', 'Vim', 'Chrome', 'Firefox']),
  );
});

describe.each(Object.keys(records))('%s', (record) => {
  const unlike: Readonly<Record<string, string>> = {
    'an empty file': '',
    'half of one': String(records[record]).slice(0, 90),
    null: 'null',
    'a number': '1e999',
    'lists where maps belong': '[[],{"identifier":[]},{"identifier":{"id":{}}},{"id":null,"relativeLocation":["x"]}]',
    'maps where lists belong': '{"addons":{},"extensions":{"settings":[1,2]},"userDataProfiles":{},"profile":{"info_cache":[]}}',
    'inherited names':
      '{"__proto__":{"addons":[]},"constructor":1,"extensions":{"settings":{"__proto__":{"path":"x"},"kbfnbcaeplbcioakkpcpgfkobkghlhen":{"path":"x","manifest":{"version":{"x":1}},"active_permissions":{"explicit_host":"x"}}}}}',
    'a hundred thousand levels': '['.repeat(100_000),
    'a hundred thousand elements': '<a>'.repeat(100_000),
    'a bomb of entities':
      '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><idea-plugin><id>&b;</id><version>&b;</version></idea-plugin>',
    'bytes of no kind': Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 97) % 256)).toString('latin1'),
  };

  it('may hold anything', async () => {
    plantAll();
    for (const [, content] of Object.entries(unlike)) {
      writeFileSync(path.join(root, home, record), content, 'latin1');
      expectSafe(await observe(root, 'linux'));
    }
  });

  it('may be no file at all', async () => {
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    writeFileSync(path.join(root, 'huge'), '');
    truncateSync(path.join(root, 'huge'), 200 * 1024 * 1024);
    symlinkSync('loop', path.join(root, 'loop'));
    plantAll();
    const file = path.join(root, home, record);
    for (const target of ['pipe', 'huge', 'loop', 'nowhere', '/dev/zero']) {
      rmSync(file);
      symlinkSync(path.resolve(root, target), file);
      const seen = await observe(root, 'linux');
      expectSafe(seen);
      expect([target, seen.troubles.length > 0]).toEqual([target, target !== 'nowhere']);
    }
    rmSync(file);
    mkdirSync(file);
    expectSafe(await observe(root, 'linux'));
  });
});

it('lets an editor’s state be anything, and then knows nothing of switches', async () => {
  const copilot = async () =>
    lines(await observe(root, 'linux'))
      .find((line) => line.startsWith('VS Code · github.copilot '))
      ?.split(' · ')[3];
  plantAll();
  expect(await copilot()).toBe('Default off');
  for (const content of ['', 'SQLite format 3\0 and nothing', Buffer.alloc(100, 7)]) {
    plantAll({ [state]: content });
    expectSafe(await observe(root, 'linux'));
  }
  rmSync(path.join(root, home, state));
  execFileSync('mkfifo', [path.join(root, home, state)]);
  const seen = await observe(root, 'linux');
  expectSafe(seen);
  expect(await copilot()).toBe('Default ?');
  // It says more of what is known to be there, so nothing is missing.
  expect(seen.incomplete).toEqual([]);
  expect(seen.troubles).toEqual([{ code: 'extensions-unreadable', path: path.join(root, home, state), detail: 'it is no regular file' }]);
});

it('lets a hundred small changes of each record do no harm', async () => {
  const pickFrom = random(20_261_122);
  const pick = (limit: number) => Math.floor(pickFrom() * limit);
  plantAll();
  for (let round = 0; round < 100; round++) {
    const [name = '', content = ''] = Object.entries(records)[round % Object.keys(records).length] ?? [];
    writeFileSync(path.join(root, home, name), mutate(Buffer.from(content), pick));
    expectSafe(await observe(root, 'linux'));
    writeFileSync(path.join(root, home, name), content);
  }
});

it('tells what stands where a folder belongs, apart from what isn’t there', async () => {
  plantAll();
  for (const name of ['.vscode', '.config/google-chrome']) {
    rmSync(path.join(root, home, name), { recursive: true });
    symlinkSync(path.basename(name), path.join(root, home, name));
  }
  rmSync(path.join(root, home, '.cursor'), { recursive: true });
  const seen = await observe(root, 'linux');
  expectSafe(seen);
  expect(seen.troubles.map(({ path: at, detail }) => [path.relative(path.join(root, home), at ?? ''), detail])).toEqual([
    ['.vscode/extensions', 'it can’t be asked for'],
    ['.config/google-chrome', 'it can’t be asked for'],
  ]);
  expect(seen.incomplete).toEqual([path.join(root, home)]);
});

it('repeats no key that stands where a name belongs', async () => {
  const key = 'ghp_plantedPLANTEDplanted0123456789abcd';
  const entry = (id: string, version: string) => ({ identifier: { id }, version, relativeLocation: 'github.copilot-1.372.0' });
  plantAll({
    '.vscode/extensions/extensions.json': JSON.stringify([entry(`a.${key}`, '1.0.0'), entry('github.copilot', key)]),
    [`.vim/plugged/${key}`]: null,
    '.config/Code/User/globalStorage/storage.json': JSON.stringify({
      userDataProfiles: [{ location: 'a1', name: key, useDefaultFlags: { extensions: true } }],
    }),
  });
  const seen = await observe(root, 'linux');
  expectSafe(seen);
  expect(lines(seen)).toContain('VS Code · github.copilot - · off · Default off · … off');
});

describe('what belongs to somebody else', () => {
  it('is a home: it is said, and nothing in it is looked at', async () => {
    plantAll();
    const { os, home: at } = computer(root, 'linux');
    const stranger = { ...os, user: { ...os.user, uid: (os.user.uid ?? 0) + 1 } };
    const seen = await createExtensionObserver(stranger, { homes: [at], wants: () => true }).look();
    expect(seen).toEqual({ observations: [], troubles: [{ code: 'home-not-owned', path: at }], incomplete: [at] });
  });

  needs('root').it('is a file: it is said, and the rest is looked at', async () => {
    plantAll();
    const record = path.join(root, home, '.config/google-chrome/Default/Preferences');
    chownSync(record, 12345, 12345);
    const seen = await observe(root, 'linux');
    expectSafe(seen);
    expect(seen.troubles).toEqual([{ code: 'extensions-unreadable', path: record, detail: 'it belongs to another account' }]);
    expect(seen.incomplete).toEqual([path.join(root, home)]);
  });
});

it('opens nothing on macOS for which the system would ask', async () => {
  plant(root, {
    'Users/ada/Documents/chrome/Default/Preferences': fixture('chrome-secure-preferences.json'),
    'Users/ada/Library/Application Support/Google/Chrome': { link: '../../../Documents/chrome' },
    'Users/ada/Library/Application Support/Chromium/Default/Preferences': { link: '../../../../Documents/chrome/Default/Preferences' },
  });
  const seen = await observe(root, 'darwin');
  expect(seen.observations).toEqual([]);
  expect(seen.troubles.map(({ detail }) => detail)).toEqual(Array(2).fill('macOS would ask you for permission first'));
});

describe('an archive', () => {
  const write = (bytes: Buffer) => {
    const file = path.join(root, 'plugin.jar');
    writeFileSync(file, bytes);
    return file;
  };
  const name = 'META-INF/plugin.xml';
  const limit = 2 * 1024 * 1024;
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = archive({ [name]: xml });
    change(bytes);
    return bytes;
  };

  it('gives the one file that is asked for', () => {
    const many = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`com/example/Class${index}.class`, '']));
    expect(readMember(write(archive({ ...many, [name]: xml })), name, limit)).toEqual({ state: 'read', bytes: Buffer.from(xml) });
    expect(readMember(write(archive(many)), name, limit)).toEqual({ state: 'absent' });
    expect(readMember(path.join(root, 'nowhere.jar'), name, limit)).toEqual({ state: 'absent' });
  });

  it.each([
    [
      'that unpacks to more than it may',
      () => archive({ [name]: Buffer.alloc(50 * 1024 * 1024) }),
      'what it says of itself is larger than 2097152 bytes',
    ],
    ['that lies about it', () => archive({ [name]: Buffer.alloc(50 * 1024 * 1024) }, { lie: 100 }), 'it isn’t a whole archive'],
    ['that is cut', () => archive({ [name]: xml }).subarray(200), 'it isn’t a whole archive'],
    ['that is none', () => Buffer.from('PK nothing'), 'it isn’t a whole archive'],
    ['that is empty', () => Buffer.alloc(0), 'it isn’t a whole archive'],
    [
      'whose list is said to be elsewhere',
      () => changed((bytes) => bytes.writeUInt32LE(0xfffffff0, bytes.length - 6)),
      'it isn’t a whole archive',
    ],
    [
      'of the larger form',
      () => changed((bytes) => bytes.writeUInt32LE(0xffffffff, bytes.length - 6)),
      'it is larger than a plugin’s archive',
    ],
    [
      'with a list of a hundred megabytes',
      () => changed((bytes) => bytes.writeUInt32LE(100 << 20, bytes.length - 10)),
      'it is larger than a plugin’s archive',
    ],
    [
      'with a password',
      () => changed((bytes) => bytes.writeUInt8(1, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 8)),
      'it isn’t a whole archive',
    ],
    [
      'whose bytes were changed',
      () => changed((bytes) => bytes.writeUInt32LE(7, bytes.indexOf('PK\x01\x02', 0, 'latin1') + 16)),
      'it isn’t a whole archive',
    ],
  ])('%s is refused', (_what, bytes, detail) => {
    expect(readMember(write(bytes()), name, limit)).toEqual({ state: 'refused', detail });
  });

  it('is never waited for, and never a folder or a pipe', () => {
    const pipe = path.join(root, 'pipe.jar');
    execFileSync('mkfifo', [pipe]);
    expect(readMember(pipe, name, limit)).toEqual({ state: 'refused', detail: 'it is no regular file' });
    expect(readMember(root, name, limit).state).toBe('refused');
  });

  it('answers whatever its bytes are', () => {
    const pickFrom = random(42);
    const whole = archive({ 'a/b.class': 'x'.repeat(400), [name]: xml });
    const states = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const member = readMember(write(mutate(whole, (most) => Math.floor(pickFrom() * most))), name, limit);
      states.add(member.state);
      expect(member.state === 'refused' ? member.detail : '').not.toContain('plugin');
    }
    expect([...states].sort()).toEqual(['absent', 'read', 'refused']);
  });
});

it('reads elements of XML in one pass, whatever it holds', () => {
  expect(
    [...elements('<a x="1>2"><!-- <b/> --><c y=\'&amp;\'>t</c><d/><e><f>deep</f></e></a><g/>', 1)].map(
      ({ name, depth, attributes, text }) => [name, depth, [...attributes], text],
    ),
  ).toEqual([
    ['a', 0, [['x', '1>2']], ''],
    ['c', 1, [['y', '&']], 't'],
    ['d', 1, [], ''],
    ['e', 1, [], ''],
  ]);
  const pickFrom = random(7);
  for (let round = 0; round < 500; round++) {
    const bytes = mutate(
      mutate(Buffer.from(xml), (most) => Math.floor(pickFrom() * most)),
      (most) => Math.floor(pickFrom() * most),
    );
    for (const { text, attributes } of elements(bytes.toString('utf8'), 2)) {
      expect(text.length).toBeLessThanOrEqual(500);
      for (const value of attributes.values()) expect(value.length).toBeLessThanOrEqual(1000);
    }
  }
});
