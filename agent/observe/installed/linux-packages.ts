/**
 * What Linux's own package managers say is installed: dpkg, snap and flatpak, each from its files.
 *
 * RPM keeps its list in a database (SQLite or Berkeley DB by age) whose records are binary, and asking `rpm` would run a program. What comes as
 * an RPM is met by its .desktop file and its executable instead.
 */
import path from 'node:path';
import { dataFolder } from './folders.ts';
import { type Look, plainVersion, type Source } from './look.ts';

export const dpkg: Source = {
  name: 'dpkg',
  look(look) {
    // Latin 1, because names and versions are ASCII and decoding megabytes of descriptions is most of the time.
    const status = look.bytes(look.os.at('/var/lib/dpkg/status'), 64 * 1024 * 1024)?.toString('latin1');
    if (status === undefined) return;
    for (const { name, version } of dpkgPackages(status, (name) => look.wants('dpkg', name))) {
      look.found({ kind: 'package', manager: 'dpkg', name, version, path: null, home: null });
    }
  },
};

/** The installed packages in dpkg's status file whose name is wanted; others are passed over without being looked at. */
export function dpkgPackages(status: string, wanted: (name: string) => boolean): { name: string; version: string | null }[] {
  const found: { name: string; version: string | null }[] = [];
  const start = '\nPackage: ';
  const after = (from: number): number | null => {
    const at = status.indexOf(start, from);
    return at < 0 ? null : at;
  };
  // The first line has no line break in front of it, which is as if it stood one character before the file.
  let next = status.startsWith(start.slice(1)) ? -1 : after(0);
  while (next !== null) {
    const nameAt = next + start.length;
    next = after(nameAt);
    const lineEnd = status.indexOf('\n', nameAt);
    const name = status.slice(nameAt, Math.min(lineEnd < 0 ? status.length : lineEnd, nameAt + 200)).trim();
    if (name === '' || !wanted(name)) continue;
    const paragraph = status.slice(nameAt, next ?? undefined).split('\n\n', 1)[0] ?? '';
    // A package that was removed and left its settings stays in the file with another state.
    if (!/^Status: \S+ \S+ installed$/m.test(paragraph)) continue;
    found.push({ name, version: plainVersion(/^Version: (\S+)$/m.exec(paragraph)?.[1]) });
  }
  return found;
}

export const snap: Source = {
  name: 'snap',
  look(look) {
    const { os } = look;
    const names = new Set<string>();
    for (const mounts of [os.at('/snap'), os.at('/var/lib/snapd/snap')]) {
      for (const name of look.list(mounts)) {
        if (names.has(name) || !look.wants('snap', name)) continue;
        const file = path.join(mounts, name, 'current/meta/snap.yaml');
        const text = look.bytes(file, 1024 * 1024)?.toString('utf8');
        if (text === undefined) continue;
        names.add(name);
        const version = /^version:[ \t]*(["']?)([^"'\r\n]{1,80})\1[ \t]*$/m.exec(text)?.[2];
        look.found({ kind: 'package', manager: 'snap', name, version: plainVersion(version), path: path.join(mounts, name), home: null });
      }
    }
    // Where the snaps aren't mounted (a container, a service that isn't running) their files still say which there are.
    for (const file of look.list(os.at('/var/lib/snapd/snaps'))) {
      const name = /^([a-z0-9-]{1,60})_x?\d+\.snap$/.exec(file)?.[1];
      if (name === undefined || names.has(name) || !look.wants('snap', name)) continue;
      names.add(name);
      look.found({
        kind: 'package',
        manager: 'snap',
        name,
        version: null,
        path: path.join(os.at('/var/lib/snapd/snaps'), file),
        home: null,
      });
    }
  },
};

export const flatpak: Source = {
  name: 'flatpak',
  look(look) {
    const folders = [look.os.at('/var/lib/flatpak/app'), ...look.homes.map((home) => path.join(dataFolder(look, home), 'flatpak/app'))];
    for (const folder of folders) {
      for (const name of look.list(folder)) {
        if (!look.wants('flatpak', name)) continue;
        const at = path.join(folder, name);
        const active = path.join(at, 'current/active');
        // A folder without a deployment is what a removal left.
        if (look.list(active).length === 0) continue;
        look.found({ kind: 'package', manager: 'flatpak', name, version: appVersion(look, active, name), path: at, home: look.homeOf(at) });
      }
    }
  },
};

/** The newest release in the application's own description: flatpak's metadata names the commit, not the version. */
function appVersion(look: Look, active: string, name: string): string | null {
  for (const file of [
    `export/share/metainfo/${name}.metainfo.xml`,
    `files/share/metainfo/${name}.metainfo.xml`,
    `files/share/appdata/${name}.appdata.xml`,
  ]) {
    const text = look.details(path.join(active, file), 1024 * 1024)?.toString('utf8');
    if (text === undefined) continue;
    const at = text.indexOf('<release ');
    const tag = at < 0 ? '' : text.slice(at, at + 1000).split('>')[0];
    return plainVersion(/\bversion="([^"]*)"/.exec(tag ?? '')?.[1]);
  }
  return null;
}
