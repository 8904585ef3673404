/** Every state of every page, in the real engine: nothing that axe can find, one heading of the first rank, nothing cut off sideways, and a picture. */
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import type { AgentLink } from '../../electron/contract.ts';
import { needs } from '../capability.ts';
import { closePage, type Engine, fake, type Look, startEngine } from './harness/engine.ts';
import {
  actions,
  alone,
  crowded,
  empty,
  full,
  governed,
  hostile,
  joined,
  manyServers,
  minutesAgo,
  ordinary,
  sent,
  settings,
} from './harness/samples.ts';

const pictures = fileURLToPath(new URL('../../screenshots/window', import.meta.url));
const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

type State = Look & { readonly name: string; readonly act?: (page: Page) => Promise<unknown> };

const restarting = (): AgentLink => ({
  state: 'restarting',
  detail: 'It ended with code 70.',
  retryAt: new Date(Date.now() + 20_000).toISOString(),
});
const askForCursor = (page: Page) => page.getByRole('button', { name: /^Request approval: Cursor/ }).click();

const refusedAcknowledgement = async (page: Page) => {
  await fake(page, 'refuse', 'The database is locked; close the other program that uses it.');
  await page.getByRole('button', { name: 'I have read it' }).click();
  await page.getByRole('alert').waitFor();
};

const states: readonly State[] = [
  { name: 'home', snapshot: ordinary() },
  { name: 'home-without-policy', snapshot: alone() },
  {
    name: 'home-fine',
    snapshot: ordinary({ tools: ordinary().tools.filter(({ id }) => id.startsWith('claude')), mcpServers: [], requests: [] }),
  },
  { name: 'home-looking', snapshot: ordinary({ look: { ...ordinary().look, state: 'looking' } }) },
  { name: 'home-200', snapshot: crowded() },
  { name: 'home-hostile', snapshot: hostile() },
  { name: 'home-problem', snapshot: ordinary({ problems: hostile().problems }) },
  { name: 'home-nothing-found', snapshot: ordinary(), act: (page) => page.getByRole('searchbox').fill('zzz') },
  { name: 'empty', snapshot: empty() },
  { name: 'first-run', snapshot: alone({ told: {} }) },
  { name: 'restarting', snapshot: ordinary(), act: (page) => fake(page, 'link', restarting()) },
  {
    name: 'failed-with-list',
    snapshot: ordinary(),
    act: (page) => fake(page, 'link', { state: 'failed', detail: 'The database is of a newer version.', retryAt: null }),
  },
  {
    name: 'failed',
    snapshot: null,
    link: { state: 'failed', detail: 'The database is of a newer version; install the newer Muster again.', retryAt: null },
  },
  { name: 'tool', snapshot: ordinary(), hash: 'tool/github-copilot', height: 900 },
  { name: 'tool-approved', snapshot: ordinary(), hash: 'tool/claude-code' },
  { name: 'tool-asked-for', snapshot: ordinary(), hash: 'tool/gemini-cli' },
  { name: 'tool-without-policy', snapshot: alone(), hash: 'tool/cursor' },
  { name: 'tool-gone', snapshot: ordinary(), hash: 'tool/aider' },
  { name: 'tool-unknown', snapshot: ordinary(), hash: 'tool/nothing' },
  { name: 'tool-hostile', snapshot: hostile(), hash: 'tool/long' },
  { name: 'approved', snapshot: ordinary(), hash: 'approved' },
  { name: 'approved-without-policy', snapshot: alone(), hash: 'approved' },
  { name: 'home-full', snapshot: full(), height: 1100 },
  { name: 'home-governed', snapshot: full({ policy: governed, actions: actions(), settings }), height: 1200 },
  { name: 'tool-extension', snapshot: full(), hash: 'tool/copilot-extension', height: 1500 },
  { name: 'tool-addons', snapshot: full(), hash: 'tool/codex', act: (page) => page.locator('.more summary').click() },
  { name: 'tool-models', snapshot: full(), hash: 'tool/ollama', height: 900 },
  { name: 'tool-possible', snapshot: full(), hash: 'tool/perplexity' },
  { name: 'policy', snapshot: full({ policy: governed, actions: actions(), settings }), hash: 'policy', height: 2400 },
  {
    name: 'policy-acknowledged',
    snapshot: full({
      policy: { ...governed, mode: 'warn', acknowledge: { version: '2026-11', required: true, acknowledgedAt: minutesAgo(3) } },
    }),
    hash: 'policy',
  },
  { name: 'policy-hostile', snapshot: hostile(), hash: 'policy' },
  { name: 'policy-none', snapshot: alone(), hash: 'policy' },
  { name: 'policy-refused', snapshot: full({ policy: governed }), hash: 'policy', act: refusedAcknowledgement },
  { name: 'approved-exceptions', snapshot: full({ policy: governed }), hash: 'approved', height: 1000 },
  { name: 'sees', snapshot: full({ settings, problems: hostile().problems }), hash: 'sees', height: 1700 },
  {
    name: 'sent',
    snapshot: ordinary({ sync: joined({ state: 'unreachable', detail: 'The collector muster.acme.example did not answer.' }) }),
    sent: sent(),
    hash: 'sent',
    height: 900,
  },
  {
    name: 'sent-nothing',
    snapshot: alone({ sync: { state: 'off', collector: null, lastAt: null, nextAt: null, detail: null } }),
    hash: 'sent',
  },
  {
    name: 'servers-acting',
    snapshot: full({ policy: governed, actions: actions(), settings }),
    hash: 'servers/id-filesystem',
    height: 1100,
  },
  { name: 'servers', snapshot: ordinary(), hash: 'servers', height: 900 },
  { name: 'servers-remote', snapshot: ordinary(), hash: 'servers/id-sentry' },
  { name: 'servers-other-place', snapshot: ordinary(), hash: 'servers/id-files', height: 1000 },
  { name: 'servers-200', snapshot: manyServers(), hash: 'servers' },
  { name: 'servers-gone', snapshot: manyServers(30), hash: 'servers/claude-code-17' },
  { name: 'servers-not-found', snapshot: manyServers(30), hash: 'servers', act: (page) => page.getByRole('searchbox').fill('zzz') },
  { name: 'servers-hostile', snapshot: hostile(), hash: 'servers' },
  { name: 'servers-none', snapshot: empty(), hash: 'servers' },
  { name: 'requests', snapshot: ordinary(), hash: 'requests' },
  { name: 'requests-hostile', snapshot: hostile(), hash: 'requests' },
  { name: 'requests-none', snapshot: empty(), hash: 'requests' },
  { name: 'request', snapshot: ordinary(), act: askForCursor },
  {
    name: 'request-refused',
    snapshot: ordinary(),
    act: async (page) => {
      await askForCursor(page);
      await page.getByLabel('What you’d use it for').fill('Refactoring our pipeline code.');
      await fake(page, 'refuse', 'The database is locked; close the other program that uses it.');
      await page.getByRole('button', { name: 'Send request' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
];

/** The colours in each; the last three in a few states that show every part. */
const themes = [
  { name: 'dark', media: { colorScheme: 'dark' }, of: /^(?!home-200)/ },
  { name: 'contrast-dark', media: { colorScheme: 'dark', contrast: 'more' }, of: /^(home|tool|servers|request)$/ },
  { name: 'contrast-light', media: { colorScheme: 'light', contrast: 'more' }, of: /^(home|tool|servers|request)$/ },
  {
    name: 'forced',
    media: { colorScheme: 'light', contrast: 'no-preference', forcedColors: 'active' },
    of: /^(home|tool|servers|request)$/,
  },
] as const;

/** Everything that axe knows of the standard, but for colours and the sizes of targets, which cost more than the rest together. */
const structure = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
const COLOURS = ['color-contrast', 'color-contrast-enhanced'];
const TARGETS = ['target-size'];

type Asked = { readonly runOnly: readonly string[]; readonly rules?: Readonly<Record<string, { readonly enabled: boolean }>> };

async function faults(page: Page, { runOnly, rules = {} }: Asked): Promise<string[]> {
  return page.evaluate(
    async (options) => {
      type Result = { violations: { id: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] };
      const { axe } = window as unknown as { axe: { run(root: Document, options: object): Promise<Result> } };
      const { violations } = await axe.run(document, { ...options, resultTypes: ['violations'] });
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary ?? ''}`),
      );
    },
    { runOnly, rules },
  );
}

/** The page as it is laid out now: all of the standard; `colours` once a theme, for they don't depend on the width. */
async function laidOut(page: Page, colours: boolean): Promise<string[]> {
  const off = [...(colours ? [] : COLOURS.slice(0, 1)), ...((await areTargetsLarge(page)) ? TARGETS : [])];
  return faults(page, { ...structure, rules: Object.fromEntries(off.map((rule) => [rule, { enabled: false }])) });
}

/**
 * Whether everything that can be pointed at is as large as the standard wants, or lies so far from the others: then axe has nothing to find about that.
 * Stricter than the standard, which lets links within a sentence be, and measures circles where these are squares.
 */
const areTargetsLarge = (page: Page) =>
  page.evaluate(() => {
    const least = 24;
    const targets = [
      ...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"], [role=button], [role=link]'),
    ];
    const boxes = targets.flatMap((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      if (width === 0 || height === 0) return [];
      // What is too small takes the room of what is large enough, around its own middle.
      const [w, h] = width < least || height < least ? [Math.max(width, least), Math.max(height, least)] : [width, height];
      const [left, top] = [x + (width - w) / 2, y + (height - h) / 2];
      return [{ element, left, top, right: left + w, bottom: top + h }];
    });
    return boxes.every((one) =>
      boxes.every(
        (other) =>
          one.element.contains(other.element) ||
          other.element.contains(one.element) ||
          other.left >= one.right ||
          other.right <= one.left ||
          other.top >= one.bottom ||
          other.bottom <= one.top,
      ),
    );
  });

/** What sticks out of the window to the side, and can't be reached there. */
const sticksOut = (page: Page) =>
  page.evaluate(() => {
    const wide = [document.documentElement, ...document.querySelectorAll('.page, .list, .detail, dialog')].filter(
      (element) => element.scrollWidth > element.clientWidth + 1,
    );
    return wide.map((element) => `${element.tagName}.${element.className} ${element.scrollWidth} > ${element.clientWidth}`);
  });

/** For people to look at: light and dark with every run, the rest with MUSTER_PICTURES=all, because each costs as much as what is tested of it. */
async function picture(page: Page, name: string, always = true): Promise<void> {
  if (always || process.env['MUSTER_PICTURES'] === 'all') await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}

const engineNeeds = needs('electron', 'electron-libraries', 'display');

engineNeeds.describe('every state of the window', () => {
  let engine: Engine;
  beforeAll(async () => {
    await fs.mkdir(pictures, { recursive: true });
    // The page's own policy refuses scripts from elsewhere, as it should: axe comes in by the debugger.
    engine = await startEngine(await fs.readFile(axeSource, 'utf8'));
  }, 120_000);
  afterAll(() => engine?.close());

  for (const { name, act, ...look } of states)
    engineNeeds.it(
      `${name}: in every theme and width`,
      async () => {
        const page = await engine.open(look);
        await page.locator('h1').first().waitFor();
        await act?.(page);
        expect(await laidOut(page, true)).toEqual([]);
        expect(await page.locator('h1').count(), 'headings of the first rank').toBe(1);
        expect(await sticksOut(page)).toEqual([]);
        await picture(page, `${name}-light`);
        for (const theme of themes.filter(({ of }) => of.test(name))) {
          await page.emulateMedia(theme.media);
          expect(await faults(page, { runOnly: COLOURS.slice(0, theme.name.startsWith('contrast') ? 2 : 1) }), theme.name).toEqual([]);
          await picture(page, `${name}-${theme.name}`, theme.name === 'dark');
        }
        await page.emulateMedia({ colorScheme: 'light', contrast: 'no-preference', forcedColors: 'none' });
        // A small window, or an ordinary one at twice the size of its text.
        await page.setViewportSize({ width: 480, height: 900 });
        expect(await sticksOut(page), 'narrow').toEqual([]);
        expect(await laidOut(page, false), 'narrow').toEqual([]);
        await picture(page, `${name}-narrow`, false);
        await closePage(page);
        // Two hundred rows are many for axe on a busy machine.
      },
      120_000,
    );

  engineNeeds.it('reads from right to left without being turned about', async () => {
    const page = await engine.open({ snapshot: ordinary() });
    await page.locator('h1').waitFor();
    await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'));
    expect(await sticksOut(page)).toEqual([]);
    const side = await page.locator('.side').boundingBox();
    expect(side?.x ?? 0).toBeGreaterThan(700);
    await picture(page, 'home-rtl');
    await closePage(page);
  });

  // Last, because a clock stays with the engine: in every page after it time stands still.
  engineNeeds.it('says nothing for 300 ms, then that it looks, then where it still looks', async () => {
    const { tools: _tools, ...rest } = ordinary({ look: { state: 'looking', at: null, durationMs: null, firstAt: null } });
    const snapshot = {
      ...rest,
      tools: [],
      sources: rest.sources.map((source) => (source.id === 'installed' ? { ...source, state: 'looking' as const } : source)),
    };
    const page = await engine.open({ snapshot, clock: true });
    const status = page.locator('main .middle');
    await status.waitFor({ state: 'attached' });
    await page.clock.runFor(290);
    expect(await status.textContent()).toBe('');
    await page.clock.runFor(20);
    await expect.poll(() => status.textContent()).toBe('Looking');
    expect(
      await page
        .locator('.is-loading i')
        .first()
        .evaluate((post) => getComputedStyle(post).animationName),
      'motion is reduced',
    ).toBe('none');
    await page.clock.runFor(4000);
    await expect.poll(() => status.textContent()).toBe('Still looking in the installed programs');
    await picture(page, 'loading');
    await fake(page, 'change', {
      tools: ordinary().tools,
      look: { state: 'idle', at: minutesAgo(0), durationMs: 9, firstAt: minutesAgo(0) },
    });
    await page.getByRole('heading', { level: 1, name: /need something from you/ }).waitFor();
    await closePage(page);
  });
});
