/** Pages that people have as apps, by the launchers that browsers make for them: macOS keeps the page's address in each, Linux in some. */
import path from 'node:path';
import { parsePlist } from '../../mcp/plist.ts';
import { own } from '../../mcp/text.ts';
import type { HomeReader } from '../home-reader.ts';
import { resolvePlace } from '../paths.ts';
import { plistStrings } from '../plist.ts';
import type { ExtensionSource, Look } from './look.ts';

const maximumApps = 500;

export const webApps: ExtensionSource = (look) => {
  const { os, homes } = look.reader;
  for (const home of homes) {
    if (os.platform === 'darwin') onMac(look, home);
    if (os.platform === 'linux') onLinux(look, home);
  }
};

/** `~/Applications/Chrome Apps.localized/Claude.app`, and Safari's directly in `~/Applications`. From documentation and forums; not tried on a Mac. */
function onMac(look: Look, home: string): void {
  const { reader } = look;
  const applications = path.join(home, 'Applications');
  for (const name of reader.folders(applications).slice(0, maximumApps)) {
    const folder = path.join(applications, name);
    const browser = /^(.{1,60}) Apps(?:\.localized)?$/.exec(name)?.[1];
    if (browser !== undefined) {
      for (const app of reader.folders(folder).slice(0, maximumApps))
        if (app.endsWith('.app')) site(look, path.join(folder, app), browser, home);
    } else if (name.endsWith('.app')) site(look, folder, null, home);
  }
}

const shimKeys: ReadonlySet<string> = new Set(['CrAppModeShortcutURL', 'CFBundleIdentifier']);

function site(look: Look, app: string, browser: string | null, home: string): void {
  const file = path.join(app, 'Contents/Info.plist');
  const taken = look.reader.take(file, { maxBytes: 512 * 1024, expected: 'a property list', detail: true }, (bytes) => {
    const strings = plistStrings(bytes, shimKeys);
    const address = strings.get('CrAppModeShortcutURL');
    if (address !== undefined) return { host: hostOf(address), safari: false };
    const isSafari = strings.get('CFBundleIdentifier')?.startsWith('com.apple.Safari.WebApp.') === true;
    return { host: isSafari ? hostOf(own(own(plist(bytes), 'Manifest'), 'start_url')) : null, safari: isSafari };
  });
  if (taken.state !== 'read' || taken.value.host === null) return;
  look.found({ kind: 'site', host: taken.value.host, program: taken.value.safari ? 'Safari' : (browser ?? 'Chromium'), path: app, home });
}

function plist(bytes: Buffer): unknown {
  try {
    return parsePlist(bytes);
  } catch {
    return null;
  }
}

/** A launcher with `--app=<address>`; one with `--app-id` has no more than a number made from the address. */
function onLinux(look: Look, home: string): void {
  const { reader } = look;
  for (const folder of launcherFolders(reader, home)) {
    const names = (reader.list(folder) ?? []).map(({ name }) => name).filter((name) => name.endsWith('.desktop'));
    for (const name of names.slice(0, maximumApps)) {
      const file = path.join(folder, name);
      const taken = reader.take(file, { maxBytes: 512 * 1024, expected: 'a launcher', detail: true }, (bytes) => {
        const [, exec = ''] = /\nExec[ \t]*=[ \t]*([^\r\n]{0,4096})/.exec(bytes.toString('utf8')) ?? [];
        const host = hostOf(/(?:^|[\s"'])--app=["']?([^\s"']{1,2000})/.exec(exec)?.[1]);
        return { host, program: host === null ? '' : browserOf(exec) };
      });
      if (taken.state === 'read' && taken.value.host !== null) {
        look.found({ kind: 'site', host: taken.value.host, program: taken.value.program, path: file, home });
      }
    }
  }
}

function launcherFolders(reader: HomeReader, home: string): string[] {
  const data = resolvePlace('$XDG_DATA_HOME/applications', reader.os, home);
  return data === null ? [] : [data];
}

const browserNames: readonly (readonly [RegExp, string])[] = [
  [/brave/i, 'Brave'],
  [/edge/i, 'Edge'],
  [/vivaldi/i, 'Vivaldi'],
  [/opera/i, 'Opera'],
  [/google-chrome|com\.google\.Chrome/i, 'Chrome'],
];

function browserOf(exec: string): string {
  const program = exec.split(/\s--app=/)[0] ?? '';
  return browserNames.find(([pattern]) => pattern.test(program))?.[1] ?? 'Chromium';
}

/** The host of a page's address, without `www.`; null where it is none, or one of this computer. */
export function hostOf(address: unknown): string | null {
  if (typeof address !== 'string' || address.length > 2000) return null;
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  const host = url.hostname.replace(/^www\./, '');
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)+$/.test(host) && !/^[\d.]+$/.test(host) ? host : null;
}
