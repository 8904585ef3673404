/**
 * Real coding CLIs from npm, at the exact versions of real-tools.json: fetched once into a cache outside the repository, and linked from there into
 * a test's home.
 *
 * npm runs no install script; the two packages whose script puts their native program in its place have that one script run here (`finish`), with
 * no way out to a network. Nothing that a tool does later may leave the computer either: see `quiet`.
 */
import { execFile } from 'node:child_process';
import { constants, copyFileSync, linkSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../build/electron-runtime.mjs';

export type RealTool = {
  readonly id: string;
  readonly package: string;
  readonly version: string;
  readonly command: string;
  readonly finish?: string;
};

const run = promisify(execFile);

export const TOOLS = JSON.parse(readFileSync(new URL('real-tools.json', import.meta.url), 'utf8')) as readonly RealTool[];

/** Clients that only the tests of their own files need. */
export const MORE_TOOLS = JSON.parse(readFileSync(new URL('more-tools.json', import.meta.url), 'utf8')) as readonly RealTool[];

/** An environment in which a tool can reach nobody: a proxy that refuses, and each tool's own word for "send nothing, renew nothing". */
export function quiet(home: string, programs: readonly string[]): NodeJS.ProcessEnv {
  const proxy = 'http://127.0.0.1:9';
  return {
    HOME: home,
    PATH: [...programs, path.dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    ALL_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    all_proxy: proxy,
    DO_NOT_TRACK: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    GEMINI_TELEMETRY_ENABLED: 'false',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    PI_OFFLINE: '1',
  };
}

/** Puts the tools into `prefix` (`bin`, `lib/node_modules`), as `npm install -g --prefix` lays them out. Rejects with npm's own words. */
export async function installTools(prefix: string, tools: readonly Omit<RealTool, 'id'>[] = TOOLS): Promise<void> {
  const cache = path.join(cacheFolder(), 'test-tools');
  await fs.mkdir(cache, { recursive: true });
  const fetched = await Promise.all(tools.map((tool) => fetchOnce(tool, cache)));
  for (const folder of fetched) linkTree(folder, prefix);
}

/** The prefix in the cache that holds this one tool. It gets its name only once it is whole, so a run that was cut short leaves nothing half. */
async function fetchOnce(tool: Omit<RealTool, 'id'>, cache: string): Promise<string> {
  const folder = path.join(cache, `${tool.package.replace('/', '+')}@${tool.version}`);
  if (await exists(folder)) return folder;
  const part = `${folder}.${process.pid}`;
  await fs.rm(part, { recursive: true, force: true });
  const programs = path.dirname(process.execPath);
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--global', '--prefix', part, ...flags, `${tool.package}@${tool.version}`], {
    cwd: cache,
    env: { ...process.env, PATH: `${programs}:${process.env['PATH']}` },
  });
  if (tool.finish) {
    const at = path.join(part, 'lib/node_modules', tool.package);
    const home = path.join(part, 'home');
    await fs.mkdir(home);
    await run(process.execPath, [tool.finish], { cwd: at, env: quiet(home, []) });
    await fs.rm(home, { recursive: true });
  }
  await fs.rename(part, folder).catch(async (error) => {
    // Another run has finished the same one meanwhile.
    if (!(await exists(folder))) throw error;
    await fs.rm(part, { recursive: true });
  });
  return folder;
}

/** More than a gigabyte: hard links, where the cache and the temporary folder share a disk, make this a matter of milliseconds. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (lstatSync(target, { throwIfNoEntry: false })) continue;
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkOrCopy(source, target);
  }
}

function linkOrCopy(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
  }
}

const exists = (file: string) =>
  fs.access(file).then(
    () => true,
    () => false,
  );
