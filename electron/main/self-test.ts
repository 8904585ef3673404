/**
 * `--self-test=<file>`: looks at the real window of the real application, from inside, and writes what it found as JSON. It is for packages
 * whose fuses are closed, which no automation can reach.
 */
import { renameSync, writeFileSync } from 'node:fs';
import type { BrowserWindow } from 'electron';
import type { AgentLink, Snapshot } from '../contract.ts';

const DEADLINE = 90_000;

export type SelfTest = {
  readonly ok: boolean;
  /** Why not, in a sentence. */
  readonly failure: string | null;
  /** Ids of the tools' rows in the window, as the page shows them. */
  readonly tools: readonly string[];
  /** What the agent says is there. */
  readonly expected: readonly string[];
  readonly link: AgentLink;
  readonly agent: { readonly version: string; readonly pid: number } | null;
  readonly versions: { readonly app: string; readonly electron: string; readonly chrome: string; readonly node: string };
  readonly packaged: boolean;
  readonly tray: boolean;
  readonly networkRequestsRefused: number;
  /** Ways out of the page that were tried; each must be `refused`. */
  readonly ways: Readonly<Record<string, string>>;
  readonly durationMs: number;
};

/** Resolves in the page as soon as every expected row is there; the page says so itself, nobody asks again and again. */
const waitForRows = (expected: readonly string[]) => `new Promise((resolve) => {
  const expected = ${JSON.stringify(expected)};
  const look = () => {
    const ids = [...document.querySelectorAll('[data-tool]')].map((row) => row.getAttribute('data-tool'));
    if (!expected.every((id) => ids.includes(id))) return;
    watch.disconnect();
    resolve([...new Set(ids)]);
  };
  const watch = new MutationObserver(look);
  watch.observe(document, { subtree: true, childList: true, attributes: true });
  look();
})`;

const tryWaysOut = `(async () => {
  const refused = async (attempt) => { try { return await attempt(); } catch { return 'refused'; } };
  return {
    fetch: await refused(async () => { await fetch('https://example.invalid/'); return 'open'; }),
    fetchFile: await refused(async () => { await fetch('file:///etc/hostname'); return 'open'; }),
    webSocket: await refused(() => new Promise((resolve) => {
      const socket = new WebSocket('wss://127.0.0.1:9/');
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('refused');
    })),
    image: await refused(() => new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve('open');
      image.onerror = () => resolve('refused');
      image.src = 'http://127.0.0.1:9/x.png';
    })),
    inlineScript: await refused(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.musterInline = true';
      document.head.append(script);
      script.remove();
      return window.musterInline ? 'open' : 'refused';
    }),
    markup: await refused(async () => {
      document.createElement('div').innerHTML = '<p>';
      return 'open';
    }),
    windowOpen: await refused(async () => (window.open('https://example.invalid/') === null ? 'refused' : 'open')),
    permission: await refused(async () => (await Notification.requestPermission()) === 'granted' ? 'open' : 'refused'),
    node: typeof require === 'undefined' && typeof process === 'undefined' ? 'refused' : 'open',
  };
})()`;

/** Ends the application through `exit`: 0 when all is well, 1 otherwise, after writing the file. */
export async function selfTest(options: {
  readonly file: string;
  readonly window: BrowserWindow;
  /** Resolves with the state after the first whole look. */
  readonly looked: Promise<Snapshot>;
  readonly facts: () => Omit<SelfTest, 'ok' | 'failure' | 'tools' | 'expected' | 'ways' | 'durationMs' | 'agent'>;
  exit(code: number): void;
}): Promise<void> {
  const { file, window, looked, facts, exit } = options;
  const startedAt = Date.now();
  let step = 'the agent had not finished its first look';
  let expected: string[] = [];
  let tools: string[] = [];
  let ways: Record<string, string> = {};
  let agent: SelfTest['agent'] = null;
  const work = async () => {
    const snapshot = await looked;
    agent = { version: snapshot.agent.version, pid: snapshot.agent.pid };
    expected = snapshot.tools.filter((tool) => tool.present).map((tool) => tool.id);
    step = 'the window did not show every tool that the agent knows';
    tools = await window.webContents.executeJavaScript(waitForRows(expected));
    step = 'the ways out of the page could not be tried';
    ways = await window.webContents.executeJavaScript(tryWaysOut);
    // The page's own policy stops a request before the session sees it; here the session stands alone.
    const { session } = window.webContents;
    ways['session'] = await session.fetch('https://example.invalid/').then(
      () => 'open',
      () => 'refused',
    );
    const open = Object.keys(ways).filter((way) => ways[way] !== 'refused');
    step = open.length > 0 ? `the page can get out by ${open.join(', ')}` : '';
  };
  const deadline = new Promise<void>((resolve) => {
    setTimeout(resolve, DEADLINE);
  });
  const failed = (error: unknown) => {
    step += ` (${error instanceof Error ? error.message : error})`;
  };
  await Promise.race([work().catch(failed), deadline]);
  const failure = step === '' ? null : `After ${Date.now() - startedAt} ms ${step}.`;
  const result: SelfTest = { ok: failure === null, failure, tools, expected, agent, ways, durationMs: Date.now() - startedAt, ...facts() };
  // Whoever waits for the file must not read half of it.
  writeFileSync(`${file}.part`, `${JSON.stringify(result, null, 2)}\n`);
  renameSync(`${file}.part`, file);
  exit(result.ok ? 0 : 1);
}
