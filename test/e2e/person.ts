/** What a person sees and does with Muster on a desktop: the tray, the window's rows, the Tab key, and Quit. */
import path from 'node:path';
import type { Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { type Application, processTree } from './application.ts';
import type { Desktop, TrayIcon } from './desktop.ts';

export const until = <T>(probe: () => T | Promise<T>, ms = 20_000) => vi.waitFor(probe, { timeout: ms, interval: 50 });
export const row = (page: Page, tool: string) => page.locator(`[data-tool="${tool}"]`);
export const heading = (page: Page) => page.locator('main h1');

/** The window as it is now, in both themes, as files of this folder. */
export async function picture(page: Page, folder: string, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

export async function trayOf(desktop: Desktop): Promise<TrayIcon> {
  return until(async () => {
    const icon = await desktop.tray();
    if (!icon) throw new Error('There is no icon in the tray.');
    return icon;
  });
}

export const labels = async (desktop: Desktop) => (await (await trayOf(desktop)).menu()).map(({ label }) => label);

/** Tab, until what has the focus is called so. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const passed: unknown[] = [];
  do {
    await page.keyboard.press('Tab');
    passed.push(await page.evaluate('document.activeElement?.ariaLabel ?? document.activeElement?.textContent'));
  } while (passed.at(-1) !== name && passed.length < 40);
  expect(passed).toContain(name);
}

/** Chooses Quit in the tray, and waits until main and everything below it has ended. */
export async function quit(desktop: Desktop, app: Application): Promise<void> {
  const before = processTree(app.pid);
  await (await trayOf(desktop)).choose('Quit Muster');
  const alive = () => before.filter(({ pid }) => processTree(pid).length > 0);
  await until(() => expect(alive(), `after Quit; the application's last words: ${app.said().slice(-500)}`).toEqual([]));
  await app.ended;
}
