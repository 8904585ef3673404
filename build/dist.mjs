/**
 * `npm run dist -- --linux dir`: bundles, the single executable, and electron-builder around both; the result is in release/.
 *
 * Arguments go to electron-builder. The executable is made of this platform's own Node, so each platform is packed on itself.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { ensureElectron } from './electron-runtime.mjs';
import { executable } from './executable.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
/** @type {Record<string, NodeJS.Platform>} electron-builder's words for a platform */
const PLATFORM_OF = {
  '--linux': 'linux',
  '-l': 'linux',
  '--win': 'win32',
  '-w': 'win32',
  '--windows': 'win32',
  '--mac': 'darwin',
  '-m': 'darwin',
  '--macos': 'darwin',
};

try {
  const other = args.find((arg) => arg in PLATFORM_OF && PLATFORM_OF[arg] !== process.platform);
  if (other)
    throw new Error(
      `${other} can't be packed on ${process.platform}: the agent's executable is made of this platform's Node; run the same command there.`,
    );
  const runtime = await ensureElectron(root, console.log);
  await bundle({ parts: ['main', 'preload', 'renderer'] });
  await executable({ log: console.log });
  const builder = path.join(root, 'node_modules', 'electron-builder', 'cli.js');
  const { status } = spawnSync(
    process.execPath,
    [builder, '--publish', 'never', ...args, `-c.electronDist=${runtime.dist}`, `-c.electronVersion=${runtime.version}`],
    { cwd: root, stdio: 'inherit' },
  );
  process.exitCode = status ?? 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
