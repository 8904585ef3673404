/** The window in front: what is said where nobody can tell, macOS by its answers, and X11 with a real server, window manager and window. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { darwinForeground } from '../../agent/observe/foreground/darwin.ts';
import { windowFacts, windowId, x11Foreground } from '../../agent/observe/foreground/x11.ts';
import { createForegroundObserver } from '../../agent/observe/foreground.ts';
import { realOs } from '../../agent/observe/os.ts';
import { needs } from '../capability.ts';
import { fakeOs } from '../fakes.ts';

const scratch = fs.mkdtempSync(path.join(tmpdir(), 'muster-foreground-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

/** A Linux with these programs on its PATH. */
function linux(env: Record<string, string>, installed: readonly string[] = ['xprop'], programs?: Parameters<typeof fakeOs>[0]['programs']) {
  const root = fs.mkdtempSync(path.join(scratch, 'root-'));
  fs.mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
  for (const name of installed) fs.writeFileSync(path.join(root, 'usr/bin', name), '', { mode: 0o755 });
  return fakeOs({ root, env: { PATH: 'relative::/nowhere:/usr/bin', ...env }, ...(programs ? { programs } : {}) });
}

describe('where nobody can tell the window in front', () => {
  const wayland = 'This is a Wayland session, and Wayland shows no program which window is in front.';
  it.each([
    ['a Wayland session', { XDG_SESSION_TYPE: 'wayland', DISPLAY: ':0' }, undefined, wayland],
    ['a Wayland compositor', { WAYLAND_DISPLAY: 'wayland-0', DISPLAY: ':0' }, undefined, wayland],
    ['no display', {}, undefined, 'There is no display here, so no window is in front.'],
    [
      'no xprop',
      { DISPLAY: ':0' },
      [],
      'xprop is missing, which tells the window in front; install the package x11-utils (Fedora: xprop).',
    ],
  ] as const)('%s is said in a sentence, and nothing is run', async (_, env, installed, why) => {
    const ran: string[] = [];
    const os = linux(env, installed, (file) => {
      ran.push(file);
      return '';
    });
    const observer = await createForegroundObserver(os, { titles: true });
    expect(observer.available()).toEqual({ ok: false, why });
    expect(await observer.look()).toBeNull();
    expect(ran).toEqual([]);
  });

  it('looks again once xprop has been installed', async () => {
    const os = linux({ DISPLAY: ':0' }, [], () => '_NET_ACTIVE_WINDOW(WINDOW): window id # 0x0');
    const observer = await createForegroundObserver(os, { titles: false });
    expect(observer.available().ok).toBe(false);
    fs.writeFileSync(os.at('/usr/bin/xprop'), '', { mode: 0o755 });
    expect(observer.available()).toEqual({ ok: true });
    expect(await observer.look()).toBeNull();
  });

  it('rejects with a sentence where the display does not answer', async () => {
    const observer = await createForegroundObserver(linux({ DISPLAY: ':7' }), { titles: false });
    await expect(observer.look()).rejects.toThrow(
      "The X display :7 doesn't answer; start Muster inside the desktop session that it belongs to.",
    );
  });
});

describe('the answer of xprop', () => {
  it.each([
    ['_NET_ACTIVE_WINDOW(WINDOW): window id # 0x1a00007\n', '0x1a00007'],
    ['_NET_ACTIVE_WINDOW(WINDOW): window id # 0x0\n', null],
    ['_NET_ACTIVE_WINDOW(WINDOW): window id # 0x2e00003, 0x0\n', '0x2e00003'],
    ['_NET_ACTIVE_WINDOW:  not found.\n', null],
    ['', null],
  ])('%j', (text, id) => expect(windowId(text)).toBe(id));
});

describe('what xprop says of a window', () => {
  it.each([
    ['_NET_WM_PID(CARDINAL) = 5\nWM_CLASS(STRING) = "cursor", "Cursor"\n', { pid: 5, appName: 'Cursor', title: null }],
    ['_NET_WM_PID:  not found.\nWM_CLASS:  not found.\n', { pid: null, appName: null, title: null }],
    ['_NET_WM_PID(CARDINAL) = 0\n', { pid: null, appName: null, title: null }],
    [
      '_NET_WM_PID(CARDINAL) = 7\nWM_CLASS(STRING) = "a \\"b\\"", "C\\\\D"\n_NET_WM_NAME(UTF8_STRING) = "dash \\342\\200\\224 end"\n',
      { pid: 7, appName: 'C\\D', title: 'dash — end' },
    ],
    // A class that tries to be another property: xprop writes its line break as two characters.
    ['_NET_WM_PID(CARDINAL) = 7\nWM_CLASS(STRING) = "x\\n_NET_WM_PID(CARDINAL) = 1", "X"\n', { pid: 7, appName: 'X', title: null }],
    ['', { pid: null, appName: null, title: null }],
  ])('%j', (text, facts) => expect(windowFacts(text)).toEqual(facts));
});

describe('asking about a window only when there can be something new', () => {
  it('asks once for one window of one process, again for another window or when the process has ended, and never for a title', async () => {
    let id = '0x1';
    let asked: string[][] = [];
    const os = linux({ DISPLAY: ':0' }, undefined, (_, args) => {
      if (args[0] === '-root') return `_NET_ACTIVE_WINDOW(WINDOW): window id # ${id}`;
      asked.push([...args]);
      const title = args.includes('_NET_WM_NAME') || args.length === 2 ? '_NET_WM_NAME(UTF8_STRING) = "Private words"\n' : '';
      return `_NET_WM_PID(CARDINAL) = 5\nWM_CLASS(STRING) = "cursor", "Cursor"\n${title}`;
    });
    fs.mkdirSync(os.at('/proc/5'), { recursive: true });
    fs.symlinkSync('/usr/bin/cursor (deleted)', os.at('/proc/5/exe'));
    const observer = await x11Foreground(os, false);
    const window = { kind: 'window', pid: 5, exe: '/usr/bin/cursor', bundleId: null, appName: 'Cursor', title: null };
    expect([await observer.look(), await observer.look()]).toEqual([window, window]);
    expect(asked).toEqual([['-id', '0x1', '_NET_WM_PID', 'WM_CLASS']]);
    id = '0x2';
    await observer.look();
    expect(asked.length).toBe(2);
    fs.rmSync(os.at('/proc/5'), { recursive: true });
    expect([await observer.look(), asked.length]).toEqual([{ ...window, exe: null }, 3]);

    asked = [];
    const titled = await x11Foreground(os, true);
    expect([(await titled.look())?.title, (await titled.look())?.title, asked.length]).toEqual(['Private words', 'Private words', 2]);
  });
});

describe('the window in front on macOS', () => {
  const answer = {
    title: 'Private words',
    owner: { name: 'Claude', processId: 9, bundleId: 'com.anthropic.claude', path: '/Applications/Claude.app' },
  };
  it('is asked for with both permissions declined, so that the user is asked nothing', async () => {
    const asked: unknown[] = [];
    const observer = await darwinForeground(true, async (options) => {
      asked.push(options);
      return answer;
    });
    expect(await observer.look()).toEqual({
      kind: 'window',
      pid: 9,
      exe: null,
      bundleId: 'com.anthropic.claude',
      appName: 'Claude',
      title: 'Private words',
    });
    expect(asked).toEqual([{ accessibilityPermission: false, screenRecordingPermission: false }]);
    expect(observer.available()).toEqual({ ok: true });
  });

  it('has no title where titles may not be matched, and nothing where no window is in front', async () => {
    expect(await (await darwinForeground(false, async () => answer)).look()).toMatchObject({ title: null });
    expect(await (await darwinForeground(false, async () => undefined)).look()).toBeNull();
  });
});

needs('display', 'window-manager', 'window-info').describe('the window in front on a real X11 display', () => {
  const children: ChildProcess[] = [];
  const before = { ...process.env };
  const run = promisify(execFile);
  const start = (
    file: string,
    args: readonly string[],
    stdio: 'ignore' | ['ignore', 'ignore', 'ignore', 'pipe'] = 'ignore',
    env = process.env,
  ) => {
    const child = spawn(file, args, { stdio, env });
    children.push(child);
    return child;
  };
  const onPath = (name: string) =>
    (process.env['PATH'] ?? '')
      .split(':')
      .map((folder) => path.join(folder, name))
      .find((file) => fs.existsSync(file)) ?? name;

  beforeAll(async () => {
    // The server picks a free number itself and tells it on the descriptor. By its default it begins anew whenever its last client leaves, which
    // one of our questions could be while the window manager is just coming.
    const server = start(
      'Xvfb',
      ['-displayfd', '3', '-screen', '0', '800x600x24', '-nolisten', 'tcp', '-noreset'],
      ['ignore', 'ignore', 'ignore', 'pipe'],
    );
    const number = await new Promise<string>((resolve, reject) => {
      server.once('exit', () => reject(new Error('Xvfb ended')));
      server.stdio[3]?.once('data', (text: Buffer) => resolve(text.toString().trim()));
    });
    for (const name of ['WAYLAND_DISPLAY', 'XDG_SESSION_TYPE']) delete process.env[name];
    Object.assign(process.env, { DISPLAY: `:${number}`, HOME: scratch });
  }, 30_000);
  afterAll(() => {
    for (const child of children.reverse()) child.kill();
    for (const name of ['WAYLAND_DISPLAY', 'XDG_SESSION_TYPE', 'DISPLAY', 'HOME']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  });

  it('follows it from none, over one that does not name its process, to a named one and away', async () => {
    const os = realOs();
    const plain = await createForegroundObserver(os, { titles: false });
    const titled = await createForegroundObserver(os, { titles: true });
    expect(plain.available()).toEqual({ ok: true });
    // No window manager says anything yet.
    expect(await plain.look()).toBeNull();
    // Without a PATH it finds no program to set a background with, and none to complain of that in a window of its own.
    start(onPath('fluxbox'), ['-no-toolbar'], 'ignore', { ...process.env, PATH: '' });
    const id = () => os.run('xprop', ['-root', '_NET_ACTIVE_WINDOW']).then(windowId);
    await vi.waitFor(async () => expect(await os.run('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK'])).toContain('window id'), 10_000);
    expect(await plain.look()).toBeNull();

    const window = start('xev', ['-name', 'A title — nobody’s business']);
    await vi.waitFor(async () => expect(await id()).not.toBeNull(), 10_000);
    const first = (await id()) ?? '';
    // xev doesn't say which process it is: nothing can be told, and nothing breaks.
    expect([await plain.look(), await titled.look()]).toEqual([null, null]);
    await run('xprop', ['-id', first, '-f', '_NET_WM_PID', '32c', '-set', '_NET_WM_PID', String(window.pid)]);
    await run('xprop', ['-id', first, '-f', 'WM_CLASS', '8s', '-set', 'WM_CLASS', 'xev']);
    const expected = { kind: 'window', pid: window.pid, exe: fs.readlinkSync(`/proc/${window.pid}/exe`), bundleId: null };
    expect(await plain.look()).toEqual({ ...expected, appName: 'xev', title: null });
    expect(await plain.look()).toEqual({ ...expected, appName: 'xev', title: null });
    expect((await titled.look())?.title).toContain('A title');

    window.kill();
    await vi.waitFor(async () => expect(await id()).toBeNull(), 10_000);
    expect([await plain.look(), await titled.look()]).toEqual([null, null]);
  }, 60_000);

  it('rejects when the display has gone', async () => {
    const { DISPLAY } = process.env;
    process.env['DISPLAY'] = ':4321';
    try {
      await expect((await createForegroundObserver(realOs(), { titles: false })).look()).rejects.toThrow(":4321 doesn't answer");
    } finally {
      process.env['DISPLAY'] = DISPLAY;
    }
  });
});
