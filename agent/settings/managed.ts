/** What an administrator has set for this computer, from where the system keeps such things; one file a system says how. */
import type { Os } from '../observe/os.ts';
import { managedOnDarwin, preferencesOf } from './darwin.ts';
import { type Managed, readObject, stampOf } from './layer.ts';
import { managedOnLinux, policyFiles } from './linux.ts';
import { managedOnWin32 } from './win32.ts';

/** `instead` is the file of `--managed`, which stands for all of it. Never rejects. */
export async function readManaged(os: Os, instead: string | null): Promise<Managed> {
  if (instead !== null) {
    const read = readObject(instead);
    return 'detail' in read ? { layers: [], issues: [{ from: instead, ...read, refused: true }] } : { layers: [read], issues: [] };
  }
  if (os.platform === 'linux') return managedOnLinux(os);
  return os.platform === 'darwin' ? managedOnDarwin(os) : managedOnWin32(os);
}

/** Changes when files that are read do. The registry has no such thing: it is asked again with every whole look. */
export function managedStamp(os: Os, instead: string | null): string {
  const files =
    instead !== null ? [instead] : os.platform === 'linux' ? policyFiles(os) : os.platform === 'darwin' ? preferencesOf(os) : [];
  return files.map(stampOf).join(' ');
}
