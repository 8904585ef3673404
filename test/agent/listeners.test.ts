/** Who waits for connections: real servers of this process and of children, and the tables of the three systems. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { darwinListening, parseFields } from '../../agent/observe/listeners/darwin.ts';
import { parseTable } from '../../agent/observe/listeners/linux.ts';
import { win32Listening } from '../../agent/observe/listeners/win32.ts';
import { createListenerObserver } from '../../agent/observe/listeners.ts';
import { type Os, realOs } from '../../agent/observe/os.ts';
import { readListening } from '../../agent/observe/processes/win32-api.ts';
import { fakeOs } from '../fakes.ts';

const open: { close(): void }[] = [];
const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function listen(host: string, port = 0): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  open.push(server);
  return { server, port: (server.address() as net.AddressInfo).port };
}

const home = realOs().user.home;
const exe = process.execPath;

test('a server of this computer only and one for the network, of this process and of a child', async () => {
  const own = await listen('127.0.0.1');
  const wide = await listen('0.0.0.0');
  const child = spawn(exe, ['-e', `const s = require('net').createServer().listen(0, '0.0.0.0', () => console.log(s.address().port))`]);
  children.push(child);
  const childPort = Number(await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text)))));
  const observer = createListenerObserver(realOs());
  const { observations, unavailable } = await observer.look();
  expect(unavailable).toBeNull();
  expect(observations).toContainEqual({ kind: 'listener', port: own.port, reach: 'loopback', pid: process.pid, exe, home });
  expect(observations).toContainEqual({ kind: 'listener', port: wide.port, reach: 'network', pid: process.pid, exe, home });
  expect(observations).toContainEqual({ kind: 'listener', port: childPort, reach: 'network', pid: child.pid, exe, home });
  // What is known already is told the same way; other programs of this computer come and go.
  const ours = (seen: typeof observations) => seen.filter(({ pid }) => pid === process.pid || pid === child.pid);
  expect(ours((await observer.look()).observations)).toEqual(ours(observations));

  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
  await new Promise((resolve) => own.server.close(resolve));
  const later = (await observer.look()).observations.map(({ port }) => port);
  expect(later).not.toContain(own.port);
  expect(later).not.toContain(childPort);
  expect(later).toContain(wide.port);
});

// Elsewhere the system itself joins ports with programs, and no open file is looked at.
test.runIf(process.platform === 'linux')(
  'only the processes and the ports that are asked about are looked for among open files',
  async () => {
    const named = await listen('127.0.0.1');
    const other = await listen('127.0.0.1');
    const observer = createListenerObserver(realOs());
    const whose = async (pids: readonly number[], ports: readonly number[]) => {
      const { observations } = await observer.look({ pids: new Set(pids), ports: new Set(ports) });
      return [named, other].map(({ port }) => observations.find((one) => one.port === port)?.pid);
    };
    expect(await whose([], [named.port])).toEqual([process.pid, null]);
    // Not asked about before is not unknown for ever.
    expect(await whose([process.pid], [])).toEqual([process.pid, process.pid]);
  },
);

test('a port with several sockets of one process is one, reachable as the widest', async () => {
  const first = await listen('127.0.0.1');
  await listen('127.0.0.2', first.port);
  const narrow = await createListenerObserver(realOs()).look();
  expect(narrow.observations.filter(({ port }) => port === first.port)).toMatchObject([{ reach: 'loopback', pid: process.pid }]);
  const both = await listen('::1').catch(() => null);
  if (both) {
    const { observations } = await createListenerObserver(realOs()).look();
    expect(observations.find(({ port }) => port === both.port)).toMatchObject({ reach: 'loopback', pid: process.pid });
  }
  const dual = await listen('::').catch(() => null);
  if (!dual) return;
  const { observations } = await createListenerObserver(realOs()).look();
  expect(observations.filter(({ port }) => port === dual.port)).toMatchObject([{ reach: 'network', pid: process.pid }]);
});

test('a socket that is handed on belongs to whoever still holds it', async () => {
  const { server, port } = await listen('127.0.0.1');
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-listen-'));
  folders.push(folder);
  const script = path.join(folder, 'heir.cjs');
  writeFileSync(script, `process.on('message', (_, server) => { server.on('connection', (s) => s.destroy()); process.send('held'); });`);
  const heir = fork(script, { execArgv: [] });
  children.push(heir);
  const held = new Promise((resolve) => heir.once('message', resolve));
  heir.send('take', server);
  await held;
  const observer = createListenerObserver(realOs());
  const pidOf = async () => (await observer.look()).observations.filter((one) => one.port === port).map(({ pid }) => pid);
  expect([[process.pid], [heir.pid]]).toContainEqual(await pidOf());
  await new Promise((resolve) => server.close(resolve));
  expect(await pidOf()).toEqual([heir.pid]);
});

/** A /proc of our own: sockets by account, and the files that processes have open. */
function procOf(rows: readonly string[], files: Readonly<Record<string, string>> = {}, tcp6: readonly string[] = []): Os {
  const root = mkdtempSync(path.join(tmpdir(), 'muster-proc-'));
  folders.push(root);
  mkdirSync(path.join(root, 'proc/net'), { recursive: true });
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  writeFileSync(path.join(root, 'proc/net/tcp'), head + rows.map((row) => `${row}\n`).join(''));
  if (tcp6.length > 0) writeFileSync(path.join(root, 'proc/net/tcp6'), head + tcp6.map((row) => `${row}\n`).join(''));
  for (const [at, target] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, 'proc', at)), { recursive: true });
    symlinkSync(target, path.join(root, 'proc', at));
  }
  return fakeOs({ root, user: { name: 'ada', uid: process.getuid?.() ?? 0, home: '/home/ada' } });
}
const row = (local: string, state: string, uid: number, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

test('a service of the system is told without its process, another person’s server not at all', async () => {
  const uid = process.getuid?.() ?? 0;
  const os = procOf(
    [
      row('0100007F:2CAA', '0A', 998, 11),
      row('00000000:1F90', '0A', 4321, 12),
      row('0100007F:1F91', '0A', uid, 13),
      row('0100007F:1F92', '01', uid, 14),
    ],
    { '77/fd/3': 'socket:[13]', '77/fd/4': '/dev/null', '77/exe': '/opt/tool/server (deleted)', '88/fd/1': 'socket:[99]' },
    [row('00000000000000000000000001000000:1F91', '0A', uid, 15), row('0000000000000000FFFF00000100007F:1F93', '0A', uid, 16)],
  );
  expect(await createListenerObserver(os).look()).toEqual({
    unavailable: null,
    observations: [
      { kind: 'listener', port: 0x1f91, reach: 'loopback', pid: null, exe: null, home: '/home/ada' },
      { kind: 'listener', port: 0x1f91, reach: 'loopback', pid: 77, exe: '/opt/tool/server', home: '/home/ada' },
      { kind: 'listener', port: 0x1f93, reach: 'loopback', pid: null, exe: null, home: '/home/ada' },
      { kind: 'listener', port: 0x2caa, reach: 'loopback', pid: null, exe: null, home: null },
    ],
  });
});

test('without a table it is said, and asked again', async () => {
  const root = mkdtempSync(path.join(tmpdir(), 'muster-proc-'));
  folders.push(root);
  const observer = createListenerObserver(fakeOs({ root }));
  expect(await observer.look()).toMatchObject({
    observations: [],
    unavailable: expect.stringMatching(/can’t be seen \(no .*proc\/net\/tcp\)/),
  });
  mkdirSync(path.join(root, 'proc/net'), { recursive: true });
  writeFileSync(path.join(root, 'proc/net/tcp'), row('0100007F:1F91', '0A', 998, 13));
  expect(await observer.look()).toMatchObject({ observations: [{ port: 0x1f91 }], unavailable: null });
});

test('any table is read without throwing, and a listening row gives its port, reach, account and inode', () => {
  const hex = (bytes: number) => fc.stringMatching(new RegExp(`^[0-9A-F]{${bytes * 2}}$`));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => Array.isArray(parseTable(text))));
  fc.assert(
    fc.property(fc.oneof(hex(4), hex(16)), fc.integer({ min: 1, max: 65_535 }), fc.nat(), fc.nat(), (address, port, uid, inode) => {
      const local = `${address}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
      expect(parseTable(`head\n${row(local, '0A', uid, inode)}\n${row(local, '01', uid, inode + 1)}`)).toEqual([
        { port, uid, inode: String(inode), reach: address.length === 8 && address.endsWith('7F') ? 'loopback' : 'network' },
      ]);
    }),
    { examples: [['0100007F', 11_434, 998, 1]] },
  );
});

test('macOS: lsof’s fields, with the account that owns each process', async () => {
  const text =
    'p501\nu501\nf7\nn127.0.0.1:11434\nf8\nn[::1]:11434\np602\nu0\nf3\nn*:22\np700\nu502\nf3\nn*:8080\np800\nf1\nn192.168.1.4:9000\nnbroken\npx\nn*:1\n';
  const answers = (answer: string | Error) =>
    fakeOs({
      root: '/',
      platform: 'darwin',
      user: { name: 'ada', uid: 501, home: '/Users/ada' },
      programs: (file) => (file === '/usr/sbin/lsof' ? answer : new Error(file)),
    });
  expect(await darwinListening(answers(text))()).toEqual([
    { port: 11_434, reach: 'loopback', pid: 501, exe: null, home: '/Users/ada' },
    { port: 11_434, reach: 'loopback', pid: 501, exe: null, home: '/Users/ada' },
    { port: 22, reach: 'network', pid: 602, exe: null, home: null },
    { port: 9000, reach: 'network', pid: 800, exe: null, home: null },
  ]);
  expect(await createListenerObserver(answers(Object.assign(new Error('none'), { code: 1 }))).look()).toEqual({
    observations: [],
    unavailable: null,
  });
  const missing = Object.assign(new Error('spawn /usr/sbin/lsof --secret'), { code: 'ENOENT' });
  expect(await createListenerObserver(answers(missing)).look()).toEqual({
    observations: [],
    unavailable: 'Which programs wait for connections can’t be seen (ENOENT).',
  });
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(...'pun\n127.0:*[]f') }), (any) => Array.isArray(parseFields(any))));
});

test('Windows: the tables of both families, whatever they hold', async () => {
  const four = Buffer.alloc(4 + 2 * 24);
  four.writeUInt32LE(2);
  for (const [index, [address, port, pid]] of (
    [
      [[127, 0, 0, 1], 11_434, 40],
      [[0, 0, 0, 0], 8080, 41],
    ] as const
  ).entries()) {
    four.set(address, 4 + index * 24 + 4);
    four.writeUInt16BE(port, 4 + index * 24 + 8);
    four.writeUInt32LE(pid, 4 + index * 24 + 20);
  }
  expect(readListening(four, false)).toEqual([
    { port: 11_434, loopback: true, pid: 40 },
    { port: 8080, loopback: false, pid: 41 },
  ]);
  const six = Buffer.alloc(4 + 56);
  six.writeUInt32LE(1);
  six[4 + 15] = 1;
  six.writeUInt16BE(1234, 4 + 20);
  six.writeUInt32LE(42, 4 + 52);
  expect(readListening(six, true)).toEqual([{ port: 1234, loopback: true, pid: 42 }]);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 400 }), fc.boolean(), (bytes, ipv6) => {
      for (const { port } of readListening(Buffer.from(bytes), ipv6)) expect(port).toBeLessThan(65_536);
    }),
  );

  const owners = { 40: 'self', 41: 'other', 42: 'system' } as const;
  const os = fakeOs({ root: '/', platform: 'win32', user: { name: 'ada', uid: null, home: 'C:\\Users\\ada' } });
  const read = await win32Listening(
    os,
    { listening: () => [...readListening(four, false), ...readListening(six, true)] },
    { detail: (pid) => ({ exe: `C:\\${pid}.exe`, commandLine: null, owner: owners[pid as 40] }) },
  );
  expect(await read()).toEqual([
    { port: 11_434, reach: 'loopback', pid: 40, exe: 'C:\\40.exe', home: 'C:\\Users\\ada' },
    { port: 1234, reach: 'loopback', pid: 42, exe: 'C:\\42.exe', home: null },
  ]);
});
