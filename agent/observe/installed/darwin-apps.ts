/**
 * macOS applications: the bundles in /Applications and ~/Applications, and in their folders one level down.
 *
 * Neither folder makes macOS ask the user; Desktop, Documents, Downloads and other apps' containers would, and are left alone. /System/Applications
 * holds only Apple's own. Written from documentation; unverified on macOS.
 */
import path from 'node:path';
import { plistStrings } from '../plist.ts';
import { type Look, plainName, plainVersion, type Source } from './look.ts';

const wanted: ReadonlySet<string> = new Set(['CFBundleIdentifier', 'CFBundleDisplayName', 'CFBundleName', 'CFBundleShortVersionString']);

export const darwinApps: Source = {
  name: 'app',
  look(look) {
    for (const folder of [look.os.at('/Applications'), ...look.homes.map((home) => path.join(home, 'Applications'))]) {
      for (const name of look.list(folder)) {
        if (name.startsWith('.')) continue;
        if (name.endsWith('.app')) lookAtBundle(look, path.join(folder, name), name);
        // Setapp, Utilities, a vendor's own folder, a browser's installed web applications.
        else {
          for (const inner of look.list(path.join(folder, name))) {
            if (inner.endsWith('.app') && !inner.startsWith('.')) lookAtBundle(look, path.join(folder, name, inner), inner);
          }
        }
      }
    }
  },
};

function lookAtBundle(look: Look, bundle: string, fileName: string): void {
  // An iPad application is wrapped, and has its property list inside of the wrapping.
  const bytes =
    look.bytes(path.join(bundle, 'Contents/Info.plist'), 1024 * 1024) ??
    look.bytes(path.join(bundle, 'WrappedBundle/Info.plist'), 1024 * 1024);
  if (bytes === null) return;
  const info = plistStrings(bytes, wanted);
  const appId = plainName(info.get('CFBundleIdentifier'));
  if (appId === null) return;
  look.found({
    kind: 'app',
    platform: 'darwin',
    appId,
    name: plainName(info.get('CFBundleDisplayName')) ?? plainName(info.get('CFBundleName')) ?? fileName.slice(0, -'.app'.length),
    publisher: null,
    version: plainVersion(info.get('CFBundleShortVersionString')),
    path: bundle,
    home: look.homeOf(bundle),
  });
}
