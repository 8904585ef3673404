/** The serial number, as each system tells it or doesn't; a firmware's table is whatever its maker wrote. */
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSerial } from '../../agent/sync/serial.ts';
import { serialInTable } from '../../agent/sync/smbios.ts';
import { fakeOs } from '../fakes.ts';
import { temporary, write } from './muster.ts';

const root = temporary('serial');

/** A structure with a head, zeros up to `length`, the serial's number at its place, and its texts. */
function structure(type: number, length: number, serial: number, texts: readonly string[]): Buffer {
  const body = Buffer.alloc(length);
  body[0] = type;
  body[1] = length;
  if (length > 7) body[7] = serial;
  const behind = texts.length === 0 ? '\0\0' : `${texts.map((text) => `${text}\0`).join('')}\0`;
  return Buffer.concat([body, Buffer.from(behind, 'latin1')]);
}
const table = (...structures: Buffer[]) => Buffer.concat([Buffer.from([0, 3, 2, 0, 0, 0, 0, 0]), ...structures, structure(127, 4, 0, [])]);

it('is in the second structure of a usual table, and null where a table has none or is cut', () => {
  const bios = structure(0, 24, 0, ['Acme', '1.2.3']);
  const system = structure(1, 27, 4, ['Acme', 'Book 7', '1.0', 'ACM-12345']);
  expect(serialInTable(table(bios, system))).toBe('ACM-12345');
  expect(serialInTable(table(structure(11, 5, 0, []), system))).toBe('ACM-12345');
  expect(serialInTable(table(bios, structure(1, 27, 0, ['Acme'])))).toBeNull();
  expect(serialInTable(table(bios, structure(1, 27, 9, ['Acme'])))).toBeNull();
  expect(serialInTable(table(bios))).toBeNull();
  for (let end = 0; end < table(bios, system).length; end++) {
    const found = serialInTable(table(bios, system).subarray(0, end));
    expect(found === null || found === 'ACM-12345').toBe(true);
  }
});

it('reads any bytes to an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const found = serialInTable(bytes);
      expect(found === null || typeof found === 'string').toBe(true);
    }),
  );
});

it('is asked of each system in its own way, and absent where that is refused, empty or odd', async () => {
  expect(await readSerial(fakeOs({ root: path.join(root, 'none') }))).toBeNull();
  const linux = path.join(root, 'linux');
  write(path.join(linux, 'sys/class/dmi/id/product_serial'), 'ACM-12345\n');
  expect(await readSerial(fakeOs({ root: linux }))).toBe('ACM-12345');
  for (const odd of ['', ' \n', 'x'.repeat(101), 'a\u001b[2Jb', 'Zoë']) {
    write(path.join(linux, 'sys/class/dmi/id/product_serial'), odd);
    expect(await readSerial(fakeOs({ root: linux }))).toBeNull();
  }
  const asked: string[] = [];
  const programs = (said: string) => (file: string, args: readonly string[]) => {
    asked.push([file, ...args].join(' '));
    return said;
  };
  const mac =
    '+-o Mac14,2  <class IOPlatformExpertDevice>\n  {\n    "IOPlatformSerialNumber" = "C02ACME12345"\n    "model" = <"Mac14,2">\n  }\n';
  expect(await readSerial(fakeOs({ root, platform: 'darwin', programs: programs(mac) }))).toBe('C02ACME12345');
  const hex = table(structure(1, 27, 1, ['ACM-777']))
    .toString('hex')
    .toUpperCase();
  const registry = `\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\mssmbios\\Data\r\n    SMBiosData    REG_BINARY    ${hex}\r\n\r\n`;
  expect(await readSerial(fakeOs({ root, platform: 'win32', programs: programs(registry) }))).toBe('ACM-777');
  expect(await readSerial(fakeOs({ root, platform: 'win32', programs: () => new Error('denied') }))).toBeNull();
  expect(asked).toEqual([
    '/usr/sbin/ioreg -rd1 -c IOPlatformExpertDevice',
    'C:\\Windows\\System32\\reg.exe query HKLM\\SYSTEM\\CurrentControlSet\\Services\\mssmbios\\Data /v SMBiosData',
  ]);
});
