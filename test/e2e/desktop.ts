/**
 * A whole Linux desktop for one test: its own screen, session bus, window manager, panel with a tray, and notification daemon, in a home of
 * its own. What the application does to it is read where a person would meet it: on the bus and on the screen.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';

const run = promisify(execFile);
const WATCHER = ['--dest', 'org.kde.StatusNotifierWatcher', '--object-path', '/StatusNotifierWatcher'];

/** What `startDesktop` needs of the machine. */
export const DESKTOP_NEEDS = ['display', 'session-bus', 'bus-tools', 'window-manager', 'window-info', 'panel', 'notifications'] as const;

export type Notice = { readonly app: string; readonly title: string; readonly body: string };

export type TrayMenuLine = { readonly id: number; readonly label: string; readonly enabled: boolean };

export type Desktop = {
  readonly home: string;
  /** What a program gets that is started on this desktop. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything that was asked of the notification daemon, oldest first. */
  readonly notices: readonly Notice[];
  /** The one icon in the tray, or null. */
  tray(): Promise<TrayIcon | null>;
  /** The whole screen as PNG. */
  shot(file: string): Promise<void>;
  close(): Promise<void>;
};

export type TrayIcon = {
  tooltip(): Promise<string>;
  /** The pixels of the icon as the application sent them, as text to compare. */
  picture(): Promise<string>;
  /** The lines that hold text, from top to bottom. */
  menu(): Promise<readonly TrayMenuLine[]>;
  /** Chooses a line as the panel does. */
  choose(label: string): Promise<void>;
  /** The icon itself is clicked. */
  activate(): Promise<void>;
};

/** Text as gdbus prints it, in its quotes. */
const quoted = String.raw`(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`;
const unquote = (text: string) =>
  text.replace(/\\u([0-9a-f]{4})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))).replace(/\\(.)/g, '$1');

/** The items of a flat dbusmenu layout in the words of gdbus; a separator has no label. */
export function menuLines(layout: string): TrayMenuLine[] {
  return [...layout.matchAll(/<\((\d+), \{(.*?)\}, @av \[\]\)>/g)].flatMap(([, id, properties = '']) => {
    const label = new RegExp(`'label': <${quoted}>`).exec(properties);
    if (!label) return [];
    const text = unquote(label[1] ?? label[2] ?? '');
    // One underscore marks an access key, two are one underscore.
    return text === '' ? [] : [{ id: Number(id), label: text.replace(/_(.)/g, '$1'), enabled: !properties.includes("'enabled': <false>") }];
  });
}

/** The calls of `Notify` as dbus-monitor prints them: the first, fourth and fifth argument that stand at the outermost indent. */
export function readNotices(printed: string): Notice[] {
  return printed.split(/^method call /m).flatMap((call) => {
    if (!/member=Notify\n/.test(call)) return [];
    const strings = [...call.matchAll(/^ {3}string "((?:[^\n]|\n(?! {3}))*)"$/gm)].map(([, text = '']) => text);
    const [app, , title, body] = strings;
    return app !== undefined && title !== undefined && body !== undefined && /^ {3}int32 /m.test(call) ? [{ app, title, body }] : [];
  });
}

function panelConfig(tray: boolean): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="30"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="${tray ? 'systray' : 'separator'}"/>
  </property>
</channel>
`;
}

/** Starts a desktop; `tray: false` is a panel without one. Resolves when everything answers on the bus. */
export async function startDesktop(options: { readonly tray?: boolean } = {}): Promise<Desktop> {
  const withTray = options.tray ?? true;
  // Short, because the agent's socket lies below it and a socket's address has 107 characters.
  const base = mkdtempSync(path.join(os.tmpdir(), 'mus-'));
  const home = path.join(base, 'ada');
  const folder = (...parts: string[]) => {
    const made = path.join(...parts);
    mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  };
  const config = folder(home, '.config');
  const channels = folder(config, 'xfce4/xfconf/xfce-perchannel-xml');
  writeFileSync(path.join(channels, 'xfce4-panel.xml'), panelConfig(withTray));
  // Below, where they don't lie on the tray.
  writeFileSync(
    path.join(channels, 'xfce4-notifyd.xml'),
    '<?xml version="1.0" encoding="UTF-8"?><channel name="xfce4-notifyd" version="1.0"><property name="notify-location" type="uint" value="3"/></channel>',
  );
  const fluxbox = folder(home, '.fluxbox');
  writeFileSync(
    path.join(fluxbox, 'init'),
    ['toolbar.visible: false', 'rootCommand: true', 'windowPlacement: RowMinOverlapPlacement']
      .map((line) => `session.screen0.${line}\n`)
      .join(''),
  );
  writeFileSync(path.join(fluxbox, 'overlay'), 'background: none\n');

  const children: ChildProcess[] = [];
  const begin = (file: string, args: readonly string[], env: Record<string, string>, stdio: 'ignore' | 'pipe' = 'ignore') => {
    const child = spawn(file, args, { env, cwd: home, stdio: ['ignore', stdio, 'ignore', 'pipe'] });
    child.on('error', () => {});
    children.push(child);
    return child;
  };
  const firstLine = (child: ChildProcess, descriptor: number, what: string) =>
    new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdio[descriptor]?.on('data', (chunk: Buffer) => {
        text += chunk;
        if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
      });
      child.once('exit', (code) => reject(new Error(`${what} ended with code ${code} before it was ready.`)));
      child.once('error', reject);
    });

  const env: Record<string, string> = {
    HOME: home,
    PATH: `${path.join(home, '.npm-global/bin')}:/usr/local/bin:/usr/bin:/bin`,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    XDG_CONFIG_HOME: config,
    XDG_CACHE_HOME: folder(home, '.cache'),
    XDG_DATA_HOME: folder(home, '.local/share'),
    XDG_RUNTIME_DIR: folder(base, 'run'),
    XDG_CURRENT_DESKTOP: 'XFCE',
    XDG_SESSION_TYPE: 'x11',
    // The accessibility bus and the settings service would outlive us, and nothing here asks them.
    NO_AT_BRIDGE: '1',
    GTK_A11Y: 'none',
    GIO_USE_VFS: 'local',
    GSETTINGS_BACKEND: 'memory',
  };

  async function close(): Promise<void> {
    for (const child of [...children].reverse()) child.kill();
    await Promise.all(
      children.map((child) =>
        child.exitCode !== null || child.signalCode !== null || child.pid === undefined
          ? null
          : new Promise((resolve) => child.once('exit', resolve)),
      ),
    );
    // The bus starts services by itself; they know this home, which nobody else has.
    for (const pid of processesWith(`HOME=${home}\0`)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await vi.waitFor(() => rmSync(base, { recursive: true, force: true }), { timeout: 5000 });
  }

  try {
    const screen = begin('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-noreset'], env);
    env['DISPLAY'] = `:${await firstLine(screen, 3, 'Xvfb')}`;
    const bus = begin('dbus-daemon', ['--session', '--nofork', '--nopidfile', '--print-address=3'], env);
    env['DBUS_SESSION_BUS_ADDRESS'] = await firstLine(bus, 3, 'dbus-daemon');

    let printed = '';
    const monitor = begin('dbus-monitor', ['--session', "interface='org.freedesktop.Notifications',member='Notify'"], env, 'pipe');
    monitor.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    const gdbus = async (command: 'call' | 'introspect', ...args: string[]) =>
      (await run('gdbus', [command, '--session', ...args], { env, encoding: 'utf8' })).stdout;
    const owned = (name: string) =>
      gdbus(
        'call',
        '--dest',
        'org.freedesktop.DBus',
        '--object-path',
        '/org/freedesktop/DBus',
        '--method',
        'org.freedesktop.DBus.NameHasOwner',
        name,
      ).then((answer) => answer.includes('true'));

    begin('fluxbox', [], env);
    begin('xfce4-panel', ['--disable-wm-check'], env);
    begin(notificationDaemon(), [], env);
    await vi.waitFor(
      async () => {
        for (const name of ['org.freedesktop.Notifications', 'org.xfce.Panel', ...(withTray ? ['org.kde.StatusNotifierWatcher'] : [])]) {
          if (!(await owned(name))) throw new Error(`Nobody answers as ${name}.`);
        }
        if (!(await run('xprop', ['-root', '_NET_SUPPORTING_WM_CHECK'], { env })).stdout.includes('window id'))
          throw new Error('No window manager yet.');
        if (printed === '') throw new Error('dbus-monitor does not listen yet.');
      },
      { timeout: 30_000, interval: 100 },
    );

    const property = (at: readonly string[], face: string, name: string) =>
      gdbus('call', ...at, '--method', 'org.freedesktop.DBus.Properties.Get', face, name);

    return {
      home,
      env,
      get notices() {
        return readNotices(printed);
      },
      async tray() {
        if (!(await owned('org.kde.StatusNotifierWatcher'))) return null;
        const items = await property(WATCHER, 'org.kde.StatusNotifierWatcher', 'RegisteredStatusNotifierItems');
        const [, dest, object = '/StatusNotifierItem'] = /'([^'/]+)(\/[^']*)?'/.exec(items.replace('@as', '')) ?? [];
        if (dest === undefined) return null;
        const at = ['--dest', dest, '--object-path', object];
        const ofItem = (name: string) => property(at, 'org.kde.StatusNotifierItem', name);
        const menuAt = async () => {
          const answer = await ofItem('Menu');
          return ['--dest', dest, '--object-path', /'(\/[^']*)'/.exec(answer)?.[1] ?? ''];
        };
        const menu = async () =>
          menuLines(await gdbus('call', ...(await menuAt()), '--method', 'com.canonical.dbusmenu.GetLayout', '0', '--', '-1', '@as []'));
        return {
          tooltip: async () => unquote(new RegExp(`${quoted}, ${quoted}\\)>,\\)\\s*$`).exec(await ofItem('ToolTip'))?.[1] ?? ''),
          picture: () => ofItem('IconPixmap'),
          menu,
          async choose(label) {
            // Each new menu has new numbers, and a click on an old one is lost: so a menu that stays for a moment is waited for.
            const lines = await vi.waitFor(async () => {
              const [now, then] = [await menu(), await menu()];
              if (JSON.stringify(now) !== JSON.stringify(then)) throw new Error("The tray's menu is changing.");
              return then;
            });
            const line = lines.find((each) => each.label === label && each.enabled);
            if (!line) throw new Error(`The tray's menu has no line “${label}” that can be chosen.`);
            await gdbus(
              'call',
              ...(await menuAt()),
              '--method',
              'com.canonical.dbusmenu.Event',
              String(line.id),
              'clicked',
              '<int32 0>',
              'uint32 0',
            );
          },
          activate: async () => void (await gdbus('call', ...at, '--method', 'org.kde.StatusNotifierItem.Activate', '0', '0')),
        };
      },
      shot: async (file) => void (await run('import', ['-window', 'root', file], { env })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ids of the processes in whose environment this text stands. */
function processesWith(text: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text) ? [pid] : [];
    } catch {
      return [];
    }
  });
}

function notificationDaemon(): string {
  const places = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map((place) =>
    path.join(place, 'xfce4/notifyd/xfce4-notifyd'),
  );
  return places.find((place) => existsSync(place)) ?? 'xfce4-notifyd';
}
