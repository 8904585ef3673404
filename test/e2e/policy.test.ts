/** A signed policy meets the open window: statuses, tray and notifications follow; it is acknowledged; an exception ends; a server is switched off and on. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newSigningKey, publicHalf, type SigningKey, sign } from '../../agent/policy/signing.ts';
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
  put,
  root,
  snapshotIn,
  startApplication,
} from './application.ts';
import { type Desktop, startDesktop } from './desktop.ts';
import { labels, picture as pictureIn, quit, row, tabTo, trayOf, until } from './person.ts';

const pictures = path.join(root, 'screenshots/policy');
/** A secret in a config file that Muster changes and changes back. */
const PLANTED = 'sk-planted-9876543210zyxwvutsrqponmlk';
const DAY_MS = 86_400_000;
/** Long enough to be seen and acknowledged beside, short enough to wait for. */
const EXCEPTION_MS = 12_000;
const CONFIG = '.cursor/mcp.json';

const inFrom = (ms: number) => new Date(Date.now() + ms).toISOString();

const clauses = [
  {
    id: '2',
    title: 'Approved and prohibited tools',
    text: 'Use the tools on the list, with the data that is named.',
    backedBy: ['verdict', 'notice', 'mcp-gate'],
    byPeople: 'The AI desk, every Monday.',
  },
  {
    id: '4',
    title: 'Human in the loop',
    text: 'Somebody reads what an agent did.',
    backedBy: [],
    byPeople: 'Team leads, in every review.',
  },
];

const policy = (more: object = {}) => ({
  organization: { name: 'Northwind', contact: 'ai@northwind.example' },
  stance: 'unreviewed',
  mode: 'warn',
  dataClasses: [
    { id: 'public', label: 'Public' },
    { id: 'internal', label: 'Internal' },
  ],
  tools: [
    { id: 'ollama', tool: 'ollama', status: 'approved', dataClasses: ['public', 'internal'], clause: '2' },
    { id: 'cursor', tool: 'cursor', status: 'tolerated', dataClasses: ['public'] },
    { id: 'crush', tool: 'crush', status: 'prohibited', reason: 'its terms claim what is typed.', clause: '2' },
  ],
  clauses,
  acknowledge: { version: '2026-11', required: true },
  ...more,
});

needs(...APPLICATION_NEEDS, 'screenshots').describe('a policy, in the open window', () => {
  let desktop: Desktop;
  let app: Application;
  let page: Page;
  let rootKey: SigningKey;
  let online: SigningKey;
  let before: Buffer;
  /** When the exception ends, by the clock of this machine. */
  let endsAt = 0;

  const titles = () => desktop.notices.map(({ title }) => title);
  const picture = (name: string) => pictureIn(page, pictures, name);
  const config = () => readFileSync(path.join(desktop.home, CONFIG));
  const document = (kind: 'keySet' | 'policy' | 'grants', rev: number, more: object) =>
    sign(
      kind,
      JSON.stringify({
        schema: { keySet: 'muster.key-set/1', policy: 'muster.policy/1', grants: 'muster.grants/1' }[kind],
        ...{ rev, audience: 'northwind', issuedAt: inFrom(-DAY_MS), expiresAt: inFrom(90 * DAY_MS), ...more },
      }),
      kind === 'keySet' ? rootKey : online,
      kind === 'keySet' ? null : 1,
    );
  const lay = (name: string, text: string) => put(desktop, `.local/share/muster/${name}.jws`, text);

  const start = async () => {
    const run = [path.join(root, 'node_modules/node/bin/node'), path.join(root, 'agent/cli.ts')];
    // What main says comes first: the command, then its options.
    const command = [
      '/bin/sh',
      '-c',
      'managed=$1; shift; exec "$@" --managed "$managed"',
      'sh',
      path.join(desktop.home, 'managed.json'),
      ...run,
    ];
    app = await startApplication(desktop, { env: { MUSTER_AGENT_COMMAND: JSON.stringify(command) } });
    page = await app.page();
  };

  beforeAll(async () => {
    rmSync(pictures, { recursive: true, force: true });
    mkdirSync(pictures, { recursive: true });
    await bundleApplication();
    [rootKey, online] = [await newSigningKey(), await newSigningKey()];
    desktop = await startDesktop();
    put(desktop, 'managed.json', {
      tenant: 'northwind',
      pollSeconds: 0.5,
      policyRootKeys: [publicHalf(rootKey)],
      allowActions: ['disable-entry'],
    });
    installPackage(desktop, '@charmland/crush', { bin: 'crush', version: '0.96.1' });
    installApp(desktop, 'cursor', { name: 'Cursor', program: '.local/share/cursor/cursor' });
    installProgram(desktop, '.local/bin/ollama');
    put(
      desktop,
      CONFIG,
      `{\n  // Mine.\n  "mcpServers": {\n    "files": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2025.8.21", "/srv"] },\n    "search":   { "command": "npx", "args": ["-y", "some-search-server"], "env": { "SEARCH_KEY": "${PLANTED}" } }\n  }\n}\n`,
    );
    before = config();
  });
  afterAll(() => desktop?.close());

  it('changes what every row says when it arrives, and the tray and one notification say so', async () => {
    await start();
    await page.getByRole('button', { name: 'Show me the list' }).click();
    await until(async () => expect((await snapshotIn(page)).look.at).not.toBeNull());
    for (const id of ['crush', 'cursor', 'ollama']) expect(await row(page, id).textContent()).toContain('Not reviewed yet');
    await until(() => expect(titles()).toEqual([expect.stringMatching(/^Muster found/)]));

    const { id: device } = (await snapshotIn(page)).device;
    endsAt = Date.now() + EXCEPTION_MS;
    const granted = { id: 'g1', tool: 'crush', status: 'approved', expiresAt: new Date(endsAt).toISOString(), reason: 'For the pilot.' };
    lay('keyset', await document('keySet', 1, { keys: [publicHalf(online)] }));
    lay('grants', await document('grants', 1, { device, grants: [granted] }));
    lay('policy', await document('policy', 7, policy()));

    await until(async () => expect(await row(page, 'cursor').textContent()).toContain('Tolerated'));
    await until(async () => expect(await row(page, 'crush').textContent()).toContain('Exception until'));
    expect(await row(page, 'ollama').textContent()).toContain('Approved');
    await page.locator('[data-acknowledge="asked"]').waitFor();
    await until(async () => expect(await labels(desktop)).toContain('The policy asks to be read'));
    await until(() => {
      const changed = desktop.notices.filter(({ title }) => title === 'The policy has changed');
      expect(changed.map(({ body }) => body)).toEqual([expect.stringMatching(/The policy asks to be read\.$/)]);
    });
    await picture('01-home');
  });

  it('is read and acknowledged by keyboard', async () => {
    await (await trayOf(desktop)).choose('The policy asks to be read');
    await page.getByRole('heading', { level: 1, name: 'Northwind’s policy' }).waitFor();
    const said = await page.locator('main').textContent();
    for (const words of ['The AI desk, every Monday.', 'Team leads, in every review.', 'Proven by keys that IT has put on this computer.'])
      expect(said).toContain(words);
    await picture('02-policy');
    await tabTo(page, 'I have read it');
    await page.keyboard.press('Enter');
    await page.getByText('You acknowledged version 2026-11').waitFor();
    await until(async () => expect(await labels(desktop)).not.toContain('The policy asks to be read'));
  });

  it('tells of an exception that ends while the window is open', async () => {
    await go(page, 'approved');
    const mine = page.locator('[data-grant]');
    // On a busy machine it may be over before it could be looked at; what follows is the same.
    if (Date.now() < endsAt - 1000) await page.locator('[data-grant="ending"]').waitFor();
    await picture('03-exceptions');
    await until(async () => expect(await mine.getAttribute('data-grant')).toBe('ended'), EXCEPTION_MS + 20_000);
    expect(Date.now()).toBeGreaterThanOrEqual(endsAt);
    await go(page, 'home');
    await until(async () => expect(await row(page, 'crush').textContent()).toContain('Not allowed'));
    await until(() => expect(titles().filter((title) => title === 'Your approval of Crush has ended')).toHaveLength(1));
    await until(async () => expect(await labels(desktop)).toContain('Crush, not allowed'));
    await picture('04-exception-ended');
  });

  it('switches a server off after a notice, and back on, byte for byte', async () => {
    const rule = { id: 'm1', match: { npm: 'some-search-server' }, status: 'prohibited', mode: 'enforce', action: 'disable-entry' };
    lay('policy', await document('policy', 8, policy({ mcp: { stance: 'unreviewed', rules: [rule] } })));
    const waiting = page.locator('[data-action-state="waiting"]');
    await waiting.getByText(/^Muster switches search in Cursor off in \d+ seconds?\.$/).waitFor();
    await until(async () => expect(await labels(desktop)).toContain('Muster soon switches off search'));
    // A file of the employee's is changed only after the countdown, or when they say so.
    expect(config().equals(before)).toBe(true);
    await picture('05-waiting');
    await waiting.getByRole('button', { name: 'Turn off now: search' }).click();
    await page.locator('[data-action-state="done"]').getByRole('button', { name: 'Undo: search' }).waitFor();
    const off = config();
    expect(off.equals(before)).toBe(false);
    expect(off.toString()).toContain('// Mine.');
    await until(async () => {
      const server = (await snapshotIn(page)).mcpServers.find(({ name }) => name === 'search');
      expect(server === undefined || !server.enabled || !server.present).toBe(true);
    });
    await picture('06-done');
    await page.getByRole('button', { name: 'Undo: search' }).click();
    await until(() => expect(config().toString()).toBe(before.toString()));
    await go(page, 'policy');
    await page.locator('[data-action-state="undone"]').waitFor();
    await picture('07-undone');
    expect(JSON.stringify(await snapshotIn(page))).not.toContain(PLANTED);
  });

  it('keeps what was acknowledged through a restart, and tells nothing twice', async () => {
    const told = titles();
    await quit(desktop, app);
    await start();
    await go(page, 'policy');
    await page.getByText('You acknowledged version 2026-11').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
    await until(async () => expect((await snapshotIn(page)).look.state).toBe('idle'));
    expect(titles()).toEqual(told);
    expect(app.complaints).toEqual([]);
    expect(app.asked.filter((address) => !address.startsWith('app://muster/'))).toEqual([]);
    await quit(desktop, app);
    const stored = readFileSync(path.join(dataFolder(desktop), 'muster.db'));
    expect(stored.includes(PLANTED)).toBe(false);
  });
});
