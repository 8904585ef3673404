/** An embedded database for a test, in memory: begun from an empty one that was made once, because making one takes seconds of a processor. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import type { Where } from '../../collector/database.ts';
import manifest from '../../package.json' with { type: 'json' };

const cache = fileURLToPath(new URL('../../node_modules/.cache/muster', import.meta.url));
const file = path.join(cache, `pglite-${manifest.devDependencies['@electric-sql/pglite']}.tar`);

/** For `openDatabase` and `startCollector`. */
export async function inMemory(): Promise<Where> {
  return { folder: null, template: new Blob([stored() ?? (await made())]) };
}

/** An empty database in a folder, as a first start would leave it before its schema. Unpacked by tar, for opening one costs a second of a processor. */
export async function inFolder(folder: string): Promise<Where> {
  if (!stored()) await made();
  mkdirSync(folder, { recursive: true });
  // Names begin with a slash in there, which tar says and leaves out.
  execFileSync('tar', ['-xf', file, '-C', folder], { stdio: 'ignore' });
  return { folder };
}

function stored(): Uint8Array<ArrayBuffer> | null {
  try {
    return new Uint8Array(readFileSync(file));
  } catch {
    return null;
  }
}

async function made(): Promise<Uint8Array<ArrayBuffer>> {
  const empty = await PGlite.create();
  const dump = new Uint8Array(await (await empty.dumpDataDir('none')).arrayBuffer());
  await empty.close();
  mkdirSync(cache, { recursive: true });
  // Whole or not at all: several test files may make it at once.
  const half = `${file}.${process.pid}`;
  writeFileSync(half, dump);
  renameSync(half, file);
  return dump;
}
