/** Processes on macOS, from rows as ps-list gives them there: arguments and programs put together again, bundle identifiers, and what changed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { ProcessObservation } from '../../agent/observe/observation.ts';
import { darwinProcesses, innermostApp, type Listed, readBundleId, splitPsLine } from '../../agent/observe/processes/darwin.ts';
import { createProcessObserver } from '../../agent/observe/processes/processes.ts';
import { fakeOs } from '../fakes.ts';

const root = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'muster-darwin-')));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
const put = (file: string, content: string | Uint8Array = '') => {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), content);
};
const os = fakeOs({ root, platform: 'darwin', env: { PATH: '/Users/ada/.local/bin:/usr/bin' } });
const homes = [{ home: '/Users/ada', uid: 501 }];
/** An Info.plist as Xcode writes it, with one key. */
const plist = (key: string, value: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>${key}</key>
	${value}
</dict>
</plist>
`;
/** A binary one, made by Python's plistlib. */
const binary = fs.readFileSync(new URL('../fixtures/installed/Info-binary.plist', import.meta.url));
const started = new Date('2026-11-22T09:00:00Z');
const row = (pid: number, cmd: string, rest: Partial<Listed> = {}): Listed => ({
  pid,
  ppid: 1,
  uid: 501,
  name: path.basename(rest.path ?? cmd.split(' ')[0] ?? ''),
  cmd,
  path: '',
  startTime: started,
  ...rest,
});
const observe = async (rows: () => readonly Listed[]) => darwinProcesses(os, homes, async () => rows());
const first = async (...rows: Listed[]) => (await (await observe(() => rows)).look()).appeared;

describe('processes on macOS', () => {
  it('knows an application by the bundle identifier of the innermost bundle, XML or binary, read once', async () => {
    const helper = '/Applications/Cursor.app/Contents/Frameworks/Cursor Helper.app';
    put('/Applications/Cursor.app/Contents/Info.plist', plist('CFBundleIdentifier', '<string>com.todesktop.cursor</string>'));
    put(`${helper}/Contents/Info.plist`, binary);
    put('/Applications/Cursor.app/Contents/MacOS/Cursor');
    put(`${helper}/Contents/MacOS/Cursor Helper`);
    const main = '/Applications/Cursor.app/Contents/MacOS/Cursor';
    const inner = `${helper}/Contents/MacOS/Cursor Helper`;
    const seen = await first(row(1, main, { path: main }), row(2, `${inner} --type=gpu-process`, { path: inner }));
    expect(seen).toMatchObject([
      { pid: 1, exe: main, args: [main], bundleId: 'com.todesktop.cursor', home: '/Users/ada', startedAt: '2026-11-22T09:00:00.000Z' },
      { pid: 2, exe: inner, args: [inner, '--type=gpu-process'], bundleId: 'com.todesktop.230313mzl4w4u92' },
    ]);
  });

  it('has no bundle identifier where the Info.plist is missing, broken or without one', async () => {
    for (const [app, content] of [
      ['None', null],
      ['Broken', 'bplist00garbage'],
      ['Text', 'hello'],
      ['Without', plist('CFBundleName', '<string>x</string>')],
      ['Number', plist('CFBundleIdentifier', '<integer>7</integer>')],
    ] as const) {
      if (content !== null) put(`/Applications/${app}.app/Contents/Info.plist`, content);
      expect(readBundleId(path.join(root, `/Applications/${app}.app/Contents/Info.plist`))).toBeNull();
    }
    fs.mkdirSync(path.join(root, '/Applications/Pipe.app/Contents'), { recursive: true });
    execFileSync('mkfifo', [path.join(root, '/Applications/Pipe.app/Contents/Info.plist')]);
    expect(readBundleId(path.join(root, '/Applications/Pipe.app/Contents/Info.plist'))).toBeNull();
    expect(innermostApp('/usr/bin/node')).toBeNull();
    expect(innermostApp('/A.app/Contents/B.app/Contents/MacOS/b')).toBe('/A.app/Contents/B.app');
  });

  it('takes the program from ps where ps-list found no path, and from PATH where it was called by its bare name', async () => {
    const long = '/Applications/A Name Of Seven Or More Words Here.app/Contents/MacOS/A Name Of Seven Or More Words Here';
    put(long);
    put('/Users/ada/.local/share/claude/versions/2.0.1');
    fs.mkdirSync(path.join(root, '/Users/ada/.local/bin'), { recursive: true });
    fs.symlinkSync('../share/claude/versions/2.0.1', path.join(root, '/Users/ada/.local/bin/claude'));
    const rows = [row(1, `${long} --x`, { name: long }), row(2, 'claude --continue'), row(3, './tool x'), row(4, '-zsh')];
    const claude = '/Users/ada/.local/share/claude/versions/2.0.1';
    expect((await first(...rows)).map(({ exe }) => exe)).toEqual([long, claude, null, null]);
    // An agent that launchd has started has a short PATH; another user's program is not looked for in this one's home.
    const short = { ...os, env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' } };
    const others = [row(2, 'claude --continue'), row(3, 'claude', { uid: 502 })];
    const seen = await (await darwinProcesses(short, homes, async () => others)).look();
    expect(seen.appeared.map(({ exe }) => exe)).toEqual([claude, null]);
  });

  it('finds the script of an interpreter, also behind a path with blanks', async () => {
    const script = path.join(root, 'Application Support/My Server/cli.js');
    fs.mkdirSync(path.dirname(script), { recursive: true });
    fs.writeFileSync(script, '');
    // The script's path is a real one here, so it is asked for without the root in front.
    const args = await splitPsLine(
      `/opt/homebrew/bin/node ${script} --stdio a b`,
      '/opt/homebrew/bin/node',
      async (file) => file === script,
    );
    expect(args).toEqual(['/opt/homebrew/bin/node', script, '--stdio', 'a', 'b']);
    const [node, python, other] = await first(
      row(1, `node ${script.replaceAll(' ', '_')} x`),
      row(2, 'python3 -m aider --x'),
      row(3, '/usr/sbin/cupsd -l', { uid: 0 }),
    );
    expect([node?.script, python?.module, other?.home]).toEqual([script.replaceAll(' ', '_'), 'aider', null]);
  });

  it('does not read the bundle of an application that runs where macOS guards the files', async () => {
    fs.mkdirSync(path.join(root, 'Users/ada/Applications'), { recursive: true });
    fs.symlinkSync('../Downloads/Jan.app', path.join(root, 'Users/ada/Applications/Jan.app'));
    const apps = ['Users/ada/Downloads/Jan', 'Volumes/Jan 1/Jan', 'Users/ada/Jan', 'Users/ada/Applications/Jan'];
    const seen = apps.map((app, index) => {
      const exe = `/${app}.app/Contents/MacOS/Jan`;
      if (index < 3) {
        put(exe);
        put(`${app}.app/Contents/Info.plist`, plist('CFBundleIdentifier', '<string>jan.ai.app</string>'));
      }
      return row(index + 1, exe, { path: exe });
    });
    expect((await first(...seen)).map(({ bundleId }) => bundleId)).toEqual([null, null, 'jan.ai.app', null]);
  });

  it('tells whose a process is', async () => {
    const rows = [501, 0, 499, 4_294_967_294, 502, undefined].map((uid, index) => row(index + 1, '/usr/bin/python3 -m aider', { uid }));
    expect((await first(...rows)).map(({ owner }) => owner)).toEqual(['self', 'system', 'system', 'system', 'other', 'other']);
  });

  it('never loses a word of a command line', async () => {
    const word = fc.stringMatching(/^[\w/.=-]{1,6}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 10 }), fc.func(fc.boolean()), async (words, exists) => {
        const args = await splitPsLine(words.join(' '), words[0] ?? '', async (file) => exists(file));
        expect(args.join(' ')).toBe(words.join(' '));
      }),
    );
  });

  it('tells a reused pid by its start, reads a new one once more, and keeps what a program writes over its name', async () => {
    let rows = [row(7, 'sh -c claude'), row(8, 'node /a/gemini'), row(9, 'node /a/qwen')];
    const observer = await observe(() => rows);
    expect((await observer.look()).appeared.length).toBe(3);
    rows = [row(7, 'claude'), row(8, 'node /a/gemini'), row(9, 'qwen')];
    expect((await observer.look()).changed.map(({ args }) => args)).toEqual([['claude']]);
    rows = [row(7, 'claude'), row(8, 'gemini'), row(9, 'qwen')];
    expect(await observer.look()).toEqual({ appeared: [], changed: [], gone: [], total: 3 });
    rows = [row(7, '/bin/cat x', { path: '/bin/cat' }), row(8, 'gemini'), row(9, 'qwen')];
    expect((await observer.look()).changed.map(({ exe }) => exe)).toEqual(['/bin/cat']);
    rows = [
      row(7, '/bin/cat x', { path: '/bin/cat' }),
      row(8, 'node /a/gemini', { startTime: new Date('2026-11-22T09:00:01Z') }),
      row(9, 'qwen'),
    ];
    const { appeared, gone } = await observer.look();
    expect([appeared.map(({ pid }) => pid), gone]).toEqual([[8], [{ pid: 8, startedAt: started.toISOString() }]]);
  });

  it('knows at every look exactly the processes of the table', async () => {
    const state = fc.dictionary(fc.integer({ min: 1, max: 9 }).map(String), fc.integer({ min: 1, max: 3 }), { maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(state, { maxLength: 8 }), async (states) => {
        let now: Record<string, number> = {};
        const observer = await observe(() =>
          Object.entries(now).map(([pid, second]) => row(Number(pid), 'x', { startTime: new Date(second * 1000) })),
        );
        const running = new Map<string, ProcessObservation>();
        for (now of states) {
          const { appeared, gone, total } = await observer.look();
          for (const { pid, startedAt } of gone) expect(running.delete(`${pid}@${startedAt}`)).toBe(true);
          for (const process of appeared) running.set(`${process.pid}@${process.startedAt}`, process);
          expect([...running.keys()].sort()).toEqual(
            Object.entries(now)
              .map(([pid, second]) => `${pid}@${new Date(second * 1000).toISOString()}`)
              .sort(),
          );
          expect(total).toBe(running.size);
        }
      }),
    );
  });

  // It calls `ps`, which Windows hasn’t got.
  it.runIf(process.platform !== 'win32')('reads the rows of the real ps-list', async () => {
    const observer = await createProcessObserver(fakeOs({ root: '/', platform: 'darwin', env: process.env }), {
      homes: [{ home: '/h', uid: process.getuid?.() ?? 0 }],
    });
    const own = (await observer.look()).appeared.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, exe: fs.realpathSync(process.execPath), home: '/h' });
    expect(own?.startedAt).toMatch(/^\d{4}-/);
  });
});
