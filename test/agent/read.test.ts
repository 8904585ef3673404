/** The careful reader meets everything that can stand where a file is expected, and never waits. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSmall } from '../../agent/observe/read.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'muster-read-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => path.join(folder, name);

test('reads a whole file, with its owner and time', () => {
  writeFileSync(at('plain'), 'hello');
  const read = readSmall(at('plain'), 5);
  expect(read).toMatchObject({ ok: true, uid: process.getuid?.() });
  if (read.ok) {
    expect(read.bytes.toString()).toBe('hello');
    expect(Math.abs(read.mtimeMs - Date.now())).toBeLessThan(60_000);
  }
});

test('an empty file is a file', () => {
  writeFileSync(at('empty'), '');
  const read = readSmall(at('empty'), 0);
  expect(read.ok && read.bytes.length).toBe(0);
});

test('refuses what is larger than asked for, by one byte', () => {
  writeFileSync(at('large'), 'x'.repeat(101));
  expect(readSmall(at('large'), 100)).toEqual({ ok: false, why: 'too-big', detail: '101 bytes, more than 100' });
});

// Only Linux has them.
test.runIf(process.platform === 'linux')('files of /proc, which claim to be empty, are read whole and bounded', () => {
  const read = readSmall('/proc/self/status', 1 << 20);
  expect(read.ok && read.bytes.toString()).toMatch(/^Name:[\s\S]*Pid:\s*\d+/);
  expect(readSmall('/proc/self/status', 10)).toMatchObject({ ok: false, why: 'too-big' });
});

test('says what stands there instead', async () => {
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  symlinkSync(at('loop-b'), at('loop-a'));
  symlinkSync(at('loop-a'), at('loop-b'));
  symlinkSync(at('nowhere'), at('dangling'));
  writeFileSync(at('file'), '');
  const server = createServer().listen(at('socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const why = (name: string) => {
    const read = readSmall(name, 100);
    return read.ok ? 'read' : `${read.why}: ${read.detail}`;
  };
  expect(why(at('folder'))).toBe('not-a-file: a folder');
  expect(why(at('pipe'))).toBe('not-a-file: a named pipe');
  expect(why(at('socket'))).toBe('not-a-file: a socket');
  expect(why('/dev/zero')).toBe('not-a-file: a device');
  expect(why(at('loop-a'))).toBe('loop: ELOOP');
  expect(why(at('dangling'))).toBe('absent: ENOENT');
  expect(why(at('none'))).toBe('absent: ENOENT');
  expect(why(at('file/below'))).toMatch(/^absent: /);
  expect(why('a\0b')).toMatch(/^unreadable: /);
  await new Promise((resolve) => server.close(resolve));
});

test('a file without permission is unreadable', () => {
  writeFileSync(at('closed'), 'x');
  chmodSync(folder, 0o755);
  chmodSync(at('closed'), 0);
  // Nothing is closed to root, so root reads as nobody for this once.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65534);
  const read = readSmall(at('closed'), 100);
  if (root) process.seteuid?.(0);
  expect(read).toEqual({ ok: false, why: 'unreadable', detail: 'EACCES' });
});
