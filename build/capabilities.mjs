/**
 * What the tests need of the machine beyond Node, as a table: what for, how it is found, and the line that installs it.
 *
 * A new need of a test is one row here, and its package one word in .ci/run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, electronRuntime } from './electron-runtime.mjs';
import { windowsKoffi, windowsNode } from './windows-node.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const linux = process.platform === 'linux';

/** Electron's own libraries that a Debian without a desktop lacks. */
const LIBRARIES = 'libgtk-3-0 libnss3 libasound2 libgbm1 libnotify4 libsecret-1-0 libayatana-appindicator3-1';

/** @typedef {{ purpose: string, install: string, found: () => boolean }} Capability */

export const CAPABILITIES = /** @satisfies {Record<string, Capability>} */ ({
  electron: {
    purpose: 'the window, the tray and the packed application, in a real Electron',
    install: 'npm start (it fetches the runtime; see build/electron-runtime.mjs)',
    found: () => electronRuntime(root) !== null,
  },
  'electron-libraries': {
    purpose: 'starting Electron',
    install: apt(LIBRARIES),
    found: () => missingLibraries().length === 0,
  },
  display: { purpose: 'a screen for the window', install: apt('xvfb'), found: () => !linux || onPath('Xvfb') },
  'session-bus': { purpose: 'the tray and notifications, which speak D-Bus', install: apt('dbus'), found: () => onPath('dbus-daemon') },
  'bus-tools': {
    purpose: 'reading the tray menu and notifications over D-Bus',
    install: apt('libglib2.0-bin dbus'),
    found: () => onPath('gdbus') && onPath('dbus-monitor'),
  },
  'window-manager': { purpose: 'a window in front', install: apt('fluxbox'), found: () => onPath('fluxbox') },
  panel: { purpose: 'a real tray for the icon', install: apt('xfce4-panel'), found: () => onPath('xfce4-panel') },
  notifications: {
    purpose: 'a real notification daemon',
    install: apt('xfce4-notifyd'),
    found: () =>
      linux &&
      ['/usr/lib/xfce4/notifyd', `/usr/lib/${triplet()}/xfce4/notifyd`].some((folder) => existsSync(path.join(folder, 'xfce4-notifyd'))),
  },
  'window-info': {
    purpose: 'asking X11 which window is in front',
    install: apt('x11-utils'),
    found: () => onPath('xprop'),
  },
  screenshots: { purpose: 'pictures of the whole screen', install: apt('imagemagick'), found: () => onPath('import') },
  'pseudo-terminal': {
    purpose: 'starting command-line tools as a person would',
    install: apt('bsdutils'),
    found: () => linux && onPath('script'),
  },
  'real-tools': {
    purpose: 'finding real coding CLIs, which npm installs',
    install: 'let npm reach its registry, or fill the cache on a machine where it can (test/e2e/real-tools.ts)',
    found: () => linux && (realToolsAreCached() || registryAnswers()),
  },
  wine: {
    purpose: 'running the agent on Windows’ own paths',
    install: `${apt('wine')}, then npm test, which fetches Windows’ Node from npm`,
    found: () => linux && onPath('wine') && existsSync(windowsNode()) && existsSync(windowsKoffi()),
  },
  python: {
    purpose: 'seeing which module Python runs',
    install: apt('python3'),
    found: () => ['/usr/bin/python3', '/usr/local/bin/python3'].some((file) => existsSync(file)),
  },
  openssl: {
    purpose: 'making certificates that are private, wrong or out of date',
    install: apt('openssl'),
    found: () => onPath('openssl'),
  },
  debian: {
    purpose: 'comparing the catalog, and what is found, with what Debian itself has installed',
    install: 'run the tests on a Debian or a system made from it',
    found: () => linux && ['/var/lib/dpkg/status', '/var/lib/dpkg/info'].every((at) => existsSync(at)),
  },
  'python-packages': {
    purpose: 'comparing the catalog with ordinary Python packages',
    install: apt('python3-pip'),
    found: () => entriesOf('/usr/lib/python3/dist-packages') > 5,
  },
  postgres: {
    purpose: 'the collector over a real PostgreSQL, in a cluster of the test’s own',
    install: apt('postgresql'),
    found: () => linux && postgresPrograms() !== null,
  },
  'small-disk': {
    purpose: 'a disk that is really full',
    install: 'run the tests as root where mounting is allowed',
    found: canMount,
  },
  root: {
    purpose: 'a second account and a full disk',
    install: 'run the tests as root, as in a container',
    found: () => process.getuid?.() === 0,
  },
});

/** @typedef {keyof typeof CAPABILITIES} CapabilityId */

/** The ids of what is not here. @returns {CapabilityId[]} */
export function missingCapabilities() {
  return /** @type {CapabilityId[]} */ (Object.keys(CAPABILITIES)).filter((id) => !CAPABILITIES[id].found());
}

/** The shared libraries that Electron needs and this machine hasn't got; none where there is no Electron to ask about. @returns {string[]} */
export function missingLibraries() {
  const runtime = electronRuntime(root);
  if (!linux || !runtime) return [];
  const { stdout } = spawnSync('ldd', [runtime.executable], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, name = '']) => name);
}

function realToolsAreCached() {
  /** @type {{ package: string, version: string }[]} */
  const tools = ['real-tools.json', 'more-tools.json', 'found-tools.json'].flatMap((file) =>
    JSON.parse(readFileSync(path.join(root, 'test', 'e2e', file), 'utf8')),
  );
  return tools.every((tool) => existsSync(path.join(cacheFolder(), 'test-tools', `${tool.package.replace('/', '+')}@${tool.version}`)));
}

/** Asked only where nothing is cached: it takes a second or two. */
function registryAnswers() {
  const question = ['view', 'npm', 'version', '--prefer-online', '--fetch-retries=0'];
  return spawnSync('npm', question, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** Tried, because root in a container may not. */
function canMount() {
  if (!linux || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(path.join(tmpdir(), 'muster-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmdirSync(folder);
  return mounted;
}

/** The folder of PostgreSQL's own programs, of the newest version; Debian keeps `initdb` off the PATH. Null where there is none. @returns {string | null} */
export function postgresPrograms() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => path.join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(path.delimiter)];
  return folders.find((folder) => folder !== '' && ['initdb', 'pg_ctl'].every((program) => existsSync(path.join(folder, program)))) ?? null;
}

/** How many entries a folder has; none where there is no folder. @param {string} folder */
function entriesOf(folder) {
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

/** @param {string} packages */
function apt(packages) {
  return `apt-get install ${packages}`;
}

/** @param {string} program */
export function onPath(program) {
  return (process.env['PATH'] ?? '').split(path.delimiter).some((folder) => folder !== '' && existsSync(path.join(folder, program)));
}

/** Debian's name of this architecture's library folder. */
function triplet() {
  return { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[/** @type {string} */ (process.arch)] ?? process.arch;
}
