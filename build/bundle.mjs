/**
 * Bundles the four programs into dist/: the Electron main process, its preload, the window's page, and the agent as one CommonJS file.
 *
 * Run as `node build/bundle.mjs [main|preload|renderer|agent …]`; without names, all. The module exports `bundle` for the other scripts.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** What is native, or reads files beside itself, stays outside the agent's file: agent/assets.ts knows where it lies. */
export const AGENT_EXTERNALS = ['koffi', 'get-windows', '*.node'];

/** @typedef {'main' | 'preload' | 'renderer' | 'agent'} Part */

/** @type {Record<Part, { entry: string, options: (out: string) => import('esbuild').BuildOptions }>} */
const PARTS = {
  main: {
    entry: 'electron/main/index.ts',
    options: (out) => ({ outfile: path.join(out, 'main.cjs'), platform: 'node', target: 'node20', format: 'cjs', external: ['electron'] }),
  },
  preload: {
    entry: 'electron/preload.ts',
    options: (out) => ({ outfile: path.join(out, 'preload.cjs'), platform: 'browser', target: 'chrome130', format: 'cjs', external: ['electron'] }),
  },
  renderer: {
    entry: 'renderer/main.tsx',
    options: (out) => ({
      outfile: path.join(out, 'renderer', 'main.js'),
      platform: 'browser',
      target: 'chrome130',
      format: 'esm',
      jsx: 'automatic',
      minify: true,
      define: { 'process.env.NODE_ENV': '"production"' },
      loader: { '.svg': 'text', '.woff2': 'file', '.png': 'file' },
    }),
  },
  agent: {
    entry: 'agent/cli.ts',
    options: (out) => ({
      outfile: path.join(out, 'muster.cjs'),
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      external: AGENT_EXTERNALS,
      minifySyntax: true,
      minifyWhitespace: true,
      // A dynamic import becomes a `require` of a part of this file, which is evaluated only when a command comes to it.
      supported: { 'dynamic-import': false },
      define: { 'import.meta.url': '__musterUrl', 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename', 'import.meta.main': 'true' },
      banner: { js: 'const __musterUrl = require("node:url").pathToFileURL(__filename).href;' },
    }),
  },
};

/**
 * Bundles the named parts. Rejects with a sentence when an entry file is missing; esbuild prints the place of any other mistake itself.
 * @param {{ parts?: readonly Part[], out?: string }} [options] `out` defaults to dist/
 * @returns {Promise<Record<string, number>>} bytes of each part's main file
 */
export async function bundle({ parts = /** @type {Part[]} */ (Object.keys(PARTS)), out = path.join(root, 'dist') } = {}) {
  const { version } = JSON.parse(await fs.readFile(path.join(root, 'package.json'), 'utf8'));
  /** @type {Record<string, number>} */
  const sizes = {};
  await Promise.all(
    parts.map(async (part) => {
      const { entry, options } = PARTS[part];
      await fs.access(path.join(root, entry)).catch(() => {
        throw new Error(`${entry} is missing, so the ${part} bundle can't be made; it is that bundle's entry file.`);
      });
      const own = options(out);
      const outfile = own.outfile ?? '';
      // Written under another name and renamed: a program that starts meanwhile reads the old file or the new one, never a half.
      const part_ = path.join(path.dirname(outfile), `.part-${process.pid}`, path.basename(outfile));
      await build({
        absWorkingDir: root,
        entryPoints: [entry],
        bundle: true,
        charset: 'utf8',
        legalComments: 'none',
        logLevel: 'error',
        sourcemap: false,
        ...own,
        outfile: part_,
        define: { __MUSTER_VERSION__: JSON.stringify(version), ...own.define },
      });
      if (part === 'renderer') {
        await fs.copyFile(path.join(root, 'renderer', 'index.html'), path.join(path.dirname(part_), 'index.html'));
        await checkPage(path.dirname(part_));
      }
      for (const name of await fs.readdir(path.dirname(part_))) {
        await fs.rename(path.join(path.dirname(part_), name), path.join(path.dirname(outfile), name));
      }
      await fs.rmdir(path.dirname(part_));
      sizes[part] = (await fs.stat(outfile)).size;
    }),
  );
  if (parts.includes('main')) await copyIcons(path.join(out, 'icons'));
  return sizes;
}

/** The page must ask for exactly the files that stand beside it; a wrong name would show only as an empty window. @param {string} folder */
async function checkPage(folder) {
  const page = await fs.readFile(path.join(folder, 'index.html'), 'utf8');
  for (const [, name = ''] of page.matchAll(/(?:src|href)="\.?\/?([^"#:]+)"/g)) {
    await fs.access(path.join(folder, name)).catch(() => {
      throw new Error(`renderer/index.html asks for ${name}, which the renderer bundle doesn't make; correct the name there.`);
    });
  }
}

/** @param {string} target */
async function copyIcons(target) {
  const source = path.join(root, 'build', 'icons');
  for (const folder of ['tray', 'app']) {
    await fs.cp(path.join(source, folder), path.join(target, folder), { recursive: true }).catch((error) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

/** A short name for what went into the agent's bundle. @param {string} file @returns {Promise<string>} */
export async function fingerprint(file) {
  return createHash('sha256')
    .update(await fs.readFile(file))
    .digest('hex');
}

if (import.meta.main) {
  const parts = /** @type {Part[]} */ (process.argv.slice(2));
  const unknown = parts.find((part) => !(part in PARTS));
  try {
    if (unknown) throw new Error(`There is no bundle ${JSON.stringify(unknown)}; the bundles are ${Object.keys(PARTS).join(', ')}.`);
    const sizes = await bundle(parts.length > 0 ? { parts } : {});
    for (const [part, bytes] of Object.entries(sizes)) console.log(`${part}: ${(bytes / 1024).toFixed(0)} KiB`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
