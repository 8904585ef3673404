/** What stands between a window and the rest: the bridge over a real message port, the shell's check of who asks, the files and addresses. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type BridgeIpc, type BridgePort, bridge } from '../../electron/bridge.ts';
import type { AgentEvents, AgentLink, ShellApi, Snapshot, WindowAgent } from '../../electron/contract.ts';
import { refusesNavigation, refusesRequest } from '../../electron/main/lockdown.ts';
import { CONTENT_SECURITY_POLICY, rendererFile, serveRenderer } from '../../electron/main/renderer-files.ts';
import { helpAddress, registerShell } from '../../electron/main/shell.ts';
import { agentCommand, chromiumFolder, readStart } from '../../electron/main/start.ts';
import { type Channel, RpcError, serve } from '../../electron/rpc.ts';
import { fakeIpc } from '../fakes.ts';
import { anyText, snapshot, tool } from './snapshots.ts';

const OUR_PAGE = { id: 7, url: 'app://muster/index.html#home' };
const up: AgentLink = { state: 'up', detail: null, retryAt: null };
const shellApi: ShellApi = {
  link: async () => up,
  restartAgent: async () => {},
  openHelp: async () => {},
  about: async () => ({ version: '1', electron: '33', chrome: '130', platform: 'linux' }),
};

/** A page with its bridge, and what main does for it: each `live()` is a new life of the agent at the other end of a new port. */
function page(sender: Parameters<typeof fakeIpc>[0] = OUR_PAGE) {
  const ipc = fakeIpc(sender);
  let wanted = 0;
  registerShell(ipc.main as never, { api: shellApi, isOurs: (id) => id === 7, wantsPort: () => wanted++ });
  const given = bridge(ipc.page as unknown as BridgeIpc);
  const live = (request: WindowAgent['request']) => {
    const { port1, port2 } = new MessageChannel();
    const channel: Channel = {
      send: (chunk) => port2.postMessage(chunk),
      receive: (onChunk, onClose) => {
        port2.on('close', onClose).on('message', onChunk);
      },
      close: () => port2.close(),
    };
    const end = serve<{ request: WindowAgent['request'] }, AgentEvents>(channel, { request }, ['request']);
    ipc.toPage('agent-port', [port1 as unknown as BridgePort]);
    return { emit: (slices: Partial<Snapshot>) => end.emit('changed', slices), die: () => port2.close() };
  };
  return { ipc, ...given, live, wanted: () => wanted };
}

/** What a subscription is told, to wait for. */
function heard<T>() {
  const all: T[] = [];
  let wake = () => {};
  return {
    all,
    handler: (value: T) => {
      all.push(value);
      wake();
    },
    count: async (count: number) => {
      while (all.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return all;
    },
  };
}

const input = { item: 'cursor', reason: 'For work.' };
const never = () => new Promise<never>(() => {});

describe('the bridge', () => {
  it('asks main for a port, and refuses with a code while there is none', async () => {
    const { agent, wanted } = page();
    expect(wanted()).toBe(1);
    await expect(agent.scan()).rejects.toMatchObject({ code: 'closed' });
  });

  it('gives the full state first, slices after, and the whole to who comes late', async () => {
    const { agent, live } = page();
    const early = heard<Partial<Snapshot>>();
    agent.onChanged(early.handler);
    const life = live(never);
    life.emit(snapshot([tool('a', 'approved')]));
    life.emit({ tools: [tool('a', 'approved'), tool('b', 'unreviewed')] });
    await early.count(2);
    expect(early.all.map((slices) => slices.tools?.length)).toEqual([1, 2]);
    const late = heard<Partial<Snapshot>>();
    const off = agent.onChanged(late.handler);
    expect(late.all).toEqual([snapshot([tool('a', 'approved'), tool('b', 'unreviewed')])]);
    off();
    life.emit({ tools: [] });
    await early.count(3);
    expect(late.all).toHaveLength(1);
    life.die();
  });

  it('carries on with the next agent: what waits is refused, the new full state replaces the old', async () => {
    const { agent, live } = page();
    const told = heard<Partial<Snapshot>>();
    agent.onChanged(told.handler);
    const first = live(never);
    first.emit({ ...snapshot([tool('a', 'approved')]), problems: [] });
    await told.count(1);
    const waiting = agent.request(input);
    first.die();
    // A plain object with its code: an Error would lose it on the way to the page.
    const refusal = await waiting.catch((error: unknown) => error);
    expect(refusal).not.toBeInstanceOf(Error);
    expect(refusal).toMatchObject({ code: 'closed', message: expect.any(String) });

    const second = live(async () => {
      throw new RpcError('duplicate', 'A request for Cursor is open already; see Your requests.');
    });
    second.emit({ tools: [] });
    await told.count(2);
    const late = heard<Partial<Snapshot>>();
    agent.onChanged(late.handler);
    expect(late.all).toEqual([{ tools: [] }]);
    await expect(agent.request(input)).rejects.toEqual({
      code: 'duplicate',
      message: 'A request for Cursor is open already; see Your requests.',
    });
    second.die();
  });

  it('does not let a handler of the page cut the next one short', async () => {
    const { agent, live } = page();
    const told = heard<Partial<Snapshot>>();
    const complaints: unknown[] = [];
    const { error } = console;
    console.error = (complaint) => complaints.push(complaint);
    agent.onChanged(() => {
      throw new Error('a mistake in the page');
    });
    agent.onChanged(told.handler);
    const life = live(never);
    life.emit({ tools: [] });
    life.emit({ tools: [] });
    await told.count(2);
    console.error = error;
    expect(complaints).toHaveLength(2);
    life.die();
  });

  it('keeps what is to be shown until somebody can show it, and tells of the link', async () => {
    const { ipc, shell } = page();
    ipc.toPage('show', [], 'sees', null);
    ipc.toPage('show', [], 'home', 'cursor');
    const shown: unknown[] = [];
    shell.onShow((view, id) => shown.push([view, id]));
    shell.onShow((view, id) => shown.push([view, id, 'second']));
    ipc.toPage('show', [], 'requests', null);
    expect(shown).toEqual([
      ['home', 'cursor'],
      ['requests', null],
      ['requests', null, 'second'],
    ]);
    const links: AgentLink[] = [];
    shell.onLink((link) => links.push(link));
    ipc.toPage('link', [], { ...up, state: 'restarting' });
    expect(links).toEqual([{ ...up, state: 'restarting' }]);
    expect(await shell.link()).toEqual(up);
    expect((await shell.about()).electron).toBe('33');
  });
});

describe('the shell', () => {
  it.each([
    ['another window', { ...OUR_PAGE, id: 8 }],
    ['another page', { ...OUR_PAGE, url: 'https://muster/index.html' }],
    ['a page whose address only begins like ours', { ...OUR_PAGE, url: 'app://muster.example/index.html' }],
    ['a frame inside our page', { ...OUR_PAGE, parent: {} }],
    ['a page without an address', { ...OUR_PAGE, url: '' }],
    ['a frame that is gone', null],
  ])('refuses %s', async (_who, sender) => {
    const { shell, wanted } = page(sender);
    for (const call of [shell.link, shell.restartAgent, shell.openHelp, shell.about]) await expect(call()).rejects.toThrow('Refused.');
    expect(wanted()).toBe(0);
  });

  it('opens an https address of the policy and nothing else', () => {
    expect(helpAddress('https://acme.example/ai')).toBe('https://acme.example/ai');
    for (const bad of [
      null,
      undefined,
      '',
      'http://acme.example',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'https://u:p@acme.example',
      'x',
    ]) {
      expect(helpAddress(bad)).toBe(null);
    }
  });
});

describe('the renderer’s files', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-files-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'index.html'), '<p>hello');
  writeFileSync(path.join(folder, 'main.js'), '1');
  writeFileSync(path.join(folder, 'notes.txt'), 'x');
  symlinkSync('/etc/hostname', path.join(folder, 'link.txt'));

  it('serves the page with the headers that close it', async () => {
    const response = await serveRenderer({ url: 'app://muster/', method: 'GET' }, folder);
    expect(await response.text()).toBe('<p>hello');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe(CONTENT_SECURITY_POLICY);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe|\*|https?:/);
    expect((await serveRenderer({ url: 'app://muster/main.js', method: 'GET' }, folder)).headers.get('content-type')).toMatch(
      /^text\/javascript/,
    );
  });

  it.each([
    ['app://muster/../../etc/hostname', 'GET'],
    ['app://muster/%2e%2e/%2e%2e/etc/hostname', 'GET'],
    ['app://muster/..%2f..%2fetc%2fhostname', 'GET'],
    ['app://muster/..%5c..%5cetc', 'GET'],
    ['app://muster/%00', 'GET'],
    ['app://muster/%ff', 'GET'],
    ['app://muster/index.html::$DATA', 'GET'],
    ['app://muster/notes.txt', 'GET'],
    ['app://muster/link.txt', 'GET'],
    ['app://muster/missing.js', 'GET'],
    ['app://other/index.html', 'GET'],
    ['file:///etc/hostname', 'GET'],
    ['app://muster/index.html', 'POST'],
    ['', 'GET'],
  ])('does not serve %s by %s', async (url, method) => {
    expect((await serveRenderer({ url, method }, folder)).status).toBe(404);
  });

  it('never leaves its folder, whatever is asked', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '%2e%2e', '%2f', '%5c', '\\', '/', 'index.html', 'a.js', ':', '%00'), anyText);
    fc.assert(
      fc.property(fc.array(part), fc.constantFrom('app://muster/', 'app:', 'app://muster', ''), (parts, start) => {
        for (const separator of ['', '/']) {
          const found = rendererFile(start + parts.join(separator), folder);
          if (found) expect(found.file.startsWith(`${folder}${path.sep}`)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the lock', () => {
  it('lets nothing out', () => {
    for (const address of [
      'https://example.com',
      'http://127.0.0.1:1',
      'ws://localhost',
      'wss://x',
      'file:///etc/hostname',
      'ftp://x',
      'data:text/html,x',
      'blob:app://muster/1',
      'chrome://gpu',
      'devtools://devtools/x',
      'application://x',
      '',
      'app',
    ]) {
      expect(refusesRequest(address, true), address).toBe(true);
    }
    expect(refusesRequest('app://muster/main.js', true)).toBe(false);
    expect(refusesRequest('devtools://devtools/x', false)).toBe(false);
  });

  it('lets the page stay where it is', () => {
    expect(refusesNavigation('app://muster/index.html')).toBe(false);
    expect(refusesNavigation('app://muster/index.html#tool/cursor')).toBe(false);
    for (const address of [
      'app://muster/other.html',
      'app://muster/index.html?x',
      'app://x@muster/index.html',
      'https://muster/index.html',
      'about:blank',
      '',
    ]) {
      expect(refusesNavigation(address), address).toBe(true);
    }
    fc.assert(fc.property(fc.webUrl(), (address) => refusesNavigation(address) && refusesRequest(address, false)));
  });
});

describe('the start', () => {
  it('reads the command line, and the environment in development only', () => {
    const argv = ['muster', '--background', '--data=/tmp/a', '--self-test=/tmp/b.json'];
    expect(readStart(argv, {}, true)).toEqual({ background: true, data: '/tmp/a', selfTest: '/tmp/b.json' });
    expect(readStart(['muster'], { MUSTER_DATA: '/tmp/c' }, false)).toEqual({ background: false, data: '/tmp/c', selfTest: null });
    expect(readStart(['muster'], { MUSTER_DATA: '/tmp/c' }, true)).toEqual({ background: false, data: null, selfTest: null });
  });

  it('takes a value after its option as well, and the last one', () => {
    const argv = ['muster', '--data', '/tmp/a', '--self-test', '/tmp/b.json', '--background'];
    expect(readStart(argv, {}, true)).toEqual({ background: true, data: '/tmp/a', selfTest: '/tmp/b.json' });
    expect(readStart(['muster', '--data=/tmp/a', '--data', '/tmp/b'], {}, true).data).toBe('/tmp/b');
    expect(readStart(['muster', '--data', '/tmp/b', '--data=/tmp/-a'], {}, true).data).toBe('/tmp/-a');
    expect(readStart(['muster', '--database', '/tmp/b', '--data-dir=/tmp/c'], {}, true).data).toBeNull();
  });

  it.each([[['--data']], [['--data=']], [['--data', '--background']], [['--data', '']]])('says that an option has no value: %j', (argv) => {
    const env = { MUSTER_DATA: '/tmp/c' };
    for (const packaged of [true, false]) {
      expect(() => readStart(['muster', ...argv], env, packaged)).toThrow(/^--data has no value: give it a folder, or leave it out/);
    }
  });

  it('keeps Chromium’s folder apart from the agent’s', () => {
    const start = { background: false, data: null, selfTest: null };
    expect(chromiumFolder(start, 'linux', {}, '/home/ada/.config')).toBe('/home/ada/.config/muster-window');
    expect(chromiumFolder(start, 'darwin', {}, '/Users/ada/Library/Application Support')).toBe(
      '/Users/ada/Library/Application Support/Muster Window',
    );
    expect(chromiumFolder(start, 'win32', { LOCALAPPDATA: 'C:\\L' }, 'C:\\R')).toBe('C:\\L\\Muster Window');
    expect(chromiumFolder({ ...start, data: '/tmp/a' }, 'linux', {}, '/x')).toBe('/tmp/a-window');
  });

  it('starts the packaged executable, and in development what it is told', () => {
    const start = { background: false, data: '/tmp/a', selfTest: null };
    const base = { start, resources: '/r', appPath: '/app', env: { MUSTER_AGENT_COMMAND: '["/x","y"]' } };
    const rest = ['watch', '--supervised', '--through-parent', '--data', '/tmp/a'];
    expect(agentCommand({ ...base, packaged: true, platform: 'linux' })).toEqual(['/r/agent/muster', ...rest]);
    expect(agentCommand({ ...base, packaged: true, platform: 'win32' })[0]).toBe('/r/agent/muster.exe');
    expect(agentCommand({ ...base, packaged: false, platform: 'linux' })).toEqual(['/x', 'y', ...rest]);
    expect(agentCommand({ ...base, env: {}, packaged: false, platform: 'linux' }).slice(0, 2)).toEqual([
      '/app/node_modules/node/bin/node',
      '/app/agent/cli.ts',
    ]);
    expect(() => agentCommand({ ...base, env: { MUSTER_AGENT_COMMAND: '"x"' }, packaged: false, platform: 'linux' })).toThrow(/JSON array/);
  });
});
