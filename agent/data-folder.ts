/** Where Muster keeps what it knows: the folder, whose it is, and the names in it. */
import { mkdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import type { Os } from './observe/os.ts';

/** A data folder that can't be used, with the exit code of `design/cli.md`: 4 for the folder, 2 for how it was named. */
export class DataFolderError extends Error {
  readonly code: 'not-owner' | 'database' | 'usage';
  readonly path: string | null;
  constructor(code: DataFolderError['code'], message: string, at: string | null) {
    super(message);
    this.name = 'DataFolderError';
    this.code = code;
    this.path = at;
  }
}

/** The platform's application-data folder; throws where the account has no home and none was named. */
export function defaultDataDir(os: Os): string {
  const { home } = os.user;
  const named = os.platform === 'win32' ? os.env['LOCALAPPDATA'] : os.platform === 'linux' ? os.env['XDG_DATA_HOME'] : undefined;
  if (named && path.isAbsolute(named)) return path.join(named, os.platform === 'win32' ? 'Muster' : 'muster');
  if (!home) {
    throw new DataFolderError(
      'usage',
      'This account has no home folder; name a data folder with --data DIR and the home to look at with --home DIR.',
      null,
    );
  }
  // A service's account may name a home that was never made, and making it is nobody's business here.
  if (!entry(home)?.isDirectory()) {
    throw new DataFolderError(
      'usage',
      `The home folder ${home} of this account doesn’t exist; name a data folder with --data DIR and the home to look at with --home DIR.`,
      home,
    );
  }
  if (os.platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'Muster');
  if (os.platform === 'win32') return path.join(home, 'AppData', 'Local', 'Muster');
  return path.join(home, '.local', 'share', 'muster');
}

/** What stands at a path; null where nothing does or it can't be asked. */
export function entry(at: string): Stats | null {
  try {
    return statSync(at);
  } catch {
    return null;
  }
}

/** Whether another account owns the folder; false where it isn't there, and on Windows, where the folder's ACL decides. */
export function ownedByAnother(dataDir: string, os: Os): boolean {
  const uid = entry(dataDir)?.uid;
  return os.user.uid !== null && uid !== undefined && uid !== os.user.uid;
}

/** Throws a sentence where another account owns the folder: its inventory may be read (`muster status`), and nothing else done with it. */
export function refuseOthers(dataDir: string, os: Os): void {
  if (!ownedByAnother(dataDir, os)) return;
  throw new DataFolderError(
    'not-owner',
    `The data folder ${dataDir} belongs to another account; run this as that account, or name another folder with --data DIR.`,
    dataDir,
  );
}

/** Throws a sentence where something that is no folder stands at the path, or on the way to it. */
export function refuseFiles(dataDir: string): void {
  let standing = true;
  try {
    standing = statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() ?? true;
  } catch (error) {
    standing = (error as NodeJS.ErrnoException).code !== 'ENOTDIR';
  }
  if (!standing)
    throw new DataFolderError('database', `The data folder ${dataDir} is not a folder; name another one with --data DIR.`, dataDir);
}

/** Makes the folder, for this account alone; throws a sentence when it can't or when another account owns it. */
export function prepareDataDir(dataDir: string, os: Os): void {
  refuseOthers(dataDir, os);
  try {
    // A folder that was there keeps its mode: somebody may have named their home. The files in it are for their owner alone anyway.
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOSPC'
        ? 'the disk is full'
        : code === 'EROFS'
          ? 'the disk is read-only'
          : code === 'ENOTDIR' || code === 'EEXIST'
            ? 'a file is in its way'
            : code === 'EACCES' || code === 'EPERM'
              ? 'this account may not write there'
              : `the system says ${code}`;
    throw new DataFolderError(
      'database',
      `The data folder ${dataDir} can’t be made because ${why}; name another one with --data DIR.`,
      dataDir,
    );
  }
}

export const databaseFile = (dataDir: string) => path.join(dataDir, 'muster.db');
