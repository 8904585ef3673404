/** The signed head of the record, in a file of its own: who changes the database without the device key can't change this to match. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { DeviceKey } from '../device-key.ts';
import { later } from '../later.ts';
import { writePrivate } from '../private-file.ts';
import { guarded } from '../sqlite.ts';
import { type FoundHead, type Head, headBytes } from './chain.ts';

const Stored = later(() =>
  z.strictObject({
    count: z.int().positive(),
    head: z.string().regex(/^[0-9a-f]{64}$/),
    time: z.string().max(40),
    device: z.string().max(100),
    signature: z.string().max(200),
  }),
);

export const headFile = (dataDir: string) => path.join(dataDir, 'evidence-head.json');

/** Without a key nothing counts as signed. Throws a `DatabaseError` where the file may not be read. */
export function readHead(dataDir: string, key: Pick<DeviceKey, 'verify'> | null): FoundHead {
  const file = headFile(dataDir);
  return guarded(file, () => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { found: false };
      if (code === 'EISDIR') return { found: true, signed: false, head: null };
      throw error;
    }
    try {
      const { signature, ...head } = Stored().parse(JSON.parse(text));
      return { found: true, signed: key?.verify(headBytes(head), signature) ?? false, head };
    } catch {
      return { found: true, signed: false, head: null };
    }
  });
}

/** Throws a `DatabaseError`. */
export function writeHead(dataDir: string, head: Head, key: Pick<DeviceKey, 'sign'>): void {
  const file = headFile(dataDir);
  guarded(file, () => writePrivate(file, `${JSON.stringify({ ...head, signature: key.sign(headBytes(head)) })}\n`));
}
