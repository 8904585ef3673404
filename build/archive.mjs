/** Takes files out of a .tgz and a .zip with nothing but Node: enough of both formats to unpack the Electron runtime, and no more. */
import { createReadStream, createWriteStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createInflateRaw } from 'node:zlib';

/**
 * Writes one member of a gzipped tar archive to `target`. Rejects when there is no such member.
 * @param {string} archive
 * @param {string} member its name inside the archive, as `package/file.zip`
 * @param {string} target
 */
export async function extractFromTgz(archive, member, target) {
  let header = Buffer.alloc(0);
  let left = 0;
  let padding = 0;
  let wanted = false;
  let found = false;
  const pick = new Transform({
    transform(chunk, _encoding, done) {
      let rest = chunk;
      while (rest.length > 0) {
        if (left > 0) {
          const part = rest.subarray(0, left);
          if (wanted) this.push(part);
          left -= part.length;
          rest = rest.subarray(part.length);
        } else if (padding > 0) {
          const part = Math.min(padding, rest.length);
          padding -= part;
          rest = rest.subarray(part);
        } else {
          const part = rest.subarray(0, 512 - header.length);
          header = Buffer.concat([header, part]);
          rest = rest.subarray(part.length);
          if (header.length < 512) continue;
          const text = (/** @type {number} */ from, /** @type {number} */ to) => header.toString('latin1', from, to).replace(/\0.*$/s, '');
          left = Number.parseInt(text(124, 136).trim() || '0', 8) || 0;
          padding = (512 - (left % 512)) % 512;
          wanted = text(0, 100) === member;
          found ||= wanted;
          header = Buffer.alloc(0);
        }
      }
      done();
    },
  });
  await pipeline(createReadStream(archive), createGunzip(), pick, createWriteStream(target));
  if (!found) throw new Error(`${path.basename(archive)} holds no ${member}.`);
}

/**
 * Unpacks a .zip (without ZIP64 or encryption). `rename` gives a member's path below `folder`, or null to leave it out.
 * A member that would land outside `folder`, or whose size differs from what the archive says, is an error.
 * @param {string} archive
 * @param {string} folder
 * @param {(name: string) => string | null} rename
 * @returns {Promise<number>} how many files were written
 */
export async function extractZip(archive, folder, rename) {
  const file = await fs.open(archive, 'r');
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 65_557));
    await file.read(tail, 0, tail.length, size - tail.length);
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
    if (end < 0) throw new Error(`${path.basename(archive)} is not a zip archive.`);
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await file.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    let written = 0;
    for (let at = 0; at + 46 <= directory.length; ) {
      if (directory.readUInt32LE(at) !== 0x02014b50) throw new Error(`${path.basename(archive)} has a damaged directory.`);
      const method = directory.readUInt16LE(at + 10);
      const compressed = directory.readUInt32LE(at + 20);
      const plain = directory.readUInt32LE(at + 24);
      const nameLength = directory.readUInt16LE(at + 28);
      const mode = directory.readUInt32LE(at + 38) >>> 16;
      const offset = directory.readUInt32LE(at + 42);
      const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
      at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
      const wanted = name.endsWith('/') ? null : rename(name);
      if (wanted === null) continue;
      const target = path.resolve(folder, wanted);
      if (!target.startsWith(path.resolve(folder) + path.sep))
        throw new Error(`${path.basename(archive)} names a file outside its folder.`);
      const local = Buffer.alloc(30);
      await file.read(local, 0, 30, offset);
      const start = offset + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
      await fs.mkdir(path.dirname(target), { recursive: true });
      const source = compressed === 0 ? Readable.from([]) : createReadStream(archive, { start, end: start + compressed - 1 });
      const out = createWriteStream(target, { mode: mode & 0o111 ? 0o755 : 0o644 });
      if (method === 8) await pipeline(source, createInflateRaw(), out);
      else if (method === 0) await pipeline(source, out);
      else throw new Error(`${path.basename(archive)} packs ${name} in a way (${method}) that is not known here.`);
      if (out.bytesWritten !== plain) throw new Error(`${path.basename(archive)} is damaged: ${name} has the wrong size.`);
      written++;
    }
    return written;
  } finally {
    await file.close();
  }
}
