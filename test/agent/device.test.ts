/** The installation's id: made once, kept through everything but the loss of its own file. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deviceId, readDeviceId } from '../../agent/device.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'muster-device-'));
  data = path.join(folder, 'data');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is made at the first start, for its owner alone, and stays', () => {
  expect(readDeviceId(data)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
  const id = deviceId(data);
  expect(id).toMatch(UUID);
  expect([deviceId(data), readDeviceId(data)]).toEqual([id, id]);
  expect(readdirSync(data)).toEqual(['device.json']);
  expect([data, path.join(data, 'device.json')].map((each) => (statSync(each).mode & 0o777).toString(8))).toEqual(['700', '600']);
});

it.each([
  ['empty', ''],
  ['cut off', '{"id":"4f6'],
  ['no id', '{"id":"anything"}'],
  ['binary', '\0\0\0'],
  ['something else', '[]'],
])('is made anew where the file is damaged (%s), which is set aside', (_, text) => {
  mkdirSync(data);
  writeFileSync(path.join(data, 'device.json'), text);
  expect(readDeviceId(data)).toBeNull();
  const id = deviceId(data);
  expect(id).toMatch(UUID);
  expect(deviceId(data)).toBe(id);
  const aside = readdirSync(data).filter((name) => name.startsWith('device.json.damaged-'));
  expect(aside.map((name) => readFileSync(path.join(data, name), 'utf8'))).toEqual([text]);
});

it('says where it can’t be written, and leaves no half file', () => {
  mkdirSync(data, { mode: 0o555 });
  const program = `import { deviceId } from ${JSON.stringify(new URL('../../agent/device.ts', import.meta.url).href)};
    try { deviceId(${JSON.stringify(data)}) } catch (error) { console.log(error.code, error.message) }`;
  rmSync(folder, { recursive: true });
  mkdirSync(data, { recursive: true, mode: 0o555 });
  // As root no mode counts, so that an ordinary account tries.
  const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', ...account });
  const file = path.join(data, 'device.json');
  expect(stdout.trim()).toBe(
    `permission The file ${file} may not be opened by this account; give the account access to ${data}, or name another folder with --data.`,
  );
  expect(readdirSync(data)).toEqual([]);
});
