/** The one window: made hardened when it is asked for, destroyed when it is closed, and given its line to the agent. */
import path from 'node:path';
import { BrowserWindow, MessageChannelMain, nativeTheme, type Session } from 'electron';
import type { AgentLink, View } from '../contract.ts';
import type { AgentProcess } from './agent-process.ts';
import { join } from './ports.ts';
import { PAGE } from './renderer-files.ts';

export type Windows = {
  /** Brings the window to the front, made anew where there is none, and shows a view or a tool in it. */
  open(view?: View, tool?: string | null): void;
  /** Makes the window without showing it: for the self-test. */
  openHidden(): BrowserWindow;
  isOurs(webContentsId: number): boolean;
  /** The window's preload is there: gives it its port, now or as soon as the agent is up. */
  wantsPort(webContentsId: number): void;
  /** Gives a new port to a window that waits for one. */
  agentIsUp(): void;
  tellLink(link: AgentLink): void;
};

export function windows(options: {
  readonly agent: Pick<AgentProcess, 'connect'>;
  readonly dist: string;
  readonly session: Session;
  readonly packaged: boolean;
}): Windows {
  const { agent, dist, session, packaged } = options;
  let window: BrowserWindow | null = null;
  let preloadIsThere = false;
  let toShow: [View, string | null] | null = null;
  let crashedAt = 0;

  function make(): BrowserWindow {
    const made = new BrowserWindow({
      width: 960,
      height: 680,
      // Smaller than the design's 800 × 560: at twice the scale a small screen isn't wider than this, and the page can be.
      minWidth: 480,
      minHeight: 400,
      show: false,
      title: 'Muster',
      backgroundColor: nativeTheme.shouldUseDarkColors ? '#14181a' : '#ffffff',
      autoHideMenuBar: true,
      ...(process.platform === 'linux' ? { icon: path.join(dist, 'icons/app/256x256.png') } : {}),
      webPreferences: {
        session,
        preload: path.join(dist, 'preload.cjs'),
        // The first six are Electron's defaults, written out for whoever reviews this.
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        allowRunningInsecureContent: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        enableWebSQL: false,
        devTools: !packaged,
      },
    });
    window = made;
    preloadIsThere = false;
    // At `close` and not at `closed`: in between, the page is asked and the window is of no use any more; who wants one gets a new one.
    const forget = () => {
      if (window === made) window = null;
    };
    made.on('close', forget);
    made.on('closed', forget);
    made.webContents.on('render-process-gone', (_event, details) => {
      if (details.reason === 'clean-exit') return;
      const again = made.isVisible() && Date.now() - crashedAt > 60_000;
      crashedAt = Date.now();
      made.destroy();
      if (again) open();
    });
    void made.loadURL(PAGE);
    return made;
  }

  function open(view?: View, tool: string | null = null): void {
    if (view) toShow = [view, tool];
    if (window) {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
      deliver();
      return;
    }
    const made = make();
    made.once('ready-to-show', () => {
      if (window === made) made.show();
    });
  }

  /** What is to be shown waits for the preload: a message to a page that isn't loaded yet is lost. */
  function deliver(): void {
    if (!window || !preloadIsThere || !toShow) return;
    window.webContents.send('show', ...toShow);
    toShow = null;
  }

  function givePort(): void {
    if (!window || !preloadIsThere) return;
    const socket = agent.connect();
    if (!socket) return;
    const { port1, port2 } = new MessageChannelMain();
    join(port2, socket);
    window.webContents.postMessage('agent-port', null, [port1]);
  }

  return {
    open,
    openHidden: () => window ?? make(),
    isOurs: (id) => window !== null && window.webContents.id === id,
    wantsPort: () => {
      preloadIsThere = true;
      givePort();
      deliver();
    },
    agentIsUp: givePort,
    tellLink: (link) => {
      if (window && preloadIsThere) window.webContents.send('link', link);
    },
  };
}
