/** The composition root of the tray application: one instance, one agent, a tray, a window when it is asked for. Decides nothing itself. */
import path from 'node:path';
import { app, ipcMain, Notification, protocol, session, shell } from 'electron';
import type { NetworkApi, Platform, Snapshot } from '../contract.ts';
import { serve } from '../rpc.ts';
import { type AgentProcess, superviseAgent } from './agent-process.ts';
import { lockContents, lockSession, quietChromium } from './lockdown.ts';
import { setKeys } from './menu.ts';
import { network } from './net.ts';
import type { Notice } from './notify.ts';
import { SCHEME, serveRenderer } from './renderer-files.ts';
import { selfTest } from './self-test.ts';
import { helpAddress, registerShell } from './shell.ts';
import { agentCommand, chromiumFolder, readStart, type Start } from './start.ts';
import type { TrayAction } from './tray.ts';
import { showTray } from './tray-icon.ts';
import { watcher } from './watcher.ts';
import { windows } from './window.ts';

const platform = process.platform as Platform;
const packaged = app.isPackaged;
const start = startOrEnd();

// A bug ends the application with a line on standard error; Electron's own way is a dialog in front of whatever the person is doing.
process.on('uncaughtException', (error) => {
  console.error(error);
  app.exit(70);
});

// A signal (Ctrl-C in a terminal, the end of a session) often reaches all of Chromium's processes at once: whoever lingers then complains about
// the dead ones. The agent needs no waiting for: it ends when its standard input closes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.exit(0));

app.setName('Muster');
if (!app.commandLine.hasSwitch('user-data-dir'))
  app.setPath('userData', chromiumFolder(start, platform, process.env, app.getPath('appData')));
if (platform === 'win32') app.setAppUserModelId('app.muster.desktop');

if (app.requestSingleInstanceLock()) {
  // Chromium doesn't run as root with its sandbox, and whoever says so on the command line (set-up and CI, in a container) has decided.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  app.disableHardwareAcceleration();
  quietChromium(app.commandLine);
  protocol.registerSchemesAsPrivileged([{ scheme: SCHEME, privileges: { standard: true, secure: true } }]);
  lockContents(app);
  void app.whenReady().then(run);
} else {
  // The instance that runs has been told, and shows its window.
  if (start.selfTest) console.error('The self-test needs an instance of its own: give it a --data folder that no running Muster uses.');
  app.exit(start.selfTest ? 1 : 0);
}

/** Before anything else is there: what was asked for can't be known, so nothing is begun. */
function startOrEnd(): Start {
  try {
    return readStart(process.argv, process.env, packaged);
  } catch (error) {
    console.error(`muster: ${(error as Error).message}`);
    // And not `app.exit`, which comes back.
    process.exit(2);
  }
}

function run(): void {
  const dist = path.join(app.getAppPath(), 'dist');
  let refused = 0;
  // In memory: a window keeps nothing on disk, no cookie and no cache.
  const own = session.fromPartition('window');
  for (const each of [session.defaultSession, own]) lockSession(each, packaged, () => refused++);
  own.protocol.handle(SCHEME, (request) => serveRenderer(request, path.join(dist, 'renderer')));

  const looked = signalOnce<Snapshot>();
  let agent: AgentProcess | null = null;
  const windowsNow = windows({ agent: { connect: () => agent?.connect() ?? null }, dist, session: own, packaged });
  const link = () => agent?.link() ?? ({ state: 'starting', detail: null, retryAt: null } as const);

  const known = watcher({
    changed: (snapshot) => {
      tray.update(snapshot, link());
      if (snapshot.look.at !== null) looked.resolve(snapshot);
    },
    show: (notice) => notify(notice, dist, () => windowsNow.open(notice.view, notice.tool)),
  });
  const tray = showTray({
    platform,
    dist,
    act: (action: TrayAction) => {
      if (action.do === 'open') windowsNow.open(action.view, action.tool);
      else if (action.do === 'scan') known.scan();
      else if (action.do === 'restart-agent') agent?.restart();
      else app.quit();
    },
  });
  tray.update(null, link());
  setKeys(packaged, () => app.quit());

  registerShell(ipcMain, {
    isOurs: windowsNow.isOurs,
    wantsPort: windowsNow.wantsPort,
    api: {
      link: async () => link(),
      restartAgent: async () => agent?.restart(),
      openHelp: async () => {
        // From the policy and never from the window; without one there is no button either.
        const address = helpAddress(known.snapshot()?.policy.helpUrl);
        if (address) await shell.openExternal(address);
      },
      about: async () => ({ version: app.getVersion(), electron: process.versions.electron, chrome: process.versions.chrome, platform }),
    },
  });

  // In memory too, and apart: the window's session lets nothing out.
  const outside = network(session.fromPartition('collector', { cache: false }), () => known.snapshot()?.sync?.collector ?? null);
  agent = superviseAgent({
    command: agentCommand({ start, packaged, platform, resources: process.resourcesPath, appPath: app.getAppPath(), env: process.env }),
    onLink: (next) => {
      windowsNow.tellLink(next);
      tray.update(known.snapshot(), next);
    },
    onUp: (socket) => {
      known.follow(socket);
      windowsNow.agentIsUp();
    },
    onChannel: (channel) => serve<NetworkApi, object>(channel, outside, ['post']),
    onStderr: (text) => process.stderr.write(text),
  });

  app.on('second-instance', (_event, argv) => {
    if (!argv.includes('--background')) windowsNow.open();
  });
  // macOS: a click in the Dock, or a second start from the Finder.
  app.on('activate', () => windowsNow.open());
  // A listener, so that Electron doesn't quit: the tray stays, and where there is none, starting Muster again opens the window.
  app.on('window-all-closed', () => {});
  let agentIsGone = false;
  app.on('before-quit', (event) => {
    if (agentIsGone) return;
    event.preventDefault();
    void agent?.stop().then(() => {
      agentIsGone = true;
      app.quit();
    });
  });

  if (start.selfTest) {
    const window = windowsNow.openHidden();
    void selfTest({
      file: start.selfTest,
      window,
      looked: looked.promise,
      facts: () => ({
        link: link(),
        versions: {
          app: app.getVersion(),
          electron: process.versions.electron,
          chrome: process.versions.chrome,
          node: process.versions.node,
        },
        packaged,
        tray: tray.shown,
        networkRequestsRefused: refused,
      }),
      exit: (code) => void agent?.stop().then(() => app.exit(code)),
    });
  } else if (!start.background) {
    windowsNow.open();
  }
}

/** Notifications that may be on the screen: without a reference the collector takes them, and their click with them. */
const onScreen = new Set<Notification>();
/** Not every desktop says when one is gone. */
const REMEMBERED = 20;

function notify({ title, body }: Notice, dist: string, open: () => void): void {
  if (!Notification.isSupported()) return;
  // macOS and Windows show the application's own icon; Linux' daemons show none that isn't given.
  const icon = platform === 'linux' ? { icon: path.join(dist, 'icons/app/256x256.png') } : {};
  const notification = new Notification({ title, body, ...icon });
  onScreen.add(notification);
  for (const oldest of onScreen) if (onScreen.size > REMEMBERED) onScreen.delete(oldest);
  const over = () => onScreen.delete(notification);
  notification.on('click', () => {
    over();
    open();
  });
  notification.on('close', over);
  notification.on('failed', over);
  notification.show();
}

function signalOnce<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
