/**
 * The highest revisions that were ever in force here, in a file of its own beside the database: a database that is rebuilt, restored or exchanged can
 * lower none of them. It also keeps the root's own handing over of its keys, and the last time that a server told.
 */
import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { later } from '../later.ts';
import { writePrivate } from '../private-file.ts';
import { guarded } from '../sqlite.ts';
import { type DocumentKind, KINDS } from './documents.ts';

/**
 * Which document is newer: first by the revision of the key set that it was signed under, then by its own. So a thief of an online key, who can use
 * up all revisions, is overcome by the next key set. `hash` is of the payload: one revision is one text.
 */
export type Mark = { readonly keySetRev: number; readonly rev: number; readonly hash: string };

export type Floor = { readonly [Kind in DocumentKind]: Mark | null } & {
  /** Of whom these marks are; another organization's begin anew. */
  readonly audience: string | null;
  /** Thumbprint of the root key that signed the highest key set; where the settings no longer lead to it, the marks are another root's. */
  readonly root: string | null;
  /** Key sets in which a root named its successors, oldest first, as they came: each proves itself. */
  readonly rotations: readonly string[];
  readonly serverTime: string | null;
};

export const NO_FLOOR: Floor = { audience: null, root: null, keySet: null, policy: null, grants: null, rotations: [], serverTime: null };

const Form = later(() => {
  const mark = z.strictObject({ keySetRev: z.int().nonnegative(), rev: z.int().nonnegative(), hash: z.string().max(100) }).nullable();
  return z.object({
    audience: z.string().nullable(),
    root: z.string().nullable(),
    keySet: mark,
    policy: mark,
    grants: mark,
    rotations: z.array(z.string()).max(64),
    serverTime: z.iso.datetime().nullable(),
  });
});

const FILE = 'trust-floor.json';
const fileOf = (dataDir: string) => path.join(dataDir, FILE);

/** Below 0 where `a` is older, 0 where both are the same revision. */
export function compareMarks(a: Mark, b: Mark): number {
  return a.keySetRev - b.keySetRev || a.rev - b.rev;
}

/** The higher of both, kind by kind; `below` stays what it was where it is as high. */
export function raised(below: Floor, by: Partial<Pick<Floor, DocumentKind>>): Floor {
  const higher = (kind: DocumentKind): Mark | null => {
    const [was, is] = [below[kind], by[kind] ?? null];
    return was !== null && (is === null || compareMarks(is, was) <= 0) ? was : is;
  };
  return { ...below, ...Object.fromEntries(KINDS.map((kind) => [kind, higher(kind)])) };
}

/** What stands in the file; `state` says why it is none. Changes nothing. Throws a `DatabaseError` where it may not be read. */
export function readFloor(dataDir: string): { readonly floor: Floor; readonly state: 'read' | 'absent' | 'damaged' } {
  const file = fileOf(dataDir);
  return guarded(file, () => {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return { floor: NO_FLOOR, state: 'absent' as const };
      if (code === 'EISDIR') return { floor: NO_FLOOR, state: 'damaged' as const };
      throw error;
    }
    try {
      const { data } = Form().safeParse(JSON.parse(text));
      if (data) return { floor: data, state: 'read' as const };
    } catch {
      // Cut or overwritten by something else.
    }
    return { floor: NO_FLOOR, state: 'damaged' as const };
  });
}

/** Whole or not at all, 0600, and on the disk when this returns. Throws a `DatabaseError`. */
export function writeFloor(dataDir: string, floor: Floor): void {
  const file = fileOf(dataDir);
  guarded(file, () => writePrivate(file, `${JSON.stringify(floor)}\n`));
}

/** Puts a damaged file away, so that somebody can look at it. Throws a `DatabaseError`. */
export function setFloorAside(dataDir: string, now: Date): string {
  const file = fileOf(dataDir);
  const aside = `${file}.damaged-${now.getTime()}`;
  guarded(file, () => renameSync(file, aside));
  return aside;
}
