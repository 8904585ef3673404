/** Who else may read or write a file, asked of real files with real rights. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how clients write references to variables.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { factOf, programFact } from '../../agent/observe/launch-facts.ts';

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'muster-facts-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const uid = process.getuid?.() ?? null;
const os = { platform: 'linux' as const, user: { name: 'ada', uid, home: root } };
const quiet = { othersWrite: null, othersRead: false, foreignOwner: false };

function make(name: string, mode: number, folderMode = 0o755): string {
  const folder = path.join(root, path.dirname(name));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(root, name), '');
  chmodSync(path.join(root, name), mode);
  chmodSync(folder, folderMode);
  return path.join(root, name);
}

// Windows has neither owners by number nor modes.
describe.runIf(uid !== null)('a file', () => {
  test('of its owner alone', () => {
    expect(factOf(os, make('a/own', 0o600))).toEqual(quiet);
  });

  test('that everybody may write, or exchange in its folder, or neither where the folder is sticky', () => {
    expect(factOf(os, make('b/open', 0o666))?.othersWrite).toBe('file');
    expect(factOf(os, make('c/open', 0o600, 0o777))?.othersWrite).toBe('folder');
    expect(factOf(os, make('d/below/open', 0o600))?.othersWrite).toBe(null);
    expect(factOf(os, make('e/open', 0o600, 0o1777))?.othersWrite).toBe(null);
  });

  test('that everybody may read: only where every folder on the way lets them pass', () => {
    chmodSync(root, 0o755);
    expect(factOf(os, make('f/open', 0o644))?.othersRead).toBe(true);
    expect(factOf(os, make('g/open', 0o644, 0o700))?.othersRead).toBe(false);
    chmodSync(root, 0o700);
    expect(factOf(os, make('f/open', 0o644))?.othersRead).toBe(false);
  });

  test('of another account', () => {
    const file = make('h/own', 0o600);
    const other = { ...os, user: { ...os.user, uid: (uid ?? 0) + 1 } };
    expect(factOf(other, file)?.foreignOwner).toBe(uid !== 0);
    expect(factOf(os, file)?.foreignOwner).toBe(false);
  });

  test('behind a link is the one that counts', () => {
    const file = make('i/open', 0o666);
    symlinkSync(file, path.join(root, 'link'));
    expect(factOf(os, path.join(root, 'link'))?.othersWrite).toBe('file');
  });

  test('is not asked about: none there, a folder, a relative path, Windows, what macOS guards, mounted places', () => {
    const file = make('j/own', 0o600);
    expect(factOf(os, path.join(root, 'none'))).toBe(null);
    expect(factOf(os, path.dirname(file))).toBe(null);
    expect(factOf(os, 'j/own')).toBe(null);
    expect(factOf({ ...os, platform: 'win32' }, file)).toBe(null);
    expect(factOf({ ...os, platform: 'darwin' }, '/Users/ada/Documents/x')).toBe(null);
    expect(factOf(os, '/proc/self/stat')).toBe(null);
  });
});

// For the same reason.
describe.runIf(uid !== null)('the program of an entry', () => {
  test('is found in the home, in the project, and by the first path that is there', () => {
    make('k/run.js', 0o666);
    const at = (...paths: string[]) => programFact(os, { paths, home: root, project: path.join(root, 'k') })?.othersWrite ?? null;
    expect(at('~/k/run.js')).toBe('file');
    expect(at('${HOME}/k/run.js')).toBe('file');
    expect(at('./run.js')).toBe('file');
    expect(at('/nowhere', 'run.js')).toBe('file');
    expect(at('$OTHER/run.js', '/nowhere')).toBe(null);
    expect(programFact(os, { paths: ['run.js'], home: null, project: null })).toBe(null);
  });
});
