/**
 * Brings node_modules in line with package-lock.json, once for each lock file, on any Node ≥ 18 and with npm 10 or 11.
 *
 * `npm ci --ignore-scripts` first, because npm 10 would compile better-sqlite3 (whose binaries are in the package) and npm 11 would warn
 * about every script; then `npm rebuild node`, the one package that needs its script: it brings the Node 24 that everything else runs on.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { extractFromTgz } from './archive.mjs';

/** How long another set-up's lock is believed, in ms: an install that takes longer has died in a way that left its process id to somebody else. */
const LOCK_BELIEVED_MS = 20 * 60_000;

/** @param {string} root @returns {string} the path of the repository's own Node 24 */
export function ownNode(root) {
  return path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** @param {string} root */
function stampFile(root) {
  return path.join(root, 'node_modules', '.muster-packages');
}

/** What node_modules must have been made from. The platform counts too: a folder can be shared by a container and its host. @param {string} root */
function wanted(root) {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'));
  return `${createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}\n`;
}

/** @param {string} root */
function packagesAreReady(root) {
  try {
    return fs.readFileSync(stampFile(root), 'utf8') === wanted(root) && fs.existsSync(ownNode(root));
  } catch {
    return false;
  }
}

/**
 * A link leads to another checkout's folder (or a shared one): its packages may be used, but npm would empty it under whoever works there.
 * @param {string} root
 */
function refuseLinked(root) {
  const folder = path.join(root, 'node_modules');
  // A junction of Windows counts too; undefined where there is nothing yet.
  if (!fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  throw new Error(
    `${folder} is a link to ${fs.readlinkSync(folder)}, where the packages are not those of this package-lock.json, and installing them would empty that folder; remove the link (not what it leads to) and run the same command again, and this checkout gets packages of its own.`,
  );
}

/**
 * Installs what the lock file names, if that has not been done yet. Safe when several run at once: one installs, the others wait.
 * Throws an Error with a sentence when npm fails, or when node_modules is a link and what it leads to doesn't fit.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensurePackages(root, say) {
  if (packagesAreReady(root)) return;
  refuseLinked(root);
  const release = await lock(path.join(root, '.setup'), say);
  try {
    if (packagesAreReady(root)) return;
    const started = Date.now();
    say('Installing the packages of package-lock.json (once for each change of that file) …');
    const target = wanted(root);
    stepAside(root);
    const node = await nodeForNpm(root, say);
    runNpm(root, ['ci', '--ignore-scripts', '--include=dev', '--loglevel=error', '--no-audit', '--no-fund'], node);
    runNpm(root, ['rebuild', 'node', '--loglevel=error'], node);
    if (!fs.existsSync(ownNode(root))) {
      throw new Error(`npm ran, but ${path.relative(root, ownNode(root))} is missing; remove node_modules and run the same command again.`);
    }
    const part = `${stampFile(root)}.${process.pid}`;
    fs.writeFileSync(part, target);
    fs.renameSync(part, stampFile(root));
    say(`Packages are ready (${((Date.now() - started) / 1000).toFixed(0)} s).`);
  } finally {
    release();
  }
}

/**
 * The Node that npm is to run on: at least 24, because npm leaves out an optional package (the native half of a bundler, say) whose `engines`
 * don't fit the Node that npm itself runs on; and from outside node_modules, because `npm ci` removes the one inside between its two halves.
 * @param {string} root
 * @param {(line: string) => void} say
 */
async function nodeForNpm(root, say) {
  // Asked of the name alone: that Node may be gone from the disk, though it still runs.
  const inside = [root, fs.realpathSync(root)].some((folder) => process.execPath.startsWith(path.join(folder, 'node_modules') + path.sep));
  if (!inside && Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const windows = process.platform === 'win32';
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages['node_modules/node'];
  const target = path.join(root, '.setup', `node-${version}`, windows ? 'node.exe' : 'node');
  if (fs.existsSync(target)) return target;
  const part = `${target}.${process.pid}`;
  fs.mkdirSync(path.dirname(target), { recursive: true });
  if (inside && fs.existsSync(process.execPath)) {
    fs.copyFileSync(process.execPath, part);
  } else {
    // The package that the package `node` would fetch for this platform.
    const platform = windows ? 'win' : process.platform;
    const source = `${platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${platform}-${process.arch}`;
    say(`Fetching Node ${version} from the npm package ${source} …`);
    const work = fs.mkdtempSync(path.join(root, '.setup', 'fetch-'));
    try {
      runNpm(root, ['pack', `${source}@${version}`, '--ignore-scripts', '--loglevel=error', '--pack-destination', work]);
      const [tgz = ''] = fs.readdirSync(work);
      await extractFromTgz(path.join(work, tgz), `package/bin/${path.basename(target)}`, part);
    } finally {
      fs.rmSync(work, { recursive: true, force: true });
    }
  }
  fs.chmodSync(part, 0o755);
  fs.renameSync(part, target);
  return target;
}

/**
 * Runs npm in the repository; what it says on stdout (how many packages it added) is not passed on, its errors are. Throws an Error with a
 * sentence when it fails.
 * @param {string} root
 * @param {string[]} args
 * @param {string} [node] the Node it runs on
 */
export function runNpm(root, args, node = process.execPath) {
  const windows = process.platform === 'win32';
  const cli = process.env['npm_execpath'];
  // The PATH begins with that Node, so that npm's own children find the same one.
  const env = { ...process.env, PATH: [path.dirname(node), process.env['PATH'] ?? process.env['Path'] ?? ''].join(path.delimiter) };
  // The npm that ran us is preferred over the one on the PATH; yarn and pnpm set the same variable, and can't read this lock file.
  const ours = cli && /npm-cli\.js$/.test(cli) && fs.existsSync(cli) ? cli : undefined;
  const result = ours
    ? spawnSync(node, [ours, ...args], { cwd: root, env, stdio: ['ignore', 'ignore', 2] })
    : spawnSync(windows ? 'npm.cmd' : 'npm', args, { cwd: root, env, stdio: ['ignore', 'ignore', 2], shell: windows });
  if (result.error) {
    throw new Error(`npm could not be started (${result.error.message}); install npm 10 or newer and run the same command again.`);
  }
  if (result.status !== 0) {
    const end = result.signal ? `was ended by ${result.signal}` : `failed with code ${result.status}`;
    throw new Error(
      `npm ${args[0]} ${end}, see its lines above; check the network and the registry of your npm settings, then run the same command again.`,
    );
  }
}

/** Windows can't delete a program that is running, but can rename it: a running node_modules Node steps aside. Not tried on a real Windows. @param {string} root */
function stepAside(root) {
  if (process.platform !== 'win32' || !fs.existsSync(ownNode(root))) return;
  try {
    fs.renameSync(ownNode(root), path.join(root, '.setup', `old-node-${process.pid}.exe`));
  } catch {
    // It isn't running, or npm will name the file it can't replace.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * One set-up at a time in a folder. A hard link makes the lock appear together with its content, so nobody reads a half-written process id.
 * @param {string} folder
 * @param {(line: string) => void} say
 * @returns {Promise<() => void>}
 */
export async function lock(folder, say) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'lock');
  const mine = path.join(folder, `lock.${process.pid}`);
  fs.writeFileSync(mine, String(process.pid));
  let told = false;
  try {
    for (;;) {
      try {
        fs.linkSync(mine, file);
        return () => fs.rmSync(file, { force: true });
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      let owner = 0;
      let age = 0;
      try {
        owner = Number(fs.readFileSync(file, 'utf8'));
        age = Date.now() - fs.statSync(file).mtimeMs;
      } catch {
        continue;
      }
      if (!isAlive(owner) || age > LOCK_BELIEVED_MS) {
        // Renaming decides between two that found it stale at once: only one rename succeeds, and it takes away exactly one lock.
        const taken = path.join(folder, `stale.${process.pid}`);
        try {
          fs.renameSync(file, taken);
          fs.rmSync(taken, { force: true });
        } catch {
          // Another was faster.
        }
        continue;
      }
      if (!told) say(`Another set-up (process ${owner}) is at work in this folder; waiting for it …`);
      told = true;
      await wait(200);
    }
  } finally {
    fs.rmSync(mine, { force: true });
  }
}
