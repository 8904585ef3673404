/**
 * The computer's serial number, told once when it joins its collector, so that it is found in the organization's own lists: where the system lets this account read
 * it, and not at all elsewhere. Kept nowhere here.
 *
 * macOS and Windows were written from documentation and never run there. Unverified: that an account without rights may ask `ioreg` and read the copy of
 * the firmware's table in the registry.
 */
import path from 'node:path';
import type { Os } from '../observe/os.ts';
import { readSmall } from '../observe/read.ts';
import { serialInTable } from './smbios.ts';

const LONGEST = 100;

/** Null where there is none that may be read. Never throws; asks a program of the system for a few seconds at most. */
export async function readSerial(os: Os): Promise<string | null> {
  try {
    const found = os.platform === 'linux' ? onLinux(os) : os.platform === 'darwin' ? await onDarwin(os) : await onWin32(os);
    const plain = found?.trim() ?? '';
    return plain === '' || plain.length > LONGEST || !/^[\x20-\x7e]+$/.test(plain) ? null : plain;
  } catch {
    return null;
  }
}

/** Only root may read it. */
function onLinux(os: Os): string | null {
  const read = readSmall(os.at('/sys/class/dmi/id/product_serial'), 4096);
  return read.ok ? read.bytes.toString('utf8') : null;
}

async function onDarwin(os: Os): Promise<string | null> {
  const said = await os.run('/usr/sbin/ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']);
  return /"IOPlatformSerialNumber" = "([^"]*)"/.exec(said)?.[1] ?? null;
}

/** What Windows itself read from the firmware at its start. */
async function onWin32(os: Os): Promise<string | null> {
  const root = Object.entries(os.env).find(([name]) => name.toLowerCase() === 'systemroot')?.[1] ?? 'C:\\Windows';
  const key = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\mssmbios\\Data';
  const said = await os.run(path.win32.join(root, 'System32', 'reg.exe'), ['query', key, '/v', 'SMBiosData']);
  const hex = /^ {4}SMBiosData {4}REG_BINARY {4}([0-9A-Fa-f]+)\s*$/m.exec(said)?.[1];
  return hex === undefined ? null : serialInTable(Buffer.from(hex, 'hex'));
}
