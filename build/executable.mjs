/**
 * Makes the agent's single executable `muster`: the repository's own Node 24 with the agent's bundle, catalog and migrations inside, native parts beside it.
 *
 * Run as `node build/executable.mjs`; the result is dist/executable/<platform>-<arch>/. Made again only when something in it changed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCatalog, readMigrations } from '../agent/assets.ts';
import { bundle } from './bundle.mjs';
import { ownNode } from './packages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Node looks for this very name, and flips the digit after it when a program is inside. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The native parts of a platform: the name beside the executable, and where it comes from. */
function nativeParts() {
  const { platform, arch } = process;
  const parts = { 'better_sqlite3.node': `better-sqlite3/prebuilds/${sqlitePlatform()}-${arch}.node` };
  if (platform === 'win32') return { ...parts, 'koffi.node': `@koromix/koffi-win32-${arch}/win32_${arch}/koffi.node` };
  if (platform === 'darwin') return { ...parts, 'get-windows': 'get-windows/main' };
  return parts;
}

function sqlitePlatform() {
  const header = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (
    process.platform === 'linux' ? process.report.getReport() : { header: {} }
  );
  return process.platform === 'linux' && !header.header.glibcVersionRuntime ? 'linuxmusl' : process.platform;
}

/**
 * Makes the executable unless it is there already. Resolves with its absolute path; rejects with a sentence when Node, postject or a native part fails.
 * @param {{ out?: string, log?: (line: string) => void }} [options]
 */
export async function executable({ out = path.join(root, 'dist'), log = () => {} } = {}) {
  const folder = path.join(out, 'executable', `${process.platform}-${process.arch}`);
  const target = path.join(folder, process.platform === 'win32' ? 'muster.exe' : 'muster');
  await fs.mkdir(path.join(out, 'executable'), { recursive: true });
  const work = await fs.mkdtemp(path.join(out, 'executable', '.part-'));
  try {
    await bundle({ parts: ['agent'], out: work });
    await fs.writeFile(path.join(work, 'catalog.json'), JSON.stringify(readCatalog()));
    const migrations = readMigrations().map(({ version, name, sql }) => [`${String(version).padStart(4, '0')}-${name}.sql`, sql]);
    await fs.writeFile(path.join(work, 'migrations.json'), JSON.stringify(Object.fromEntries(migrations)));
    const natives = Object.entries(nativeParts()).map(([name, file]) => [name, path.join(root, 'node_modules', file)]);

    const hash = createHash('sha256').update(process.version);
    const inputs = [
      fileURLToPath(import.meta.url),
      ...['muster.cjs', 'catalog.json', 'migrations.json'].map((name) => path.join(work, name)),
    ];
    for (const file of [...inputs, ...natives.map(([, file = '']) => file)]) hash.update(await fs.readFile(file));
    const made = path.join(out, 'executable', `made-${process.platform}-${process.arch}`);
    const wanted = hash.digest('hex');
    if ((await fs.readFile(made, 'utf8').catch(() => '')) === wanted && (await fs.stat(target).catch(() => null))) return target;

    await makeProgram(work, path.basename(target));
    const ready = path.join(work, 'ready');
    await fs.mkdir(ready);
    await fs.rename(path.join(work, path.basename(target)), path.join(ready, path.basename(target)));
    for (const [name = '', file = ''] of natives) await fs.copyFile(file, path.join(ready, name));
    await fs.rm(made, { force: true });
    await fs.rm(folder, { recursive: true, force: true });
    await fs.rename(ready, folder);
    await fs.writeFile(made, wanted);
    log(`${path.relative(root, target)}: ${((await fs.stat(target)).size / 1e6).toFixed(0)} MB`);
    return target;
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/** @param {string} work @param {string} name */
async function makeProgram(work, name) {
  const config = {
    main: path.join(work, 'muster.cjs'),
    output: path.join(work, 'muster.blob'),
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    // NODE_OPTIONS and the like belong to whoever starts us, and must not reach into the agent.
    execArgvExtension: 'none',
    // An agent waits nearly all of its life: V8's usual room for young objects (16 MB and more) would stay with it for a look's sake. Measured: 9 MB
    // less, and a scan takes as long.
    execArgv: ['--max-semi-space-size=2'],
    assets: { 'catalog.json': path.join(work, 'catalog.json'), 'migrations.json': path.join(work, 'migrations.json') },
  };
  await fs.writeFile(path.join(work, 'sea.json'), JSON.stringify(config));
  const node = ownNode(root);
  const { NODE_OPTIONS: _ignored, ...env } = process.env;
  execFileSync(node, ['--experimental-sea-config', path.join(work, 'sea.json')], { stdio: ['ignore', 'ignore', 'pipe'], env });
  const program = path.join(work, name);
  await fs.copyFile(node, program);
  await fs.chmod(program, 0o755);
  // The symbol table is 20 MB that only a debugger of Node itself would read. Where there is no `strip`, it stays.
  if (process.platform === 'linux') spawnSync('strip', ['--strip-all', program], { stdio: 'ignore' });
  if (process.platform === 'darwin') execFileSync('codesign', ['--remove-signature', program]);
  const blob = await fs.readFile(config.output);
  await inject(program, blob);
  // macOS runs nothing unsigned on Apple silicon; the release signs it again with the real identity.
  if (process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', program]);
}

/** @param {string} program @param {Buffer} blob */
async function inject(program, blob) {
  const { warn } = console;
  // Postject's ELF library warns of each note section that `strip` has emptied; that is no news.
  console.warn = () => {};
  try {
    // @ts-expect-error it has no types
    const postject = await import('postject');
    const segment = process.platform === 'darwin' ? { machoSegmentName: 'NODE_SEA' } : {};
    await postject.inject(program, 'NODE_SEA_BLOB', blob, { sentinelFuse: FUSE, ...segment });
  } finally {
    console.warn = warn;
  }
}

if (import.meta.main) {
  try {
    console.log(await executable({ log: console.log }));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
