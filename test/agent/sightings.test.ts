import { describe, expect, it } from 'vitest';
import type { Observation } from '../../agent/observe/observation.ts';
import { loadCatalog } from '../../agent/session.ts';
import { isStray, namedForSure, toSighting } from '../../agent/sightings.ts';
import type { Sighting } from '../../agent/store/store.ts';

const catalog = loadCatalog();
const sighting = (seen: Observation): Sighting => {
  const match = catalog.identify(seen);
  if (!match) throw new Error('The catalog does not know this one.');
  return toSighting(seen, match, { show: (at) => at, label: (home) => home });
};
const binary = (path: string, target = path) => sighting({ kind: 'binary', name: path.split('/').at(-1) ?? '', path, target, home: null });
const process = (exe: string) =>
  sighting({
    kind: 'process',
    pid: 7,
    parent: 1,
    startedAt: '1',
    exe,
    args: [exe],
    script: null,
    module: null,
    bundleId: null,
    home: null,
    owner: 'self',
  });

describe('the version in a path', () => {
  it('is told where a tool keeps its versions in a folder that the catalog knows', () => {
    expect(binary('/home/ada/.local/bin/claude', '/home/ada/.local/share/claude/versions/2.1.197').version).toBe('2.1.197');
    expect(process('/home/ada/.local/share/claude/versions/2.1.197').version).toBe('2.1.197');
    const daemon = '/home/ada/.codex/packages/app-server-daemon/releases/0.169.0-x86_64-unknown-linux-musl/bin/codex';
    expect(process(daemon).version).toBe('0.169.0');
    expect(process(daemon.replace('0.169.0-', '0.170.0-alpha.3-')).version).toBe('0.170.0-alpha.3');
    expect(process('C:\\Users\\ada\\AppData\\Local\\Claude\\claude-code\\2.1.9\\claude.exe').version).toBe('2.1.9');
  });

  it('is not taken from the folder of a Node version, nor from anything else', () => {
    expect(binary('/home/ada/.nvm/versions/node/v22.1.0/bin/claude').version).toBeNull();
    expect(binary('/home/ada/.local/bin/claude', '/home/ada/.local/share/claude/versions/latest').version).toBeNull();
    expect(process('/home/ada/.opencode/bin/opencode').version).toBeNull();
  });
});

describe('a program that only has the name of a tool', () => {
  const installed = sighting({
    ...{ kind: 'package', manager: 'npm', name: '@earendil-works/pi-coding-agent', version: '0.87.1', home: null },
    path: '/usr/lib/node_modules/@earendil-works/pi-coding-agent',
  });

  it('is a stray where the tool certainly is, and may be the tool where it is not', () => {
    const sure = namedForSure([installed, binary('/usr/bin/claude')]);
    expect([...sure]).toEqual(['pi']);
    for (const seen of [binary('/home/ada/bin/pi'), process('/home/ada/bin/pi')]) {
      expect(isStray(seen, sure)).toBe(true);
      expect(isStray(seen, new Set())).toBe(false);
    }
    expect(isStray(installed, sure)).toBe(false);
    expect(isStray(binary('/usr/bin/claude'), sure)).toBe(false);
  });

  it('leaves folders of settings alone, which are weak too', () => {
    expect(isStray(sighting({ kind: 'config', entry: 'pi', path: '/home/ada/.pi/agent', home: null }), new Set(['pi']))).toBe(false);
  });
});
