/** How long until a person sees it: a config is saved, and its row stands in a real open window of the whole application. */
import path from 'node:path';
import type { Page } from 'playwright-core';
import { bundle } from '../../../build/bundle.mjs';
import { startApplication } from '../../e2e/application.ts';
import { type Bench, quantile, type Row, spread } from '../bench.ts';
import { startBus, startDisplay } from '../desktop.ts';
import { type ConfigPlace, configPlaces, environment, furnish, saveConfig } from '../home.ts';

const saves = 200;

export const row: Row = {
  id: 'window',
  about: `a config is saved → its row in an open window; 60 places watched, ${saves} saves; Xvfb and a session bus`,
  needs: ['electron', 'electron-libraries', 'display', 'session-bus'],
  limitS: { short: 240, long: 240 },
  async run(bench) {
    const home = bench.folder('home');
    const { places } = furnish(home, 60);
    const { projects } = configPlaces(home, 60);
    const page = await openWindow(bench, home);
    await page.evaluate(watchRows);
    const latencies: number[] = [];
    // Until the first save that is noticed the watches may not all stand.
    for (const each of places.slice(0, 3)) await save(bench, page, () => saveConfig(each, projects, 'warm-up', false), 'warm-up');
    // Two sets of names in turn: what was here stays in the store, and must not pile up as it never does with a person.
    const turns = new Map<ConfigPlace, number>();
    for (let count = 0; count < saves; count++) {
      const at = Math.floor(Math.random() * places.length);
      const each = places[at];
      if (!each) throw new Error('There is no place to save to.');
      const turn = turns.get(each) ?? 0;
      turns.set(each, turn + 1);
      const tag = `place-${at}-${turn % 2}`;
      await page.evaluate(`window.rowsSeen.delete(${JSON.stringify(`${tag}-2`)})`);
      latencies.push(await save(bench, page, () => saveConfig(each, projects, tag, count % 2 === 1), tag));
      await bench.wait(Math.random() * 30);
    }
    const { words, numbers } = spread(latencies);
    const p99 = quantile(latencies, 0.99);
    return [
      {
        what: `config saved → row in an open window, ${places.length} places watched`,
        measured: words,
        bar: 'p99 ≤ 500 ms',
        met: p99 <= 500,
        numbers: { ...numbers, places: places.length },
      },
    ];
  },
};

async function openWindow(bench: Bench, home: string): Promise<Page> {
  const display = startDisplay(bench);
  if (!display) throw new Error('There is no display here; the package xvfb brings one.');
  await bundle({ parts: ['main', 'preload', 'renderer'] });
  const env = environment(home, {
    DISPLAY: await display,
    DBUS_SESSION_BUS_ADDRESS: await startBus(bench),
    XDG_RUNTIME_DIR: bench.folder('run'),
    XDG_SESSION_TYPE: 'x11',
    MUSTER_AGENT_COMMAND: JSON.stringify([bench.muster]),
  }) as Record<string, string>;
  const data = path.join(bench.folder('data'), 'd');
  const application = await startApplication({ env, home } as Parameters<typeof startApplication>[0], { args: [`--data=${data}`] });
  bench.defer(() => void application.electron.close().catch(() => {}));
  const page = await application.page();
  await page.locator('h1').first().waitFor({ timeout: 60_000 });
  await page.evaluate('location.hash = "servers"');
  await page.locator('.srv').first().waitFor({ timeout: 60_000 });
  return page;
}

/** In the page: notes when each server's row came to stand in the document and the next frame was due, by the clock of the whole machine. */
const watchRows = `(() => {
  const seen = new Map();
  window.rowsSeen = seen;
  const look = () => {
    for (const row of document.querySelectorAll('[data-mcp]')) {
      const name = row.getAttribute('data-mcp');
      if (seen.has(name)) continue;
      seen.set(name, null);
      requestAnimationFrame(() => seen.set(name, performance.timeOrigin + performance.now()));
    }
  };
  look();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-mcp'] });
})()`;

/** The time from the end of the save until the last of its rows was there. */
async function save(bench: Bench, page: Page, write: () => number, tag: string): Promise<number> {
  const saved = performance.timeOrigin + write();
  const name = JSON.stringify(`${tag}-2`);
  for (let tries = 0; tries < 500; tries++) {
    const at = await page.evaluate<number | null | undefined>(`window.rowsSeen.get(${name})`);
    if (typeof at === 'number') return at - saved;
    // Asking often would be work for the window that is measured.
    await bench.wait(20);
  }
  throw new Error(`${tag} did not come to stand in the window within 10 s.`);
}
