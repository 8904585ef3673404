import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { scriptsNamed } from '../../agent/observe/installed/binaries.ts';
import type { ProcessObservation } from '../../agent/observe/observation.ts';
import { realOs } from '../../agent/observe/os.ts';
import { retitled } from '../../agent/observe/processes/retitled.ts';

const process_ = (exe: string | null, args: readonly string[]): ProcessObservation => ({
  ...{
    kind: 'process',
    pid: 7,
    parent: 1,
    startedAt: '1',
    exe,
    args,
    script: null,
    module: null,
    bundleId: null,
    home: null,
    owner: 'self',
  },
});
const known = (name: string, interpreter: string) => (name === 'pi' && interpreter === 'node' ? '/opt/pi/cli.js' : null);

describe('a program that has renamed itself', () => {
  it('gets the script of the command whose name it has taken', () => {
    expect(retitled(process_('/usr/bin/node', ['pi']), known).script).toBe('/opt/pi/cli.js');
    expect(retitled(process_('/usr/bin/node', ['pi - thinking']), known).script).toBe('/opt/pi/cli.js');
  });

  it.each([
    ['a program of its own', process_('/home/ada/bin/pi', ['pi'])],
    ['an interpreter of another kind', process_('/usr/bin/python3', ['pi'])],
    ['one with arguments, which has not renamed itself', process_('/usr/bin/node', ['pi', '--print'])],
    ['a REPL', process_('/usr/bin/node', ['node'])],
    ['a longer name', process_('/usr/bin/node', ['pi-hole'])],
    ['a path', process_('/usr/bin/node', ['/usr/bin/pi'])],
    ['one that another user hides', process_(null, ['pi'])],
    ['no name at all', process_('/usr/bin/node', [''])],
    ['one whose script is known', { ...process_('/usr/bin/node', ['pi']), script: '/srv/other.js' }],
  ])('leaves %s as it is', (_what, process) => {
    expect(retitled(process, known)).toBe(process);
  });
});

describe('scripts by the name of their command', () => {
  const home = mkdtempSync(path.join(os.tmpdir(), 'muster-scripts-'));
  afterAll(() => rmSync(home, { recursive: true }));
  const file = (at: string, text: string) => {
    mkdirSync(path.dirname(path.join(home, at)), { recursive: true });
    writeFileSync(path.join(home, at), text);
    chmodSync(path.join(home, at), 0o755);
    return path.join(home, at);
  };
  const real = realOs();
  const targets = (name: string, interpreter: 'node' | 'python') =>
    scriptsNamed({ ...real, env: {}, user: { ...real.user, home } }, [home], name, interpreter).map(({ target }) => target);

  it('are those whose first line calls that interpreter, with links followed', () => {
    const cli = file('.npm-global/lib/node_modules/zz-tool/cli.js', '#!/usr/bin/env node\n');
    mkdirSync(path.join(home, '.npm-global/bin'));
    symlinkSync(cli, path.join(home, '.npm-global/bin/zz-tool'));
    file('bin/zz-tool', '#!/usr/bin/env -S python3 -u\n');
    expect(targets('zz-tool', 'node')).toEqual([cli]);
    expect(targets('zz-tool', 'python')).toEqual([path.join(home, 'bin/zz-tool')]);
  });

  it('are neither native programs, nor empty files, nor files without such a line', () => {
    file('bin/zz-native', '\u007fELF node');
    file('bin/zz-empty', '');
    file('bin/zz-plain', 'node\n');
    for (const name of ['zz-native', 'zz-empty', 'zz-plain', 'zz-absent']) expect(targets(name, 'node')).toEqual([]);
  });
});
