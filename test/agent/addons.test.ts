/** Add-ons of agents by name, from the places of a catalog, in homes, in projects and of the whole computer; and nothing of what they say. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { declaredName } from '../../agent/observe/addons/frontmatter.ts';
import { type AddonLook, createAddonObserver } from '../../agent/observe/addons.ts';
import type { Os } from '../../agent/observe/os.ts';
import type { Platform } from '../../electron/contract.ts';
import type { AddonPlace } from '../../native-catalog/schema.ts';
import { computer, planted } from './extensions-tree.ts';
import { plant } from './installed-tree.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'muster-addons-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Placed = { tool: string; place: AddonPlace };
const everywhere = (place: string) => ({ darwin: place, linux: place, win32: place });
const claude = (
  kind: AddonPlace['kind'],
  scope: AddonPlace['scope'],
  place: string,
  layout: AddonPlace['layout'],
  more: Partial<AddonPlace> = {},
): Placed => ({
  tool: 'claude-code',
  place: { kind, scope, path: everywhere(place), layout, ...more },
});

/** Claude Code's places as its facts name them, and one each of what others do differently. */
const places: readonly Placed[] = [
  claude(
    'skill',
    'user',
    '~/.claude/skills',
    { as: 'folders', holds: 'SKILL.md' },
    { movedBy: { variable: 'CLAUDE_CONFIG_DIR', path: '$CLAUDE_CONFIG_DIR/skills' } },
  ),
  claude('skill', 'project', '<project>/.claude/skills', { as: 'folders', holds: 'SKILL.md' }),
  claude('skill', 'plugin', '~/.claude/plugins/cache/*/*/*/skills', { as: 'folders', holds: 'SKILL.md' }),
  claude('command', 'user', '~/.claude/commands', { as: 'files', ending: '.md' }),
  claude('subagent', 'user', '~/.claude/agents', { as: 'files', ending: '.md' }),
  claude('subagent', 'project', '<project>/.claude/agents', { as: 'files', ending: '.md' }),
  claude('hook', 'user', '~/.claude/settings.json', { as: 'keys', format: 'json', at: ['hooks'] }),
  claude('plugin', 'user', '~/.claude/settings.json', { as: 'keys', format: 'json', at: ['enabledPlugins'] }),
  claude('plugin', 'user', '~/.claude/plugins/installed_plugins.json', { as: 'keys', format: 'json', at: ['plugins'] }),
  claude('instructions', 'user', '~/.claude/CLAUDE.md', { as: 'file' }),
  claude('instructions', 'project', '<project>/CLAUDE.md', { as: 'file' }),
  claude('instructions', 'managed', '/etc/claude-code/CLAUDE.md', { as: 'file' }),
  {
    tool: 'gemini-cli',
    place: {
      kind: 'plugin',
      scope: 'user',
      path: everywhere('~/.gemini/extensions'),
      layout: { as: 'folders', holds: 'gemini-extension.json' },
    },
  },
  {
    tool: 'opencode',
    place: {
      kind: 'plugin',
      scope: 'user',
      path: everywhere('$XDG_CONFIG_HOME/opencode/opencode.json'),
      layout: { as: 'keys', format: 'jsonc', at: ['plugin'] },
    },
  },
  {
    tool: 'kimi-code',
    place: {
      kind: 'hook',
      scope: 'user',
      path: everywhere('~/.kimi/config.toml'),
      layout: { as: 'keys', format: 'toml', at: ['hooks'], name: ['event'] },
    },
  },
];

function look(options: { platform?: Platform; projects?: readonly string[]; env?: Os['env']; homes?: readonly string[] } = {}): AddonLook {
  const { os, home } = computer(root, options.platform ?? 'linux', options.env ?? {});
  return createAddonObserver(os, { homes: options.homes ?? [home], places, projects: () => options.projects ?? [] }).look();
}
const lines = ({ facts }: AddonLook) =>
  facts
    .map(({ tool, kind, scope, name, project }) => [tool, kind, scope, name, project === null ? '-' : path.basename(project)].join(' · '))
    .sort();
const skill = (name: string) =>
  `---\nname: ${name}\ndescription: planted words of nobody's business\nallowed-tools: Bash(ghp_plantedPLANTEDplanted0123456789abcd)\n---\n\n# planted\n`;

it('names what is in a home, in projects and of the whole computer', () => {
  const project = path.join(root, 'home/ada/work/site');
  plant(root, {
    'home/ada/.claude/skills/pdf/SKILL.md': skill('pdf-tools'),
    'home/ada/.claude/skills/bare/SKILL.md': '# no front matter, planted',
    'home/ada/.claude/skills/empty': null,
    'home/ada/.claude/plugins/cache/acme/review/1.2.0/skills/review/SKILL.md': skill('review'),
    'home/ada/.claude/commands/deploy.md': skill('not a name of a command'),
    'home/ada/.claude/commands/git/commit.md': 'planted',
    'home/ada/.claude/commands/a/b/deep.md': 'planted',
    'home/ada/.claude/commands/a/b/c/deeper.md': 'planted',
    'home/ada/.claude/commands/notes.txt': 'planted',
    'home/ada/.claude/agents/reviewer.md': skill('"code-reviewer"'),
    'home/ada/.claude/settings.json': JSON.stringify({
      hooks: { PreToolUse: [{ matcher: 'planted', hooks: [{ type: 'command', command: 'curl planted' }] }], Stop: [] },
      enabledPlugins: { 'review@acme': true, 'off@acme': false },
      env: { ANTHROPIC_API_KEY: 'sk-ant-api03-plantedPLANTEDplantedPLANTED0123456789-AAAA' },
    }),
    'home/ada/.claude/plugins/installed_plugins.json': JSON.stringify({
      version: 2,
      plugins: { 'review@acme': [{ installPath: '/planted' }] },
    }),
    'home/ada/.claude/CLAUDE.md': 'planted',
    'home/ada/.gemini/extensions/context7/gemini-extension.json': '{"name":"planted"}',
    'home/ada/.config/opencode/opencode.json':
      '{\n// planted\n"plugin": ["opencode-helicone-session@1.0.0", "file:///home/ada/planted.ts", {"x":1}],}',
    'home/ada/.kimi/config.toml': '[[hooks]]\nevent = "PreToolUse"\ncommand = "planted"\n[[hooks]]\ncommand = "planted"\n',
    'home/ada/work/site/CLAUDE.md': 'planted',
    'home/ada/work/site/.claude/skills/release/SKILL.md': skill('release'),
    'home/ada/work/site/.claude/agents/tester.md': '---\nname: {planted: 1}\n---\n',
    'etc/claude-code/CLAUDE.md': 'planted',
  });
  const seen = look({ projects: [project, path.join(root, 'home/ada'), path.join(root, 'nowhere'), 'relative'] });
  expect(lines(seen)).toEqual([
    'claude-code · command · user · a/b/deep · -',
    'claude-code · command · user · deploy · -',
    'claude-code · command · user · git/commit · -',
    'claude-code · hook · user · PreToolUse · -',
    'claude-code · hook · user · Stop · -',
    'claude-code · instructions · managed · CLAUDE.md · -',
    'claude-code · instructions · project · CLAUDE.md · site',
    'claude-code · instructions · user · CLAUDE.md · -',
    // In the settings and in the record of what is installed.
    'claude-code · plugin · user · review@acme · -',
    'claude-code · plugin · user · review@acme · -',
    'claude-code · skill · plugin · review · -',
    'claude-code · skill · project · release · site',
    'claude-code · skill · user · bare · -',
    'claude-code · skill · user · pdf-tools · -',
    'claude-code · subagent · project · tester · site',
    'claude-code · subagent · user · code-reviewer · -',
    'gemini-cli · plugin · user · context7 · -',
    'kimi-code · hook · user · 2 · -',
    'kimi-code · hook · user · PreToolUse · -',
    'opencode · plugin · user · 2 · -',
    'opencode · plugin · user · 3 · -',
    'opencode · plugin · user · opencode-helicone-session@1.0.0 · -',
  ]);
  expect(seen).toMatchObject({ troubles: [], incomplete: [] });
  for (const word of planted) expect(JSON.stringify(seen)).not.toContain(word);
  const byName = (name: string) => seen.facts.find((fact) => fact.name === name);
  const home = path.join(root, 'home/ada');
  expect(byName('pdf-tools')).toEqual({
    tool: 'claude-code',
    kind: 'skill',
    scope: 'user',
    name: 'pdf-tools',
    path: path.join(home, '.claude/skills/pdf'),
    home,
    project: null,
  });
  expect(byName('release')).toMatchObject({ path: path.join(project, '.claude/skills/release'), home, project });
  expect(seen.facts.find(({ scope }) => scope === 'managed')).toMatchObject({
    home: null,
    project: null,
    path: path.join(root, 'etc/claude-code/CLAUDE.md'),
  });
});

it.each([
  ['darwin', 'Users/ada'],
  ['win32', 'C:/Users/ada'],
] as const)('finds the same on %s', (platform, home) => {
  plant(root, {
    [`${home}/.claude/skills/pdf/SKILL.md`]: skill('pdf'),
    [`${home}/proj/CLAUDE.md`]: '',
    [`${home}/proj/.claude/skills/x/SKILL.md`]: '',
  });
  expect(lines(look({ platform, projects: [path.join(root, home, 'proj')] }))).toEqual([
    'claude-code · instructions · project · CLAUDE.md · proj',
    'claude-code · skill · project · x · proj',
    'claude-code · skill · user · pdf · -',
  ]);
});

it('opens nothing on macOS for which the system would ask', () => {
  plant(root, {
    'Users/ada/Documents/proj/CLAUDE.md': '',
    'Users/ada/Documents/skills/secret/SKILL.md': skill('secret'),
    'Users/ada/.claude/skills': { link: '../Documents/skills' },
    'Users/ada/.claude/commands/x.md': '',
  });
  const seen = look({ platform: 'darwin', projects: [path.join(root, 'Users/ada/Documents/proj')] });
  expect(lines(seen)).toEqual(['claude-code · command · user · x · -']);
  expect(seen.troubles).toEqual([
    { code: 'addons-unreadable', path: path.join(root, 'Users/ada/.claude/skills'), detail: 'macOS would ask you for permission first' },
  ]);
});

it('looks where a variable has moved them, too', () => {
  plant(root, { 'moved/skills/there/SKILL.md': '', 'home/ada/.claude/skills/here/SKILL.md': '' });
  expect(lines(look({ env: { CLAUDE_CONFIG_DIR: path.join(root, 'moved') } }))).toEqual([
    'claude-code · skill · user · here · -',
    'claude-code · skill · user · there · -',
  ]);
});

it('asks for the projects at each look, and takes no network path of Windows', () => {
  const { os, home } = computer(root, 'linux');
  let projects: string[] = [];
  const observer = createAddonObserver(os, { homes: [home], places, projects: () => projects });
  plant(root, { 'mnt/data/proj/CLAUDE.md': '' });
  expect(observer.look().facts).toEqual([]);
  projects = [path.join(root, 'mnt/data/proj')];
  expect(observer.look().facts).toMatchObject([{ name: 'CLAUDE.md', home: null, project: path.join(root, 'mnt/data/proj') }]);
  expect(lines(look({ platform: 'win32', projects: ['//server/share/proj'] }))).toEqual([]);
});

describe('what is wrong', () => {
  it('in a file is said, by its place and never by its words, and the rest stands', () => {
    plant(root, {
      'home/ada/.claude/settings.json': '{"hooks": {"planted": ',
      'home/ada/.claude/commands/ok.md': '',
      'home/ada/.kimi/config.toml': 'x = [planted',
      'home/ada/.claude/skills/big/SKILL.md': `---\nname: planted\n---\n${'x'.repeat(300_000)}`,
    });
    const seen = look();
    expect(lines(seen)).toEqual(['claude-code · command · user · ok · -', 'claude-code · skill · user · big · -']);
    expect(seen.troubles.map(({ code, path: at, detail }) => [code, path.relative(root, at ?? ''), detail])).toEqual([
      ['addons-unreadable', 'home/ada/.claude/skills/big/SKILL.md', '300022 bytes, more than 262144'],
      ['addons-unreadable', 'home/ada/.claude/settings.json', 'it isn’t JSON'],
      ['addons-unreadable', 'home/ada/.kimi/config.toml', 'it isn’t TOML'],
    ]);
    expect(seen.incomplete).toEqual([path.join(root, 'home/ada')]);
    expect(JSON.stringify(seen)).not.toContain('planted');
  });

  it('in a name is blanked where it looks like a key', () => {
    plant(root, {
      'home/ada/.claude/commands/ghp_plantedPLANTEDplanted0123456789abcd.md': '',
      'home/ada/.claude/skills/x/SKILL.md': skill('sk-ant-api03-plantedPLANTEDplantedPLANTED0123456789-AAAA'),
    });
    const seen = look();
    expect(seen.facts.map(({ name }) => name)).toEqual(['…', '…']);
    expect(JSON.stringify(seen)).not.toContain('planted');
  });

  it('with a home is that it is somebody else’s', () => {
    const { os, home } = computer(root, 'linux');
    plant(root, { 'home/ada/.claude/commands/x.md': '' });
    const stranger = { ...os, user: { ...os.user, uid: (os.user.uid ?? 0) + 1 } };
    const seen = createAddonObserver(stranger, { homes: [home], places, projects: () => [path.join(home, 'work')] }).look();
    expect(seen).toEqual({ facts: [], troubles: [{ code: 'home-not-owned', path: home }], incomplete: [home] });
  });
});

it('a home that isn’t there has nothing wrong with it', () => {
  mkdirSync(path.join(root, 'home'), { recursive: true });
  expect(look({ homes: [path.join(root, 'home/nobody')] })).toEqual({ facts: [], troubles: [], incomplete: [] });
});

describe('the name in front matter', () => {
  it.each([
    ['---\nname: pdf\n---\n', 'pdf'],
    ['\ufeff---\r\nname: "Code Reviewer"\r\n---\r\n', 'Code Reviewer'],
    ["---\nx: 1\nname: 'git:commit' # planted\n---", null],
    ['---\nname: plain # why\n---', 'plain'],
    ['---\ndescription: |\n  name: inner\n---', null],
    ['---\nname: {a: b}\n---', null],
    ['name: x', null],
    ['---\nname: x', null],
    ['---\n---\nname: x\n---', null],
  ])('of %j is %j', (text, name) => {
    expect(declaredName(text)).toBe(name);
  });

  it('is one plain line or nothing, whatever the file holds', () => {
    const unit = fc.constantFrom('---\n', 'name:', ' ', '\n', '\r', '"', "'", '#', 'a', 'é', '\0', ':', '…');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        const name = declaredName(`---\n${text}`);
        if (name !== null) expect(name).toMatch(/^[\p{L}\p{N}][^\p{Cc}"'#]*$/u);
      }),
      { numRuns: 500 },
    );
  });
});
