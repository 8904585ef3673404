/** Secrets to plant, and the search for their pieces in whatever came out: as they are, in UTF-16, in base64 and in hexadecimal. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';

/** So many characters of a secret in a row are a part of it and no accident. */
const TELLING = 12;

export type Planting = {
  /** A new secret of a common shape, remembered by where it is planted. */
  secret(where: string, shape?: (random: string) => string): string;
  /** By where they were planted. */
  readonly all: ReadonlyMap<string, string>;
  /** Where the secrets were planted of which the content holds twelve characters or more. */
  found(content: Buffer): string[];
};

export function createPlanting(): Planting {
  const all = new Map<string, string>();
  const fragments = new Map<string, string>();
  return {
    all,
    secret(where, shape = (random) => random) {
      const random = randomBytes(18).toString('hex');
      for (let at = 0; at + TELLING <= random.length; at++) fragments.set(random.slice(at, at + TELLING), where);
      const made = shape(random);
      all.set(where, made);
      return made;
    },
    found(content) {
      const places = new Set<string>();
      for (const text of readings(content)) {
        for (const [run] of text.matchAll(/[0-9a-f]{12,}/g)) {
          for (let at = 0; at + TELLING <= run.length; at++) {
            const where = fragments.get(run.slice(at, at + TELLING));
            if (where !== undefined) places.add(where);
          }
        }
      }
      return [...places];
    },
  };
}

function* readings(content: Buffer): Generator<string> {
  const text = content.toString('latin1');
  yield text;
  yield text.replaceAll('\0', '');
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)) {
    for (let offset = 0; offset < 4; offset++) yield Buffer.from(run.slice(offset), 'base64').toString('latin1');
  }
  for (const [run] of text.matchAll(/[0-9a-f]{24,}/gi)) {
    for (let offset = 0; offset < 2; offset++) yield Buffer.from(run.slice(offset), 'hex').toString('latin1');
  }
}

export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
