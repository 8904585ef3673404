/** Where macOS asks the user before a program may look: such a question in Muster's name would startle people, so nothing in those places is opened. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Os } from './os.ts';

/** Folders of a home for which macOS asks, from Apple's documentation; not tried on a Mac. */
const guarded = [
  'Desktop',
  'Documents',
  'Downloads',
  'Library/Mobile Documents',
  'Library/CloudStorage',
  'Library/Containers',
  'Library/Group Containers',
].map((folder) => folder.toLowerCase());

/**
 * Whether listing the folder or reading the file `file` (absolute, as it is on disk, and so are `homes`) would make macOS ask: as it is written, and
 * where its links lead (resolving links asks nothing). False on other systems.
 */
export function asksOnMac(os: Pick<Os, 'platform' | 'at'>, file: string, homes: readonly string[]): boolean {
  if (os.platform !== 'darwin') return false;
  const volumes = os.at('/Volumes/');
  const isGuarded = (at: string) =>
    at.startsWith(volumes) ||
    homes.some((home) => {
      const below = path.relative(home, at).split(path.sep).join('/').toLowerCase();
      return guarded.some((folder) => below === folder || below.startsWith(`${folder}/`));
    });
  if (isGuarded(file)) return true;
  try {
    return isGuarded(realpathSync(file));
  } catch {
    return false;
  }
}
