/** What a person does with Muster, on a real desktop: the real Electron, the real agent, real processes, a real panel and notification daemon. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capital, countWord, stateSentence } from '../../electron/attention.ts';
import { needs } from '../capability.ts';
import {
  APPLICATION_NEEDS,
  type Application,
  bundleApplication,
  dataFolder,
  go,
  installApp,
  installPackage,
  installProgram,
  processTree,
  put,
  root,
  snapshotIn,
  startAgain,
  startApplication,
  startTool,
} from './application.ts';
import { type Desktop, menuLines, readNotices, startDesktop } from './desktop.ts';
import { heading, labels, picture as pictureIn, quit, row, tabTo, trayOf, until } from './person.ts';

const POLL_SECONDS = 1;
/** A secret that stands in a config file and must stand nowhere else. */
const PLANTED = 'sk-planted-0123456789abcdefghijklmnop';
const pictures = path.join(root, 'screenshots/journey');
const picture = (page: Page, name: string) => pictureIn(page, pictures, name);

/** When the row of this tool came, by the clock of this machine; ask before it can come. */
const rowAppears = (page: Page, tool: string): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector('[data-tool="${tool}"]')) return;
      watch.disconnect();
      resolve(Date.now());
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { subtree: true, childList: true });
    look();
  })`);

const policy = {
  schema: 'muster.policy/1',
  rev: 12,
  organization: { name: 'Northwind', contact: 'ai@northwind.example', helpUrl: 'https://help.northwind.example/ai' },
  stance: 'unreviewed',
  mode: 'warn',
  dataClasses: [
    { id: 'public', label: 'Public', examples: 'What is on our site' },
    { id: 'internal', label: 'Internal', examples: 'Plans, notes, most code' },
    { id: 'confidential', label: 'Confidential', examples: 'Customers’ and personal data' },
  ],
  tools: [
    { id: 'claude', tool: 'claude', status: 'approved', tiers: ['team', 'enterprise'], dataClasses: ['public', 'internal'], clause: '2' },
    { id: 'ollama', tool: 'ollama', status: 'approved', dataClasses: ['public', 'internal', 'confidential'], clause: '2' },
    { id: 'cursor', tool: 'cursor', status: 'tolerated', dataClasses: ['public'] },
    { id: 'crush', tool: 'crush', status: 'prohibited', reason: 'its terms claim what is typed.', clause: '3' },
    {
      id: 'aider',
      tool: 'aider',
      status: 'conditional',
      conditions: 'Only in company repositories.',
      dataClasses: ['public', 'internal'],
      clause: '2',
    },
  ],
  clauses: [
    { id: '2', title: 'Approved tools', text: 'Use the tools on the list, on the plans that are named, with the data that is named.' },
    { id: '3', title: 'Tools that are not allowed', text: 'A tool stands here when its terms can’t be reconciled with our contracts.' },
  ],
};

describe('reading the desktop', () => {
  it('understands the menu and the notifications as the tools print them', () => {
    const layout = `(uint32 7, (0, {'children-display': <'submenu'>}, [<(1, {'label': <'It\\'s __one'>, 'enabled': <false>}, @av [])>, <(2, {'type': <'separator'>}, @av [])>, <(3, {'label': <"Don\\u2019t">}, @av [])>]))`;
    expect(menuLines(layout)).toEqual([
      { id: 1, label: "It's _one", enabled: false },
      { id: 3, label: 'Don’t', enabled: true },
    ]);
    const call = `method call time=1 sender=:1.2 -> destination=:1.3 serial=4 path=/x; interface=org.freedesktop.Notifications; member=Notify\n   string "Muster"\n   uint32 0\n   string ""\n   string "A “title”"\n   string "First\nsecond"\n   array [\n      string "default"\n      string "View"\n   ]\n   array [\n   ]\n   int32 -1\n`;
    expect(readNotices(`signal time=0\n${call}${call.slice(0, -12)}`)).toEqual([
      { app: 'Muster', title: 'A “title”', body: 'First\nsecond' },
    ]);
  });
});

needs(...APPLICATION_NEEDS, 'screenshots').describe('a person’s days with Muster', () => {
  let desktop: Desktop;
  let app: Application;
  let page: Page;

  const start = async () => {
    app = await startApplication(desktop);
    page = await app.page();
  };
  /** How often the notification daemon was asked to say that this tool is new. */
  const told = (name: string) => desktop.notices.filter(({ title }) => title === `${name} is new on this computer`).length;
  const settled = () =>
    until(async () => {
      const state = await snapshotIn(page);
      expect(state.look.at).not.toBeNull();
      return state;
    });

  beforeAll(async () => {
    rmSync(pictures, { recursive: true, force: true });
    mkdirSync(pictures, { recursive: true });
    await bundleApplication();
    desktop = await startDesktop();
    put(desktop, '.local/share/muster/settings.json', { pollSeconds: POLL_SECONDS });
    installPackage(desktop, '@anthropic-ai/claude-code', { bin: 'claude', version: '2.1.197' });
    installPackage(desktop, '@charmland/crush', { bin: 'crush', version: '0.96.1' });
    installApp(desktop, 'cursor', { name: 'Cursor', program: '.local/share/cursor/cursor' });
    installApp(desktop, 'claude-desktop', { name: 'Claude', program: '.local/lib/claude-desktop/claude' });
    installProgram(desktop, '.local/bin/ollama');
    put(desktop, '.cursor/mcp.json', {
      mcpServers: {
        files: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem@2025.8.21', '/srv'] },
        search: { command: 'npx', args: ['-y', 'some-search-server'], env: { SEARCH_KEY: PLANTED } },
      },
    });
  });
  afterAll(() => desktop?.close());

  it('says first what it reads, then shows what is here, and tells it once with the count', async () => {
    await start();
    await page.getByRole('heading', { name: /Muster lists the AI tools on this computer/ }).waitFor();
    const state = await settled();
    await picture(page, '01-first-run');
    // The step to the list has the focus, so the Enter key is enough.
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const id of ['claude-code', 'crush', 'cursor']) await row(page, id).waitFor();
    expect(await heading(page).textContent()).toBe(stateSentence(await snapshotIn(page)));
    expect((await snapshotIn(page)).told['first-run']).toBeDefined();
    await picture(page, '02-home');

    const { firstAt } = state.look;
    const count = state.tools.filter(({ firstSeen }) => firstAt !== null && firstSeen <= firstAt).length;
    await until(() => expect(desktop.notices.map(({ title }) => title)).toEqual([`Muster found ${countWord(count)} AI tools`]));
    const tray = await trayOf(desktop);
    const sentence = stateSentence(await snapshotIn(page)).replace(/\.$/, '');
    expect(await tray.tooltip()).toBe(`Muster: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`);
    expect(await labels(desktop)).toEqual(
      expect.arrayContaining([sentence, 'Claude Code, not reviewed yet', 'Open Muster', 'Look again', 'Quit Muster']),
    );
    await desktop.shot(path.join(pictures, '03-desktop-with-notification.png'));
  });

  it('shows a tool soon after it was started, in the window and in the tray, and tells of it once', async () => {
    const waits: number[] = [];
    const running: ReturnType<typeof startTool>[] = [];
    for (const [id, name, bin, title] of [
      // Tools that no other test starts: every process of this account is seen, whoever started it.
      ['letta-code', '@letta-ai/letta-code', 'letta', 'Letta Code'],
      ['nanocoder', '@nanocollective/nanocoder', 'nanocoder', 'Nanocoder'],
      ['codebuff', 'codebuff', 'codebuff', 'Codebuff'],
    ] as const) {
      const link = installPackage(desktop, name, { bin, version: '1.0.0' });
      const appears = rowAppears(page, id);
      const startedAt = Date.now();
      running.push(startTool(desktop, link));
      waits.push((await appears) - startedAt);
      await until(async () => expect(await row(page, id).textContent()).toContain('Running now'));
      await until(() => expect(told(title)).toBe(1));
    }
    console.log(`rows after ${waits.join(', ')} ms, where a poll is ${POLL_SECONDS * 1000} ms`);
    // The middle one, and generous: the machine may be shared, and the bench holds the bar.
    expect(waits.sort((a, b) => a - b)[1]).toBeLessThanOrEqual(POLL_SECONDS * 1000 + 3000);
    await until(async () => expect((await labels(desktop)).join('\n')).toContain('Codebuff, not reviewed yet'));

    // What only ran is gone when it ends; after another look it is known to be installed, and its row stays.
    await page.getByRole('button', { name: 'Look again' }).click();
    await until(async () => {
      const found = (await snapshotIn(page)).tools.find(({ id }) => id === 'letta-code');
      expect(found?.evidence.map(({ kind }) => kind)).toContain('package');
    });
    // It ends and comes back: the row follows, and nobody is told again.
    await running[0]?.end();
    await until(async () => expect(await row(page, 'letta-code').textContent()).not.toContain('Running now'));
    running.push(startTool(desktop, path.join(desktop.home, '.npm-global/bin/letta')));
    await until(async () => expect(await row(page, 'letta-code').textContent()).toContain('Running now'));
    expect(told('Letta Code')).toBe(1);
    for (const tool of running) await tool.end();
  });

  it('asks for approval by keyboard alone, and keeps the request through a restart', async () => {
    await row(page, 'letta-code').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-tool-page="letta-code"]').waitFor();
    await picture(page, '04-tool');
    await tabTo(page, 'Request approval: Letta Code');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Request approval for Letta Code' });
    await dialog.waitFor();
    await picture(page, '05-request-empty');
    // An empty one is refused in words, and the cursor stands where they are needed.
    await page.keyboard.press('Control+Enter');
    await dialog.getByText('Say what you would use it for; IT decides by that.').waitFor();
    await page.keyboard.type('Reading long logs of our build.');
    await picture(page, '06-request-filled');
    await page.keyboard.press('Control+Enter');
    await dialog.waitFor({ state: 'detached' });
    const toolPage = page.locator('[data-tool-page="letta-code"]');
    await toolPage.getByText('Request pending').first().waitFor();
    await picture(page, '07-tool-asked');
    await until(async () => expect((await labels(desktop)).join('\n')).toContain('1 waiting'));

    await quit(desktop, app);
    await start();
    await go(page, 'requests');
    const request = page.locator('[data-request]').filter({ hasText: 'Letta Code' });
    await request.getByText('Reading long logs of our build.').waitFor();
    await picture(page, '08-requests');
    expect((await snapshotIn(page)).tools.find(({ id }) => id === 'letta-code')?.verdict.status).toBe('pending');
    // Neither the first words nor the first notification come again.
    expect(await page.getByRole('dialog').count()).toBe(0);
    expect(desktop.notices.filter(({ title }) => /^Muster found/.test(title))).toHaveLength(1);
  });

  it('says that the agent is gone, keeps the list, and recovers without being loaded again', async () => {
    await go(page, 'home');
    await page.evaluate('window.same = true');
    await row(page, 'nanocoder').waitFor();
    const { pid } = (await snapshotIn(page)).agent;
    const calm = await (await trayOf(desktop)).picture();
    process.kill(pid, 'SIGKILL');
    await page.getByText('The checker is restarting').first().waitFor();
    expect(await heading(page).textContent()).toMatch(/^This list is from .* Muster is catching up\.$/);
    await row(page, 'nanocoder').waitFor();
    await page.screenshot({ path: path.join(pictures, '09-agent-restarting-light.png') });
    await until(async () => expect((await snapshotIn(page)).agent.pid).not.toBe(pid));
    await until(async () => expect(await page.getByText('The checker is restarting').count()).toBe(0));
    await settled();
    expect(await heading(page).textContent()).toBe(stateSentence(await snapshotIn(page)));
    expect(await page.evaluate('window.same')).toBe(true);
    await until(async () => expect(await (await trayOf(desktop)).picture()).toBe(calm));
  });

  it('keeps its tray and no page when the window is closed; the icon, a second start and the menu bring it back', async () => {
    const renderers = () => processTree(app.pid).filter(({ command }) => command.includes('--type=renderer'));
    expect(renderers()).toHaveLength(1);
    await app.closeWindow();
    await until(() => expect(renderers()).toEqual([]));
    const opened = app.electron.waitForEvent('window');
    await (await trayOf(desktop)).activate();
    await row(await opened, 'nanocoder').waitFor();

    await app.closeWindow();
    const second = app.electron.waitForEvent('window');
    expect(await startAgain(desktop)).toBe(0);
    await row(await second, 'nanocoder').waitFor();

    await app.closeWindow();
    const third = app.electron.waitForEvent('window');
    await (await trayOf(desktop)).choose('Codebuff, not reviewed yet');
    page = await third;
    await page.locator('[data-tool-page="codebuff"]').waitFor();
    expect(renderers()).toHaveLength(1);
    await (await trayOf(desktop)).choose('What Muster sees');
    await page.getByRole('heading', { name: 'What Muster sees' }).waitFor();
    await picture(page, '10-sees');
  });

  it('looks again from the tray', async () => {
    installPackage(desktop, 'opencommit', { bin: 'oco', version: '3.2.10' });
    await go(page, 'home');
    await (await trayOf(desktop)).choose('Look again');
    await row(page, 'opencommit').waitFor();
    await until(() => expect(told('OpenCommit')).toBe(1));
  });

  it('follows a policy that is put down, and says so when one is broken', async () => {
    put(desktop, '.local/share/muster/policy.json', policy);
    await until(async () => expect(await row(page, 'crush').textContent()).toContain('Not allowed'));
    expect(await row(page, 'cursor').textContent()).toContain('Tolerated');
    expect(await row(page, 'claude-code').textContent()).toContain('Tier not known');
    await page.getByText('Northwind policy 12').waitFor();
    await until(async () => expect(await labels(desktop)).toContain('Crush, not allowed'));
    await picture(page, '11-home-policy');
    for (const [view, name] of [
      ['approved', '12-approved'],
      ['servers', '13-servers'],
      ['tool/claude-code', '14-tool-tier'],
    ] as const) {
      await go(page, view);
      await page.locator('main h1').waitFor();
      await picture(page, name);
    }
    await go(page, 'home');

    const before = await (await trayOf(desktop)).picture();
    put(desktop, '.local/share/muster/policy.json', '{ "schema": "muster.policy/1", "rev": 13, "tools": [{ "id": "x" }] }');
    await page.getByText(/policy\.json is not valid/).waitFor();
    // The last good one stays in force.
    expect(await row(page, 'crush').textContent()).toContain('Not allowed');
    await until(async () => expect(await labels(desktop)).toContain('One problem to look at'));
    expect(await (await trayOf(desktop)).picture()).not.toBe(before);
    await picture(page, '15-problem');
    put(desktop, '.local/share/muster/policy.json', policy);
    await until(async () => expect(await page.getByText(/policy\.json is not valid/).count()).toBe(0));
  });

  it('has asked for nothing but its own page, complained of nothing, and kept no secret', async () => {
    expect(app.asked.length).toBeGreaterThan(0);
    expect(app.asked.filter((address) => !address.startsWith('app://muster/'))).toEqual([]);
    expect(app.complaints).toEqual([]);
    expect(await page.evaluate("fetch('https://example.invalid/').then(() => 'open', () => 'refused')")).toBe('refused');
    expect((await snapshotIn(page)).mcpServers.find(({ name }) => name === 'search')?.secretNames).toEqual(['SEARCH_KEY']);
    expect(JSON.stringify(await snapshotIn(page))).not.toContain(PLANTED);
    const folder = dataFolder(desktop);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => path.join(folder, name));
    const read = files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file));
    expect(read.length).toBeGreaterThan(1);
    expect(read.filter((content) => content.includes(PLANTED))).toEqual([]);
  });

  it('ends with its agent and everything else when somebody quits', async () => {
    const agent = (await snapshotIn(page)).agent.pid;
    expect(processTree(app.pid).map(({ pid }) => pid)).toContain(agent);
    await quit(desktop, app);
    expect(processTree(agent)).toEqual([]);
    await until(async () => expect(await desktop.tray()).toBeNull());
  });

  it('makes a damaged inventory anew, and says so', async () => {
    const file = path.join(dataFolder(desktop), 'muster.db');
    writeFileSync(file, Buffer.alloc(statSync(file).size, 'not a database'));
    await start();
    // What was told is lost with the rest, so the first words come again.
    await page.getByRole('button', { name: 'What Muster sees' }).click();
    await page.locator('[data-problem="database-rebuilt"]').waitFor();
    await picture(page, '16-database-rebuilt');
    await quit(desktop, app);
  });

  it('says what it waits for while the agent is slow to start, and what is wrong when it can’t', async () => {
    app = await startApplication(desktop, { env: { MUSTER_AGENT_COMMAND: JSON.stringify(['/bin/sh', '-c', 'read line']) } });
    page = await app.page();
    await page.getByText('Still starting').waitFor();
    await picture(page, '17-loading');
    await quit(desktop, app);

    app = await startApplication(desktop, { env: { MUSTER_AGENT_COMMAND: JSON.stringify([path.join(desktop.home, 'nowhere/muster')]) } });
    page = await app.page();
    await page.getByText('The checker won’t start.').waitFor();
    await picture(page, '18-agent-missing');
    expect(await labels(desktop)).toEqual(expect.arrayContaining(['Muster isn’t looking just now', 'Try now']));
    await quit(desktop, app);
  });
});

needs(...APPLICATION_NEEDS, 'screenshots').describe('a desktop without a tray', () => {
  it('opens its window again when it is started again, and says when there is nothing', async () => {
    await bundleApplication();
    const desktop = await startDesktop({ tray: false });
    try {
      const app = await startApplication(desktop);
      const page = await app.page();
      await page.getByRole('button', { name: 'Show me the list' }).click();
      await until(async () => expect((await snapshotIn(page)).look.at).not.toBeNull());
      await heading(page).waitFor();
      const { tools: found, look } = await snapshotIn(page);
      // Somebody else's tool may run on this machine; the sentence is then another one.
      expect(await heading(page).textContent()).toBe(
        found.length === 0 ? 'No AI tools found on this computer.' : capital(stateSentence({ tools: found, look })),
      );
      await picture(page, '19-empty');
      expect(await desktop.tray()).toBeNull();
      await app.closeWindow();
      await until(() => expect(app.electron.windows()).toEqual([]));
      const again = app.electron.waitForEvent('window');
      expect(await startAgain(desktop)).toBe(0);
      await heading(await again).waitFor();
      const before = processTree(app.pid);
      await app.electron.close();
      await until(() => expect(before.filter(({ pid }) => processTree(pid).length > 0)).toEqual([]));
    } finally {
      await desktop.close();
    }
  });
});
