/** Starts the real bundle in the real Electron on a screen of its own; a test opens a page with a state, and closes it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { type ElectronRuntime, electronRuntime } from '../../../build/electron-runtime.mjs';
import type { AgentLink, SentPayload, Snapshot } from '../../../electron/contract.ts';
import { type Fake, install } from './fake-window.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = 'app://muster/index.html';
const EMPTY = 'app://muster/empty.html';

const up: AgentLink = { state: 'up', detail: null, retryAt: null };

export type Look = {
  readonly snapshot: Partial<Snapshot> | null;
  readonly link?: AgentLink;
  /** What was sent to the collector; absent: nothing. */
  readonly sent?: readonly SentPayload[];
  readonly hash?: string;
  readonly width?: number;
  readonly height?: number;
  readonly media?: Parameters<Page['emulateMedia']>[0];
  /** Time stands still until the test moves it: in this page, and in all that the engine opens after it. */
  readonly clock?: boolean;
};

export type Engine = {
  /** What the page complains about meanwhile (an error, a refused resource) makes `closePage` reject. */
  open(look: Look): Promise<Page>;
  close(): Promise<void>;
};

/** Steers the fake behind the page. */
export function fake<K extends Exclude<keyof Fake, 'calls'>>(page: Page, name: K, ...args: Parameters<Fake[K]>): Promise<void> {
  return page.evaluate(
    ([key, values]) => (window as unknown as { fake: Record<string, (...a: unknown[]) => void> }).fake[key]?.(...values),
    [name, args] as const,
  );
}

export const calls = (page: Page): Promise<Fake['calls']> => page.evaluate(() => (window as unknown as { fake: Fake }).fake.calls);

async function bundle(folder: string): Promise<void> {
  const common = { absWorkingDir: root, bundle: true, logLevel: 'error' } as const;
  await Promise.all([
    build({
      ...common,
      entryPoints: ['renderer/main.tsx'],
      outfile: path.join(folder, 'page/main.js'),
      format: 'esm',
      jsx: 'automatic',
      target: 'chrome130',
      minify: true,
      define: { 'process.env.NODE_ENV': '"production"' },
    }),
    build({
      ...common,
      entryPoints: ['test/renderer/harness/electron-main.ts'],
      outfile: path.join(folder, 'app/main.cjs'),
      format: 'cjs',
      platform: 'node',
      external: ['electron'],
    }),
  ]);
  await fs.copyFile(path.join(root, 'renderer/index.html'), path.join(folder, 'page/index.html'));
  await fs.writeFile(path.join(folder, 'page/empty.html'), '<!doctype html>');
  await fs.writeFile(path.join(folder, 'app/package.json'), '{"name":"muster-page","main":"main.cjs"}');
}

/** A runtime without an application of its own looks for one beside itself: it gets ours beside a second name of its files. */
async function withOurApp(runtime: ElectronRuntime, folder: string): Promise<{ executable: string; args: string[] }> {
  const app = path.join(folder, 'app');
  if (runtime.args.length > 0 && runtime.source !== 'npm-package') return { executable: runtime.executable, args: [app] };
  const to = path.join(folder, 'electron');
  for (const entry of await fs.readdir(runtime.dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = path.join(entry.parentPath, entry.name);
    const target = path.join(to, path.relative(runtime.dist, from));
    if (path.relative(runtime.dist, from).startsWith(`resources${path.sep}app`)) continue;
    await fs.mkdir(path.dirname(target), { recursive: true });
    await fs.link(from, target).catch(() => fs.copyFile(from, target));
  }
  await fs.mkdir(path.join(to, 'resources'), { recursive: true });
  await fs.symlink(app, path.join(to, 'resources/app'), 'dir');
  return { executable: path.join(to, path.basename(runtime.executable)), args: [] };
}

/** Xvfb on a number that it chooses itself. */
async function screen(): Promise<{ display: string; process: ChildProcess } | null> {
  if (process.platform !== 'linux') return null;
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1400x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise<string>((resolve, reject) => {
    let text = '';
    server.stdio[3]?.on('data', (chunk: Buffer) => {
      text += chunk;
      if (text.endsWith('\n')) resolve(text.trim());
    });
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`Xvfb ended with code ${code} before it had a screen; is /tmp/.X11-unix writable?`)));
  });
  return { display: `:${number}`, process: server };
}

const complaints = new WeakMap<Page, string[]>();

/** Ends what a test does in the page, and rejects with what the page complained about. The window stays for the next one. */
export async function closePage(page: Page): Promise<void> {
  const heard = complaints.get(page) ?? [];
  complaints.delete(page);
  // A page that is left does nothing any more, and its own complaints are heard until then.
  if (heard.length > 0) throw new Error(`The page complained: ${heard.join(' | ')}`);
}

/** `scripts` are run in every page before its own, and not refused by its policy. */
export async function startEngine(...scripts: readonly string[]): Promise<Engine> {
  const runtime = electronRuntime(root);
  if (!runtime) throw new Error('There is no Electron runtime; run npm start once, it fetches one.');
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'muster-page-'));
  await bundle(folder);
  const { executable, args } = await withOurApp(runtime, folder);
  const xvfb = await screen();
  const env: Record<string, string> = { HOME: folder, MUSTER_TEST_PAGE: path.join(folder, 'page'), LANG: 'en_GB.UTF-8', TZ: 'UTC' };
  for (const name of ['PATH', 'TMPDIR', 'SystemRoot', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'XDG_RUNTIME_DIR']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  if (xvfb) env['DISPLAY'] = xvfb.display;
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const application: ElectronApplication = await _electron.launch({
    executablePath: executable,
    args: [...args, ...sandbox, `--user-data-dir=${path.join(folder, 'profile')}`, '--lang=en-GB'],
    env,
  });

  /** The one window, for as long as it lives: another one for each state would cost more than what is looked at in it. */
  let only: Page | undefined;
  let opened = 0;
  async function windowFor(size: { readonly width: number; readonly height: number }): Promise<Page> {
    if (only && !only.isClosed()) {
      await only.setViewportSize(size);
      return only;
    }
    const opening = application.waitForEvent('window');
    await application.evaluate(async ({ BrowserWindow }, wanted) => {
      const window = new BrowserWindow({
        ...wanted,
        useContentSize: true,
        frame: false,
        webPreferences: { sandbox: true, spellcheck: false },
      });
      await window.loadURL('about:blank').catch(() => {});
    }, size);
    const page = await opening;
    // Sooner than the test's own time, so that it is said which step did not come.
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => complaints.get(page)?.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.get(page)?.push(message.text());
    });
    // What the page begins with stands in the window's name, which outlives the page before it.
    await page.addInitScript(`if (location.pathname === '/index.html') (${install})(JSON.parse(window.name));`);
    for (const content of scripts) await page.addInitScript({ content });
    // The name is forgotten between origins, and between pages with other headers: an empty page of ours comes first.
    await page.goto(EMPTY);
    only = page;
    return page;
  }

  return {
    async open({ snapshot, link = up, sent = [], hash = 'home', width = 960, height = 680, media = {}, clock = false }) {
      // The time of the snapshot that is given, which is not that of a page that was slow to open.
      const asked = Date.now();
      const page = await windowFor({ width, height });
      complaints.set(page, []);
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce', contrast: 'no-preference', forcedColors: 'none', ...media });
      if (clock) {
        // The clock goes on between these two and may not be set back: it begins a day early, and a busy machine has that long.
        await page.clock.install({ time: new Date(asked - 24 * 3_600_000) });
        await page.clock.pauseAt(new Date(asked + 1000));
      }
      await page.evaluate((text) => {
        window.name = text;
      }, JSON.stringify({ snapshot, link, sent }));
      // A number, because an address that differs after its # alone is the same page.
      await page.goto(`${PAGE}?${opened++}#${hash}`);
      await page.bringToFront();
      return page;
    },
    async close() {
      await application.close();
      xvfb?.process.kill();
      if (existsSync(folder)) await fs.rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
