/** Muster on a desktop of its own: the real Electron with what was bundled from these sources, and a home with tools to be found in. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { bundle } from '../../build/bundle.mjs';
import { electronRuntime } from '../../build/electron-runtime.mjs';
import type { Snapshot } from '../../electron/contract.ts';
import { DESKTOP_NEEDS, type Desktop } from './desktop.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
/** Chromium's sandbox needs an ordinary user. */
export const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

/** Main, preload and page as the sources are now; `npm test` has bundled before, a run of vitest alone has not. */
export const bundleApplication = () => bundle({ parts: ['main', 'preload', 'renderer'] });

function runtime() {
  const found = electronRuntime(root);
  if (!found) throw new Error('There is no Electron runtime; run npm start once, it fetches one.');
  return found;
}

/** What Muster on a desktop of its own needs of the machine. */
export const APPLICATION_NEEDS = ['electron', 'electron-libraries', ...DESKTOP_NEEDS] as const;

export type Application = {
  readonly electron: ElectronApplication;
  /** Main's process. */
  readonly pid: number;
  /** The window's page, as soon as there is one. */
  page(): Promise<Page>;
  /** Addresses that pages asked for. */
  readonly asked: readonly string[];
  /** Errors and warnings of pages. */
  readonly complaints: readonly string[];
  /** Closes the window as its close button does. */
  closeWindow(): Promise<void>;
  /** What main and its agent said on standard error. */
  said(): string;
  /** Resolves when main has ended. */
  readonly ended: Promise<void>;
};

export async function startApplication(
  desktop: Desktop,
  options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Application> {
  const { executable, args: first } = runtime();
  const electron = await _electron.launch({
    executablePath: executable,
    args: [...first, ...sandbox, ...(options.args ?? [])],
    env: { ...desktop.env, ...options.env },
    cwd: desktop.home,
  });
  const asked: string[] = [];
  const complaints: string[] = [];
  const watch = (page: Page) => {
    page.setDefaultTimeout(20_000);
    page.on('request', (request) => asked.push(request.url()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
  };
  electron.on('window', watch);
  electron.windows().forEach(watch);
  const child = electron.process();
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  return {
    electron,
    pid: child.pid ?? 0,
    page: async () => electron.windows().find((page) => !page.isClosed()) ?? (await electron.waitForEvent('window')),
    asked,
    complaints,
    closeWindow: async () =>
      void (await electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.close()))),
    said: () => said,
    ended,
  };
}

/** Starts Muster as a person does from the menu, and resolves with its exit code: where it runs already, the second one ends at once. */
export function startAgain(desktop: Desktop): Promise<number | null> {
  const { executable, args } = runtime();
  const child = spawn(executable, [...args, ...sandbox], { env: { ...desktop.env }, cwd: desktop.home, stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

/** What the agent has told this page: the whole state, over the page's own port. */
export function snapshotIn(page: Page): Promise<Snapshot> {
  // The first call brings the whole state, at once or as soon as the agent has said it; taken off later, because it may come at once.
  return page.evaluate(`new Promise((resolve) => {
    const off = window.agent.onChanged((state) => {
      resolve(state);
      queueMicrotask(() => off());
    });
  })`);
}

/** Goes to a page of the window by its address. */
export const go = (page: Page, view: string): Promise<unknown> => page.evaluate(`location.hash = ${JSON.stringify(view)}`);

/** A process and all below it, with their command lines. */
export function processTree(top: number): { readonly pid: number; readonly command: string }[] {
  const all = readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid)) return [];
    try {
      const [, state, parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return state === 'Z'
        ? []
        : [{ pid, parent: Number(parent), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
  const below = (pid: number): { pid: number; command: string }[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return [...all.filter(({ pid }) => pid === top), ...below(top)].map(({ pid, command }) => ({ pid, command }));
}

export const dataFolder = (desktop: Desktop) => path.join(desktop.env['XDG_DATA_HOME'] ?? '', 'muster');

/** Writes a file below the home, with its folders. */
export function put(desktop: Desktop, file: string, content: string | object): string {
  const at = path.join(desktop.home, file);
  mkdirSync(path.dirname(at), { recursive: true, mode: 0o700 });
  writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return at;
}

/** A program of one file below the home. Resolves with its path. */
export function installProgram(desktop: Desktop, file: string): string {
  const program = put(desktop, file, '#!/bin/sh\n');
  chmodSync(program, 0o755);
  return program;
}

/** A desktop application: its program below the home, and its entry in the menu. */
export function installApp(desktop: Desktop, id: string, options: { readonly name: string; readonly program: string }): void {
  const program = installProgram(desktop, options.program);
  put(desktop, `.local/share/applications/${id}.desktop`, `[Desktop Entry]\nType=Application\nName=${options.name}\nExec=${program} %U\n`);
}

/** An npm package as `npm install --global` lays it down: its folder, its program, and the link on PATH. Resolves with the link. */
export function installPackage(desktop: Desktop, name: string, options: { bin: string; version: string; program?: string }): string {
  const { bin, version, program = `process.stdin.resume();\n` } = options;
  const inside = `.npm-global/lib/node_modules/${name}`;
  put(desktop, `${inside}/package.json`, { name, version, bin: { [bin]: 'cli.js' } });
  const script = put(desktop, `${inside}/cli.js`, `#!${process.execPath}\n${program}`);
  chmodSync(script, 0o755);
  const link = path.join(desktop.home, '.npm-global/bin', bin);
  mkdirSync(path.dirname(link), { recursive: true });
  symlinkSync(script, link);
  return link;
}

/** Starts a tool from the PATH of this desktop; it runs until `end`. */
export function startTool(desktop: Desktop, link: string): { readonly pid: number; end(): Promise<void> } {
  const child = spawn(link, [], { env: { ...desktop.env }, cwd: desktop.home, stdio: ['pipe', 'ignore', 'ignore'] });
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  return {
    pid: child.pid ?? 0,
    end: () => {
      child.kill();
      return gone;
    },
  };
}
