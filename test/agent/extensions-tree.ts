/** What the tests of extensions share: the computer of three platforms in a folder, a look at it, an archive made by hand, and the secrets that are planted in it. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { createExtensionObserver, type ExtensionLook } from '../../agent/observe/extensions.ts';
import type { ExtensionObservation } from '../../agent/observe/observation.ts';
import type { Os } from '../../agent/observe/os.ts';
import type { Platform } from '../../electron/contract.ts';
import { fakeOs } from '../fakes.ts';

export const fixture = (name: string) => readFileSync(new URL(`../fixtures/extensions/${name}`, import.meta.url), 'utf8');

/** Parts of what stands in the fixtures and may stand nowhere else. */
export const planted = ['planted', 'PLANTED', 'ada@', 'ada.lovelace', 'Falcon', '10987654', 'Lovelace'];

const uid = process.getuid?.() ?? null;
const homes = { darwin: 'Users/ada', linux: 'home/ada', win32: 'C:/Users/ada' } as const;

/** A computer of that platform below `root`; Windows' folders are named by its variables, as on a real one. */
export function computer(root: string, platform: Platform, env: Os['env'] = {}): { os: Os; home: string } {
  const home = path.join(root, homes[platform]);
  mkdirSync(home, { recursive: true });
  return { os: fakeOs({ root, platform, env, user: { name: 'ada', uid: platform === 'win32' ? null : uid, home } }), home };
}

export function observe(root: string, platform: Platform, env: Os['env'] = {}): Promise<ExtensionLook> {
  const { os, home } = computer(root, platform, env);
  return createExtensionObserver(os, { homes: [home], wants: () => true }).look();
}

/** One extension in one line: `program · id version · on|off|? · profiles`. */
export function lines(look: ExtensionLook): string[] {
  const state = (enabled: boolean | null) => (enabled === null ? '?' : enabled ? 'on' : 'off');
  const line = ({ program, id, version, enabled, profiles }: ExtensionObservation) =>
    [`${program} · ${id} ${version ?? '-'} · ${state(enabled)}`, ...profiles.map((one) => `${one.name} ${state(one.enabled)}`)].join(' · ');
  return look.observations.flatMap((seen) => (seen.kind === 'extension' ? [line(seen)] : [])).sort();
}

export function sites(look: ExtensionLook): string[] {
  return look.observations.flatMap((seen) => (seen.kind === 'site' ? [`${seen.program} · ${seen.host}`] : [])).sort();
}

/** An editor's state with these extensions switched off, and a conversation in another row. */
export function stateDatabase(file: string, off: readonly string[]): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const database = new Sqlite(file);
  database.pragma('synchronous = OFF');
  database.exec('CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)');
  const put = database.prepare('INSERT INTO ItemTable VALUES (?, ?)');
  put.run('extensionsIdentifiers/disabled', JSON.stringify(off.map((id) => ({ id, uuid: '23c4aeee-f844-43cd-b53e-1113e483f1a6' }))));
  put.run('chat.secret', 'ghp_plantedPLANTEDplanted0123456789abcd');
  database.close();
}

/** A ZIP archive, deflated as `jar` does it; `lie` changes what its list says of the last file's unpacked size. */
export function archive(files: Readonly<Record<string, string | Buffer>>, options: { lie?: number } = {}): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  const entries = Object.entries(files);
  entries.forEach(([name, content], index) => {
    const plain = Buffer.from(content);
    // Nothing of nothing, for archives of thousands.
    const packed = plain.length === 0 ? Buffer.from([3, 0]) : deflateRawSync(plain);
    const size = index === entries.length - 1 ? (options.lie ?? plain.length) : plain.length;
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc32(plain), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(size, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), packed]);
    const central = Buffer.alloc(46);
    central.write('PK\x01\x02', 'latin1');
    central.writeUInt16LE(20, 4);
    shared.copy(central, 6, 0, 26);
    central.writeUInt32LE(offset, 42);
    list.push(central, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  });
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, directory, end]);
}
