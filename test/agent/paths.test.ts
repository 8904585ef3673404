/** Places as the catalog writes them ↔ paths of this computer. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Os } from '../../agent/observe/os.ts';
import { isSystemPlace, resolvePlace, tilde } from '../../agent/observe/paths.ts';
import { fakeOs } from '../fakes.ts';

const ada = '/home/ada';
const machine = (env: Os['env'] = {}, platform: Os['platform'] = 'linux') =>
  fakeOs({ root: '/root-of-test', platform, env, user: { name: 'ada', uid: 1, home: ada } });

test.each([
  ['~/.claude.json', '/home/ada/.claude.json'],
  ['~', '/home/ada'],
  ['~\\.claude.json', '/home/ada/.claude.json'],
  ['$HOME/x', '/home/ada/x'],
  ['$XDG_CONFIG_HOME/Code/User/mcp.json', '/home/ada/.config/Code/User/mcp.json'],
  ['${XDG_CONFIG_HOME}/x', '/home/ada/.config/x'],
  ['$XDG_DATA_HOME/x', '/home/ada/.local/share/x'],
  ['%APPDATA%\\Claude\\claude_desktop_config.json', '/home/ada/AppData/Roaming/Claude/claude_desktop_config.json'],
  ['%LOCALAPPDATA%/x', '/home/ada/AppData/Local/x'],
  ['%USERPROFILE%\\.cursor\\mcp.json', '/home/ada/.cursor/mcp.json'],
  ['%ProgramData%\\OpenAI\\Codex\\config.toml', '/root-of-test/C:/ProgramData/OpenAI/Codex/config.toml'],
  ['C:/ProgramData/gemini-cli/settings.json', '/root-of-test/C:/ProgramData/gemini-cli/settings.json'],
  ['/etc/codex/config.toml', '/root-of-test/etc/codex/config.toml'],
  ['$CODEX_HOME/config.toml', null],
  ['<project>/.mcp.json', null],
  ['~/profiles/<id>/mcp.json', null],
  ['~/plugins/**/.mcp.json', null],
  ['relative/x', null],
  ['', '/root-of-test/'],
])('%s', (place, expected) => {
  expect(resolvePlace(place, machine(), ada)).toBe(expected);
});

test("variables of the environment count for the current user's home only, and only where they are absolute", () => {
  const env = { XDG_CONFIG_HOME: '/cfg', CODEX_HOME: '/codex', APPDATA: 'relative', PROGRAMDATA: 'D:\\Data', XDG_DATA_HOME: '' };
  const os = machine(env);
  expect(resolvePlace('$XDG_CONFIG_HOME/x', os, ada)).toBe('/cfg/x');
  expect(resolvePlace('$XDG_CONFIG_HOME/x', os, '/home/bob')).toBe('/home/bob/.config/x');
  expect(resolvePlace('$CODEX_HOME/x', os, ada)).toBe('/codex/x');
  expect(resolvePlace('$CODEX_HOME/x', os, '/home/bob')).toBeNull();
  expect(resolvePlace('%APPDATA%/x', os, ada)).toBe('/home/ada/AppData/Roaming/x');
  expect(resolvePlace('$XDG_DATA_HOME/x', os, ada)).toBe('/home/ada/.local/share/x');
  expect(resolvePlace('%ProgramData%/x', machine(env, 'win32'), ada)).toContain('D:\\Data/x');
  expect(resolvePlace('$GEMINI_CLI_SYSTEM_SETTINGS_PATH', machine({ GEMINI_CLI_SYSTEM_SETTINGS_PATH: '/opt/g.json' }), ada)).toBe(
    '/opt/g.json',
  );
});

test('a system place is known by how it begins', () => {
  const system = ['/etc/x', 'C:/ProgramData/x', '%ProgramData%\\x', '%PROGRAMFILES%/x'];
  const own = ['~/x', '$XDG_CONFIG_HOME/x', '%APPDATA%\\x', '$CODEX_HOME/x', '<project>/x'];
  expect(system.filter(isSystemPlace)).toEqual(system);
  expect(own.filter(isSystemPlace)).toEqual([]);
});

test.each([
  ['/home/ada/x', ['/home/ada'], '~/x'],
  ['/home/ada', ['/home/ada/'], '~'],
  ['/home/adam/x', ['/home/ada'], '/home/adam/x'],
  ['/home/ada/in/x', ['/home/ada', '/home/ada/in'], '~/x'],
  ['/etc/x', ['/'], '/etc/x'],
  ['/etc/x', [], '/etc/x'],
  ['c:\\users\\ADA\\.cursor\\mcp.json', ['C:\\Users\\ada'], '~/.cursor/mcp.json'],
  ['C:\\Users\\adam\\x', ['C:\\Users\\ada'], 'C:\\Users\\adam\\x'],
])('tilde %s', (file, homes, expected) => {
  expect(tilde(file, homes)).toBe(expected);
});

test('law: what lies under a home comes back from ~, and nothing ever throws', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9._ -]{1,12}$/).filter((step) => !/^\.{1,2}$/.test(step));
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (steps) => {
      const place = `~/${steps.join('/')}`;
      const resolved = resolvePlace(place, machine(), ada);
      expect(resolved).toBe(path.join(ada, ...steps));
      expect(tilde(resolved ?? '', [ada])).toBe(place);
    }),
  );
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (file, homes) => {
      tilde(file, homes);
      resolvePlace(file, machine({ X: '/x' }, 'win32'), ada);
    }),
  );
});
