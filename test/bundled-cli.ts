/**
 * Before the tests: the sources of the command line become one file, as for the package, and the catalog is checked once. Tests start it hundreds of
 * times; each start would load a hundred and fifty files and check seven hundred entries, which is three times the work of what is tested.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { readCatalog, readMigrations } from '../agent/assets.ts';
import { bundle } from '../build/bundle.mjs';
import { nativeParts } from '../build/executable.mjs';
import { parseCatalog } from '../native-catalog/catalog.ts';
import { packedCatalog } from '../native-catalog/files.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The absolute path of the command line, for Node. */
    musterCli: string;
  }
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** Vitest calls it once for the project. */
export async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-test-cli-'));
  // Some tests start it as another account.
  chmodSync(folder, 0o755);
  const raw = readCatalog();
  const isChecked = isSound(raw);
  writeFileSync(path.join(folder, 'catalog.json'), JSON.stringify(isChecked ? packedCatalog(raw) : raw));
  const assets = assetsModule(isChecked);
  await bundle({
    parts: ['agent'],
    out: folder,
    before: [
      {
        name: 'assets-of-the-test',
        setup: (build) =>
          build.onLoad({ filter: /[/\\]agent[/\\]assets\.ts$/ }, () => ({ contents: assets, loader: 'js', resolveDir: root })),
      },
    ],
  });
  project.provide('musterCli', path.join(folder, 'muster.cjs'));
  return () => rmSync(folder, { recursive: true, force: true });
}

/** What is wrong in the catalog is said by its own tests; the command line then checks it itself and refuses to work, as it should. */
function isSound(raw: ReturnType<typeof readCatalog>): boolean {
  try {
    parseCatalog(raw, raw.names);
    return true;
  } catch {
    return false;
  }
}

/** It is no package: `--managed` is taken, and the native part lies where it was installed. */
function assetsModule(isChecked: boolean): string {
  const natives = Object.entries(nativeParts()).map(([name, file]) => [name.replace(/\.node$/, ''), path.join(root, 'node_modules', file)]);
  return [
    "import { readFileSync } from 'node:fs';",
    'export const isPackaged = () => false;',
    `export const isCatalogChecked = () => ${isChecked};`,
    `export const readMigrations = () => ${JSON.stringify(readMigrations())};`,
    "export const readCatalog = () => JSON.parse(readFileSync(__dirname + '/catalog.json', 'utf8'));",
    `export const nativeAddon = (name) => (${JSON.stringify(Object.fromEntries(natives))})[name];`,
  ].join('\n');
}
