/** Which collector this computer belongs to: what the managed settings name, or what `muster enroll` joined, and whether that has been acknowledged. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writePrivate } from '../private-file.ts';
import type { Settings } from '../settings.ts';
import { guarded } from '../sqlite.ts';

const Stored = z.object({
  url: z.string().max(2000),
  tenant: z.string().max(300),
  /** Thumbprint of the key that is enrolled: another key is another device. */
  key: z.string().max(100),
  state: z.enum(['active', 'pending']),
  at: z.iso.datetime(),
});
/** An enrolment that a collector has acknowledged. */
export type Joined = z.infer<typeof Stored>;

export type Membership = {
  /** Without a slash at its end. */
  readonly url: string;
  /** Null: not acknowledged yet. */
  readonly joined: Joined | null;
  readonly secret: string | null;
};

const fileOf = (dataDir: string) => path.join(dataDir, 'collector.json');

/** One address, however it is written; the proof is over it. */
export function addressOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replace(/\/+$/, '');
}

/** Null where there is none, or a damaged one: then it is posted again. Throws a `DatabaseError` where it may not be read. */
export function readJoined(dataDir: string): Joined | null {
  const file = fileOf(dataDir);
  return guarded(file, () => {
    try {
      return Stored.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? null;
    } catch (error) {
      // Another account that reads the state may not read this, and sees a computer that nobody joined.
      if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code)))
        return null;
      throw error;
    }
  });
}

/** 0600, whole or not at all. Throws a `DatabaseError`. */
export function writeJoined(dataDir: string, joined: Joined): void {
  const file = fileOf(dataDir);
  guarded(file, () => writePrivate(file, `${JSON.stringify(joined)}\n`));
}

/** Changes when somebody has joined this computer anew; it may be asked often. */
export function joinedStamp(dataDir: string): string {
  const found = statSync(fileOf(dataDir), { throwIfNoEntry: false });
  return found ? `${found.mtimeMs}:${found.ino}` : '';
}

/** Null: this computer belongs to no collector. What an administrator manages holds over what was joined by hand. */
export function membership(
  settings: Pick<Settings, 'collectorUrl' | 'enrollSecret'>,
  joined: Joined | null,
  key: string | null,
): Membership | null {
  const { collectorUrl, enrollSecret } = settings;
  const ours = joined?.key === key ? joined : null;
  if (collectorUrl === undefined) return joined === null ? null : { url: joined.url, joined: ours, secret: null };
  const url = addressOf(collectorUrl);
  return { url, joined: ours?.url === url ? ours : null, secret: enrollSecret ?? null };
}
