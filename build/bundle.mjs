/**
 * Bundles the four programs into dist/: the Electron main process, its preload, the window's page, and the agent as one CommonJS file.
 *
 * Run as `node build/bundle.mjs [main|preload|renderer|agent …]`; without names, all. The module exports `bundle` for the other scripts.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * Three packages look for their native part in a folder of node_modules, which a single executable hasn't got. Each is told, in the one line of
 * it that says where to look, to look beside the executable. `from` must be met, so an update that changes the line fails here and not in the product.
 * @type {{ package: string, file: RegExp, from: RegExp, to: string }[]}
 */
const BESIDE_THE_EXECUTABLE = [
  {
    package: 'koffi',
    file: /koffi[/\\]src[/\\]koffi[/\\]indirect\.c?js$/,
    from: /let names = \[[^;]*?\];/s,
    to: 'let names = [__musterBeside("koffi.node")];',
  },
  {
    package: 'get-windows',
    file: /get-windows[/\\]lib[/\\]macos\.js$/,
    from: /path\.join\(__dirname, '\.\.\/main'\)/,
    to: '__musterBeside("get-windows")',
  },
  // Its reader for Windows is never used (koffi reads there), and would bring a whole package installer along.
  {
    package: 'get-windows',
    file: /get-windows[/\\]lib[/\\]windows\.js$/,
    from: /import preGyp from \S+;/,
    to: 'const preGyp = { find: () => "" };',
  },
];

/**
 * Functions that a scan of a computer without a policy never calls, and whose files build large schemas as they are loaded: in the product they are
 * loaded by the first call. `takes` and `module` must be met here too, in an import of one line.
 * @type {{ file: RegExp, takes: string, name: string, module: string }[]}
 */
const LATER = [
  { file: /native-catalog[/\\]catalog\.ts$/, takes: '{ checked }', name: 'checked', module: './checked.ts' },
  { file: /agent[/\\]policy[/\\]policy-file\.ts$/, takes: '{ type Policy, parsePolicy }', name: 'parsePolicy', module: './policy.ts' },
  { file: /agent[/\\]agent\.ts$/, takes: '{ createSync, type Sync, type SyncParts }', name: 'createSync', module: './sync.ts' },
];

/** @type {import('esbuild').Plugin} */
const laterParts = {
  name: 'later-parts',
  setup(build) {
    for (const { file: filter, takes, name, module } of LATER) {
      build.onLoad({ filter }, async ({ path: file }) => {
        const text = await fs.readFile(file, 'utf8');
        const line = ['import', takes, 'from', `'${module}';`].join(' ');
        if (!text.includes(line)) {
          throw new Error(
            `${path.relative(root, file)} no longer takes ${name} from ${module} as build/bundle.mjs expects; correct the rule there.`,
          );
        }
        return { contents: text.replace(line, `const ${name} = (...args) => require('${module}').${name}(...args);`), loader: 'ts' };
      });
    }
  },
};

/** Parts of Node that take milliseconds to load and that a scan seldom or never uses: in the product each is loaded by the first use of a name of it. */
const LATER_OF_NODE = ['child_process', 'fs/promises', 'net', 'zlib'];

/** @type {import('esbuild').Plugin} */
const laterOfNode = {
  name: 'later-of-node',
  setup(build) {
    const filter = new RegExp(`^(?:node:)?(?:${LATER_OF_NODE.join('|')})$`);
    build.onResolve({ filter }, ({ path: name, kind }) =>
      kind === 'import-statement' ? { path: name, namespace: 'later-of-node' } : null,
    );
    build.onLoad({ filter: /./, namespace: 'later-of-node' }, async ({ path: name }) => {
      const names = JSON.stringify(Object.keys(await import(name)).filter((key) => key !== 'default'));
      const getter = `Object.defineProperty(exports, name, { enumerable: true, get: () => __musterBuiltin(${JSON.stringify(name)})[name] });`;
      return { contents: `for (const name of ${names}) ${getter}`, loader: 'js' };
    });
  },
};

/** @type {import('esbuild').Plugin} */
const laterZod = {
  name: 'later-zod',
  setup(build) {
    // Its builders are tens of milliseconds of a cold start, and a scan of a computer without a policy checks nothing by a schema (agent/later.ts).
    build.onResolve({ filter: /^zod$/ }, ({ kind }) => (kind === 'import-statement' ? { path: 'zod', namespace: 'later-zod' } : null));
    build.onLoad({ filter: /./, namespace: 'later-zod' }, () => ({
      contents: "Object.defineProperty(exports, 'z', { enumerable: true, get: () => require('zod').z });",
      resolveDir: root,
      loader: 'js',
    }));
  },
};

/** @type {import('esbuild').Plugin} */
const packageParts = {
  name: 'package-parts',
  setup(build) {
    // Zod says what is wrong in sixty languages, and everything of a part that is loaded later is kept: 300 KB that each start would read past.
    build.onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
      loader: 'js',
    }));
    // Koffi's usual entry names the packages of all platforms for bundlers; this one only loads what it is told to.
    build.onResolve({ filter: /^koffi$/ }, ({ resolveDir, kind }) => build.resolve('koffi/indirect', { resolveDir, kind }));
    for (const rule of BESIDE_THE_EXECUTABLE) {
      build.onLoad({ filter: rule.file }, async ({ path: file }) => {
        const text = await fs.readFile(file, 'utf8');
        if (!rule.from.test(text)) {
          throw new Error(
            `${rule.package} no longer says where its native part is as build/bundle.mjs expects (${path.basename(file)}); correct the rule there.`,
          );
        }
        return { contents: text.replace(rule.from, rule.to), loader: 'js' };
      });
    }
  },
};

/** @typedef {'main' | 'preload' | 'renderer' | 'agent'} Part */

/** @type {Record<Part, { entry: string, options: (out: string) => import('esbuild').BuildOptions }>} */
const PARTS = {
  main: {
    entry: 'electron/main/index.ts',
    options: (out) => ({ outfile: path.join(out, 'main.cjs'), platform: 'node', target: 'node20', format: 'cjs', external: ['electron'] }),
  },
  preload: {
    entry: 'electron/preload.ts',
    options: (out) => ({
      outfile: path.join(out, 'preload.cjs'),
      platform: 'browser',
      target: 'chrome130',
      format: 'cjs',
      external: ['electron'],
    }),
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
      external: ['*.node'],
      plugins: [packageParts, laterParts, laterOfNode, laterZod],
      // The `main` of jsonc-parser is a UMD file, whose own `require`s esbuild can't see and a single executable can't answer.
      mainFields: ['module', 'main'],
      // One letter beyond Latin-1 would make V8 keep the whole text at two bytes a letter.
      charset: 'ascii',
      minifySyntax: true,
      minifyWhitespace: true,
      // A dynamic import becomes a `require` of a part of this file, which is evaluated only when a command comes to it.
      supported: { 'dynamic-import': false },
      define: {
        'import.meta.url': '__musterUrl',
        'import.meta.dirname': '__dirname',
        'import.meta.filename': '__filename',
        'import.meta.main': 'true',
        // better-sqlite3 asks for this name before it uses `require`, which in a single executable knows only Node's own modules.
        __non_webpack_require__: '__musterRequire',
      },
      banner: {
        js: [
          'const __musterUrl = require("node:url").pathToFileURL(__filename).href;',
          'const __musterBuiltin = process.getBuiltinModule;',
          'const __musterRequire = require("node:module").createRequire(__filename);',
          'const __musterBeside = (name) => require("node:path").join(require("node:path").dirname(process.execPath), name);',
        ].join(''),
      },
    }),
  },
};

/**
 * Bundles the named parts. Rejects with a sentence when an entry file is missing; esbuild prints the place of any other mistake itself.
 * @param {{ parts?: readonly Part[], out?: string, before?: readonly import('esbuild').Plugin[] }} [options] `out` defaults to dist/; `before` are
 * plugins that are asked before a part's own
 * @returns {Promise<Record<string, number>>} bytes of each part's main file
 */
export async function bundle({ parts = /** @type {Part[]} */ (Object.keys(PARTS)), out = path.join(root, 'dist'), before = [] } = {}) {
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
      const draft = path.join(path.dirname(outfile), `.part-${process.pid}-${part}`, path.basename(outfile));
      try {
        await build({
          absWorkingDir: root,
          entryPoints: [entry],
          bundle: true,
          charset: 'utf8',
          legalComments: 'none',
          logLevel: 'error',
          sourcemap: false,
          ...own,
          plugins: [...before, ...(own.plugins ?? [])],
          outfile: draft,
        });
        if (part === 'renderer') {
          await fs.copyFile(path.join(root, 'renderer', 'index.html'), path.join(path.dirname(draft), 'index.html'));
          await checkPage(path.dirname(draft));
        }
        for (const name of await fs.readdir(path.dirname(draft))) {
          await fs.rename(path.join(path.dirname(draft), name), path.join(path.dirname(outfile), name));
        }
      } finally {
        await fs.rm(path.dirname(draft), { recursive: true, force: true });
      }
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

/** The tray's icons, and the application's up to the size a window's title or a notification shows; installers take the rest from build/icons. @param {string} target */
async function copyIcons(target) {
  const source = path.join(root, 'build', 'icons');
  await fs.cp(path.join(source, 'tray'), path.join(target, 'tray'), { recursive: true });
  await fs.cp(path.join(source, 'app', '256x256.png'), path.join(target, 'app', '256x256.png'));
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
